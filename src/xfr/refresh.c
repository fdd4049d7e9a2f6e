#include "xfr/refresh.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/rrtype.h"
#include "xfr/exchange.h"
#include "zone/change.h"
#include "zone/history.h"
#include "zone/image.h"
#include "zone/serial.h"

#include <ev.h>
#include <netinet/in.h>
#include <search.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	FETCHING_MOST = 10,
	REFRESH_LEAST_S = 2,
	RETRY_LEAST_S = 2,
	RETRY_FIRST_S = 3,     /* of a zone that we have not got */
	RETRY_MOST_S = 1800,
	TIMER_MOST_S = 4 * 7 * 86400,
	EXPIRE_LEAST_S = 2,
	SOA_NUMBERS = 20,
	FAULT_MOST = 255
};

static const struct peer_limits limits = {
	.connect_ms = 10000, .silence_ms = 30000, .most_ms = 7200000, .most_bytes = 8ull << 30
};

enum doing { WAITS, ASKS, QUEUES, FETCHES };

struct secondary {
	struct refresher *of;
	struct peer *peers; /* [n], own */
	size_t n, at;       /* who is asked next */
	size_t tried;       /* ... in this round */
	struct zone *zone;  /* held; NULL: there is none */
	ev_timer timer;     /* of the next question */
	ev_timer expiry;
	enum doing doing;
	struct exchange *exchange;
	struct tsig tsig; /* of the question that is underway */
	bool gone;        /* dropped while it is fetched */
	bool again;       /* asked for once more meanwhile */
	bool whole;
	bool first; /* before others that wait to be fetched */
	bool expired;
	unsigned failures;
	uint32_t expire_s;
	double checked; /* clock_seconds(); when a primary was last heard */
	struct refresh_view view;
	struct secondary *next_fetch;
	const uint8_t *apex; /* behind it */
};

struct fetching {
	struct secondary *of;
	struct zone *have; /* held */
	struct peer peer;
	struct part *hold;
	bool whole;
	struct compile_opts compile;
	void *verify; /* own; NULL: nothing */
	struct store_mark upon;
	enum fetch_kind kind;
	struct fetched got;
	struct fault why;
};

struct refresher {
	struct refresher_opts opts;
	unsigned lane;
	void *tree; /* of struct secondary, by apex */
	struct exchanges *exchanges;
	struct secondary *first_fetch, **last_fetch;
	struct refresher_counts counts;
};

/* --- which zone --------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return name_compare(((const struct secondary *)a)->apex,
		((const struct secondary *)b)->apex);
}

static struct secondary *find(const struct refresher *r, const uint8_t *apex)
{
	const struct secondary key = { .apex = apex };
	void *at = tfind(&key, &((struct refresher *)(uintptr_t)r)->tree, compare);
	return at ? *(struct secondary **)at : NULL;
}

/* --- timers ------------------------------------------------------------------------------- */

/* Between 90 and 100 % of it. */
static double with_chance(double s)
{
	return s * (0.9 + 0.1 * randombytes_uniform(1001) / 1000.0);
}

static double within(double s, double least, double most)
{
	return s < least ? least : s > most ? most : s;
}

static uint32_t soa_number(const struct zone *z, unsigned i)
{
	const struct zone_rrset *soa = zone_find_rrset(image_first(z), RRTYPE_SOA);

	return be32_get(soa->wire + soa->len - SOA_NUMBERS + 4 * i);
}

enum { SERIAL, REFRESH, RETRY, EXPIRE };

static void wait_s(struct secondary *s, double after_s)
{
	s->doing = WAITS;
	s->view.next_s = time(NULL) + (int64_t)after_s;
	ev_timer_stop(s->of->opts.loop, &s->timer);
	ev_timer_set(&s->timer, after_s, 0);
	ev_timer_start(s->of->opts.loop, &s->timer);
}

/* From the last time that a primary was heard. */
static void set_expiry(struct secondary *s)
{
	struct ev_loop *loop = s->of->opts.loop;

	ev_timer_stop(loop, &s->expiry);
	if (!s->zone)
		return;
	const double expire_s = within(s->expire_s, EXPIRE_LEAST_S, INT32_MAX),
		     left = s->checked + expire_s - clock_seconds();
	s->view.expires_s = s->view.checked_s + (int64_t)expire_s;
	ev_timer_set(&s->expiry, left > 0 ? left : 0, 0);
	ev_timer_start(loop, &s->expiry);
}

