/* from_powerdns.c - PowerDNS: pdns.conf, zones with LUA records, the geoip backend's YAML.
 */
#include "import/from_powerdns.h"

#include "base/addr.h"
#include "import/import_run.h"
#include "import/import_lines.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- zones -------------------------------------------------------------------------------- */

/* LUA records of one name: there may be one for A and one for AAAA. */
struct lua_name {
	const char *owner;
	struct variant of[2], other; /* A, AAAA, any other type */
	const char *other_type;
	uint32_t ttl_s;
	unsigned line;
	struct lua_name *next;
};

struct lua_zone {
	struct plan *p;
	const char *path;
	struct plan_zone *z;
	const char *origin, *owner;
	uint32_t ttl_s; /* $TTL */
	struct lua_name *names, *last;
};

static uint32_t ttl_of(const char *text, size_t len)
{
	uint64_t all = 0, n = 0;

	for (size_t i = 0; i < len; i++) {
		const char c = (char)tolower((unsigned char)text[i]);
		if (isdigit((unsigned char)c)) {
			n = n * 10 + (unsigned)(c - '0');
			n = n > UINT32_MAX ? UINT32_MAX : n;
			continue;
		}
		all += n * (c == 'w' ? 604800u : c == 'd' ? 86400u : c == 'h' ? 3600u : c == 'm' ? 60u : 1u);
		n = 0;
	}
	all += n;
	return all > INT32_MAX ? INT32_MAX : (uint32_t)all;
}

static struct lua_name *name_at(struct lua_zone *z, const char *owner)
{
	for (struct lua_name *n = z->names; n; n = n->next)
		if (strcasecmp(n->owner, owner) == 0)
			return n;
	struct lua_name *n = arena_zalloc(&z->p->mem, sizeof *n);
	n->owner = owner;
	*(z->last ? &z->last->next : &z->names) = n;
	z->last = n;
	return n;
}

static void lua_record(struct lua_zone *z, const struct lines *in, size_t type, uint32_t ttl_s)
{
	struct plan *p = z->p;
	const char *answers = type + 1 < in->n ? plan_textf(p, "%.*s", (int)in->words[type + 1].len, in->words[type + 1].at) : "";
	struct text code = { 0 };
	struct variant v;

	for (size_t i = type + 2; i < in->n; i++) {
		const struct lines_word *w = &in->words[i];
		for (size_t k = w->quoted; k + (w->quoted ? 1 : 0) < w->len; k++) {
			if (w->at[k] == '\\' && k + 1 < w->len)
				k++;
			text_add_char(&code, w->at[k]);
		}
	}
	const size_t len = strlen(z->owner), tail = strlen(z->z->name);
	struct powerdns_lua lua = { p, z->path, in->raw_line, answers,
		len > tail ? plan_textf(p, "%.*s", (int)(len - tail - 1), z->owner) : z->z->name, z->z->name };
	if (powerdns_lua(&lua, text_get(&code), &v)) {
		struct lua_name *n = name_at(z, z->owner);
		struct variant *to = strcasecmp(answers, "A") == 0 ? &n->of[0] : strcasecmp(answers, "AAAA") == 0 ? &n->of[1] : &n->other;
		if (to->edge)
			plan_note(p, NOTE_LOST, z->path, in->raw_line, "a second LUA record of this name and type");
		else
			*to = v;
		n->ttl_s = ttl_s;
		n->line = in->raw_line;
	}
	text_fini(&code);
}

static const char *pool_of(struct lua_zone *z, const struct variant *v, const char *hint)
{
	const char *name;

	if (v->is_pool)
		return v->edge;
	struct out *pool = plan_pool(z->p, hint, &name);
	plan_member(pool, v->edge, false);
	out_set(pool, "policy", "ordered");
	return name;
}

