#include "web/events.h"

#include "base/clock.h"
#include "base/memory.h"
#include "web/api_rows.h"

#include <ev.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define EVERY_S 1.0

enum { TOPICS_MOST = 8, UNSENT_BYTES = 64 << 10 };

/* Shared by those who send it; all under the lock. */
struct event {
	unsigned refs;
	uint64_t number;
	double at_s;
	size_t len;
	char s[];
};

/* What is said of one row. */
struct topic {
	struct command_call call; /* first */
	struct events *owner;
	const struct api_row *row; /* NULL: it is free */
	struct text out;
	bool runs;
	struct event *latest; /* held; NULL */
};

struct event_stream {
	struct event_stream *next, **link; /* of the owner's; under the lock */
	struct events *owner;
	struct topic *topic;
	struct MHD_Connection *at; /* lives longer */
	unsigned who; /* who.h */
	uint64_t seen;     /* the number of the last event that was begun */
	struct event *now; /* held: it is being sent; NULL */
	size_t sent;       /* bytes of it */
	double began_s;
	bool sleeps; /* its connection does, until there is something to send */
	bool beats;  /* a comment is due */
	bool ends;
};

struct events {
	struct events_opts opts;
	ev_timer timer;
	struct topic topics[TOPICS_MOST];
	uint64_t numbers;
	pthread_mutex_t lock; /* of all below, and of events */
	struct event_stream *streams;
	unsigned n;
	bool closed;
};

/* --- events, under the lock --------------------------------------------------------------- */

static struct event *hold(struct event *e)
{
	e->refs++;
	return e;
}

static void drop(struct event **e)
{
	if (*e && --(*e)->refs == 0)
		free(*e);
	*e = NULL;
}

static void wake(struct event_stream *s)
{
	if (s->sleeps)
		MHD_resume_connection(s->at);
	s->sleeps = false;
}

static bool is_heard(const struct events *e, const struct topic *t)
{
	for (const struct event_stream *s = e->streams; s; s = s->next)
		if (s->topic == t && !s->ends)
			return true;
	return false;
}

/* --- the listener's thread ---------------------------------------------------------------- */

static const char beat[] = ":\n\n";

/* Under the lock. */
static ssize_t read_more(struct event_stream *s, char *to, size_t room)
{
	struct event *latest = s->topic->latest;

	if (!s->now && s->ends)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!s->now && latest && latest->number != s->seen) {
		s->now = hold(latest);
		s->seen = latest->number;
		s->sent = 0;
		s->began_s = clock_seconds();
		s->beats = false;
	}
	if (!s->now && s->beats && room >= sizeof beat - 1) {
		s->beats = false;
		memcpy(to, beat, sizeof beat - 1);
		return sizeof beat - 1;
	}
	if (!s->now) {
		MHD_suspend_connection(s->at);
		s->sleeps = true;
		return 0;
	}
	if (clock_seconds() - s->began_s > EVENTS_SLOW_S)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	const size_t left = s->now->len - s->sent, n = left < room ? left : room;
	memcpy(to, s->now->s + s->sent, n);
	s->sent += n;
	if (s->sent == s->now->len)
		drop(&s->now);
	return (ssize_t)n;
}

ssize_t events_read(void *stream, uint64_t pos, char *to, size_t room)
{
	struct event_stream *s = stream;

	(void)pos;
	pthread_mutex_lock(&s->owner->lock);
	const ssize_t n = read_more(s, to, room);
	pthread_mutex_unlock(&s->owner->lock);
	return n;
}

void events_leave(void *stream)
{
	struct event_stream *s = stream;
	struct events *e = s->owner;

	pthread_mutex_lock(&e->lock);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	e->n--;
	drop(&s->now);
	pthread_mutex_unlock(&e->lock);
	free(s);
}

/* --- what is said ------------------------------------------------------------------------- */

/* JSON is readable, over several lines with blanks in front; an event is shorter. NULL: no memory. */
static struct event *event_of(const struct topic *t, const struct text *said)
{
	const char *word = t->row->words, *s = text_get(said);
	const size_t len = strcspn(word, " ");
	struct event *e = malloc(sizeof *e + said->len + len + 32);

	if (!e)
		return NULL;
	char *to = e->s + sprintf(e->s, "event: %.*s\ndata: ", (int)len, word);
	for (; *s; s++) {
		if (*s != '\n')
			*to++ = *s;
		else
			s += strspn(s + 1, " ");
	}
	memcpy(to, "\n\n", 2);
	e->len = (size_t)(to + 2 - e->s);
	e->refs = 1;
	return e;
}

static void beat_all(struct events *e, const struct topic *t)
{
	for (struct event_stream *s = e->streams; s; s = s->next)
		if (s->topic == t) {
			s->beats = true;
			wake(s);
		}
}

/* Takes `now`. */
static void send_on(struct events *e, struct topic *t, struct event *now)
{
	const bool same = t->latest && t->latest->len == now->len && memcmp(t->latest->s, now->s, now->len) == 0;

	now->number = same ? t->latest->number : ++e->numbers;
	now->at_s = clock_seconds();
	if (same && now->at_s - t->latest->at_s < EVENTS_QUIET_S) {
		drop(&now);
		return;
	}
	drop(&t->latest);
	t->latest = now;
	if (same)
		beat_all(e, t);
	for (struct event_stream *s = e->streams; s && !same; s = s->next)
		if (s->topic == t)
			wake(s);
}

