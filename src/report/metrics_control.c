/* metrics_control.c - what goes on beside the answers: the loop, jobs, data from others,
 * certificates, updates, signing and the store.
 */
#include "report/metrics_inner.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void of_loop(const struct report_view *v, struct metrics *m)
{
	const struct report_loop *l = &v->loop;
	const struct metrics_row rows[] = {
		{ "threads", METRICS_GAUGE, "Threads that answer.", v->counters.threads, NULL,
			NULL },
		{ "loop_longest_turn_seconds", METRICS_GAUGE,
			"The longest turn of the loop since the start.", (double)l->longest_us / 1e6,
			NULL, NULL },
		{ "loop_late_turns", METRICS_COUNTER, "Turns of the loop over 10 ms.",
			(double)l->late, NULL, NULL },
		{ "jobs", METRICS_GAUGE, "Jobs beside the loop.", l->counts.running, "state",
			"runs" },
		{ "jobs", METRICS_GAUGE, NULL, l->counts.waiting, "state", "waits" },
		{ "jobs_ended", METRICS_COUNTER, "Jobs by how they have ended.",
			(double)l->counts.done, "result", "done" },
		{ "jobs_ended", METRICS_COUNTER, NULL, (double)l->counts.no_memory, "result",
			"no_memory" },
		{ "jobs_ended", METRICS_COUNTER, NULL, (double)l->counts.cancelled, "result",
			"cancelled" },
		{ "decisions_lost", METRICS_COUNTER,
			"Decisions that neither their file nor the store took.", (double)v->decisions_lost, NULL,
			NULL },
		{ "queries_logged", METRICS_COUNTER, "Queries in the log of queries.",
			(double)v->taps.logged, NULL, NULL },
		{ "queries_log_lost", METRICS_COUNTER, "Queries that the log did not take.",
			(double)v->taps.log_lost, NULL, NULL },
		{ "dnstap_messages", METRICS_COUNTER, "Messages of dnstap that were sent.",
			(double)v->taps.dnstap_sent, NULL, NULL },
		{ "dnstap_messages_lost", METRICS_COUNTER, "Messages of dnstap that nobody took.",
			(double)v->taps.dnstap_lost, NULL, NULL },
		{ "dnstap_connected", METRICS_GAUGE, "1: somebody reads dnstap.",
			v->taps.dnstap_talks, NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

static void add_built(struct metrics *m, const struct mmdb_told *t, size_t n, const char *kind)
{
	for (size_t i = 0; i < n; i++)
		metrics_count(m, t[i].built_s, "kind", kind, "file", t[i].path, "type", t[i].type,
			NULL);
}

static void of_data(const struct report_view *v, struct metrics *m)
{
	const struct atlas *a = v->world->steer->atlas;
	const struct latency_size size = latency_size(v->live.table);

	metrics_family(m, "geoip_build_timestamp_seconds", METRICS_GAUGE,
		"UNIX time at which a GeoIP file was built; 0: it does not tell.");
	add_built(m, a->cities.told, a->cities.n_told, "city");
	add_built(m, a->asns.told, a->asns.n_told, "asn");
	const struct metrics_row rows[] = {
		{ "geoip_networks", METRICS_GAUGE, "Networks in the GeoIP files.",
			(double)atlas_size(a).nets, NULL, NULL },
		{ "files_faulty", METRICS_GAUGE,
			"1: a file of that kind is wrong, and what was read of it before is used on.",
			v->live.geo_files && v->live.geo_files->faulty, "kind", "geoip" },
		{ "files_faulty", METRICS_GAUGE, NULL,
			v->live.table_files && v->live.table_files->faulty, "kind", "measurements" },
		{ "files_faulty", METRICS_GAUGE, NULL, *v->health.state_fault != 0, "kind",
			"state" },
		{ "files_faulty", METRICS_GAUGE, NULL, *v->tls.fault != 0, "kind",
			"certificates" },
		{ "files_faulty", METRICS_GAUGE, NULL, (double)v->changes.files_failed, "kind",
			"zones_written" },
		{ "measured_networks", METRICS_GAUGE, "Networks with measured times.",
			(double)size.nets, NULL, NULL },
		{ "measured_times", METRICS_GAUGE, "Measured times, of a network to an edge.",
			(double)size.cells, NULL, NULL },
		{ "measured_samples", METRICS_COUNTER, "Samples taken in.",
			(double)v->rankings.samples, NULL, NULL },
		{ "measured_samples_lost", METRICS_COUNTER,
			"Samples for which there was no room.", (double)v->rankings.lost, NULL,
			NULL },
		{ "measured_last_timestamp_seconds", METRICS_GAUGE,
			"UNIX time of the last report of an agent; 0: there was none.",
			(double)v->agents.last_s, NULL, NULL },
		{ "one_time_names", METRICS_COUNTER,
			"Queries for names that are asked for once.", (double)v->agents.names, NULL, NULL },
		{ "one_time_clients", METRICS_COUNTER,
			"Clients that agents saw come by such names.", (double)v->agents.clients, NULL, NULL },
		{ "one_time_joined", METRICS_COUNTER,
			"... of whom it is known through which resolver they ask.", (double)v->agents.joined, NULL, NULL },
		{ "resolver_pairs", METRICS_GAUGE,
			"Pairs of a resolver and a net of its clients that are known.", (double)v->agents.pairs, NULL, NULL },
		{ "rankings_published", METRICS_COUNTER,
			"Times that the order of edges was made anew.",
			(double)v->rankings.published, NULL, NULL },
		{ "rankings_last_duration_seconds", METRICS_GAUGE, "What that took the last time.",
			v->rankings.last_s, NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

static void of_agents(const struct report_view *v, struct metrics *m)
{
	const struct agent_counts *a = &v->agents;
	const struct metrics_row rows[] = {
		{ "agent_reports", METRICS_COUNTER, "Reports of agents that were taken.",
			(double)a->reports, NULL, NULL },
		{ "agent_reports_refused", METRICS_COUNTER,
			"Requests of agents that were refused, and why.", (double)a->forged, "why",
			"forged" },
		{ "agent_reports_refused", METRICS_COUNTER, NULL, (double)a->untimely, "why",
			"untimely" },
		{ "agent_reports_refused", METRICS_COUNTER, NULL, (double)a->replayed, "why",
			"replayed" },
		{ "agent_reports_refused", METRICS_COUNTER, NULL, (double)a->oversized, "why",
			"oversized" },
		{ "agent_reports_refused", METRICS_COUNTER, NULL, (double)a->malformed, "why",
			"malformed" },
		{ "agent_times", METRICS_COUNTER, "Measured times in reports.", (double)a->rows,
			NULL, NULL },
		{ "agent_times_impossible", METRICS_COUNTER,
			"Measured times that cannot be true.", (double)a->impossible, NULL, NULL },
		{ "agent_networks", METRICS_GAUGE, "Networks watched for agents.",
			(double)v->targets, NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
	metrics_family(m, "agent_last_report_timestamp_seconds", METRICS_GAUGE,
		"UNIX time of the last report of an agent that has sent one since the start.");
	for (unsigned i = 0; i < v->n_seen; i++)
		if (v->seen[i].last_s)
			metrics_count(m, (uint64_t)v->seen[i].last_s, "agent", v->seen[i].agent, NULL);
}

static void of_certificates(const struct report_view *v, struct metrics *m)
{
	const struct tls *t = v->tls.shown;

	metrics_family(m, "certificate_expiry_timestamp_seconds", METRICS_GAUGE,
		"UNIX time at which a certificate that is shown ends; name is the first it is for.");
	for (size_t i = 0; t && i < tls_count(t); i++) {
		const struct tls_about a = tls_about(t, i);
		char number[24];
		snprintf(number, sizeof number, "%zu", i + 1);
		metrics_count(m, (uint64_t)(a.until_s > 0 ? a.until_s : 0), "number", number, "name",
			a.name, NULL);
	}
}

static void of_changes(const struct report_view *v, struct metrics *m)
{
	const struct report_changes *c = &v->changes;
	const struct metrics_row rows[] = {
		{ "updates", METRICS_COUNTER, "Updates of zones (RFC 2136) by their result.",
			(double)c->changed, "result", "changed" },
		{ "updates", METRICS_COUNTER, NULL, (double)c->same, "result", "same" },
		{ "updates", METRICS_COUNTER, NULL, (double)c->refused, "result", "refused" },
		{ "updates", METRICS_COUNTER, NULL, (double)c->failed, "result", "failed" },
		{ "updates_waiting", METRICS_GAUGE, "Updates that wait.", (double)c->waiting, NULL,
			NULL },
		{ "updates_forwarded", METRICS_COUNTER, "Updates sent on to a primary.",
			(double)v->forwarded, NULL, NULL },
		{ "updates_forward_failed", METRICS_COUNTER, "Of these, those none has answered.",
			(double)v->forward_failed, NULL, NULL },
		{ "notifies_sent", METRICS_COUNTER, "Others told of a new serial.",
			(double)v->notify.answered, "result", "answered" },
		{ "notifies_sent", METRICS_COUNTER, NULL, (double)v->notify.refused, "result",
			"refused" },
		{ "notifies_sent", METRICS_COUNTER, NULL, (double)v->notify.failed, "result",
			"failed" },
		{ "notifies_waiting", METRICS_GAUGE, "Others who are still to be told.",
			(double)(v->notify.waiting + v->notify.underway), NULL, NULL },
		{ "refresh_questions", METRICS_COUNTER, "Primaries asked for serials.",
			(double)c->secondaries.asked, NULL, NULL },
		{ "transfers_in", METRICS_COUNTER, "Zones fetched from primaries.",
			(double)c->secondaries.fetched, NULL, NULL },
		{ "transfers_in_failed", METRICS_COUNTER,
			"Rounds in which no primary had the zone.", (double)c->secondaries.failed,
			NULL, NULL },
		{ "transfers_in_running", METRICS_GAUGE, "Transfers in now.",
			(double)c->secondaries.fetching, NULL, NULL },
		{ "transfers_in_waiting", METRICS_GAUGE, "Transfers in that wait.",
			(double)c->secondaries.waiting, NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

static void of_store(const struct report_view *v, struct metrics *m)
{
	const struct store_counts *s = &v->changes.store;
	const struct metrics_row rows[] = {
		{ "store_bytes", METRICS_GAUGE, "Bytes of the store's files.", (double)s->bytes,
			"file", "store" },
		{ "store_bytes", METRICS_GAUGE, NULL, (double)s->journal_bytes, "file", "journal" },
		{ "store_writes", METRICS_COUNTER, "Writes to the store.", (double)s->commits, NULL,
			NULL },
		{ "store_writes_failed", METRICS_COUNTER, "Of these, those that failed.",
			(double)s->failed, NULL, NULL },
		{ "store_faulty", METRICS_GAUGE,
			"1: the last write failed, and zones cannot be changed.", *s->fault != 0,
			NULL, NULL },
		{ "store_zones", METRICS_GAUGE, "Zones in the store.", (double)s->zones, NULL,
			NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

static void of_signing(const struct report_view *v, struct metrics *m)
{
	const struct metrics_row rows[] = {
		{ "signing_zones", METRICS_GAUGE, "Zones that are signed here.",
			(double)v->signing.zones, NULL, NULL },
		{ "signing_zones_due", METRICS_GAUGE,
			"Of these, those with something to be signed anew.", (double)v->signing.due,
			NULL, NULL },
		{ "signing_names", METRICS_COUNTER, "Names signed anew.", (double)v->signing.names,
			NULL, NULL },
		{ "signing_next_timestamp_seconds", METRICS_GAUGE,
			"UNIX time at which the next signature is made anew; 0: none.",
			(double)v->signing.next_s, NULL, NULL },
		{ "keys_zones", METRICS_GAUGE, "Zones with keys, by how these are.",
			(double)v->keys.zones, "is", "any" },
		{ "keys_zones", METRICS_GAUGE, NULL, (double)v->keys.rolling, "is", "rolling" },
		{ "keys_zones", METRICS_GAUGE, NULL, (double)v->keys.waiting_ds, "is",
			"waiting_ds" },
		{ "keys_zones", METRICS_GAUGE, NULL, (double)v->keys.faulty, "is", "faulty" },
		{ "pool_signatures", METRICS_GAUGE, "RRsets of pools that are signed.",
			(double)v->pool_signing.table.ahead, "when", "ahead" },
		{ "pool_signatures", METRICS_GAUGE, NULL, (double)v->pool_signing.table.wanted,
			"when", "asked" },
		{ "pool_signatures_waiting", METRICS_GAUGE, "RRsets of pools that wait for it.",
			(double)v->pool_signing.waiting, NULL, NULL },
		{ "flatten_names", METRICS_GAUGE, "Names that edges flatten, by how these are.",
			(double)v->flattening.names, "is", "any" },
		{ "flatten_names", METRICS_GAUGE, NULL, (double)v->flattening.unresolved, "is", "unresolved" },
		{ "flatten_names", METRICS_GAUGE, NULL, (double)v->flattening.kept, "is", "kept" },
		{ "flatten_names", METRICS_GAUGE, NULL, (double)v->flattening.failing, "is", "failing" },
		{ "flatten_oldest_seconds", METRICS_GAUGE, "Since the one was resolved that was so the longest ago.",
			v->flattening.oldest_s, NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

static void of_fleet(const struct report_view *v, struct metrics *m)
{
	const struct report_fleet *f = &v->fleet;
	const struct metrics_row rows[] = {
		{ "fleet_servers", METRICS_GAUGE, "Servers of the fleet, with this one.", f->live, "state", "there" },
		{ "fleet_servers", METRICS_GAUGE, NULL, f->servers - f->live, "state", "gone" },
		{ "fleet_reached", METRICS_GAUGE, "1: the fleet's Redis is reached.", f->up, NULL, NULL },
		{ "fleet_reply_seconds", METRICS_GAUGE, "How long its last reply took.", f->reply_ms / 1e3, NULL, NULL },
		{ "fleet_lag_seconds", METRICS_GAUGE,
			"From saying to hearing: the latest of the slowest server.", f->lag_ms / 1e3, "of", "last" },
		{ "fleet_lag_seconds", METRICS_GAUGE, NULL, f->lag_most_ms / 1e3, "of", "minutes" },
		{ "fleet_clock_offset_seconds", METRICS_GAUGE, "How far our clock is ahead of the fleet's.",
			(double)f->clock_off_ms / 1e3, NULL, NULL },
		{ "fleet_vantages", METRICS_GAUGE, "Other servers whose probes count.", f->vantages, NULL, NULL },
		{ "fleet_demand_servers", METRICS_GAUGE, "Servers by whose demand prices of edges are found here; 0: another finds them.",
			f->prices_by == FLEET_PRICES_HERE ? f->demand_servers : 0, NULL, NULL },
		{ "fleet_demand_held", METRICS_GAUGE, "Servers that are out of hearing, whose part of edges is held for them.",
			f->demand_held, NULL, NULL },
		{ "fleet_outvoted", METRICS_GAUGE, "Verdicts of ours that do not hold.", f->outvoted, NULL, NULL },
		{ "fleet_blind", METRICS_GAUGE, "1: we see no edge up.", f->blind || f->holds, NULL, NULL },
		{ "fleet_orders_failed", METRICS_GAUGE, "Commands for all servers that could not be done here.", f->orders_failed,
			NULL, NULL },
		{ "fleet_configs_apart", METRICS_GAUGE, "Servers with another configuration in what answers depend on.", f->configs_apart, NULL, NULL },
		{ "fleet_times", METRICS_GAUGE, "Measurements that all servers share.", (double)f->times.n, NULL, NULL },
		{ "fleet_times_apart", METRICS_GAUGE, "Servers that have others, or not yet those of the last seconds.", f->times.apart,
			NULL, NULL },
		{ "fleet_times_cells", METRICS_COUNTER, "Measurements that were told and heard.", (double)f->times.sent, "way", "sent" },
		{ "fleet_times_cells", METRICS_COUNTER, NULL, (double)f->times.taken, "way", "taken" },
		{ "fleet_pairs", METRICS_GAUGE, "Resolvers' clients that all servers share.", (double)f->pairs.n, NULL, NULL },
		{ "fleet_pairs_apart", METRICS_GAUGE, "Servers that have others, or not yet those of the last seconds.", f->pairs.apart,
			NULL, NULL },
		{ "fleet_pairs_rows", METRICS_COUNTER, "Resolvers' clients that were told and heard.", (double)f->pairs.sent, "way", "sent" },
		{ "fleet_pairs_rows", METRICS_COUNTER, NULL, (double)f->pairs.taken, "way", "taken" },
		{ "fleet_zones", METRICS_GAUGE, "Zones that all servers of the fleet change.", f->zones_in_step, "state",
			"in step" },
		{ "fleet_zones", METRICS_GAUGE, NULL, f->zones - f->zones_in_step, "state", "apart" },
		{ "fleet_changes", METRICS_COUNTER, "Changes of such zones.", (double)v->changes.committed, "what", "committed" },
		{ "fleet_changes", METRICS_COUNTER, NULL, (double)v->changes.taken, "what", "taken" },
		{ "fleet_changes", METRICS_COUNTER, NULL, (double)v->changes.again, "what", "again" },
		{ "fleet_messages", METRICS_COUNTER, "What servers say.", (double)f->said, "way", "said" },
		{ "fleet_messages", METRICS_COUNTER, NULL, (double)f->heard, "way", "heard" },
		{ "fleet_messages", METRICS_COUNTER, NULL, (double)f->forged, "way", "forged" },
		{ "fleet_bytes", METRICS_COUNTER, "Bytes from and to the Redis.", (double)f->bytes_in, "way", "in" },
		{ "fleet_bytes", METRICS_COUNTER, NULL, (double)f->bytes_out, "way", "out" },
		{ "fleet_connects", METRICS_COUNTER, "Times that it was connected to.", (double)f->connects, NULL, NULL },
		{ "fleet_refused", METRICS_COUNTER, "Times that it had no room.", (double)f->refused, NULL, NULL },
		{ "fleet_forgotten", METRICS_COUNTER, "Times that it had forgotten all.", (double)f->lost, NULL, NULL },
	};

	if (f->on)
		metrics_rows(m, rows, COUNT(rows));
}

void metrics_control(const struct report_view *v, struct metrics *m)
{
	of_loop(v, m);
	of_data(v, m);
	of_agents(v, m);
	of_certificates(v, m);
	of_changes(v, m);
	of_store(v, m);
	of_signing(v, m);
	of_fleet(v, m);
}
