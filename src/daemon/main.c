/* main.c - waymarkd: the boot order, and who follows what, on one page.
 */
#include "base/log.h"
#include "config.h"
#include "console/control.h"
#include "daemon/balancer.h"
#include "daemon/builder.h"
#include "daemon/busiest.h"
#include "daemon/catalog_making.h"
#include "daemon/catalogs.h"
#include "daemon/activation.h"
#include "daemon/certificates.h"
#include "daemon/decision_history.h"
#include "daemon/decisions.h"
#include "daemon/dnssec_orders.h"
#include "daemon/fleet_member.h"
#include "daemon/fleet_times.h"
#include "daemon/forwarding.h"
#include "daemon/flattening.h"
#include "daemon/geo_watch.h"
#include "daemon/launcher.h"
#include "daemon/measuring.h"
#include "daemon/metrics_maker.h"
#include "daemon/notifying.h"
#include "daemon/orders.h"
#include "daemon/parts_read.h"
#include "daemon/plain_making.h"
#include "daemon/pool_signing.h"
#include "daemon/privs.h"
#include "daemon/probes.h"
#include "daemon/process_memory.h"
#include "daemon/publish.h"
#include "daemon/rankings.h"
#include "daemon/readable.h"
#include "daemon/readiness.h"
#include "daemon/reload.h"
#include "daemon/reports.h"
#include "daemon/rrl_log.h"
#include "daemon/signature_watch.h"
#include "daemon/signing.h"
#include "daemon/signing_keys.h"
#include "daemon/secondaries.h"
#include "daemon/staging.h"
#include "daemon/successor.h"
#include "daemon/store_orders.h"
#include "daemon/taps.h"
#include "daemon/updates.h"
#include "daemon/upgrade.h"
#include "daemon/upkeep.h"
#include "daemon/watchdog.h"
#include "daemon/why_orders.h"
#include "daemon/worker_news.h"
#include "daemon/zone_orders.h"
#include "daemon/zones_added.h"
#include "net/given.h"
#include "net/worker.h"
#include "store/store.h"
#include "report/report_geo.h"

#include <ev.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	RESOLVER_PAIRS_S = 900,
	STOP_PATIENCE_S = 10 /* for jobs that run when the server is told to stop */
};

/* All that lives as long as the server. Nothing of it is unset while the loop runs. */
struct server {
	struct ev_loop *loop;
	ev_signal term, interrupt, hangup, user2;
	struct timespec started;
	const char *conf_path;
	struct launcher *launcher; /* NULL: there is none */
	struct successor *successor; /* NULL: we come in nobody's place */
	struct upgrade *upgrade;
	int control_socket, manage_socket, manage_local; /* that listen already; -1 */
	uint8_t cookies[POLICY_SECRET]; /* a secret */
	bool is_ready;
	bool left; /* another process serves in our place */
	struct hash_key key;
	struct epoch epoch;
	struct store *store; /* NULL: none is configured */
	struct key_ring *ring; /* of that; NULL: likewise */
	struct signing_keys *signing_keys;
	struct signing *signing;
	struct dnssec_orders *dnssec_orders;
	struct jobs *jobs;
	struct publisher *publisher;
	struct worker_news *news;
	struct certificates *certificates;
	struct workers *workers;
	struct watchdog *watchdog;
	struct builder *builder;
	struct timeline *timeline;
	struct probes *probes;
	struct fleet_member *fleet;
	struct fleet_ask *fleet_ask;
	struct fleet_zones *fleet_zones;
	struct fleet_times *fleet_times;
	struct balancer *balancer;
	struct rankings *rankings;
	struct flattening *flattening;
	struct pool_signing *pool_signing;
	struct reloader *reloader;
	struct staging *staging;
	struct geo_watch *geo_watch;
	struct signature_watch *signature_watch;
	struct resolver_pairs *resolver_pairs;
	struct measuring *measuring;
	struct notifying *notifying;
	struct secondaries *secondaries;
	struct plain_making *plain_making;
	struct forwarding *forwarding;
	struct updates *updates;
	struct zones_added *zones_added;
	struct catalogs *catalogs;
	struct catalog_making *catalog_making;
	struct frozen *frozen;
	struct write_back *write_back;
	struct upkeep *upkeep;
	struct decisions *decisions;
	struct decision_history *decision_history;
	struct rrl_log *rrl_log;
	struct taps *taps;
	struct busiest *busiest;
	struct commands commands;
	struct readiness *readiness;
	struct reports *reports;
	struct metrics_maker *metrics;
	struct orders *orders;
	struct zone_orders *zone_orders;
	struct store_orders *store_orders;
	struct why_orders *why_orders;
	struct api *api;
	struct control *control; /* NULL: none is configured */
};

