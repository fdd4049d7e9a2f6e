#include "report/report_why.h"

#include "base/ago.h"
#include "base/who.h"
#include "dns/rrtype.h"
#include "report/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* It is its list. */
struct report_why_rows;

static json_t *list_of(const struct report_why_rows *rows)
{
	return (json_t *)(uintptr_t)rows;
}

struct report_why_rows *report_why_new(void)
{
	return (struct report_why_rows *)json_array();
}

void report_why_free(struct report_why_rows *rows)
{
	json_decref(list_of(rows));
}

void report_why_add(
	struct report_why_rows *rows, const struct report_why_ask *ask, const struct store_decision *d)
{
	char client[ADDR_TEXT], source[ADDR_TEXT], name[NAME_TEXT], conf[12], type[RRTYPE_TEXT];
	const unsigned bits = d->by_subnet ? ask->net.bits : 128;
	const struct prefix net = addr_prefix(&d->client, bits);

	snprintf(conf, sizeof conf, "%08" PRIx32, d->conf);
	json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "time", (json_int_t)d->at_s, "name",
		name_text(name, d->name), "type", rrtype_text(type, d->type), "client",
		d->by_subnet ? prefix_text(client, &net) : addr_text(client, &d->client), "by",
		d->by_subnet ? "subnet" : "resolver", "resolver", addr_text(source, &d->source));
	json_object_set_new(o, "pool", json_string(d->pool));
	json_object_set_new(o, "edge", *d->edge ? json_string(d->edge) : json_null());
	json_object_set_new(o, "why", json_string(d->why));
	json_object_set_new(o, "runner_up", *d->next ? json_string(d->next) : json_null());
	json_object_set_new(o, "health", *d->health ? json_string(d->health) : json_null());
	json_object_set_new(o, "ttl", json_integer(d->ttl_s));
	json_object_set_new(o, "scope", json_integer(d->by_subnet ? d->scope : 0));
	json_object_set_new(o, "serial", json_integer(d->serial));
	json_object_set_new(o, "configuration", json_string(conf));
	json_object_set_new(o, "configuration_is_served", json_boolean(d->conf == ask->conf));
	json_object_set_new(o, "watched", json_boolean(d->watched));
	json_array_append_new(list_of(rows), o);
}

static const char *get(const json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : otherwise;
}

/* The answer that was in force then, or that was given last before. */
static void tell_one(const struct report_why_ask *ask, const json_t *o, struct text *out)
{
	const int64_t at_s = json_integer_value(json_object_get(o, "time")),
		      ttl_s = json_integer_value(json_object_get(o, "ttl"));
	char when[AGO_TEXT], until[AGO_TEXT];

	text_addf(out, "answered   %s: %s %s\n", ago_text(when, at_s), get(o, "name", ""),
		get(o, "type", ""));
	text_addf(out, "client     %s, asking through %s; the %s decided\n", get(o, "client", ""),
		get(o, "resolver", ""), get(o, "by", ""));
	text_addf(out, "edge       %s: %s, of pool %s\n", get(o, "edge", "none"), get(o, "why", ""),
		get(o, "pool", ""));
	text_addf(out, "runner-up  %s\n", get(o, "runner_up", "not known, or nobody"));
	text_addf(out, "health     %s\n", get(o, "health", "not known (pools of a stage are not looked at)"));
	text_addf(out, "TTL        %lld s, scope /%lld: used until %s%s\n", (long long)ttl_s,
		(long long)json_integer_value(json_object_get(o, "scope")),
		ago_text(until, at_s + ttl_s),
		at_s + ttl_s < ask->at_s ? ", which is before the time that you ask for" : "");
	text_addf(out, "served     zone serial %lld, configuration %s%s\n",
		(long long)json_integer_value(json_object_get(o, "serial")),
		get(o, "configuration", ""),
		json_is_true(json_object_get(o, "configuration_is_served"))
			? ", as now"
			: "; another is served now");
}

static void tell_before(const json_t *o, struct text *out)
{
	char when[AGO_TEXT];

	text_addf(out, "  %s  %-5s %-16s %s (%s) to %s\n",
		ago_text(when, json_integer_value(json_object_get(o, "time"))), get(o, "type", ""),
		get(o, "edge", "none"), get(o, "name", ""), get(o, "why", ""), get(o, "client", ""));
}

void report_why_tell(const struct report_why_rows *of, const struct report_why_ask *ask, bool json,
	struct text *out)
{
	json_t *rows = list_of(of);
	const size_t n = json_array_size(rows);
	char net[ADDR_TEXT];

	if (json) {
		report_json(json_pack("{s:s, s:I, s:O}", "client", prefix_text(net, &ask->net), "at",
				    (json_int_t)ask->at_s, "answers", rows),
			out);
		return;
	}
	if (!n)
		text_addf(out,
			"nothing is kept of %s before then: \"log: decisions: keep\" keeps a share of all "
			"answers, and \"waymarkctl watch\" all of some clients\n",
			prefix_text(net, &ask->net));
	else
		tell_one(ask, json_array_get(rows, 0), out);
	if (n > 1)
		text_add(out, "before\n");
	for (size_t i = 1; i < n; i++)
		tell_before(json_array_get(rows, i), out);
}

void report_watched(const struct store_watch *list, unsigned n, bool json, struct text *out)
{
	json_t *rows = json_array();
	char net[ADDR_TEXT], since[AGO_TEXT], until[AGO_TEXT], who[WHO_TEXT];

	for (unsigned i = 0; i < n; i++) {
		const struct store_watch *w = &list[i];
		json_array_append_new(rows,
			json_pack("{s:s, s:I, s:I, s:I}", "net", prefix_text(net, &w->net), "since",
				(json_int_t)w->since_s, "until", (json_int_t)w->until_s, "uid",
				(json_int_t)w->uid));
		if (!json)
			text_addf(out, "%-24s until %s, since %s, by %s\n", net,
				ago_text(until, w->until_s), ago_text(since, w->since_s), who_text(who, w->uid));
	}
	if (json) {
		report_json(json_pack("{s:o}", "watched", rows), out);
		return;
	}
	json_decref(rows);
	if (!n)
		text_add(out, "nobody is watched\n");
}