static void tell_news(struct secondary *s, struct zone *zone, const struct fetched *how)
{
	s->of->opts.take(s->of->opts.ctx,
		&(struct refresh_news){ .apex = s->apex,
			.zone = zone,
			.expired = s->expired,
			.fault = *s->view.fault ? s->view.fault : NULL,
			.how = how });
}

static void on_expiry(struct ev_loop *loop, ev_timer *t, int events)
{
	struct secondary *s = t->data;
	char name[NAME_TEXT];

	(void)loop;
	(void)events;
	if (s->expired)
		return;
	s->expired = true;
	s->of->counts.expired++;
	log_line(LOG_ERROR,
		"zone %s has expired: no primary was heard for %u seconds; it is answered with "
		"SERVFAIL",
		name_text(name, s->apex), s->expire_s);
	tell_news(s, NULL, NULL);
}

/* A primary was heard: what we have is good. */
static void heard(struct secondary *s, uint32_t expire_s)
{
	const bool was_expired = s->expired;
	const uint32_t soa_s = soa_number(s->zone, EXPIRE);

	s->failures = 0;
	s->view.fault[0] = 0;
	s->checked = clock_seconds();
	s->view.checked_s = time(NULL);
	/* What is left of a primary's own time, where it is a secondary itself (RFC 7314). */
	s->expire_s = expire_s && expire_s < soa_s ? expire_s : soa_s;
	s->expired = false;
	s->of->counts.expired -= was_expired;
	set_expiry(s);
	/* Somebody has said meanwhile that there is something new. */
	wait_s(s, s->again ? 0
			   : with_chance(within(soa_number(s->zone, REFRESH), REFRESH_LEAST_S,
				     TIMER_MOST_S)));
	s->again = false;
}

/* Nobody of them has what we want. */
static void failed(struct secondary *s)
{
	char name[NAME_TEXT];
	const unsigned steps = s->failures < 10 ? s->failures : 10;
	const double first = s->zone
		? within(soa_number(s->zone, RETRY), RETRY_LEAST_S, TIMER_MOST_S)
		: RETRY_FIRST_S;
	const double most = s->zone && first > RETRY_MOST_S ? first : RETRY_MOST_S;

	s->of->counts.failed++;
	if (s->failures++ == 0)
		log_line(LOG_WARNING, "zone %s: %s; asked again soon", name_text(name, s->apex),
			s->view.fault);
	s->tried = 0;
	wait_s(s, with_chance(within(first * (double)(1u << steps), first, most)));
	if (!s->zone || s->expired)
		tell_news(s, NULL, NULL);
}

/* --- fetching ----------------------------------------------------------------------------- */

static void fetch_some(struct refresher *r);

static void queue_fetch(struct secondary *s)
{
	struct refresher *r = s->of;

	s->doing = QUEUES;
	s->next_fetch = s->first ? r->first_fetch : NULL;
	if (s->first)
		r->first_fetch = s;
	else
		*r->last_fetch = s;
	if (!s->next_fetch)
		r->last_fetch = &s->next_fetch;
	r->counts.waiting++;
	fetch_some(r);
}

/* One peer has not given it: the next. */
static void try_next(struct secondary *s)
{
	s->at = (s->at + 1) % s->n;
	if (++s->tried < s->n)
		queue_fetch(s);
	else
		failed(s);
}

static void free_peers(struct peer *peers, size_t n)
{
	for (size_t i = 0; peers && i < n; i++)
		peer_fini(&peers[i]);
	free(peers);
}

static void free_secondary(struct secondary *s)
{
	struct ev_loop *loop = s->of->opts.loop;

	ev_timer_stop(loop, &s->timer);
	ev_timer_stop(loop, &s->expiry);
	if (s->exchange)
		exchange_cancel(s->exchange);
	s->of->counts.expired -= s->expired;
	zone_drop(s->zone);
	free_peers(s->peers, s->n);
	free(s);
}

static void say_fetched(const struct secondary *s, const struct fetched *got)
{
	char name[NAME_TEXT], peer[PEER_TEXT];

	log_line(LOG_NOTICE, "zone %s: serial %u from %s by %s: %ju records, %ju bytes",
		name_text(name, s->apex), got->zone->serial, peer_text(peer, &s->peers[s->at]),
		got->incremental ? "IXFR" : "AXFR", (uintmax_t)got->records,
		(uintmax_t)got->bytes);
}

