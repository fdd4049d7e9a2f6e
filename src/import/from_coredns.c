/* from_coredns.c - CoreDNS: a Corefile with file, auto, secondary, geoip, view.
 *
 * Server blocks of one zone with views are put together into one zone, whose names go by rules
 * where the views differ.
 */
#include "import/import_run.h"
#include "import/import_node.h"
#include "import/import_zone.h"

#include "base/addr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BLOCKS_MOST = 512, VIEWS_MOST = 64, WHEN_MOST = 16 };

/* A server block, for one of its zones. */
struct block {
	const char *zone; /* with its dot */
	const struct node *body;
	unsigned line;
	const char *view, *expr; /* NULL */
	bool done;
};

struct coredns {
	struct plan *p;
	const char *path;
	const struct node *top;
	struct block blocks[BLOCKS_MOST];
	size_t n;
	struct words listen;
};

static const char *word(const struct node *s, size_t i)
{
	const char *text = s ? node_string(node_at(s, i)) : NULL;

	return text ? text : "";
}

static const struct node *block_of(const struct node *s)
{
	const struct node *last = s && s->n ? node_at(s, s->n - 1) : NULL;

	return last && last->kind == NODE_LIST ? last : NULL;
}

/* The directive, also where a snippet is imported. */
static const struct node *find(const struct coredns *c, const struct node *body, const char *name, unsigned deep)
{
	for (const struct node *s = body ? body->first : NULL; s; s = s->next) {
		if (strcmp(word(s, 0), name) == 0)
			return s;
		if (strcmp(word(s, 0), "import") != 0 || deep > 8)
			continue;
		for (const struct node *t = c->top->first; t; t = t->next) {
			const char *is = word(t, 0);
			const size_t len = strlen(word(s, 1));
			if (*is == '(' && strncmp(is + 1, word(s, 1), len) == 0 && strcmp(is + 1 + len, ")") == 0) {
				const struct node *in = find(c, block_of(t), name, deep + 1);
				if (in)
					return in;
			}
		}
	}
	return NULL;
}

/* --- expressions of views ----------------------------------------------------------------- */

struct alternatives {
	struct out *of[WHEN_MOST];
	size_t n;
	bool lost;
};

static const char *key_of(const char *label)
{
	static const struct { const char *label, *key; } rows[] = { { "geoip/country/code", "country" }, { "geoip/continent/code", "continent" },
		{ "geoip/city/name", "city" }, { "geoip/subdivisions/code", "region" }, { "geoip/asn/number", "asn" } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(label, rows[i].label) == 0)
			return rows[i].key;
	return NULL;
}

/* The next string in quotes; "" where there is none before `end`. */
static const char *quoted(struct plan *p, const char **at, const char *end)
{
	const char *from = *at;

	while (from < end && *from != '\'' && *from != '"')
		from++;
	if (from >= end)
		return *at = end, "";
	const char *stop = memchr(from + 1, *from, (size_t)(end - from - 1));
	if (!stop)
		return *at = end, "";
	*at = stop + 1;
	return plan_textf(p, "%.*s", (int)(stop - from - 1), from + 1);
}

/* metadata('geoip/country/code') == 'DE', ... in ['DE', 'AT'], incidr(client_ip(), '192.0.2.0/24') */
static bool atom(struct coredns *c, const char *at, const char *end, struct out **when)
{
	static const char net_call[] = "incidr(";
	const char *key, *value;

	while (at < end && (isspace((unsigned char)*at) || *at == '('))
		at++;
	if ((size_t)(end - at) > sizeof net_call && strncmp(at, net_call, sizeof net_call - 1) == 0) {
		value = quoted(c->p, &at, end);
		*when = *value ? plan_when(c->p, *when, "net", value) : *when;
		return *value != 0;
	}
	if (end - at < 9 || strncmp(at, "metadata(", 9) != 0 || !(key = key_of(quoted(c->p, &at, end))))
		return false;
	while (at < end && (isspace((unsigned char)*at) || *at == ')'))
		at++;
	if (!(end - at > 2 && (strncmp(at, "==", 2) == 0 || strncmp(at, "in", 2) == 0)))
		return false;
	bool any = false;
	while (*(value = quoted(c->p, &at, end))) {
		*when = plan_when(c->p, *when, key, value);
		any = true;
	}
	return any;
}

static void expression(struct coredns *c, const char *text, struct alternatives *to)
{
	memset(to, 0, sizeof *to);
	for (const char *at = text; *at;) {
		const char *or_at = strstr(at, "||"), *end = or_at ? or_at : at + strlen(at);
		struct out *when = NULL;
		for (const char *part = at; part < end;) {
			const char *and_at = strstr(part, "&&"), *stop = and_at && and_at < end ? and_at : end;
			to->lost = !atom(c, part, stop, &when) || to->lost;
			part = stop + (stop < end ? 2 : 0);
		}
		if (when && to->n < WHEN_MOST)
			to->of[to->n++] = when;
		at = end + (or_at ? 2 : 0);
	}
	to->lost = to->lost || !to->n;
}

