#include "daemon/certificates.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/stamps.h"
#include "daemon/parts_read.h"
#include "net/worker.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_S  0.5
#define QUIET_S 2.0 /* files change one after the other: what is wrong for longer is told */

enum {
	FRESH_S = TLS_TICKET_LIFE_S / 2, /* a random key seals tickets for so long */
	KEPT = 2,                        /* keys before it, whose tickets still live */
	DAY_S = 24 * 3600
};

/* A look at the files, and what was made of them where they are others. */
struct reading {
	struct conf *conf; /* held */
	struct tls_tickets tickets;
	struct stamps *before; /* held; of what was taken or told; NULL: read in any case */
	struct stamps *stamps;
	struct tls *made;
	bool same, ok;
	struct fault why;
};

struct certificates {
	struct certificates_opts opts;
	struct workers *workers; /* NULL: nobody yet */
	void (*take)(void *ctx, struct tls *shown); /* NULL: nobody else */
	void *take_ctx;
	unsigned lane;
	ev_timer timer;
	struct tls *shown;        /* held; NULL: none is configured */
	struct stamps *tried;     /* of what was taken or told last; NULL: nothing */
	struct stamps *bad;       /* of what is wrong and not told yet */
	double bad_since;         /* clock_seconds() */
	struct tls_tickets tickets; /* random ones */
	int64_t fresh_until_s;
	bool looks, moved; /* the configuration is another than when the look began */
	char fault[512];
	int64_t told_s; /* when certificates near their end were told of */
	enum report_tls_age told;
	struct reading reading;
};

/* --- reading ------------------------------------------------------------------------------ */

static struct stamps *take_stamps(const struct conf *c)
{
	const char **paths = memory_zeroed(2 * c->n_tls + 2, sizeof *paths);
	size_t n = 0;

	for (size_t i = 0; i < c->n_tls; i++) {
		paths[n++] = c->tls[i].cert;
		paths[n++] = c->tls[i].key;
	}
	if (c->tls_clients)
		paths[n++] = c->tls_clients;
	if (c->tls_tickets)
		paths[n++] = c->tls_tickets;
	struct stamps *s = stamps_take(paths, n);
	memory_free(paths);
	return s;
}

static bool make(const struct conf *c, const struct tls_tickets *random, struct tls **to,
	struct fault *why)
{
	struct tls_tickets tickets = *random;

	if (c->tls_tickets && !tls_tickets_read(&tickets, c->tls_tickets, why))
		return false;
	*to = tls_new(&(struct tls_opts){ .pairs = c->tls,
			      .n = c->n_tls,
			      .clients = c->tls_clients,
			      .tickets = &tickets,
			      .quic = net_has_quic(&c->net) },
		why);
	return *to != NULL;
}

static void look_work(void *ctx, struct job *job)
{
	struct reading *x = &((struct certificates *)ctx)->reading;

	(void)job;
	x->stamps = take_stamps(x->conf);
	x->same = x->before && stamps_same(x->stamps, x->before);
	if (!x->same)
		x->ok = make(x->conf, &x->tickets, &x->made, &x->why);
}

/* --- what comes of it --------------------------------------------------------------------- */

static void tell_shown(const struct certificates *c)
{
	char text[REPORT_TLS_TEXT];

	for (size_t i = 0; i < tls_count(c->shown); i++) {
		const struct tls_about a = tls_about(c->shown, i);
		log_line(LOG_NOTICE, "TLS: certificate for %s", report_tls_text(text, &a));
	}
}

static void keep_stamps(struct stamps **at, struct stamps *s)
{
	stamps_drop(*at);
	*at = stamps_hold(s);
}

static void show(struct certificates *c, struct tls *next)
{
	tls_drop(c->shown);
	c->shown = next;
	*c->fault = 0;
	c->told = REPORT_TLS_GOOD;
	if (c->workers && next)
		workers_set_tls(c->workers, next);
	if (c->take)
		c->take(c->take_ctx, next);
}

/* While files are written one may not fit the other: only what stays wrong is told. */
static void take_wrong(struct certificates *c, const struct reading *x)
{
	if (!c->bad || !stamps_same(c->bad, x->stamps)) {
		keep_stamps(&c->bad, x->stamps);
		c->bad_since = clock_seconds();
	} else if (clock_seconds() - c->bad_since >= QUIET_S) {
		keep_stamps(&c->tried, x->stamps);
		snprintf(c->fault, sizeof c->fault, "%.500s", x->why.text);
		log_line(LOG_ERROR, "TLS: %s; %s", c->fault,
			c->shown ? "what was shown before is shown on"
				 : "clients of TLS are not served");
	}
}

/* As people see it: tickets' keys make another one each hour. */
static bool same_shown(const struct tls *a, const struct tls *b)
{
	bool same = a && tls_count(a) == tls_count(b);

	for (size_t i = 0; same && i < tls_count(b); i++) {
		const struct tls_about x = tls_about(a, i), y = tls_about(b, i);
		same = x.from_s == y.from_s && x.until_s == y.until_s &&
			x.names == y.names && strcmp(x.name, y.name) == 0;
	}
	return same;
}

static void take_reading(struct certificates *c, const struct reading *x)
{
	if (x->same)
		return;
	if (!x->ok) {
		take_wrong(c, x);
		return;
	}
	const bool other = !same_shown(c->shown, x->made);
	keep_stamps(&c->tried, x->stamps);
	show(c, tls_hold(x->made));
	if (other)
		tell_shown(c);
}

