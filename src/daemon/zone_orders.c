#include "daemon/zone_orders.h"

#include "base/memory.h"

#include <string.h>
#include <time.h>

struct zone_orders {
	struct zone_orders_opts opts;
};

/* The zone of that name; NULL, and told. */
static const struct registry_zone *find(
	const struct zone_orders *o, const char *text, struct text *out)
{
	static const uint8_t root[1];
	uint8_t name[NAME_MOST];
	const enum name_result is = name_parse(name, NULL, text, strlen(text), root);

	if (is != NAME_OK) {
		text_addf(out, "%s: as the name of a zone this %s\n", text, name_result_text(is));
		return NULL;
	}
	name_lower(name, name, name_len(name));
	const struct registry_zone *z =
		registry_find(publisher_live(o->opts.publisher)->zones, name);
	if (!z)
		text_addf(out, "there is no zone %s (\"waymarkctl zones\" lists them)\n", text);
	return z;
}

static void add_time(struct text *out, const char *what, int64_t at_s)
{
	const time_t t = (time_t)at_s;
	char shown[32];
	struct tm tm;

	if (!at_s)
		return;
	strftime(shown, sizeof shown, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	text_addf(out, "%-14s %s\n", what, shown);
}

static int show(const struct zone_orders *o, const struct registry_zone *z, struct text *out)
{
	static const char *const sources[] = { [REGISTRY_FILE] = "file",
		[REGISTRY_STORE] = "store", [REGISTRY_PRIMARY] = "primary" };
	char name[NAME_TEXT];
	struct refresh_view v;

	text_addf(out, "%-14s %s\n%-14s %s\n%-14s %s\n", "zone", name_text(name, z->origin),
		"source", sources[z->source], "state", registry_state_text(z->state));
	if (*z->path)
		text_addf(out, "%-14s %s\n", "file", z->path);
	if (zone_is_ready(z->load.zone))
		text_addf(out, "%-14s %u\n%-14s %u\n", "serial", z->load.zone->serial, "records",
			z->load.zone->records);
	if (z->fault)
		text_addf(out, "%-14s %s\n", "fault", z->fault);
	if (!refresher_look(o->opts.refresher, z->origin, &v))
		return 0;
	text_addf(out, "%-14s %s\n%-14s %s\n", "primary", v.primary, "now", v.doing);
	add_time(out, "last heard", v.checked_s);
	add_time(out, "transferred", v.transferred_s);
	if (v.transferred_s)
		text_addf(out, "%-14s %s, %ju records, %ju bytes\n", "... by",
			v.incremental ? "IXFR" : "AXFR", (uintmax_t)v.records,
			(uintmax_t)v.bytes);
	add_time(out, "next question", v.next_s);
	add_time(out, "expires", v.expires_s);
	if (v.failures)
		text_addf(out, "%-14s %u in a row: %s\n", "failures", v.failures, v.fault);
	return 0;
}

static int ask(const struct zone_orders *o, const struct registry_zone *z, const char *text,
	bool whole, struct text *out)
{
	if (!refresher_ask(o->opts.refresher, z->origin, whole)) {
		text_addf(out, "zone %s does not come from a primary\n", text);
		return 1;
	}
	text_addf(out, "%s: %s\n", text,
		whole ? "is fetched whole (\"zone status\" shows how it goes)"
		      : "its primary is asked (\"zone status\" shows how it goes)");
	return 0;
}

static int zone_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const struct zone_orders *o = ctx;

	if (n != 2)
		return 2;
	const bool status = strcmp(words[0], "status") == 0,
		   whole = strcmp(words[0], "retransfer") == 0;
	if (!status && !whole && strcmp(words[0], "refresh") != 0)
		return 2;
	const struct registry_zone *z = find(o, words[1], c->out);
	if (!z)
		return 1;
	return status ? show(o, z, c->out) : ask(o, z, words[1], whole, c->out);
}

struct zone_orders *zone_orders_new(
	const struct zone_orders_opts *opts, struct commands *commands)
{
	struct zone_orders *o = memory_zeroed(1, sizeof *o);

	o->opts = *opts;
	commands_bind(commands, "zone", zone_command, o);
	return o;
}

void zone_orders_free(struct zone_orders *o)
{
	memory_free(o);
}