/* A name has one EDGE: where it has several LUA records a pool goes by the type. */
static void put_name(struct lua_zone *z, const struct lua_name *n)
{
	const char *hint = plan_textf(z->p, "%.*s", (int)strlen(n->owner) - 1, n->owner), *name;
	const struct variant *one = n->of[0].edge ? &n->of[0] : n->of[1].edge ? &n->of[1] : &n->other;

	if (n->other.edge && one != &n->other)
		plan_note(z->p, NOTE_LOST, z->path, n->line, "%s: LUA records of other types beside A and AAAA", n->owner);
	if (n->of[0].edge && n->of[1].edge) {
		struct variant both[2] = { n->of[0], n->of[1] };
		both[0].when = plan_when(z->p, NULL, "type", "A");
		both[1].when = plan_when(z->p, NULL, "type", "AAAA");
		name = plan_rules(z->p, hint, both, 2, &n->of[0]);
	} else {
		name = pool_of(z, one, hint);
	}
	plan_record(z->z, n->owner, n->ttl_s, "EDGE", name);
}

/* "ALIAS NAME": the addresses of that name, beside what else there is. */
static void alias_record(struct lua_zone *z, const struct lines *in, size_t type, uint32_t ttl_s)
{
	const struct lines_word *w = in->words;
	struct answer to = { .cname = NULL };
	const char *pool, *hint = plan_textf(z->p, "%.*s", (int)strcspn(z->owner, "."), z->owner);

	if (type + 1 >= in->n || w[type + 1].quoted || (w[type + 1].len == 1 && *w[type + 1].at == '.')) {
		plan_note(z->p, NOTE_LOST, z->path, in->raw_line, "ALIAS: whose addresses they are is not said");
		return;
	}
	const char *name = plan_full_name(z->p, plan_textf(z->p, "%.*s", (int)w[type + 1].len, w[type + 1].at), z->origin);
	to.flatten = plan_textf(z->p, "%.*s", (int)strlen(name) - 1, name);
	const char *edge = plan_edge(z->p, hint, &to);
	struct out *made = plan_pool(z->p, hint, &pool);
	plan_member(made, edge, false);
	out_set(made, "policy", "ordered");
	plan_record(z->z, z->owner, ttl_s, "EDGE", pool);
}

static void directive(struct lua_zone *z, const struct lines *in)
{
	const struct lines_word *w = in->words;

	if (in->n > 1 && lines_is(&w[0], "$ORIGIN"))
		z->origin = plan_full_name(z->p, plan_lower(z->p, plan_textf(z->p, "%.*s", (int)w[1].len, w[1].at)), z->origin);
	if (in->n > 1 && lines_is(&w[0], "$TTL"))
		z->ttl_s = ttl_of(w[1].at, w[1].len);
}

void powerdns_zone(struct plan *p, const char *path, const struct file *f, const char *name)
{
	struct lua_zone z = { .p = p, .path = path, .ttl_s = 3600 };
	struct lines *in = arena_zalloc(&p->mem, sizeof *in);

	z.z = plan_zone(p, name, NULL);
	z.origin = z.owner = z.z->name;
	lines_init(in, f->text, f->len);
	while (lines_next(in)) {
		const struct lines_word *w = in->words;
		size_t type = in->owner;
		uint32_t ttl_s = z.ttl_s;
		if (in->n && *w[0].at == '$')
			directive(&z, in);
		else if (in->n && in->owner)
			z.owner = plan_full_name(p, plan_lower(p, plan_textf(p, "%.*s", (int)w[0].len, w[0].at)), z.origin);
		for (; type < in->n && type < 3 && (isdigit((unsigned char)*w[type].at) || lines_is(&w[type], "IN")); type++)
			if (!lines_is(&w[type], "IN"))
				ttl_s = ttl_of(w[type].at, w[type].len);
		if (type < in->n && lines_is(&w[type], "LUA")) {
			lua_record(&z, in, type, ttl_s);
		} else if (type < in->n && lines_is(&w[type], "ALIAS")) {
			alias_record(&z, in, type, ttl_s);
		} else {
			text_add_bytes(&z.z->text, in->raw, in->raw_len);
			text_add_char(&z.z->text, '\n');
		}
	}
	for (const struct lua_name *n = z.names; n; n = n->next)
		put_name(&z, n);
}

