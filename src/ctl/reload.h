/* reload.h - the command "reload", with what is tried out on a share of the clients first.
 */
#ifndef CTL_RELOAD_H
#define CTL_RELOAD_H

#include "ctl/command.h"

int reload_command(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c);

/* How it stands with what is tried out, on a line; nothing when nothing is to be said. */
void reload_stage_text(const struct command_rollout *r, struct text *out);

#endif