/* --- signals ------------------------------------------------------------------------------ */

static void on_stop_signal(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)events;
	log_line(LOG_NOTICE, "%s: stopping", strsignal(s->signum));
	ev_break(loop, EVBREAK_ALL);
}

static void on_hangup(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)loop;
	(void)events;
	orders_reload(((struct server *)s->data)->orders);
}

static void on_upgrade_signal(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)loop;
	(void)events;
	upgrade_begin(((struct server *)s->data)->upgrade);
}

static void watch_signals(struct server *s)
{
	signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&s->term, on_stop_signal, SIGTERM);
	ev_signal_init(&s->interrupt, on_stop_signal, SIGINT);
	ev_signal_init(&s->hangup, on_hangup, SIGHUP);
	ev_signal_init(&s->user2, on_upgrade_signal, SIGUSR2);
	s->term.data = s->interrupt.data = s->hangup.data = s->user2.data = s;
	ev_signal_start(s->loop, &s->term);
	ev_signal_start(s->loop, &s->interrupt);
	ev_signal_start(s->loop, &s->hangup);
	ev_signal_start(s->loop, &s->user2);
}

/* --- boot --------------------------------------------------------------------------------- */

static void say_served(const struct server *s, const char *what)
{
	const struct parts *p = publisher_live(s->publisher);

	log_line(LOG_NOTICE, "%s: %zu zones, %u pools, %u edges", what, p->zones->n,
		p->steer->n_named, p->steer->n_origins);
	if (p->zones->n_empty)
		log_line(LOG_WARNING,
			"%zu of them could not be read and are answered with SERVFAIL; mend "
			"them and reload",
			p->zones->n_empty);
}

static void on_ready(void *ctx)
{
	struct server *s = ctx;

	s->is_ready = true;
	say_served(s, "ready");
	readiness_started(s->readiness);
	privs_notify("READY=1");
}

/* Everything that the configuration names. A zone that is wrong holds up no other. */
static bool read_parts(struct server *s, struct parts *first, struct faults *f)
{
	const bool ok = parts_read(
		first, &(struct parts_read_opts){ .path = s->conf_path, .key = s->key,
			       .store = &s->store,
			       .ring = &s->ring }, f);

	return ok;
}

static void follow_log(void *ctx, unsigned what)
{
	if (what & PUBLISH_CONF)
		log_as_json(parts_conf(publisher_live(((struct server *)ctx)->publisher))->log_json);
}

static void make_publisher(struct server *s, struct parts *first)
{
	struct publisher_opts opts = { .loop = s->loop, .jobs = s->jobs, .epoch = &s->epoch };

	if (s->successor)
		memcpy(s->cookies, successor_cookies(s->successor), sizeof s->cookies);
	else
		randombytes_buf(s->cookies, sizeof s->cookies);
	memcpy(opts.cookie_secret, s->cookies, sizeof opts.cookie_secret);
	s->publisher = publisher_new(&opts, first);
	publisher_follow(s->publisher, follow_log, s);
	follow_log(s, PUBLISH_CONF);
}

static void on_publish(void *ctx)
{
	workers_withdraw(((struct server *)ctx)->workers);
}

static void on_published(void *ctx)
{
	workers_published(((struct server *)ctx)->workers);
}

