#include "daemon/external_unknown.h"

#include "base/near.h"

#include <string.h>

static bool has_address(const struct edge_opts *e, const struct addr *a)
{
	for (size_t i = 0; i < e->n_a; i++)
		if (memcmp(&e->a[i], a, sizeof *a) == 0)
			return true;
	for (size_t i = 0; i < e->n_aaaa; i++)
		if (memcmp(&e->aaaa[i], a, sizeof *a) == 0)
			return true;
	return e->flatten || e->n_points;
}

static bool is_meant(const struct conf *c, const struct external_verdict *v, struct near_word *near)
{
	for (size_t i = 0; c && i < c->n_edges; i++) {
		const struct edge_opts *e = &c->edges[i];
		if (v->one ? has_address(e, &v->addr) : strcmp(e->name, v->edge) == 0)
			return true;
		if (!v->one)
			near_offer(near, e->name);
	}
	return false;
}

bool external_unknown_none(const struct externals *l, const struct conf *const of[static 2], const char *path,
	struct fault *why)
{
	const struct external_verdict *first = NULL;
	struct near_word near = { .word = NULL };
	char addr[ADDR_TEXT];

	for (size_t i = 0; i < l->n; i++) {
		const struct external_verdict *v = &l->of[i];
		struct near_word one = { .word = v->edge };
		if ((first && first->changed_s <= v->changed_s) || is_meant(of[0], v, &one) ||
			is_meant(of[1], v, &one))
			continue;
		first = v;
		near = one;
	}
	if (!first)
		return true;
	if (first->one)
		return fault(why, "%s:%u:1: no edge has the address %s, so that this is nobody's verdict", path,
			(unsigned)first->changed_s, addr_text(addr, &first->addr));
	return fault(why, "%s:%u:1: there is no edge \"%s\", so that this is nobody's verdict%s%s%s", path,
		(unsigned)first->changed_s, first->edge, near.best ? "; did you mean \"" : "",
		near.best ? near.best : "", near.best ? "\"?" : "");
}