static void take_fetched(struct secondary *s, struct fetching *f)
{
	struct fetched *got = &f->got;

	s->of->counts.fetched++;
	s->whole = false;
	say_fetched(s, got);
	s->view.transferred_s = time(NULL);
	s->view.incremental = got->incremental;
	s->view.bytes = got->bytes;
	s->view.records = got->records;
	zone_drop(s->zone);
	s->zone = got->zone;
	zone_hold(s->zone); /* one for us, one for who takes it */
	got->zone = NULL;
	heard(s, got->expire_s);
	tell_news(s, s->zone, got);
}

static void fetch_done(void *ctx, enum job_end end)
{
	struct fetching *f = ctx;
	struct secondary *s = f->of;
	struct refresher *r = s->of;
	const bool gone = s->gone;

	r->counts.fetching--;
	if (gone) {
		free_secondary(s);
	} else if (end == JOB_DONE && f->kind == FETCH_NEW) {
		take_fetched(s, f);
	} else if (end == JOB_DONE && f->kind == FETCH_SAME) {
		const bool was_expired = s->expired;
		heard(s, f->got.expire_s);
		if (was_expired) {
			zone_hold(s->zone);
			tell_news(s, s->zone, NULL);
		}
	} else {
		snprintf(s->view.fault, sizeof s->view.fault, "%.*s", FAULT_MOST,
			end == JOB_DONE ? f->why.text : "out of memory");
		try_next(s);
	}
	if (end == JOB_DONE) {
		zone_drop(f->got.zone);
		change_free(f->got.change);
	}
	if (!gone && s->again && s->doing == WAITS) {
		s->again = false;
		wait_s(s, 0);
	}
	zone_drop(f->have);
	part_drop(f->hold);
	peer_fini(&f->peer);
	free(f->verify);
	free(f);
	fetch_some(r);
}

/* What has come is not taken. */
static void refuse(struct fetched *got)
{
	zone_drop(got->zone);
	change_free(got->change);
	got->zone = NULL;
	got->change = NULL;
}

/* What came whole differs little from what we have, mostly: then that is all that has to be stored, and
 * those who follow us need no more. */
static void find_change(const struct zone *have, struct fetched *got)
{
	struct fault why;

	if (!have || got->change || got->zone->serial == have->serial)
		return;
	got->change = change_between(have, got->zone, &why);
}

static void add_peer_name(struct fetching *f, uint32_t serial)
{
	const struct fault what = f->why;
	char peer[PEER_TEXT];

	fault(&f->why, "%s: serial %u is not taken: %s", peer_text(peer, &f->peer), serial,
		what.text);
}

static void fetch_work(void *ctx, struct job *job)
{
	struct fetching *f = ctx;
	struct refresher *r = f->of->of;
	struct fetched got = { 0 };
	enum fetch_kind kind = FETCH_FAILED;

	if (!r->opts.mark || r->opts.mark(r->opts.ctx, f->of->apex, &f->upon, &f->why))
		kind = fetch_zone(&(struct fetch_opts){ .apex = f->of->apex,
					  .peer = &f->peer,
					  .limits = limits,
					  .have = f->have,
					  .whole = f->whole,
					  .compile = f->compile,
					  .job = job },
			&got, &f->why);
	if (kind == FETCH_NEW && f->verify &&
		!r->opts.verify(r->opts.ctx, f->verify, got.zone, job, &f->why)) {
		add_peer_name(f, got.zone->serial);
		refuse(&got);
		kind = FETCH_FAILED;
	}
	if (kind == FETCH_NEW)
		find_change(f->have, &got);
	if (kind == FETCH_NEW && r->opts.store &&
		!r->opts.store(r->opts.ctx, &f->upon, &got, &f->why)) {
		refuse(&got);
		kind = FETCH_FAILED;
	}
	if (got.change)
		history_give(got.zone, f->have, got.change);
	got.change = NULL;
	f->got = got;
	f->kind = kind;
}

