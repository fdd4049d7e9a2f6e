/* ctl_export_zones.c - zones as master files that every nameserver loads: addresses in the place of pools.
 */
#include "tools/ctl_export.h"

#include "daemon/parts_read.h"
#include "daemon/plain_asking.h"
#include "daemon/zone_pools.h"
#include "import/export_config.h"
#include "world/edge_own.h"
#include "zone/sign.h"
#include "zone/zone_text.h"

#include <string.h>

struct writing {
	struct plan *p;
	const struct parts *parts;
	struct hash_key key; /* of its zones */
	const struct export_from *from;
	struct standing *standing; /* as the configuration has the edges: no probe was asked */
};

static struct standing *as_configured(struct plan *p, const struct parts *parts)
{
	const struct conf *c = parts_conf(parts);
	uint8_t *states = arena_zalloc(&p->mem, c->n_edges + 1);

	for (size_t i = 0; i < c->n_edges; i++)
		states[i] = (uint8_t)c->edges[i].state;
	return standing_new(&(struct standing_opts){ .steer = parts->steer, .states = states });
}

static void answer_edge(struct writing *w, struct plain_asking *k, const struct plain_edge *e, struct plain_answer *to)
{
	const struct steer *s = w->parts->steer;
	struct default_ask ask = { .steer = s, .standing = w->standing, .name = e->owner, .name_len = (unsigned)name_len(e->owner) };
	const int pool = steer_pool(s, e->pool), number = conf_pool(w->from->conf, e->pool);
	char name[NAME_TEXT];

	if (pool < 0 || number < 0)
		return;
	ask.pool = (uint16_t)pool;
	ask.own = edge_own(s, ask.pool, e->rdata, e->rdlen);
	const uint32_t most_s = ask.own.has_ttl ? ask.own.ttl_most_s : s->pools[pool].ttl_most_s;
	to->ttl_s = e->ttl_s > most_s ? most_s : e->ttl_s;
	plain_asking_answer(k, &ask, e, to);
	export_note(w->p, NOTE_DIFFERS, w->from, &w->from->conf->pools[number], "all get what clients of no known place get, as if all edges were up");
	if (!to->n && !to->n_records)
		plan_note(w->p, NOTE_LOST, w->from->conf->path, 0, "%s: nothing is known that pool %s answers with", name_text(name, e->owner), e->pool);
}

/* Without EDGE. Count 1; NULL: told. */
static struct zone *plain(struct writing *w, struct zone *z)
{
	struct compile_opts compile = zone_pools_compile_opts(w->from->conf, w->key);
	struct plain_asking asking = { .digest = 0 };
	struct zone *own = NULL, *made = NULL;
	struct faults f;
	size_t n;

	faults_init(&f);
	arena_init(&asking.mem);
	/* Its signatures are of the EDGE records. */
	if (z->denial || z->signatures_end_s)
		own = sign_strip(z, &compile, &f);
	const struct zone *of = own ? own : z;
	struct plain_edge *edges = plain_zone_edges(of, &asking.mem, &n);
	struct plain_answer *answers = arena_zalloc(&asking.mem, (n + 1) * sizeof *answers);
	for (size_t i = 0; i < n; i++)
		answer_edge(w, &asking, &edges[i], &answers[i]);
	if (!f.errors)
		made = plain_zone_make(of,
			&(struct plain_zone_opts){ .edges = edges, .answers = answers, .n = n, .serial = of->serial, .compile = compile }, &f);
	if (!made)
		plan_note(w->p, NOTE_LOST, w->from->conf->path, 0, "%s", text_get(&f.text));
	arena_fini(&asking.mem);
	if (own)
		zone_drop(own);
	faults_fini(&f);
	return made;
}

static void write_zone(struct writing *w, const struct registry_zone *entry)
{
	struct zone *z = entry->load.zone, *made = z->pools_n ? plain(w, z) : z;
	char name[NAME_TEXT], class[VIEW_CLASS_MOST + 1];

	if (!made)
		return;
	const char *apex = name_text(name, z->apex), *view = view_class(class, zone_id(z));
	const int len = strcmp(apex, ".") == 0 ? 0 : (int)strlen(apex) - 1;
	struct plan_zone *file = plan_file(w->p,
		plan_textf(w->p, "%.*s%s%s.zone", len ? len : 4, len ? apex : "root", *view ? "." : "", view));
	zone_text(&file->text, made, RDATA_FOR_ALL);
	if (made != z)
		zone_drop(made);
}

void ctl_export_zones(struct plan *p, const struct export_from *from, const struct parts *parts, struct hash_key key)
{
	struct writing w = { .p = p, .parts = parts, .key = key, .from = from,
		.standing = as_configured(p, parts) };

	for (size_t i = 0; i < parts->zones->n; i++) {
		const struct registry_zone *z = parts->zones->zones[i];
		export_source(p, from, z);
		if (zone_is_ready(z->load.zone))
			write_zone(&w, z);
	}
	standing_free(w.standing);
}
