/* report_status.c - how a server is: what is wrong first, then its numbers in sections.
 */
#include "config.h"
#include "report/report.h"
#include "answer/answer.h"
#include "dns/rcode.h"
#include "report/report_alarms.h"
#include "report/report_geo.h"
#include "report/report_load.h"

#include <string.h>
#include <time.h>

/* What a status is made of; text and JSON say the same. A row without a key begins a section of
 * the text. */
struct row {
	const char *key, *label;
	json_int_t value;
};

static json_int_t seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - t->tv_sec;
}

static json_t *rcodes(const struct stats *s)
{
	/* All that workers answer with. */
	static const uint8_t given[] = { RCODE_NOERROR, RCODE_FORMERR, RCODE_SERVFAIL,
		RCODE_NXDOMAIN, RCODE_NOTIMP, RCODE_REFUSED, RCODE_YXDOMAIN, RCODE_NOTAUTH,
		RCODE_BADVERS, RCODE_BADCOOKIE };
	json_t *o = json_object();
	char name[RCODE_TEXT];

	for (unsigned i = 0; i < sizeof given; i++)
		json_object_set_new(o, rcode_text(name, given[i]),
			json_integer((json_int_t)s->rcode[given[i]]));
	return o;
}

static json_t *stage_json(const struct report_stage *r)
{
	return json_pack("{s:f, s:I, s:I, s:I}", "percent", r->percent, "since",
		(json_int_t)r->since, "answers", (json_int_t)r->answers, "empty",
		(json_int_t)r->empty);
}

/* How it stands with what is tried out, on a line; nothing when nothing is to be said. */
static void stage_text(const struct report_stage *r, struct text *out)
{
	if (r->percent > 0)
		text_addf(out,
			"  stage: %g %% of the clients for %lld s; %llu answers, %llu of them "
			"without an edge\n",
			r->percent, (long long)(time(NULL) - r->since),
			(unsigned long long)r->answers, (unsigned long long)r->empty);
	else if (*r->last)
		text_addf(out, "  stage: the last one was %s\n", r->last);
}

static json_int_t missed(const struct report_view *view)
{
	json_int_t sum = 0;

	for (unsigned i = 0; i < view->n_choices; i++)
		sum += __atomic_load_n(&view->choices[i]->missed, __ATOMIC_RELAXED);
	return sum + (json_int_t)view->decisions_lost;
}

/* Agents by what they sent and cannot be. */
static json_t *doubts_json(const struct report_view *view)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < view->n_doubts; i++)
		json_object_set_new(
			o, view->doubts[i].agent, json_integer((json_int_t)view->doubts[i].n));
	return o;
}

static void doubts_text(const struct report_view *view, struct text *out)
{
	for (unsigned i = 0; i < view->n_doubts; i++)
		text_addf(out, "  agent %s: %llu measurements that cannot be true\n",
			view->doubts[i].agent, (unsigned long long)view->doubts[i].n);
}

