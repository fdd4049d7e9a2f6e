/* readiness.h - may queries come? For who announces a route to this server, and withdraws it.
 *
 * They may once the start is over, as long as a zone can be answered from. Loop.
 */
#ifndef DAEMON_READINESS_H
#define DAEMON_READINESS_H

#include "console/command.h"
#include "daemon/publish.h"

struct jobs;
struct readiness;

/* Binds "ready". `p` and `j` are borrowed for good. Never NULL. */
struct readiness *readiness_new(struct publisher *p, const struct jobs *j, struct commands *commands);
void readiness_free(struct readiness *r);

/* The start is over: what waits for the first verdicts of probes has them. */
void readiness_started(struct readiness *r);

/* `say` gets a line that says so, or why not; NULL: nobody wants to know. */
bool readiness_now(const struct readiness *r, struct text *say);

#endif