/* What fails is asked for again, a second later. */
static void said(struct topic *t, int status)
{
	struct event *now = status || t->out.lost ? NULL : event_of(t, &t->out);

	t->runs = false;
	text_fini(&t->out);
	pthread_mutex_lock(&t->owner->lock);
	if (now && is_heard(t->owner, t))
		send_on(t->owner, t, now);
	else
		drop(&now);
	pthread_mutex_unlock(&t->owner->lock);
}

static void done(struct command_call *c, int status)
{
	said((struct topic *)c, status); /* its first field */
}

static void ask(struct topic *t)
{
	struct api_call api = { .row = t->row };
	struct fault why;

	if (t->runs || !api_words(&api, &why))
		return;
	t->runs = true;
	t->call = (struct command_call){ .uid = 0, .out = &t->out, .done = done };
	const int status = commands_run(t->owner->opts.commands, api.words, api.n, &t->call);
	if (status != COMMAND_LATER)
		said(t, status);
}

/* --- each second -------------------------------------------------------------------------- */

static void end_some(struct events *e, bool all)
{
	for (struct event_stream *s = e->streams; s; s = s->next)
		if (all || !e->opts.may(e->opts.ctx, s->who)) {
			s->ends = true;
			wake(s);
		}
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct events *e = timer->data;
	bool heard[TOPICS_MOST];

	(void)events;
	pthread_mutex_lock(&e->lock);
	end_some(e, false);
	for (unsigned i = 0; i < TOPICS_MOST; i++) {
		heard[i] = e->topics[i].row && is_heard(e, &e->topics[i]);
		if (!heard[i])
			drop(&e->topics[i].latest);
	}
	const bool any = e->n != 0;
	pthread_mutex_unlock(&e->lock);
	for (unsigned i = 0; i < TOPICS_MOST; i++)
		if (heard[i])
			ask(&e->topics[i]);
	if (!any)
		ev_timer_stop(loop, timer);
}

static struct topic *topic_of(struct events *e, const struct api_row *row)
{
	for (struct topic *t = e->topics; t < e->topics + TOPICS_MOST; t++) {
		if (t->row && t->row != row)
			continue;
		t->row = row;
		t->owner = e;
		return t;
	}
	return NULL;
}

/* Else the kernel keeps megabytes of what was so, for each that reads slowly or not at all. */
static void keep_little(struct MHD_Connection *at)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(at, MHD_CONNECTION_INFO_CONNECTION_FD);
	const int bytes = UNSENT_BYTES;

	if (info)
		(void)setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

struct event_stream *events_join(
	struct events *e, const struct api_row *row, unsigned who, struct MHD_Connection *at)
{
	struct topic *t = topic_of(e, row);
	struct event_stream *s = t ? calloc(1, sizeof *s) : NULL;

	if (!s)
		return NULL;
	s->owner = e;
	s->topic = t;
	s->at = at;
	s->who = who;
	pthread_mutex_lock(&e->lock);
	const bool may = !e->closed && e->n < EVENTS_STREAMS_MOST;
	if (may) {
		s->next = e->streams;
		s->link = &e->streams;
		if (s->next)
			s->next->link = &s->next;
		e->streams = s;
		e->n++;
	}
	const bool fresh = t->latest != NULL;
	pthread_mutex_unlock(&e->lock);
	if (!may) {
		free(s);
		return NULL;
	}
	keep_little(at);
	if (!fresh)
		ask(t);
	if (!ev_is_active(&e->timer))
		ev_timer_again(e->opts.loop, &e->timer);
	return s;
}

/* --- the public side ---------------------------------------------------------------------- */

void events_end_all(struct events *e)
{
	pthread_mutex_lock(&e->lock);
	end_some(e, true);
	pthread_mutex_unlock(&e->lock);
}

void events_close(struct events *e)
{
	for (unsigned i = 0; i < TOPICS_MOST; i++) {
		struct topic *t = &e->topics[i];
		if (t->runs && t->call.forget)
			t->call.forget(&t->call);
		t->runs = false;
	}
	ev_timer_stop(e->opts.loop, &e->timer);
	pthread_mutex_lock(&e->lock);
	e->closed = true;
	end_some(e, true);
	pthread_mutex_unlock(&e->lock);
}

struct events *events_new(const struct events_opts *opts)
{
	struct events *e = memory_zeroed(1, sizeof *e);

	e->opts = *opts;
	pthread_mutex_init(&e->lock, NULL);
	ev_timer_init(&e->timer, on_time, EVERY_S, EVERY_S);
	e->timer.data = e;
	return e;
}

void events_free(struct events *e)
{
	for (unsigned i = 0; i < TOPICS_MOST; i++) {
		drop(&e->topics[i].latest);
		text_fini(&e->topics[i].out);
	}
	pthread_mutex_destroy(&e->lock);
	memory_free(e);
}
