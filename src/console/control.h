/* control.h - the control socket: a command comes in, its text and exit status go back.
 *
 * A connection carries one command: its words, each ended by a zero byte, then the client's end
 * of writing. The answer is one digit, the exit status, a newline, and text up to the end. Only
 * root and the user that the server runs as are listened to (SO_PEERCRED). Control thread; on
 * its event loop.
 *
 * So many answer at a time and no more (others wait with the kernel), and answers that nobody
 * reads fill no more than so much memory: whoever would pass that is told to try again.
 */
#ifndef CONSOLE_CONTROL_H
#define CONSOLE_CONTROL_H

#include "base/fault.h"
#include "console/command.h"

struct ev_loop;
struct control;

enum { CONTROL_REQUEST_MOST = 4 << 20 }; /* bytes of a command; most have some tens */

/* Binds the socket at `path`; one that a dead server has left is replaced, one that a living
 * server has is an error. NULL and one sentence. `commands` is borrowed. */
struct control *control_open(struct ev_loop *loop, const char *path,
	const struct commands *commands, struct fault *why);

/* The same with a socket that listens there already, which it takes. */
struct control *control_take(struct ev_loop *loop, const char *path, int fd, const struct commands *commands);

/* Are new connections taken, as they are from the start? Else they are left to others who have the socket, too. Fine for
 * NULL. */
void control_listen(struct control *c, bool listens);
int control_socket(const struct control *c); /* -1 for NULL */

/* The server stops: the socket is removed, unless somebody else's is at its path, and answers
 * that are sent by helper threads end. Fine for NULL. */
void control_leave(struct control *c);

/* When no helper thread sends any more. Fine for NULL. */
void control_close(struct control *c);

#endif
