/* reload.h - the command "reload", with what is tried out on a share of the clients first.
 */
#ifndef CONSOLE_RELOAD_H
#define CONSOLE_RELOAD_H

#include "console/command.h"

int reload_command(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c);

#endif
