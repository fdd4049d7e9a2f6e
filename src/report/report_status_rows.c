#include "report/report_status_rows.h"

#include "answer/answer.h"
#include "report/report_view.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static void add(struct status_rows *to, const struct status_row *rows, size_t n)
{
	assert(n <= STATUS_ROWS_MOST - to->n);
	memcpy(to->list + to->n, rows, n * sizeof *rows);
	to->n += n;
}

static json_int_t seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - t->tv_sec;
}

static void add_zones(struct status_rows *to, const struct report_view *view)
{
	const struct world *w = view->world;
	json_int_t records = 0, bytes = 0;

	for (size_t i = 0; i < zone_set_count(w->zones); i++) {
		records += zone_set_get(w->zones, i)->records;
		bytes += (json_int_t)zone_bytes(zone_set_get(w->zones, i));
	}
	const struct status_row rows[] = {
		{ NULL, "server", 0 },
		{ "uptime_s", "up for seconds", seconds_since(&view->started) },
		{ "generation", "worlds published", (json_int_t)w->generation },
		{ NULL, "zones", 0 },
		{ "zones", "zones", (json_int_t)zone_set_count(w->zones) },
		{ "zones_faulty", "zones whose files are wrong",
			(json_int_t)view->live.zones->n_faulty },
		{ "zones_unready", "... of these never read (SERVFAIL)",
			(json_int_t)view->live.zones->n_empty },
		{ "records", "records", records },
		{ "zone_bytes", "bytes of zone images", bytes },
		{ NULL, "zones signed here", 0 },
		{ "signed_zones", "zones signed here", (json_int_t)view->signing.zones },
		{ "signed_due", "... with something to be signed anew",
			(json_int_t)view->signing.due },
		{ "signed_names", "names signed anew", (json_int_t)view->signing.names },
		{ "signed_parts", "... in so many versions of zones",
			(json_int_t)view->signing.parts },
		{ "signed_lost", "... and so many in vain", (json_int_t)view->signing.lost },
		{ "signed_next_s", "seconds until the next is due",
			view->signing.next_s > time(NULL)
				? (json_int_t)(view->signing.next_s - time(NULL))
				: 0 },
	};

	add(to, rows, sizeof rows / sizeof *rows);
}

static void add_edges(struct status_rows *to, const struct report_view *view)
{
	const struct world *w = view->world;
	const struct netmap_size size = netmap_size(view->world->steer->atlas->cities.map);
	const struct atlas_size geo = atlas_size(view->world->steer->atlas);
	const struct report_health *health = &view->health;
	const struct round_totals probes = view->health.still->totals;
	json_int_t panics = 0;

	for (unsigned i = 0; i < w->standing->n_pools; i++)
		panics += w->standing->pools[i].panics;
	const struct status_row rows[] = {
		{ NULL, "edges and probes", 0 },
		{ "edges", "edges", w->steer->n_edges },
		{ "pools", "pools", w->steer->n_named },
		{ "pools_in_panic", "pools that trust no probe (panic)", panics },
		{ "targets", "addresses that are probed", health->still->n_probed },
		{ "probes", "probes so far", (json_int_t)probes.probes },
		{ "probes_failed", "... of these failed", (json_int_t)probes.failures },
		{ "targets_noticed", "addresses with a notice, as of a certificate (\"edges\")", health->still->n_noticed },
		{ "probes_not_made", "probes not made for want of files or memory",
			(json_int_t)probes.not_made },
		{ "probes_running", "probes now", probes.running },
		{ "probes_in_line", "probes that wait for their turn", probes.in_line },
		{ "health_publications", "changes of health published",
			(json_int_t)health->publications },
		{ "health_publish_most_us", "... the longest took us",
			(json_int_t)(health->publish_most_ms * 1000) },
		{ NULL, "loop and jobs", 0 },
		{ "loop_longest_us", "longest turn of the loop, us",
			(json_int_t)view->loop.longest_us },
		{ "loop_late", "... turns over 10 ms", (json_int_t)view->loop.late },
		{ "jobs_running", "jobs that run", view->loop.counts.running },
		{ "jobs_waiting", "jobs that wait", view->loop.counts.waiting },
		{ "jobs_without_memory", "jobs that found no memory",
			(json_int_t)view->loop.counts.no_memory },
		{ NULL, "geoip", 0 },
		{ "places", "places known", places_count(w->steer->atlas->cities.places) },
		{ "geo_ranges_v4", "IPv4 ranges with a place", (json_int_t)size.v4_ranges },
		{ "geo_ranges_v6", "IPv6 ranges with a place", (json_int_t)size.v6_ranges },
		{ "geo_networks", "networks in the GeoIP files", (json_int_t)geo.nets },
		{ "geo_networks_local", "... not of the public Internet",
			(json_int_t)geo.local },
		{ "geo_bytes", "bytes of GeoIP tables",
			(json_int_t)(size.bytes +
				places_bytes(w->steer->atlas->cities.places)) },
	};

	add(to, rows, sizeof rows / sizeof *rows);
}

