/* fuzz_keep.c - any state file: what is taken from it makes sense, and a fault has its place.
 */
#include "base/text.h"
#include "ctl/keep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct keep_clock now = {
		.boot = "b", .boot_ms = 1000000, .wall_ms = 1700000000000, .now_us = 1000000000
	};
	struct fault why = { "" };
	struct keep k;

	if (!keep_read(&k, "state", (const char *)data, len, &now, &why)) {
		assert(strncmp(why.text, "state:", 6) == 0);
		return 0;
	}
	assert(k.age_ms >= 0 && k.forced.n <= FORCED_MOST);
	for (size_t i = 0; i < k.forced.n; i++)
		assert(*k.forced.of[i].edge && k.forced.of[i].until_us > now.now_us);
	for (size_t i = 0; i < k.n; i++)
		assert(k.verdicts[i].probe && k.verdicts[i].since_us <= (int64_t)now.now_us);
	keep_fini(&k);
	return 0;
}
