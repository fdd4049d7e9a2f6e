#include "daemon/signing_parents.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/moment.h"
#include "daemon/parts_read.h"
#include "xfr/dsync.h"
#include "xfr/parent_ds.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	MISSING_MOST = 16,
	TOLD_MOST = 200 /* bytes of what is told of a parent */
};

struct signing_parents {
	struct jobs *jobs;
	struct publisher *publisher;
	struct key_ring *ring;
	void (*news)(void *ctx);
	void *ctx;
	unsigned lane;
	bool runs;
	struct asking {
		struct parts held; /* conf */
		struct signing_parents_list list;
		bool news;
		/* Those that have not answered: others are not kept waiting for them again. */
		const struct conf_parent *missing[MISSING_MOST];
		size_t n_missing;
	} asking; /* of the job that runs */
};

void signing_parents_add(
	struct signing_parents_list *l, const uint8_t *id, const struct conf_dnssec *policy)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->zones = memory_grow(l->zones, l->room * sizeof *l->zones);
	}
	memcpy(l->zones[l->n].apex, view_apex(id), name_len(view_apex(id)));
	l->zones[l->n++].policy = policy;
}

/* --- the job ------------------------------------------------------------------------------ */

static bool is_missing(const struct asking *a, const struct conf_parent *p)
{
	for (size_t i = 0; i < a->n_missing; i++)
		if (a->missing[i] == p)
			return true;
	return false;
}

static bool ask(struct asking *a, const struct conf_parent *p, const uint8_t *apex,
	struct job *job, struct parent_ds *to, struct fault *why)
{
	struct peer peer;

	if (is_missing(a, p))
		return fault(why, "%s: it does not answer", p->name);
	peer_set(&peer, p->name, (const struct sockaddr *)&p->at.sa, p->at.len,
		parts_tsig_key(parts_conf(&a->held), p->key));
	if (parent_ds_ask(&peer, apex, job, to, why))
		return true;
	if (a->n_missing < MISSING_MOST)
		a->missing[a->n_missing++] = p;
	return false;
}

/* "2026-11-28T01:02:03Z: 1 DS record at 2 nameservers of the parent" */
static void tell(struct signing_parents *p, const uint8_t *apex, const char *fmt, size_t n,
	const char *what)
{
	char text[256], when[MOMENT_TEXT];

	moment_text(when, time(NULL));
	if (what)
		snprintf(text, sizeof text, "%s: %.*s", when, TOLD_MOST, what);
	else
		snprintf(text, sizeof text, "%s: %s %zu", when, fmt, n);
	key_ring_parent_told(p->ring, apex, text);
}

/* A parent that looks at CDS when it is told to, and else perhaps once a day (RFC 9859). */
static void notify_parent(
	struct signing_parents *p, const struct signing_parents_zone *z, struct job *job)
{
	const struct conf_parent *of = &z->policy->parents[0];
	char name[NAME_TEXT], target[NAME_TEXT];
	struct dsync d;
	struct peer peer;
	struct fault why = { 0 };

	if (!key_ring_wants_notify(p->ring, z->apex))
		return;
	name_text(name, z->apex);
	peer_set(&peer, of->name, (const struct sockaddr *)&of->at.sa, of->at.len,
		parts_tsig_key(parts_conf(&p->asking.held), of->key));
	const bool ok = dsync_find(&peer, z->apex, job, &d, &why) &&
		(!*d.target || dsync_notify(&d, z->apex, job, &why));
	peer_fini(&peer);
	if (!ok) {
		key_ring_notify_again(p->ring, z->apex);
		log_line(LOG_WARNING, "zone %s: its parent is not told of its CDS: %s", name,
			why.text);
	} else if (*d.target) {
		log_line(LOG_NOTICE, "zone %s: its parent is told of its CDS, at %s port %u",
			name, name_text(target, d.target), d.port);
	}
}

static void ask_for(
	struct signing_parents *p, const struct signing_parents_zone *z, struct job *job)
{
	struct asking *a = &p->asking;
	const size_t n = z->policy->n_parents;
	struct parent_ds *got = memory_zeroed(n, sizeof *got);
	struct key_ring_ds *records = memory_zeroed(n, sizeof *records);
	char name[NAME_TEXT];
	uint32_t ttl_s = 0;
	struct fault why = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++) {
		ok = ask(a, &z->policy->parents[i], z->apex, job, &got[i], &why);
		ttl_s = got[i].ttl_s > ttl_s ? got[i].ttl_s : ttl_s;
		records[i] = (struct key_ring_ds){ got[i].records, got[i].len };
	}
	if (!ok) {
		tell(p, z->apex, NULL, 0, why.text);
	} else {
		tell(p, z->apex, "DS records at the parent:", got[0].n, NULL);
		if (key_ring_parent(p->ring, z->apex, records, n, ttl_s, &why)) {
			a->news = true;
			log_line(LOG_NOTICE, "zone %s: the parent has another DS than before",
				name_text(name, z->apex));
		} else if (*why.text) {
			log_line(LOG_ERROR, "zone %s: %s", name_text(name, z->apex), why.text);
		} else {
			notify_parent(p, z, job);
		}
	}
	memory_free(records);
	memory_free(got);
}

static void work(void *ctx, struct job *job)
{
	struct signing_parents *p = ctx;
	const struct signing_parents_list *l = &p->asking.list;

	for (size_t i = 0; i < l->n && !job_is_cancelled(job); i++) {
		ask_for(p, &l->zones[i], job);
		job_progress(job, i + 1, l->n);
	}
}

static void let_go(struct signing_parents *p)
{
	memory_free(p->asking.list.zones);
	publisher_let_go(p->publisher, &p->asking.held);
	p->asking = (struct asking){ .n_missing = 0 };
}

static void done(void *ctx, enum job_end end)
{
	struct signing_parents *p = ctx;
	const bool news = end == JOB_DONE && p->asking.news;

	p->runs = false;
	let_go(p);
	if (news)
		p->news(p->ctx);
}

/* --- the loop ----------------------------------------------------------------------------- */

void signing_parents_ask(
	struct signing_parents *p, struct signing_parents_list *l, const struct parts *parts)
{
	if (p->runs || !l->n) {
		memory_free(l->zones);
		*l = (struct signing_parents_list){ 0 };
		return;
	}
	p->asking.held = parts_hold(&(struct parts){ .conf = parts->conf });
	p->asking.list = *l;
	*l = (struct signing_parents_list){ 0 };
	p->runs = jobs_start(p->jobs,
			  &(struct job_opts){ .lane = p->lane,
				  .name = "ds",
				  .about = "parents are asked for the DS of their zones",
				  .ctx = p,
				  .work = work,
				  .done = done }) != NULL;
	if (!p->runs)
		let_go(p);
}

struct signing_parents *signing_parents_new(struct jobs *jobs, struct publisher *publisher,
	struct key_ring *ring, void (*news)(void *ctx), void *ctx)
{
	struct signing_parents *p = memory_zeroed(1, sizeof *p);

	p->jobs = jobs;
	p->publisher = publisher;
	p->ring = ring;
	p->news = news;
	p->ctx = ctx;
	p->lane = jobs_lane(jobs, 1, JOBS_POLITE);
	return p;
}

void signing_parents_free(struct signing_parents *p)
{
	memory_free(p);
}
