#include "xfr/update_rules.h"

#include "dns/name.h"

#include <string.h>

enum { LABEL = 64 };

/* Letters in either case; any other byte is itself alone. */
static bool same_label(const uint8_t *a, const uint8_t *b)
{
	uint8_t x[LABEL], y[LABEL];

	if (*a != *b)
		return false;
	name_lower(x, a, *a + 1u);
	name_lower(y, b, *b + 1u);
	return memcmp(x, y, *a + 1u) == 0;
}

static bool is_any(const uint8_t *label)
{
	return label[0] == 1 && label[1] == '*';
}

/* "*" is one label, and more where what follows does not match else. Only the last one on the
 * way is ever looked at again: what was let through by one before it goes as well by that. */
bool update_rules_match(const uint8_t *pattern, const uint8_t *name, const uint8_t *apex)
{
	const uint8_t *const end = name + name_len(name) - name_len(apex);
	const uint8_t *behind = NULL, *from = NULL; /* the last "*", and what it stands for */

	while (*pattern || name != end) {
		if (*pattern && name != end && is_any(pattern)) {
			pattern = behind = pattern + 2;
			name = from = name + *name + 1u;
		} else if (*pattern && name != end && same_label(pattern, name)) {
			pattern += *pattern + 1u;
			name += *name + 1u;
		} else if (behind && from != end) {
			pattern = behind;
			name = from = from + *from + 1u;
		} else {
			return false;
		}
	}
	return true;
}

bool update_rules_allow(const struct policy_update *rule, const uint8_t *name, uint16_t type,
	const uint8_t *apex)
{
	bool of_name = rule->n_names == 0, of_type = rule->n_types == 0;

	for (size_t i = 0; i < rule->n_names && !of_name; i++)
		of_name = update_rules_match(rule->names[i], name, apex);
	for (size_t i = 0; i < rule->n_types && !of_type; i++)
		of_type = rule->types[i] == type;
	return of_name && of_type;
}
