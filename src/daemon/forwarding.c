#include "daemon/forwarding.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/update_reply.h"
#include "xfr/forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNDERWAY_MOST = 256, TLS_AT_ONCE = 4 };

struct sent_on {
	struct forwarding *of;
	struct request *request;
	struct forward *forward; /* NULL: a job does it */
	struct peer *peers;      /* [n_peers] of the job; NULL */
	size_t n_peers;
	uint8_t *answer; /* of the heap; NULL: none */
	size_t answer_len;
	struct fault why;
	struct sent_on *next;
	uint8_t apex[NAME_MOST];
};

struct forwarding {
	struct ev_loop *loop;
	struct jobs *jobs;
	unsigned lane;
	struct publisher *publisher;
	struct sent_on *first;
	size_t n;
	double told; /* clock_seconds() */
	struct forwarding_counts counts;
};

/* --- answers ------------------------------------------------------------------------------ */

static void servfail(struct forwarding *f, struct request *r)
{
	f->counts.failed++;
	update_reply(r, RCODE_SERVFAIL, parts_conf(publisher_live(f->publisher)));
}

/* One line a second at most. */
static void tell(struct forwarding *f, const struct sent_on *s, const char *why)
{
	char zone[NAME_TEXT], from[ADDR_TEXT];
	const double now = clock_seconds();

	if (f->told > 0 && now - f->told < 1)
		return;
	f->told = now;
	log_line(LOG_WARNING, "update of zone %s from %s is not sent on: %s",
		view_text(zone, s->apex), addr_text(from, &s->request->source), why);
}

static void done(void *ctx, const uint8_t *packet, size_t len, const char *why)
{
	struct sent_on *s = ctx, **at = &s->of->first;
	struct forwarding *f = s->of;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	f->n--;
	if (packet) {
		f->counts.answered++;
		request_answer(s->request, packet, len);
	} else {
		tell(f, s, why);
		servfail(f, s->request);
	}
	for (size_t i = 0; i < s->n_peers; i++)
		peer_fini(&s->peers[i]);
	free(s->peers);
	free(s->answer);
	free(s);
}

/* --- over TLS ----------------------------------------------------------------------------- */

static void work(void *ctx, struct job *job)
{
	struct sent_on *s = ctx;

	forward_wait(s->peers, s->n_peers, s->request->packet, s->request->len, job, &s->answer,
		&s->answer_len, &s->why);
}

static void work_done(void *ctx, enum job_end end)
{
	struct sent_on *s = ctx;

	done(s, s->answer, s->answer_len,
		end == JOB_DONE ? s->why.text : end == JOB_CANCELLED ? "given up" : "out of memory");
}

static bool wants_tls(const struct conf *c, const struct conf_rule *rule)
{
	for (size_t i = 0; i < rule->n_primaries; i++)
		if (c->peers[rule->primaries[i]].tls)
			return true;
	return false;
}

/* False: no memory, and what there is of it is done()'s. */
static bool fill_peers(struct sent_on *s, const struct conf *c, const struct conf_rule *rule)
{
	size_t room = 0;

	for (size_t i = 0; i < rule->n_primaries; i++)
		room += c->peers[rule->primaries[i]].n_at;
	s->peers = calloc(room ? room : 1, sizeof *s->peers);
	for (size_t i = 0; s->peers && i < rule->n_primaries; i++) {
		const struct conf_peer *p = &c->peers[rule->primaries[i]];
		struct tls_client *tls = p->tls ? tls_client_new(&p->tls_opts) : NULL;
		for (size_t a = 0; a < p->n_at && (tls || !p->tls); a++) {
			struct peer *to = &s->peers[s->n_peers++];
			peer_set(to, p->name, (const struct sockaddr *)&p->at[a].sa, p->at[a].len,
				NULL);
			if (tls)
				peer_set_tls(to, tls, p->tls_port);
		}
		tls_client_drop(tls);
	}
	return s->peers != NULL;
}

static bool start_job(struct forwarding *f, struct sent_on *s)
{
	return jobs_start(f->jobs, &(struct job_opts){ .lane = f->lane,
				 .name = "forward",
				 .about = "an update goes on to a primary over TLS",
				 .ctx = s,
				 .work = work,
				 .done = work_done }) != NULL;
}

