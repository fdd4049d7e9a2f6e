#include "daemon/worker_news.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <string.h>

#define TOLD_FOR_US 60000000u

enum { ROOM = 1024 };

struct worker_news {
	struct mailbox *box;
	worker_news_notify *notify; /* NULL: nobody yet */
	void *notify_ctx;
	uint64_t told_us; /* 0: never */
};

static void take(void *ctx, const void *item)
{
	struct worker_news *n = ctx;
	const struct answer_news *news = item;
	const uint64_t now = clock_us();

	if (news->kind == NEWS_NOTIFY) {
		if (n->notify)
			n->notify(n->notify_ctx, news->name, &news->from);
		return;
	}
	if (n->told_us && now - n->told_us < TOLD_FOR_US)
		return;
	n->told_us = now;
	log_line(LOG_ERROR,
		"UDP: %s in place of queries; trying on (\"status\" counts: receive_failed)",
		strerror(news->error));
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
