#include "probe/http_plan.h"

#include "base/memory.h"

static void throw_plan(struct part *part)
{
	struct http_plan *p = (struct http_plan *)part; /* its first member */

	arena_fini(&p->mem);
	memory_free(p);
}

static void own(struct http_plan *p, const char **text)
{
	if (*text)
		*text = arena_strdup(&p->mem, *text);
}

struct http_plan *http_plan_new(const struct probe_opts *from)
{
	struct http_plan *p = memory_zeroed(1, sizeof *p);
	struct probe_opts *o = &p->opts;
	size_t n = 0;

	p->part = part_new(throw_plan);
	*o = *from;
	own(p, &o->name);
	own(p, &o->path);
	own(p, &o->host);
	own(p, &o->body);
	own(p, &o->tls_name);
	own(p, &o->ca);
	own(p, &o->client_cert);
	own(p, &o->client_key);
	own(p, &o->load_field);
	struct probe_value *values =
		arena_memdup(&p->mem, o->values, o->n_values * sizeof *values);
	for (unsigned i = 0; i < o->n_values; i++) {
		own(p, &values[i].field);
		own(p, &values[i].is);
		own(p, &values[i].matches);
	}
	o->values = values;
	o->expect = arena_memdup(&p->mem, o->expect, o->n_expect * sizeof *o->expect);
	while (o->headers && o->headers[n])
		n++;
	if (o->headers) {
		const char **own_headers = arena_memdup(
			&p->mem, o->headers, (n + 1) * sizeof *own_headers);
		for (size_t i = 0; i < n; i++)
			own(p, &own_headers[i]);
		o->headers = own_headers;
	}
	return p;
}
