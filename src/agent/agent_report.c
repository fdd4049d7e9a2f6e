#include "agent/agent_report.h"

#include "base/memory.h"
#include "measure/latency.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* Networks in a report: no narrower than what resolvers ask for (RFC 7871 section 11.1), no
 * wider than anybody is given. */
enum { V4_WIDEST = 8, V4_NARROWEST = 24, V6_WIDEST = 16, V6_NARROWEST = 64 };

/* --- to text ------------------------------------------------------------------------------ */

static double rounded(double ms)
{
	return round(ms * 1000) / 1000;
}

static json_t *row_to_json(const struct agent_report_row *row)
{
	char text[ADDR_TEXT];

	if (row->kind == LATENCY_LOSS)
		return json_pack("{s:s, s:f, s:i, s:i}", "net", prefix_text(text, &row->net), "lost_permille", rounded(row->rtt_ms), "packets",
			(int)row->samples, "age_s", (int)row->age_s);
	if (row->kind != LATENCY_RTT)
		return json_pack("{s:s, s:s, s:f, s:i, s:i}", "net", prefix_text(text, &row->net), "kind",
			latency_kind_text(row->kind), "ms", rounded(row->rtt_ms), "samples", (int)row->samples, "age_s",
			(int)row->age_s);
	return json_pack("{s:s, s:f, s:f, s:i, s:i}", *row->edge ? "edge" : "net",
		*row->edge ? row->edge : prefix_text(text, &row->net), "rtt_ms",
		rounded(row->rtt_ms), "min_ms", rounded(row->min_ms), "samples",
		(int)row->samples, "age_s", (int)row->age_s);
}

static json_t *client_to_json(const struct agent_report_client *c)
{
	char text[ADDR_TEXT];

	return json_pack("{s:s, s:s}", "name", c->name, "net", prefix_text(text, &c->net));
}

char *agent_report_encode(const struct agent_report *s)
{
	json_t *nets = json_array(), *edges = json_array(), *clients = json_array(), *pages = json_array(), *losses = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(*s->rows[i].edge ? edges
			: s->rows[i].kind == LATENCY_LOSS ? losses
			: s->rows[i].kind != LATENCY_RTT  ? pages
							  : nets,
			row_to_json(&s->rows[i]));
	for (size_t i = 0; i < s->n_clients; i++)
		json_array_append_new(clients, client_to_json(&s->clients[i]));
	json_t *all = json_pack("{s:i, s:I, s:o, s:o, s:o, s:o, s:o}", "version", 1, "taken",
		(json_int_t)s->taken_s, "networks", nets, "edges", edges, "clients", clients, "pages", pages, "losses", losses);
	char *text = memory_need(json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(9)));
	json_decref(all);
	return text;
}

/* --- from text ---------------------------------------------------------------------------- */

/* A number of an object, which may be left out when `*to` has its default. */
static bool number(const json_t *o, const char *key, double most, double *to)
{
	const json_t *v = json_object_get(o, key);

	if (!v)
		return *to >= 0;
	*to = json_number_value(v);
	return json_is_number(v) && *to >= 0 && *to <= most;
}

static bool take_times(struct agent_report_row *row, const json_t *o, struct fault *why)
{
	const char *key = row->kind == LATENCY_RTT ? "rtt_ms" : "ms";
	double rtt = -1, samples = -1, min = 0, age = 0;

	if (!number(o, key, LATENCY_RTT_MOST_MS, &rtt) || rtt <= 0)
		return fault(
			why, "\"%s\" must be over 0 and at most %d", key, LATENCY_RTT_MOST_MS);
	if (!number(o, "samples", AGENT_REPORT_SAMPLES_MOST, &samples) || samples < 1)
		return fault(
			why, "\"samples\" must be from 1 to %d", AGENT_REPORT_SAMPLES_MOST);
	if (!number(o, "min_ms", rtt, &min))
		return fault(why, "\"min_ms\" must be at most \"rtt_ms\"");
	if (!number(o, "age_s", AGENT_REPORT_AGE_MOST_S, &age))
		return fault(why, "\"age_s\" must be from 0 to %d", AGENT_REPORT_AGE_MOST_S);
	row->rtt_ms = rtt;
	row->min_ms = json_object_get(o, "min_ms") ? min : rtt;
	row->samples = (uint32_t)samples;
	row->age_s = (uint32_t)age;
	return true;
}

static bool take_prefix(struct prefix *to, const json_t *o, struct fault *why)
{
	const char *text = json_string_value(json_object_get(o, "net"));

	if (!text || strlen(text) >= ADDR_TEXT)
		return fault(why, "\"net\" must be a prefix, such as 192.0.2.0/24");
	if (!prefix_parse(to, text, why))
		return false;
	const bool v4 = to->bits >= ADDR_V4_BITS && addr_is_v4(&to->addr);
	const unsigned bits = to->bits - (v4 ? ADDR_V4_BITS : 0u);
	return (bits >= (v4 ? V4_WIDEST : V6_WIDEST) && bits <= (v4 ? V4_NARROWEST : V6_NARROWEST)) ||
		fault(why, "%s: a network has %d to %d bits", text,
			v4 ? V4_WIDEST : V6_WIDEST, v4 ? V4_NARROWEST : V6_NARROWEST);
}

static bool take_net(struct agent_report_row *row, const json_t *o, struct fault *why)
{
	return take_prefix(&row->net, o, why) && take_times(row, o, why);
}

static bool take_page(struct agent_report_row *row, const json_t *o, struct fault *why)
{
	const char *word = json_string_value(json_object_get(o, "kind"));
	const int kind = word ? latency_kind_named(word, strlen(word)) : -1;

	if (kind != LATENCY_TTFB && kind != LATENCY_TRANSFER)
		return fault(why, "\"kind\" must be ttfb or throughput");
	row->kind = (enum latency_kind)kind;
	return take_net(row, o, why);
}