static void status_json(
	const struct report_view *view, const struct row *rows, size_t n, struct text *out)
{
	const struct report_health *health = &view->health;
	const struct report_stage *stage = &view->stage;
	json_t *o = json_object();

	json_object_set_new(o, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(o, "config", json_string(view->conf_path));
	json_object_set_new(o, "alarms", report_alarms(view));
	for (size_t i = 0; i < n; i++)
		if (rows[i].key)
			json_object_set_new(o, rows[i].key, json_integer(rows[i].value));
	if (health->state_file)
		json_object_set_new(o, "state_file", json_string(health->state_file));
	if (*health->state_fault)
		json_object_set_new(o, "state_fault", json_string(health->state_fault));
	if (stage->percent > 0)
		json_object_set_new(o, "stage", stage_json(stage));
	if (*stage->last)
		json_object_set_new(o, "stage_last", json_string(stage->last));
	json_object_set_new(o, "rcodes", rcodes(&view->counters.sum));
	json_object_set_new(o, "agents_impossible", doubts_json(view));
	json_object_set_new(o, "chosen", report_whys(view));
	json_object_set_new(o, "geoip", report_geo(view->world->steer->atlas, time(NULL)));
	json_object_set_new(o, "certificates", report_tls_json(&view->tls, time(NULL)));
	report_json(o, out);
}

static void alarms_text(const struct report_view *view, struct text *out)
{
	json_t *list = report_alarms(view), *o;
	size_t i;

	text_addf(out, "alarms%s\n", json_array_size(list) ? "" : ": none");
	json_array_foreach (list, i, o)
		text_addf(out, "  %s\n", json_string_value(o));
	json_decref(list);
}

/* Its name, and what is no number. */
static void section_text(const struct report_view *view, const char *name, struct text *out)
{
	text_addf(out, "%s\n", name);
	if (strcmp(name, "server") == 0)
		stage_text(&view->stage, out);
	if (strcmp(name, "agents") == 0)
		doubts_text(view, out);
	if (strcmp(name, "geoip") == 0)
		report_geo_text(view->world->steer->atlas, time(NULL), "  ", out);
	if (strcmp(name, "tls") == 0)
		report_tls_lines(&view->tls, time(NULL), "  ", out);
}

static void status_text(
	const struct report_view *view, const struct row *rows, size_t n, struct text *out)
{
	json_t *codes = rcodes(&view->counters.sum), *value;
	const char *code;

	text_addf(out, "waymarkd %s, configured by %s\n", PACKAGE_VERSION, view->conf_path);
	alarms_text(view, out);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].key)
			text_addf(out, "  %-42s %12lld\n", rows[i].label,
				(long long)rows[i].value);
		else
			section_text(view, rows[i].label, out);
	}
	text_add(out, "answers\n");
	json_object_foreach (codes, code, value)
		if (json_integer_value(value))
			text_addf(out, "  answers %-34s %12lld\n", code,
				(long long)json_integer_value(value));
	json_decref(codes);
}

