#include "fleet/fleet_inner.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mate *fleet_mates_find(const struct fleet *f, const char *server, size_t *at)
{
	size_t from = 0, to = f->n_mates;

	while (from < to) {
		const size_t middle = (from + to) / 2;
		const int order = strcmp(server, f->mates[middle]->server);
		if (order == 0)
			return f->mates[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	if (at)
		*at = from;
	return NULL;
}

static void fleet_mates_forget(struct fleet *f, size_t at)
{
	struct mate *m = f->mates[at];

	memmove(f->mates + at, f->mates + at + 1, (--f->n_mates - at) * sizeof *f->mates);
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		if (f->follows[i] && f->followers[i].forget)
			f->followers[i].forget(f->followers[i].ctx, m->server);
	json_decref(m->hello);
	free(m);
}

/* In the place of who is gone for the longest time. False: all are there. */
static bool make_room(struct fleet *f)
{
	size_t oldest = f->n_mates;

	for (size_t i = 0; i < f->n_mates; i++)
		if (!f->mates[i]->live && (oldest == f->n_mates || f->mates[i]->said_ms < f->mates[oldest]->said_ms))
			oldest = i;
	if (oldest == f->n_mates)
		return false;
	fleet_mates_forget(f, oldest);
	return true;
}

struct mate *fleet_mates_need(struct fleet *f, const char *server)
{
	size_t at = 0;
	struct mate *m = fleet_mates_find(f, server, &at);

	if (m || (f->n_mates == FLEET_MATES_MOST && !make_room(f)))
		return m;
	fleet_mates_find(f, server, &at);
	m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	snprintf(m->server, sizeof m->server, "%s", server);
	memmove(f->mates + at + 1, f->mates + at, (f->n_mates - at) * sizeof *f->mates);
	f->mates[at] = m;
	f->n_mates++;
	return m;
}

void fleet_mates_tell(struct fleet *f, const char *server, bool live)
{
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		if (f->follows[i] && f->followers[i].mate)
			f->followers[i].mate(f->followers[i].ctx, server, live);
}

void fleet_mates_take_lag(struct mate *m, double ms)
{
	m->lag_ms[m->n_lag++ % FLEET_LAG_KEPT] = ms > 0 ? ms : 0;
}

void fleet_mates_look(struct fleet *f, uint64_t now)
{
	for (size_t i = 0; i < f->n_mates; i++) {
		struct mate *m = f->mates[i];
		if (!m->live || now - m->heard_us < m->lease_us)
			continue;
		m->live = false;
		log_line(LOG_WARNING, "fleet: server %s has not been heard of for %.0f s", m->server,
			(double)(now - m->heard_us) / 1e6);
		fleet_mates_tell(f, m->server, false);
	}
}

void fleet_mates_forget_old(struct fleet *f)
{
	const int64_t since_ms = fleet_now_ms(f) - FLEET_GONE_KEPT_S * INT64_C(1000);

	for (size_t i = f->n_mates; f->caught_up && f->n_looks && i--;) {
		const char *server = f->mates[i]->server;
		if (f->mates[i]->live || f->mates[i]->said_ms >= since_ms)
			continue;
		log_line(LOG_NOTICE, "fleet: server %s is forgotten", server);
		for (unsigned k = 0; k < FLEET_TOPICS; k++) {
			const struct redis_word words[] = { { "HDEL", 4 }, { f->key[k], strlen(f->key[k]) },
				{ server, strlen(server) } };
			if (k != FLEET_WILL && k != FLEET_ZONES)
				redis_send(f->redis, words, 3, NULL, NULL);
		}
		fleet_mates_forget(f, i);
	}
}

size_t fleet_mates(const struct fleet *f)
{
	return f->n_mates;
}

size_t fleet_live(const struct fleet *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_mates; i++)
		n += f->mates[i]->live;
	return n;
}

struct fleet_mate fleet_mate(const struct fleet *f, size_t i)
{
	const struct mate *m = f->mates[i];
	const unsigned n = m->n_lag < FLEET_LAG_KEPT ? m->n_lag : FLEET_LAG_KEPT;
	const char *region = json_string_value(json_object_get(m->hello, "region"));
	struct fleet_mate to = { .server = m->server, .region = region ? region : "", .live = m->live, .hello = m->hello, .heard_s = -1 };

	if (m->heard_us)
		to.heard_s = (double)(clock_us() - m->heard_us) / 1e6;
	if (n)
		to.lag_ms = m->lag_ms[(m->n_lag - 1) % FLEET_LAG_KEPT];
	for (unsigned k = 0; k < n; k++)
		to.lag_most_ms = m->lag_ms[k] > to.lag_most_ms ? m->lag_ms[k] : to.lag_most_ms;
	return to;
}

bool fleet_mate_says(const struct fleet_mate *m, const char *word)
{
	return json_is_true(json_object_get(m->hello, word));
}

void fleet_hello_say(void *json, const char *word)
{
	json_object_set_new(json, word, json_true());
}
