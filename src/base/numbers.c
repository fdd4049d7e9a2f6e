#include "base/numbers.h"

#include <sodium.h>
#include <string.h>

static const char *name_at(const struct numbers *x, size_t number)
{
	const char *name;

	memcpy(&name, x->first + number * x->stride, sizeof name);
	return name;
}

/* The slot of a name, or the free one where it would stand. */
static struct numbers_slot *slot_of(const struct numbers *x, const char *name, uint32_t *upper)
{
	const uint64_t h = hash_bytes(x->key, (const uint8_t *)name, strlen(name));
	size_t i = (size_t)h & x->mask;

	*upper = (uint32_t)(h >> 32);
	for (; x->slots[i].number; i = (i + 1) & x->mask)
		if (x->slots[i].hash == *upper &&
			strcmp(name_at(x, x->slots[i].number - 1), name) == 0)
			break;
	return &x->slots[i];
}

struct numbers numbers_new(
	struct arena *mem, const char *const *first, size_t stride, size_t n)
{
	struct numbers x = { .first = (const char *)first, .stride = stride };
	size_t room = 4;

	while (room < n * 2)
		room *= 2;
	x.mask = room - 1;
	x.slots = arena_zalloc(mem, room * sizeof *x.slots);
	randombytes_buf(&x.key, sizeof x.key);
	for (size_t i = 0; i < n; i++) {
		uint32_t upper;
		struct numbers_slot *s = slot_of(&x, name_at(&x, i), &upper);
		if (!s->number)
			*s = (struct numbers_slot){ upper, (uint32_t)i + 1 };
	}
	return x;
}

int numbers_find(const struct numbers *x, const char *name)
{
	uint32_t upper;

	return x->slots ? (int)slot_of(x, name, &upper)->number - 1 : -1;
}