/* --- blocks ------------------------------------------------------------------------------- */

/* A map of the list says `text` of that. */
static bool has_entry(const struct out *list, const char *key, const char *text)
{
	for (size_t i = 0; i < out_count(list); i++) {
		const struct out *is = out_get(out_at(list, i, NULL), key);
		if (is && strcmp(out_text(is), text) == 0)
			return true;
	}
	return false;
}

static void add_listen(struct coredns *c, const char *scheme, const char *port, const struct node *body)
{
	const struct node *bind = find(c, body, "bind", 0);
	const char *is = !*scheme || strcmp(scheme, "dns://") == 0 ? "" : strcmp(scheme, "tls://") == 0 ? "tls:" : strcmp(scheme, "https://") == 0 ? "https:"
		: strcmp(scheme, "quic://") == 0 ? "quic:" : NULL;

	if (!is) {
		plan_note(c->p, NOTE_LOST, c->path, body ? body->line : 0, "%s", scheme);
		return;
	}
	const char *use = *port ? port : strcmp(is, "tls:") == 0 || strcmp(is, "quic:") == 0 ? "853" : *is ? "443" : "53";
	for (size_t i = 1; i < (bind ? bind->n : 3); i++) {
		const char *address = bind ? word(bind, i) : i == 1 ? "0.0.0.0" : "::";
		struct addr a;
		if (!addr_parse(&a, address)) {
			plan_note(c->p, NOTE_LOST, c->path, bind->line, "bind %s: listens on addresses, not on interfaces", address);
			continue;
		}
		const char *full = strchr(address, ':') ? plan_textf(c->p, "%s[%s]:%s", is, address, use) : plan_textf(c->p, "%s%s:%s", is, address, use);
		if (!plan_has_word(&c->listen, full))
			plan_word(c->p, &c->listen, full);
	}
	const struct node *tls = find(c, body, "tls", 0);
	if (*is && tls && tls->n > 2) {
		const char *cert = file_beside(&c->p->mem, c->path, word(tls, 1));
		struct out *list = out_list(out_map(c->p->conf, "server"), "tls");
		if (has_entry(list, "cert", cert))
			return;
		struct out *one = out_add_map(list);
		out_set(one, "cert", cert);
		out_set(one, "key", file_beside(&c->p->mem, c->path, word(tls, 2)));
	}
}

/* "tls://example.org:5301". */
static void add_block(struct coredns *c, const char *key, const struct node *s, const struct node *body)
{
	const char *scheme = strstr(key, "://"), *zone = scheme ? scheme + 3 : key, *colon = strrchr(zone, ':');
	const struct node *view = find(c, body, "view", 0);
	struct block b = { .body = body, .line = s->line };

	add_listen(c, scheme ? plan_textf(c->p, "%.*s", (int)(zone - key), key) : "", colon ? colon + 1 : "", body);
	zone = plan_lower(c->p, colon ? plan_textf(c->p, "%.*s", (int)(colon - zone), zone) : zone);
	b.zone = *zone ? plan_full_name(c->p, zone, ".") : ".";
	if (view) {
		b.view = word(view, 1);
		const struct node *in = block_of(view);
		struct text expr = { 0 };
		for (const struct node *e = in ? in->first : NULL; e; e = e->next)
			for (size_t i = strcmp(word(e, 0), "expr") == 0 ? 1 : e->n; i < e->n; i++)
				text_addf(&expr, "%s%s", i == 1 && expr.len ? " && " : i > 1 ? " " : "", word(e, i));
		b.expr = plan_textf(c->p, "%s", text_get(&expr));
		text_fini(&expr);
	}
	if (c->n < BLOCKS_MOST)
		c->blocks[c->n++] = b;
	else
		plan_note(c->p, NOTE_LOST, c->path, s->line, "more than %d server blocks", BLOCKS_MOST);
}

static void take_block(struct coredns *c, const struct node *s)
{
	const struct node *body = block_of(s);

	if (!body || *word(s, 0) == '(')
		return;
	for (size_t i = 0; i + 1 < s->n; i++) {
		const char *key = word(s, i);
		while (*key) {
			const size_t len = strcspn(key, ",");
			if (len)
				add_block(c, plan_textf(c->p, "%.*s", (int)len, key), s, body);
			key += len + strspn(key + len, ",");
		}
	}
}

/* --- zones -------------------------------------------------------------------------------- */

