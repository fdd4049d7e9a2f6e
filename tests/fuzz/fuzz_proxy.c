/* fuzz_proxy.c - headers of PROXY, of datagrams and, byte by byte as they say that there must be more, of streams.
 */
#include "net/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Of just its size, so that the address sanitizer sees a byte read too many. */
static enum proxy_result read_copy(struct proxy_header *h, const uint8_t *data, size_t len, bool text)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	const enum proxy_result r = proxy_read(h, copy, len, text);
	free(copy);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct proxy_header h;

	if (read_copy(&h, data, len, false) == PROXY_WHOLE && h.len > len)
		abort();
	for (size_t have = 0;;) {
		const enum proxy_result r = read_copy(&h, data, have, true);
		if (r == PROXY_WHOLE && h.len != have)
			abort(); /* more was read than is its own */
		if (r != PROXY_MORE)
			break;
		if (h.len <= have || h.len > PROXY_MOST)
			abort();
		if (h.len > len)
			break;
		have = h.len;
	}
	return 0;
}