static void add_fleet(struct status_rows *to, const struct report_view *view)
{
	const struct report_fleet *f = &view->fleet;
	const struct status_row rows[] = {
		{ NULL, "fleet", 0 },
		{ "fleet_servers", "servers that are known, with this one", f->servers },
		{ "fleet_live", "... that are there", f->live },
		{ "fleet_reached", "its Redis is reached", f->up },
		{ "fleet_vantages", "others whose probes count", f->vantages },
		{ "fleet_demand_servers", "servers by whose demand prices are found here",
			f->prices_by == FLEET_PRICES_HERE ? f->demand_servers : 0 },
		{ "fleet_demand_held", "servers out of hearing that keep what they used", f->demand_held },
		{ "fleet_outvoted", "verdicts that are not as we have found", f->outvoted },
		{ "fleet_lag_ms", "from saying to hearing, ms", (json_int_t)f->lag_ms },
		{ "fleet_clock_off_ms", "our clock is ahead by ms", (json_int_t)f->clock_off_ms },
		{ "fleet_will", "changes by operators that all servers have", f->will },
		{ "fleet_conflicts", "... that were at odds", f->conflicts },
		{ "fleet_orders_failed", "commands for all servers that could not be done here", f->orders_failed },
		{ "fleet_configs_apart", "servers with another configuration in what answers depend on", f->configs_apart },
		{ "fleet_times", "measurements that all servers share", (json_int_t)f->times.n },
		{ "fleet_times_apart", "servers that have others (or not yet those of the last seconds)", f->times.apart },
		{ "fleet_times_sent", "... told by us", (json_int_t)f->times.sent },
		{ "fleet_times_taken", "... heard of others", (json_int_t)f->times.taken },
		{ "fleet_pairs", "resolvers' clients that all servers share", (json_int_t)f->pairs.n },
		{ "fleet_pairs_apart", "servers that have others (or not yet those of the last seconds)", f->pairs.apart },
		{ "fleet_pairs_sent", "... told by us", (json_int_t)f->pairs.sent },
		{ "fleet_pairs_taken", "... heard of others", (json_int_t)f->pairs.taken },
		{ "fleet_pairs_joined", "... of clients that agents told others of", (json_int_t)f->pairs_joined },
		{ "fleet_zones", "zones that all servers change", f->zones },
		{ "fleet_zones_in_step", "... that are as the fleet has them", f->zones_in_step },
		{ "fleet_committed", "... changes of ours", (json_int_t)view->changes.committed },
		{ "fleet_taken", "... of others, taken", (json_int_t)view->changes.taken },
		{ "fleet_again", "... made again, behind those of others", (json_int_t)view->changes.again },
		{ "fleet_said", "said by us", (json_int_t)f->said },
		{ "fleet_heard", "heard of others", (json_int_t)f->heard },
		{ "fleet_forged", "... that nobody with our secret has said", (json_int_t)f->forged },
	};

	if (f->on)
		add(to, rows, sizeof rows / sizeof *rows);
}

static json_int_t missed(const struct report_view *view)
{
	json_int_t sum = 0;

	for (unsigned i = 0; i < view->n_choices; i++)
		sum += __atomic_load_n(&view->choices[i]->missed, __ATOMIC_RELAXED);
	return sum + (json_int_t)view->decisions_lost;
}

