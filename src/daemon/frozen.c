#include "daemon/frozen.h"

#include "base/memory.h"

#include <string.h>
#include <time.h>

/* A handful: what a person works at. */
struct frozen {
	struct frozen_zone *list;
	size_t n;
};

struct frozen *frozen_new(void)
{
	return memory_zeroed(1, sizeof(struct frozen));
}

void frozen_free(struct frozen *f)
{
	memory_free(f->list);
	memory_free(f);
}

const struct frozen_zone *frozen_find(const struct frozen *f, const uint8_t *apex)
{
	for (size_t i = 0; i < f->n; i++)
		if (name_equal(f->list[i].apex, apex))
			return &f->list[i];
	return NULL;
}

bool frozen_add(struct frozen *f, const uint8_t *apex, unsigned uid)
{
	if (frozen_find(f, apex))
		return false;
	f->list = memory_grow(f->list, (f->n + 1) * sizeof *f->list);
	struct frozen_zone *z = &f->list[f->n++];
	memcpy(z->apex, apex, name_len(apex));
	z->uid = uid;
	z->at_s = time(NULL);
	return true;
}

bool frozen_remove(struct frozen *f, const uint8_t *apex)
{
	for (size_t i = 0; i < f->n; i++)
		if (name_equal(f->list[i].apex, apex)) {
			f->list[i] = f->list[--f->n];
			return true;
		}
	return false;
}
