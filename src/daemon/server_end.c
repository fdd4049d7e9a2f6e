/* server_end.c - who goes, in the order in which nobody misses them.
 */
#include "daemon/server.h"

#include "base/launcher.h"
#include "base/log.h"
#include "daemon/balancer.h"
#include "daemon/builder.h"
#include "daemon/busiest.h"
#include "daemon/catalog_making.h"
#include "daemon/catalogs.h"
#include "daemon/certificates.h"
#include "daemon/decision_history.h"
#include "daemon/decisions.h"
#include "daemon/dnssec_orders.h"
#include "daemon/flattening.h"
#include "daemon/fleet_ask.h"
#include "daemon/fleet_lease.h"
#include "daemon/fleet_member.h"
#include "daemon/fleet_pairs.h"
#include "daemon/fleet_times.h"
#include "daemon/fleet_zones.h"
#include "daemon/forwarding.h"
#include "daemon/frozen.h"
#include "daemon/geo_watch.h"
#include "daemon/key_ring.h"
#include "daemon/kept_images.h"
#include "daemon/measuring.h"
#include "daemon/metrics_maker.h"
#include "daemon/notifying.h"
#include "daemon/orders.h"
#include "daemon/plain_making.h"
#include "daemon/pool_signing.h"
#include "daemon/privs.h"
#include "daemon/probes.h"
#include "daemon/publish.h"
#include "daemon/rankings.h"
#include "daemon/readiness.h"
#include "daemon/reload.h"
#include "daemon/reports.h"
#include "daemon/resolver_pairs.h"
#include "daemon/rrl_log.h"
#include "daemon/secondaries.h"
#include "daemon/signature_watch.h"
#include "daemon/signing.h"
#include "daemon/signing_keys.h"
#include "daemon/staging.h"
#include "daemon/store_orders.h"
#include "daemon/successor.h"
#include "daemon/taps.h"
#include "daemon/timeline.h"
#include "daemon/updates.h"
#include "daemon/upgrade.h"
#include "daemon/upkeep.h"
#include "daemon/watchdog.h"
#include "daemon/why_orders.h"
#include "daemon/worker_news.h"
#include "daemon/write_back.h"
#include "daemon/zone_orders.h"
#include "daemon/zones_added.h"
#include "jobs/jobs.h"
#include "net/worker.h"
#include "store/store.h"
#include "web/api.h"

#include <unistd.h>

enum {
	STOP_PATIENCE_S = 10 /* for jobs that run when the server is told to stop */
};

/* Another process serves, and all that is kept is its own by now; what only this one has seen goes where such things go. */
static _Noreturn void leave(struct server *s)
{
	if (!jobs_stop(s->jobs, STOP_PATIENCE_S)) /* those that were held for the new one, and what they were to write waits on */
		_exit(0);
	taps_free(s->taps);
	decisions_free(s->decisions);
	timeline_free(s->timeline);
	decision_history_free(s->decision_history);
	_exit(0);
}

void server_end(struct server *s)
{
	if (s->left || upgrade_has_left(s->upgrade))
		leave(s);
	if (successor_waits(s->successor)) { /* nothing is ours yet */
		if (s->ring)
			key_ring_take_back(s->ring);
		_exit(0);
	}
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
	probes_leave(s->probes);
	measuring_free(s->measuring);
	if (s->fleet)
		fleet_member_set_pairs(s->fleet, NULL);
	fleet_pairs_free(s->fleet_pairs);
	resolver_pairs_free(s->resolver_pairs);
	dnssec_orders_free(s->dnssec_orders);
	notifying_free(s->notifying);
	plain_making_free(s->plain_making);
	secondaries_free(s->secondaries);
	geo_watch_free(s->geo_watch);
	signature_watch_free(s->signature_watch);
	kept_images_free(s->kept_images);
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
	signing_free(s->signing); /* what it has asked for is ended before */
	signing_keys_free(s->signing_keys);
	fleet_ask_free(s->fleet_ask);
	fleet_lease_free(s->fleet_lease);
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