static void add_queries(struct status_rows *to, const struct report_view *view)
{
	const struct stats *sum = &view->counters.sum;
	const struct status_row rows[] = {
		{ NULL, "queries", 0 },
		{ "threads", "threads that answer", view->counters.threads },
		{ "udp_queries", "queries over UDP", (json_int_t)sum->queries[VIA_UDP] },
		{ "xdp_queries", "... of these by AF_XDP", (json_int_t)sum->by_xdp },
		{ "xdp_answers", "... of these answered in the kernel", (json_int_t)sum->in_kernel },
		{ "xdp_held", "answers held there", view->counters.xdp_held },
		{ "tcp_queries", "queries over TCP", (json_int_t)sum->queries[VIA_TCP] },
		{ "tcp_connections", "TCP connections so far",
			(json_int_t)sum->tcp_connections },
		{ "tcp_clients", "TCP connections now", view->counters.tcp_clients },
		{ "steered", "answers from pools", (json_int_t)sum->steered },
		{ "unmet", "... of these without an edge", (json_int_t)sum->unmet },
		{ "services", "... of these to HTTPS and SVCB", (json_int_t)sum->services },
		{ "pool_signed", "RRsets of pools answered with signatures",
			(json_int_t)sum->pool_signed },
		{ "pool_unsigned", "... that were not signed yet",
			(json_int_t)sum->pool_unsigned },
		{ "pool_signed_ahead", "RRsets of pools signed ahead",
			(json_int_t)view->pool_signing.table.ahead },
		{ "pool_signed_left", "... too many for that",
			(json_int_t)view->pool_signing.left },
		{ "pool_signed_wanted", "... signed since they were asked for",
			(json_int_t)view->pool_signing.table.wanted },
		{ "pool_sign_waiting", "... waiting to be signed",
			(json_int_t)view->pool_signing.waiting },
		{ "pool_sign_lost", "... asked for when too many waited",
			(json_int_t)view->pool_signing.lost },
		{ "pool_signed_bytes", "bytes of their signatures",
			(json_int_t)view->pool_signing.table.bytes },
		{ "flatten_names", "names that edges flatten", view->flattening.names },
		{ "flatten_unresolved", "... of which nothing is known yet", view->flattening.unresolved },
		{ "flatten_kept", "... known from before the start alone", view->flattening.kept },
		{ "flatten_failing", "... that cannot be resolved now", view->flattening.failing },
		{ "flatten_oldest_s", "seconds since the oldest was resolved", (json_int_t)view->flattening.oldest_s },
		{ "staged", "answers from staged pools", (json_int_t)sum->staged },
		{ "decisions_missed", "decisions there was no room to log", missed(view) },
		{ "queries_logged", "queries logged", (json_int_t)view->taps.logged },
		{ "queries_log_lost", "... that the log did not take",
			(json_int_t)view->taps.log_lost },
		{ "dnstap_sent", "messages of dnstap sent", (json_int_t)view->taps.dnstap_sent },
		{ "dnstap_lost", "... that nobody took", (json_int_t)view->taps.dnstap_lost },
	};

	add(to, rows, sizeof rows / sizeof *rows);
}

