/* fuzz_state_file.c - any state file: what is taken from it makes sense, and a fault has its
 * place.
 */
#include "base/text.h"
#include "store/state_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct state_file_clock now = {
		.boot = "b", .boot_ms = 1000000, .wall_ms = 1700000000000, .now_us = 1000000000
	};
	struct fault why = { "" };
	struct state_file s;

	if (!state_file_read(&s, "state", (const char *)data, len, &now, &why)) {
		assert(strncmp(why.text, "state:", 6) == 0);
		return 0;
	}
	assert(s.age_ms >= 0 && s.forced.n <= FORCED_MOST);
	for (size_t i = 0; i < s.forced.n; i++)
		assert(*s.forced.of[i].edge && s.forced.of[i].until_us > now.now_us);
	for (size_t i = 0; i < s.n; i++)
		assert(s.verdicts[i].probe && s.verdicts[i].since_us <= (int64_t)now.now_us);
	state_file_fini(&s);
	return 0;
}
