/* command_latency.h - the command "latency": what is measured, shown, taken in, given out,
 * forgotten.
 */
#ifndef CONSOLE_COMMAND_LATENCY_H
#define CONSOLE_COMMAND_LATENCY_H

#include "console/command.h"

int command_latency(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c);

#endif
