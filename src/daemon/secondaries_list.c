#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/secondaries_inner.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_A_TURN = 200 };

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_tls(const struct conf_peer *a, const struct conf_peer *b)
{
	const struct tls_client_opts *x = &a->tls_opts, *y = &b->tls_opts;

	return a->tls == b->tls && a->tls_port == b->tls_port && x->verify == y->verify &&
		same_text(x->name, y->name) && same_text(x->ca, y->ca) &&
		same_text(x->cert, y->cert) && same_text(x->key, y->key);
}

static bool same_peer(const struct conf *a, unsigned i, const struct conf *b, unsigned k)
{
	const struct conf_peer *p = &a->peers[i], *q = &b->peers[k];
	const struct tsig_key *x = parts_tsig_key(a, p->key), *y = parts_tsig_key(b, q->key);

	if (!same_tls(p, q) || p->n_at != q->n_at || memcmp(p->at, q->at, p->n_at * sizeof *p->at) != 0 ||
		!x != !y)
		return false;
	return !x ||
		(x->algorithm == y->algorithm && x->mac_len == y->mac_len &&
			name_equal(x->name, y->name) && x->secret_len == y->secret_len &&
			memcmp(x->secret, y->secret, x->secret_len) == 0);
}

static bool same_primaries(
	const struct conf *a, uint32_t rule_a, const struct conf *b, uint32_t rule_b)
{
	const struct conf_rule *p = &a->rules[rule_a], *q = &b->rules[rule_b];

	if (a == b && rule_a == rule_b)
		return true;
	if (p->n_primaries != q->n_primaries)
		return false;
	for (size_t i = 0; i < p->n_primaries; i++)
		if (!same_peer(a, p->primaries[i], b, q->primaries[i]))
			return false;
	return true;
}

static size_t count_primaries(const struct parts *p, size_t zone)
{
	return parts_conf(p)->rules[zone_set_rule(p->zones->set, zone)].n_primaries;
}

static void add_step(struct secondaries *s, const struct parts *of, size_t zone, bool gone)
{
	if ((s->n_steps & (s->n_steps - 1)) == 0)
		s->steps = memory_grow(
			s->steps, (s->n_steps ? 2 * s->n_steps : 1) * sizeof *s->steps);
	s->steps[s->n_steps++] = (struct step){ of->zones->zones[zone],
		zone_set_rule(of->zones->set, zone), gone };
}

/* It went and came back meanwhile, and nothing is known of it any more: as a member of a catalog does with another label
 * (RFC 9432 section 5.4). Else who fetches it would take what is fetched for what is served. */
static bool is_another(const struct registry_zone *was, const struct registry_zone *now)
{
	return was != now && now->state == REGISTRY_WAITS;
}

/* Both registries ascend. */
static void look_work(void *ctx, struct job *job)
{
	struct secondaries *s = ctx;
	const struct parts *was = &s->known, *now = &s->now;
	const size_t n_was = was->zones ? was->zones->n : 0;
	size_t i = 0, k = 0;

	(void)job;
	s->steps = NULL;
	s->n_steps = 0;
	while (i < n_was || k < now->zones->n) {
		if (was->conf == now->conf && i < n_was && k < now->zones->n &&
			was->zones->zones[i] == now->zones->zones[k]) {
			i++; /* mostly all; what they point to is in no cache */
			k++;
			continue;
		}
		const int d = i == n_was ? 1
			: k == now->zones->n
			? -1
			: registry_compare(
				  was->zones->zones[i]->origin, now->zones->zones[k]->origin);
		const bool had = d <= 0 && count_primaries(was, i),
			   has = d >= 0 && count_primaries(now, k);
		const bool another = had && has && is_another(was->zones->zones[i], now->zones->zones[k]);
		if (had && (!has || another))
			add_step(s, was, i, true);
		if (has &&
			(!had || another ||
				!same_primaries(parts_conf(was),
					zone_set_rule(was->zones->set, i), parts_conf(now),
					zone_set_rule(now->zones->set, k))))
			add_step(s, now, k, false);
		i += d <= 0;
		k += d >= 0;
	}
}

