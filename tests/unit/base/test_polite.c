#include "base/polite.h"

#include "unit/unit.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

/* What the threads of the tests saw. */
struct seen {
	bool allowed;
	int usual, polite, paused, resumed;
};

static int nice_now(void)
{
	return getpriority(PRIO_PROCESS, (id_t)gettid());
}

/* Whoever runs the tests may give way himself, and more. */
static int given(void)
{
	const int own = getpriority(PRIO_PROCESS, (id_t)getpid());

	return own > 10 ? own : 10;
}

static void *be_polite(void *ctx)
{
	struct seen *s = ctx;

	s->usual = nice_now();
	setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
	s->allowed = setpriority(PRIO_PROCESS, (id_t)gettid(), s->usual) == 0;
	if (!s->allowed)
		return NULL;
	polite_begin();
	s->polite = nice_now();
	polite_pause();
	s->paused = nice_now();
	polite_resume();
	s->resumed = nice_now();
	return NULL;
}

static void *be_usual(void *ctx)
{
	struct seen *s = ctx;

	s->usual = nice_now();
	polite_pause();
	s->paused = nice_now();
	polite_resume();
	s->resumed = nice_now();
	return NULL;
}

static void run(void *(*work)(void *), struct seen *s)
{
	pthread_t id;

	CU_ASSERT_FATAL(pthread_create(&id, NULL, work, s) == 0);
	pthread_join(id, NULL);
}

static void who_is_polite_is_urgent_while_others_wait(void)
{
	struct seen s = { .usual = 0 };
	const int before = nice_now();

	polite_allow();
	run(be_polite, &s);
	CU_ASSERT_EQUAL(nice_now(), before);
	if (!s.allowed)
		return; /* no machine to test it on */
	CU_ASSERT_EQUAL(s.polite, given());
	CU_ASSERT_EQUAL(s.paused, s.usual);
	CU_ASSERT_EQUAL(s.resumed, given());
}

static void *start_another(void *ctx)
{
	polite_begin();
	run(be_polite, ctx);
	return NULL;
}

/* A thread has the priority of who started it. */
static void who_was_started_politely_is_as_urgent(void)
{
	struct seen s = { .usual = 0 }, plain = { .usual = 0 };

	run(be_polite, &plain);
	run(start_another, &s);
	CU_ASSERT_EQUAL(s.usual, given());
	if (plain.allowed)
		CU_ASSERT_EQUAL(s.paused, nice_now());
}

static void who_is_not_stays_as_he_is(void)
{
	struct seen s = { .usual = 0 };

	run(be_usual, &s);
	CU_ASSERT_EQUAL(s.paused, s.usual);
	CU_ASSERT_EQUAL(s.resumed, s.usual);
}

void suite_polite(void);
void suite_polite(void)
{
	static const struct unit_case cases[] = {
		{ "who is polite is urgent while others wait",
			who_is_polite_is_urgent_while_others_wait },
		{ "who was started by one that is polite is as urgent then",
			who_was_started_politely_is_as_urgent },
		{ "who is not stays as he is", who_is_not_stays_as_he_is },
	};

	unit_suite("base/polite", cases, UNIT_COUNT(cases));
}