static void addresses(struct coredns *c, const struct node *s, size_t from, struct out *entry, const char *key, bool peers)
{
	for (size_t i = from; i < s->n; i++) {
		const char *at = word(s, i);
		if (strcmp(at, "*") == 0) {
			out_set(entry, key, "any");
			return;
		}
		if (!peers) {
			out_add(out_list(entry, key), at);
			continue;
		}
		char *name = plan_textf(c->p, "p-%s", at);
		for (char *ch = name; *ch; ch++)
			if (!isalnum((unsigned char)*ch))
				*ch = '-';
		out_set(out_map(out_map(c->p->conf, "peers"), name), "at", at);
		out_add(out_list(entry, key), name);
	}
}

static void transfers(struct coredns *c, const struct node *body, struct out *entry)
{
	const struct node *s = find(c, body, "transfer", 0), *in = block_of(s);

	for (const struct node *t = in ? in->first : NULL; t; t = t->next)
		if (strcmp(word(t, 0), "to") == 0) {
			addresses(c, t, 1, entry, "transfer", false);
			const char *text = out_text(out_get(entry, "transfer"));
			if (!text)
				addresses(c, t, 1, entry, "notify", true);
		}
}

/* Of a server block, or of a snippet that such ones import. */
static void directives(struct coredns *c, const struct node *body)
{
	static const char *const quiet[] = { "file", "auto", "secondary", "geoip", "view", "transfer", "bind", "tls", "metadata", "errors", "cache", "reload",
		"loadbalance", "import", "log", "health", "ready", "prometheus", "debug", "root", "whoami", "loop", "pprof", "trace", "cancel", "bufsize",
		"minimal", "nsid", "chaos" };

	for (const struct node *s = body->first; s; s = s->next) {
		bool known = false;
		for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
			known = known || strcmp(word(s, 0), quiet[i]) == 0;
		if (strcmp(word(s, 0), "nsid") == 0)
			out_set(out_map(c->p->conf, "server"), "identity", s->n > 1 ? word(s, 1) : "auto");
		else if (strcmp(word(s, 0), "chaos") == 0 && s->n > 1)
			out_set(out_map(c->p->conf, "server"), "version", word(s, 1));
		else if (strcmp(word(s, 0), "minimal") == 0)
			out_set(out_map(c->p->conf, "server"), "minimal-responses", "on");
		if (!known)
			plan_note(c->p, NOTE_LOST, c->path, s->line, "%s", word(s, 0));
	}
	const struct node *geo = find(c, body, "geoip", 0);
	if (geo)
		plan_geoip(c->p, strstr(word(geo, 1), "ASN") ? "asn" : "city", file_beside(&c->p->mem, c->path, word(geo, 1)));
}

/* The file of a block's zone; NULL: it has none. */
static const char *zone_file(struct coredns *c, const struct block *b)
{
	const struct node *s = find(c, b->body, "file", 0), *root = find(c, b->body, "root", 0);
	const char *path = s ? word(s, 1) : NULL;

	if (!path)
		return NULL;
	if (root && *path != '/')
		path = plan_textf(c->p, "%s/%s", word(root, 1), path);
	return file_beside(&c->p->mem, c->path, path);
}

static void put_views(struct coredns *c, struct block *first)
{
	struct rrs_view all[VIEWS_MOST] = { 0 };
	struct alternatives *who = arena_zalloc(&c->p->mem, VIEWS_MOST * sizeof *who);
	struct plan_zone *z = plan_zone(c->p, first->zone, NULL);
	size_t n = 0;

	for (struct block *b = first; b < c->blocks + c->n && n < VIEWS_MOST; b++) {
		const char *path = strcmp(b->zone, first->zone) == 0 && !b->done ? zone_file(c, b) : NULL;
		if (!path)
			continue;
		b->done = true;
		if (b->expr) {
			expression(c, b->expr, &who[n]);
			if (who[n].lost) {
				plan_note(c->p, NOTE_LOST, c->path, b->line, "view %s: expr %s", b->view, b->expr);
				continue;
			}
		}
		all[n] = (struct rrs_view){ b->view ? b->view : "all", .when = who[n].of, .n_when = who[n].n };
		if (rrs_read(c->p, &all[n].rrs, path, first->zone, (struct named_at){ c->path, b->line }))
			n++;
		transfers(c, b->body, z->entry);
	}
	rrs_merge(c->p, z, all, n, (struct named_at){ c->path, first->line });
}

/* What a regular expression of file names is as our pattern: "(.*)" between letters that stand for themselves. NULL: it is more than that. */
static const char *pattern_of(struct coredns *c, const char *regex, const char *origin)
{
	const char *part = strstr(regex, "(.*)");
	char *to = plan_textf(c->p, "%s", regex), *at = to;

	if (!part || strcmp(origin, "{1}") != 0)
		return NULL;
	for (const char *s = regex; *s; s++) {
		if (s == part) {
			*at++ = '*';
			s += 3;
			continue;
		}
		if ((*s == '^' && s == regex) || (*s == '$' && !s[1]))
			continue;
		if (*s == '\\' && s[1])
			s++;
		else if (strchr("^$.|?*+()[]{}\\", *s))
			return NULL;
		*at++ = *s;
	}
	*at = 0;
	return to;
}

