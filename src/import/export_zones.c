/* export_zones.c - zones as writers of other programs' files go through them, RRset by RRset.
 */
#include "import/export_config.h"

#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/rdata_write.h"

#include <stdlib.h>
#include <string.h>

/* What signing makes; and the digest of the whole, which would be wrong. */
static bool is_of_signing(uint16_t type)
{
	return type == RRTYPE_RRSIG || type == RRTYPE_NSEC || type == RRTYPE_NSEC3 || type == RRTYPE_NSEC3PARAM || type == RRTYPE_DNSKEY ||
		type == RRTYPE_CDS || type == RRTYPE_CDNSKEY || type == RRTYPE_ZONEMD;
}

struct going {
	struct plan *p;
	const struct export_sink *to;
	const struct zone *z;
	uint8_t *rdata; /* [65535] */
	unsigned signing; /* records that were left out */
};

static const uint32_t *types_beside(struct going *g, const struct zone_node *n)
{
	uint32_t *list = arena_zalloc(&g->p->mem, (n->rrsets + 1u) * sizeof *list);
	const struct zone_rrset *set = zone_first_rrset(n);
	size_t count = 0;

	for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
		if (set->type != RRTYPE_EDGE && !is_of_signing(set->type))
			list[count++] = set->type;
	return list;
}

/* Without "TYPE " in front. */
static void take_data(struct going *g, const struct zone_node *n, const struct zone_rrset *set, struct export_rrset *to)
{
	for (size_t at = 0; at < set->len; at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
		const size_t len = image_rdata(g->z, n, set, at, g->rdata);
		struct text line = { 0 };
		rdata_write(&line, set->type, g->rdata, len, RDATA_FOR_US);
		const char *data = text_get(&line);
		plan_word(g->p, &to->data, data + strcspn(data, " ") + (data[strcspn(data, " ")] != 0));
		text_fini(&line);
	}
}

static void put_rrset(struct going *g, const struct zone_node *n, const struct zone_rrset *set)
{
	uint8_t name[NAME_MOST];
	char text[NAME_TEXT];

	if (is_of_signing(set->type)) {
		g->signing += set->count;
		return;
	}
	image_owner(g->z, n, name);
	struct export_rrset one = { .zone = g->z, .owner = arena_strdup(&g->p->mem, name_text(text, name)), .type = set->type,
		.ttl_s = be32_get(set->wire + 6) };
	if (set->type == RRTYPE_EDGE) {
		image_edge(set, &one.edge);
		one.beside = types_beside(g, n);
	} else {
		take_data(g, n, set, &one);
	}
	g->to->rrset(g->to->ctx, &one);
}

static void put_zone(struct going *g, const char *name)
{
	for (const struct zone_node *n = image_first(g->z); n; n = image_next(g->z, n)) {
		const struct zone_rrset *set = zone_first_rrset(n);
		for (unsigned i = 0; i < n->rrsets && !(n->flags & NODE_NSEC3); i++, set = zone_next_rrset(set))
			put_rrset(g, n, set);
	}
	if (g->signing)
		plan_note(g->p, NOTE_DIFFERS, name, 0, "%u records of DNSSEC are left out: who signs it there makes its own", g->signing);
}

bool export_is_view(struct plan *p, const struct export_from *from, const struct zone *z)
{
	char text[NAME_TEXT];

	if (!z->view_len)
		return false;
	plan_note(p, NOTE_LOST, from->conf->path, 0, "zone %s: that it is for a class of clients only", view_text(text, zone_id(z)));
	return true;
}

void export_source(struct plan *p, const struct export_from *from, const struct registry_zone *z)
{
	char text[NAME_TEXT];
	const char *name = view_text(text, z->origin);
	const size_t at = registry_index(from->zones, z->origin);
	const struct conf_rule *rule = &from->conf->rules[zone_set_rule(from->zones->set, at)];

	if (!zone_is_ready(z->load.zone))
		plan_note(p, NOTE_LOST, from->conf->path, 0, "zone %s: %s; \"waymarkctl zone export\" has it of the server that serves it", name,
			rule->n_primaries ? "it comes from its primary, and nothing of it is here"
			: z->fault ? z->fault : "nothing of it is here");
	else if (rule->stored)
		plan_note(p, NOTE_SEE, from->conf->path, 0,
			"zone %s: this is what its file says; what updates and commands have changed is in the store (\"waymarkctl zone export\")", name);
}

void export_zones(struct plan *p, const struct export_from *from, const struct export_sink *to)
{
	struct going g = { .p = p, .to = to, .rdata = malloc(UINT16_MAX) };
	char text[NAME_TEXT];

	for (size_t i = 0; g.rdata && i < from->zones->n; i++) {
		const struct registry_zone *z = from->zones->zones[i];
		export_source(p, from, z);
		g.z = z->load.zone;
		g.signing = 0;
		const char *name = arena_strdup(&p->mem, name_text(text, g.z->apex));
		if (!zone_is_ready(g.z) || !to->zone(to->ctx, name, g.z))
			continue;
		put_zone(&g, name);
		to->end(to->ctx);
	}
	free(g.rdata);
}
