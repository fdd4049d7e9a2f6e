#include "import/import_plan.h"

#include "base/addr.h"
#include "dns/edns.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { READ_MOST = 256 << 20, NAMES = 4096 };

struct plan_read {
	struct file file;
	struct plan_read *next;
};

void plan_init(struct plan *p)
{
	memset(p, 0, sizeof *p);
	p->conf = out_new(&p->mem);
}

void plan_fini(struct plan *p)
{
	for (struct plan_read *r = p->reads; r; r = r->next)
		file_free(&r->file);
	for (struct plan_zone *z = p->zones; z; z = z->next)
		text_fini(&z->text);
	text_fini(&p->notes);
	arena_fini(&p->mem);
}

char *plan_textf(struct plan *p, const char *fmt, ...)
{
	struct text text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	text_addv(&text, fmt, ap);
	va_end(ap);
	char *s = arena_strdup(&p->mem, text_get(&text));
	text_fini(&text);
	return s;
}

char *plan_lower(struct plan *p, const char *s)
{
	char *low = arena_strdup(&p->mem, s);

	for (char *c = low; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return low;
}

void plan_key(struct plan *p, const char *file, unsigned line, const char *name, const char *algorithm, const char *secret)
{
	struct out *key = out_map(out_map(p->conf, "keys"), name);
	const bool weak = !*algorithm || strncasecmp(algorithm, "hmac-md5", 8) == 0;

	out_set(key, "algorithm", weak ? "hmac-md5" : algorithm);
	out_set(key, "secret", secret);
	if (!weak)
		return;
	out_set(key, "md5", "on");
	plan_note(p, NOTE_SEE, file, line, "key %s: hmac-md5 is weak; take hmac-sha256 where the other side knows it", name);
}

bool plan_has_word(const struct words *w, const char *s)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->of[i], s) == 0)
			return true;
	return false;
}

void plan_word(struct plan *p, struct words *w, const char *s)
{
	if (w->n == w->room) {
		const size_t room = w->room ? 2 * w->room : 4;
		const char **wider = arena_alloc(&p->mem, room * sizeof *wider);
		if (w->n)
			memcpy(wider, w->of, w->n * sizeof *wider);
		w->of = wider;
		w->room = room;
	}
	w->of[w->n++] = arena_strdup(&p->mem, s);
}

/* --- the report --------------------------------------------------------------------------- */

void plan_note(struct plan *p, enum note kind, const char *file, unsigned line, const char *fmt, ...)
{
	static const char *const words[] = { [NOTE_LOST] = "not said", [NOTE_DIFFERS] = "differs", [NOTE_SEE] = "look" };
	unsigned *count = kind == NOTE_LOST ? &p->lost : kind == NOTE_DIFFERS ? &p->differs : &p->see;
	va_list ap;

	++*count;
	if (line)
		text_addf(&p->notes, "%s:%u: %s: ", file, line, words[kind]);
	else
		text_addf(&p->notes, "%s: %s: ", file, words[kind]);
	va_start(ap, fmt);
	text_addv(&p->notes, fmt, ap);
	va_end(ap);
	text_add_char(&p->notes, '\n');
}

struct plan_words {
	struct known {
		const char *what;
		const struct known *next;
	} *of[NAMES];
};

static unsigned hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h % NAMES;
}

bool plan_is_new(struct plan *p, const char *what)
{
	if (!p->known)
		p->known = arena_zalloc(&p->mem, sizeof *p->known);
	struct known **first = &p->known->of[hash(what)];
	for (const struct known *k = *first; k; k = k->next)
		if (strcmp(k->what, what) == 0)
			return false;
	struct known *k = arena_alloc(&p->mem, sizeof *k);
	*k = (struct known){ arena_strdup(&p->mem, what), *first };
	*first = k;
	return true;
}

