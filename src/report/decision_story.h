/* decision_story.h - what an answer from a pool stood beside: who else would have answered, and how the edges were.
 *
 * Looked up soon after the answer, in what was served then, since an hour later all of it may be another.
 */
#ifndef REPORT_DECISION_STORY_H
#define REPORT_DECISION_STORY_H

#include "answer/choice_counts.h"
#include "world/world.h"

enum { DECISION_STORY_HEALTH = 256 };

struct decision_story {
	char next[CHOICE_COUNTS_TEXT];      /* an edge; "": none */
	char health[DECISION_STORY_HEALTH]; /* "3 of 4 up; down: sin1"; "": of a stage, or not known */
	uint32_t serial;                    /* of the zone; 0: it is gone */
};

/* `trace` is there to be worked in. Any thread that holds the world. */
void decision_story(const struct world *w, const struct decision *d, uint64_t now_us,
	struct choose_trace *trace, struct decision_story *to);

#endif
