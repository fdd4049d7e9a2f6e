#include "report/report_zones.h"

#include "base/moment.h"
#include "report/report.h"

#include <string.h>
#include <time.h>

/* The tags of the keys that sign it, each once. */
static json_t *signing_json(const struct registry_zone *z)
{
	json_t *tags = json_array();
	char when[MOMENT_TEXT];

	for (size_t i = 0; i < z->keys->n; i++)
		if (z->keys->keys[i].signs_zone || z->keys->keys[i].signs_keys)
			json_array_append_new(tags,
				json_integer(signing_key_tag(z->keys->keys[i].key)));
	json_t *o = json_pack("{s:o, s:s, s:b}", "keys", tags, "denial",
		z->keys->policy.denial == KEYSET_NSEC ? "nsec" : "nsec3", "due",
		z->keys_due || z->plain_due);
	if (z->load.zone->signatures_end_s)
		json_object_set_new(o, "renewed_from",
			json_string(moment_text(when, z->load.zone->signatures_end_s -
							    z->keys->policy.refresh_s)));
	return o;
}

static void signing_line(const struct registry_zone *z, struct text *out)
{
	const char *comma = "";
	char when[MOMENT_TEXT];

	text_add(out, "    signed here by ");
	for (size_t i = 0; i < z->keys->n; i++) {
		const struct keyset_key *k = &z->keys->keys[i];
		if (!k->signs_zone && !k->signs_keys)
			continue;
		text_addf(out, "%s%u", comma, signing_key_tag(k->key));
		comma = ", ";
	}
	if (z->load.zone->signatures_end_s)
		text_addf(out, "; until %s",
			moment_text(when, z->load.zone->signatures_end_s));
	text_addf(out, "%s\n",
		z->plain_due      ? "; what its primary has is being signed"
			: z->keys_due ? "; signed anew in parts"
				      : "");
}

static const char *source_text(enum registry_source s)
{
	switch (s) {
	case REGISTRY_FILE: return "file";
	case REGISTRY_STORE: return "store";
	case REGISTRY_PRIMARY: return "primary";
	case REGISTRY_MADE: return "made";
	}
	return "";
}

/* --- who has added it, and how it comes from others --------------------------------------- */

static json_t *added_json(const struct registry_added *a)
{
	char name[NAME_TEXT], when[32];
	json_t *o = json_pack("{s:s, s:s}", "template", a->template, "at", moment_text(when, a->at_s));

	if (a->catalog)
		json_object_set_new(o, "catalog", json_string(name_text(name, a->catalog)));
	else
		json_object_set_new(o, "user", json_integer(a->uid));
	if (a->promoted)
		json_object_set_new(o, "promoted", json_true());
	return o;
}

static void added_line(const struct registry_added *a, struct text *out)
{
	char name[NAME_TEXT], when[32];

	if (a->catalog)
		text_addf(out, "    a member of the catalog %s", name_text(name, a->catalog));
	else
		text_addf(out, "    %s by user %u at %s", a->promoted ? "promoted" : "added", a->uid,
			moment_text(when, a->at_s));
	if (*a->template)
		text_addf(out, ", template %s", a->template);
	text_add(out, "\n");
}

static void set_time(json_t *o, const char *member, int64_t s)
{
	char when[MOMENT_TEXT];

	if (s)
		json_object_set_new(o, member, json_string(moment_text(when, s)));
}

static json_t *refresh_json(const struct report_refresh *r)
{
	json_t *o = json_pack("{s:s, s:s, s:i}", "from", r->primary, "now", r->doing, "failures",
		(int)r->failures);

	set_time(o, "checked", r->checked_s);
	set_time(o, "transferred", r->transferred_s);
	if (r->transferred_s)
		json_object_set_new(o, "by", json_string(r->incremental ? "IXFR" : "AXFR"));
	set_time(o, "next", r->next_s);
	set_time(o, "expires", r->expires_s);
	return o;
}

