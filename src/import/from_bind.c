/* from_bind.c - BIND: named.conf and all that it includes.
 */
#include "import/from_bind.h"

#include "import/import_run.h"

#include <glob.h>
#include <string.h>
#include <strings.h>

static bool read_file(struct bind *b, const char *path, unsigned deep);

static void read_included(struct bind *b, const char *from, const struct node *s, unsigned deep)
{
	const char *path = file_beside(&b->p->mem, from, bind_word(s, 1));
	glob_t found;

	if (glob(path, 0, NULL, &found) != 0) {
		plan_note(b->p, NOTE_LOST, from, s->line, "%s: there is no such file", path);
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!read_file(b, plan_textf(b->p, "%s", found.gl_pathv[i]), deep + 1))
			plan_note(b->p, NOTE_LOST, from, s->line, "%s", b->why->text);
	}
	globfree(&found);
}

static void add_zone(struct bind *b, const struct node *s, const char *file, const struct bind_view *view)
{
	struct bind_zone *z = arena_zalloc(&b->p->mem, sizeof *z);
	const char *name = plan_lower(b->p, bind_word(s, 1));

	z->name = plan_full_name(b->p, name, ".");
	z->body = bind_block(s);
	z->file = file;
	z->line = s->line;
	z->view = view;
	*(b->last_zone ? &b->last_zone->next : &b->zones) = z;
	b->last_zone = z;
}

static void add_view(struct bind *b, const struct node *s, const char *file)
{
	struct bind_view *v = arena_zalloc(&b->p->mem, sizeof *v);
	const struct node *body = bind_block(s);

	if (b->n_views == sizeof b->views / sizeof *b->views) {
		plan_note(b->p, NOTE_LOST, file, s->line, "the view %s: there are more than 64", bind_word(s, 1));
		return;
	}
	v->name = plan_textf(b->p, "%s", bind_word(s, 1));
	v->body = body;
	v->file = file;
	v->match = bind_block(bind_find(body, "match-clients"));
	b->views[b->n_views++] = v;
	for (const struct node *one = body ? body->first : NULL; one; one = one->next) {
		const char *word = bind_word(one, 0);
		if (strcasecmp(word, "zone") == 0)
			add_zone(b, one, file, v);
		else if (strncasecmp(word, "match-", 6) == 0 && strcasecmp(word, "match-clients") != 0)
			plan_note(b->p, NOTE_LOST, file, one->line, "%s: a view is of clients", word);
		else if (strcasecmp(word, "include") == 0)
			plan_note(b->p, NOTE_LOST, file, one->line, "include in a view: put the zones of %s into named.conf itself", bind_word(one, 1));
		else if (strcasecmp(word, "recursion") == 0 && strcasecmp(bind_word(one, 1), "no") != 0)
			plan_note(b->p, NOTE_LOST, file, one->line, "recursion: this is no resolver");
	}
}

static void take_statement(struct bind *b, const struct node *s, const char *file)
{
	static const char *const quiet[] = { "acl", "primaries", "masters", "remote-servers", "parental-agents", "server", "tls", "dnssec-policy",
		"key", "http" };
	static const char *const lost[] = { "logging", "controls", "statistics-channels", "trust-anchors", "managed-keys", "trusted-keys", "dlz",
		"dyndb", "plugin" };
	const char *word = bind_word(s, 0);
	struct bind_top *t = arena_zalloc(&b->p->mem, sizeof *t);

	*t = (struct bind_top){ s, file, NULL };
	*(b->last_top ? &b->last_top->next : &b->top) = t;
	b->last_top = t;
	if (strcasecmp(word, "zone") == 0) {
		add_zone(b, s, file, NULL);
	} else if (strcasecmp(word, "view") == 0) {
		add_view(b, s, file);
	} else if (strcasecmp(word, "options") == 0) {
		b->options = bind_block(s);
		b->options_file = file;
	}
	for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
		if (strcasecmp(word, quiet[i]) == 0)
			return;
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
		if (strcasecmp(word, lost[i]) == 0)
			plan_note(b->p, NOTE_LOST, file, s->line, "%s%s", word,
				i == 0 ? ": see \"log\" in doc/reference.md" : i == 1 ? ": waymarkctl speaks to a socket" : "");
}

