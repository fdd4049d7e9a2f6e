/* forcing_inner.h - what the files of forcing share.
 */
#ifndef DAEMON_FORCING_INNER_H
#define DAEMON_FORCING_INNER_H

#include "base/text.h"
#include "daemon/forcing.h"

#include <ev.h>

struct forcing {
	struct forcing_opts opts;
	struct forced_list list;
	ev_timer timer;
	bool begun; /* the clock runs */
};

/* "ams1", "ams* in pool web"; FORCED_WHERE_MOST twice and some. */
struct forcing_where {
	char text[2 * FORCED_WHERE_MOST + 32];
};

const char *forcing_where(struct forcing_where *to, const char *edge, const char *pool);

/* What operators and the configuration have those edges be; of several pools, in the first. */
struct text forcing_how(const struct forcing *f, const char *edge, const char *pool_words,
	enum forced_what what);

/* For the history. */
void forcing_remember(const struct forcing *f, const char *what, const struct forced *x,
	const char *who, const char *was, const char *is);

#endif