static bool take_loss(struct agent_report_row *row, const json_t *o, struct fault *why)
{
	double lost = -1, packets = -1, age = 0;

	row->kind = LATENCY_LOSS;
	if (!number(o, "lost_permille", LATENCY_LOSS_MOST_MS, &lost))
		return fault(why, "\"lost_permille\" must be from 0 to %d", LATENCY_LOSS_MOST_MS);
	if (!number(o, "packets", AGENT_REPORT_SAMPLES_MOST, &packets) || packets < 1)
		return fault(why, "\"packets\" must be from 1 to %d", AGENT_REPORT_SAMPLES_MOST);
	if (!number(o, "age_s", AGENT_REPORT_AGE_MOST_S, &age))
		return fault(why, "\"age_s\" must be from 0 to %d", AGENT_REPORT_AGE_MOST_S);
	row->rtt_ms = row->min_ms = lost;
	row->samples = (uint32_t)packets;
	row->age_s = (uint32_t)age;
	return take_prefix(&row->net, o, why);
}

static bool take_client(struct agent_report_client *c, const json_t *o, struct fault *why)
{
	const char *name = json_string_value(json_object_get(o, "name"));

	if (!name || !*name || strlen(name) > AGENT_REPORT_HOST_MOST)
		return fault(why, "\"name\" must be the name of a host");
	strcpy(c->name, name);
	return take_prefix(&c->net, o, why);
}

static bool take_edge(struct agent_report_row *row, const json_t *o, struct fault *why)
{
	const char *name = json_string_value(json_object_get(o, "edge"));

	if (!name || !*name || strlen(name) > AGENT_REPORT_EDGE_MOST)
		return fault(why, "\"edge\" must be the name of an edge");
	strcpy(row->edge, name);
	return take_times(row, o, why);
}

static bool take_rows(
	struct agent_report *s, const json_t *list, const char *what, struct fault *why)
{
	bool (*take)(struct agent_report_row *, const json_t *, struct fault *) = *what == 'e' ? take_edge
		: *what == 'p'                                                              ? take_page
		: *what == 'l'                                                              ? take_loss
											    : take_net;
	struct fault one;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		struct agent_report_row *row = &s->rows[s->n];
		if (!json_is_object(o))
			return fault(why, "%s[%zu] is no object", what, i);
		if (!take(row, o, &one))
			return fault(why, "%s[%zu]: %s", what, i, one.text);
		s->n++;
	}
	return true;
}

static bool take_clients(struct agent_report *s, const json_t *list, struct fault *why)
{
	struct fault one;

	s->clients = memory_zeroed(json_array_size(list), sizeof *s->clients);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		if (!json_is_object(o))
			return fault(why, "clients[%zu] is no object", i);
		if (!take_client(&s->clients[i], o, &one))
			return fault(why, "clients[%zu]: %s", i, one.text);
		s->n_clients++;
	}
	return true;
}

static bool take_all(
	struct agent_report *s, const json_t *top, bool *too_many, struct fault *why)
{
	const json_t *nets = json_object_get(top, "networks"),
		     *edges = json_object_get(top, "edges"),
		     *clients = json_object_get(top, "clients"), *pages = json_object_get(top, "pages"),
		     *losses = json_object_get(top, "losses");
	const json_t *version = json_object_get(top, "version"),
		     *taken = json_object_get(top, "taken");
	const size_t n = json_array_size(nets) + json_array_size(edges) + json_array_size(clients) +
		json_array_size(pages) + json_array_size(losses);

	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return fault(why, "\"version\" must be 1");
	if (!json_is_integer(taken) || json_integer_value(taken) < 0)
		return fault(why, "\"taken\" must be a UNIX time, in whole seconds");
	if ((nets && !json_is_array(nets)) || (edges && !json_is_array(edges)) ||
		(clients && !json_is_array(clients)) || (pages && !json_is_array(pages)) || (losses && !json_is_array(losses)))
		return fault(why, "\"networks\", \"pages\", \"losses\", \"edges\" and \"clients\" must be lists");
	*too_many = n > AGENT_REPORT_ROWS_MOST;
	if (*too_many)
		return fault(why, "%zu rows; a report may have %d", n, AGENT_REPORT_ROWS_MOST);
	s->taken_s = (uint64_t)json_integer_value(taken);
	s->rows = memory_zeroed(n, sizeof *s->rows);
	return take_rows(s, nets, "networks", why) && take_rows(s, pages, "pages", why) && take_rows(s, losses, "losses", why) && take_rows(s, edges, "edges", why) &&
		take_clients(s, clients, why);
}

bool agent_report_decode(
	struct agent_report *s, const char *text, size_t len, bool *too_many, struct fault *why)
{
	json_error_t e;
	bool unheard;

	*s = (struct agent_report){ 0 };
	too_many = too_many ? too_many : &unheard;
	*too_many = len > AGENT_REPORT_BYTES_MOST;
	if (*too_many)
		return fault(
			why, "%zu bytes; a report may have %d", len, AGENT_REPORT_BYTES_MOST);
	/* Its own limit on depth keeps the stack; its numbers are 64 bits or IEEE doubles. */
	json_t *top = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (!top)
		return fault(why, "no JSON: line %d, column %d: %s", e.line, e.column, e.text);
	const bool ok = json_is_object(top) ? take_all(s, top, too_many, why)
					    : fault(why, "a report is a JSON object");
	json_decref(top);
	if (!ok)
		agent_report_fini(s);
	return ok;
}

void agent_report_fini(struct agent_report *s)
{
	memory_free(s->rows);
	memory_free(s->clients);
	*s = (struct agent_report){ 0 };
}