static void put(struct secondaries *s, const struct step *step)
{
	const struct conf *c = parts_conf(&s->now);
	const struct conf_rule *rule = &c->rules[step->rule];
	const struct zone *zone = step->zone->plain ? step->zone->plain : step->zone->load.zone;
	struct peer *peers;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < rule->n_primaries; i++)
		room += c->peers[rule->primaries[i]].n_at;
	peers = calloc(room, sizeof *peers);
	for (size_t i = 0; peers && i < rule->n_primaries; i++) {
		const struct conf_peer *p = &c->peers[rule->primaries[i]];
		struct tls_client *tls = p->tls ? tls_client_new(&p->tls_opts) : NULL;
		for (size_t a = 0; a < p->n_at && (tls || !p->tls); a++) {
			peer_set(&peers[n], p->name, (const struct sockaddr *)&p->at[a].sa,
				p->at[a].len, parts_tsig_key(c, p->key));
			if (tls)
				peer_set_tls(&peers[n], tls, p->tls_port);
			n++;
		}
		tls_client_drop(tls);
	}
	if (!peers || !n ||
		!refresher_put(s->refresher,
			&(struct refresh_zone){ .apex = step->zone->origin,
				.peers = peers,
				.n = n,
				.zone = zone_is_ready(zone) ? zone : NULL,
				.checked_s = step->zone->checked_s,
				.expire_s = step->zone->expire_s,
				.first = rule->catalog }))
		log_line(LOG_ERROR, "out of memory: a zone of other nameservers is not asked for");
	for (size_t i = 0; i < n; i++)
		peer_fini(&peers[i]);
	free(peers);
}

static void steps_end(struct secondaries *s)
{
	memory_free(s->steps);
	s->steps = NULL;
	s->n_steps = s->next_step = 0;
	publisher_let_go(s->opts.publisher, &s->known);
	s->known = s->now;
	s->now = (struct parts){ 0 };
	s->looks = false;
	if (s->again)
		secondaries_look(s);
}

/* Many zones are many steps: some a turn. */
static void on_turn(struct ev_loop *loop, ev_timer *t, int events)
{
	struct secondaries *s = t->data;

	(void)events;
	for (unsigned i = 0; i < STEPS_A_TURN && s->next_step < s->n_steps; i++) {
		const struct step *step = &s->steps[s->next_step++];
		if (step->gone)
			refresher_drop(s->refresher, step->zone->origin);
		else
			put(s, step);
	}
	if (s->next_step < s->n_steps) {
		ev_timer_set(t, 0, 0);
		ev_timer_start(loop, t);
	} else {
		steps_end(s);
	}
}

static void look_done(void *ctx, enum job_end end)
{
	struct secondaries *s = ctx;

	if (end == JOB_DONE) {
		s->next_step = 0;
		ev_timer_set(&s->turn, 0, 0);
		ev_timer_start(s->opts.loop, &s->turn);
		return;
	}
	if (end == JOB_NO_MEMORY)
		log_line(LOG_ERROR, "out of memory: zones of other nameservers stay as they were");
	s->steps = NULL;
	s->n_steps = 0;
	s->looks = false;
	publisher_let_go(s->opts.publisher, &s->now);
}

static bool has_primaries(const struct conf *c)
{
	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].n_primaries)
			return true;
	return false;
}

void secondaries_look(struct secondaries *s)
{
	const struct parts *live = publisher_live(s->opts.publisher);

	s->again = s->looks;
	if (s->looks || (!s->known.conf && !has_primaries(parts_conf(live))))
		return;
	s->now = (struct parts){ .conf = part_hold(live->conf),
		.zones = registry_hold(live->zones) };
	s->looks = jobs_start(s->opts.jobs,
			   &(struct job_opts){ .lane = s->lane,
				   .name = "secondaries",
				   .about = "which zones come from other nameservers",
				   .ctx = s,
				   .work = look_work,
				   .done = look_done }) != NULL;
	if (!s->looks)
		publisher_let_go(s->opts.publisher, &s->now);
}

void secondaries_list_init(struct secondaries *s)
{
	ev_timer_init(&s->turn, on_turn, 0, 0);
	s->turn.data = s;
}

void secondaries_list_fini(struct secondaries *s)
{
	ev_timer_stop(s->opts.loop, &s->turn);
	memory_free(s->steps);
	parts_drop(&s->known);
	parts_drop(&s->now);
}
