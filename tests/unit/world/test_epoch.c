#include "world/epoch.h"

#include "base/fault.h"
#include "unit/failing.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

enum { PATIENCE_S = 30 };

/* Stands for a world: the world holds it, so it goes with the world. */
struct marker {
	struct part part;
	struct desk *d;
	bool gone;       /* atomic */
	pthread_t where; /* it went; when `gone` */
};

struct desk {
	struct epoch epoch;
	struct small s;
	struct zone *zone;
	struct zone_set *zones;
	struct pool_numbers *numbers;
	sem_t gone; /* a post a marker */
};

static bool comes(sem_t *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	return sem_timedwait(s, &until) == 0;
}

static void go(struct part *p)
{
	struct marker *m = (struct marker *)p; /* its first member */

	m->where = pthread_self();
	__atomic_store_n(&m->gone, true, __ATOMIC_RELEASE);
	sem_post(&m->d->gone);
}

static bool is_gone(const struct marker *m)
{
	return __atomic_load_n(&m->gone, __ATOMIC_ACQUIRE);
}

static void open_desk(struct desk *d)
{
	struct pool_opts pool = small_pool();
	struct faults f;
	struct fault why;

	*d = (struct desk){ .zone = NULL };
	faults_init(&f);
	d->zone = zone_of("example.",
		"$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\nw EDGE web\n", &f);
	faults_fini(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->zone);
	const struct zone *all[] = { d->zone };
	d->zones = zone_set_new(zone_of_key, all, NULL, 1);
	small_open(&d->s, &pool, 1);
	d->numbers = pool_numbers_new(d->zones, d->s.steer, &why);
	sem_init(&d->gone, 0, 0);
	CU_ASSERT_TRUE_FATAL(epoch_open(&d->epoch, &why));
}

static void close_desk(struct desk *d)
{
	epoch_close(&d->epoch);
	pool_numbers_drop(d->numbers);
	zone_set_drop(d->zones);
	zone_drop(d->zone);
	small_close(&d->s);
	sem_destroy(&d->gone);
}

static struct world *make(struct desk *d, struct marker *m)
{
	static const struct policy policy;

	*m = (struct marker){ part_new(go), .d = d };
	struct world *w = world_new(&(struct world_opts){ .zones = d->zones,
		.steer = d->s.steer,
		.numbers = d->numbers,
		.policy = &policy,
		.conf = &m->part,
		.standing = small_standing(d->s.steer, d->s.states) });
	part_drop(&m->part); /* the world's alone */
	return w;
}

/* Reads the world until it is told to go. */
struct reader {
	pthread_t thread;
	struct desk *d;
	sem_t in, leave;
	const struct world *saw;
	unsigned edges;
};

static void *read_long(void *ctx)
{
	struct reader *r = ctx;

	epoch_join();
	r->saw = epoch_enter(&r->d->epoch);
	sem_post(&r->in);
	if (!comes(&r->leave))
		abort();
	r->edges = r->saw->standing->n_edges;
	epoch_exit();
	sem_post(&r->in);
	if (!comes(&r->leave))
		abort();
	epoch_leave();
	return NULL;
}

static void start_reader(struct reader *r, struct desk *d)
{
	*r = (struct reader){ .d = d };
	sem_init(&r->in, 0, 0);
	sem_init(&r->leave, 0, 0);
	if (pthread_create(&r->thread, NULL, read_long, r) != 0 || !comes(&r->in))
		abort();
}

static void a_world_goes_on_another_thread_once_its_reader_has_left(void)
{
	const struct timespec a_bit = { .tv_nsec = 20000000 };
	struct marker one, two;
	struct reader r;
	struct desk d;

	open_desk(&d);
	struct world *first = make(&d, &one), *second = make(&d, &two);
	epoch_publish(&d.epoch, first);
	start_reader(&r, &d);
	epoch_publish(&d.epoch, second); /* waits for nobody */
	CU_ASSERT_PTR_EQUAL(r.saw, first);
	CU_ASSERT_PTR_EQUAL(epoch_current(&d.epoch), second);
	nanosleep(&a_bit, NULL);
	CU_ASSERT_FALSE(is_gone(&one));
	sem_post(&r.leave);
	CU_ASSERT_TRUE(comes(&r.in));
	CU_ASSERT_TRUE(comes(&d.gone)); /* though the reader is still there, it is away */
	CU_ASSERT_TRUE(is_gone(&one));
	CU_ASSERT_FALSE(pthread_equal(one.where, pthread_self()));
	CU_ASSERT_FALSE(pthread_equal(one.where, r.thread));
	CU_ASSERT_EQUAL(r.edges, 4);
	CU_ASSERT_FALSE(is_gone(&two));
	sem_post(&r.leave);
	pthread_join(r.thread, NULL);
	close_desk(&d);
	CU_ASSERT_TRUE(is_gone(&two));
}

