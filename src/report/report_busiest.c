#include "report/report_busiest.h"

#include "base/addr.h"
#include "dns/name.h"
#include "report/report.h"
#include "report/report_values.h"

#include <jansson.h>
#include <string.h>

enum { SEEN_LEAST = 3 /* samples */ };

static const struct {
	const char *list, *key, *title;
} kinds[REPORT_BUSIEST_KINDS] = {
	{ "names", "name", "NAME" },
	{ "sources", "net", "ASKED BY" },
	{ "subnets", "net", "FOR CLIENTS IN" },
};

static const char *key_text(char to[static NAME_TEXT], enum report_busiest_kind kind, const struct frequent_key *k)
{
	struct prefix p = { 0 };
	_Static_assert((int)NAME_TEXT >= (int)ADDR_TEXT, "either fits");

	if (kind == REPORT_BUSIEST_NAMES)
		return name_text(to, k->bytes);
	memcpy(p.addr.b, k->bytes, sizeof p.addr.b);
	p.bits = k->bytes[sizeof p.addr.b];
	return prefix_text(to, &p);
}

/* One that was seen a time or two among many may be anyone. */
static bool is_known(const struct report_busiest *b, const struct frequent_key *k)
{
	return b->every == 1 || k->count - k->over >= SEEN_LEAST * (double)b->every;
}

static double a_second(const struct report_busiest *b, double count)
{
	return b->mean_s > 0 ? count / b->mean_s : 0;
}

static json_t *list_of(const struct report_busiest *b, enum report_busiest_kind kind)
{
	json_t *list = json_array();
	char text[NAME_TEXT];

	for (size_t i = 0; i < b->n[kind]; i++) {
		const struct frequent_key *k = &b->first[kind][i];
		if (!is_known(b, k))
			continue;
		json_t *o = json_object();
		json_object_set_new(o, kinds[kind].key, json_string(key_text(text, kind, k)));
		values_set_number(o, "queries_s", a_second(b, k->count));
		values_set_number(o, "at_least_s", a_second(b, k->count - k->over));
		json_array_append_new(list, o);
	}
	return list;
}

static void tell_list(const struct report_busiest *b, enum report_busiest_kind kind, struct text *out)
{
	char text[NAME_TEXT];

	text_addf(out, "%-40s %12s\n", kinds[kind].title, "QUERIES/S");
	for (size_t i = 0; i < b->n[kind]; i++)
		if (is_known(b, &b->first[kind][i]))
			text_addf(out, "%-40s %12.1f\n", key_text(text, kind, &b->first[kind][i]),
				a_second(b, b->first[kind][i].count));
}

void report_busiest(const struct report_busiest *b, bool json, struct text *out)
{
	json_t *o = json ? json_object() : NULL;

	if (!json)
		text_addf(out, "looked at for %u s, one in %u queries; %.1f queries a second\n", (unsigned)b->looked_s,
			b->every, a_second(b, b->queries));
	values_set_number(o, "looked_s", b->looked_s);
	json_object_set_new(o, "one_in", json_integer((json_int_t)b->every));
	values_set_number(o, "queries_s", a_second(b, b->queries));
	for (unsigned kind = 0; kind < REPORT_BUSIEST_KINDS; kind++) {
		if (json)
			json_object_set_new(o, kinds[kind].list, list_of(b, (enum report_busiest_kind)kind));
		else
			tell_list(b, (enum report_busiest_kind)kind, out);
	}
	if (json)
		report_json(o, out);
}
