/* note.h - what a worker notes of an answer from a pool, for others to read later.
 *
 * Into memory of the worker's own (sample.h, choice_counts.h): no lock, nothing that waits.
 */
#ifndef ANSWER_NOTE_H
#define ANSWER_NOTE_H

#include "answer/answer.h"

/* Who was steered, when it is time to tell. Not for clients of a stage, whose pools have
 * numbers of their own. */
void note_client(const struct answerer *a, const struct choose_ask *who);

/* Who asked for a name that is asked for once, made from a wildcard. Not who was sent with a subnet: that is chosen for by itself. */
void note_one_time(const struct answerer *a, const struct choose_ask *who);

/* All below: `a` has counts. What the choice counts for. Pools of a stage have numbers of their
 * own, so what its clients ask for is counted apart. */
void note_choice(
	const struct answerer *a, const struct choose_ask *who, const struct choice *c);

/* Every so many answers one goes to who writes the log of decisions, and so do all of clients on
 * watch, if there is room. */
struct note_answer {
	uint16_t type; /* asked for */
	bool v6;       /* the choice was among those with IPv6 addresses */
	uint32_t ttl_s;
};
void note_decision(const struct answerer *a, const struct choose_ask *who,
	const struct choice *c, const struct note_answer *is);

#endif
