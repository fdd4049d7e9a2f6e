#include "answer/sample.h"

#include "unit/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct samples *new_ring(void)
{
	struct samples *s = aligned_alloc(64, sizeof *s);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return memset(s, 0, sizeof *s);
}

static void a_full_ring_waits_to_be_read(void)
{
	struct samples *s = new_ring();
	struct sample one = { 0 };

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < SAMPLES + 10; i++)
			samples_put(s, &(struct sample){ .pool = (uint16_t)i });
		for (unsigned i = 0; i < SAMPLES; i++) {
			CU_ASSERT_TRUE_FATAL(samples_get(s, &one));
			CU_ASSERT_EQUAL(one.pool, i);
		}
		CU_ASSERT_FALSE(samples_get(s, &one));
	}
	free(s);
}

struct writer {
	struct samples *to;
	int stop; /* atomic */
};

static void *write_until_stopped(void *ctx)
{
	struct writer *w = ctx;

	for (unsigned i = 0; !__atomic_load_n(&w->stop, __ATOMIC_RELAXED); i++) {
		struct sample one = { .pool = (uint16_t)i };
		memset(&one.client, (int)(i & 255), sizeof one.client);
		samples_put(w->to, &one);
	}
	return NULL;
}

/* Under the thread sanitizer, this is where it would find a race. */
static void the_reader_never_sees_half_of_one(void)
{
	struct samples *s = new_ring();
	struct writer w = { s, 0 };
	struct sample one;
	pthread_t writer;
	unsigned n = 0;
	bool torn = false;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&writer, NULL, write_until_stopped, &w), 0);
	while (n < 100000)
		if (samples_get(s, &one)) {
			for (unsigned i = 0; i < sizeof one.client; i++)
				torn = torn || one.client.b[i] != (one.pool & 255);
			n++;
		}
	__atomic_store_n(&w.stop, 1, __ATOMIC_RELAXED);
	pthread_join(writer, NULL);
	CU_ASSERT_FALSE(torn);
	free(s);
}

static const struct unit_case cases[] = {
	{ "a full ring waits to be read", a_full_ring_waits_to_be_read },
	{ "the reader never sees half of one", the_reader_never_sees_half_of_one },
};

void suite_sample(void)
{
	unit_suite("answer/sample", cases, UNIT_COUNT(cases));
}
