/* worker_news.h - what workers have to say goes into the log.
 *
 * They post it (net/news.h) when it happens, and go on; here it is said, of one kind once a
 * minute at most. Loop.
 */
#ifndef DAEMON_WORKER_NEWS_H
#define DAEMON_WORKER_NEWS_H

#include "jobs/mailbox.h"

struct worker_news;

struct worker_news *worker_news_new(struct ev_loop *loop);
/* When no worker runs any more. */
void worker_news_free(struct worker_news *n);

/* For the workers. */
struct mailbox *worker_news_box(struct worker_news *n);

#endif
