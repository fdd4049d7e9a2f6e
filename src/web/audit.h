/* audit.h - what is changed by whom: each command that changes something is written down in the store, by whomever it
 * was given, and "audit" shows it.
 *
 * What is written waits up to half a second, and a job writes it. Control thread.
 */
#ifndef WEB_AUDIT_H
#define WEB_AUDIT_H

#include "console/command.h"

struct audit;
struct ev_loop;
struct store_askers;

enum { AUDIT_MOST = 100000 /* rows that are kept */ };

/* Binds "audit", and is told of all commands of `commands` that were run: what changes nothing (command_changes())
 * is not written down. Never NULL; copies `askers`. */
struct audit *audit_new(struct ev_loop *loop, const struct store_askers *askers, struct commands *commands);
/* After jobs_stop(): what is not written down yet is. */
void audit_free(struct audit *a);

#endif