static void committed(void *ctx, const uint8_t *apex)
{
	fleet_zones_committed(((struct server *)ctx)->fleet_zones, apex);
}

static void taken_back(void *ctx, const char *why)
{
	fleet_member_taken_back(((struct server *)ctx)->fleet, why);
}

/* What needs no privileges, in the order in which it follows the parts. */
static bool make_followers(struct server *s, struct fault *why)
{
	publisher_tell_before(s->publisher, on_publish, s);
	publisher_tell_published(s->publisher, on_published, s);
	s->balancer = balancer_new(&(struct balancer_opts){
		s->loop, s->jobs, s->publisher, s->workers });
	probes_set_balancer(s->probes, s->balancer);
	s->fleet = fleet_member_new(
		&(struct fleet_member_opts){ s->loop, s->jobs, s->publisher, s->probes, s->balancer,
			&s->commands, s->successor != NULL });
	s->rankings = rankings_new(&(struct rankings_opts){
		s->loop, s->jobs, s->builder, s->publisher });
	s->fleet_times = fleet_times_new(&(struct fleet_times_opts){ s->loop, s->jobs, s->publisher, s->rankings });
	fleet_member_set_times(s->fleet, s->fleet_times);
	s->pool_signing = pool_signing_new(&(struct pool_signing_opts){
		s->loop, s->jobs, s->publisher, s->key });
	s->flattening = flattening_new(&(struct flattening_opts){
		s->loop, s->builder, s->publisher, s->pool_signing, s->jobs, s->store });
	s->reloader = reloader_new(&(struct reloader_opts){ s->builder, s->publisher,
		s->conf_path, s->key, s->store, s->ring, s->pool_signing });
	s->staging = staging_new(&(struct staging_opts){ s->loop, s->builder, s->publisher,
		s->reloader, s->probes, s->workers, s->pool_signing, s->key, s->store, taken_back, s });
	s->geo_watch = geo_watch_new(&(struct geo_watch_opts){
		s->loop, s->jobs, s->builder, s->publisher, s->staging });
	s->decision_history = decision_history_new(&(struct decision_history_opts){
		s->loop, s->jobs, s->publisher, s->store });
	s->decisions = decisions_new(&(struct decisions_opts){
		s->loop, s->jobs, s->publisher, s->workers, s->decision_history });
	s->signature_watch = signature_watch_new(s->loop, s->publisher);
	s->secondaries = secondaries_new(&(struct secondaries_opts){
		s->loop, s->jobs, s->builder, s->publisher, s->news, s->key,
		s->store });
	s->frozen = frozen_new();
	s->plain_making = plain_making_new(&(struct plain_making_opts){
		s->loop, s->jobs, s->publisher, s->key, s->store });
	s->forwarding = forwarding_new(s->loop, s->jobs, s->publisher);
	s->fleet_ask = fleet_ask_new(s->loop);
	s->updates = updates_new(&(struct updates_opts){ s->jobs, s->builder, s->publisher,
		s->news, s->key, s->store, s->forwarding, s->frozen, s->fleet_ask, committed, s });
	s->fleet_zones = fleet_zones_new(
		&(struct fleet_zones_opts){ s->loop, s->publisher, s->updates, s->fleet_ask });
	fleet_member_set_zones(s->fleet, s->fleet_zones);
	s->write_back = write_back_new(&(struct write_back_opts){ s->loop, s->jobs, s->publisher,
		s->updates, s->frozen, s->key, s->store });
	s->zones_added = zones_added_new(&(struct zones_added_opts){
		s->jobs, s->builder, s->publisher, s->key, s->store, s->ring });
	s->upkeep = upkeep_new(&(struct upkeep_opts){
		s->loop, s->jobs, s->builder, s->publisher, s->key, s->store,
		secondaries_refresher(s->secondaries) });
	s->signing_keys = signing_keys_new(&(struct signing_keys_opts){
		s->loop, s->jobs, s->publisher, s->ring });
	s->signing = signing_new(&(struct signing_opts){ s->loop, s->jobs, s->builder,
		s->publisher, s->key, s->store, s->ring });
	signing_keys_follow(s->signing_keys, signing_follow, s->signing);
	s->catalogs = catalogs_new(&(struct catalogs_opts){
		s->loop, s->jobs, s->publisher, s->zones_added });
	s->catalog_making = catalog_making_new(&(struct catalog_making_opts){
		s->loop, s->jobs, s->builder, s->publisher, s->key, s->store });
	s->notifying = notifying_new(
		&(struct notifying_opts){ s->loop, s->jobs, s->publisher });
	s->rrl_log = rrl_log_new(
		&(struct rrl_log_opts){ s->loop, s->publisher, s->workers });
	s->taps = taps_new(s->publisher, s->workers, why);
	if (!s->taps)
		return false;
	s->resolver_pairs = resolver_pairs_new(&(struct resolver_pairs_opts){
		s->loop, s->jobs, s->publisher, s->workers, s->key, RESOLVER_PAIRS_S });
	s->measuring = measuring_new(&(struct measuring_opts){ s->loop, s->publisher,
		s->rankings, s->workers, s->resolver_pairs, s->key });
	certificates_follow(s->certificates, measuring_show, s->measuring);
	return true;
}

