#include "steer/steer_kept.h"

#include "measure/rank_split.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POOLS = 5, NOW = 1000000 };

/* Pools whose ranks are of all forms: with a front, with costs, with a spread, of other fallbacks, and two that share one. */
struct desk {
	char folder[40], path[64];
	struct text files;
	struct steer_kept kept;
	struct atlas *atlas;
	struct edge_opts edges[4];
	struct pool_opts pools[POOLS];
	struct steer_measured measured;
	struct steer *steer;
};

static void make(struct desk *d)
{
	d->steer = steer_new(&(struct steer_opts){ d->edges, 4, d->pools, POOLS, &d->measured, NULL }, d->atlas, NULL);
}

static struct steer *again(struct desk *d)
{
	return steer_kept_new(&(struct steer_opts){ d->edges, 4, d->pools, POOLS, &d->measured, NULL }, d->atlas, &d->kept);
}

static void open_desk(struct desk *d)
{
	static const char *const names[POOLS] = { "front", "costs", "same", "spread", "other" };
	static const uint16_t nyc[] = { NYC }, free_edges[] = { ROM, NYC, SFO }; /* of no capacity */

	*d = (struct desk){ .folder = "/tmp/test_steer_kept.XXXXXX", .atlas = small_atlas(), .measured = { .now_s = NOW, .close_ms = 5, .explore = { 0, 1 } } };
	if (!mkdtemp(d->folder))
		abort();
	snprintf(d->path, sizeof d->path, "%s/kept", d->folder);
	text_add(&d->files, "these files");
	d->kept = (struct steer_kept){ .path = d->path, .files = &d->files };
	for (unsigned i = 0; i < 4; i++)
		d->edges[i] = small_edges[i];
	for (unsigned i = 0; i < POOLS; i++) {
		d->pools[i] = small_pool();
		d->pools[i].name = names[i];
	}
	d->pools[0].answers = 2;
	d->pools[0].spread_ms = d->pools[0].spread_share = INFINITY;
	d->pools[0].edges = free_edges;
	d->pools[0].n = 3;
	d->pools[0].n_fallback = 0;
	d->pools[3].answers = 2;
	d->pools[3].spread_ms = 10;
	d->pools[4].fallback = nyc;
	d->pools[4].n_fallback = 1;
	d->edges[AMS].capacity = 100;
	make(d);
}

static void close_desk(struct desk *d)
{
	steer_drop(d->steer);
	CU_ASSERT_EQUAL(d->atlas->refs, 1);
	atlas_drop(d->atlas);
	text_fini(&d->files);
	unlink(d->path);
	CU_ASSERT_EQUAL(rmdir(d->folder), 0);
}

static unsigned count(const struct desk *d, bool front)
{
	unsigned n = 0;

	for (unsigned i = 0; i < POOLS; i++)
		n += front ? d->steer->pools[i].front != NULL : d->steer->pools[i].rank != NULL;
	return n;
}

/* What is asked all over, of each pool. */
static void answers_of(const struct steer *s, char *to, size_t room)
{
	static const char *const asked[] = { "1.0.1.0/24", "2.0.9.0/24", "3.0.1.0/24", "3.0.200.0/24", "5.0.0.0/24", "9.0.0.0/24", "2a00:1::/32" };
	uint8_t states[4] = { 0 };
	struct choose_turn turns[POOLS * CHOOSE_TURNS];
	size_t len = 0;

	memset(turns, 0, sizeof turns);
	struct standing *st = small_standing(s, states);
	for (unsigned i = 0; i < POOLS; i++)
		for (unsigned k = 0; k < sizeof asked / sizeof *asked; k++) {
			struct prefix p;
			struct choose_ask ask = { .steer = s, .standing = st, .pool = (uint16_t)i, .has_subnet = true, .turns = turns,
				.name = (const uint8_t *)"\3www", .name_len = 5 };
			if (!prefix_parse(&p, asked[k], NULL))
				abort();
			ask.subnet = addr_plain(&p.addr, NULL);
			const struct choice c = choose(&ask, NULL);
			len += (size_t)snprintf(to + len, room - len, "%u/%u:", c.n, c.scope);
			for (unsigned e = 0; e < c.n; e++)
				len += (size_t)snprintf(to + len, room - len, " %u", c.edges[e]);
		}
	standing_free(st);
}

