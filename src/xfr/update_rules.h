/* update_rules.h - which names and types a rule lets somebody change.
 */
#ifndef XFR_UPDATE_RULES_H
#define XFR_UPDATE_RULES_H

#include "world/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* Does a pattern of names below the apex match? `name` is whole, and under `apex`; a pattern is
 * labels as on the wire, ended by a zero, of which "*" stands for any labels, one or more. */
bool update_rules_match(const uint8_t *pattern, const uint8_t *name, const uint8_t *apex);

/* Does the rule let who it is for change records of that name and type? */
bool update_rules_allow(const struct policy_update *rule, const uint8_t *name, uint16_t type,
	const uint8_t *apex);

#endif