static void add_clients(struct status_rows *to, const struct report_view *view)
{
	const struct stats *sum = &view->counters.sum;
	const struct status_row rows[] = {
		{ NULL, "tls", 0 },
		{ "tls_queries", "queries over TLS", (json_int_t)sum->queries[VIA_TLS] },
		{ "https_queries", "queries over HTTPS", (json_int_t)sum->queries[VIA_HTTPS] },
		{ "quic_queries", "queries over QUIC", (json_int_t)sum->queries[VIA_QUIC] },
		{ "quic_clients", "connections over QUIC now", (json_int_t)view->counters.quic_clients },
		{ "quic_connections", "connections over QUIC so far", (json_int_t)sum->quic_connections },
		{ "quic_retries", "... clients that had to prove their address", (json_int_t)sum->quic_retries },
		{ "quic_reset", "requests over QUIC that were not answered", (json_int_t)sum->quic_reset },
		{ "https_refused", "requests that were none, or for another path",
			(json_int_t)sum->https_refused },
		{ "tls_handshakes", "handshakes", (json_int_t)sum->tls_handshakes },
		{ "tls_resumed", "... of sessions from before", (json_int_t)sum->tls_resumed },
		{ "tls_failed", "handshakes that failed", (json_int_t)sum->tls_failed },
		{ "tls_limited", "connections over the limits of handshakes",
			(json_int_t)sum->tls_limited },
		{ NULL, "proxies", 0 },
		{ "proxied", "queries and connections by proxies", (json_int_t)sum->proxied },
		{ "proxy_refused", "... refused: no header, or not from a proxy",
			(json_int_t)sum->proxy_refused },
		{ NULL, "subnets and cookies", 0 },
		{ "with_subnet", "queries with a client subnet",
			(json_int_t)sum->with_subnet },
		{ "cookies_good", "queries with a cookie of ours",
			(json_int_t)sum->cookies_good },
		{ "cookies_wrong", "queries with a wrong cookie",
			(json_int_t)sum->cookies_wrong },
		{ NULL, "limits (rrl)", 0 },
		{ "limited_answers", "answers over their rate",
			(json_int_t)sum->limited[CLASS_ANSWER] },
		{ "limited_nodata", "NODATA over its rate",
			(json_int_t)sum->limited[CLASS_NODATA] },
		{ "limited_nxdomain", "NXDOMAIN over its rate",
			(json_int_t)sum->limited[CLASS_NXDOMAIN] },
		{ "limited_referrals", "referrals over their rate",
			(json_int_t)sum->limited[CLASS_REFERRAL] },
		{ "limited_errors", "errors over their rate",
			(json_int_t)sum->limited[CLASS_ERROR] },
		{ "slipped", "... of these sent truncated", (json_int_t)sum->slipped },
		{ "withheld", "... of these not sent", (json_int_t)sum->withheld },
	};

	add(to, rows, sizeof rows / sizeof *rows);
}

static void add_transfers(struct status_rows *to, const struct report_view *view)
{
	const struct stats *sum = &view->counters.sum;
	const struct status_row rows[] = {
		{ NULL, "transfers and notify", 0 },
		{ "transfers", "transfers asked for", (json_int_t)sum->transfers_asked },
		{ "transfers_refused", "... by who may not", (json_int_t)sum->transfers_refused },
		{ "transfers_done", "zones sent whole", (json_int_t)sum->transfers_done },
		{ "transfers_broken", "... or broken off", (json_int_t)sum->transfers_broken },
		{ "transfers_bytes", "bytes of them", (json_int_t)sum->transfers_bytes },
		{ "notify", "others to tell of a zone (NOTIFY)", (json_int_t)view->notify.sent },
		{ "notify_answered", "... who have heard", (json_int_t)view->notify.answered },
		{ "notify_refused", "... who have refused", (json_int_t)view->notify.refused },
		{ "notify_failed", "... who did not answer", (json_int_t)view->notify.failed },
		{ "notify_waiting", "... who are still to be told",
			(json_int_t)(view->notify.waiting + view->notify.underway) },
		{ NULL, "zones of others", 0 },
		{ "secondaries", "zones that come from primaries",
			(json_int_t)view->changes.secondaries.zones },
		{ "secondaries_expired", "... that have expired (SERVFAIL)",
			(json_int_t)view->changes.secondaries.expired },
		{ "refresh_asked", "questions for their serials",
			(json_int_t)view->changes.secondaries.asked },
		{ "refresh_fetched", "... transfers in, taken",
			(json_int_t)view->changes.secondaries.fetched },
		{ "refresh_failed", "... rounds in which no primary had it",
			(json_int_t)view->changes.secondaries.failed },
		{ "refresh_fetching", "transfers in now",
			(json_int_t)view->changes.secondaries.fetching },
		{ "refresh_waiting", "... that wait for their turn",
			(json_int_t)view->changes.secondaries.waiting },
	};

	add(to, rows, sizeof rows / sizeof *rows);
}

