#include "fleet/fields.h"

#include "base/memory.h"

#include <string.h>

enum { ROOM_LEAST = 64, DIGITS = 16 };

struct fields_slot {
	uint64_t key; /* 0: it is free */
	size_t number;
};

/* Never 0. Such fields come from others, too: what is no digit counts for something. */
static uint64_t key_of(const char *field)
{
	uint64_t key = 0;

	for (unsigned i = 0; i < DIGITS && field[i]; i++)
		key = key << 4 | (uint64_t)((field[i] > '9' ? field[i] - 'a' + 10 : field[i] - '0') & 15);
	return key ? key : 1;
}

/* Where it is, or is to be. */
static struct fields_slot *slot_of(const struct fields *f, uint64_t key)
{
	size_t i = (size_t)key & (f->room - 1);

	while (f->slots[i].key && f->slots[i].key != key)
		i = (i + 1) & (f->room - 1);
	return &f->slots[i];
}

static void grow(struct fields *f)
{
	const struct fields old = *f;

	f->room = old.room ? 2 * old.room : ROOM_LEAST;
	f->slots = memory_zeroed(f->room, sizeof *f->slots);
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].key)
			*slot_of(f, old.slots[i].key) = old.slots[i];
	memory_free(old.slots);
}

void fields_fini(struct fields *f)
{
	memory_free(f->slots);
	*f = (struct fields){ 0 };
}

void fields_clear(struct fields *f)
{
	if (f->room)
		memset(f->slots, 0, f->room * sizeof *f->slots);
	f->n = 0;
}

void fields_put(struct fields *f, const char *field, size_t number)
{
	if (2 * f->n >= f->room)
		grow(f);
	struct fields_slot *s = slot_of(f, key_of(field));
	f->n += !s->key;
	*s = (struct fields_slot){ key_of(field), number };
}

size_t fields_get(const struct fields *f, const char *field)
{
	return f->room && slot_of(f, key_of(field))->key ? slot_of(f, key_of(field))->number : FIELDS_NONE;
}
