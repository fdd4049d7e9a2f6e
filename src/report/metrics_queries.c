/* metrics_queries.c - what came in, and what went out.
 */
#include "report/metrics_inner.h"

#include "answer/answer.h"
#include "dns/rcode.h"
#include "dns/rrtype.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void by_transport(const struct stats *s, struct metrics *m)
{
	static const char *const vias[STATS_VIAS] = { "udp", "tcp", "tls", "https", "quic" };

	metrics_family(m, "queries", METRICS_COUNTER,
		"Queries by what carried them and the family of the address they came from.");
	for (unsigned i = 0; i < STATS_VIAS; i++) {
		/* Read one after the other while workers count on. */
		const uint64_t v6 = s->queries_v6[i], all = s->queries[i] > v6 ? s->queries[i] : v6;
		metrics_count(m, all - v6, "transport", vias[i], "family", "ipv4", NULL);
		metrics_count(m, v6, "transport", vias[i], "family", "ipv6", NULL);
	}
}

static void by_type(const struct stats *s, struct metrics *m)
{
	char text[RRTYPE_TEXT];

	metrics_family(m, "questions", METRICS_COUNTER, "Questions by the type asked for.");
	for (unsigned i = 1; i < STATS_TYPES; i++)
		metrics_count(m, s->types[i], "type",
			rrtype_text(text, (uint16_t)stats_type_of(i)), NULL);
	metrics_count(m, s->types[0], "type", "other", NULL);
}

/* All that workers answer with. */
static void by_rcode(const struct stats *s, struct metrics *m)
{
	static const uint8_t given[] = { RCODE_NOERROR, RCODE_FORMERR, RCODE_SERVFAIL,
		RCODE_NXDOMAIN, RCODE_NOTIMP, RCODE_REFUSED, RCODE_YXDOMAIN, RCODE_NOTAUTH,
		RCODE_BADVERS, RCODE_BADCOOKIE };
	char text[RCODE_TEXT];

	metrics_family(m, "answers", METRICS_COUNTER, "Answers by response code.");
	for (unsigned i = 0; i < COUNT(given); i++)
		metrics_count(m, s->rcode[given[i]], "rcode", rcode_text(text, given[i]), NULL);
}

static void by_time(const struct stats *s, struct metrics *m)
{
	double le[STATS_TIMES - 1];

	for (unsigned i = 0; i + 1 < STATS_TIMES; i++)
		le[i] = (double)(1u << i) / 1e6;
	metrics_family(m, "answer_duration_seconds", METRICS_HISTOGRAM,
		"From when a batch of queries was read until its answers were there to be sent, for "
		"each of them.");
	metrics_histogram(m,
		&(struct metrics_buckets){ s->times, le, STATS_TIMES, (double)s->times_us / 1e6 });
}

