#include "base/arena.h"
#include "daemon/fleet_ask.h"
#include "daemon/fleet_lease.h"
#include "daemon/key_ring.h"
#include "jobs/jobs.h"
#include "store/store.h"
#include "unit/fleet/hashes.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <dirent.h>
#include <ev.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const uint8_t apex[] = "\3dyn\4test";

enum { RECORD = 8192 };

/* A server whose zone a fleet signs, and an engine with the record of its keys. */
struct desk {
	struct ev_loop *loop;
	struct jobs *jobs;
	unsigned lane;
	struct arena mem;
	struct redis_at at;
	struct hashes engine;
	struct fleet *fleet;
	struct fleet_ask *ask;
	struct fleet_lease *lease;
	char dir[32], db[64], keys[64];
	struct store *store;
	struct key_ring *ring;
	char version[64], record[RECORD]; /* as the engine has them; "": none */
	size_t record_len;
	/* What a job does, and what came of it. */
	void (*does)(struct desk *d);
	bool done, ok;
	struct fleet_version here, there;
	struct fault why;
};

static void no_part(struct part *p)
{
	(void)p;
}

static struct part holder;

/* As the scripts do it. */
static bool answer(void *ctx, struct engine_call *c, const struct redisReply *m)
{
	enum { GET = 4, LEASE = 6, PUT = 7 };
	struct desk *d = ctx;
	char says[RECORD + 200];
	int len = 0;

	if (strcmp(m->element[0]->str, "EVAL") != 0)
		return hashes_answer(&d->engine, c, m);
	if (m->elements == LEASE)
		len = snprintf(says, sizeof says, "*2\r\n:1\r\n$%zu\r\n%s\r\n", m->element[4]->len, m->element[4]->str);
	else if (m->elements == PUT && strcmp(m->element[4]->str, d->version) != 0)
		len = snprintf(says, sizeof says, "*1\r\n$6\r\nbehind\r\n");
	else if (m->elements == PUT) {
		CU_ASSERT_FATAL(m->element[6]->len <= RECORD);
		snprintf(d->version, sizeof d->version, "%s", m->element[5]->str);
		d->record_len = m->element[6]->len;
		memcpy(d->record, m->element[6]->str, d->record_len);
		len = snprintf(says, sizeof says, "*1\r\n$4\r\ndone\r\n");
	} else if (m->elements == GET) {
		len = snprintf(says, sizeof says, "*4\r\n$4\r\ndone\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(d->version), d->version, d->record_len);
		memcpy(says + len, d->record, d->record_len);
		len += (int)d->record_len;
		len += snprintf(says + len, sizeof says - (size_t)len, "\r\n:0\r\n");
	}
	engine_send_to(c, says, (size_t)len);
	return true;
}

static void gained(void *ctx)
{
	(void)ctx;
}

static bool leads(void *ctx)
{
	return fleet_lease_is_ours(((struct desk *)ctx)->lease);
}

static void open_desk(struct desk *d)
{
	static const uint8_t secret[FLEET_SECRET] = { 7 };
	char url[60];

	memset(d, 0, sizeof *d);
	holder = part_new(no_part);
	d->loop = ev_loop_new(EVFLAG_NOENV);
	d->jobs = jobs_new(d->loop);
	d->lane = jobs_lane(d->jobs, 3, JOBS_PROMPT);
	hashes_open(&d->engine, d->loop);
	d->engine.engine.answer = answer;
	d->engine.engine.ctx = d;
	snprintf(url, sizeof url, "redis://127.0.0.1:%u", d->engine.engine.port);
	CU_ASSERT_TRUE_FATAL(redis_at_parse(&d->at, url, &d->mem, &d->why));
	d->fleet = fleet_new(&(struct fleet_opts){ .loop = d->loop, .jobs = d->jobs, .lane = d->lane, .holder = &holder, .name = "test",
		.server = "ns1", .region = "", .redis = { .at = &d->at, .n = 1 }, .secret = secret });
	d->ask = fleet_ask_new(d->loop);
	fleet_ask_set(d->ask, d->fleet, "test", 0);
	d->lease = fleet_lease_new(d->loop, gained, NULL);
	fleet_lease_set(d->lease, d->fleet, "test", "ns1");
	fleet_lease_want(d->lease, true);
	strcpy(d->dir, "/tmp/unit_share.XXXXXX");
	if (!mkdtemp(d->dir))
		abort();
	snprintf(d->db, sizeof d->db, "%s/db", d->dir);
	snprintf(d->keys, sizeof d->keys, "%s/keys", d->dir);
	d->store = store_open(d->db, &d->why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->store);
	d->ring = key_ring_open(d->store, d->keys, &d->why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->ring);
	key_ring_set_fleet(d->ring, d->ask, d->lease);
	key_ring_share(d->ring, apex, true);
	CU_ASSERT_TRUE_FATAL(turns_until(d->loop, leads, d));
}

/* Returns how many files there were. */
static unsigned remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir)))
		n += *e->d_name != '.' && unlinkat(dirfd(dir), e->d_name, 0) == 0;
	if (dir)
		closedir(dir);
	rmdir(path);
	return n;
}

