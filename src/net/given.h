/* given.h - sockets that somebody else has opened for us: the process that served before, or the service manager.
 *
 * Which is which the kernel tells: what kind each is, and where it is bound. At the start, one thread.
 */
#ifndef NET_GIVEN_H
#define NET_GIVEN_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct given;

/* `shared`: one socket may be given to several threads, each of which gets a descriptor of its own (a service manager opens
 * one an address). Else each is one thread's alone. */
struct given *given_new(bool shared);

/* Takes `fd`. False and a sentence when it is no socket that is bound. */
bool given_add(struct given *g, int fd, struct fault *why);
size_t given_count(const struct given *g);

/* A socket of that type (SOCK_DGRAM, SOCK_STREAM) for worker `k`, the caller's from now on; -1: there is none. Fine for NULL. */
int given_take(struct given *g, int type, const struct sockaddr *sa, socklen_t len, unsigned k);
/* The same of a stream that is bound to a path. */
int given_take_path(struct given *g, const char *path);

/* Was there one for that address? */
bool given_has(const struct given *g, int type, const struct sockaddr *sa, socklen_t len);

/* False and a sentence when one is left at an address of which others were taken: the kernel would go on to give it packets.
 * Else what is left is closed. `g` is gone after it. Fine for NULL. */
bool given_end(struct given *g, struct fault *why);

#endif