void report_status(const struct report_view *view, bool json, struct text *out)
{
	const struct world *w = view->world;
	const struct netmap_size size = netmap_size(w->steer->atlas->cities.map);
	const struct atlas_size geo = atlas_size(w->steer->atlas);
	const struct workers_report *r = &view->counters;
	json_int_t records = 0, bytes = 0, panics = 0;
	const struct report_health *health = &view->health;
	const struct round_totals probes = health->still->totals;
	const struct agent_counts agents = view->agents;

	for (unsigned i = 0; i < w->standing->n_pools; i++)
		panics += w->standing->pools[i].panics;
	for (size_t i = 0; i < zone_set_count(w->zones); i++) {
		records += zone_set_get(w->zones, i)->records;
		bytes += (json_int_t)zone_bytes(zone_set_get(w->zones, i));
	}
	const struct row rows[] = {
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
		{ NULL, "edges and probes", 0 },
		{ "edges", "edges", w->steer->n_edges },
		{ "pools", "pools", w->steer->n_pools },
		{ "pools_in_panic", "pools that trust no probe (panic)", panics },
		{ "targets", "addresses that are probed", health->still->n },
		{ "probes", "probes so far", (json_int_t)probes.probes },
		{ "probes_failed", "... of these failed", (json_int_t)probes.failures },
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
		{ NULL, "queries", 0 },
		{ "threads", "threads that answer", r->threads },
		{ "udp_queries", "queries over UDP", (json_int_t)r->sum.queries[VIA_UDP] },
		{ "tcp_queries", "queries over TCP", (json_int_t)r->sum.queries[VIA_TCP] },
		{ "tcp_connections", "TCP connections so far",
			(json_int_t)r->sum.tcp_connections },
		{ "tcp_clients", "TCP connections now", r->tcp_clients },
		{ "steered", "answers from pools", (json_int_t)r->sum.steered },
		{ "unmet", "... of these without an edge", (json_int_t)r->sum.unmet },
		{ "services", "... of these to HTTPS and SVCB", (json_int_t)r->sum.services },
		{ "pool_signed", "RRsets of pools answered with signatures",
			(json_int_t)r->sum.pool_signed },
		{ "pool_unsigned", "... that were not signed yet",
			(json_int_t)r->sum.pool_unsigned },
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
		{ "staged", "answers from staged pools", (json_int_t)r->sum.staged },
		{ "decisions_missed", "decisions there was no room to log", missed(view) },
		{ NULL, "tls", 0 },
		{ "tls_queries", "queries over TLS", (json_int_t)r->sum.queries[VIA_TLS] },
		{ "https_queries", "queries over HTTPS", (json_int_t)r->sum.queries[VIA_HTTPS] },
		{ "https_refused", "requests that were none, or for another path",
			(json_int_t)r->sum.https_refused },
		{ "tls_handshakes", "handshakes", (json_int_t)r->sum.tls_handshakes },
		{ "tls_resumed", "... of sessions from before", (json_int_t)r->sum.tls_resumed },
		{ "tls_failed", "handshakes that failed", (json_int_t)r->sum.tls_failed },
		{ "tls_limited", "connections over the limits of handshakes",
			(json_int_t)r->sum.tls_limited },
		{ NULL, "proxies", 0 },
		{ "proxied", "queries and connections by proxies", (json_int_t)r->sum.proxied },
		{ "proxy_refused", "... refused: no header, or not from a proxy",
			(json_int_t)r->sum.proxy_refused },
		{ NULL, "subnets and cookies", 0 },
		{ "with_subnet", "queries with a client subnet",
			(json_int_t)r->sum.with_subnet },
		{ "cookies_good", "queries with a cookie of ours",
			(json_int_t)r->sum.cookies_good },
		{ "cookies_wrong", "queries with a wrong cookie",
			(json_int_t)r->sum.cookies_wrong },
		{ NULL, "limits (rrl)", 0 },
		{ "limited_answers", "answers over their rate",
			(json_int_t)r->sum.limited[CLASS_ANSWER] },
		{ "limited_nodata", "NODATA over its rate",
			(json_int_t)r->sum.limited[CLASS_NODATA] },
		{ "limited_nxdomain", "NXDOMAIN over its rate",
			(json_int_t)r->sum.limited[CLASS_NXDOMAIN] },
		{ "limited_referrals", "referrals over their rate",
			(json_int_t)r->sum.limited[CLASS_REFERRAL] },
		{ "limited_errors", "errors over their rate",
			(json_int_t)r->sum.limited[CLASS_ERROR] },
		{ "slipped", "... of these sent truncated", (json_int_t)r->sum.slipped },
		{ "withheld", "... of these not sent", (json_int_t)r->sum.withheld },
		{ NULL, "transfers and notify", 0 },
		{ "transfers", "transfers asked for", (json_int_t)r->sum.transfers_asked },
		{ "transfers_refused", "... by who may not", (json_int_t)r->sum.transfers_refused },
		{ "transfers_done", "zones sent whole", (json_int_t)r->sum.transfers_done },
		{ "transfers_broken", "... or broken off", (json_int_t)r->sum.transfers_broken },
		{ "transfers_bytes", "bytes of them", (json_int_t)r->sum.transfers_bytes },
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
			(json_int_t)r->sum.signatures_wrong },
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
		{ NULL, "keys of signed zones", 0 },
		{ "keys_zones", "zones with keys", (json_int_t)view->keys.zones },
		{ "keys_rolling", "... whose keys roll", (json_int_t)view->keys.rolling },
		{ "keys_waiting_ds", "... that wait for the DS at the parent",
			(json_int_t)view->keys.waiting_ds },
		{ "keys_faulty", "... whose keys cannot be had", (json_int_t)view->keys.faulty },
		{ NULL, "packets", 0 },
		{ "truncated", "answers cut short (TC)", (json_int_t)r->sum.truncated },
		{ "dropped", "packets that were no query", (json_int_t)r->sum.dropped },
		{ "receive_failed", "errors in place of queries",
			(json_int_t)r->sum.receive_failed },
		{ "send_failed", "answers the kernel refused", (json_int_t)r->sum.send_failed },
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
	(json ? status_json : status_text)(view, rows, sizeof rows / sizeof *rows, out);
}
