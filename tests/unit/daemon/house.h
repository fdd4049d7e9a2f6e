/* house.h - a whole server in a test, put together by what main.c calls, but that it keeps its user and its rights; told
 * commands as waymarkctl tells them.
 */
#ifndef UNIT_DAEMON_HOUSE_H
#define UNIT_DAEMON_HOUSE_H

#include "unit/daemon/site.h"

#include "base/text.h"
#include "console/command.h"
#include "daemon/server.h"
#include "net/listen.h"

#include <stdbool.h>

struct house {
	struct site site;
	struct net_address at; /* where it answers */
	bool runs;
	struct server server;
	/* Of the last command. */
	struct command_call call;
	struct text out;
	int status;
	bool done;
	/* Standard error, while it runs. */
	int err, log;
	char said[30000];
};

/* A folder with site.h's zones and a configuration of `more` beside the server's address and
 * the zones; nothing runs yet. */
void house_open(struct house *h, const char *more);
/* Another configuration, for the next start or reload. */
void house_configure(struct house *h, const char *more);
void house_close(struct house *h); /* it does not run */

/* False when it does not come up, which the log tells. */
bool house_start(struct house *h);
void house_stop(struct house *h);

/* A command's answer, when it has come; its status is in h->status. Good until the next. */
const char *house_tell(struct house *h, const char *words);
/* The same, of words that may have blanks; ends in NULL. */
const char *house_tell_words(struct house *h, const char *const *words);

/* A command, its exit status, and what stands in its answer; "!what" does not. */
struct house_said {
	const char *words;
	int status;
	const char *has;
};
/* Tells them in turn; each that does not hold is a failure. "%s" in words is the site's folder. */
void house_say(struct house *h, const struct house_said *row, size_t n);

/* What was logged since the last call of this. */
const char *house_log(struct house *h);
/* Turns the loop until the log has `text`; false when it does not come. The log as it is then
 * is in h->said, and what comes after it is left. */
bool house_logs(struct house *h, const char *text);

/* Turns the loop for so long. */
void house_pass(struct house *h, double seconds);

/* A query over UDP, answered by a worker; "192.0.2.1 192.0.2.2" of its A records. */
const char *house_ask(struct house *h, const char *name);

#endif
