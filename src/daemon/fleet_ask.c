#include "daemon/fleet_ask.h"

#include "base/memory.h"
#include "base/scope.h"
#include "jobs/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ROOM = 64,       /* questions that wait for the loop */
	PATIENCE_S = 10, /* the loop hangs: the engine's own replies come, or are lost, before */
};

/* Held by who waits and by the loop: whoever is last frees it. The loop waits for nobody here: it takes no lock that helper threads
 * have, and wakes who waits by a semaphore of his own. A condition that many wait for has who signals it wait until those whom it
 * woke before have left, which on a busy machine get no processor (glibc's quiesces a group before it begins the next). */
struct question {
	struct question *next, **at; /* of those who wait; the lock's */
	unsigned holders; /* atomic */
	bool given_up;    /* atomic: nobody waits any more */
	bool told;        /* atomic: what follows is said, and the loop's no more */
	struct fleet_answer answer;
	char fault[256];
	sem_t news;       /* it is told, or the server stops */
	unsigned n;
	struct redis_word words[]; /* own, with all texts behind them */
};

struct fleet_ask {
	struct mailbox *box;
	struct fleet *fleet; /* the loop's */
	pthread_mutex_t lock; /* of what follows; the loop takes it when there is another fleet, and when it stops */
	struct question *waits;
	struct fleet_ask_who who;
	bool is, stopped; /* there is a fleet; nobody is asked any more */
};

/* --- answers ------------------------------------------------------------------------------ */

static void end_answer(void *answer);

void fleet_answer_fini(struct fleet_answer *a)
{
	scope_forget(a, end_answer);
	free(a->items);
	*a = (struct fleet_answer){ NULL, 0 };
}

static struct redis_value value_of(const struct redisReply *reply, bool is_list, size_t i)
{
	return is_list ? redis_item(reply, i) : redis_value(reply);
}

/* False: no memory. */
static bool copy(const struct redisReply *reply, struct fleet_answer *to)
{
	const struct redis_value all = redis_value(reply);
	const bool is_list = all.kind == REDIS_LIST;
	const size_t n = is_list ? all.len : 1;
	size_t room = n * sizeof *to->items;

	for (size_t i = 0; i < n; i++)
		room += value_of(reply, is_list, i).len + 1;
	to->items = malloc(room);
	if (!to->items)
		return false;
	char *at = (char *)(to->items + n);
	to->n = n;
	for (size_t i = 0; i < n; i++) {
		const struct redis_value v = value_of(reply, is_list, i);
		const bool is_text = v.kind == REDIS_TEXT || v.kind == REDIS_FAULT;
		to->items[i] = (struct fleet_answer_item){ v.kind, at, is_text ? v.len : 0, v.number };
		if (is_text)
			memcpy(at, v.s, v.len);
		at += to->items[i].len;
		*at++ = 0;
	}
	return true;
}

/* --- the loop's side ---------------------------------------------------------------------- */

static void drop(struct question *q)
{
	if (__atomic_sub_fetch(&q->holders, 1, __ATOMIC_ACQ_REL))
		return;
	fleet_answer_fini(&q->answer);
	sem_destroy(&q->news);
	free(q);
}

static void end(struct question *q, const char *fault)
{
	snprintf(q->fault, sizeof q->fault, "%s", fault);
	__atomic_store_n(&q->told, true, __ATOMIC_RELEASE);
	sem_post(&q->news);
	drop(q);
}

static void on_reply(void *ctx, const struct redisReply *reply)
{
	struct question *q = ctx;
	const struct redis_value v = redis_value(reply);

	if (!reply)
		end(q, "the connection to the fleet's Redis was lost");
	else if (v.kind == REDIS_FAULT)
		end(q, v.s);
	else
		end(q, copy(reply, &q->answer) ? "" : "out of memory");
}

static void on_question(void *ctx, const void *item)
{
	struct fleet_ask *a = ctx;
	struct question *q = *(struct question *const *)item;
	const bool waits = !__atomic_load_n(&q->given_up, __ATOMIC_ACQUIRE);

	if (!waits || !a->fleet || !fleet_send(a->fleet, q->words, q->n, on_reply, q))
		end(q, a->fleet ? "the fleet's Redis cannot be reached" : "there is no fleet");
}

