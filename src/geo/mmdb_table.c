#include "geo/mmdb_table.h"

#include "base/log.h"
#include "geo/pages.h"

#include <sys/random.h>

enum { FIRST_BITS = 9 };

static size_t room(const struct mmdb_table *t)
{
	return t->slots ? (size_t)1 << t->bits : 0;
}

/* The slot of a key, or the free one where it belongs. */
static size_t slot_of(const struct mmdb_table *t, uint32_t key)
{
	size_t i = (size_t)((key + UINT64_C(1)) * t->by >> (64 - t->bits));

	while (t->slots[i] && t->slots[i] >> 32 != key + UINT64_C(1))
		i = (i + 1) & (((size_t)1 << t->bits) - 1);
	return i;
}

bool mmdb_table_find(const struct mmdb_table *t, uint32_t key, uint32_t *value)
{
	if (!t->slots)
		return false;
	const uint64_t slot = t->slots[slot_of(t, key)];
	*value = (uint32_t)slot;
	return slot != 0;
}

static void grow(struct mmdb_table *t)
{
	struct mmdb_table more = {
		.bits = t->slots ? t->bits + 1 : FIRST_BITS, .n = t->n, .by = t->by
	};

	if (!t->slots && getrandom(&more.by, sizeof more.by, 0) != sizeof more.by)
		die("no randomness");
	more.by |= 1;
	more.slots = pages_table(sizeof *more.slots << more.bits);
	for (size_t i = 0; i < room(t); i++)
		if (t->slots[i])
			more.slots[slot_of(&more, (uint32_t)(t->slots[i] >> 32) - 1)] =
				t->slots[i];
	mmdb_table_fini(t);
	*t = more;
}

void mmdb_table_add(struct mmdb_table *t, uint32_t key, uint32_t value)
{
	if (t->n * 2 >= room(t))
		grow(t);
	t->slots[slot_of(t, key)] = (key + UINT64_C(1)) << 32 | value;
	t->n++;
}

void mmdb_table_fini(struct mmdb_table *t)
{
	pages_resize(t->slots, room(t) * sizeof *t->slots, 0);
	*t = (struct mmdb_table){ 0 };
}
