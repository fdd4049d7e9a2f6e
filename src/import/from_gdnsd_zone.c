/* from_gdnsd_zone.c - gdnsd's zone files: as those of others, but for DYNA, DYNC, @Z and @F.
 */
#include "import/from_gdnsd.h"
#include "import/import_lines.h"
#include "import/import_zone.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STRING_MOST = 255, INCLUDES_MOST = 16 };

/* A file of a zone. */
struct part {
	struct gdnsd *g;
	struct plan_zone *z;
	const char *path;
	unsigned deep;
	struct lines in;
};

/* "300/20": the longest and the least TTL. */
static void take_ttl(struct part *l, const struct lines_word *w, const char *pool)
{
	const char *slash = memchr(w->at, '/', w->len);

	if (!slash)
		return;
	struct out *p = out_get(out_get(l->g->p->conf, "pools"), pool);
	if (p && !out_get(p, "ttl"))
		out_setf(p, "ttl", "%.*ss-%.*ss", (int)(w->at + w->len - slash - 1), slash + 1, (int)(slash - w->at), w->at);
}

/* OWNER [TTL] [IN] DYNA plugin!resource. */
static void dynamic(struct part *l, size_t type)
{
	const struct lines_word *w = l->in.words;
	const char *what = type + 1 < l->in.n ? lines_plain(&l->g->p->mem, &w[type + 1]) : "";
	const char *pool = gdnsd_named(l->g, what, l->z->name, l->path, l->in.raw_line);
	const size_t first = l->in.owner ? 1 : 0;
	struct text *to = &l->z->text;

	if (!pool) {
		/* As it stands there: what is behind a line's end would be no comment. */
		text_addf(to, "; %.*s could not be taken\n", type + 1 < l->in.n ? (int)w[type + 1].len : 0, type + 1 < l->in.n ? w[type + 1].at : "");
		return;
	}
	if (first)
		text_add_bytes(to, w[0].at, w[0].len);
	for (size_t i = first; i < type; i++) {
		const char *slash = memchr(w[i].at, '/', w[i].len);
		text_add_char(to, '\t');
		text_add_bytes(to, w[i].at, slash ? (size_t)(slash - w[i].at) : w[i].len);
		take_ttl(l, &w[i], pool);
	}
	text_addf(to, "\tEDGE\t%s\n", pool);
}

/* A string of a TXT may be longer than 255 bytes there. */
static void put_word(struct part *l, const struct lines_word *w)
{
	struct text *to = &l->z->text;
	size_t bytes = 0;

	if (lines_is(w, "@Z") || lines_is(w, "@F")) {
		text_add(to, l->z->name);
		return;
	}
	if (w->len > 3 && !w->quoted && (strncmp(w->at + w->len - 3, ".@Z", 3) == 0 || strncmp(w->at + w->len - 3, ".@F", 3) == 0)) {
		text_add_bytes(to, w->at, w->len - 2);
		text_add(to, l->z->name);
		return;
	}
	if (!w->quoted || w->len <= STRING_MOST + 2) {
		text_add_bytes(to, w->at, w->len);
		return;
	}
	for (size_t i = 0; i < w->len; i++) {
		const bool escape = w->at[i] == '\\' && i + 1 < w->len;
		const size_t more = !escape ? 1 : isdigit((unsigned char)w->at[i + 1]) && i + 3 < w->len ? 4 : 2;
		if (i && i + 1 < w->len && bytes++ == STRING_MOST) {
			text_add(to, "\" \"");
			bytes = 1;
		}
		text_add_bytes(to, w->at + i, more);
		i += more - 1;
	}
}

static void copy(struct part *l)
{
	const char *at = l->in.raw;

	for (size_t i = 0; i < l->in.n; i++) {
		const struct lines_word *w = &l->in.words[i];
		text_add_bytes(&l->z->text, at, (size_t)(w->at - at));
		put_word(l, w);
		at = w->at + w->len;
	}
	text_add_bytes(&l->z->text, at, (size_t)(l->in.raw + l->in.raw_len - at));
	text_add_char(&l->z->text, '\n');
}

static void read_part(struct part *l, const struct file *f);

static void read_included(struct part *l)
{
	const struct lines_word *w = l->in.words;
	const char *name = l->in.n > 1 ? lines_plain(&l->g->p->mem, &w[1]) : "";
	struct part *in = arena_zalloc(&l->g->p->mem, sizeof *in);

	in->g = l->g;
	in->z = l->z;
	in->deep = l->deep + 1;
	in->path = file_beside(&l->g->p->mem, l->path, name);
	const struct file *f = l->deep < INCLUDES_MOST ? plan_read(l->g->p, in->path, l->path, l->in.raw_line) : NULL;
	if (!f)
		return;
	if (l->in.n > 2) {
		text_add(&l->z->text, "$ORIGIN ");
		put_word(l, &w[2]);
		text_add_char(&l->z->text, '\n');
	}
	read_part(in, f);
	text_addf(&l->z->text, "$ORIGIN %s\n", l->z->name);
}

static void one_record(struct part *l)
{
	const struct lines_word *w = l->in.words;

	if (l->in.n && lines_is(&w[0], "$INCLUDE")) {
		read_included(l);
		return;
	}
	if (l->in.n && (lines_is(&w[0], "$ADDR_LIMIT_V4") || lines_is(&w[0], "$ADDR_LIMIT_V6"))) {
		plan_note(l->g->p, NOTE_LOST, l->path, l->in.raw_line, "%.*s: pools have \"answers\"", (int)w[0].len, w[0].at);
		return;
	}
	/* The type stands behind the owner, a TTL and a class at most. */
	for (size_t i = l->in.owner; i < l->in.n && i < 4; i++)
		if (lines_is(&w[i], "DYNA") || lines_is(&w[i], "DYNC")) {
			dynamic(l, i);
			return;
		}
	copy(l);
}

static void read_part(struct part *l, const struct file *f)
{
	lines_init(&l->in, f->text, f->len);
	while (lines_next(&l->in))
		one_record(l);
}

static int visible(const struct dirent *e)
{
	const size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len && e->d_name[len - 1] != '~';
}

void gdnsd_zones(struct gdnsd *g)
{
	const char *folder = plan_textf(g->p, "%s/zones", g->folder);
	struct dirent **names;
	const int n = scandir(folder, &names, visible, alphasort);

	if (n < 0) {
		plan_note(g->p, NOTE_LOST, folder, 0, "there is no such folder of zones");
		return;
	}
	for (int i = 0; i < n; i++) {
		char *name = plan_textf(g->p, "%s", names[i]->d_name);
		struct part *l = arena_zalloc(&g->p->mem, sizeof *l);
		l->g = g;
		l->path = plan_textf(g->p, "%s/%s", folder, name);
		const struct file *f = plan_read(g->p, l->path, l->path, 0);
		free(names[i]);
		for (char *c = name; *c; c++)
			if (*c == '@')
				*c = '/'; /* of RFC 2317 */
		if (!f)
			continue;
		l->z = plan_zone(g->p, name, NULL);
		const struct node *options = parse_get(g->top, "options");
		const char *ttl = options ? node_get_string(options, "zones_default_ttl") : NULL;
		text_addf(&l->z->text, "$TTL %s\n", ttl ? ttl : "86400");
		read_part(l, f);
	}
	free(names);
}
