#include "zone/suffixes.h"

#include "zone/zone.h"

#include <string.h>
#include <strings.h>

enum { AT_MOST = 0x3fff }; /* what a pointer's 14 bits hold */

void suffixes_start(struct suffixes *s, const uint8_t *owner)
{
	memcpy(s->owner, owner, name_len(owner));
	name_mark(&s->marks, s->owner);
	s->own_most = s->marks.n - name_is_wildcard(owner);
	s->below = 0;
	s->n = 0;
}

/* How many labels, from the root, a name has in common with the owner. */
static unsigned shared_labels(
	const struct suffixes *s, const uint8_t *name, const struct name_marks *marks)
{
	const unsigned most = marks->n < s->own_most ? marks->n : s->own_most;
	unsigned n = 0;

	while (n < most) {
		const uint8_t *mine = s->owner + s->marks.at[s->marks.n - n - 1],
			      *label = name + marks->at[marks->n - n - 1];
		/* A length is no letter. */
		if (*mine != *label ||
			strncasecmp((const char *)mine + 1, (const char *)label + 1, *mine) !=
				0)
			break;
		n++;
	}
	return n;
}

static const struct suffixes_entry *find(
	const struct suffixes *s, const uint8_t *name, unsigned len)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->entry[i].len == len && name_equal(s->entry[i].name, name))
			return &s->entry[i];
	return NULL;
}

struct suffixes_form suffixes_add(struct suffixes *s, const uint8_t *name, size_t at)
{
	struct name_marks marks;
	const struct suffixes_entry *known = NULL;
	unsigned i = 0;

	name_mark(&marks, name);
	const unsigned len = marks.at[marks.n] + 1u, shared = shared_labels(s, name, &marks);
	if (shared == s->own_most && marks.n > shared)
		s->below |= zone_label_bit(name + marks.at[marks.n - shared - 1]);
	while (i + shared < marks.n &&
		!(known = find(s, name + marks.at[i], len - marks.at[i])))
		i++;
	for (unsigned k = 0; k < i && s->n < SUFFIXES_MOST; k++)
		if (at + marks.at[k] <= AT_MOST)
			s->entry[s->n++] = (struct suffixes_entry){ name + marks.at[k],
				(uint16_t)(at + marks.at[k]), (uint8_t)(len - marks.at[k]) };
	if (known)
		return (struct suffixes_form){
			.len = marks.at[i], .to_name = true, .at = known->at
		};
	if (shared)
		return (struct suffixes_form){
			.len = marks.at[i], .to_owner = true, .labels = shared
		};
	return (struct suffixes_form){ .len = len };
}
