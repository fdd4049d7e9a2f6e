/* to_route53.c - zones as batches of changes that "aws route53 change-resource-record-sets" takes.
 */
#include "import/to_route53.h"

#include "dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGES_MOST = 1000 }; /* of a batch, by AWS' quotas */

const char *route53_type(uint16_t type)
{
	static const struct { uint16_t type; const char *name; } types[] = { { RRTYPE_A, "A" }, { RRTYPE_AAAA, "AAAA" }, { RRTYPE_CAA, "CAA" },
		{ RRTYPE_CNAME, "CNAME" }, { RRTYPE_DS, "DS" }, { RRTYPE_HTTPS, "HTTPS" }, { RRTYPE_MX, "MX" }, { RRTYPE_NAPTR, "NAPTR" },
		{ RRTYPE_NS, "NS" }, { RRTYPE_PTR, "PTR" }, { RRTYPE_SOA, "SOA" }, { RRTYPE_SPF, "SPF" }, { RRTYPE_SRV, "SRV" },
		{ RRTYPE_SSHFP, "SSHFP" }, { RRTYPE_SVCB, "SVCB" }, { RRTYPE_TLSA, "TLSA" }, { RRTYPE_TXT, "TXT" } };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

void route53_put_set(struct to_route53 *r, const char *name, uint16_t type, json_t *more)
{
	json_t *set = json_pack("{s:s, s:s}", "Name", route53_octals(r->p, name), "Type", route53_type(type));

	json_object_update(set, more);
	json_decref(more);
	json_array_append_new(r->changes, json_pack("{s:s, s:o}", "Action", "UPSERT", "ResourceRecordSet", set));
}

/* --- zones -------------------------------------------------------------------------------- */

static bool begin_zone(void *ctx, const char *name, const struct zone *z)
{
	struct to_route53 *r = ctx;

	if (export_is_view(r->p, r->from, z))
		return false;
	r->zone = name;
	r->changes = json_array();
	r->helpers = NULL;
	return true;
}

static void plain_rrset(struct to_route53 *r, const struct export_rrset *set)
{
	json_t *values = json_array();

	for (size_t i = 0; i < set->data.n; i++)
		json_array_append_new(values, json_pack("{s:s}", "Value", route53_octals(r->p, set->data.of[i])));
	route53_put_set(r, set->owner, set->type, json_pack("{s:I, s:o}", "TTL", (json_int_t)set->ttl_s, "ResourceRecords", values));
}

static void put_edge(struct to_route53 *r, const struct export_rrset *set)
{
	const struct export_pool pool = export_pool_of_edge(r->p, r->from, set);

	if (!pool.opts)
		return;
	r->beside = set->beside;
	r->owner = set->owner;
	r->ttl_s = set->ttl_s > pool.ttl_most_s ? pool.ttl_most_s : set->ttl_s < pool.ttl_least_s ? pool.ttl_least_s : set->ttl_s;
	if (!route53_put_pool(r, set->owner, &pool).n)
		plan_note(r->p, NOTE_LOST, r->from->conf->path, 0, "%s: nothing of pool %s can be said", set->owner, pool.opts->name);
}

static void one_rrset(void *ctx, const struct export_rrset *set)
{
	struct to_route53 *r = ctx;
	char type[RRTYPE_TEXT];

	if (set->type == RRTYPE_EDGE)
		put_edge(r, set);
	else if (!route53_type(set->type))
		plan_note(r->p, NOTE_LOST, r->from->conf->path, 0, "%s: Route 53 has no %s", set->owner, rrtype_text(type, set->type));
	else
		plain_rrset(r, set);
}

static void put_file(struct plan *p, const char *name, json_t *top)
{
	struct plan_zone *file = plan_file(p, name);
	char *text = json_dumps(top, JSON_INDENT(1) | JSON_ENSURE_ASCII);

	if (text)
		text_add(&file->text, text);
	text_add_char(&file->text, '\n');
	file->text.lost = file->text.lost || !text;
	free(text);
	json_decref(top);
}

/* As many files as batches are needed. */
static void end_zone(void *ctx)
{
	struct to_route53 *r = ctx;
	const size_t n = json_array_size(r->changes), bare = strlen(r->zone) - 1;

	for (size_t from = 0, part = 1; from < n; from += CHANGES_MOST, part++) {
		json_t *some = json_array();
		for (size_t i = from; i < n && i < from + CHANGES_MOST; i++)
			json_array_append(some, json_array_get(r->changes, i));
		const char *base = bare ? plan_textf(r->p, "%.*s", (int)bare, r->zone) : "root";
		put_file(r->p, part == 1 ? plan_textf(r->p, "%s.json", base) : plan_textf(r->p, "%s.%zu.json", base, part),
			json_pack("{s:s, s:o}", "Comment", "made by waymarkctl export config route53", "Changes", some));
	}
	json_decref(r->changes);
	r->changes = NULL;
}

void to_route53(struct plan *p, const struct export_from *from)
{
	struct to_route53 r = { .p = p, .from = from, .checks = json_array(), .cidrs = json_array() };

	export_notes(p, from);
	export_zones(p, from, &(struct export_sink){ &r, begin_zone, one_rrset, end_zone });
	if (json_array_size(r.checks))
		put_file(p, "health-checks.json", json_pack("{s:O}", "HealthChecks", r.checks));
	if (json_array_size(r.cidrs))
		put_file(p, "cidr-blocks.json", json_pack("{s:O}", "CidrBlocks", r.cidrs));
	json_decref(r.checks);
	json_decref(r.cidrs);
}
