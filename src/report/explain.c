#include "report/explain.h"

#include "answer/answer.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "report/explain_answer.h"
#include "report/explain_steps.h"
#include "report/explain_zone.h"
#include "report/network.h"
#include "report/report.h"
#include "report/report_edges.h"
#include "base/memory.h"
#include "dns/query.h"
#include "dns/rrtype.h"
#include "geo/place.h"
#include "steer/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_client(struct explain_ask *ask, const char *text, struct fault *why)
{
	char buf[ADDR_TEXT];
	struct addr a;
	const char *slash = strchr(text, '/');

	/* "Who is 192.0.2.77/24" is a fair question: bits behind the length are cut here, as a
	 * resolver would. */
	snprintf(
		buf, sizeof buf, "%.*s", slash ? (int)(slash - text) : (int)strlen(text), text);
	if (!addr_parse(&a, buf))
		return fault(why,
			"--client %s: not an address or prefix (write 192.0.2.0/24 or "
			"2001:db8::/48)",
			text);
	ask->client_v4 = !strchr(buf, ':');
	const unsigned most = ask->client_v4 ? 32 : 128;
	char *end = NULL;
	const unsigned long bits = slash ? strtoul(slash + 1, &end, 10) : most;
	if (slash && (slash[1] < '0' || slash[1] > '9' || *end || bits > most))
		return fault(why, "--client %s: a prefix length here is a number from 0 to %u",
			text, most);
	ask->client = addr_prefix(&a, (unsigned)bits + (ask->client_v4 ? ADDR_V4_BITS : 0));
	ask->resolver = a;
	ask->has_client = true;
	return true;
}

static bool parse_via(struct explain_ask *ask, const char *text, struct fault *why)
{
	static const char *const words[POOL_VIAS] = { "udp", "tcp", "tls", "https", "quic" };

	for (unsigned i = 0; i < POOL_VIAS; i++)
		if (strcmp(words[i], text) == 0) {
			ask->via = (uint8_t)i;
			return true;
		}
	return fault(why, "--via %s: not udp, tcp, tls, https or quic", text);
}

bool explain_parse(struct explain_ask *ask, const char **words, size_t n, struct fault *why)
{
	const char *name = NULL, *type = NULL, *client = NULL, *resolver = NULL, *via = NULL;
	static const uint8_t root[1];

	*ask = (struct explain_ask){ .type = RRTYPE_A };
	for (size_t i = 0; i < n; i++) {
		const char **value = strcmp(words[i], "--client") == 0 ? &client
			: strcmp(words[i], "--resolver") == 0          ? &resolver
			: strcmp(words[i], "--via") == 0               ? &via
								       : NULL;
		if (value && i + 1 == n)
			return fault(why, "%s wants %s behind it", words[i],
				value == &via ? "udp, tcp, tls, https or quic" : "an address");
		if (value)
			*value = words[++i];
		else if (words[i][0] == '-')
			return fault(why, "explain knows no %s (--client, --resolver, --via, --json)",
				words[i]);
		else if (!name)
			name = words[i];
		else if (type)
			return fault(why,
				"explain wants one name and one type; \"%s\" is left over",
				words[i]);
		else if (!rrtype_parse(&ask->type, type = words[i], strlen(words[i])))
			return fault(why, "%s is not a record type", words[i]);
	}
	if (!name || !client)
		return fault(why,
			"usage: waymarkctl explain NAME [TYPE] --client IP[/LEN] [--resolver "
			"IP] [--via udp|tcp|tls|https|quic] [--json]");
	const enum name_result r = name_parse(ask->name, NULL, name, strlen(name), root);
	if (r != NAME_OK)
		return fault(why, "%s %s", name, name_result_text(r));
	if (!parse_client(ask, client, why))
		return false;
	if (resolver && !addr_parse(&ask->resolver, resolver))
		return fault(why, "--resolver %s: not an address", resolver);
	return !via || parse_via(ask, via, why);
}