void fleet_ask_set(struct fleet_ask *a, struct fleet *f, const char *name, unsigned replicas)
{
	pthread_mutex_lock(&a->lock);
	a->fleet = f;
	a->is = f != NULL;
	memset(&a->who, 0, sizeof a->who);
	if (f) {
		a->who.keys = *fleet_keys(f);
		snprintf(a->who.name, sizeof a->who.name, "%s", name);
		a->who.replicas = replicas;
	}
	pthread_mutex_unlock(&a->lock);
}

struct fleet_ask *fleet_ask_new(struct ev_loop *loop)
{
	struct fleet_ask *a = memory_zeroed(1, sizeof *a);

	pthread_mutex_init(&a->lock, NULL);
	a->box = mailbox_new(&(struct mailbox_opts){ loop, ROOM, sizeof(struct question *), a, on_question });
	return a;
}

void fleet_ask_stop(struct fleet_ask *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopped = true;
	for (struct question *q = a->waits; q; q = q->next)
		sem_post(&q->news);
	pthread_mutex_unlock(&a->lock);
}

void fleet_ask_free(struct fleet_ask *a)
{
	if (!a)
		return;
	mailbox_free(a->box);
	pthread_mutex_destroy(&a->lock);
	sodium_memzero(&a->who, sizeof a->who);
	memory_free(a);
}

/* --- who asks ----------------------------------------------------------------------------- */

bool fleet_ask_who(struct fleet_ask *a, struct fleet_ask_who *to)
{
	if (!a)
		return false;
	pthread_mutex_lock(&a->lock);
	const bool is = a->is;
	*to = a->who;
	pthread_mutex_unlock(&a->lock);
	return is;
}

static void end_answer(void *answer)
{
	fleet_answer_fini(answer);
}

/* NULL: no memory. The words are copied: who gives up does not wait until the loop has read them. */
static struct question *question_new(const struct redis_word *words, unsigned n)
{
	size_t room = n * sizeof *words;

	for (unsigned i = 0; i < n; i++)
		room += words[i].len;
	struct question *q = malloc(sizeof *q + room);
	if (!q)
		return NULL;
	*q = (struct question){ .holders = 1, .n = n };
	sem_init(&q->news, 0, 0);
	char *at = (char *)(q->words + n);
	for (unsigned i = 0; i < n; i++) {
		if (words[i].len)
			memcpy(at, words[i].s, words[i].len);
		q->words[i] = (struct redis_word){ at, words[i].len };
		at += words[i].len;
	}
	return q;
}

/* False: the server stops. */
static bool begin_to_wait(struct fleet_ask *a, struct question *q)
{
	pthread_mutex_lock(&a->lock);
	const bool waits = !a->stopped;
	if (waits) {
		q->next = a->waits;
		q->at = &a->waits;
		if (q->next)
			q->next->at = &q->next;
		a->waits = q;
	}
	pthread_mutex_unlock(&a->lock);
	return waits;
}

/* Does the server stop? */
static bool leave(struct fleet_ask *a, struct question *q)
{
	pthread_mutex_lock(&a->lock);
	const bool stopped = a->stopped;
	*q->at = q->next;
	if (q->next)
		q->next->at = q->at;
	pthread_mutex_unlock(&a->lock);
	return stopped;
}

static void wait_for(struct question *q)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	while (sem_clockwait(&q->news, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR)
		;
}

/* True, and what came back; or why not. */
static bool take_answer(struct question *q, bool stopped, struct fleet_answer *to, struct fault *why)
{
	if (!__atomic_load_n(&q->told, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&q->given_up, true, __ATOMIC_RELEASE);
		return fault(why, stopped ? "the server stops" : "the fleet's Redis does not answer");
	}
	*to = q->answer;
	q->answer = (struct fleet_answer){ NULL, 0 };
	return !*q->fault || fault(why, "%s", q->fault);
}

bool fleet_ask(struct fleet_ask *a, const struct redis_word *words, unsigned n, struct fleet_answer *to,
	struct fault *why)
{
	struct question *q = a ? question_new(words, n) : NULL;
	bool ok = false;

	if (!q)
		return fault(why, a ? "out of memory" : "there is no fleet");
	if (!begin_to_wait(a, q)) {
		drop(q);
		return fault(why, "the server stops");
	}
	q->holders++;
	if (mailbox_post(a->box, &q)) {
		wait_for(q);
		ok = take_answer(q, leave(a, q), to, why);
	} else {
		leave(a, q);
		drop(q);
		fault(why, "too many wait for the fleet's Redis");
	}
	drop(q);
	if (ok)
		scope_hold(to, end_answer);
	return ok;
}