static bool fetch_start(struct secondary *s)
{
	struct refresher *r = s->of;
	struct fetching *f = calloc(1, sizeof *f);
	char name[NAME_TEXT];
	bool ok = f != NULL;

	if (ok && r->opts.verifies)
		f->verify = r->opts.verifies(r->opts.ctx, s->apex, &ok);
	if (!ok) {
		free(f);
		return false;
	}
	f->of = s;
	f->have = s->zone;
	if (f->have)
		zone_hold(f->have);
	f->whole = s->whole;
	peer_copy(&f->peer, &s->peers[s->at]);
	f->compile = r->opts.compile(r->opts.ctx, &f->hold);
	s->doing = FETCHES;
	if (jobs_start(r->opts.jobs,
		    &(struct job_opts){ .lane = r->lane,
			    .name = "transfer",
			    .about = name_text(name, s->apex),
			    .ctx = f,
			    .work = fetch_work,
			    .done = fetch_done }))
		return true;
	zone_drop(f->have);
	part_drop(f->hold);
	peer_fini(&f->peer);
	free(f->verify);
	free(f);
	return false;
}

static void fetch_some(struct refresher *r)
{
	while (r->first_fetch && r->counts.fetching < FETCHING_MOST) {
		struct secondary *s = r->first_fetch;
		r->first_fetch = s->next_fetch;
		if (!r->first_fetch)
			r->last_fetch = &r->first_fetch;
		r->counts.waiting--;
		if (s->gone) {
			free_secondary(s);
		} else if (!r->opts.follows(r->opts.ctx, s->apex)) {
			wait_s(s, RETRY_FIRST_S);
		} else if (fetch_start(s)) {
			r->counts.fetching++;
		} else {
			snprintf(s->view.fault, sizeof s->view.fault, "out of memory");
			failed(s);
		}
	}
}

/* --- asking ------------------------------------------------------------------------------- */

static void ask(struct secondary *s);

static size_t write_question(void *ctx, uint8_t to[static EXCHANGE_MOST], uint16_t id)
{
	struct secondary *s = ctx;
	const struct peer *p = &s->peers[s->at];
	const size_t apex = name_len(s->apex);
	uint8_t *q = to + QUERY_HEADER;
	static const uint8_t opt[EDNS_OPT_FIXED + 4] = { 0, 0, RRTYPE_OPT, EDNS_PAYLOAD >> 8,
		EDNS_PAYLOAD & 255, 0, 0, 0, 0, 0, 4, 0, EDNS_EXPIRE, 0, 0 };

	memset(to, 0, QUERY_HEADER);
	be16_put(to, id);
	be16_put(to + 4, 1);
	be16_put(to + 10, 1);
	memcpy(q, s->apex, apex);
	be16_put(q + apex, RRTYPE_SOA);
	be16_put(q + apex + 2, RRCLASS_IN);
	memcpy(q + apex + 4, opt, sizeof opt);
	const size_t len = QUERY_HEADER + apex + 4 + sizeof opt;
	s->tsig.key = NULL;
	return p->is_signed ? tsig_ask(&s->tsig, &p->key, to, len, (uint64_t)time(NULL)) : len;
}

/* What an answer says. */
struct soa_answer {
	uint32_t serial, expire_s;
	bool has_soa;
	char error[RCODE_TEXT + 8];
};

static const char *check_tsig(struct secondary *s, const struct message *m,
	const struct message_rr *last, unsigned section)
{
	struct query_tsig t;

	if (!s->tsig.key)
		return NULL;
	if (section != 2 || last->type != RRTYPE_TSIG || !message_tsig(last, &t))
		return "answers without a signature";
	if (tsig_check_answer(&s->tsig, &t, m->bytes, (uint64_t)time(NULL)) == TSIG_GOOD)
		return NULL;
	return tsig_error_text(s->tsig.error);
}

static void read_option(const struct message_rr *rr, struct soa_answer *to)
{
	if (rr->rdlen >= 8 && be16_get(rr->rdata) == EDNS_EXPIRE && be16_get(rr->rdata + 2) == 4)
		to->expire_s = be32_get(rr->rdata + 4);
}

/* NULL, or what is wrong with it: as long as `to` is there. */
static const char *read_answer(
	struct secondary *s, const uint8_t *packet, size_t len, struct soa_answer *to)
{
	struct message m;
	struct message_rr rr = { .type = 0 };
	unsigned section = 0;
	char name[RCODE_TEXT];

