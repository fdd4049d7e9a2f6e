/* zone_orders_status.c - all that is known of one zone: a row each, as text or JSON.
 */
#include "base/moment.h"
#include "daemon/zone_orders_inner.h"

#include "report/report.h"

#include <string.h>

/* Where rows go. */
struct status {
	json_t *json; /* NULL: as text */
	struct text *out;
};

static void put_text(const struct status *s, const char *key, const char *label, const char *value)
{
	if (s->json)
		json_object_set_new(s->json, key, json_string(value));
	else
		text_addf(s->out, "%-14s %s\n", label, value);
}

static void put_number(const struct status *s, const char *key, const char *label, uint64_t value)
{
	if (s->json)
		json_object_set_new(s->json, key, json_integer((json_int_t)value));
	else
		text_addf(s->out, "%-14s %ju\n", label, (uintmax_t)value);
}

/* "user 1000", which is a number in JSON. */
static void put_user(const struct status *s, const char *key, const char *label, unsigned uid)
{
	if (s->json)
		json_object_set_new(s->json, key, json_integer(uid));
	else
		text_addf(s->out, "%-14s user %u\n", label, uid);
}

/* 0: never. */
static void put_time(const struct status *s, const char *key, const char *label, int64_t at_s)
{
	char shown[MOMENT_TEXT];

	if (at_s)
		put_text(s, key, label, moment_text(shown, at_s));
}

static void put_serial(const struct status *s, const char *key, const char *label, uint32_t serial)
{
	if (s->json)
		json_object_set_new(s->json, key, json_integer(serial));
	else
		text_addf(s->out, "%-14s serial %u\n", label, serial);
}

/* --- topics ------------------------------------------------------------------------------- */

static void of_added(const struct status *s, const struct registry_added *a)
{
	char name[NAME_TEXT];

	if (*a->template)
		put_text(s, "template", "template", a->template);
	if (a->catalog && s->json)
		put_text(s, "catalog", "", name_text(name, a->catalog));
	else if (a->catalog)
		text_addf(s->out, "%-14s catalog %s\n", "added by", name_text(name, a->catalog));
	else
		put_user(s, "added_by", "added by", a->uid);
	put_time(s, a->promoted ? "promoted" : "added", a->promoted ? "promoted" : "added", a->at_s);
}

static void of_source(const struct status *s, const struct registry_zone *z)
{
	static const char *const sources[] = { [REGISTRY_FILE] = "file",
		[REGISTRY_STORE] = "store", [REGISTRY_PRIMARY] = "primary",
		[REGISTRY_MADE] = "made here" };
	char name[NAME_TEXT], class[VIEW_CLASS_MOST + 1];

	if (s->json && view_is(z->origin)) {
		put_text(s, "zone", "", name_text(name, view_apex(z->origin)));
		put_text(s, "view", "", view_class(class, z->origin));
	} else {
		put_text(s, "zone", "zone", view_text(name, z->origin));
	}
	put_text(s, "source", "source", sources[z->source]);
	put_text(s, "state", "state", registry_state_text(z->state));
	if (*z->path)
		put_text(s, "file", "file", z->path);
	if (z->added)
		of_added(s, z->added);
	if (!zone_is_ready(z->load.zone))
		return;
	put_number(s, "serial", "serial", z->load.zone->serial);
	put_number(s, "records", "records", z->load.zone->records);
}

static void of_changes(const struct status *s, const struct zone_orders *o, const uint8_t *id)
{
	const struct plain_zone *plain = plain_zones_find(publisher_live(o->opts.publisher)->plain, id);
	const struct frozen_zone *frozen = frozen_find(o->opts.frozen, id);
	struct write_back_view file;

	if (plain && plain->zone)
		put_serial(s, "as_addresses_serial", "as addresses", plain->zone->serial);
	if (frozen) {
		put_user(s, "frozen_by", "frozen by", frozen->uid);
		put_time(s, "frozen", "frozen", frozen->at_s);
	}
	if (!write_back_look(o->opts.write_back, id, &file))
		return;
	if (file.known)
		put_serial(s, "file_serial", "in the file", file.serial);
	if (file.fault)
		put_text(s, "file_fault", "not written", file.fault);
}

static void of_refresh(const struct status *s, const struct refresh_view *v)
{
	put_text(s, "primary", "primary", v->primary);
	put_text(s, "now", "now", v->doing);
	put_time(s, "checked", "last heard", v->checked_s);
	put_time(s, "transferred", "transferred", v->transferred_s);
	if (v->transferred_s && s->json) {
		put_text(s, "transferred_by", "", v->incremental ? "IXFR" : "AXFR");
		put_number(s, "transferred_records", "", v->records);
		put_number(s, "transferred_bytes", "", v->bytes);
	} else if (v->transferred_s) {
		text_addf(s->out, "%-14s %s, %ju records, %ju bytes\n", "... by",
			v->incremental ? "IXFR" : "AXFR", (uintmax_t)v->records,
			(uintmax_t)v->bytes);
	}
	put_time(s, "next", "next question", v->next_s);
	put_time(s, "expires", "expires", v->expires_s);
	if (s->json)
		put_number(s, "failures", "", v->failures);
	if (v->failures && s->json)
		put_text(s, "failure", "", v->fault);
	else if (v->failures)
		text_addf(s->out, "%-14s %u in a row: %s\n", "failures", v->failures, v->fault);
}

int zone_orders_status(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const struct zone_orders *o = ctx;
	const bool json = command_take_word(words, &n, "--json");
	struct refresh_view v;

	if (n != 2)
		return 2;
	const struct registry_zone *z = zone_orders_find(o, words[1], c->out);
	if (!z)
		return 1;
	const struct status s = { json ? json_object() : NULL, c->out };
	of_source(&s, z);
	of_changes(&s, o, z->origin);
	zone_orders_show_drafts(o, z->origin, c->out, s.json);
	if (z->fault)
		put_text(&s, "fault", "fault", z->fault);
	if (refresher_look(o->opts.refresher, z->origin, &v))
		of_refresh(&s, &v);
	if (json)
		report_json(s.json, c->out);
	return 0;
}