/* --- pdns.conf ---------------------------------------------------------------------------- */

struct settings {
	struct plan *p;
	const char *path;
	struct fault *why;
	struct words addresses;
	const char *port;
	bool included; /* by another */
};

static void geoip_files(struct settings *s, const char *value, unsigned line)
{
	while (*value) {
		const size_t len = strcspn(value, ", ");
		const char *path = plan_textf(s->p, "%.*s", (int)len, value);
		if (strncmp(path, "mmdb:", 5) == 0)
			path += 5;
		value += len + strspn(value + len, ", ");
		if (len < 5 || !strstr(path, ".mmdb"))
			plan_note(s->p, NOTE_LOST, s->path, line, "%s: not in MaxMind's format", path);
		else
			plan_geoip(s->p, strstr(path, "ASN") ? "asn" : "city", path);
	}
}

/* Its zones may have LUA records, which BIND's reader does not know: names and files are taken. */
static void zones_of_named(struct settings *s, const char *path)
{
	const struct file *f = plan_read(s->p, path, s->path, 0);

	if (!f)
		return;
	struct reading r = { path, f->text, f->text + f->len, 1, &s->p->mem, s->why, 0, 0 };
	const struct node *all = node_read_named(&r, false);
	for (const struct node *one = all ? all->first : NULL; one; one = one->next) {
		const char *word = node_string(node_at(one, 0)), *name = node_string(node_at(one, 1)), *file = NULL;
		const struct node *body = one->n > 2 ? node_at(one, one->n - 1) : NULL;
		if (!word || strcasecmp(word, "zone") != 0 || !name)
			continue;
		for (const struct node *b = body && body->kind == NODE_LIST ? body->first : NULL; b; b = b->next)
			if (node_string(node_at(b, 0)) && strcasecmp(node_string(node_at(b, 0)), "file") == 0)
				file = node_string(node_at(b, 1));
		const char *at = file ? file_beside(&s->p->mem, path, file) : NULL;
		const struct file *zone = at ? plan_read(s->p, at, path, one->line) : NULL;
		if (zone)
			powerdns_zone(s->p, at, zone, name);
	}
}

