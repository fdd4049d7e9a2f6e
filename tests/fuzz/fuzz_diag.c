/* fuzz_diag.c - any bytes as the kernel's answer about its TCP connections, or as an ICMP
 * message.
 *
 * Whatever is told of a connection has a peer and a time; nothing outside the bytes is read.
 */
#include "tools/agent_diag.h"
#include "tools/agent_echo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void take(void *ctx, const struct diag_connection *c)
{
	unsigned *n = ctx;

	++*n;
	assert(c->rtt_us > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *part = malloc(len + !len); /* of exactly its length, for the sanitizer */
	struct echo_tag tag;
	unsigned n = 0;
	int error = 0;

	if (!part)
		return 0;
	memcpy(part, data, len);
	const enum diag_result r = diag_parse(part, len, take, &n, &error);
	assert(n <= len / 16 && (r != DIAG_FAILED || error > 0));
	for (unsigned how = 0; how < 4; how++)
		echo_parse(part, len, how & 1, how & 2, &tag);
	free(part);
	return 0;
}