static bool read_file(struct bind *b, const char *path, unsigned deep)
{
	if (deep > 16)
		return fault(b->why, "%s: files include each other without an end", path);
	const struct file *f = plan_read_asked(b->p, path, b->why);
	if (!f)
		return false;
	struct reading r = { path, f->text, f->text + f->len, 1, &b->p->mem, b->why, 0, 0 };
	const struct node *all = node_read_named(&r, false);
	for (const struct node *s = all ? all->first : NULL; s; s = s->next) {
		if (strcasecmp(bind_word(s, 0), "include") == 0)
			read_included(b, path, s, deep);
		else
			take_statement(b, s, path);
	}
	return all != NULL;
}

/* --- zones -------------------------------------------------------------------------------- */

static void put_zone(struct bind *b, struct bind_zone *z, const char *view)
{
	const struct node *file = bind_find(z->body, "file"), *raw = bind_find(z->body, "masterfile-format");
	const char *type = bind_word(bind_find(z->body, "type"), 1);

	z->done = true;
	if (strcasecmp(type, "hint") == 0)
		return;
	if (bind_is_secondary(z)) {
		bind_zone_rules(b, z, plan_zone_plain(b->p, z->name, view)->entry);
		return;
	}
	if (strcasecmp(type, "primary") != 0 && strcasecmp(type, "master") != 0) {
		plan_note(b->p, NOTE_LOST, z->file, z->line, "the zone %s of type %s", z->name, *type ? type : "(none)");
		return;
	}
	if (!file || (raw && strcasecmp(bind_word(raw, 1), "text") != 0)) {
		plan_note(b->p, NOTE_LOST, z->file, z->line, "the zone %s has no file as text (named-compilezone -f raw -F text makes one)", z->name);
		return;
	}
	b->file = z->file;
	const char *path = bind_path(b, bind_word(file, 1));
	struct rrs all;
	/* Looked at before there is an entry: one without its data would keep the rest from being served. */
	if (!rrs_read(b->p, &all, path, z->name, (struct named_at){ z->file, file->line }))
		return;
	struct plan_zone *to = plan_zone(b->p, z->name, view);
	rrs_copy_zone(b->p, to, path, (struct named_at){ z->file, file->line });
	struct file_stamp stamp;
	if (file_stamp(plan_textf(b->p, "%s.jnl", path), &stamp))
		plan_note(b->p, NOTE_SEE, z->file, z->line, "the zone %s has a journal: \"rndc sync\" first, else its last changes are not here", z->name);
	bind_zone_rules(b, z, to->entry);
}

/* Views that become one zone have one set of rules: what another one says besides its file is told. */
static void tell_rules_of_view(struct bind *b, const struct bind_zone *first, const struct bind_zone *z)
{
	for (const struct node *s = z->body ? z->body->first : NULL; s; s = s->next)
		if (strcasecmp(bind_word(s, 0), "type") != 0 && strcasecmp(bind_word(s, 0), "file") != 0)
			plan_note(b->p, NOTE_SEE, z->file, s->line, "zone %s: %s: the views are one zone here, and this is as the view %s has it", z->name,
				bind_word(s, 0), first->view->name);
}

/* The class of clients of a view by nets; NULL: all clients. */
static const char *class_of(struct bind *b, const struct bind_view *v)
{
	struct bind_match m;

	b->file = v->file;
	bind_match(b, v->match, &m);
	if (!v->match || m.any)
		return NULL;
	char *name = plan_textf(b->p, "%.60s", v->name);
	for (char *c = name; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *c))
			*c = '-';
	struct out *nets = out_list(out_map(out_map(b->p->conf, "clients"), name), "nets");
	for (size_t i = 0; i < m.nets.n && out_count(nets) < m.nets.n; i++)
		out_add(nets, m.nets.of[i]);
	return name;
}

