/* news.h - what an answer has for the control thread to do: a worker does nothing that takes
 * time, and writes no log.
 */
#ifndef ANSWER_NEWS_H
#define ANSWER_NEWS_H

#include "base/addr.h"
#include "dns/name.h"

struct request;

enum answer_news_kind {
	NEWS_RECEIVE_ERROR, /* `error`, an errno: the kernel gave that in place of queries */
	NEWS_NOTIFY, /* `name`: a primary of ours, or who may speak for it, has something new */
	NEWS_SIGNATURE, /* `error`, of TSIG: a query is signed with the key `name` by `algorithm` */
	NEWS_TRANSFER, /* `name`: a zone was refused to who may not have it */
	NEWS_PROXY, /* `error`, of answer_news_proxy: `from` speaks PROXY and may not, or should */
	NEWS_UPDATE /* `request`, which is the taker's from then on */
};

enum answer_news_proxy { NEWS_PROXY_STRANGER, NEWS_PROXY_NO_HEADER };

enum { NEWS_ALGORITHM = 64 }; /* bytes of a wire name; of a longer one nothing is kept */

struct answer_news {
	enum answer_news_kind kind;
	int error;
	struct request *request; /* net/request.h */
	struct addr from;        /* plain */
	int64_t late_s;          /* so far is the clock of who has signed behind ours */
	uint8_t name[NAME_MOST]; /* wire, lower case */
	uint8_t algorithm[NEWS_ALGORITHM];
};

/* Any thread; copies what is told. May lose it when too much is told. */
typedef void answer_tell(void *ctx, const struct answer_news *news);

#endif
