#include "net/batch.h"

#include "base/bytes.h"
#include "base/log.h"
#include "dns/rrtype.h"
#include "dns/writer.h"
#include "net/choice_counts_new.h"
#include "net/proxy.h"

#include <stdlib.h>
#include <string.h>

void *batch_lines(size_t n, size_t size)
{
	const size_t len = (n * size + BATCH_LINE - 1) & ~(size_t)(BATCH_LINE - 1);
	void *p = aligned_alloc(BATCH_LINE, len);

	if (!p)
		die("out of memory");
	return memset(p, 0, len);
}

/* A full box loses it: who told it tells it again. */
static void post(void *box, const struct answer_news *news)
{
	mailbox_post(box, news);
}

void batch_init(struct batch *b, const struct batch_opts *opts)
{
	b->epoch = opts->epoch;
	b->news = opts->news;
	b->most = opts->most;
	b->ask = batch_lines(b->most, sizeof *b->ask);
	b->pending = batch_lines(b->most, sizeof *b->pending);
	b->counts = choice_counts_new();
	tap_init(&b->tap);
	b->answerer = (struct answerer){
		.stats = &b->stats,
		.samples = &b->samples,
		.turns = b->counts->turns,
		.counts = b->counts,
		.rrl = opts->rrl,
		.tell = opts->news ? post : NULL,
		.tell_ctx = opts->news,
	};
	for (unsigned i = 0; i < b->most; i++)
		b->ask[i] = (struct answer_ask){ .room = ANSWER_UDP_MOST, .later = &b->later };
}

void batch_fini(struct batch *b)
{
	choice_counts_free(b->counts);
	tap_fini(&b->tap);
	free(b->ask);
	free(b->pending);
}

static void tell_refused(struct batch *b, const struct addr *from, enum answer_news_proxy why)
{
	stats_add(&b->stats.proxy_refused, 1);
	if (!b->news || b->answerer.told_s == b->answerer.now_s)
		return;
	b->answerer.told_s = b->answerer.now_s;
	mailbox_post(b->news,
		&(struct answer_news){ .kind = NEWS_PROXY, .error = (int)why, .from = *from });
}

/* Who asks, where a proxy may have sent it: such a one says so in each packet, and nobody else does. */
static void find_client(struct batch *b, struct answer_ask *ask)
{
	struct proxy_header h;
	const bool may = policy_is_proxy(&b->answerer.world->policy, &ask->source);
	const bool has = proxy_read(&h, ask->packet, ask->len, false) == PROXY_WHOLE;

	if (may != has) {
		tell_refused(b, &ask->source, may ? NEWS_PROXY_NO_HEADER : NEWS_PROXY_STRANGER);
		ask->len = 0;
	} else if (has) {
		ask->packet += h.len;
		ask->len -= h.len;
		if (h.told) {
			ask->source = h.client;
			ask->proven = !h.datagram;
		}
		stats_add(&b->stats.proxied, 1);
	}
}

void batch_find_clients(struct batch *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		find_client(b, &b->ask[i]);
}

struct request *batch_later(struct batch *b, unsigned i)
{
	struct request *r = b->news ? request_new(&b->ask[i], &b->later) : NULL;

	b->later.asked = false;
	return r;
}

void batch_post_later(struct batch *b, struct request *r)
{
	if (!mailbox_post(b->news, &(struct answer_news){ .kind = NEWS_UPDATE, .request = r }))
		free(r);
}

size_t batch_find_opt(const uint8_t *p, size_t at, size_t *len)
{
	const unsigned records = be16_get(p + WRITER_ANSWER) + be16_get(p + WRITER_ANSWER + 2) +
		be16_get(p + WRITER_ANSWER + 4);

	for (unsigned i = 0; i < records; i++) {
		const size_t from = at, fixed = writer_behind_name(p, at);
		at = fixed + 10 + be16_get(p + fixed + 8);
		*len = at - from;
		if (be16_get(p + fixed) == RRTYPE_OPT)
			return from;
	}
	return 0;
}

bool batch_cut(struct iovec *answer)
{
	uint8_t *p = answer->iov_base;
	size_t len = QUERY_HEADER, opt_len = 0;

	if (p[5])
		len = writer_behind_name(p, len) + 4;
	const size_t opt = batch_find_opt(p, len, &opt_len);
	if (!opt || len + opt_len >= answer->iov_len)
		opt_len = 0;
	if (len + opt_len >= answer->iov_len)
		return false;
	p[2] |= FLAG_TC >> 8;
	memset(p + WRITER_ANSWER, 0, QUERY_HEADER - WRITER_ANSWER);
	if (opt_len) {
		memmove(p + len, p + opt, opt_len);
		p[QUERY_HEADER - 1] = 1;
	}
	answer->iov_len = len + opt_len;
	return true;
}
