/* explain_steps.h - one step of a choice: what the pool went by, and what has become of each of its edges.
 */
#ifndef REPORT_EXPLAIN_STEPS_H
#define REPORT_EXPLAIN_STEPS_H

#include "report/report_view.h"
#include "steer/choose.h"

#include <jansson.h>

json_t *explain_step(
	const struct report_view *view, const struct choose_trace *t, const struct choose_step *s);

/* The same in lines for people. */
void explain_step_text(const json_t *step, struct text *out);

#endif