static int is_conf(const struct dirent *d)
{
	const size_t n = strlen(d->d_name);

	return *d->d_name != '.' && n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

static void read_settings(struct settings *s, const struct file *f);

/* All "*.conf" of a folder, in their order; one in it has no folder itself. */
static void include_folder(struct settings *s, const char *folder, unsigned line)
{
	const char *from = s->path;
	struct dirent **of = NULL;
	const int n = s->included ? 0 : scandir(folder, &of, is_conf, alphasort);

	if (n < 0)
		plan_note(s->p, NOTE_LOST, from, line, "include-dir: %s cannot be read", folder);
	for (int i = 0; i < n; i++) {
		const char *path = plan_textf(s->p, "%s/%s", folder, of[i]->d_name);
		const struct file *f = plan_read(s->p, path, from, line);
		s->path = path;
		s->included = true;
		if (f)
			read_settings(s, f);
		s->included = false;
		s->path = from;
		free(of[i]);
	}
	free(of);
}

static void setting(struct settings *s, const char *key, const char *value, unsigned line)
{
	static const char *const quiet[] = { "launch", "setuid", "setgid", "daemon", "guardian", "config-dir", "socket-dir",
		"enable-lua-records", "security-poll-suffix", "geoip-dnssec-keydir", "loglevel", "log-dns-queries", "log-dns-details", "cache-ttl",
		"query-cache-ttl", "negquery-cache-ttl", "zone-cache-refresh-interval", "consistent-backends", "disable-syslog", "write-pid",
		"bind-check-interval", "lua-health-checks-interval", "lua-health-checks-expire-delay" };
	struct out *server = out_map(s->p->conf, "server");

	for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
		if (strcmp(key, quiet[i]) == 0)
			return;
	if (strcmp(key, "local-address") == 0 || strcmp(key, "local-ipv6") == 0) {
		while (*value) {
			const size_t len = strcspn(value, ", ");
			plan_word(s->p, &s->addresses, plan_textf(s->p, "%.*s", (int)len, value));
			value += len + strspn(value + len, ", ");
		}
	} else if (strcmp(key, "include-dir") == 0) {
		include_folder(s, file_beside(&s->p->mem, s->path, value), line);
	} else if (strcmp(key, "local-port") == 0) {
		s->port = plan_textf(s->p, "%s", value);
	} else if (strcmp(key, "geoip-database-files") == 0 || strcmp(key, "geoip-database-file") == 0) {
		geoip_files(s, value, line);
	} else if (strcmp(key, "geoip-zones-file") == 0) {
		const char *path = file_beside(&s->p->mem, s->path, value);
		const struct file *f = plan_read(s->p, path, s->path, line);
		if (f)
			powerdns_geoip(s->p, path, f);
	} else if (strcmp(key, "bind-config") == 0) {
		zones_of_named(s, file_beside(&s->p->mem, s->path, value));
	} else if (strcmp(key, "edns-subnet-processing") == 0) {
		out_set(server, "ecs", strcmp(value, "no") == 0 ? "off" : "on");
	} else if (strcmp(key, "version-string") == 0) {
		if (strcmp(value, "full") != 0 && strcmp(value, "powerdns") != 0)
			out_set(server, "version", strcmp(value, "anonymous") == 0 ? "off" : value);
	} else if (strcmp(key, "server-id") == 0) {
		out_set(server, "identity", strcmp(value, "disabled") == 0 ? "off" : value);
	} else {
		plan_note(s->p, NOTE_LOST, s->path, line, "%s", key);
	}
}

static void read_settings(struct settings *s, const struct file *f)
{
	unsigned line = 0;

	for (const char *at = f->text, *end; at < f->text + f->len; at = end + 1) {
		end = memchr(at, '\n', (size_t)(f->text + f->len - at));
		end = end ? end : f->text + f->len;
		line++;
		const char *is = memchr(at, '=', (size_t)(end - at)), *stop = end;
		while (at < end && isspace((unsigned char)*at))
			at++;
		if (at == end || *at == '#' || !is)
			continue;
		const char *key_end = is > at && is[-1] == '+' ? is - 1 : is;
		while (key_end > at && isspace((unsigned char)key_end[-1]))
			key_end--;
		for (is++; is < end && isspace((unsigned char)*is);)
			is++;
		while (stop > is && isspace((unsigned char)stop[-1]))
			stop--;
		setting(s, plan_textf(s->p, "%.*s", (int)(key_end - at), at), plan_textf(s->p, "%.*s", (int)(stop - is), is), line);
	}
}

static bool ends_in(const char *path, const char *tail)
{
	const size_t len = strlen(path), n = strlen(tail);

	return len >= n && strcasecmp(path + len - n, tail) == 0;
}

/* The owner of its SOA, where that is told whole. NULL: it is not. */
static const char *soa_owner(struct plan *p, const struct file *f)
{
	struct lines *in = arena_zalloc(&p->mem, sizeof *in);
	const char *origin = NULL;

	lines_init(in, f->text, f->len);
	while (lines_next(in)) {
		const struct lines_word *w = in->words;
		if (in->n > 1 && lines_is(&w[0], "$ORIGIN"))
			origin = plan_textf(p, "%.*s", (int)w[1].len, w[1].at);
		size_t type = in->owner;
		while (type < in->n && (isdigit((unsigned char)*w[type].at) || lines_is(&w[type], "IN")))
			type++;
		if (type == in->n || !lines_is(&w[type], "SOA"))
			continue;
		const bool own = in->owner && !lines_is(&w[0], "@");
		const char *name = own ? plan_textf(p, "%.*s", (int)w[0].len, w[0].at) : origin;
		return name && *name && name[strlen(name) - 1] == '.' ? name : NULL;
	}
	return NULL;
}

enum kind { KIND_ZONE, KIND_SETTINGS, KIND_GEOIP };

/* By the first line that says something, whatever the file is called; of one without any by its name. */
static enum kind kind_of(const struct file *f, const char *path)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	const char *at = f->text, *end = f->text + f->len;

	for (; at < end; at++) {
		const char *line = at, *stop = memchr(at, '\n', (size_t)(end - at));
		at = stop ? stop : end;
		while (line < at && isspace((unsigned char)*line))
			line++;
		if (line == at || *line == '#' || *line == ';')
			continue;
		size_t n = 0;
		while (line + n < at && strchr(word, line[n]))
			n++;
		if (line + n == at) /* a setting without a value */
			continue;
		size_t is = n;
		while (line + is < at && (line[is] == ' ' || line[is] == '+'))
			is++;
		if (n && line + is < at && line[is] == '=')
			return KIND_SETTINGS;
		if ((n && line + n < at && line[n] == ':') || (at - line >= 3 && strncmp(line, "---", 3) == 0))
			return KIND_GEOIP;
		return KIND_ZONE;
	}
	return ends_in(path, ".conf") ? KIND_SETTINGS : ends_in(path, ".yaml") || ends_in(path, ".yml") ? KIND_GEOIP : KIND_ZONE;
}

