/* views.h - which of several zones of one apex a client gets (zone/view.h).
 *
 * Who signs with a key, or shows a certificate, that a zone's lists name gets that zone, wherever it comes from: so a secondary that serves
 * several views says by its key which one it wants. Everybody else is where the query came from (or, where the view
 * says so, the client subnet): the first view that has it, else the zone that is no view. No allocation, lock or system call.
 */
#ifndef ANSWER_VIEWS_H
#define ANSWER_VIEWS_H

#include "answer/answer.h"

/* `z`, number `*number`, is the first of its apex that zone_set_find() found for `name`, and a view. The one of them that is to answer; where
 * none is, what is there above it; NULL: nothing. Scopes of the subnet go into `p`. */
const struct zone *views_choose(const struct world *w, const struct answer_ask *ask,
	struct answer_pending *p, const struct zone_name *name, size_t *number);

#endif
