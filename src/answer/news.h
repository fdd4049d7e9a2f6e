/* news.h - what an answer has for the control thread to do: a worker does nothing that takes
 * time, and writes no log.
 */
#ifndef ANSWER_NEWS_H
#define ANSWER_NEWS_H

#include "base/addr.h"
#include "dns/name.h"

enum answer_news_kind {
	NEWS_RECEIVE_ERROR, /* `error`, an errno: the kernel gave that in place of queries */
	NEWS_NOTIFY /* `name`: a primary of ours, or who may speak for it, has something new */
};

struct answer_news {
	enum answer_news_kind kind;
	int error;
	struct addr from;        /* plain */
	uint8_t name[NAME_MOST]; /* wire, lower case */
};

/* Any thread; copies what is told. May lose it when too much is told. */
typedef void answer_tell(void *ctx, const struct answer_news *news);

#endif
