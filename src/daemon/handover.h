/* handover.h - what two processes say to each other when one takes the place of the other.
 *
 *     the new one (daemon/successor)          the one that serves (daemon/upgrade)
 *     HELLO, its version                 ->
 *                                        <-   SOCKETS, as often as it takes; LOAD: the rest of what it has
 *     EMPTY: a zone that it cannot read  ->   ... which ends it where that zone is served
 *     READY: it could serve              ->
 *                                        <-   GO
 *     SERVES                             ->   ... which leaves, and ends
 *                                        <-   NOTIFY: one that came meanwhile, or comes yet
 *
 * FAULT comes in the place of any word of the new one: a sentence, for the operator. END is said by either when it is told to
 * stop meanwhile. When the old one is gone without that, the new one goes on with what it has.
 */
#ifndef DAEMON_HANDOVER_H
#define DAEMON_HANDOVER_H

#include "base/addr.h"
#include "dns/name.h"
#include "net/quic.h"
#include "world/policy.h"

enum { HANDOVER_VERSION = 1, HANDOVER_TEXT = 1024 };

enum handover_word { HANDOVER_HELLO = 1, HANDOVER_FAULT, HANDOVER_SOCKETS, HANDOVER_LOAD, HANDOVER_READY, HANDOVER_GO, HANDOVER_SERVES,
	HANDOVER_NOTIFY, HANDOVER_END, HANDOVER_EMPTY };

struct handover {
	uint8_t version;
	uint8_t word; /* enum handover_word */
	union {
		char text[HANDOVER_TEXT]; /* HELLO: the version's name; FAULT */
		struct {
			/* With it comes a file (memfd_create(2)) that has what probes_state() tells. */
			uint8_t cookies[POLICY_SECRET], quic[QUIC_SECRET];
			uint32_t pid;
		} load;
		uint8_t empty[NAME_MOST]; /* its id (zone/view) */
		struct {
			struct addr from;
			uint8_t name[NAME_MOST]; /* as answer/news.h has it */
		} notify;
	} of;
};

#endif
