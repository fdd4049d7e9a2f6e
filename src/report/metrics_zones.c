/* metrics_zones.c - zones: all by their state, and some by name.
 */
#include "report/metrics_inner.h"

#include "base/memory.h"
#include "base/scope.h"
#include "zone/view.h"

#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { STATES = REGISTRY_EXPIRED + 1 };

static void all_together(const struct report_view *v, struct metrics *m)
{
	const struct registry *r = v->live.zones;
	const struct registry_ends ends = registry_ends(r, time(NULL));
	size_t of[STATES] = { 0 };
	double records = 0;

	for (size_t i = 0; i < r->n; i++) {
		of[r->zones[i]->state]++;
		records += r->zones[i]->load.zone->records;
	}
	const struct metrics_row rows[] = {
		{ "zones", METRICS_GAUGE,
			"Zones by state: ready and faulty ones are served, the others are SERVFAIL.",
			(double)of[REGISTRY_READY], "state", "ready" },
		{ "zones", METRICS_GAUGE, NULL, (double)of[REGISTRY_FAULTY], "state", "faulty" },
		{ "zones", METRICS_GAUGE, NULL, (double)of[REGISTRY_EMPTY], "state", "not_loaded" },
		{ "zones", METRICS_GAUGE, NULL, (double)of[REGISTRY_WAITS], "state", "waits" },
		{ "zones", METRICS_GAUGE, NULL, (double)of[REGISTRY_EXPIRED], "state", "expired" },
		{ "zones_signatures", METRICS_GAUGE, "Zones whose first signature has ended, or ends soon.",
			(double)ends.ended, "are", "ended" },
		{ "zones_signatures", METRICS_GAUGE, NULL, (double)ends.soon, "are", "ending" },
		{ "signatures_first_end_timestamp_seconds", METRICS_GAUGE,
			"UNIX time at which the first signature of any zone ends; 0: there are none.",
			r->n_signeds ? (double)r->signeds[0].end_s : 0, NULL, NULL },
		{ "records", METRICS_GAUGE, "Records of all zones.", records, NULL, NULL },
		{ "secondary_zones", METRICS_GAUGE, "Zones that come from primaries.",
			(double)v->changes.secondaries.zones, NULL, NULL },
	};

	metrics_rows(m, rows, COUNT(rows));
}

/* What is told of a zone by its name. False: nothing. */
typedef bool of_zone(const struct report_view *v, const struct metrics_shown_zone *s, double *to);

static bool serial_of(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	const struct registry_zone *z = v->live.zones->zones[s->at];

	*to = z->load.zone->serial;
	return zone_is_ready(z->load.zone);
}

static bool records_of(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	*to = v->live.zones->zones[s->at]->load.zone->records;
	return true;
}

static bool loaded(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	*to = (double)v->live.zones->zones[s->at]->loaded_s;
	return *to > 0;
}

static bool is_served(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	*to = zone_is_ready(v->live.zones->zones[s->at]->load.zone);
	return true;
}

static bool signatures(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	*to = (double)v->live.zones->zones[s->at]->load.zone->signatures_end_s;
	return *to > 0;
}

static const struct report_refresh *refresh_of(
	const struct report_view *v, const struct metrics_shown_zone *s)
{
	return v->refresh && v->refresh[s->at].doing ? &v->refresh[s->at] : NULL;
}

static bool checked(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	const struct report_refresh *f = refresh_of(v, s);

	*to = f ? (double)f->checked_s : 0;
	return *to > 0;
}

static bool transferred(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	const struct report_refresh *f = refresh_of(v, s);

	*to = f ? (double)f->transferred_s : 0;
	return *to > 0;
}

static bool expires(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	const struct report_refresh *f = refresh_of(v, s);

	*to = f ? (double)f->expires_s : 0;
	return *to > 0;
}

static bool failures(const struct report_view *v, const struct metrics_shown_zone *s, double *to)
{
	const struct report_refresh *f = refresh_of(v, s);

	*to = f ? f->failures : 0;
	return f != NULL;
}

static const struct {
	const char *name, *help;
	of_zone *of;
} families[] = {
	{ "zone_served", "1: the zone is served; 0: it is answered with SERVFAIL.", is_served },
	{ "zone_serial", "The serial that is served.", serial_of },
	{ "zone_records", "Records of the zone.", records_of },
	{ "zone_loaded_timestamp_seconds", "UNIX time at which what is served was read or made.",
		loaded },
	{ "zone_signatures_end_timestamp_seconds",
		"UNIX time at which the first of its signatures ends.", signatures },
	{ "zone_refresh_checked_timestamp_seconds",
		"UNIX time at which a primary last said what is new.", checked },
	{ "zone_refresh_transferred_timestamp_seconds", "UNIX time of the last transfer.",
		transferred },
	{ "zone_refresh_expires_timestamp_seconds",
		"UNIX time at which it expires when no primary is heard.", expires },
	{ "zone_refresh_failures", "Rounds in a row in which no primary had it.", failures },
};

/* The labels of those that are shown, for all families. */
struct labels {
	struct text text;
	size_t *ends; /* [shown->n] own */
};

/* A view by what it is a view of, and whose. */
static void labels_make(struct labels *l, const struct metrics_shown *shown)
{
	char name[NAME_TEXT], class[VIEW_CLASS_MOST + 1];

	for (size_t i = 0; i < shown->n; i++) {
		const uint8_t *id = shown->zones[i].id;
		name_text(name, view_apex(id));
		if (view_is(id))
			metrics_labels(&l->text, "zone", name, "view", view_class(class, id), NULL);
		else
			metrics_labels(&l->text, "zone", name, NULL);
		l->ends[i] = l->text.len;
	}
}

static void put(struct metrics *m, double value, const struct labels *l, size_t i)
{
	const size_t from = i ? l->ends[i - 1] : 0;

	metrics_labelled(m, value, text_get(&l->text) + from, l->ends[i] - from);
}

void metrics_zones(const struct report_view *v, const struct metrics_shown *shown,
	struct metrics *m, struct metrics_left *left)
{
	struct labels labels = { .ends = memory_zeroed(shown->n, sizeof *labels.ends) };
	double value;

	scope_hold(&labels.text, text_let_go);
	labels_make(&labels, shown);
	all_together(v, m);
	metrics_family(m, "zone_queries", METRICS_COUNTER,
		"Queries by zone: those asked most, and all others under other.");
	for (size_t i = 0; i < shown->n; i++)
		put(m, (double)shown->zones[i].queries, &labels, i);
	metrics_count(m, shown->rest, "zone", "other", NULL);
	for (size_t k = 0; k < COUNT(families); k++) {
		metrics_family(m, families[k].name, METRICS_GAUGE, families[k].help);
		for (size_t i = 0; i < shown->n; i++)
			if (families[k].of(v, &shown->zones[i], &value))
				put(m, value, &labels, i);
	}
	left->zones = v->live.zones->n - shown->n;
	scope_forget(&labels.text, text_let_go);
	text_fini(&labels.text);
	memory_free(labels.ends);
}
