/* report_alarms.h - what of a server an operator should look at now.
 */
#ifndef REPORT_REPORT_ALARMS_H
#define REPORT_REPORT_ALARMS_H

#include "report/report_view.h"

#include <jansson.h>

/* A list of sentences, the gravest first; empty when all is well. Each says what it is, and
 * which command tells more. */
json_t *report_alarms(const struct report_view *view);

#endif
