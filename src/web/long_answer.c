#include "web/long_answer.h"

#include "base/memory.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct long_answers {
	pthread_mutex_t lock; /* of all below, and of the streams */
	pthread_condattr_t clock;
	struct long_answer *list;
	bool closed;
};

struct long_answer {
	struct long_answer *next, **link;
	struct long_answers *all;
	struct MHD_Connection *at; /* good while it `sleeps`, or in its own thread */
	pthread_cond_t taken;
	const char *piece; /* the maker's, who waits; or of `rest` */
	size_t len, sent;
	struct text rest; /* own */
	unsigned refs;
	bool sleeps; /* its connection does */
	bool ended, whole;
	bool gone; /* nobody reads it */
};

/* --- under the lock ----------------------------------------------------------------------- */

static void wake(struct long_answer *s)
{
	if (s->sleeps)
		MHD_resume_connection(s->at);
	s->sleeps = false;
}

static void drop(struct long_answer *s)
{
	if (--s->refs)
		return;
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	pthread_cond_destroy(&s->taken);
	text_fini(&s->rest);
	free(s);
}

static void hang_up(struct long_answer *s)
{
	s->gone = true;
	s->piece = NULL;
	pthread_cond_signal(&s->taken);
	wake(s);
}

/* --- the maker ---------------------------------------------------------------------------- */

bool long_answer_put(struct long_answer *s, const char *bytes, size_t len)
{
	struct timespec until;
	int status = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LONG_ANSWER_SLOW_S;
	pthread_mutex_lock(&s->all->lock);
	if (s->all->closed)
		hang_up(s);
	if (!s->gone) {
		s->piece = bytes;
		s->len = len;
		s->sent = 0;
		wake(s);
	}
	while (s->piece && status != ETIMEDOUT)
		status = pthread_cond_timedwait(&s->taken, &s->all->lock, &until);
	if (s->piece)
		hang_up(s);
	const bool ok = !s->gone;
	pthread_mutex_unlock(&s->all->lock);
	return ok;
}

void long_answer_end(struct long_answer *s, struct text *rest, bool whole)
{
	struct long_answers *all = s->all;

	pthread_mutex_lock(&all->lock);
	text_take(&s->rest, rest);
	s->piece = s->rest.len ? text_get(&s->rest) : NULL;
	s->len = s->rest.len;
	s->sent = 0;
	s->ended = true;
	s->whole = whole && !s->gone && !s->rest.lost;
	wake(s);
	drop(s);
	pthread_mutex_unlock(&all->lock);
}

/* --- the connection ----------------------------------------------------------------------- */

static ssize_t read_more(struct long_answer *s, char *to, size_t room)
{
	if (s->gone || (s->ended && !s->whole))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!s->piece && s->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!s->piece) {
		MHD_suspend_connection(s->at);
		s->sleeps = true;
		return 0;
	}
	const size_t left = s->len - s->sent, n = left < room ? left : room;
	memcpy(to, s->piece + s->sent, n);
	s->sent += n;
	if (s->sent == s->len) {
		s->piece = NULL;
		pthread_cond_signal(&s->taken);
	}
	return (ssize_t)n;
}

ssize_t long_answer_read(void *stream, uint64_t pos, char *to, size_t room)
{
	struct long_answer *s = stream;

	(void)pos;
	pthread_mutex_lock(&s->all->lock);
	const ssize_t n = read_more(s, to, room);
	pthread_mutex_unlock(&s->all->lock);
	return n;
}

void long_answer_leave(void *stream)
{
	struct long_answer *s = stream;
	struct long_answers *all = s->all;

	pthread_mutex_lock(&all->lock);
	s->sleeps = false;
	hang_up(s);
	drop(s);
	pthread_mutex_unlock(&all->lock);
}

/* --- all of them -------------------------------------------------------------------------- */

struct long_answer *long_answer_new(struct long_answers *all, struct MHD_Connection *at)
{
	struct long_answer *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->all = all;
	s->at = at;
	s->refs = 2;
	pthread_cond_init(&s->taken, &all->clock);
	pthread_mutex_lock(&all->lock);
	s->next = all->list;
	s->link = &all->list;
	if (s->next)
		s->next->link = &s->next;
	all->list = s;
	pthread_mutex_unlock(&all->lock);
	return s;
}

void long_answers_close(struct long_answers *all)
{
	pthread_mutex_lock(&all->lock);
	all->closed = true;
	for (struct long_answer *s = all->list; s; s = s->next)
		hang_up(s);
	pthread_mutex_unlock(&all->lock);
}

struct long_answers *long_answers_new(void)
{
	struct long_answers *all = memory_zeroed(1, sizeof *all);

	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&all->clock);
	pthread_condattr_setclock(&all->clock, CLOCK_MONOTONIC);
	return all;
}

void long_answers_free(struct long_answers *all)
{
	pthread_condattr_destroy(&all->clock);
	pthread_mutex_destroy(&all->lock);
	memory_free(all);
}
