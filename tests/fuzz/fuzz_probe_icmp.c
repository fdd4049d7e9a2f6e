/* fuzz_probe_icmp.c - any packet on a ping socket: an echo message or none.
 */
#include "probe/check_icmp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct check_icmp_echo e;
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	memcpy(exact, data, len);
	for (unsigned how = 0; how < 4; how++)
		if (check_icmp_read(&e, exact, len, how & 1, how & 2)) {
			assert(len >= 16);
			assert(how & 1 ? e.type == 0 || e.type == 8
				       : e.type == 128 || e.type == 129);
		}
	free(exact);
	return 0;
}