static void what_is_kept_answers_as_what_was_made(void)
{
	struct desk d;
	struct fault why;
	char want[4096], is[4096];

	open_desk(&d);
	CU_ASSERT(count(&d, false) == POOLS && count(&d, true) >= 1);
	CU_ASSERT_FALSE(steer_kept_is(&d.kept, d.steer));
	CU_ASSERT_TRUE_FATAL(steer_kept_write(&d.kept, d.steer, &why));
	CU_ASSERT_TRUE(steer_kept_is(&d.kept, d.steer));
	struct steer *s = again(&d);
	CU_ASSERT_EQUAL(d.kept.n_taken, POOLS);
	answers_of(d.steer, want, sizeof want);
	answers_of(s, is, sizeof is);
	CU_ASSERT_STRING_EQUAL(is, want);
	CU_ASSERT_PTR_EQUAL(s->pools[1].rank, s->pools[2].rank);
	CU_ASSERT_TRUE(steer_kept_is(&d.kept, s)); /* and it is the same for the next time */
	for (unsigned i = 0; i < POOLS; i++) {
		const struct rank *a = d.steer->pools[i].rank, *b = s->pools[i].rank;
		CU_ASSERT(a->classes == b->classes && a->split->hash == b->split->hash && !a->ms == !b->ms && !a->view == !b->view);
		CU_ASSERT(!a->ms || memcmp(a->ms, b->ms, (size_t)a->classes * a->n * sizeof *a->ms) == 0);
		CU_ASSERT_EQUAL(!d.steer->pools[i].front, !s->pools[i].front);
	}
	steer_drop(s);
	close_desk(&d);
}

static void what_has_changed_is_made_anew(void)
{
	struct desk d;
	struct fault why;

	open_desk(&d);
	CU_ASSERT_TRUE_FATAL(steer_kept_write(&d.kept, d.steer, &why));
	/* One pool: the others have theirs. */
	d.pools[4].answers = 3;
	d.pools[4].spread_ms = 77;
	struct steer *s = again(&d);
	CU_ASSERT_EQUAL(d.kept.n_taken, POOLS - 1);
	CU_ASSERT_FALSE(steer_kept_is(&d.kept, s));
	steer_drop(s);
	/* An edge stands elsewhere; other files; something is measured. */
	d.edges[ROM].lat += 0.5;
	s = again(&d);
	CU_ASSERT_EQUAL(d.kept.n_taken, 0);
	steer_drop(s);
	d.edges[ROM].lat -= 0.5;
	text_add(&d.files, "in another version");
	s = again(&d);
	CU_ASSERT_EQUAL(d.kept.n_taken, 0);
	steer_drop(s);
	close_desk(&d);
}

static void nothing_measured_is_kept(void)
{
	static const char *const names[4] = { "ams", "rom", "nyc", "sfo" };
	struct desk d;
	struct fault why;
	struct prefix p;

	open_desk(&d);
	CU_ASSERT_TRUE_FATAL(steer_kept_write(&d.kept, d.steer, &why));
	struct latency *table = latency_new(&(struct latency_opts){ names, 4, 0.3, 3600, 1 << 20, { 1, 2 } });
	if (!prefix_parse(&p, "1.0.7.0/24", NULL) || !latency_put(table, &p, NYC, &(struct latency_sample){ 5, 3, NOW, false }))
		abort();
	d.measured.table = table;
	struct steer *s = again(&d);
	CU_ASSERT_EQUAL(d.kept.n_taken, 0);
	CU_ASSERT_FALSE(steer_kept_suits(s));
	steer_drop(s);
	latency_drop(table);
	close_desk(&d);
}

/* The whole of a file, and back. */
static size_t file_read(const char *path, char *to, size_t room)
{
	FILE *f = fopen(path, "re");

	if (!f)
		abort();
	const size_t n = fread(to, 1, room, f);
	fclose(f);
	return n;
}

static void file_write(const char *path, const char *from, size_t len)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(from, 1, len, f) != len || fclose(f) != 0)
		abort();
}

static void what_is_cut_or_changed_is_not_had(void)
{
	static char right[1 << 20], harmed[1 << 20];
	struct desk d;
	struct fault why;

	open_desk(&d);
	CU_ASSERT_TRUE_FATAL(steer_kept_write(&d.kept, d.steer, &why));
	const size_t len = file_read(d.path, right, sizeof right);
	CU_ASSERT_FATAL(len > 500 && len < sizeof right);
	for (size_t at = 0; at < len; at += 37) {
		memcpy(harmed, right, len);
		harmed[at] ^= 1;
		file_write(d.path, harmed, at % 2 ? len : at);
		struct steer *s = again(&d);
		CU_ASSERT_EQUAL(d.kept.n_taken, 0);
		CU_ASSERT_FALSE(steer_kept_is(&d.kept, s)); /* and it is written anew, whatever its front says */
		steer_drop(s);
	}
	close_desk(&d);
}

void suite_steer_kept(void);
void suite_steer_kept(void)
{
	static const struct unit_case cases[] = {
		{ "what is kept answers as what was made", what_is_kept_answers_as_what_was_made },
		{ "what has changed is made anew", what_has_changed_is_made_anew },
		{ "nothing measured is kept", nothing_measured_is_kept },
		{ "what is cut or changed is not had", what_is_cut_or_changed_is_not_had },
	};
	unit_suite("steer/steer_kept", cases, UNIT_COUNT(cases));
}
