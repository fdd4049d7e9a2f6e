/* report_latency.h - the command "latency": what is measured, shown, taken in, given out,
 * forgotten.
 */
#ifndef CTL_REPORT_LATENCY_H
#define CTL_REPORT_LATENCY_H

#include "ctl/command.h"

int report_latency(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c);

#endif