const struct file *plan_read_asked(struct plan *p, const char *path, struct fault *why)
{
	struct plan_read *r = arena_zalloc(&p->mem, sizeof *r);

	if (!file_read(&r->file, path, READ_MOST, why))
		return NULL;
	r->next = p->reads;
	p->reads = r;
	return &r->file;
}

const struct file *plan_read(struct plan *p, const char *path, const char *from, unsigned line)
{
	struct fault why;
	const struct file *f = plan_read_asked(p, path, &why);

	if (!f)
		plan_note(p, NOTE_LOST, from ? from : path, from ? line : 0, "%s", why.text);
	return f;
}

struct node *plan_yaml(struct plan *p, const char *path, const struct file *f)
{
	struct faults faults;
	struct fault_view one;

	faults_init(&faults);
	const struct parse_source src = { .path = path, .text = f->text, .text_end = f->text + f->len, .faults = &faults };
	struct node *top = parse_tree(&src, &p->mem);
	for (const char *at = NULL; (at = faults_view(&faults, at, &one));)
		plan_note(p, NOTE_LOST, path, one.line, "%.*s", (int)one.say_len, one.say);
	faults_fini(&faults);
	return top;
}

/* --- names -------------------------------------------------------------------------------- */

struct name_link {
	char *name, *signature; /* of an edge: what it is answered with; "" of a pool */
	const struct name_link *by_name, *by_signature;
	struct name_link *before; /* taken before this one */
};

struct plan_names {
	const struct name_link *by_name[NAMES], *by_signature[NAMES];
	struct name_link *last;
	unsigned long next; /* counts names that had to be made unlike others */
};

static struct plan_names *names_of(struct plan *p)
{
	if (!p->names)
		p->names = arena_zalloc(&p->mem, sizeof(struct plan_names));
	return p->names;
}

static bool is_taken(struct plan_names *all, const char *name)
{
	const struct name_link *l = all->by_name[hash(name)];

	while (l && strcmp(l->name, name) != 0)
		l = l->by_name;
	return l != NULL;
}

