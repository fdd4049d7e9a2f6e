#include "conf/reference.h"

#include "conf/schema.h"
#include "unit/conf/told.h"
#include "unit/unit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool never(const char *section, const char *key)
{
	(void)section, (void)key;
	return false;
}

static void every_key_is_described(const struct key *keys)
{
	for (const struct key *k = keys; k->name; k++) {
		const size_t n = k->about ? strlen(k->about) : 0;
		if (n < 10 ||
			!(k->about[n - 1] == '.' || strcmp(k->about + n - 4, " ...") == 0))
			printf("\n%s: its row in conf/schema_*.c needs \"about\", in sentences "
			       "(and "
			       "\"otherwise\", the default)\n",
				k->name);
		CU_ASSERT_TRUE(n >= 10);
		if (k->keys)
			every_key_is_described(k->keys);
	}
}

static void no_key_is_without_a_word(void)
{
	every_key_is_described(schema_keys);
}

static void a_key_has_the_path_that_leads_to_it(void)
{
	static const char *const paths[] = { "\nserver: listen\n", "\nedges: NAME: at\n",
		"\npools: NAME: pin: country: COUNTRY\n", "\nzones: - file\n",
		"\nlatency: agents: EDGE: key\n", "\nprobes: NAME: load-from: header\n" };
	struct text out = { 0 };

	CU_ASSERT_TRUE(
		reference_write(&(struct reference_opts){ .needs_restart = never }, &out));
	for (size_t i = 0; i < UNIT_COUNT(paths); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), paths[i]));
	text_fini(&out);
	CU_ASSERT_FALSE(reference_write(
		&(struct reference_opts){ .needs_restart = never, .word = "nothing-like-it" },
		&out));
	CU_ASSERT_EQUAL(out.len, 0);
	text_fini(&out);
}

/* --- defaults ----------------------------------------------------------------------------- */

/* Is what the reference calls the default a value that could be written? Paths are copied, so
 * that another one is never the same. */
static bool is_value(const struct key *k)
{
	const char *v = k->otherwise;

	return v && *v != '/' && !strpbrk(v, " ,;") && k->say &&
		(isdigit((unsigned char)*v) || strstr(k->say, v));
}

/* Takes the default into a copy of what holds without it. */
static bool changes_nothing(
	const struct conf *c, const struct key *k, const void *base, size_t size)
{
	static uint8_t room[1 << 14];
	char yaml[256];
	struct arena mem;
	struct faults f;

	snprintf(yaml, sizeof yaml, "%s: \"%s\"\n", k->name, k->otherwise);
	arena_init(&mem);
	faults_init(&f);
	const struct parse_source src = { .path = "t",
		.text = yaml,
		.text_end = yaml + strlen(yaml),
		.faults = &f };
	const struct node *top = parse_tree(&src, &mem);
	struct reader r = {
		.src = &src, .conf = (struct conf *)c, .mem = &mem, .scratch = &mem
	};
	memcpy(room, base, size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(top);
	k->take(&r, k, top->first, room + k->at);
	const bool same = f.errors == 0 && memcmp(room, base, size) == 0;
	faults_fini(&f);
	arena_fini(&mem);
	return same;
}

/* The struct that a table's keys go to, as it is when none of them was written. */
struct table {
	const struct key *keys;
	const void *base;
	size_t size;
};

static unsigned check_table(const struct conf *c, const struct table *t)
{
	unsigned n = 0;

	for (const struct key *k = t->keys; k->name; k++) {
		if (!is_value(k))
			continue;
		const bool same = changes_nothing(c, k, t->base, t->size);
		if (!same)
			printf("\n%s: %s is not what holds without it\n", k->name,
				k->otherwise);
		CU_ASSERT_TRUE(same);
		n++;
	}
	return n;
}

static const struct key *inner(const struct key *keys, const char *name)
{
	while (strcmp(keys->name, name) != 0)
		keys++;
	return keys->keys;
}

static void defaults_are_what_holds_without_them(void)
{
	struct schema_pool pool = { 0 };
	unsigned n = 0;
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER ZONES "rrl: { rate: 200 }\nlog: { decisions: { file: d } }\n"
			     "edges: { e: { at: \"1,2\", a: 192.0.2.1 } }\n"
			     "probes: { p: { kind: http } }\npools: { w: { edges: e } }\n",
		&lines));
	text_fini(&lines);
	/* A probe while it is read begins with its options. */
	uint8_t probe[sizeof(struct probe_opts) + 64] = { 0 };
	memcpy(probe, &c.probes[0], sizeof c.probes[0]);
	pool.opts = c.pools[0];
	const struct table tables[] = {
		{ schema_server_keys, &c, sizeof c },
		{ schema_limit_keys, &c.policy.limits, sizeof c.policy.limits },
		{ schema_latency_keys, &c.latency, sizeof c.latency },
		{ inner(schema_latency_keys, "switch"), &c.latency, sizeof c.latency },
		{ inner(schema_latency_keys, "explore"), &c.latency, sizeof c.latency },
		{ schema_stage_keys, &c.stage, sizeof c.stage },
		{ schema_balance_keys, &c.balance, sizeof c.balance },
		{ inner(schema_log_keys, "decisions"), &c, sizeof c },
		{ inner(schema_keys, "cookies"), &c, sizeof c },
		{ schema_edge_keys, &c.edges[0], sizeof c.edges[0] },
		{ schema_probe_keys, probe, sizeof probe },
		{ schema_pool_keys, &pool, sizeof pool },
	};
	for (size_t i = 0; i < UNIT_COUNT(tables); i++) {
		const unsigned found = check_table(&c, &tables[i]);
		CU_ASSERT_TRUE(found > 0);
		n += found;
	}
	CU_ASSERT_TRUE(n >= 40);
	conf_fini(&c);
}

void suite_reference(void);
void suite_reference(void)
{
	static const struct unit_case cases[] = {
		{ "no key is without a word", no_key_is_without_a_word },
		{ "a key has the path that leads to it", a_key_has_the_path_that_leads_to_it },
		{ "defaults are what holds without them",
			defaults_are_what_holds_without_them },
	};

	unit_suite("conf/reference", cases, UNIT_COUNT(cases));
}