static void refresh_line(const struct report_refresh *r, struct text *out)
{
	char when[MOMENT_TEXT];

	text_addf(out, "    from %s: %s", r->primary, r->doing);
	if (r->checked_s)
		text_addf(out, "; heard %s", moment_text(when, r->checked_s));
	if (r->transferred_s)
		text_addf(out, "; %s %s", r->incremental ? "IXFR" : "AXFR", moment_text(when, r->transferred_s));
	if (r->next_s)
		text_addf(out, "; next %s", moment_text(when, r->next_s));
	if (r->expires_s)
		text_addf(out, "; expires %s", moment_text(when, r->expires_s));
	text_add(out, "\n");
}

/* NULL: it comes from nobody. */
static const struct report_refresh *refresh_of(const struct report_view *v, size_t i)
{
	return v->refresh && v->refresh[i].doing ? &v->refresh[i] : NULL;
}

static json_t *zone_json(const struct report_view *v, size_t i)
{
	const struct registry_zone *z = v->live.zones->zones[i];
	const struct zone *served = z->load.zone;
	char name[NAME_TEXT], when[32];
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "zone", view_text(name, z->origin),
		"source", source_text(z->source), "file", z->path, "state",
		registry_state_text(z->state), "since", moment_text(when, z->since_s));

	if (view_is(z->origin)) {
		char class[VIEW_CLASS_MOST + 1];
		json_object_set_new(o, "zone", json_string(name_text(name, view_apex(z->origin))));
		json_object_set_new(o, "view", json_string(view_class(class, z->origin)));
	}
	if (z->added)
		json_object_set_new(o, "added", added_json(z->added));
	if (refresh_of(v, i))
		json_object_set_new(o, "primary", refresh_json(refresh_of(v, i)));

	if (zone_is_ready(served)) { /* else it stands in for one that never came, or has expired */
		json_object_set_new(o, "serial", json_integer(served->serial));
		json_object_set_new(o, "records", json_integer(served->records));
		json_object_set_new(o, "bytes", json_integer((json_int_t)zone_bytes(served)));
	}
	if (z->loaded_s && z->state != REGISTRY_EMPTY)
		json_object_set_new(o, "loaded", json_string(moment_text(when, z->loaded_s)));
	if (served->signatures_end_s)
		json_object_set_new(o, "signatures_end",
			json_string(moment_text(when, served->signatures_end_s)));
	if (z->keys)
		json_object_set_new(o, "signing", signing_json(z));
	if (z->fault)
		json_object_set_new(o, "fault", json_string(z->fault));
	return o;
}

static void zone_line(const struct report_view *v, size_t i, struct text *out)
{
	const struct registry_zone *z = v->live.zones->zones[i];
	const struct zone *served = z->load.zone;
	char name[NAME_TEXT], when[32];

	text_addf(
		out, "%-32s %-8s %-10s", view_text(name, z->origin), source_text(z->source),
		registry_state_text(z->state));
	if (!zone_is_ready(served))
		text_addf(out, " %10s %10s", "-", "-");
	else
		text_addf(out, " %10u %10u", served->serial, served->records);
	text_addf(out, "  %s  %s\n", moment_text(when, z->since_s), z->path);
	if (served->signatures_end_s && served->signatures_soon_s <= time(NULL))
		text_addf(out, "    the first of its signatures %s at %s\n",
			served->signatures_end_s < time(NULL) ? "has ended" : "ends",
			moment_text(when, served->signatures_end_s));
	if (refresh_of(v, i))
		refresh_line(refresh_of(v, i), out);
	if (z->added)
		added_line(z->added, out);
	if (z->fault)
		text_addf(out, "    %s\n", z->fault);
}