static void close_desk(struct desk *d)
{
	fleet_lease_set(d->lease, NULL, NULL, NULL);
	fleet_ask_stop(d->ask);
	fleet_free(d->fleet);
	CU_ASSERT_TRUE(jobs_stop(d->jobs, TURNS_PATIENCE_S));
	key_ring_close(d->ring);
	store_close(d->store);
	fleet_ask_free(d->ask);
	fleet_lease_free(d->lease);
	jobs_free(d->jobs);
	hashes_close(&d->engine);
	ev_loop_destroy(d->loop);
	arena_fini(&d->mem);
	remove_folder(d->dir);
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
	return ((const struct desk *)ctx)->done;
}

/* As a helper thread, while the loop turns. */
static void let(struct desk *d, void (*does)(struct desk *d))
{
	d->does = does;
	d->done = d->ok = false;
	CU_ASSERT_PTR_NOT_NULL_FATAL(jobs_start(d->jobs,
		&(struct job_opts){ .lane = d->lane, .name = "test", .about = "", .ctx = d, .work = work, .done = on_done }));
	CU_ASSERT_TRUE_FATAL(turns_until(d->loop, is_done, d));
}

static void step(struct desk *d)
{
	struct key_policy p = key_policy_auto();
	uint32_t next_s;

	p.algorithm = SIGNING_ED25519;
	d->ok = key_ring_step(d->ring, apex, &p, &next_s, &d->why);
}

static void look(struct desk *d)
{
	struct keyset *keys = key_ring_get_shared(d->ring, apex, &d->here, &d->why);

	d->ok = keys != NULL;
	keyset_drop(keys);
}

static void follow(struct desk *d)
{
	d->ok = key_ring_sync(d->ring, apex, d->there, &d->why);
}

/* Of a file's bytes: keys have so many, the store does not. */
static void store_has_room(bool has)
{
	static struct rlimit was;
	struct rlimit small;

	if (!has)
		getrlimit(RLIMIT_FSIZE, &was);
	small = was;
	small.rlim_cur = 2000;
	signal(SIGXFSZ, has ? SIG_DFL : SIG_IGN);
	setrlimit(RLIMIT_FSIZE, has ? &was : &small);
}

static void what_the_fleet_was_told_and_is_not_stored_is_taken_from_there(void)
{
	static struct desk d;

	open_desk(&d);
	store_has_room(false);
	let(&d, step);
	store_has_room(true);
	CU_ASSERT(!d.ok && *d.why.text && *d.version);
	/* The fleet has its keys; this server has none, and knows that. */
	let(&d, look);
	CU_ASSERT(!d.ok && d.here.serial == 0);
	CU_ASSERT_EQUAL_FATAL(sscanf(d.version, "%u-%" SCNx64, &d.there.serial, &d.there.sum), 2);
	let(&d, follow);
	CU_ASSERT_TRUE(d.ok);
	let(&d, look);
	CU_ASSERT(d.ok && fleet_version_same(d.here, d.there));
	CU_ASSERT_EQUAL(remove_folder(d.keys), 2); /* K*.private and K*.key, and no ".new" */
	close_desk(&d);
}

void suite_key_ring_share(void);
void suite_key_ring_share(void)
{
	static const struct unit_case cases[] = {
		{ "what the fleet was told and is not stored is taken from there",
			what_the_fleet_was_told_and_is_not_stored_is_taken_from_there },
	};

	unit_suite("daemon/key_ring_share", cases, UNIT_COUNT(cases));
}