static void look_done(void *ctx, enum job_end end)
{
	struct certificates *c = ctx;
	struct reading *x = &c->reading;

	c->looks = false;
	if (end == JOB_DONE) {
		if (!c->moved)
			take_reading(c, x);
		tls_drop(x->made);
		stamps_drop(x->stamps);
	}
	c->moved = false;
	part_drop(&x->conf->part);
	stamps_drop(x->before);
	*x = (struct reading){ 0 };
}

/* --- the end of certificates -------------------------------------------------------------- */

static enum report_tls_age oldest(const struct certificates *c, int64_t now_s, size_t *which)
{
	enum report_tls_age worst = REPORT_TLS_EARLY;

	for (size_t i = 0; i < tls_count(c->shown); i++) {
		const struct tls_about a = tls_about(c->shown, i);
		const enum report_tls_age age = report_tls_age(&a, now_s);
		if (age > worst) {
			worst = age;
			*which = i;
		}
	}
	return worst;
}

static void tell_end(struct certificates *c, int64_t now_s)
{
	char text[REPORT_TLS_TEXT];
	size_t which = 0;
	const enum report_tls_age age = oldest(c, now_s, &which);

	if (age < REPORT_TLS_SOON || (age == c->told && now_s - c->told_s < DAY_S))
		return;
	c->told = age;
	c->told_s = now_s;
	const struct tls_about a = tls_about(c->shown, which);
	log_line(age == REPORT_TLS_ENDED ? LOG_ERROR : LOG_WARNING,
		"TLS: the certificate for %s: %s; renew it, it is read anew when its file changes",
		report_tls_text(text, &a),
		age == REPORT_TLS_ENDED ? "it has ended" : "less than a tenth of its life is left");
}

/* --- looking ------------------------------------------------------------------------------ */

static void renew_tickets(struct certificates *c, const struct conf *conf, int64_t now_s)
{
	if (conf->tls_tickets || now_s < c->fresh_until_s)
		return;
	tls_tickets_rotate(&c->tickets, KEPT);
	c->fresh_until_s = now_s + FRESH_S;
	stamps_drop(c->tried); /* read in any case */
	c->tried = NULL;
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct certificates *c = t->data;
	const struct conf *conf = parts_conf(publisher_live(c->opts.publisher));
	const int64_t now_s = time(NULL);

	(void)loop;
	(void)events;
	if (c->shown)
		tell_end(c, now_s);
	if (c->looks || !conf->n_tls)
		return;
	renew_tickets(c, conf, now_s);
	c->reading = (struct reading){ .conf = (struct conf *)part_hold(
					       publisher_live(c->opts.publisher)->conf),
		.tickets = c->tickets,
		.before = stamps_hold(c->tried) };
	c->looks = jobs_start(c->opts.jobs,
			   &(struct job_opts){ .lane = c->lane,
				   .name = "look",
				   .about = "at the certificates",
				   .ctx = c,
				   .work = look_work,
				   .done = look_done }) != NULL;
	if (c->looks)
		return;
	part_drop(&c->reading.conf->part);
	stamps_drop(c->reading.before);
}

/* Other files, or none; what a job has found of those before is of no use. */
static void on_parts(void *ctx, unsigned what)
{
	struct certificates *c = ctx;

	if (!(what & PUBLISH_CONF))
		return;
	c->moved = c->looks;
	stamps_drop(c->tried);
	c->tried = NULL;
	if (!parts_conf(publisher_live(c->opts.publisher))->n_tls)
		show(c, NULL);
}

/* --- from the start to the end ------------------------------------------------------------ */

struct certificates *certificates_new(const struct certificates_opts *opts, struct fault *why)
{
	struct certificates *c = memory_zeroed(1, sizeof *c);
	const struct conf *conf = parts_conf(publisher_live(opts->publisher));

	c->opts = *opts;
	tls_tickets_rotate(&c->tickets, KEPT);
	c->fresh_until_s = time(NULL) + FRESH_S;
	if (conf->n_tls) {
		struct fault reason;
		c->tried = take_stamps(conf);
		if (!make(conf, &c->tickets, &c->shown, &reason)) {
			fault(why, "TLS: %.900s", reason.text);
			certificates_free(c);
			return NULL;
		}
		tell_shown(c);
	}
	c->lane = jobs_lane(opts->jobs, 1, JOBS_PROMPT);
	publisher_follow(opts->publisher, on_parts, c);
	ev_timer_init(&c->timer, on_look, LOOK_S, LOOK_S);
	c->timer.data = c;
	ev_timer_start(opts->loop, &c->timer);
	return c;
}

void certificates_free(struct certificates *c)
{
	if (!c)
		return;
	ev_timer_stop(c->opts.loop, &c->timer);
	tls_drop(c->shown);
	stamps_drop(c->tried);
	stamps_drop(c->bad);
	memory_free(c);
}

void certificates_give(struct certificates *c, struct workers *w)
{
	c->workers = w;
	if (c->shown)
		workers_set_tls(w, c->shown);
}

void certificates_follow(struct certificates *c, void (*take)(void *ctx, struct tls *shown), void *ctx)
{
	c->take = take;
	c->take_ctx = ctx;
	take(ctx, c->shown);
}

struct report_tls certificates_report(const struct certificates *c)
{
	struct report_tls r = { .shown = tls_hold(c->shown) };

	snprintf(r.fault, sizeof r.fault, "%s", c->fault);
	return r;
}