static void of_packets(const struct report_view *v, struct metrics *m)
{
	const struct stats *s = &v->counters.sum;
	const struct metrics_row rows[] = {
		{ "answers_truncated", METRICS_COUNTER, "Answers cut short (TC).",
			(double)s->truncated, NULL, NULL },
		{ "queries_dropped", METRICS_COUNTER,
			"Packets that were not answered, since they were no query.",
			(double)s->dropped, NULL, NULL },
		{ "udp_receive_buffer_drops", METRICS_COUNTER,
			"Packets that the kernel threw away, since the sockets' buffers were full.",
			(double)v->counters.udp_overflows, NULL, NULL },
		{ "xdp_queries", METRICS_COUNTER, "Queries over UDP that came by AF_XDP.",
			(double)s->by_xdp, NULL, NULL },
		{ "xdp_answers", METRICS_COUNTER, "Queries over UDP that were answered in the kernel.",
			(double)s->in_kernel, NULL, NULL },
		{ "xdp_held", METRICS_GAUGE, "Answers that are held there.", v->counters.xdp_held, NULL,
			NULL },
		{ "receive_errors", METRICS_COUNTER, "Errors of the kernel in place of queries.",
			(double)s->receive_failed, NULL, NULL },
		{ "send_errors", METRICS_COUNTER, "Answers that the kernel refused.",
			(double)s->send_failed, NULL, NULL },
		{ "subnet_queries", METRICS_COUNTER, "Queries with a client subnet.",
			(double)s->with_subnet, NULL, NULL },
		{ "cookies", METRICS_COUNTER, "Queries with a server cookie.",
			(double)s->cookies_good, "is", "good" },
		{ "cookies", METRICS_COUNTER, NULL, (double)s->cookies_wrong, "is", "wrong" },
		{ "tsig_errors", METRICS_COUNTER, "Queries with a wrong signature (TSIG).",
			(double)s->signatures_wrong, NULL, NULL },
		{ "rrl_limited", METRICS_COUNTER, "Answers over their rate, by what they are.",
			(double)s->limited[CLASS_ANSWER], "class", "answer" },
		{ "rrl_limited", METRICS_COUNTER, NULL, (double)s->limited[CLASS_NODATA], "class",
			"nodata" },
		{ "rrl_limited", METRICS_COUNTER, NULL, (double)s->limited[CLASS_NXDOMAIN],
			"class", "nxdomain" },
		{ "rrl_limited", METRICS_COUNTER, NULL, (double)s->limited[CLASS_REFERRAL],
			"class", "referral" },
		{ "rrl_limited", METRICS_COUNTER, NULL, (double)s->limited[CLASS_ERROR], "class",
			"error" },
		{ "rrl_slipped", METRICS_COUNTER, "Of these, sent truncated.",
			(double)s->slipped, NULL, NULL },
		{ "rrl_withheld", METRICS_COUNTER, "Of these, not sent.", (double)s->withheld, NULL,
			NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

/* By interface, as its name may stand in a rule of alerts. */
static void of_interfaces(const struct report_view *v, struct metrics *m)
{
	const struct workers_report *w = &v->counters;

	if (!w->n_xdp)
		return;
	metrics_family(m, "xdp_up", METRICS_GAUGE, "1: queries come by AF_XDP; 0: by the ordinary sockets.");
	for (unsigned i = 0; i < w->n_xdp; i++)
		metrics_count(m, !w->xdp[i].failed && !w->xdp[i].gone, "interface", w->xdp[i].name, NULL);
	metrics_family(m, "xdp_lost", METRICS_COUNTER, "Frames for which AF_XDP had no room.");
	for (unsigned i = 0; i < w->n_xdp; i++)
		metrics_count(m, w->xdp[i].lost, "interface", w->xdp[i].name, NULL);
	metrics_family(m, "xdp_broken_off", METRICS_COUNTER,
		"Answers in the kernel that changed while they were given, so that none was sent.");
	for (unsigned i = 0; i < w->n_xdp; i++)
		metrics_count(m, w->xdp[i].broken_off, "interface", w->xdp[i].name, NULL);
}

static void of_connections(const struct report_view *v, struct metrics *m)
{
	const struct stats *s = &v->counters.sum;
	const struct metrics_row rows[] = {
		{ "tcp_connections", METRICS_GAUGE, "Connections now, those of TLS and HTTPS too.",
			v->counters.tcp_clients, NULL, NULL },
		{ "tcp_connections_opened", METRICS_COUNTER, "Connections so far.",
			(double)s->tcp_connections, NULL, NULL },
		{ "tls_handshakes", METRICS_COUNTER, "Handshakes that came to their end.",
			(double)s->tls_handshakes, NULL, NULL },
		{ "tls_handshakes_resumed", METRICS_COUNTER, "Of these, of sessions from before.",
			(double)s->tls_resumed, NULL, NULL },
		{ "tls_handshakes_failed", METRICS_COUNTER, "Handshakes that failed.",
			(double)s->tls_failed, NULL, NULL },
		{ "tls_connections_limited", METRICS_COUNTER,
			"Connections over the limits of handshakes.", (double)s->tls_limited, NULL,
			NULL },
		{ "quic_connections", METRICS_GAUGE, "Connections over QUIC now.",
			v->counters.quic_clients, NULL, NULL },
		{ "quic_connections_opened", METRICS_COUNTER, "Connections over QUIC so far.",
			(double)s->quic_connections, NULL, NULL },
		{ "quic_retries", METRICS_COUNTER, "Clients of QUIC that had to prove their address.",
			(double)s->quic_retries, NULL, NULL },
		{ "quic_reset", METRICS_COUNTER, "Requests over QUIC that were not answered.",
			(double)s->quic_reset, NULL, NULL },
		{ "https_refused", METRICS_COUNTER,
			"Requests that were no query, or for another path.",
			(double)s->https_refused, NULL, NULL },
		{ "proxied", METRICS_COUNTER,
			"Queries over UDP and connections whose client a proxy has told.",
			(double)s->proxied, NULL, NULL },
		{ "proxy_refused", METRICS_COUNTER,
			"Of these, without a header of PROXY, or with one from who may not.",
			(double)s->proxy_refused, NULL, NULL },
		{ "transfers_out", METRICS_COUNTER, "Transfers of zones to others, by their end.",
			(double)s->transfers_done, "result", "done" },
		{ "transfers_out", METRICS_COUNTER, NULL, (double)s->transfers_refused, "result",
			"refused" },
		{ "transfers_out", METRICS_COUNTER, NULL, (double)s->transfers_broken, "result",
			"broken" },
		{ "transfers_out_bytes", METRICS_COUNTER, "Bytes of them.",
			(double)s->transfers_bytes, NULL, NULL },
		{ "notifies_received", METRICS_COUNTER, "NOTIFY from primaries that may.",
			(double)s->notified, NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

static void of_steering(const struct report_view *v, struct metrics *m)
{
	const struct stats *s = &v->counters.sum;
	const struct metrics_row rows[] = {
		{ "steered_answers", METRICS_COUNTER, "Answers from pools.", (double)s->steered,
			NULL, NULL },
		{ "steered_without_edge", METRICS_COUNTER, "Of these, without an edge.",
			(double)s->unmet, NULL, NULL },
		{ "steered_services", METRICS_COUNTER, "Of these, to HTTPS and SVCB.",
			(double)s->services, NULL, NULL },
		{ "steered_signed_rrsets", METRICS_COUNTER,
			"RRsets of pools that were answered with their signatures.",
			(double)s->pool_signed, NULL, NULL },
		{ "steered_unsigned_rrsets", METRICS_COUNTER,
			"RRsets of pools that were not signed yet: less was answered, or nothing.",
			(double)s->pool_unsigned, NULL, NULL },
		{ "stage_answers", METRICS_COUNTER, "Answers from pools of stages.",
			(double)s->staged, NULL, NULL },
		{ "stage_answers_without_edge", METRICS_COUNTER, "Of these, without an edge.",
			(double)s->staged_unmet, NULL, NULL },
		{ "stage_share_ratio", METRICS_GAUGE,
			"The share of clients that a stage is tried on; 0: there is none.",
			v->stage.percent / 100, NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
	metrics_family(m, "steered_ttl_seconds", METRICS_SUMMARY,
		"TTLs of answers from pools that have an edge.");
	metrics_summary(m, (double)s->ttl_s, s->ttls);
}

void metrics_queries(const struct report_view *v, struct metrics *m)
{
	const struct stats *s = &v->counters.sum;

	by_transport(s, m);
	by_type(s, m);
	by_rcode(s, m);
	by_time(s, m);
	of_packets(v, m);
	of_interfaces(v, m);
	of_connections(v, m);
	of_steering(v, m);
}