/* "directory DIR [REGEXP ORIGIN]": once, for whichever zones it is said. */
static void add_folder(struct coredns *c, const struct block *b, const struct node *s)
{
	const char *dir = file_beside(&c->p->mem, c->path, word(s, 1)), *files = s->n > 2 ? pattern_of(c, word(s, 2), word(s, 3)) : "db.*";

	const struct out *zones = out_list(c->p->conf, "zones");
	for (size_t i = 0; i < out_count(zones); i++) {
		struct out *one = out_at(zones, i, NULL), *is = out_get(one, "dir");
		if (!is || strcmp(out_text(is), dir) != 0)
			continue;
		if (strcmp(out_text(out_get(one, "files")), files ? files : "db.*") != 0)
			plan_note(c->p, NOTE_LOST, c->path, s->line, "auto: the folder %s is there already, with those files that are called %s", dir,
				out_text(out_get(one, "files")));
		else if (!out_get(one, "transfer"))
			transfers(c, b->body, one);
		return;
	}
	struct out *entry = out_add_map(out_list(c->p->conf, "zones"));
	out_set(entry, "dir", dir);
	out_set(entry, "files", files ? files : "db.*");
	if (!files)
		plan_note(c->p, NOTE_SEE, c->path, s->line, "auto: zones are those files of the folder that are called db.ZONE");
	transfers(c, b->body, entry);
}

static void one_zone(struct coredns *c, struct block *b)
{
	const struct node *secondary = find(c, b->body, "secondary", 0);
	const char *path = zone_file(c, b);

	if (find(c, b->body, "auto", 0)) {
		const struct node *in = block_of(find(c, b->body, "auto", 0));
		for (const struct node *s = in ? in->first : NULL; s; s = s->next)
			if (strcmp(word(s, 0), "directory") == 0)
				add_folder(c, b, s);
	} else if (secondary) {
		struct out *entry = plan_zone_plain(c->p, b->zone, NULL)->entry;
		const struct node *in = block_of(secondary);
		for (const struct node *s = in ? in->first : NULL; s; s = s->next)
			if (strcmp(word(s, 0), "transfer") == 0 && strcmp(word(s, 1), "from") == 0)
				addresses(c, s, 2, entry, "primary", true);
		transfers(c, b->body, entry);
	} else if (path) {
		struct rrs all;
		if (!rrs_read(c->p, &all, path, b->zone, (struct named_at){ c->path, b->line }))
			return;
		struct plan_zone *z = plan_zone(c->p, b->zone, NULL);
		rrs_copy_zone(c->p, z, path, (struct named_at){ c->path, b->line });
		transfers(c, b->body, z->entry);
	}
}

bool from_coredns(struct plan *p, char **files, size_t n, struct fault *why)
{
	struct coredns *c = arena_zalloc(&p->mem, sizeof *c);

	c->p = p;
	c->path = files[0];
	if (n > 1)
		return fault(why, "%s: there is one Corefile", files[1]);
	const struct file *f = plan_read_asked(p, files[0], why);
	if (!f)
		return false;
	struct reading r = { files[0], f->text, f->text + f->len, 1, &p->mem, why, 0, 0 };
	c->top = node_read_named(&r, true);
	if (!c->top)
		return false;
	out_list(out_map(p->conf, "server"), "listen");
	out_set(out_map(p->conf, "control"), "socket", "control.sock");
	for (const struct node *s = c->top->first; s; s = s->next)
		take_block(c, s);
	for (size_t i = 0; i < c->n; i++)
		if (!i || c->blocks[i].body != c->blocks[i - 1].body)
			directives(c, c->blocks[i].body);
	for (const struct node *t = c->top->first; t; t = t->next)
		if (*word(t, 0) == '(' && block_of(t))
			directives(c, block_of(t));
	for (size_t i = 0; i < c->n; i++) {
		bool more = false;
		for (size_t k = 0; k < c->n; k++)
			more = more || (strcmp(c->blocks[k].zone, c->blocks[i].zone) == 0 && c->blocks[k].view);
		if (!c->blocks[i].done && more)
			put_views(c, &c->blocks[i]);
		else if (!c->blocks[i].done)
			one_zone(c, &c->blocks[i]);
	}
	for (size_t i = 0; i < c->listen.n; i++)
		out_add(out_get(out_map(p->conf, "server"), "listen"), c->listen.of[i]);
	if (!out_get(p->conf, "zones"))
		return fault(why, "%s: no zone could be taken\n%s", c->path, text_get(&p->notes));
	return true;
}
