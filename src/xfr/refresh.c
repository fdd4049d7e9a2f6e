#include "xfr/refresh_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/rrtype.h"
#include "zone/image.h"

#include <netinet/in.h>
#include <search.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	REFRESH_LEAST_S = 2,
	RETRY_LEAST_S = 2,
	RETRY_MOST_S = 1800,
	TIMER_MOST_S = 4 * 7 * 86400,
	EXPIRE_LEAST_S = 2
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

	return be32_get(soa->wire + soa->len - REFRESH_SOA_NUMBERS + 4 * i);
}

enum { SERIAL, REFRESH, RETRY, EXPIRE };

void refresh_wait(struct secondary *s, double after_s)
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

void refresh_tell(struct secondary *s, struct zone *zone, const struct fetched *how)
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
		view_text(name, s->apex), s->expire_s);
	refresh_tell(s, NULL, NULL);
}

void refresh_heard(struct secondary *s, uint32_t expire_s)
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
}

void refresh_rest(struct secondary *s)
{
	refresh_wait(s, s->again ? 0
			   : with_chance(within(soa_number(s->zone, REFRESH), REFRESH_LEAST_S,
				     TIMER_MOST_S)));
	s->again = false;
}

void refresh_heard_same(struct secondary *s, uint32_t expire_s)
{
	const bool was_expired = s->expired;

	refresh_heard(s, expire_s);
	if (s->unstored)
		refresh_store_again(s);
	else
		refresh_rest(s);
	if (!was_expired)
		return;
	zone_hold(s->zone);
	refresh_tell(s, s->zone, NULL);
}

void refresh_failed(struct secondary *s)
{
	char name[NAME_TEXT];
	const unsigned steps = s->failures < 10 ? s->failures : 10;
	const double first = s->zone
		? within(soa_number(s->zone, RETRY), RETRY_LEAST_S, TIMER_MOST_S)
		: REFRESH_FIRST_S;
	const double most = s->zone && first > RETRY_MOST_S ? first : RETRY_MOST_S;

	s->of->counts.failed++;
	if (s->failures++ == 0)
		log_line(LOG_WARNING, "zone %s: %s; asked again soon", view_text(name, s->apex),
			s->view.fault);
	s->tried = 0;
	refresh_wait(s, with_chance(within(first * (double)(1u << steps), first, most)));
	if (!s->zone || s->expired)
		refresh_tell(s, NULL, NULL);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct secondary *s = t->data;

	(void)loop;
	(void)events;
	s->tried = 0;
	if (s->zone && !s->whole)
		refresh_ask_serial(s);
	else
		refresh_fetch(s);
}

static void free_peers(struct peer *peers, size_t n)
{
	for (size_t i = 0; peers && i < n; i++)
		peer_fini(&peers[i]);
	free(peers);
}

void refresh_free_secondary(struct secondary *s)
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

/* --- from outside ------------------------------------------------------------------------- */

static void ask_now(struct secondary *s)
{
	if (s->doing == WAITS)
		refresh_wait(s, 0);
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
	refresh_wait(s, 0);
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
			refresh_wait(s, 0);
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
	if (s->doing == QUEUES || s->doing == FETCHES || s->doing == STORES) {
		s->gone = true; /* who holds it lets it go */
		ev_timer_stop(r->opts.loop, &s->timer);
		ev_timer_stop(r->opts.loop, &s->expiry);
	} else {
		refresh_free_secondary(s);
	}
}

bool refresher_look(const struct refresher *r, const uint8_t *apex, struct refresh_view *to)
{
	static const char *const words[] = { [WAITS] = "waits", [ASKS] = "asks",
		[QUEUES] = "is about to fetch", [FETCHES] = "fetches", [STORES] = "stores" };
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
	r->lane = jobs_lane(opts->jobs, REFRESH_FETCHING_MOST, JOBS_POLITE);
	r->exchanges = exchanges_new(opts->loop);
	r->last_fetch = &r->first_fetch;
	return r;
}

static void free_node(void *s)
{
	refresh_free_secondary(s);
}

void refresher_free(struct refresher *r)
{
	while (r->first_fetch) {
		struct secondary *s = r->first_fetch;
		r->first_fetch = s->next_fetch;
		if (s->gone)
			refresh_free_secondary(s);
	}
	tdestroy(r->tree, free_node);
	exchanges_free(r->exchanges);
	memory_free(r);
}
