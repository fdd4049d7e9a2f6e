/* fuzz_tsig.c - any bytes as a signed query: its signature is looked at and answered, with keys of all algorithms.
 *
 * What an answer's TSIG record makes of a message is a message that we read, too.
 */
#include "dns/tsig.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { NOW = 1700000000, ANSWER = 512, ROOM = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t name[] = "\1k", secret[32] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
		14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
	struct tsig_key keys[TSIG_ALGORITHMS];
	struct query q, back;
	struct tsig t = { .key = NULL };
	uint8_t answer[ROOM] = { 0x12, 0x34, 0x84 };

	for (unsigned a = 0; a < TSIG_ALGORITHMS; a++)
		keys[a] = (struct tsig_key){ name, secret, sizeof secret, a, (uint8_t)tsig_mac_whole(a) };
	if (query_parse(&q, data, len) != QUERY_TSIG)
		return 0;
	const enum tsig_verdict v = tsig_verify(&t, &q.tsig, data, keys, TSIG_ALGORITHMS, NOW);
	if (v == TSIG_GOOD && (!t.key || t.error))
		abort();
	if (v == TSIG_MALFORMED && t.key)
		abort();
	const size_t size = t.key ? tsig_sign(&t, answer, QUERY_HEADER, NOW)
				  : tsig_refuse(&q, t.error, answer, QUERY_HEADER, ANSWER);
	if (size > ANSWER || (t.key && size > QUERY_HEADER + tsig_len(&t)))
		abort();
	answer[2] = 0;
	/* No question, or it would be read as QUERY_OK once it is right. */
	if (size > QUERY_HEADER && (query_parse(&back, answer, size) != QUERY_TSIG || back.tsig.key_len != q.tsig.key_len))
		abort();
	return 0;
}
