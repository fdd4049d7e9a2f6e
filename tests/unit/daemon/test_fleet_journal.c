#include "daemon/fleet_journal.h"

#include "base/arena.h"
#include "base/text.h"
#include "daemon/fleet_snapshot.h"
#include "unit/fleet/hashes.h"
#include "unit/turns.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <ev.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

/* --- a helper thread, a fleet and an engine whose scripts say what a test has them say ------ */

struct desk {
	struct ev_loop *loop;
	struct jobs *jobs;
	unsigned lane;
	struct arena mem;
	struct redis_at at;
	struct hashes engine;
	struct fleet *fleet;
	struct fleet_ask *ask;
	struct fleet_journal j;
	struct text says, replicas; /* to EVAL and WAIT, as it goes over the wire */
	char from[64], to[64], keys[64]; /* of the last commit */
	char sealed[4096];
	size_t n_sealed;
	struct zone *a, *b; /* two versions */
	struct change *change;
	struct fleet_version of_a, of_b;
	/* What a job does, and what came of it. */
	void (*does)(struct desk *d);
	bool done;
	enum fleet_journal_result is;
	struct fleet_commit commit;
	struct fleet_steps steps;
	struct zone *got;
	struct fleet_version version;
	struct fault why;
};

static void no_part(struct part *p)
{
	(void)p;
}

static struct part holder;

static bool answer(void *ctx, struct engine_call *c, const struct redisReply *m)
{
	struct desk *d = ctx;
	const bool is_script = strcmp(m->element[0]->str, "EVAL") == 0;

	if (is_script && m->elements == 8) {
		snprintf(d->from, sizeof d->from, "%s", m->element[4]->str);
		snprintf(d->to, sizeof d->to, "%s", m->element[5]->str);
		snprintf(d->keys, sizeof d->keys, "%s", m->element[7]->str);
		d->n_sealed = (size_t)m->element[6]->len;
		CU_ASSERT_FATAL(d->n_sealed <= sizeof d->sealed);
		memcpy(d->sealed, m->element[6]->str, d->n_sealed);
	}
	if (is_script)
		engine_send_to(c, d->says.s, d->says.len);
	else if (strcmp(m->element[0]->str, "WAIT") == 0)
		engine_send_to(c, d->replicas.s, d->replicas.len);
	else
		return hashes_answer(&d->engine, c, m);
	return true;
}

static struct zone *version(unsigned serial, const char *rest)
{
	char text[300];
	struct faults f;

