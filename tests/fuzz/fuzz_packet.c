/* fuzz_packet.c - any bytes as a query over UDP and TCP, against zones of every kind of name,
 * signed ones among them, and pools of edges and of pools.
 *
 * Whatever comes in, what goes out is a sound message: as long as may be, its records ending
 * where it ends.
 */
#include "answer/answer.h"
#include "base/bytes.h"
#include "fuzz/fuzz_world.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The length of the name at `at`, its pointers checked to point back; aborts when it is none.
 */
static size_t skip_name(const uint8_t *m, size_t len, size_t at)
{
	size_t end = 0, here = at, total = 0;

	for (;;) {
		if (here >= len)
			abort();
		if (m[here] >= 0xc0) {
			const size_t to = be16_get(m + here) & 0x3fffu;
			end = end ? end : here + 2;
			if (to >= here || to < 12)
				abort();
			here = to;
			continue;
		}
		if (m[here] > 63 || (total += m[here] + 1u) > 255)
			abort();
		if (m[here] == 0)
			return end ? end : here + 1;
		here += m[here] + 1u;
	}
}

static void check_message(const uint8_t *m, size_t len)
{
	size_t at = 12;

	if (len < 12 || !(m[2] & 0x80))
		abort();
	for (unsigned q = be16_get(m + 4); q; q--)
		at = skip_name(m, len, at) + 4;
	for (unsigned n = be16_get(m + 6) + be16_get(m + 8) + be16_get(m + 10); n; n--) {
		at = skip_name(m, len, at);
		if (at + 10 > len)
			abort();
		at += 10u + be16_get(m + at + 8);
	}
	if (at != len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world *world;
	static struct choose_turn turns[FUZZ_POOLS * CHOOSE_TURNS];
	static struct stats stats;

	if (!world)
		world = fuzz_world(FUZZ_NOW_S);
	struct answerer a = { .world = world,
		.stats = &stats,
		.turns = turns,
		.now_s = FUZZ_NOW_S,
		.keepalive_100ms = 100 };
	for (int tcp = 0; tcp < 2; tcp++) {
		/* Of just the size that is promised, so that the address sanitizer sees a byte
		 * written too many. */
		uint8_t *to = malloc(tcp ? ANSWER_TCP_MOST : ANSWER_UDP_MOST);
		struct answer_ask ask = { .packet = data,
			.len = len,
			.via = tcp ? VIA_TCP : VIA_UDP,
			.proven = tcp,
			.room = tcp ? ANSWER_TCP_MOST : ANSWER_UDP_MOST,
			.to = to };
		memcpy(ask.source.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x08\x08\x08\x08", 16);
		const size_t n = answer(&a, &ask);
		if (n > (tcp ? ANSWER_TCP_MOST : ANSWER_UDP_MOST))
			abort();
		if (n)
			check_message(to, n);
		free(to);
	}
	return 0;
}