static void a_world_held_by_a_report_outlives_its_publication(void)
{
	struct marker one, two;
	struct desk d;

	open_desk(&d);
	epoch_publish(&d.epoch, make(&d, &one));
	struct world *held = world_hold(epoch_current(&d.epoch));
	epoch_publish(&d.epoch, make(&d, &two));
	epoch_close(&d.epoch);
	CU_ASSERT_TRUE(is_gone(&two));
	CU_ASSERT_FALSE(is_gone(&one));
	CU_ASSERT_EQUAL(held->standing->n_edges, 4);
	CU_ASSERT_EQUAL(zone_set_count(held->zones), 1);
	CU_ASSERT_EQUAL(held->refs, 1);
	world_drop(held);
	CU_ASSERT_TRUE(is_gone(&one));
	CU_ASSERT_TRUE(pthread_equal(one.where, pthread_self()));
	close_desk(&d);
}

static void each_world_that_is_published_has_the_next_number(void)
{
	struct marker m[3];
	struct desk d;

	open_desk(&d);
	CU_ASSERT_PTR_NULL(epoch_current(&d.epoch));
	for (unsigned i = 0; i < 3; i++) {
		epoch_publish(&d.epoch, make(&d, &m[i]));
		CU_ASSERT_EQUAL(epoch_current(&d.epoch)->generation, i + 1);
	}
	close_desk(&d);
}

static void closing_lets_go_of_all_worlds(void)
{
	enum { MANY = 50 };
	struct marker m[MANY];
	struct desk d;

	open_desk(&d);
	for (unsigned i = 0; i < MANY; i++)
		epoch_publish(&d.epoch, make(&d, &m[i]));
	epoch_close(&d.epoch);
	for (unsigned i = 0; i < MANY; i++)
		CU_ASSERT_TRUE(is_gone(&m[i]));
	CU_ASSERT_PTR_NULL(epoch_current(&d.epoch));
	close_desk(&d); /* once more is fine */
}

static void a_world_with_another_standing_shares_all_the_rest(void)
{
	struct marker m;
	struct desk d;

	open_desk(&d);
	struct world *w = make(&d, &m);
	const unsigned numbers = d.numbers->part.refs;
	struct standing *standing = small_standing(d.s.steer, d.s.states);
	struct world *next = world_with_standing(w, standing, NULL);
	CU_ASSERT_EQUAL(d.numbers->part.refs, numbers + 1);
	CU_ASSERT_EQUAL(m.part.refs, 2);
	CU_ASSERT_EQUAL(next->refs, 1);
	CU_ASSERT_PTR_EQUAL(next->standing, standing);
	CU_ASSERT_PTR_EQUAL(next->zones, w->zones);
	CU_ASSERT_PTR_EQUAL(next->steer, w->steer);
	CU_ASSERT_PTR_EQUAL(next->first_pool, d.numbers->first_pool);
	CU_ASSERT_PTR_EQUAL(next->pools, d.numbers->pools);
	CU_ASSERT_EQUAL(next->stage.share, 0);
	world_drop(w);
	CU_ASSERT_FALSE(is_gone(&m));
	CU_ASSERT_EQUAL(next->standing->n_edges, 4);
	world_drop(next);
	CU_ASSERT_TRUE(is_gone(&m));
	close_desk(&d);
}