	snprintf(text, sizeof text, "$TTL 300\n@ SOA ns1 host %u 7200 2 1209600 60\n@ NS ns1\nns1 A 192.0.2.53\n%s", serial, rest);
	faults_init(&f);
	struct zone *z = zone_of("dyn.test", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static bool is_up(void *ctx)
{
	return fleet_is_caught_up(((struct desk *)ctx)->fleet);
}

static void open_desk(struct desk *d, unsigned replicas)
{
	static const uint8_t secret[FLEET_SECRET] = { 7 };
	char url[60];
	struct fault why;

	memset(d, 0, sizeof *d);
	holder = part_new(no_part);
	d->loop = ev_loop_new(EVFLAG_NOENV);
	d->jobs = jobs_new(d->loop);
	d->lane = jobs_lane(d->jobs, 3, JOBS_PROMPT);
	hashes_open(&d->engine, d->loop);
	d->engine.engine.answer = answer;
	d->engine.engine.ctx = d;
	snprintf(url, sizeof url, "redis://127.0.0.1:%u", d->engine.engine.port);
	CU_ASSERT_TRUE_FATAL(redis_at_parse(&d->at, url, &d->mem, &why));
	d->fleet = fleet_new(&(struct fleet_opts){ .loop = d->loop,
		.jobs = d->jobs,
		.lane = d->lane,
		.holder = &holder,
		.name = "test",
		.server = "ns1",
		.region = "",
		.redis = { .at = &d->at, .n = 1 },
		.secret = secret });
	CU_ASSERT_TRUE_FATAL(turns_until(d->loop, is_up, d));
	d->ask = fleet_ask_new(d->loop);
	fleet_ask_set(d->ask, d->fleet, "test", replicas);
	CU_ASSERT_TRUE_FATAL(fleet_journal_open(&d->j, d->ask, (const uint8_t *)"\3dyn\4test"));
	d->a = version(7, "www A 192.0.2.1\n");
	d->b = version(9, "www 60 A 192.0.2.2\nmail MX 5 www\n");
	d->change = change_between(d->a, d->b, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->change);
	d->of_a = fleet_version_of(d->a);
	d->of_b = fleet_version_of(d->b);
	text_add(&d->replicas, ":1\r\n");
}

static void close_desk(struct desk *d)
{
	fleet_steps_fini(&d->steps);
	fleet_ask_stop(d->ask);
	fleet_free(d->fleet);
	CU_ASSERT_TRUE(jobs_stop(d->jobs, TURNS_PATIENCE_S));
	fleet_ask_free(d->ask);
	jobs_free(d->jobs);
	hashes_close(&d->engine);
	ev_loop_destroy(d->loop);
	arena_fini(&d->mem);
	text_fini(&d->says);
	text_fini(&d->replicas);
	change_free(d->change);
	zone_drop(d->a);
	zone_drop(d->b);
}

/* Texts; those that are numbers begin with ":". */
static void says(struct desk *d, const char *const *items, unsigned n)
{
	text_fini(&d->says);
	d->says = (struct text){ 0 };
	text_addf(&d->says, "*%u\r\n", n);
	for (unsigned i = 0; i < n; i++)
		if (items[i][0] == ':')
			text_addf(&d->says, "%s\r\n", items[i]);
		else
			text_addf(&d->says, "$%zu\r\n%s\r\n", strlen(items[i]), items[i]);
}

static void work(void *ctx, struct job *job)
{
	struct desk *d = ctx;

	(void)job;
	d->does(d);
}

static void on_done(void *ctx, enum job_end end)
{
	CU_ASSERT_EQUAL(end, JOB_DONE);
	((struct desk *)ctx)->done = true;
}

static bool is_done(void *ctx)
{
	return ((struct desk *)ctx)->done;
}

static enum fleet_journal_result run(struct desk *d, void (*does)(struct desk *d))
{
	const struct job_opts o = { .lane = d->lane, .name = "test", .ctx = d, .work = work, .done = on_done };

	d->does = does;
	d->done = false;
	d->why.text[0] = 0;
	CU_ASSERT_PTR_NOT_NULL_FATAL(jobs_start(d->jobs, &o));
	CU_ASSERT_TRUE_FATAL(turns_until(d->loop, is_done, d));
	return d->is;
}

static void commits(struct desk *d)
{
	d->is = fleet_journal_commit(&d->j, &d->commit, &d->steps, &d->why);
}

static enum fleet_journal_result commit(struct desk *d, const struct fleet_version *keys)
{
	fleet_steps_fini(&d->steps);
	d->commit = (struct fleet_commit){ .from = d->of_a, .to = d->of_b, .change = d->change, .keys = keys };
	return run(d, commits);
}

static void reads(struct desk *d)
{
	d->is = fleet_journal_read(&d->j, d->of_a, &d->steps, &d->why);
}

static enum fleet_journal_result read_on(struct desk *d)
{
	fleet_steps_fini(&d->steps);
	return run(d, reads);
}

/* --- steps -------------------------------------------------------------------------------- */

/* The engine says that there is one step, as it was committed but for the byte at `odd`; -1: as it was. */
static void says_behind(struct desk *d, const char *last, int odd)
{
	text_fini(&d->says);
	d->says = (struct text){ 0 };
	text_addf(&d->says, "*3\r\n$6\r\nbehind\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(last), last, strlen(d->to) + d->n_sealed);
	const size_t at = d->says.len;
	text_add(&d->says, d->to);
	text_add_bytes(&d->says, d->sealed, d->n_sealed);
	if (odd >= 0)
		d->says.s[at + (size_t)odd] ^= 1;
	text_add(&d->says, "\r\n");
}

static void a_step_that_one_commits_is_read_by_another_as_it_was(void)
{
	static struct desk d;
	char text[FLEET_VERSION_TEXT];
	const struct fleet_version keys = { 5, 6 }, none = { 0, 0 };

	open_desk(&d, 0);
	says(&d, (const char *const[]){ "done", ":1", ":100" }, 3);
	CU_ASSERT_EQUAL(commit(&d, NULL), FLEET_JOURNAL_DONE);
	CU_ASSERT_STRING_EQUAL(d.from, fleet_version_text(text, d.of_a));
	CU_ASSERT_STRING_EQUAL(d.to, fleet_version_text(text, d.of_b));
	CU_ASSERT_STRING_EQUAL(d.keys, "*");
	CU_ASSERT_EQUAL(commit(&d, &none), FLEET_JOURNAL_DONE);
	CU_ASSERT_STRING_EQUAL(d.keys, "");
	CU_ASSERT_EQUAL(commit(&d, &keys), FLEET_JOURNAL_DONE);
	CU_ASSERT_STRING_EQUAL(d.keys, "0000000005-0000000000000006");
	says_behind(&d, d.to, -1);
	CU_ASSERT_EQUAL(read_on(&d), FLEET_JOURNAL_BEHIND);
	CU_ASSERT_EQUAL_FATAL(d.steps.n, 1);
	CU_ASSERT(fleet_version_same(d.steps.to[0], d.of_b) && fleet_version_same(d.steps.last, d.of_b));
	CU_ASSERT_TRUE(fleet_version_same(fleet_version_after(d.of_a, d.steps.of[0]), d.of_b));
	/* Who commits on what is not the last is told the same. */
	CU_ASSERT_EQUAL(commit(&d, NULL), FLEET_JOURNAL_BEHIND);
	CU_ASSERT_EQUAL(d.steps.n, 1);
	close_desk(&d);
}

static void a_step_that_is_damaged_leads_nowhere(void)
{
	static struct desk d;

	open_desk(&d, 0);
	says(&d, (const char *const[]){ "done", ":1", ":100" }, 3);
	CU_ASSERT_EQUAL_FATAL(commit(&d, NULL), FLEET_JOURNAL_DONE);
	const int odd[] = { 9, 26, 27, 27 + 30, 27 + (int)d.n_sealed - 1 }; /* of the version, and of what is sealed */
	for (unsigned i = 0; i < UNIT_COUNT(odd); i++) {
		says_behind(&d, d.to, odd[i]);
		CU_ASSERT_EQUAL(read_on(&d), FLEET_JOURNAL_APART);
		CU_ASSERT(d.steps.n == 0 && d.steps.of == NULL);
		CU_ASSERT_PTR_NOT_NULL(strstr(d.why.text, "of the fleet's journal"));
	}
	says_behind(&d, "no version", -1);
	CU_ASSERT_EQUAL(read_on(&d), FLEET_JOURNAL_APART);
	CU_ASSERT_STRING_EQUAL(d.why.text, "the fleet's journal is damaged");
	/* Of another zone, though by the same secret. */
	says_behind(&d, d.to, -1);
	d.j.id = (const uint8_t *)"\5other\4test";
	CU_ASSERT_EQUAL(read_on(&d), FLEET_JOURNAL_APART);
	d.j.id = (const uint8_t *)"\3dyn\4test";
	CU_ASSERT_EQUAL(read_on(&d), FLEET_JOURNAL_BEHIND);
	close_desk(&d);
}

static void what_the_engine_says_has_its_name(void)
{
	static const char *const v = "0000000005-0000000000000006";
	static struct desk d;
	const struct {
		const char *items[3];
		unsigned n;
		enum fleet_journal_result is;
		struct fleet_version keys, last;
	} row[] = {
		{ { "done", "" }, 2, FLEET_JOURNAL_DONE, { 0, 0 }, { 0, 0 } },
		{ { "done", v }, 2, FLEET_JOURNAL_DONE, { 5, 6 }, { 0, 0 } },
		{ { "keys", v }, 2, FLEET_JOURNAL_KEYS, { 5, 6 }, { 0, 0 } },
		{ { "keys", ":5" }, 2, FLEET_JOURNAL_KEYS, { 0, 0 }, { 0, 0 } },
		{ { "apart", v }, 2, FLEET_JOURNAL_APART, { 0, 0 }, { 5, 6 } },
		{ { "apart" }, 1, FLEET_JOURNAL_APART, { 0, 0 }, { 0, 0 } },
		{ { "none" }, 1, FLEET_JOURNAL_NONE, { 0, 0 }, { 0, 0 } },
		{ { "behind", v }, 2, FLEET_JOURNAL_APART, { 0, 0 }, { 0, 0 } },
		{ { "else" }, 1, FLEET_JOURNAL_FAILED, { 0, 0 }, { 0, 0 } },
		{ { ":1" }, 1, FLEET_JOURNAL_FAILED, { 0, 0 }, { 0, 0 } },
		{ { NULL }, 0, FLEET_JOURNAL_FAILED, { 0, 0 }, { 0, 0 } },
	};

	open_desk(&d, 0);
	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		says(&d, row[i].items, row[i].n);
		CU_ASSERT_EQUAL(read_on(&d), row[i].is);
		CU_ASSERT(fleet_version_same(d.steps.keys, row[i].keys) && fleet_version_same(d.steps.last, row[i].last));
		CU_ASSERT_EQUAL(d.is == FLEET_JOURNAL_FAILED, strstr(d.why.text, "something else than was asked") != NULL);
	}
	text_fini(&d.says);
	d.says = (struct text){ 0 };
	text_add(&d.says, "-NOSCRIPT scripts are not allowed\r\n");
	CU_ASSERT_EQUAL(read_on(&d), FLEET_JOURNAL_FAILED);
	CU_ASSERT_STRING_EQUAL(d.why.text, "NOSCRIPT scripts are not allowed");
	close_desk(&d);
}

static void a_commit_that_too_few_have_has_failed(void)
{
	static struct desk d;

	open_desk(&d, 2);
	says(&d, (const char *const[]){ "done", ":1", ":100" }, 3);
	CU_ASSERT_EQUAL(commit(&d, NULL), FLEET_JOURNAL_FAILED);
	CU_ASSERT_STRING_EQUAL(d.why.text, "only 1 of 2 replicas of the fleet's Redis have it (fleet: replicas)");
	d.replicas.s[1] = '2';
	CU_ASSERT_EQUAL(commit(&d, NULL), FLEET_JOURNAL_DONE);
	close_desk(&d);
}

/* --- snapshots ---------------------------------------------------------------------------- */

static void a_snapshot_is_wanted_when_the_last_is_far_behind(void)
{
	static const struct {
		const char *since, *bytes;
		unsigned pieces; /* of the last; 0: there is none */
		bool ours, wanted;
	} row[] = {
		{ ":1", ":100", 1, true, false },
		{ ":511", ":100", 1, true, false },
		{ ":512", ":100", 1, true, true },
		{ ":1", ":524287", 1, true, false },
		{ ":1", ":524288", 1, true, true },
		{ ":1", ":524288", 2, true, false },
		{ ":1", ":100", 1, false, true }, /* by another secret, which servers that begin may not have */
		{ ":1", ":100", 0, true, true },
	};
	static struct desk d;
	char head[100], at[FLEET_VERSION_TEXT], key[FLEET_SNAPSHOT_KEY];

	open_desk(&d, 0);
	fleet_snapshot_key(key, &d.j.who.keys);
	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		snprintf(head, sizeof head, "%s %u %s", fleet_version_text(at, d.of_a), row[i].pieces,
			row[i].ours ? key : "0123456789abcdef");
		says(&d, (const char *const[]){ "done", row[i].since, row[i].bytes, head }, row[i].pieces ? 4 : 3);
		CU_ASSERT_EQUAL(commit(&d, NULL), FLEET_JOURNAL_DONE);
		CU_ASSERT_EQUAL(d.commit.wants_snapshot, row[i].wanted);
	}
	close_desk(&d);
}

static void puts_it(struct desk *d)
{
	d->is = fleet_journal_begin(&d->j, d->b, d->of_b, &d->why);
}

static void gets_it(struct desk *d)
{
	const struct compile_opts o = { .key = zone_of_key };

	d->got = fleet_journal_get(&d->j, &o, &d->version, &d->why);
	d->is = d->got ? FLEET_JOURNAL_DONE : FLEET_JOURNAL_FAILED;
}

static void fails_to_get(struct desk *d, const char *why)
{
	CU_ASSERT_EQUAL(run(d, gets_it), FLEET_JOURNAL_FAILED);
	CU_ASSERT_STRING_EQUAL(d->why.text, why);
}

static void a_snapshot_is_got_as_it_was_put_or_not_at_all(void)
{
	static struct desk d;
	char key[FLEET_JOURNAL_KEY], head[100], at[FLEET_VERSION_TEXT], other[FLEET_VERSION_TEXT], name[100];

	open_desk(&d, 0);
	fleet_journal_key(&d.j, key);
	fails_to_get(&d, "the fleet has no snapshot of it");
	says(&d, (const char *const[]){ "done" }, 1);
	CU_ASSERT_EQUAL(run(&d, puts_it), FLEET_JOURNAL_DONE);
	CU_ASSERT_EQUAL(hashes_count(&d.engine, key), 1);
	snprintf(head, sizeof head, "%s 1 0123456789abcdef", fleet_version_text(at, d.of_b));
	hashes_set(&d.engine, key, "snap", head, strlen(head));
	CU_ASSERT_EQUAL_FATAL(run(&d, gets_it), FLEET_JOURNAL_DONE);
	CU_ASSERT(fleet_version_same(d.version, d.of_b) && fleet_version_same(fleet_version_of(d.got), d.of_b));
	zone_drop(d.got);
	/* A piece more than there is; a piece that is another's; a head that is none. */
	snprintf(head, sizeof head, "%s 2 0123456789abcdef", at);
	hashes_set(&d.engine, key, "snap", head, strlen(head));
	fails_to_get(&d, "the snapshot was replaced meanwhile");
	snprintf(name, sizeof name, "snap:%s:1", at);
	hashes_set(&d.engine, key, name, "something", 9);
	fails_to_get(&d, "the fleet's snapshot of it cannot be opened (another \"secret\"?)");
	hashes_set(&d.engine, key, "snap", "something", 9);
	fails_to_get(&d, "the fleet's snapshot of it is damaged");
	/* One whose records are not those of the version that it is called by. */
	d.of_b.sum++;
	CU_ASSERT_EQUAL(run(&d, puts_it), FLEET_JOURNAL_DONE);
	snprintf(head, sizeof head, "%s 1 0123456789abcdef", fleet_version_text(other, d.of_b));
	hashes_set(&d.engine, key, "snap", head, strlen(head));
	fails_to_get(&d, "the fleet's snapshot of it is not the version that it says");
	close_desk(&d);
}

void suite_fleet_journal(void)
{
	static const struct unit_case cases[] = {
		{ "a step that one commits is read by another as it was", a_step_that_one_commits_is_read_by_another_as_it_was },
		{ "a step that is damaged leads nowhere", a_step_that_is_damaged_leads_nowhere },
		{ "what the engine says has its name", what_the_engine_says_has_its_name },
		{ "a commit that too few have has failed", a_commit_that_too_few_have_has_failed },
		{ "a snapshot is wanted when the last is far behind", a_snapshot_is_wanted_when_the_last_is_far_behind },
		{ "a snapshot is got as it was put, or not at all", a_snapshot_is_got_as_it_was_put_or_not_at_all },
	};

	unit_suite("daemon/fleet_journal", cases, UNIT_COUNT(cases));
}
