#include "daemon/fleet_member.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/who.h"
#include "config.h"
#include "daemon/fleet_health.h"
#include "daemon/fleet_orders.h"
#include "daemon/fleet_sums.h"
#include "daemon/fleet_targets.h"
#include "daemon/fleet_pairs.h"
#include "daemon/fleet_times.h"
#include "daemon/fleet_will.h"
#include "daemon/parts_read.h"

#include <ev.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { CONNECTIONS = 2, WHERE_TEXT = INET6_ADDRSTRLEN + 16 };

struct fleet_member {
	struct fleet_member_opts opts;
	struct parts of;                /* held: what `conf` is of */
	const struct conf_fleet *conf;  /* NULL: no fleet */
	struct fleet *fleet;            /* ... */
	bool away; /* another serves in our place, or not yet */
	unsigned lane;
	uint64_t began_us;
	const struct registry *summed; /* not held: only compared */
	uint64_t zones_sum, generation;
	struct fleet_zones *zones; /* borrowed; NULL: not yet */
	struct fleet_orders *orders;
	struct fleet_times *times; /* borrowed; NULL: not yet */
	struct fleet_pairs *pairs; /* ... */
};

/* --- what we say of ourselves ------------------------------------------------------------- */

static uint64_t sum_of_zones(struct fleet_member *m)
{
	const struct registry *r = publisher_live(m->opts.publisher)->zones;

	if (r != m->summed)
		m->zones_sum = fleet_sums_zones(r);
	m->summed = r;
	return m->zones_sum;
}

