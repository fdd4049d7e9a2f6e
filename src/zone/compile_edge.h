/* compile_edge.h - may an EDGE stand where it does, and does anybody see what stands there?
 *
 * Control thread; part of zone_compile().
 */
#ifndef ZONE_COMPILE_EDGE_H
#define ZONE_COMPILE_EDGE_H

#include "zone/compile.h"
#include "zone/names.h"

struct compile_edge {
	const struct records *r;
	const struct compile_opts *opts;
	struct faults *f;
};

/* `cover` is the cut or DNAME that hides the name. */
void compile_edge_warn_hidden(const struct compile_edge *c, const struct names_entry *e,
	const struct names_entry *cover);

/* At a visible name with an EDGE. False: the zone cannot be served. `*beside` becomes true when
 * other data stands there. */
bool compile_edge_check(
	const struct compile_edge *c, const struct names_entry *e, bool *beside);

/* At a visible name with an EDGE: records that go before those of the pool. */
void compile_edge_warn_services(const struct compile_edge *c, const struct names_entry *e);

void compile_edge_warn_cut(const struct compile_edge *c, const struct names_entry *e);
void compile_edge_warn_unsigned(const struct compile_edge *c, const struct names_entry *e);

#endif
