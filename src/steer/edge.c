#include "steer/edge.h"

#include <string.h>

static const char *const states[] = {
	[EDGE_UP] = "up", [EDGE_DOWN] = "down", [EDGE_DRAIN] = "drain"
};

const char *edge_state_text(enum edge_state s)
{
	return states[s];
}

bool edge_state_parse(enum edge_state *s, const char *text)
{
	for (unsigned i = 0; i < sizeof states / sizeof *states; i++) {
		if (strcmp(text, states[i]) != 0)
			continue;
		*s = (enum edge_state)i;
		return true;
	}
	return false;
}
