#include "zone/compile_edge.h"

#include "dns/rrtype.h"

#include <stdio.h>
#include <string.h>

/* RFC 6672 section 2.4 forbids what stands below a DNAME; some servers refuse such a zone.
 * Below a cut it is glue, or harmless. */
void compile_edge_warn_hidden(const struct compile_edge *c, const struct names_entry *e,
	const struct names_entry *cover)
{
	struct records_walk walk = records_each(c->r, e->group);

	if (!(cover->flags & NODE_DNAME) || cover->flags & NODE_CUT ||
		!records_walk_next(&walk))
		return;
	records_warning(c->r, &walk.rr, c->f,
		"this name is below a DNAME, so that nobody can see it (RFC 6672 section 2.4); "
		"take it out");
}

/* What may stand beside a CNAME (RFC 4034 section 3). */
static bool stands_beside(uint16_t type)
{
	return type == RRTYPE_EDGE || type == RRTYPE_RRSIG || type == RRTYPE_NSEC;
}

/* An EDGE that is answered with a CNAME is one, and resolvers that have met it ask for nothing
 * else at its name. */
bool compile_edge_check(const struct compile_edge *c, const struct names_entry *e, bool *beside)
{
	struct records_walk walk = records_each(c->r, e->group);
	struct record edge = { .rdata = NULL }, other = { .rdata = NULL };
	char type[RRTYPE_TEXT], line[32] = "";
	struct edge_rr rr;

	while (records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_EDGE)
			edge = walk.rr;
		else if (!other.rdata && !stands_beside(walk.rr.type))
			other = walk.rr;
	if (!edge.rdata || !other.rdata)
		return true;
	*beside = true;
	edge_rr_read(&rr, edge.rdata, edge.rdlen);
	if (!c->opts->pool_cname || !c->opts->pool_cname(c->opts->ctx, &rr))
		return true;
	if (other.line)
		snprintf(line, sizeof line, " of line %u", other.line);
	return records_error(c->r, &edge, c->f,
		"pool \"%.*s\" may answer with the cname of an edge, and a CNAME stands alone at "
		"its "
		"name (RFC 1034 section 3.6.2): resolvers would lose the %s%s (give the edge "
		"addresses, or the name a pool whose edges have them)",
		rr.pool_len, (const char *)rr.pool, rrtype_text(type, other.type), line);
}

static bool is_among(const uint16_t *types, unsigned n, uint16_t type)
{
	for (unsigned i = 0; i < n; i++)
		if (types[i] == type)
			return true;
	return false;
}

/* The record is answered to all alike: its hints, where it has any, are not the client's edge. */
void compile_edge_warn_services(const struct compile_edge *c, const struct names_entry *e)
{
	struct records_walk walk = records_each(c->r, e->group);
	struct record edge = { .rdata = NULL };
	char type[RRTYPE_TEXT];
	struct edge_rr rr;
	uint16_t types[COMPILE_POOL_TYPES_MOST], told = 0;

	if (c->opts->quiet || !c->opts->pool_types)
		return;
	while (records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_EDGE)
			edge = walk.rr;
	if (!edge.rdata)
		return;
	edge_rr_read(&rr, edge.rdata, edge.rdlen);
	const unsigned n = c->opts->pool_types(c->opts->ctx, &rr, types);
	walk = records_each(c->r, e->group);
	while (records_walk_next(&walk)) {
		const uint16_t t = walk.rr.type;
		const bool service = t == RRTYPE_HTTPS || t == RRTYPE_SVCB;
		if (t == told || t == RRTYPE_CNAME || !is_among(types, n, t))
			continue;
		told = t;
		records_warning(c->r, &walk.rr, c->f,
			"this %s goes before the one that pool \"%.*s\" answers, so that no client "
			"gets %s of its edge; take one of the two out",
			rrtype_text(type, t), rr.pool_len, (const char *)rr.pool,
			service ? "hints" : "that");
	}
}

/* Who asks for addresses at a cut or below it is told whom to ask, whatever stands there. */
void compile_edge_warn_cut(const struct compile_edge *c, const struct names_entry *e)
{
	struct records_walk walk = records_each(c->r, e->group);

	while (records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_EDGE)
			records_warning(c->r, &walk.rr, c->f,
				"this EDGE is at or below a delegation, so that nobody gets "
				"its "
				"answer (RFC 1034 section 4.2.1); take it out, or put it into "
				"the zone that is delegated");
}

/* The answer's records are made when it is asked for; nobody signs them then. */
void compile_edge_warn_unsigned(const struct compile_edge *c, const struct names_entry *e)
{
	struct records_walk walk = records_each(c->r, e->group);

	while (records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_EDGE)
			records_warning(c->r, &walk.rr, c->f,
				"this zone is signed elsewhere, and addresses from a pool are not: "
				"resolvers that validate will refuse them; have the zone signed "
				"here (dnssec: auto), or put the name into an unsigned zone");
}
