/* steered.h - the answer at a name that a zone hands to a pool: the client decides who answers.
 *
 * Part of the way of a query (answer.h): no allocation, lock, log or system call.
 */
#ifndef ANSWER_STEERED_H
#define ANSWER_STEERED_H

#include "answer/compose.h"

/* What a name with an EDGE has of the type asked for may come from its pool: then `p->found` is
 * LOOKUP_EDGE from now on, and `p->who` is who asks that pool. */
void steered_look(
	const struct answerer *a, const struct answer_ask *ask, struct answer_pending *p);

/* Asks the memory for what steered_answer() will read of a name that is LOOKUP_EDGE: a step of CHOOSE_STEPS
 * + 2. */
void steered_step(const struct answerer *a, struct answer_pending *p, unsigned step);

/* Writes what the pool answers. True when that is a CNAME to go on from; `*none` when no edge
 * is chosen. */
bool steered_answer(
	struct answerer *a, struct compose *c, const struct answer_pending *p, bool *none);

#endif