/* The first address that is one, of those for plain DNS. False: it listens on all. */
static bool where_we_answer(const struct fleet_member *m, char to[static WHERE_TEXT])
{
	const struct net_opts *net = &parts_conf(publisher_live(m->opts.publisher))->net;
	char host[INET6_ADDRSTRLEN], port[8];

	for (size_t i = 0; i < net->n; i++) {
		const struct net_address *a = &net->listen[i];
		if (a->kind != NET_PLAIN || listen_is_any(a) ||
			getnameinfo((const struct sockaddr *)&a->sa, a->len, host, sizeof host, port, sizeof port,
				NI_NUMERICHOST | NI_NUMERICSERV) != 0)
			continue;
		snprintf(to, WHERE_TEXT, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
		return true;
	}
	return false;
}

static void fill_hello(void *ctx, void *json)
{
	struct fleet_member *m = ctx;
	const struct world *w = publisher_world(m->opts.publisher);
	const struct parts *staged = publisher_staged(m->opts.publisher);
	const struct fleet_will *will = probes_will(m->opts.probes);
	struct fleet_health *health = probes_fleet(m->opts.probes);
	json_t *sections = json_object();
	const uint64_t zones = sum_of_zones(m), conf = fleet_sums_config(publisher_live(m->opts.publisher), sections);
	char where[WHERE_TEXT];

	json_object_set_new(json, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(json, "up_s", json_integer((json_int_t)((clock_us() - m->began_us) / 1000000)));
	fleet_sums_say(json, "config", conf);
	json_object_set_new(json, "config_sections", sections);
	fleet_sums_say(json, "zones", zones);
	if (will)
		fleet_sums_say(json, "will", fleet_will_digest(will));
	if (staged)
		fleet_sums_say(json, "staged", fleet_sums_config(staged, NULL));
	fleet_orders_hello(m->orders, json);
	if (m->times)
		fleet_times_hello(m->times, json);
	if (m->pairs)
		fleet_pairs_hello(m->pairs, json);
	if (where_we_answer(m, where))
		json_object_set_new(json, "at", json_string(where));
	balancer_hello(m->opts.balancer, json);
	fleet_sums_say(json, "prices", balancer_prices_sum(m->opts.balancer));
	if (health)
		fleet_sums_say(json, "health", fleet_health_digest(health));
	if (w)
		m->generation = hash_pair(hash_pair(conf, zones), fleet_sums_standing(w->standing));
	fleet_sums_say(json, "generation", m->generation);
	publisher_set_generation(m->opts.publisher, m->generation);
}

/* --- joining and leaving ------------------------------------------------------------------ */

static void leave(struct fleet_member *m)
{
	if (!m->fleet)
		return;
	probes_set_fleet(m->opts.probes, NULL, NULL);
	balancer_set_fleet(m->opts.balancer, NULL, NULL);
	fleet_orders_set(m->orders, NULL, NULL);
	if (m->times)
		fleet_times_set(m->times, NULL, NULL);
	if (m->pairs)
		fleet_pairs_set(m->pairs, NULL, NULL);
	if (m->zones)
		fleet_zones_set(m->zones, NULL, NULL);
	fleet_free(m->fleet);
	publisher_set_generation(m->opts.publisher, 0);
	parts_drop(&m->of);
	m->fleet = NULL;
	m->conf = NULL;
}

static void join(struct fleet_member *m, const struct conf_fleet *c)
{
	m->of = (struct parts){ .conf = part_hold(publisher_live(m->opts.publisher)->conf) };
	m->conf = c;
	m->fleet = fleet_new(&(struct fleet_opts){ .loop = m->opts.loop,
		.jobs = m->opts.jobs,
		.lane = m->lane,
		.holder = m->of.conf,
		.name = c->name,
		.server = c->server,
		.region = c->region,
		.redis = { .at = c->redis, .n = c->n_redis, .tls = &c->tls },
		.secret = c->secret,
		.staging = c->has_staging ? c->staging : NULL });
	fleet_set_hello(m->fleet, fill_hello, m);
	probes_set_fleet(m->opts.probes, m->fleet, c);
	balancer_set_fleet(m->opts.balancer, m->fleet, c->server);
	fleet_orders_set(m->orders, m->fleet, c->server);
	if (m->times)
		fleet_times_set(m->times, m->fleet, c->server);
	if (m->pairs)
		fleet_pairs_set(m->pairs, m->fleet, c->server);
	if (m->zones)
		fleet_zones_set(m->zones, m->fleet, c);
	log_line(LOG_NOTICE, "fleet: this is server %s of fleet %s", c->server, c->name);
}

static void on_parts(void *ctx, unsigned what)
{
	struct fleet_member *m = ctx;
	if (what & PUBLISH_ZONES)
		m->summed = NULL; /* another one may be where it was */
	const struct conf_fleet *now = m->away ? NULL : parts_conf(publisher_live(m->opts.publisher))->fleet;

	if (!(what & PUBLISH_CONF) || conf_fleet_same(now, m->conf))
		return;
	leave(m);
	if (now)
		join(m, now);
}

struct fleet_member *fleet_member_new(const struct fleet_member_opts *opts)
{
	struct fleet_member *m = memory_zeroed(1, sizeof *m);

	m->opts = *opts;
	m->began_us = clock_us();
	m->lane = jobs_lane(opts->jobs, CONNECTIONS, JOBS_PROMPT);
	m->orders = fleet_orders_new(&(struct fleet_orders_opts){ opts->publisher, opts->probes, opts->commands });
	publisher_follow(opts->publisher, on_parts, m);
	m->away = opts->later;
	on_parts(m, PUBLISH_CONF);
	return m;
}

void fleet_member_away(struct fleet_member *m, bool away)
{
	m->away = away;
	on_parts(m, PUBLISH_CONF);
}

void fleet_member_set_zones(struct fleet_member *m, struct fleet_zones *z)
{
	m->zones = z;
	if (z && m->fleet)
		fleet_zones_set(z, m->fleet, m->conf);
}

void fleet_member_free(struct fleet_member *m)
{
	if (!m)
		return;
	leave(m);
	fleet_orders_free(m->orders);
	memory_free(m);
}

void fleet_member_set_times(struct fleet_member *m, struct fleet_times *t)
{
	m->times = t;
	if (t && m->fleet)
		fleet_times_set(t, m->fleet, m->conf->server);
}

void fleet_member_set_pairs(struct fleet_member *m, struct fleet_pairs *p)
{
	if (m->pairs && m->fleet)
		fleet_pairs_set(m->pairs, NULL, NULL);
	m->pairs = p;
	if (p && m->fleet)
		fleet_pairs_set(p, m->fleet, m->conf->server);
}

void fleet_member_taken_back(struct fleet_member *m, const char *why)
{
	fleet_orders_taken_back(m->orders, why);
}

struct fleet *fleet_member_of(const struct fleet_member *m)
{
	return m->fleet;
}

/* --- looking ------------------------------------------------------------------------------ */

static void fill_engine(const struct fleet_member *m, struct report_fleet *r)
{
	const struct fleet_counts c = fleet_counts(m->fleet);
	r->up = fleet_is_up(m->fleet);
	r->generation = m->generation;
	r->twin = fleet_has_twin(m->fleet);
	r->full = c.is_full;
	r->servers = (unsigned)fleet_mates(m->fleet) + 1;
	r->live = (unsigned)fleet_live(m->fleet) + 1;
	for (size_t i = 0; i < fleet_mates(m->fleet); i++) {
		const struct fleet_mate mate = fleet_mate(m->fleet, i);
		if (!mate.live)
			continue;
		r->lag_ms = mate.lag_ms > r->lag_ms ? mate.lag_ms : r->lag_ms;
		r->lag_most_ms = mate.lag_most_ms > r->lag_most_ms ? mate.lag_most_ms : r->lag_most_ms;
	}
	r->clock_off_ms = fleet_clock_off_ms(m->fleet);
	r->reply_ms = (double)c.redis.reply_us / 1e3;
	r->said = c.said;
	r->heard = c.heard;
	r->forged = c.forged;
	r->lost = c.lost;
	r->refused = c.full;
	r->connects = c.redis.connects;
	r->bytes_in = c.redis.bytes_in + c.listener.bytes_in;
	r->bytes_out = c.redis.bytes_out + c.listener.bytes_out;
	snprintf(r->name, sizeof r->name, "%s", m->conf->name);
	snprintf(r->server, sizeof r->server, "%s", m->conf->server);
	snprintf(r->fault, sizeof r->fault, "%.255s", fleet_fault(m->fleet));
}

static void fill_edges(const struct fleet_member *m, struct report_fleet *r)
{
	const struct fleet_health *h = probes_fleet(m->opts.probes);
	if (h) {
		const struct fleet_health_sum s = fleet_health_sum(h);
		r->vantages = s.others;
		r->outvoted = s.outvoted;
		r->blind = s.blind;
		r->holds = s.holds;
	}
	const struct fleet_demand_sum d = balancer_fleet(m->opts.balancer);
	r->prices_by = d.state == DEMAND_LEADS ? FLEET_PRICES_HERE
		: d.state == DEMAND_FOLLOWS   ? FLEET_PRICES_THERE
		: d.state == DEMAND_ALONE     ? FLEET_PRICES_ALONE
					      : FLEET_PRICES_NONE;
	r->demand_servers = d.servers;
	r->demand_held = d.held;
	snprintf(r->leader, sizeof r->leader, "%s", d.leader);
}

static void fill_will(const struct fleet_member *m, struct report_fleet *r)
{
	const struct fleet_will *w = probes_will(m->opts.probes);
	r->will = w ? fleet_will_count(w) : 0;
	const struct fleet_orders_sum o = fleet_orders_sum(m->orders);
	r->conflicts = (w ? (unsigned)fleet_will_conflicts(w) : 0) + (unsigned)o.conflicts;
	r->odd = (w ? fleet_will_odd(w) : 0) + o.odd;
	r->orders = o.known;
	r->orders_failed = o.failed;
	snprintf(r->order_fault, sizeof r->order_fault, "%s", o.fault);
}

/* Of those that tell: servers of a former version sum up otherwise. */
static unsigned configs_apart(const struct fleet_member *m)
{
	json_t *ours = json_object(), *sections = json_object();
	unsigned n = 0;

	fleet_sums_config(publisher_live(m->opts.publisher), sections);
	json_object_set_new(ours, "config_sections", sections);
	for (size_t i = 0; i < fleet_mates(m->fleet); i++) {
		const struct fleet_mate mate = fleet_mate(m->fleet, i);
		json_t *differs = mate.live ? report_fleet_differs(ours, mate.hello) : NULL;
		n += json_array_size(differs) > 0;
		json_decref(differs);
	}
	json_decref(ours);
	return n;
}

static void fill_tables(const struct fleet_member *m, struct report_fleet *r)
{
	if (m->times)
		r->times = fleet_times_sum(m->times);
	if (m->pairs) {
		r->pairs = fleet_pairs_sum(m->pairs);
		r->pairs_joined = fleet_pairs_joined(m->pairs);
	}
}

static void fill_zones(const struct fleet_member *m, struct report_fleet *r)
{
	const struct fleet_zones_sum z = fleet_zones_sum(m->zones);
	r->zones = z.n;
	r->zones_in_step = z.in_step;
	snprintf(r->signer, sizeof r->signer, "%s", z.signer);
	snprintf(r->zone, sizeof r->zone, "%s", z.name);
	snprintf(r->zone_fault, sizeof r->zone_fault, "%s", z.fault);
}

struct report_fleet fleet_member_report(const struct fleet_member *m)
{
	struct report_fleet r = { .on = m && m->fleet };

	if (!r.on)
		return r;
	fill_engine(m, &r);
	fill_edges(m, &r);
	fill_will(m, &r);
	r.configs_apart = configs_apart(m);
	fill_tables(m, &r);
	fill_zones(m, &r);
	return r;
}

static int accept_will(struct fleet_member *m, struct command_call *c)
{
	char who[WHO_TEXT];
	struct fleet_will *w = probes_will(m->opts.probes);
	const unsigned n = (w ? fleet_will_accept(w, who_text(who, c->uid)) : 0) + fleet_orders_accept(m->orders);

	if (n)
		text_addf(c->out, "%u change%s: what holds is accepted%s\n", n, n == 1 ? "" : "s",
			fleet_is_up(m->fleet) ? ", on all servers"
					      : "; other servers cannot be reached, and keep their alarms");
	else
		text_add(c->out, "no changes are at odds here\n");
	return 0;
}

/* Words: the servers, and a command that they are to do. */
static int command_on(struct fleet_member *m, const char **words, size_t n, struct command_call *c)
{
	char who[WHO_TEXT], servers[FLEET_TARGETS_MOST * (FLEET_NAME_MOST + 1) + 1];
	const char *to[FLEET_TARGETS_MOST];
	struct fault why;

	if (n < 2)
		return 2;
	if (strlen(words[0]) >= sizeof servers) {
		text_addf(c->out, "more than %d servers; name a share (25%%), or say it to all\n", FLEET_TARGETS_MOST);
		return 1;
	}
	strcpy(servers, words[0]);
	const size_t all = fleet_targets(m->fleet, m->conf->server, servers, to, &why);
	const struct fleet_orders_said said = { words + 1, n - 1, who_text(who, c->uid), to, all };
	if (!all || !fleet_orders_on(m->orders, &said, &why)) {
		text_addf(c->out, "%s\n", why.text);
		return 1;
	}
	for (size_t i = 0; i < all; i++)
		text_addf(c->out, "%s%s", i ? ", " : "told to ", to[i]);
	text_addf(c->out, "%s; \"fleet\" shows what comes of it\n", fleet_is_up(m->fleet) ? "" : ", when the Redis is reached");
	return 0;
}

static int fleet_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct fleet_member *m = ctx;
	const bool on = n && strcmp(words[0], "on") == 0;
	const bool json = !on && command_take_word(words, &n, "--json"), accepts = !on && command_take_word(words, &n, "--accept");
	const struct report_fleet sum = fleet_member_report(m);

	if ((n && !on) || (json && accepts))
		return 2;
	if (!m->fleet) {
		text_add(c->out, "this server is of no fleet (the configuration has no section \"fleet\")\n");
		return 1;
	}
	if (on)
		return command_on(m, words + 1, n - 1, c);
	if (accepts)
		return accept_will(m, c);
	json_t *self = json_object();
	fill_hello(m, self);
	json_object_set_new(self, "region", json_string(m->conf->region));
	json_object_set_new(self, "clock_off_ms", json_integer((json_int_t)sum.clock_off_ms));
	report_fleet_servers(&sum, m->fleet, self, json, c->out);
	json_decref(self);
	return 0;
}

static void tell_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct fleet_member *m = ctx;
	const struct fleet_will *w = probes_will(m->opts.probes);

	(void)words;
	(void)n;
	snprintf(to, COMMAND_STATE, "%u changes at odds", w ? fleet_will_odd(w) : 0);
}

void fleet_member_bind(struct fleet_member *m, struct commands *commands)
{
	commands_bind(commands, "fleet", fleet_command, m);
	commands_bind_state(commands, "fleet", tell_state);
}
