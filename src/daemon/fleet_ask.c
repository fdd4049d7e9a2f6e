#include "daemon/fleet_ask.h"

#include "base/memory.h"
#include "base/scope.h"
#include "jobs/mailbox.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ROOM = 64,       /* questions that wait for the loop */
	PATIENCE_S = 10, /* the loop hangs: the engine's own replies come, or are lost, before */
};

/* Held by who waits and by the loop: whoever is last frees it. */
struct question {
	struct fleet_ask *of;
	unsigned holders; /* the lock's */
	const struct redis_word *words; /* of who waits, until `taken` */
	unsigned n;
	bool taken, told;
	struct fleet_answer answer;
	char fault[256];
};

struct fleet_ask {
	struct mailbox *box;
	struct fleet *fleet; /* the loop's */
	pthread_mutex_t lock;
	pthread_cond_t told;
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
	struct fleet_ask *a = q->of;

	pthread_mutex_lock(&a->lock);
	const bool last = --q->holders == 0;
	pthread_mutex_unlock(&a->lock);
	if (!last)
		return;
	fleet_answer_fini(&q->answer);
	free(q);
}

static void end(struct question *q, const char *fault)
{
	pthread_mutex_lock(&q->of->lock);
	snprintf(q->fault, sizeof q->fault, "%s", fault);
	q->told = true;
	pthread_cond_broadcast(&q->of->told);
	pthread_mutex_unlock(&q->of->lock);
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
	bool sent = false;

	pthread_mutex_lock(&a->lock);
	const bool waits = !q->taken; /* else nobody does any more */
	q->taken = true;
	if (waits)
		sent = a->fleet && fleet_send(a->fleet, q->words, q->n, on_reply, q);
	pthread_mutex_unlock(&a->lock);
	if (!sent)
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
	pthread_condattr_t attr;

	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->told, &attr);
	pthread_condattr_destroy(&attr);
	a->box = mailbox_new(&(struct mailbox_opts){ loop, ROOM, sizeof(struct question *), a, on_question });
	return a;
}

void fleet_ask_stop(struct fleet_ask *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopped = true;
	pthread_cond_broadcast(&a->told);
	pthread_mutex_unlock(&a->lock);
}

void fleet_ask_free(struct fleet_ask *a)
{
	if (!a)
		return;
	mailbox_free(a->box);
	pthread_cond_destroy(&a->told);
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

/* The lock is held. */
static void wait_for(struct fleet_ask *a, const struct question *q)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	while (!q->told && !a->stopped)
		if (pthread_cond_timedwait(&a->told, &a->lock, &until))
			return;
}

bool fleet_ask(struct fleet_ask *a, const struct redis_word *words, unsigned n, struct fleet_answer *to,
	struct fault *why)
{
	struct question *q = a ? calloc(1, sizeof *q) : NULL;
	char said[sizeof q->fault] = "the server stops";
	bool ok = false;

	if (!q)
		return fault(why, a ? "out of memory" : "there is no fleet");
	*q = (struct question){ .of = a, .holders = 2, .words = words, .n = n };
	if (!mailbox_post(a->box, &q)) {
		free(q);
		return fault(why, "too many wait for the fleet's Redis");
	}
	pthread_mutex_lock(&a->lock);
	wait_for(a, q);
	if (q->told) {
		ok = !*q->fault;
		memcpy(said, q->fault, sizeof said);
		*to = q->answer;
		q->answer = (struct fleet_answer){ NULL, 0 };
	} else if (!a->stopped) {
		snprintf(said, sizeof said, "the fleet's Redis does not answer");
	}
	q->taken = true; /* the words are ours again */
	pthread_mutex_unlock(&a->lock);
	drop(q);
	if (ok)
		scope_hold(to, end_answer);
	return ok || fault(why, "%s", said);
}
