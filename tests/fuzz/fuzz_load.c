/* fuzz_load.c - any header or body of an edge: a load from 0 to 10^15, or none.
 */
#include "probe/load_from.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Of its own size, so that a byte read behind it is seen. */
	char *text = malloc(len + 1);
	float load = -1;

	if (!text)
		abort();
	memcpy(text, data, len);
	char *exact = realloc(text, len ? len : 1);
	if (load_from_body(exact, len, "load", &load))
		assert(load >= 0 && load <= 1e15f);
	if (load_from_header(exact, len, "X-Load", &load))
		assert(load >= 0 && load <= 1e15f);
	if (load_from_number(exact, len, &load))
		assert(load >= 0 && load <= 1e15f);
	free(exact);
	return 0;
}