static void on_left(void *ctx)
{
	struct server *s = ctx;

	s->left = true;
	ev_break(s->loop, EVBREAK_ALL);
}

static void look_on(void *ctx, bool looks)
{
	struct server *s = ctx;

	taps_look(s->taps, looks ? s->busiest : NULL);
}

static bool open_control(struct server *s, struct fault *why)
{
	const struct conf *c = parts_conf(publisher_live(s->publisher));

	s->readiness = readiness_new(s->publisher, s->jobs, &s->commands);
	const struct reports_opts pictured = { s->jobs, s->publisher, s->probes, s->balancer,
			s->rankings, s->staging, s->reloader, s->measuring, s->watchdog,
			s->decisions, s->workers, s->notifying, s->forwarding,
			s->pool_signing, s->signing, s->updates, secondaries_refresher(s->secondaries),
			s->upkeep, s->store, s->signing_keys, s->certificates, s->started, s->conf_path, s->write_back, s->loop,
		s->readiness, s->taps, s->fleet, &s->commands, s->flattening };
	s->reports = reports_new(&pictured, &s->commands);
	s->busiest = busiest_new(
		&(struct busiest_opts){ s->loop, s->publisher, look_on, s }, &s->commands);
	s->metrics = metrics_maker_new(&pictured);
	fleet_member_bind(s->fleet, &s->commands);
	measuring_watched(s->measuring, s->metrics, s->readiness);
	s->zone_orders = zone_orders_new(
		&(struct zone_orders_opts){ s->jobs, s->builder, s->publisher,
			secondaries_refresher(s->secondaries), s->zones_added, s->notifying,
			s->frozen, s->updates, s->write_back, s->key, s->store },
		&s->commands);
	s->dnssec_orders = dnssec_orders_new(
		&(struct dnssec_orders_opts){
			s->jobs, s->publisher, s->ring, s->signing_keys },
		&s->commands);
	s->api = api_new(&(struct api_opts){ s->loop, s->jobs, s->store, &s->commands });
	measuring_set_api(s->measuring, s->api);
	s->why_orders = why_orders_new(&(struct why_orders_opts){ s->jobs, s->publisher, s->store, s->decision_history },
		&s->commands);
	s->store_orders = store_orders_new(
		&(struct store_orders_opts){ s->jobs, s->store }, &s->commands);
	s->orders = orders_new(
		&(struct orders_opts){ s->publisher, s->probes, s->rankings, s->staging,
			s->reloader, s->reports, s->write_back, s->catalogs, s->timeline },
		&s->commands);
	if (c->control_socket)
		s->control = s->control_socket < 0
			? control_open(s->loop, c->control_socket, &s->commands, why)
			: control_take(s->loop, c->control_socket, s->control_socket, &s->commands);
	if (c->control_socket && !s->control)
		return false;
	struct upgrade_opts upgrade = { .loop = s->loop, .jobs = s->jobs, .publisher = s->publisher, .launcher = s->launcher, .successor = s->successor,
		.workers = s->workers, .control = s->control, .measuring = s->measuring, .fleet = s->fleet,
		.probes = s->probes, .rankings = s->rankings, .resolver_pairs = s->resolver_pairs, .news = s->news, .commands = &s->commands,
		.left = on_left, .ctx = s };
	memcpy(upgrade.cookies, s->cookies, sizeof upgrade.cookies);
	s->upgrade = upgrade_new(&upgrade);
	return true;
}