static int report_one(
	const struct report_view *view, const char *name, bool json, struct text *out)
{
	uint8_t wire[NAME_MOST];
	struct fault why;

	if (!view_parse(wire, name, &why)) {
		text_addf(out, "%s\n", why.text);
		return 2;
	}
	const size_t i = registry_index(view->live.zones, wire);
	if (i == view->live.zones->n) {
		text_addf(out, "there is no zone %s (\"waymarkctl zones\" lists them)\n", name);
		return 1;
	}
	if (json)
		report_json(zone_json(view, i), out);
	else {
		zone_line(view, i, out);
		if (view->live.zones->zones[i]->keys)
			signing_line(view->live.zones->zones[i], out);
	}
	return 0;
}

/* Some of them, in their order. */
struct page {
	size_t from, most;
	const char *match; /* lower case: a part of their names; "": all */
};

/* Behind that name, whether there is such a zone or not. */
static bool page_after(struct page *to, const struct registry *r, const char *name, struct fault *why)
{
	uint8_t wire[NAME_MOST];
	size_t low = 0, high = r->n;

	if (!view_parse(wire, name, why))
		return false;
	while (low < high) {
		const size_t mid = (low + high) / 2;
		if (registry_compare(r->zones[mid]->origin, wire) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	to->from = low;
	return true;
}

static bool page_limit(struct page *to, const char *text)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	to->most = n;
	return *text >= '0' && *text <= '9' && !*end && n;
}

/* Of names in lower case. */
static bool page_has(const struct page *p, const struct registry_zone *z)
{
	char name[NAME_TEXT];

	return !*p->match || strstr(view_text(name, z->origin), p->match);
}

static const char *lower(char *to, size_t room, const char *from)
{
	size_t i = 0;

	for (; from[i] && i + 1 < room; i++)
		to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] | 0x20) : from[i];
	to[i] = 0;
	return to;
}

/* Many: each goes out as it is made. */
static void report_all(const struct report_view *view, const struct page *page, bool faulty, bool json,
	struct text *out)
{
	const struct registry *r = view->live.zones;
	const char *comma = "";
	size_t told = 0;

	if (json)
		text_add(out, "[");
	else
		text_addf(out, "%-32s %-8s %-10s %10s %10s  %-20s  %s\n", "ZONE", "SOURCE", "STATE", "SERIAL",
			"RECORDS", "SINCE", "FILE");
	for (size_t i = page->from; i < r->n && told < page->most; i++) {
		const struct registry_zone *z = r->zones[i];
		if ((faulty && z->state == REGISTRY_READY) || !page_has(page, z))
			continue;
		told++;
		if (!json) {
			zone_line(view, i, out);
			continue;
		}
		text_addf(out, "%s\n", comma);
		report_json(zone_json(view, i), out);
		comma = ",";
	}
	if (json)
		text_add(out, "]\n");
}

int report_zones(const struct report_view *view, const char **words, size_t n, struct text *out)
{
	const char *name = NULL;
	char both[NAME_TEXT];
	bool faulty = false, json = false;
	char match[NAME_TEXT];
	struct page page = { 0, SIZE_MAX, "" };
	struct fault why;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], "--faulty") == 0)
			faulty = true;
		else if (strcmp(words[i], "--json") == 0)
			json = true;
		else if (strcmp(words[i], "--after") == 0 && i + 1 < n) {
			if (!page_after(&page, view->live.zones, words[++i], &why)) {
				text_addf(out, "--after %s: %s\n", words[i], why.text);
				return 2;
			}
		} else if (strcmp(words[i], "--limit") == 0 && i + 1 < n) {
			if (!page_limit(&page, words[++i]))
				return 2;
		} else if (strcmp(words[i], "--match") == 0 && i + 1 < n)
			page.match = lower(match, sizeof match, words[++i]);
		else if (name && name != both && strcmp(words[i], "for") == 0 && i + 1 < n) {
			if (snprintf(both, sizeof both, "%s%s%s", name, VIEW_FOR, words[++i]) >=
				(int)sizeof both)
				return 2;
			name = both;
		} else if (!name && words[i][0] != '-')
			name = words[i];
		else
			return 2;
	}
	if (name)
		return report_one(view, name, json, out);
	report_all(view, &page, faulty, json, out);
	return 0;
}
