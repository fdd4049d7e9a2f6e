/* fuzz_doh.c - bytes of a client of DNS over HTTPS, in pieces, as HTTP/1.1 or HTTP/2 as they say themselves.
 *
 * The first byte is how long the pieces are and whether what comes out is taken at once. With bit 7 the preface and
 * SETTINGS of HTTP/2 go in front, so that not every input has to find them.
 */
#include "base/bytes.h"
#include "net/doh.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { ENOUGH = 16384, ANSWER = 65535 };

/* A message as long as the query says in its first bytes, whose records a reader can go through. */
static struct doh_answer answer_it(void *ctx, const struct doh_query *q)
{
	static uint8_t reply[ANSWER];

	(void)ctx;
	if (q->len < 12)
		return (struct doh_answer){ .len = 0 };
	const size_t most = be16_get(q->packet), n = most > 12 ? most : 12;
	memset(reply, 0, n);
	return (struct doh_answer){ reply, n, q->packet[2] & 1,
		"Sat, 28 Nov 2026 02:07:39 GMT" };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	static const struct doh_opts opts = { .path = "/q", .forwarded = true, .answer = answer_it };
	/* Of just the size that is promised. */
	uint8_t *out = malloc(ENOUGH + ANSWER + DOH_GIVEN_MOST);
	struct doh *d = doh_new(&opts, false);
	bool open = true;

	if (!len || !out || !d)
		goto done;
	const uint8_t how = *data++;
	const size_t piece = 1 + (how & 0x3f) * 64u;
	len--;
	if (how & 0x80)
		open = doh_take(d, preface, sizeof preface - 1);
	while (open && len) {
		const size_t n = len < piece ? len : piece;
		for (unsigned i = 0; doh_has_more(d) && i < (how & 0x40 ? 1u : 1000u); i++)
			if (doh_give(d, out, ENOUGH) > ENOUGH + ANSWER + DOH_GIVEN_MOST)
				abort();
		open = doh_take(d, data, n) && !doh_is_over(d);
		data += n;
		len -= n;
	}
	for (unsigned i = 0; doh_has_more(d); i++) {
		doh_give(d, out, ENOUGH);
		if (i > 100000)
			abort();
	}
done:
	doh_free(d);
	free(out);
	return 0;
}
