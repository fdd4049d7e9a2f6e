/* server_commands.c - who gives and takes commands.
 */
#include "daemon/server.h"

#include "daemon/busiest.h"
#include "daemon/dnssec_orders.h"
#include "daemon/fleet_member.h"
#include "daemon/fleet_zones.h"
#include "daemon/measuring.h"
#include "daemon/metrics_maker.h"
#include "daemon/orders.h"
#include "daemon/publish.h"
#include "daemon/readiness.h"
#include "daemon/reports.h"
#include "daemon/secondaries.h"
#include "daemon/store_orders.h"
#include "daemon/taps.h"
#include "daemon/upgrade.h"
#include "daemon/why_orders.h"
#include "daemon/zone_orders.h"
#include "web/api.h"

#include <string.h>

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

bool server_open_commands(struct server *s, struct fault *why)
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
			s->jobs, s->publisher, s->ring, s->signing_keys,
			fleet_zones_committed, s->fleet_zones },
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
		.probes = s->probes, .rankings = s->rankings, .resolver_pairs = s->resolver_pairs, .signing_keys = s->signing_keys, .news = s->news, .commands = &s->commands,
		.left = on_left, .ctx = s };
	memcpy(upgrade.cookies, s->cookies, sizeof upgrade.cookies);
	s->upgrade = upgrade_new(&upgrade);
	return true;
}