/* The query as a resolver would send it for that client. Returns its length. */
static size_t write_query(uint8_t *to, const struct explain_ask *ask)
{
	const size_t name = name_len(ask->name);
	const unsigned skip = ask->client_v4 ? ADDR_V4_BITS : 0,
		       source = ask->client.bits - skip;
	const size_t bytes = (source + 7) / 8;
	uint8_t *p = to + QUERY_HEADER;

	memset(to, 0, QUERY_HEADER);
	to[5] = 1;
	to[11] = 1;
	memcpy(p, ask->name, name);
	be16_put(p + name, ask->type);
	be16_put(p + name + 2, RRCLASS_IN);
	p += name + 4;
	memset(p, 0, 11);
	be16_put(p + 1, RRTYPE_OPT);
	be16_put(p + 3, EDNS_PAYLOAD);
	be16_put(p + 9, (unsigned)(8 + bytes));
	be16_put(p + 11, EDNS_ECS);
	be16_put(p + 13, (unsigned)(4 + bytes));
	be16_put(p + 15, ask->client_v4 ? 1 : 2);
	p[17] = (uint8_t)source;
	p[18] = 0;
	memcpy(p + 19, ask->client.addr.b + skip / 8, bytes);
	return (size_t)(p - to) + 19 + bytes;
}

static json_t *client_json(const struct explain_ask *ask, const struct choose_trace *t)
{
	char subnet[ADDR_TEXT], resolver[ADDR_TEXT];
	json_t *o = json_pack("{s:s, s:s}", "subnet", prefix_text(subnet, &ask->client),
		"resolver", addr_text(resolver, &ask->resolver));

	if (t) {
		json_object_set_new(
			o, "decided_by", json_string(t->by_source ? "resolver" : "subnet"));
		if (t->subnet_local)
			json_object_set_new(
				o, "note", json_string("the subnet is not a global one"));
	}
	return o;
}

/* What is different at the name. */
static void add_own(const struct choose_own *own, json_t *o)
{
	char text[64];
	int n = 0;

	*text = 0;
	if (own->answers)
		n = snprintf(text, sizeof text, "answers=%u", own->answers);
	if (own->has_ttl && own->ttl_least_s != own->ttl_most_s)
		snprintf(text + n, sizeof text - (size_t)n, "%sttl=%u-%u", n ? " " : "",
			own->ttl_least_s, own->ttl_most_s);
	else if (own->has_ttl)
		snprintf(text + n, sizeof text - (size_t)n, "%sttl=%u", n ? " " : "",
			own->ttl_most_s);
	if (*text)
		json_object_set_new(o, "record", json_string(text));
}

/* Whether a stage is on for this client, and by which net. */
static void add_stage(const struct world *w, const struct explain_ask *ask,
	const struct choose_trace *t, json_t *o)
{
	const struct addr client = addr_plain(
		w->policy.ecs && ask->client.bits > (ask->client_v4 ? ADDR_V4_BITS : 0)
			? &ask->client.addr
			: &ask->resolver,
		NULL);
	const struct prefix group = stage_group(&client);
	char net[ADDR_TEXT];

	if (!w->stage.share)
		return;
	json_object_set_new(o, "stage",
		json_pack("{s:b, s:f, s:s}", "staged", t->staged, "percent",
			(double)w->stage.share * 100 / (double)STAGE_ALL, "group",
			prefix_text(net, &group)));
}

static void stage_as_text(const json_t *s, struct text *out)
{
	text_addf(out, "stage      %s: %s is %s the %.4g %% that are tried with new tables\n",
		json_is_true(json_object_get(s, "staged")) ? "new tables" : "tables as before",
		json_string_value(json_object_get(s, "group")),
		json_is_true(json_object_get(s, "staged")) ? "in" : "not in",
		json_real_value(json_object_get(s, "percent")));
}

/* --- as text ------------------------------------------------------------------------------ */