static void a_stages_parts_live_as_long_as_its_world(void)
{
	static const struct policy policy;
	struct pool_opts pool = small_pool();
	struct small staged;
	struct fault why;
	struct desk d;

	open_desk(&d);
	small_open(&staged, &pool, 1);
	struct pool_numbers *numbers = pool_numbers_new(d.zones, staged.steer, &why);
	struct world *w = world_new(&(struct world_opts){ .zones = d.zones,
		.steer = d.s.steer,
		.numbers = d.numbers,
		.policy = &policy,
		.standing = small_standing(d.s.steer, d.s.states),
		.share = 1u << 31,
		.staged = staged.steer,
		.staged_numbers = numbers,
		.staged_standing = small_standing(staged.steer, staged.states) });
	small_close(&staged);
	pool_numbers_drop(numbers);
	struct world *next = world_with_standing(w, small_standing(d.s.steer, d.s.states),
		small_standing(w->stage.steer, d.s.states));
	CU_ASSERT_NOT_EQUAL(next->stage.standing, w->stage.standing);
	world_drop(w);
	CU_ASSERT_EQUAL(next->stage.share, 1u << 31);
	CU_ASSERT_EQUAL(next->stage.steer->n_edges, 4);
	CU_ASSERT_EQUAL(next->stage.standing->n_edges, 4);
	CU_ASSERT_PTR_EQUAL(next->stage.pools, next->stage.numbers->pools);
	CU_ASSERT_EQUAL(next->stage.pools[0], 0);
	world_drop(next);
	close_desk(&d);
}

/* --- all at once -------------------------------------------------------------------------- */

struct crowd {
	struct desk *d;
	bool over;      /* atomic */
	bool wrong;     /* atomic */
	unsigned begun; /* atomic */
};

static void *read_short(void *ctx)
{
	struct crowd *c = ctx;
	uint64_t last = 0;

	epoch_join();
	__atomic_add_fetch(&c->begun, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&c->over, __ATOMIC_RELAXED)) {
		const struct world *w = epoch_enter(&c->d->epoch);
		if (w->generation < last || w->standing->n_edges != 4 || w->conf->free != go)
			__atomic_store_n(&c->wrong, true, __ATOMIC_RELAXED);
		last = w->generation;
		epoch_exit();
	}
	epoch_leave();
	return NULL;
}

static void readers_see_whole_worlds_in_their_order(void)
{
	enum { MANY = 300 };
	static struct marker m[MANY];
	pthread_t reader[3];
	struct desk d;
	struct crowd c = { .d = &d };

	open_desk(&d);
	epoch_publish(&d.epoch, make(&d, &m[0]));
	for (unsigned i = 0; i < UNIT_COUNT(reader); i++)
		if (pthread_create(&reader[i], NULL, read_short, &c) != 0)
			abort();
	while (__atomic_load_n(&c.begun, __ATOMIC_RELAXED) < UNIT_COUNT(reader))
		sched_yield();
	for (unsigned i = 1; i < MANY; i++)
		epoch_publish(&d.epoch, make(&d, &m[i]));
	/* All but the last go while the readers are at it. */
	for (unsigned i = 1; i < MANY; i++)
		CU_ASSERT_TRUE(comes(&d.gone));
	CU_ASSERT_FALSE(is_gone(&m[MANY - 1]));
	__atomic_store_n(&c.over, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < UNIT_COUNT(reader); i++)
		pthread_join(reader[i], NULL);
	CU_ASSERT_FALSE(c.wrong);
	close_desk(&d);
}

static void without_a_thread_it_says_so_and_there_is_nothing_to_close(void)
{
	struct fault why = { "" };
	struct epoch e;

	failing_threads(true);
	CU_ASSERT_FALSE(epoch_open(&e, &why));
	failing_threads(false);
	CU_ASSERT_NOT_EQUAL(why.text[0], 0);
	epoch_close(&e);
}

void suite_epoch(void);
void suite_epoch(void)
{
	static const struct unit_case cases[] = {
		{ "a world goes on another thread once its reader has left",
			a_world_goes_on_another_thread_once_its_reader_has_left },
		{ "a world held by a report outlives its publication",
			a_world_held_by_a_report_outlives_its_publication },
		{ "each world that is published has the next number",
			each_world_that_is_published_has_the_next_number },
		{ "closing lets go of all worlds", closing_lets_go_of_all_worlds },
		{ "a world with another standing shares all the rest",
			a_world_with_another_standing_shares_all_the_rest },
		{ "a stage's parts live as long as its world",
			a_stages_parts_live_as_long_as_its_world },
		{ "readers see whole worlds in their order",
			readers_see_whole_worlds_in_their_order },
		{ "without a thread it says so, and there is nothing to close",
			without_a_thread_it_says_so_and_there_is_nothing_to_close },
	};

	unit_suite("world/epoch", cases, UNIT_COUNT(cases));
}
