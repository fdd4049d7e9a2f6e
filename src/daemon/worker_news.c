#include "daemon/worker_news.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/tsig.h"
#include "net/request.h"

#include <stdio.h>
#include <string.h>

#define TOLD_FOR_US 60000000u
#define PAUSE_US    1000000u

enum { ROOM = 1024, SUBJECTS = 64 };

struct worker_news {
	struct mailbox *box;
	worker_news_notify *notify; /* NULL: nobody yet */
	void *notify_ctx;
	worker_news_update *update; /* NULL: nobody */
	void *update_ctx;
	uint64_t told_us; /* 0: never */
	/* Who may not, each once a minute; of all one a second. */
	struct subject {
		uint64_t hash, told_us; /* 0: free */
	} subjects[SUBJECTS];
	uint64_t refused_us;
	worker_news_notify *overhear; /* NULL: nobody */
	void *overhear_ctx;
};

/* Is it time to tell of this again? The oldest makes room for a new one. */
static bool is_due(struct worker_news *n, uint64_t hash, uint64_t now)
{
	struct subject *oldest = n->subjects;

	if (n->refused_us && now - n->refused_us < PAUSE_US)
		return false;
	for (struct subject *s = n->subjects; s < n->subjects + SUBJECTS; s++) {
		if (s->told_us && s->hash == hash && now - s->told_us < TOLD_FOR_US)
			return false;
		if (s->told_us < oldest->told_us)
			oldest = s;
	}
	*oldest = (struct subject){ hash, now };
	n->refused_us = now;
	return true;
}

/* FNV-1a. */
static uint64_t subject_of(const struct answer_news *news)
{
	uint64_t h = 14695981039346656037u ^ ((uint64_t)news->kind << 8 | (unsigned)news->error);

	for (size_t i = 0; i < name_len(news->name); i++)
		h = (h ^ news->name[i]) * 1099511628211u;
	for (size_t i = 0; i < name_len(news->algorithm); i++)
		h = (h ^ news->algorithm[i]) * 1099511628211u;
	return h;
}

static void tell_unknown_key(const struct answer_news *news, const char *start)
{
	static const uint8_t md5[] = "\010hmac-md5\007sig-alg\003reg\003int";

	log_line(LOG_WARNING, "%s: \"keys\" has none of that name and algorithm (BADKEY)%s", start,
		name_equal(news->algorithm, md5)
			? "; certbot signs with HMAC-MD5 unless its algorithm is written in "
			  "capitals (dns_rfc2136_algorithm = HMAC-SHA256); for who can do no "
			  "better, write \"md5: on\" beside the key's secret"
			: "");
}

static void tell_signature(const struct answer_news *news)
{
	char from[ADDR_TEXT], key[NAME_TEXT], algorithm[NAME_TEXT],
		start[2 * NAME_TEXT + ADDR_TEXT + 64];

	snprintf(start, sizeof start, "TSIG: %s signs with key %s by %s",
		addr_text(from, &news->from), name_text(key, news->name),
		name_text(algorithm, news->algorithm));
	if (news->error == TSIG_BADKEY)
		tell_unknown_key(news, start);
	else if (news->error == TSIG_BADSIG)
		log_line(LOG_WARNING, "%s: not with the secret that \"keys\" has (BADSIG)", start);
	else if (news->error == TSIG_BADTIME)
		log_line(LOG_WARNING, "%s: its clock is %lld s %s ours, or that is an old packet "
				      "again (BADTIME)",
			start, (long long)(news->late_s < 0 ? -news->late_s : news->late_s),
			news->late_s < 0 ? "before" : "behind");
	else
		log_line(LOG_WARNING, "%s: its MAC is cut shorter than the key's algorithm says "
				      "(BADTRUNC)",
			start);
}

static void tell_transfer(const struct answer_news *news)
{
	char from[ADDR_TEXT], zone[NAME_TEXT];

	log_line(LOG_WARNING, "transfer: zone %s: refused to %s, whom its \"transfer\" does not name",
		view_text(zone, news->name), addr_text(from, &news->from));
}

static void tell_proxy(const struct answer_news *news)
{
	char from[ADDR_TEXT];

	addr_text(from, &news->from);
	if (news->error == NEWS_PROXY_STRANGER)
		log_line(LOG_WARNING,
			"proxy: %s sends headers of PROXY: refused, \"server: proxy: from\" does not "
			"name it",
			from);
	else
		log_line(LOG_WARNING,
			"proxy: %s sends queries without a header of PROXY: refused, since "
			"\"server: proxy: from\" names it (dnsdist: useProxyProtocol=true)",
			from);
}

void worker_news_notified(struct worker_news *n, const uint8_t *apex, const struct addr *from)
{
	if (n->notify)
		n->notify(n->notify_ctx, apex, from);
}

static void take(void *ctx, const void *item)
{
	struct worker_news *n = ctx;
	const struct answer_news *news = item;
	const uint64_t now = clock_us();

	switch (news->kind) {
	case NEWS_UPDATE:
		if (n->update)
			n->update(n->update_ctx, news->request);
		else
			request_answer(news->request, NULL, 0);
		return;
	case NEWS_NOTIFY:
		worker_news_notified(n, news->name, &news->from);
		if (n->overhear)
			n->overhear(n->overhear_ctx, news->name, &news->from);
		return;
	case NEWS_SIGNATURE:
		if (is_due(n, subject_of(news), now))
			tell_signature(news);
		return;
	case NEWS_TRANSFER:
		if (is_due(n, subject_of(news), now))
			tell_transfer(news);
		return;
	case NEWS_PROXY:
		if (is_due(n, subject_of(news), now))
			tell_proxy(news);
		return;
	case NEWS_RECEIVE_ERROR:
		if (n->told_us && now - n->told_us < TOLD_FOR_US)
			return;
		n->told_us = now;
		log_line(LOG_ERROR,
			"UDP: %s in place of queries; trying on (\"status\" counts: receive_failed)",
			strerror(news->error));
		return;
	}
}

struct worker_news *worker_news_new(struct ev_loop *loop)
{
	struct worker_news *n = memory_zeroed(1, sizeof *n);

	n->box = mailbox_new(&(struct mailbox_opts){ .loop = loop,
		.room = ROOM,
		.item = sizeof(struct answer_news),
		.ctx = n,
		.take = take });
	return n;
}

void worker_news_free(struct worker_news *n)
{
	mailbox_free(n->box);
	memory_free(n);
}

struct mailbox *worker_news_box(struct worker_news *n)
{
	return n->box;
}

void worker_news_follow(struct worker_news *n, worker_news_notify *notify, void *ctx)
{
	n->notify = notify;
	n->notify_ctx = ctx;
}

void worker_news_overhear(struct worker_news *n, worker_news_notify *notify, void *ctx)
{
	n->overhear = notify;
	n->overhear_ctx = ctx;
}

void worker_news_take_updates(struct worker_news *n, worker_news_update *update, void *ctx)
{
	n->update = update;
	n->update_ctx = ctx;
}