/* The store and the two files beside it were made by root, and are the server's; so are keys that were made at
 * the start. */
static bool give_store(const struct server *s, const char *user, struct fault *why)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[4096];

	for (unsigned i = 0; s->store && i < sizeof ends / sizeof *ends; i++) {
		snprintf(path, sizeof path, "%s%s", store_path(s->store), ends[i]);
		if (!privs_give(path, user, why))
						return false;
	}
	return !s->ring || privs_give_folder(key_ring_dir(s->ring), user, why);
}

/* Before anybody is answered. */
static void sign_pools(struct server *s)
{
	const struct parts *p = publisher_live(s->publisher);
	struct pool_signatures *to = pool_signing_hold(s->pool_signing);
	struct pool_signing_sum sum = { 0 };

	pool_signing_ahead(to,
		&(struct pool_signing_of){ p->zones, NULL, p->steer, p->numbers, NULL }, &sum);
	pool_signatures_drop(to);
}

/* --- in the place of another process ------------------------------------------------------ */

/* A configuration that is wrong costs that one nothing. */
static bool look_at_conf(const struct server *s, struct fault *why)
{
	struct faults f;

	faults_init(&f);
	struct conf *c = conf_open(s->conf_path, NULL, &f);
	if (!c)
		successor_fail(s->successor, text_get(&f.text));
	log_text(c ? "" : text_get(&f.text));
	faults_fini(&f);
	part_drop(c ? &c->part : NULL);
	return c || fault(why, "%s: not started", s->conf_path);
}

/* Sockets that are open: that one's, or the service manager's. */
static bool get_sockets(struct server *s, struct net_opts *net, struct fault *why)
{
	if (!s->successor)
		return activation_sockets(&net->given, why);
	net->given = successor_sockets(s->successor);
	net->quic_secret = successor_quic(s->successor);
	return true;
}

static bool open_sockets(struct server *s, const struct conf *c, struct fault *why)
{
	struct net_opts net = c->net;

	if (!get_sockets(s, &net, why))
		return false;
	s->workers = workers_open(&net, &s->epoch, worker_news_box(s->news), why);
	s->control_socket = c->control_socket && s->successor ? given_take_path(net.given, c->control_socket) : -1;
	s->manage_socket = c->management_len
		? given_take(net.given, SOCK_STREAM, (const struct sockaddr *)&c->management, c->management_len, 0)
		: -1;
	s->manage_local = c->management_socket && s->successor ? given_take_path(net.given, c->management_socket) : -1;
	struct fault left;
	if (given_end(net.given, s->workers ? why : &left) && s->workers)
		return true;
	return false;
}

static bool start_serving(struct server *s, struct fault *why)
{
	if (!measuring_listen(s->measuring, s->manage_socket, s->manage_local, why) || !workers_start(s->workers, why))
		return false;
	say_served(s, "answering");
	return true;
}

/* Does that one know more than we do yet? */
static bool waits(void *ctx)
{
	const struct server *s = ctx;
	const struct steer *steer = publisher_live(s->publisher)->steer;

	for (unsigned i = 0; i < steer->n_edges; i++)
		if (steer->edges[i].unresolved)
			return true;
	return !s->is_ready;
}

static bool serve_now(void *ctx, struct fault *why)
{
	struct server *s = ctx;

	if (!start_serving(s, why))
		return false;
	if (s->store)
		store_hold(s->store, false);
	fleet_member_away(s->fleet, false);
	control_listen(s->control, true);
	return true;
}