/* By its SOA, or by its name: example.org.zone, or db.example.org. */
static const char *zone_name(struct plan *p, const char *path, const struct file *f)
{
	const char *owner = soa_owner(p, f);

	if (owner)
		return owner;
	static const char *const tails[] = { ".zone", ".db", ".txt" };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	name += strncmp(name, "db.", 3) == 0 ? 3 : 0;
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
		if (ends_in(name, tails[i]) && strlen(name) > strlen(tails[i]))
			return plan_textf(p, "%.*s", (int)(strlen(name) - strlen(tails[i])), name);
	return name;
}

static void put_listen(struct settings *s)
{
	struct out *list = out_list(out_map(s->p->conf, "server"), "listen");
	const char *port = s->port ? s->port : "53";
	struct addr a;

	if (!s->addresses.n) {
		plan_word(s->p, &s->addresses, "0.0.0.0");
		plan_word(s->p, &s->addresses, "::");
	}
	for (size_t i = 0; i < s->addresses.n; i++) {
		const char *at = s->addresses.of[i];
		if (addr_parse(&a, at))
			out_add(list, strchr(at, ':') ? plan_textf(s->p, "[%s]:%s", at, port) : plan_textf(s->p, "%s:%s", at, port));
		else
			out_add(list, at);
	}
}

bool from_powerdns(struct plan *p, char **files, size_t n, struct fault *why)
{
	struct settings s = { .p = p, .why = why };

	out_list(out_map(p->conf, "server"), "listen");
	out_set(out_map(p->conf, "control"), "socket", "control.sock");
	for (size_t i = 0; i < n; i++) {
		const struct file *f = plan_read_asked(p, files[i], why);
		if (!f)
			return false;
		s.path = files[i];
		switch (kind_of(f, files[i])) {
		case KIND_SETTINGS: read_settings(&s, f); break;
		case KIND_GEOIP: powerdns_geoip(p, files[i], f); break;
		case KIND_ZONE: powerdns_zone(p, files[i], f, zone_name(p, files[i], f)); break;
		}
	}
	put_listen(&s);
	if (!out_get(p->conf, "zones"))
		return fault(why, "%s: no zone could be taken\n%s", files[0], text_get(&p->notes));
	return true;
}
