/* launcher.h - a small process that starts programs for this one, which may start none itself.
 *
 * It is forked before there are threads, privileges to lose and a cage, and waits. It starts two kinds: the commands that the configuration
 * names (base/spawn), each in a cage of its own; and the program that is to serve after us, which is the one that we were started as, with the
 * same words. It becomes the server's user together with the server, and ends with it: commands are killed then, and what serves goes on.
 */
#ifndef BASE_LAUNCHER_H
#define BASE_LAUNCHER_H

#include "base/fault.h"

#include <stdbool.h>
#include <sys/types.h>

struct launcher;

/* The name of the environment's variable that tells a program that it was started so: the number of its end of a fd_pass_pair(). */
#define LAUNCHER_END "WAYMARK_HANDOVER"

/* The first byte of an order. A user's name follows, whom it becomes; nothing; or struct launched_order. */
enum launcher_order { LAUNCHER_USER = 'u', LAUNCHER_PROGRAM = 'p', LAUNCHER_COMMAND = 'c' };

/* At the start of main(). `argv` is borrowed for good. NULL: there can be none, and the server does without. */
struct launcher *launcher_fork(char **argv);

/* Any thread: where base/spawn sends its orders. Who has not forked one gets one now, which ends with the process. -1: there can be none. */
int launcher_orders(void);

/* It becomes that user, too; NULL: it stays who it is. */
void launcher_become(struct launcher *l, const char *user);

/* Loop: starts the program, with `end` (a copy) as its end. What becomes of it is read at launcher_fd(). */
bool launcher_start(struct launcher *l, int end, struct fault *why);
int launcher_fd(const struct launcher *l);

enum launcher_kind { LAUNCHER_STARTED, LAUNCHER_NOT_STARTED /* `value`: errno */, LAUNCHER_ENDED /* `value`: as wait(2) has it */ };

struct launcher_news {
	enum launcher_kind kind;
	pid_t pid;
	int value;
};
/* False: there are none, or with `*gone` the launcher itself has ended. */
bool launcher_hear(struct launcher *l, struct launcher_news *to, bool *gone);

/* It ends. Fine for NULL. */
void launcher_free(struct launcher *l);

#endif