static void on_notified(void *ctx, const uint8_t *apex, const struct addr *from)
{
	worker_news_notified(((struct server *)ctx)->news, apex, from);
}

static void follow_other(struct server *s)
{
	control_listen(s->control, false);
	successor_follow(s->successor,
		&(struct successor_opts){ .loop = s->loop, .waits = waits, .serve = serve_now, .notified = on_notified, .ctx = s });
}

/* Static names are answered when this returns; steered ones wait where nothing is known of
 * their edges yet. */
static bool boot(struct server *s, struct fault *why)
{
	struct parts first;
	struct faults f;

	if (s->successor && (!look_at_conf(s, why) || !successor_load(s->successor, why)))
		return false;
	faults_init(&f);
	s->key = parts_key();
	bool ok = read_parts(s, &first, &f);
	if (ok) {
		if (s->successor && s->store)
			store_hold(s->store, true);
		s->watchdog = watchdog_new(s->loop);
		s->jobs = jobs_new(s->loop);
		s->news = worker_news_new(s->loop);
		ok = epoch_open(&s->epoch, why);
		make_publisher(s, &first);
		s->timeline = timeline_new(s->loop, s->jobs, s->store, &f);
		s->probes = probes_new(&(struct probes_opts){ s->loop, s->jobs, s->publisher,
					       on_ready, s, s->store, s->timeline,
					       s->successor ? successor_state(s->successor) : NULL },
			&f);
	}
	log_text(text_get(&f.text));
	if (!ok && s->successor)
		successor_fail(s->successor, text_get(&f.text));
	faults_fini(&f);
	if (!ok)
		return fault(why, "%s: not started", s->conf_path);
	const struct conf *c = parts_conf(publisher_live(s->publisher));
	s->certificates = certificates_new(
		&(struct certificates_opts){ s->loop, s->jobs, s->publisher }, why);
	if (!s->certificates)
		return false;
	if (!open_sockets(s, c, why))
		return false;
	certificates_give(s->certificates, s->workers);
	const bool root = geteuid() == 0;
	launcher_become(s->launcher, privs_user(c->user));
	if (!give_store(s, c->user, why) || !privs_drop(c->user, why))
		return false;
	if (root && geteuid() != 0)
		readable_tell(publisher_live(s->publisher));
	jobs_stay_ready(s->jobs);
	s->builder = builder_new(s->jobs);
	if (!make_followers(s, why))
		return false;
	sign_pools(s);
	publisher_now(s->publisher);
	if (!open_control(s, why))
		return false;
	report_geo_log(publisher_live(s->publisher)->atlas);
	if (s->successor)
		follow_other(s);
	else if (!start_serving(s, why))
		return false;
	workers_follow(s->workers, s->loop);
	probes_begin(s->probes);
	return true;
}

/* --- the end ------------------------------------------------------------------------------ */

/* Another process serves, and all that is kept is its own by now; what only this one has seen goes where such things go. */
static _Noreturn void leave(struct server *s)
{
	taps_free(s->taps);
	decisions_free(s->decisions);
	timeline_free(s->timeline);
	decision_history_free(s->decision_history);
	_exit(0);
}

