/* worker_news.h - what workers have to say is said and done.
 *
 * They post it (answer/news.h) when it happens, and go on; here it goes into the log, of one kind
 * once a minute at most, and to who follows it. Loop.
 */
#ifndef DAEMON_WORKER_NEWS_H
#define DAEMON_WORKER_NEWS_H

#include "answer/news.h"
#include "jobs/mailbox.h"

struct worker_news;

struct worker_news *worker_news_new(struct ev_loop *loop);
/* When no worker runs any more. */
void worker_news_free(struct worker_news *n);

/* Who hears of NOTIFY; `apex` is good during the call. */
typedef void worker_news_notify(void *ctx, const uint8_t *apex, const struct addr *from);
void worker_news_follow(struct worker_news *n, worker_news_notify *notify, void *ctx);

/* Who else hears of NOTIFY, and where one is heard that came to others; NULL: nobody. */
void worker_news_overhear(struct worker_news *n, worker_news_notify *notify, void *ctx);
void worker_news_notified(struct worker_news *n, const uint8_t *apex, const struct addr *from);

/* Who takes UPDATEs; without one they are not answered. */
typedef void worker_news_update(void *ctx, struct request *request);
void worker_news_take_updates(struct worker_news *n, worker_news_update *update, void *ctx);

/* For the workers. */
struct mailbox *worker_news_box(struct worker_news *n);

#endif