	if (!message_open(&m, packet, len))
		return m.wrong;
	while (message_next(&m, &rr, &section)) {
		if (section == 0 && rr.type == RRTYPE_SOA && name_equal(rr.owner, s->apex) &&
			rr.rdlen >= SOA_NUMBERS) {
			to->has_soa = true;
			to->serial = be32_get(rr.rdata + rr.rdlen - SOA_NUMBERS);
		}
		if (section == 2 && rr.type == RRTYPE_OPT)
			read_option(&rr, to);
	}
	if (m.wrong)
		return m.wrong;
	const char *wrong = check_tsig(s, &m, &rr, section);
	if (wrong)
		return wrong;
	if (m.flags & RCODE_BITS) {
		snprintf(to->error, sizeof to->error, "answers %s",
			rcode_text(name, m.flags & RCODE_BITS));
		return to->error;
	}
	return to->has_soa ? NULL : "answers without the zone's SOA";
}

static void take_answer(void *ctx, const uint8_t *packet, size_t len)
{
	struct secondary *s = ctx;
	struct soa_answer a = { 0 };
	char peer[PEER_TEXT];
	const char *wrong = packet ? read_answer(s, packet, len, &a) : "does not answer over UDP";

	s->exchange = NULL;
	s->of->counts.asking--;
	if (wrong) {
		snprintf(s->view.fault, sizeof s->view.fault, "%s: %s",
			peer_text(peer, &s->peers[s->at]), wrong);
		s->at = (s->at + 1) % s->n;
		if (++s->tried < s->n) {
			ask(s);
		} else {
			/* Perhaps only UDP does not come through. */
			s->tried = 0;
			queue_fetch(s);
		}
		return;
	}
	s->tried = 0;
	if (s->zone && (a.serial == s->zone->serial || serial_is_newer(s->zone->serial, a.serial))) {
		const bool was_expired = s->expired;
		heard(s, a.expire_s);
		if (s->of->opts.checked)
			s->of->opts.checked(
				s->of->opts.ctx, s->apex, s->view.checked_s, s->expire_s);
		if (was_expired) {
			zone_hold(s->zone);
			tell_news(s, s->zone, NULL);
		}
		return;
	}
	queue_fetch(s);
}

static void ask(struct secondary *s)
{
	struct refresher *r = s->of;

	/* What it has is asked for where nobody listens: IXFR tells, too, that there is nothing newer. */
	if (s->peers[s->at].tls) {
		queue_fetch(s);
		return;
	}
	s->doing = ASKS;
	r->counts.asked++;
	s->exchange = exchange_start(r->exchanges,
		&(struct exchange_opts){ .to = (const struct sockaddr *)&s->peers[s->at].at,
			.to_len = s->peers[s->at].len,
			.ctx = s,
			.write = write_question,
			.done = take_answer });
	if (s->exchange) {
		r->counts.asking++;
	} else {
		snprintf(s->view.fault, sizeof s->view.fault, "out of memory");
		failed(s);
	}
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct secondary *s = t->data;

	(void)loop;
	(void)events;
	s->tried = 0;
	if (s->zone && !s->whole)
		ask(s);
	else
		queue_fetch(s);
}

/* --- from outside ------------------------------------------------------------------------- */

static void ask_now(struct secondary *s)
{
	if (s->doing == WAITS)
		wait_s(s, 0);
	else
		s->again = true;
}

void refresher_notified(struct refresher *r, const uint8_t *apex, const struct sockaddr *from)
{
	struct secondary *s = find(r, apex);

	if (!s)
		return;
	const struct addr a = addr_from_sockaddr(from), plain = addr_plain(&a, NULL);
	for (size_t i = 0; i < s->n && s->doing == WAITS; i++) {
		const struct addr b =
			addr_from_sockaddr((const struct sockaddr *)&s->peers[i].at);
		const struct addr plain_b = addr_plain(&b, NULL);
		if (memcmp(&plain, &plain_b, sizeof plain) == 0) {
			s->at = i;
			break;
		}
	}
	ask_now(s);
}

bool refresher_ask(struct refresher *r, const uint8_t *apex, bool whole)
{
	struct secondary *s = find(r, apex);

	if (!s)
		return false;
	s->whole = s->whole || whole;
	ask_now(s);
	return true;
}

