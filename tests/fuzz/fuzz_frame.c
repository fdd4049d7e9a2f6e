/* fuzz_frame.c - frames from the network, and answers into them.
 */
#include "net/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct frame f, back;
	/* Of just its size, so that the address sanitizer sees a byte read too many. */
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	if (frame_read(&f, copy, len)) {
		uint8_t *to = calloc(1, f.head + f.len + 1u);
		if ((size_t)f.head + f.len > len || f.head > FRAME_HEAD_MOST)
			abort();
		memcpy(to + f.head, copy + f.head, f.len);
		const size_t n = frame_answer(&f, to, f.len);
		if (n != (size_t)f.head + f.len || (n >= FRAME_LINK_MOST && !frame_read(&back, to, n)))
			abort();
		free(to);
	}
	free(copy);
	return 0;
}