static void add_updates(struct status_rows *to, const struct report_view *view)
{
	const struct stats *sum = &view->counters.sum;
	const struct status_row rows[] = {
		{ NULL, "updates", 0 },
		{ "updates", "updates of zones asked for", (json_int_t)view->changes.asked },
		{ "updates_changed", "... that have changed one", (json_int_t)view->changes.changed },
		{ "updates_same", "... that had nothing to change", (json_int_t)view->changes.same },
		{ "updates_refused", "... refused, or not as they require",
			(json_int_t)view->changes.refused },
		{ "updates_failed", "... that could not be done (SERVFAIL)",
			(json_int_t)view->changes.failed },
		{ "updates_waiting", "... that wait", (json_int_t)view->changes.waiting },
		{ "updates_forwarded", "updates sent on to a primary",
			(json_int_t)view->forwarded },
		{ "updates_forward_failed", "... that none has answered",
			(json_int_t)view->forward_failed },
		{ "zones_merged", "images of changed zones made anew",
			(json_int_t)view->changes.merges },
		{ "signatures_wrong", "queries with a wrong signature (TSIG)",
			(json_int_t)sum->signatures_wrong },
		{ NULL, "store", 0 },
		{ "store_zones", "zones in the store", (json_int_t)view->changes.store.zones },
		{ "store_bytes", "bytes of its file", (json_int_t)view->changes.store.bytes },
		{ "store_journal_bytes", "... of SQLite's journal beside it",
			(json_int_t)view->changes.store.journal_bytes },
		{ "store_commits", "writes to it", (json_int_t)view->changes.store.commits },
		{ "store_failed", "... that failed", (json_int_t)view->changes.store.failed },
		{ "store_steps", "changes of zones written", (json_int_t)view->changes.store.steps },
		{ "store_whole", "zones written whole behind changes",
			(json_int_t)view->changes.stored },
		{ "files_written", "zones written to their files",
			(json_int_t)view->changes.files_written },
		{ "files_edited", "files that somebody has changed, not taken yet",
			(json_int_t)view->changes.files_edited },
		{ "files_failed", "files that cannot be written",
			(json_int_t)view->changes.files_failed },
	};

	add(to, rows, sizeof rows / sizeof *rows);
}

static void add_others(struct status_rows *to, const struct report_view *view)
{
	const struct stats *sum = &view->counters.sum;
	const struct agent_counts agents = view->agents;
	const struct status_row rows[] = {
		{ NULL, "keys of signed zones", 0 },
		{ "keys_zones", "zones with keys", (json_int_t)view->keys.zones },
		{ "keys_rolling", "... whose keys roll", (json_int_t)view->keys.rolling },
		{ "keys_waiting_ds", "... that wait for the DS at the parent",
			(json_int_t)view->keys.waiting_ds },
		{ "keys_faulty", "... whose keys cannot be had", (json_int_t)view->keys.faulty },
		{ NULL, "packets", 0 },
		{ "truncated", "answers cut short (TC)", (json_int_t)sum->truncated },
		{ "dropped", "packets that were no query", (json_int_t)sum->dropped },
		{ "receive_failed", "errors in place of queries",
			(json_int_t)sum->receive_failed },
		{ "send_failed", "answers the kernel refused", (json_int_t)sum->send_failed },
		{ NULL, "agents", 0 },
		{ "agent_reports", "reports of agents", (json_int_t)agents.reports },
		{ "agent_rows", "... measurements in them", (json_int_t)agents.rows },
		{ "agent_questions", "agents asked for targets",
			(json_int_t)agents.assignments },
		{ "agent_targets", "networks watched for them", (json_int_t)view->targets },
		{ "agent_forged", "refused: not signed", (json_int_t)agents.forged },
		{ "agent_untimely", "refused: late or early", (json_int_t)agents.untimely },
		{ "agent_replayed", "refused: taken before", (json_int_t)agents.replayed },
		{ "agent_oversized", "refused: too large", (json_int_t)agents.oversized },
		{ "agent_malformed", "refused: malformed", (json_int_t)agents.malformed },
		{ "agent_impossible", "measurements that cannot be true",
			(json_int_t)agents.impossible },
	};

	add(to, rows, sizeof rows / sizeof *rows);
}

void report_status_rows(const struct report_view *view, struct status_rows *to)
{
	to->n = 0;
	add_zones(to, view);
	add_edges(to, view);
	add_fleet(to, view);
	add_queries(to, view);
	add_clients(to, view);
	add_transfers(to, view);
	add_updates(to, view);
	add_others(to, view);
}