void bind_geo_views(struct bind *b)
{
	struct bind_match m[64];

	for (size_t v = 0; v < b->n_views; v++) {
		b->file = b->views[v]->file;
		bind_match(b, b->views[v]->match, &m[v]);
		/* Nets are a condition like places are. */
		struct out *nets = NULL;
		for (size_t i = 0; i < m[v].nets.n; i++)
			nets = plan_when(b->p, nets, "net", m[v].nets.of[i]);
		if (nets && m[v].n_geo < 64)
			m[v].geo[m[v].n_geo++] = nets;
		if (!b->views[v]->match || m[v].any)
			m[v].n_geo = 0;
	}
	for (struct bind_zone *z = b->zones; z; z = z->next) {
		struct rrs_view views[64] = { 0 };
		const char *type = bind_word(bind_find(z->body, "type"), 1);
		if (z->done || !z->view || bind_is_secondary(z) || (strcasecmp(type, "primary") != 0 && strcasecmp(type, "master") != 0))
			continue;
		struct plan_zone *to = plan_zone(b->p, z->name, NULL);
		bind_zone_rules(b, z, to->entry);
		for (size_t v = 0; v < b->n_views; v++)
			views[v] = (struct rrs_view){ b->views[v]->name, .when = m[v].geo, .n_when = m[v].n_geo, .fails = m[v].not_geo };
		for (struct bind_zone *o = z; o; o = o->next) {
			const struct node *file = bind_find(o->body, "file");
			if (o->done || !o->view || strcmp(o->name, z->name) != 0 || !file)
				continue;
			if (o != z)
				tell_rules_of_view(b, z, o);
			o->done = true;
			b->file = o->file;
			for (size_t v = 0; v < b->n_views; v++)
				if (b->views[v] == o->view)
					rrs_read(b->p, &views[v].rrs, bind_path(b, bind_word(file, 1)), o->name,
						(struct named_at){ o->file, file->line });
		}
		rrs_merge(b->p, to, views, b->n_views, (struct named_at){ z->file, z->line });
	}
}

/* Of those that BIND looks for itself. */
static const char *city_file(struct plan *p, const char *folder)
{
	static const char *const names[] = { "GeoIP2-City", "GeoLite2-City", "GeoIP2-Country", "GeoLite2-Country" };
	struct file_stamp stamp;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *path = plan_textf(p, "%s/%s.mmdb", *folder ? folder : "/usr/share/GeoIP", names[i]);
		if (file_stamp(path, &stamp))
			return path;
	}
	return NULL;
}

static bool goes_by_places(struct bind *b)
{
	unsigned lost = b->p->lost, see = b->p->see;
	const size_t len = b->p->notes.len;
	struct bind_match m;
	bool geo = false;

	for (size_t v = 0; v < b->n_views; v++) {
		bind_match(b, b->views[v]->match, &m);
		geo = geo || m.n_geo || m.not_geo;
	}
	/* They are told when they are read in earnest. */
	b->p->lost = lost;
	b->p->see = see;
	b->p->notes.len = len;
	if (b->p->notes.s)
		b->p->notes.s[len] = 0;
	return geo;
}

bool from_bind(struct plan *p, char **files, size_t n, struct fault *why)
{
	struct bind b = { .p = p, .why = why, .options_file = files[0] };

	for (size_t i = 0; i < n; i++)
		if (!read_file(&b, files[i], 0))
			return false;
	b.file = b.options_file;
	const char *folder = bind_word(bind_find(b.options, "directory"), 1);
	if (*folder)
		b.folder = *folder == '/' ? folder : file_beside(&p->mem, files[0], folder);
	bind_options(&b);
	bind_keys(&b);
	const char *geo = bind_word(bind_find(b.options, "geoip-directory"), 1);
	if (goes_by_places(&b)) {
		plan_geoip(p, "city", city_file(p, geo));
		bind_geo_views(&b);
	}
	for (struct bind_zone *z = b.zones; z; z = z->next)
		if (!z->done)
			put_zone(&b, z, z->view ? class_of(&b, z->view) : NULL);
	if (b.stores)
		out_set(out_map(p->conf, "store"), "file", "waymark.db");
	if (!out_get(p->conf, "zones"))
		return fault(why, "%s: no zone could be taken\n%s", files[0], text_get(&p->notes));
	return true;
}