static const char *get(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void as_text(const json_t *o, struct text *out)
{
	const json_t *client = json_object_get(o, "client"),
		     *answer = json_object_get(o, "answer");
	size_t i;
	json_t *row;

	text_addf(out, "question   %s %s\n", get(o, "name"), get(o, "type"));
	text_addf(out, "client     %s, asking through %s", get(client, "subnet"),
		get(client, "resolver"));
	if (*get(client, "decided_by"))
		text_addf(out, "; the %s decides", get(client, "decided_by"));
	if (*get(client, "note"))
		text_addf(out, ": %s", get(client, "note"));
	text_add_char(out, '\n');
	const bool has_views = explain_zone_text(o, out);
	if (json_object_get(o, "network"))
		network_as_text(json_object_get(o, "network"), out);
	else if (!has_views)
		text_add(out, "network    plays no part: the answer is the same for all\n");
	if (json_object_get(o, "stage"))
		stage_as_text(json_object_get(o, "stage"), out);
	if (*get(o, "record"))
		text_addf(out, "record     EDGE with %s\n", get(o, "record"));
	json_array_foreach (json_object_get(o, "steps"), i, row)
		explain_step_text(row, out);
	text_addf(out, "answer     %s", get(answer, "rcode"));
	if (json_object_get(answer, "scope"))
		text_addf(out, ", scope /%lld",
			(long long)json_integer_value(json_object_get(answer, "scope")));
	if (*get(o, "ttl_note"))
		text_addf(out, "; %s", get(o, "ttl_note"));
	text_add_char(out, '\n');
	json_array_foreach (json_object_get(answer, "records"), i, row)
		text_addf(out, "  %s %lld %s %s\n", get(row, "name"),
			(long long)json_integer_value(json_object_get(row, "ttl")),
			get(row, "type"), get(row, "data"));
}

void explain_run(const struct report_view *view, const struct explain_ask *ask, bool json,
	struct text *out)
{
	const struct world *w = view->world;
	uint8_t query[QUERY_HEADER + NAME_MOST + 4 + 11 + EDNS_ECS_MOST];
	struct choose_turn *turns = calloc(ANSWER_TURNS, sizeof *turns);
	struct choose_trace *trace = calloc(1, sizeof *trace);
	uint8_t *reply = malloc(ANSWER_TCP_MOST);
	struct stats stats = { 0 };
	char name[NAME_TEXT], type[RRTYPE_TEXT];

	if (turns && trace && reply) {
		struct answer_pending p;
		struct answerer a = { .world = w,
			.stats = &stats,
			.turns = turns,
			.trace = trace,
			.now_s = (uint32_t)time(NULL),
			.now_us = clock_us() };
		const struct answer_ask to = { .packet = query,
			.len = write_query(query, ask),
			.source = ask->resolver,
			.via = VIA_TCP, /* nothing is left out */
			.seen = (uint8_t)(1 + ask->via),
			.proven = true,
			.room = ANSWER_TCP_MOST,
			.to = reply };
		answer_read(&a, &to, &p);
		for (unsigned step = 0; step < answer_steps(&a); step++)
			answer_step(&a, &to, &p, step);
		const struct zone *home = p.zone; /* of the question; a chain leads on from there */
		const size_t len = answer_write(&a, &to, &p);
		json_t *o = json_pack("{s:s, s:s, s:o}", "name", name_text(name, ask->name),
			"type", rrtype_text(type, ask->type), "client",
			client_json(ask, stats.steered ? trace : NULL));
		explain_zone_add(w, ask->name, home, p.view_scope, o);
		if (stats.steered) {
			json_t *steps = json_array();
			json_object_set_new(o, "network", network_json(w, &trace->who));
			add_stage(w, ask, trace, o);
			add_own(&trace->own, o);
			for (unsigned i = 0; i < trace->n; i++)
				json_array_append_new(
					steps, explain_step(view, trace, &trace->steps[i]));
			json_object_set_new(o, "steps", steps);
			if (trace->young)
				json_object_set_new(o, "ttl_note",
					json_sprintf("the TTL is as long as pool \"%s\" has been steady", trace->young));
			if (trace->timed)
				json_object_set_new(o, "ttl_note",
					json_string("the TTL ends where the hours of a rule "
						    "begin or end"));
			else if (trace->shaky)
				json_object_set_new(o, "ttl_note",
					json_string("the TTL ends where the state of an edge "
						    "can change"));
		}
		json_object_set_new(o, "answer", explain_answer(reply, len));
		if (json) {
			report_json(o, out);
		} else {
			as_text(o, out);
			json_decref(o);
		}
	}
	memory_free(turns);
	memory_free(trace);
	memory_free(reply);
}