/* --- requests ----------------------------------------------------------------------------- */

/* Who has no answer yet asks again: with the same bytes, from the same port. */
static bool is_underway(const struct forwarding *f, const struct request *r)
{
	for (const struct sent_on *s = f->first; s && r->fd >= 0; s = s->next) {
		const struct request *q = s->request;
		if (q->fd >= 0 && q->len == r->len && q->from_len == r->from_len &&
			memcmp(&q->from, &r->from, r->from_len) == 0 &&
			memcmp(q->packet, r->packet, r->len) == 0)
			return true;
	}
	return false;
}

/* All addresses of its primaries, in their order. Returns how many; `to` is the caller's, of the heap. */
static size_t primaries_of(
	const struct conf *c, const struct conf_rule *rule, struct forward_to **to)
{
	size_t n = 0, room = 0;

	for (size_t i = 0; i < rule->n_primaries; i++)
		room += c->peers[rule->primaries[i]].n_at;
	*to = calloc(room ? room : 1, sizeof(**to));
	for (size_t i = 0; *to && i < rule->n_primaries; i++) {
		const struct conf_peer *p = &c->peers[rule->primaries[i]];
		for (size_t a = 0; a < p->n_at; a++, n++) {
			snprintf((*to)[n].name, FORWARD_NAME, "%s", p->name);
			(*to)[n].at = p->at[a].sa;
			(*to)[n].len = p->at[a].len;
		}
	}
	return n;
}

static bool start(struct forwarding *f, struct sent_on *s, const struct conf_rule *rule)
{
	const struct conf *c = parts_conf(publisher_live(f->publisher));
	struct forward_to *to = NULL;

	if (wants_tls(c, rule))
		return fill_peers(s, c, rule) && start_job(f, s);
	const size_t n = primaries_of(c, rule, &to);
	if (to)
		s->forward = forward_start(&(struct forward_opts){ .loop = f->loop,
			.message = s->request->packet,
			.len = s->request->len,
			.to = to,
			.n = n,
			.ctx = s,
			.done = done });
	free(to);
	return s->forward != NULL;
}

static void send_on(
	struct forwarding *f, struct request *r, const uint8_t *apex, const struct conf_rule *rule)
{
	struct sent_on *s = f->n < UNDERWAY_MOST ? calloc(1, sizeof *s) : NULL;

	if (!s) {
		servfail(f, r);
		return;
	}
	s->of = f;
	s->request = r;
	memcpy(s->apex, apex, name_len(apex));
	s->next = f->first;
	f->first = s;
	f->n++;
	if (!start(f, s, rule))
		done(s, NULL, 0, "out of memory, or the server stops");
}

bool forwarding_take(struct forwarding *f, struct request *r)
{
	const struct parts *live = publisher_live(f->publisher);
	const size_t index = registry_index(live->zones, r->zone);

	if (index == live->zones->n)
		return false;
	const struct conf_rule *rule =
		&parts_conf(live)->rules[zone_set_rule(live->zones->set, index)];
	if (!rule->n_primaries)
		return false;
	if (is_underway(f, r)) {
		request_answer(r, NULL, 0);
		return true;
	}
	f->counts.asked++;
	send_on(f, r, r->zone, rule);
	return true;
}

/* --- the rest ----------------------------------------------------------------------------- */

struct forwarding *forwarding_new(
	struct ev_loop *loop, struct jobs *jobs, struct publisher *publisher)
{
	struct forwarding *f = memory_zeroed(1, sizeof *f);

	f->loop = loop;
	f->jobs = jobs;
	f->lane = jobs_lane(jobs, TLS_AT_ONCE, JOBS_PROMPT);
	f->publisher = publisher;
	return f;
}

void forwarding_free(struct forwarding *f)
{
	while (f->first) {
		struct sent_on *s = f->first;
		f->first = s->next;
		if (s->forward)
			forward_cancel(s->forward);
		free(s->request);
		free(s);
	}
	memory_free(f);
}

struct forwarding_counts forwarding_counts(const struct forwarding *f)
{
	return f->counts;
}
