#include "report/choice_sums.h"

#include "base/memory.h"

static struct tally_cell *cell_of(const struct choice_sums *s, uint64_t key)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & s->mask;

	while (s->cells[at].key && s->cells[at].key != key)
		at = (at + 1) & s->mask;
	return &s->cells[at];
}

static void add_thread(struct choice_sums *s, const struct tally *t)
{
	for (size_t i = 0; i < (size_t)t->lines * TALLY_LINE; i++) {
		const uint64_t n = __atomic_load_n(&t->cells[i].count, __ATOMIC_ACQUIRE);
		const uint64_t key = __atomic_load_n(&t->cells[i].key, __ATOMIC_RELAXED);
		if (!key)
			continue;
		struct tally_cell *c = cell_of(s, key);
		c->key = key;
		c->count += tally_kept_count(n);
	}
}

static size_t cells_used(const struct report_view *v)
{
	size_t n = 0;

	for (unsigned i = 0; i < v->n_choices; i++) {
		const struct tally *t = &v->choices[i]->reasons;
		for (size_t k = 0; k < (size_t)t->lines * TALLY_LINE; k++)
			n += __atomic_load_n(&t->cells[k].key, __ATOMIC_RELAXED) != 0;
	}
	return n;
}

/* Workers take cells meanwhile: there is room for as many more. */
struct choice_sums choice_sums_new(const struct report_view *v)
{
	const size_t used = cells_used(v) + 1024;
	struct choice_sums s = { .mask = 1 };

	while (s.mask < used * 2)
		s.mask *= 2;
	s.cells = memory_zeroed(s.mask, sizeof *s.cells);
	s.mask--;
	for (unsigned i = 0; i < v->n_choices; i++)
		add_thread(&s, &v->choices[i]->reasons);
	return s;
}

void choice_sums_free(struct choice_sums *s)
{
	memory_free(s->cells);
	s->cells = NULL;
}

uint64_t choice_sums_of(
	const struct choice_sums *s, const struct pool *p, const struct edge *e, enum choose_why why)
{
	return cell_of(s, choice_counts_reason(p->hash, e->hash, why))->count;
}