static void shut_down(struct server *s)
{
	if (s->left || upgrade_has_left(s->upgrade))
		leave(s);
	if (successor_waits(s->successor)) /* nothing is ours yet */
		_exit(0);
	privs_notify("STOPPING=1");
	upgrade_free(s->upgrade);
	successor_free(s->successor);
	control_leave(s->control);
	api_hang_up(s->api);
	fleet_ask_stop(s->fleet_ask);
	const bool ended = jobs_stop(s->jobs, STOP_PATIENCE_S);
	builder_free(s->builder);
	if (!ended) {
		/* What they hold must stay. */
		log_line(LOG_WARNING, "work that does not end is left behind (a disk that "
				      "hangs?)");
		_exit(0);
	}
	control_close(s->control);
	api_leave(s->api);
	measuring_free(s->measuring);
	resolver_pairs_free(s->resolver_pairs);
	signing_free(s->signing);
	signing_keys_free(s->signing_keys);
	dnssec_orders_free(s->dnssec_orders);
	notifying_free(s->notifying);
	plain_making_free(s->plain_making);
	secondaries_free(s->secondaries);
	geo_watch_free(s->geo_watch);
	signature_watch_free(s->signature_watch);
	rankings_free(s->rankings);
	flattening_free(s->flattening);
	fleet_member_free(s->fleet);
	probes_free(s->probes);
	timeline_free(s->timeline);
	staging_free(s->staging);
	decisions_free(s->decisions);
	decision_history_free(s->decision_history);
	rrl_log_free(s->rrl_log);
	certificates_free(s->certificates);
	taps_free(s->taps);
	busiest_free(s->busiest);
	workers_stop(s->workers);
	fleet_zones_free(s->fleet_zones);
	fleet_times_free(s->fleet_times);
	updates_free(s->updates);
	fleet_ask_free(s->fleet_ask);
	write_back_free(s->write_back);
	upkeep_free(s->upkeep);
	forwarding_free(s->forwarding);
	balancer_free(s->balancer);
	reports_free(s->reports);
	metrics_maker_free(s->metrics);
	readiness_free(s->readiness);
	orders_free(s->orders);
	zone_orders_free(s->zone_orders);
	why_orders_free(s->why_orders);
	api_free(s->api);
	store_orders_free(s->store_orders);
	catalogs_free(s->catalogs);
	catalog_making_free(s->catalog_making);
	zones_added_free(s->zones_added);
	frozen_free(s->frozen);
	reloader_free(s->reloader);
	pool_signing_free(s->pool_signing);
	publisher_free(s->publisher);
	epoch_close(&s->epoch);
	worker_news_free(s->news);
	watchdog_free(s->watchdog);
	jobs_free(s->jobs);
	key_ring_close(s->ring);
	store_close(s->store);
	launcher_free(s->launcher);
	ev_loop_destroy(s->loop);
}

static int usage(FILE *to, int status)
{
	fprintf(to,
		"usage: waymarkd -c FILE\n"
		"  -c, --config FILE  the configuration\n"
		"  -V, --version      print the version\n"
		"  -h, --help         print this\n"
		"Runs in the foreground and logs to standard error. SIGHUP reloads, SIGTERM "
		"stops.\n"
		"\"waymarkctl check -c FILE\" tells whether a configuration and all it names "
		"are right.\n");
	return status;
}

static int say_version(void)
{
	puts("waymarkd " PACKAGE_VERSION);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option long_opts[] = { { "config", required_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' },
		{ 0 } };
	static struct server s;
	struct fault why;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:Vh", long_opts, NULL)) != -1) {
		switch (opt) {
		case 'c': s.conf_path = optarg; break;
		case 'V': return say_version();
		case 'h': return usage(stdout, 0);
		default: return usage(stderr, 2);
		}
	}
	if (optind + 1 == argc && strcmp(argv[optind], "help") == 0)
		return usage(stdout, 0);
	if (optind + 1 == argc && strcmp(argv[optind], "version") == 0)
		return say_version();
	if (!s.conf_path || optind != argc)
		return usage(stderr, 2);
	log_open("waymarkd", LOG_NOTICE);
	log_times();
	log_limited();
	s.successor = successor_new();
	s.launcher = launcher_fork(argv);
	privs_raise_files();
	process_memory();
	/* Not the default loop, which would reap the commands that probes run. */
	s.loop = ev_loop_new(EVFLAG_NOENV);
	if (!s.loop)
		die("cannot have an event loop");
	process_memory_refill(s.loop);
	clock_gettime(CLOCK_MONOTONIC, &s.started);
	watch_signals(&s);
	if (!boot(&s, &why)) {
		log_line(LOG_ERROR, "%s", why.text);
		if (s.successor)
			successor_fail(s.successor, why.text);
		return 1;
	}
	ev_run(s.loop, 0);
	shut_down(&s);
	return 0;
}