static char *take_name(struct plan *p, const char *hint, const char *signature)
{
	struct plan_names *all = names_of(p);
	struct name_link *l = arena_zalloc(&p->mem, sizeof *l);
	char *base = plan_textf(p, "%s%.180s", isalnum((unsigned char)*hint) ? "" : "x", hint), *name = base;

	for (char *c = base; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			*c = '-';
	for (size_t len = strlen(base); len > 1 && strchr("-.", base[len - 1]); len--)
		base[len - 1] = 0;
	for (unsigned i = 2; is_taken(all, name); i++)
		name = plan_textf(p, "%s-%u", base, i < 50 ? i : (unsigned)++all->next + 50);
	l->name = name;
	l->signature = arena_strdup(&p->mem, signature);
	l->by_name = all->by_name[hash(name)];
	all->by_name[hash(name)] = l;
	l->by_signature = all->by_signature[hash(signature)];
	all->by_signature[hash(signature)] = l;
	l->before = all->last;
	all->last = l;
	return name;
}

struct plan_mark plan_mark(struct plan *p)
{
	return (struct plan_mark){ names_of(p)->last, out_count(out_get(p->conf, "edges")), out_count(out_get(p->conf, "pools")) };
}

void plan_back(struct plan *p, struct plan_mark to)
{
	struct plan_names *all = names_of(p);
	struct out *edges = out_get(p->conf, "edges"), *pools = out_get(p->conf, "pools");

	/* The last that came is the first of its chains. */
	for (; all->last != to.last; all->last = all->last->before) {
		all->by_name[hash(all->last->name)] = all->last->by_name;
		all->by_signature[hash(all->last->signature)] = all->last->by_signature;
	}
	if (edges)
		out_cut(edges, to.edges);
	if (pools)
		out_cut(pools, to.pools);
}

char *plan_name(struct plan *p, const char *hint)
{
	return take_name(p, hint, "");
}

/* --- edges -------------------------------------------------------------------------------- */

bool plan_answer_is_empty(const struct answer *a)
{
	return !a->a.n && !a->aaaa.n && !a->records.n && !a->cname && !a->flatten;
}

void plan_answer(struct plan *p, struct answer *to, const char *type, const char *data)
{
	struct words *list = strcasecmp(type, "A") == 0 ? &to->a : strcasecmp(type, "AAAA") == 0 ? &to->aaaa : &to->records;

	if (strcasecmp(type, "CNAME") == 0) {
		to->cname = arena_strdup(&p->mem, data);
		return;
	}
	char *s = list == &to->records ? plan_textf(p, "%s %s", type, data) : plan_textf(p, "%s", data);
	for (char *c = s; list == &to->records && *c && *c != ' '; c++)
		*c = (char)toupper((unsigned char)*c);
	if (!plan_has_word(list, s))
		plan_word(p, list, s);
}

static void sign_words(struct text *to, const char *key, const struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		text_addf(to, "%s=%s\n", key, w->of[i]);
}

static void put_words(struct out *edge, const char *key, const struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		out_add(out_list(edge, key), w->of[i]);
}

static const char *edge_like(struct plan *p, const char *signature)
{
	const struct name_link *l = names_of(p)->by_signature[hash(signature)];

	while (l && strcmp(l->signature, signature) != 0)
		l = l->by_signature;
	return l ? l->name : NULL;
}

const char *plan_edge(struct plan *p, const char *hint, const struct answer *what)
{
	struct text sign = { 0 };

	if (plan_answer_is_empty(what))
		return NULL;
	sign_words(&sign, "a", &what->a);
	sign_words(&sign, "aaaa", &what->aaaa);
	sign_words(&sign, "rr", &what->records);
	text_addf(&sign, "%s\n%s\n%s\n%s\n%s", what->flatten ? what->flatten : "", what->cname ? what->cname : "", what->at ? what->at : "",
		what->probe ? what->probe : "", what->probe_address ? what->probe_address : "");
	const char *name = edge_like(p, text_get(&sign));
	if (!name) {
		name = take_name(p, hint, text_get(&sign));
		struct out *edge = out_map(out_map(p->conf, "edges"), name);
		if (what->at)
			out_set(edge, "at", what->at);
		put_words(edge, "a", &what->a);
		put_words(edge, "aaaa", &what->aaaa);
		if (what->cname)
			out_set(edge, "cname", what->cname);
		if (what->flatten)
			out_set(edge, "flatten", what->flatten);
		put_words(edge, "records", &what->records);
		if (what->probe)
			out_set(edge, "probe", what->probe);
		if (what->probe_address)
			out_set(edge, "probe-address", what->probe_address);
	}
	text_fini(&sign);
	return name;
}

/* --- pools -------------------------------------------------------------------------------- */

struct out *plan_pool(struct plan *p, const char *hint, const char **name)
{
	*name = plan_name(p, hint);
	return out_map(out_map(p->conf, "pools"), *name);
}

void plan_member(struct out *pool, const char *name, bool is_pool)
{
	struct out *list = out_list(pool, "edges"), *at;

	for (size_t i = 0; (at = out_at(list, i, NULL)); i++) {
		const char *is = out_text(at) ? out_text(at) : out_text(out_get(at, is_pool ? "pool" : "edge"));
		if (is && strcmp(is, name) == 0)
			return;
	}
	if (is_pool)
		out_set(out_add_map(list), "pool", name);
	else
		out_add(list, name);
}

struct out *plan_when(struct plan *p, struct out *when, const char *key, const char *value)
{
	when = when ? when : out_new(&p->mem);
	out_add(out_list(when, key), value);
	return when;
}

static void copy_conditions(struct out *to, const struct out *from)
{
	const char *key;
	struct out *list, *value;

	for (size_t i = 0; (list = out_at(from, i, &key)); i++)
		for (size_t k = 0; (value = out_at(list, k, NULL)); k++)
			out_add(out_list(to, key), out_text(value));
}

static void write_rule(struct plan *p, struct out *pool, const struct variant *v)
{
	struct out *rule = out_add_map(out_list(pool, "pin"));

	if (v->when) {
		copy_conditions(rule, v->when);
		static const char *const places[] = { "asn", "city", "region", "country", "continent" };
		for (size_t i = 0; i < sizeof places / sizeof *places; i++)
			if (out_get(v->when, places[i]))
				plan_geoip(p, i == 0 ? "asn" : "city", NULL);
	}
	if (v->fails)
		copy_conditions(out_map(rule, "not"), v->fails);
	out_set(rule, "to", v->edge ? v->edge : "nobody");
	if (v->edge && !v->falls)
		out_set(rule, "only", "on");
}

const char *plan_rules(
	struct plan *p, const char *hint, const struct variant *v, size_t n, const struct variant *fallback)
{
	const char *name, *first = fallback ? fallback->edge : NULL;
	bool any = first != NULL;

	for (size_t i = 0; i < n && !any; i++)
		any = v[i].edge != NULL;
	if (!any)
		return NULL;
	struct out *pool = plan_pool(p, hint, &name);
	out_list(pool, "edges");
	if (first)
		plan_member(pool, first, fallback->is_pool);
	for (size_t i = 0; i < n; i++) {
		/* A pin may name a pool that is no member. */
		if (v[i].edge && !v[i].is_pool)
			plan_member(pool, v[i].edge, false);
		write_rule(p, pool, &v[i]);
	}
	for (size_t i = 0; i < n && !out_count(out_get(pool, "edges")); i++)
		if (v[i].edge)
			plan_member(pool, v[i].edge, true);
	/* The last rule is for everybody, so that no policy decides. */
	out_set(pool, "policy", "round-robin");
	write_rule(p, pool, &(struct variant){ .edge = first, .falls = first && fallback->falls });
	return name;
}

void plan_place_pool(struct plan *p, const char *name, const char *at, unsigned deep)
{
	struct out *edges = out_get(p->conf, "edges"), *pool = out_get(out_map(p->conf, "pools"), name), *member;

	for (size_t i = 0; pool && deep < 8 && (member = out_at(out_get(pool, "edges"), i, NULL)); i++) {
		const char *inner = out_text(member) ? NULL : out_text(out_get(member, "pool"));
		const char *own = out_text(member) ? out_text(member) : out_text(out_get(member, "edge"));
		struct out *edge = own && edges ? out_get(edges, own) : NULL;
		if (inner)
			plan_place_pool(p, inner, at, deep + 1);
		if (edge && !out_get(edge, "at"))
			out_set(edge, "at", at);
	}
}

void plan_edns_size(struct plan *p, struct plan_at at, const char *value, unsigned families)
{
	const unsigned long size = strtoul(value, NULL, 10);
	struct out *server = out_map(p->conf, "server");

	if (size > EDNS_PAYLOAD)
		plan_note(p, NOTE_DIFFERS, at.file, at.line, "%s %s: packets are never larger here than %d bytes", at.word, value, EDNS_PAYLOAD);
	for (unsigned v6 = 0; v6 < 2 && size <= EDNS_PAYLOAD; v6++)
		if (families & 1u << v6)
			out_setf(server, v6 ? "edns-size-ipv6" : "edns-size-ipv4", "%lu", size < EDNS_PAYLOAD_LEAST ? EDNS_PAYLOAD_LEAST : size);
}

void plan_geoip(struct plan *p, const char *kind, const char *file)
{
	struct out *geo = out_map(out_map(p->conf, "geoip"), kind);

	if (file)
		out_set(geo, "file", file);
	else if (!out_get(geo, "file"))
		out_set(geo, "file", strcmp(kind, "asn") == 0 ? "asn.mmdb" : "city.mmdb");
}
