/* report_keys.h - the keys that a zone is signed with, as JSON.
 */
#ifndef REPORT_REPORT_KEYS_H
#define REPORT_REPORT_KEYS_H

#include "zone/key_life.h"

#include <jansson.h>

struct report_keys_of {
	const uint8_t *apex;
	const struct key_life *life;
	const struct key_policy *policy;
	const char *state, *fault, *parent; /* words; "" */
};

json_t *report_keys(const struct report_keys_of *of);

#endif
