/* fd_pass.h - messages between two processes of ours, with open files in them (unix(7), SCM_RIGHTS).
 *
 * Over a socket that keeps messages apart (SOCK_SEQPACKET). Both ends are ours, on one machine: bytes are as memory has them.
 */
#ifndef BASE_FD_PASS_H
#define BASE_FD_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { FD_PASS_MOST = 64 }; /* of a message */

/* Two ends, neither of which is open in a program that is started. */
bool fd_pass_pair(int ends[static 2]);

/* The files stay open here, too. False and errno. Nobody who listens is no signal. */
bool fd_pass_send(int to, const void *bytes, size_t len, const int *fds, size_t n);

/* Waits, but not over `most_ms`; negative: for good. The bytes of the message, 0 when nobody is there any more, -1 and
 * errno (EAGAIN: nothing has come; EMFILE: this process may not have so many files open). `*n` files have come with it, the
 * caller's now. */
ssize_t fd_pass_receive(int from, void *bytes, size_t room, int fds[static FD_PASS_MOST], size_t *n, int most_ms);

/* Likewise, what has come already; files that have come with it are closed. */
ssize_t fd_pass_hear(int from, void *bytes, size_t room);

#endif
