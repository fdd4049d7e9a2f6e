/* fuzz_tz.c - any bytes as a file of the tz database: an offset at any time, and what is next lies ahead.
 */
#include "base/tz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int64_t times[] = { -10000000000, 0, 1700000000, 4000000000, 100000000000 };
	/* Of its own size, so that a byte read behind it is seen. */
	uint8_t *exact = malloc(len ? len : 1);
	struct arena mem = { 0 };
	struct fault why;

	if (!exact)
		abort();
	memcpy(exact, data, len);
	const struct tz *tz = tz_parse(&mem, exact, len, &why);
	for (unsigned i = 0; tz && i < sizeof times / sizeof *times; i++) {
		const int32_t offset = tz_offset(tz, times[i]);
		assert(offset > -200 * 3600 && offset < 200 * 3600);
		assert(tz_next(tz, times[i]) > times[i]);
	}
	arena_fini(&mem);
	free(exact);
	return 0;
}