void refresher_merged(struct refresher *r, const struct zone *was, const struct zone *now)
{
	struct secondary *s = find(r, was->apex);

	if (!s || s->zone != was)
		return;
	zone_hold(now);
	s->zone = (struct zone *)(uintptr_t)now;
	zone_drop((struct zone *)(uintptr_t)was);
}

static struct peer *copy_peers(const struct refresh_zone *z)
{
	struct peer *peers = calloc(z->n, sizeof *peers);

	for (size_t i = 0; peers && i < z->n; i++)
		peer_copy(&peers[i], &z->peers[i]);
	return peers;
}

static void begin(struct secondary *s, const struct refresh_zone *z)
{
	const int64_t now_s = time(NULL);

	s->first = z->first;
	if (z->zone) {
		zone_hold(z->zone);
		s->zone = (struct zone *)(uintptr_t)z->zone;
		const int64_t ago_s = z->checked_s && z->checked_s < now_s ? now_s - z->checked_s : 0;
		s->view.checked_s = now_s - ago_s;
		s->checked = clock_seconds() - (double)ago_s;
		s->expire_s = z->expire_s ? z->expire_s : soa_number(s->zone, EXPIRE);
		set_expiry(s);
	}
	wait_s(s, 0);
}

bool refresher_put(struct refresher *r, const struct refresh_zone *z)
{
	struct secondary *s = find(r, z->apex);
	const size_t len = name_len(z->apex);
	struct peer *peers = copy_peers(z);

	if (!peers)
		return false;
	if (s) {
		/* What is underway is with the peers from before, by their number. */
		if (s->exchange) {
			exchange_cancel(s->exchange);
			s->exchange = NULL;
			r->counts.asking--;
			wait_s(s, 0);
		}
		free_peers(s->peers, s->n);
		s->peers = peers;
		s->n = z->n;
		s->at = s->tried = 0;
		ask_now(s);
		return true;
	}
	s = calloc(1, sizeof *s + len);
	if (!s) {
		free_peers(peers, z->n);
		return false;
	}
	s->of = r;
	s->peers = peers;
	s->n = z->n;
	s->apex = memcpy(s + 1, z->apex, len);
	ev_init(&s->timer, on_timer);
	ev_init(&s->expiry, on_expiry);
	s->timer.data = s->expiry.data = s;
	if (!tsearch(s, &r->tree, compare)) {
		free_peers(peers, z->n);
		free(s);
		return false;
	}
	r->counts.zones++;
	begin(s, z);
	return true;
}

void refresher_drop(struct refresher *r, const uint8_t *apex)
{
	struct secondary *s = find(r, apex);

	if (!s)
		return;
	tdelete(s, &r->tree, compare);
	r->counts.zones--;
	r->counts.asking -= s->exchange != NULL;
	if (s->doing == QUEUES || s->doing == FETCHES) {
		s->gone = true; /* who holds it lets it go */
		ev_timer_stop(r->opts.loop, &s->timer);
		ev_timer_stop(r->opts.loop, &s->expiry);
	} else {
		free_secondary(s);
	}
}

bool refresher_look(const struct refresher *r, const uint8_t *apex, struct refresh_view *to)
{
	static const char *const words[] = { [WAITS] = "waits", [ASKS] = "asks",
		[QUEUES] = "is about to fetch", [FETCHES] = "fetches" };
	const struct secondary *s = find(r, apex);

	if (!s)
		return false;
	*to = s->view;
	to->doing = words[s->doing];
	to->failures = s->failures;
	peer_text(to->primary, &s->peers[s->at]);
	return true;
}

struct refresher_counts refresher_counts(const struct refresher *r)
{
	return r->counts;
}

struct refresher *refresher_new(const struct refresher_opts *opts)
{
	struct refresher *r = memory_zeroed(1, sizeof *r);

	r->opts = *opts;
	r->lane = jobs_lane(opts->jobs, FETCHING_MOST, JOBS_POLITE);
	r->exchanges = exchanges_new(opts->loop);
	r->last_fetch = &r->first_fetch;
	return r;
}

static void free_node(void *s)
{
	free_secondary(s);
}

void refresher_free(struct refresher *r)
{
	while (r->first_fetch) {
		struct secondary *s = r->first_fetch;
		r->first_fetch = s->next_fetch;
		if (s->gone)
			free_secondary(s);
	}
	tdestroy(r->tree, free_node);
	exchanges_free(r->exchanges);
	memory_free(r);
}
