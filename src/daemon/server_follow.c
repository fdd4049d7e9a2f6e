/* server_follow.c - who follows what, in the order in which they are made.
 */
#include "daemon/server.h"

#include "daemon/balancer.h"
#include "daemon/catalog_making.h"
#include "daemon/catalogs.h"
#include "daemon/certificates.h"
#include "daemon/decision_history.h"
#include "daemon/decisions.h"
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
#include "daemon/kept_images.h"
#include "daemon/measuring.h"
#include "daemon/notifying.h"
#include "daemon/plain_making.h"
#include "daemon/pool_signing.h"
#include "daemon/probes.h"
#include "daemon/publish.h"
#include "daemon/rankings.h"
#include "daemon/reload.h"
#include "daemon/resolver_pairs.h"
#include "daemon/rrl_log.h"
#include "daemon/secondaries.h"
#include "daemon/signature_watch.h"
#include "daemon/signing.h"
#include "daemon/signing_keys.h"
#include "daemon/staging.h"
#include "daemon/taps.h"
#include "daemon/updates.h"
#include "daemon/upkeep.h"
#include "daemon/write_back.h"
#include "daemon/zones_added.h"
#include "net/worker.h"

enum {
	RESOLVER_PAIRS_S = 900
};

static void on_publish(void *ctx, const struct world *next)
{
	workers_withdraw(((struct server *)ctx)->workers, next);
}

static void on_published(void *ctx)
{
	workers_published(((struct server *)ctx)->workers);
}

static void committed(void *ctx, const uint8_t *apex)
{
	fleet_zones_committed(((struct server *)ctx)->fleet_zones, apex);
}

/* What of keys and signatures is this server's to do now is to be looked at. */
static void keys_soon(void *ctx)
{
	struct server *s = ctx;

	signing_keys_soon(s->signing_keys);
	if (s->signing)
		signing_soon(s->signing);
}

static void keys_changed(void *ctx, const uint8_t (*apexes)[NAME_MOST], size_t n)
{
	struct server *s = ctx;

	signing_follow(s->signing, apexes, n);
	for (size_t i = 0; i < n; i++)
		fleet_zones_committed(s->fleet_zones, apexes[i]);
}

static void taken_back(void *ctx, const char *why)
{
	fleet_member_taken_back(((struct server *)ctx)->fleet, why);
}

bool server_follow(struct server *s, struct fault *why)
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
	s->kept_images = kept_images_new(&(struct kept_images_opts){ s->loop, s->jobs, s->publisher, s->store, s->successor });
	s->secondaries = secondaries_new(&(struct secondaries_opts){
		s->loop, s->jobs, s->builder, s->publisher, s->news, s->key,
		s->store });
	s->frozen = frozen_new();
	s->plain_making = plain_making_new(&(struct plain_making_opts){
		s->loop, s->jobs, s->publisher, s->key, s->store });
	s->forwarding = forwarding_new(s->loop, s->jobs, s->publisher);
	s->fleet_ask = fleet_ask_new(s->loop);
	s->fleet_lease = fleet_lease_new(s->loop, keys_soon, s);
	if (s->ring)
		key_ring_set_fleet(s->ring, s->fleet_ask, s->fleet_lease);
	s->updates = updates_new(&(struct updates_opts){ s->jobs, s->builder, s->publisher,
		s->news, s->key, s->store, s->forwarding, s->frozen, s->fleet_ask, committed, s,
		s->ring, keys_soon });
	s->fleet_zones = fleet_zones_new(
		&(struct fleet_zones_opts){ s->loop, s->publisher, s->updates, s->fleet_ask, s->fleet_lease,
			s->ring, keys_soon, s });
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
		s->publisher, s->key, s->store, s->ring, s->updates });
	signing_keys_follow(s->signing_keys, keys_changed, s);
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
	s->fleet_pairs = fleet_pairs_new(s->loop, s->resolver_pairs);
	fleet_member_set_pairs(s->fleet, s->fleet_pairs);
	s->measuring = measuring_new(&(struct measuring_opts){ s->loop, s->publisher,
		s->rankings, s->workers, s->resolver_pairs, s->key });
	certificates_follow(s->certificates, measuring_show, s->measuring);
	return true;
}
