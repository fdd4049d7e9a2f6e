/* choose_trace.c - what is told of a choice: its steps, and words for why.
 */
#include "steer/choose_inner.h"

const char *choose_verdict_text(enum choose_verdict v)
{
	switch (v) {
	case CHOSEN: return "chosen";
	case PASSED_DOWN: return "is down";
	case PASSED_DRAIN: return "is drained";
	case PASSED_NO_ADDRESS: return "has no address of this type";
	case PASSED_SPREAD: return "is beyond the spread";
	case PASSED_ENOUGH: return "is not needed";
	case PASSED_LINK: return "is beyond what the policy lets through";
	case PASSED_SHED: return "sheds this group";
	case PASSED_RAMP: return "takes only a share now";
	case PASSED_PLACE: return "stands elsewhere";
	case PASSED_TURN: return "has not its turn";
	case PASSED_CNAME: return "has a CNAME, which stands alone";
	}
	return "";
}

const char *choose_why_text(enum choose_why w)
{
	static const char *const text[] = { [WHY_BEST] = "best",
		[WHY_PINNED] = "pinned",
		[WHY_SHED] = "shed",
		[WHY_EXPLORED] = "explored",
		[WHY_FAILOVER] = "failover",
		[WHY_TURN] = "turn",
		[WHY_AFFINITY] = "affinity",
		[WHY_ALL_DOWN] = "all-down" };
	return text[w];
}

struct choose_step *choose_step(struct choose_walk *w, enum choose_by by)
{
	struct choose_trace *t = w->trace;

	if (!t || t->n == CHOOSE_STEPS_MOST)
		return NULL;
	struct choose_step *s = &t->steps[t->n++];
	s->pool = w->number;
	s->by = by;
	s->pin = NULL;
	s->members = false;
	s->n = 0;
	return s;
}
