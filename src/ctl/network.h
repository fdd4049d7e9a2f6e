/* network.h - what is known of an address: where it is, who routes it, what was measured there.
 */
#ifndef CTL_NETWORK_H
#define CTL_NETWORK_H

#include "base/text.h"
#include "ctl/command.h"

#include <jansson.h>

json_t *network_json(const struct world *w, const struct addr *who);
void network_as_text(const json_t *network, struct text *out);

/* The command "geo IP [--json]". */
int network_command(
	const struct command_hooks *h, const char **words, size_t n, struct command_call *c);

#endif
