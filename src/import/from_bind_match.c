/* from_bind_match.c - who is who in named.conf: address match lists, keys, other servers.
 */
#include "import/from_bind.h"

#include "base/addr.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { DEEP_MOST = 16 };

const struct node *bind_find(const struct node *statements, const char *word)
{
	const struct node *s = statements ? statements->first : NULL;

	while (s && strcasecmp(bind_word(s, 0), word) != 0)
		s = s->next;
	return s;
}

const struct node *bind_block(const struct node *s)
{
	const struct node *block = NULL;

	for (const struct node *n = s ? s->first : NULL; n; n = n->next)
		if (n->kind == NODE_LIST)
			block = n;
	return block;
}

const char *bind_word(const struct node *s, size_t i)
{
	const char *text = s ? node_string(node_at(s, i)) : NULL;

	return text ? text : "";
}

const char *bind_path(struct bind *b, const char *path)
{
	if (*path == '/')
		return path;
	if (b->folder)
		return plan_textf(b->p, "%s/%s", b->folder, path);
	return file_beside(&b->p->mem, b->file, path);
}

const char *bind_key_name(struct bind *b, const char *name)
{
	const char *low = plan_lower(b->p, name);
	const size_t len = strlen(low);

	return len > 1 && low[len - 1] == '.' ? plan_textf(b->p, "%.*s", (int)len - 1, low) : low;
}

const struct bind_top *bind_top_named(const struct bind *b, const char *word, const char *name)
{
	for (const struct bind_top *t = b->top; t; t = t->next)
		if (strcasecmp(bind_word(t->s, 0), word) == 0 && strcasecmp(bind_word(t->s, 1), name) == 0)
			return t;
	return NULL;
}

/* "geoip [db NAME] FIELD VALUE": a condition, or NULL and told. */
static struct out *geo_condition(struct bind *b, const struct node *s, size_t at)
{
	static const struct { const char *field, *key; } rows[] = { { "country", "country" }, { "continent", "continent" },
		{ "region", "region" }, { "subdivision", "region" }, { "city", "city" }, { "asnum", "asn" } };
	const char *value;

	if (strcasecmp(bind_word(s, at), "db") == 0)
		at += 2;
	const char *field = bind_word(s, at);
	value = bind_word(s, at + 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcasecmp(field, rows[i].field) != 0 || !*value)
			continue;
		if (strcmp(rows[i].key, "asn") == 0) {
			value += strncasecmp(value, "AS", 2) == 0 ? 2 : 0;
			value = plan_textf(b->p, "%.*s", (int)strspn(value, "0123456789"), value);
		} else if (strcmp(rows[i].key, "region") == 0) {
			plan_note(b->p, NOTE_SEE, b->file, s->line,
				"geoip region %s: a region is written with its country here, such as US-CA", value);
		}
		return plan_when(b->p, NULL, rows[i].key, value);
	}
	plan_note(b->p, NOTE_LOST, b->file, s->line, "geoip %s %s: clients are not known by this", field, value);
	return NULL;
}

static void match_list(struct bind *b, const struct node *list, struct bind_match *to, bool negative, unsigned deep);

static void match_name(struct bind *b, const struct node *s, const char *name, struct bind_match *to, bool negative, unsigned deep)
{
	const struct bind_top *acl = bind_top_named(b, "acl", name);
	struct prefix prefix;

	if (strcasecmp(name, "any") == 0)
		to->any = to->any || !negative;
	else if (strcasecmp(name, "none") == 0)
		to->none = true;
	else if (strcasecmp(name, "localhost") == 0 && !negative)
		plan_word(b->p, &to->nets, "127.0.0.1"), plan_word(b->p, &to->nets, "::1");
	else if (acl && deep < DEEP_MOST)
		match_list(b, bind_block(acl->s), to, negative, deep + 1);
	else if (negative)
		plan_note(b->p, NOTE_LOST, b->file, s->line, "!%s: nobody is taken out of a list here", name);
	else if (prefix_parse(&prefix, name, NULL))
		plan_word(b->p, &to->nets, name);
	else
		plan_note(b->p, NOTE_LOST, b->file, s->line, "%s: who is meant is not known", name);
}

static void match_list(struct bind *b, const struct node *list, struct bind_match *to, bool negative, unsigned deep)
{
	for (const struct node *s = list ? list->first : NULL; s; s = s->next) {
		const char *word = bind_word(s, 0);
		bool no = negative;
		size_t at = 0;
		if (*word == '!') {
			no = !no;
			word++;
			if (!*word)
				word = bind_word(s, ++at);
		}
		const struct node *block = bind_block(s);
		if (strcasecmp(word, "key") == 0 && !no) {
			plan_word(b->p, &to->keys, bind_key_name(b, bind_word(s, at + 1)));
		} else if (strcasecmp(word, "key") == 0) {
			/* !key in a view's list sends the key's transfers to another view: the zone's own lists do that. */
		} else if (strcasecmp(word, "geoip") == 0) {
			struct out *when = geo_condition(b, s, at + 1);
			const char *key;
			if (when && no)
				to->not_geo = out_at(when, 0, &key) ? plan_when(b->p, to->not_geo, key, out_text(out_at(out_at(when, 0, NULL), 0, NULL))) : NULL;
			else if (when && to->n_geo < sizeof to->geo / sizeof *to->geo)
				to->geo[to->n_geo++] = when;
		} else if (block && deep < DEEP_MOST) {
			match_list(b, block, to, no, deep + 1);
		} else if (*word) {
			match_name(b, s, word, to, no, deep);
		}
	}
}

void bind_match(struct bind *b, const struct node *list, struct bind_match *to)
{
	memset(to, 0, sizeof *to);
	match_list(b, list, to, false, 0);
}

void bind_who(struct bind *b, const struct node *s, struct out *entry, const char *key)
{
	struct bind_match m;

	bind_match(b, bind_block(s), &m);
	if (m.any) {
		out_set(entry, key, "any");
		return;
	}
	if (!m.nets.n && !m.keys.n) {
		out_set(entry, key, "none");
		return;
	}
	struct out *list = out_list(entry, key);
	for (size_t i = 0; i < m.keys.n; i++)
		out_set(out_add_map(list), "key", m.keys.of[i]);
	for (size_t i = 0; i < m.nets.n; i++)
		out_add(list, m.nets.of[i]);
	if (m.n_geo)
		plan_note(b->p, NOTE_LOST, b->file, s->line, "%s: not by places, but by nets and keys", bind_word(s, 0));
}

/* --- other servers ------------------------------------------------------------------------ */

/* The key that a "server" statement says for an address; NULL. */
static const char *server_key(const struct bind *b, const char *address)
{
	const struct bind_top *t = bind_top_named(b, "server", address);
	const struct node *keys = t ? bind_find(bind_block(t->s), "keys") : NULL;

	if (!keys)
		return NULL;
	return bind_block(keys) ? bind_word(node_at(bind_block(keys), 0), 0) : bind_word(keys, 1);
}

/* "192.0.2.1 port 53 key xfr tls NAME". */
static void one_peer(struct bind *b, const struct node *s, const char *port, const char *tls, struct out *list)
{
	const char *address = bind_word(s, 0), *key = server_key(b, address);
	struct addr a;

	for (size_t i = 1; i + 1 < s->n; i += 2) {
		const char *what = bind_word(s, i), *value = bind_word(s, i + 1);
		if (strcasecmp(what, "port") == 0)
			port = value;
		else if (strcasecmp(what, "key") == 0)
			key = value;
		else if (strcasecmp(what, "tls") == 0)
			tls = value;
	}
	if (!addr_parse(&a, address)) {
		plan_note(b->p, NOTE_LOST, b->file, s->line, "%s: another server is known by its address here", address);
		return;
	}
	const char *at = strchr(address, ':') ? plan_textf(b->p, "[%s]%s%s", address, port ? ":" : "", port ? port : "")
					      : plan_textf(b->p, "%s%s%s", address, port ? ":" : "", port ? port : "");
	char *name = plan_textf(b->p, "p-%s%s%s%s%s%s%s", address, port ? "-" : "", port ? port : "", key ? "-" : "", key ? key : "",
		tls ? "-" : "", tls ? tls : "");
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '-';
	struct out *peer = out_map(out_map(b->p->conf, "peers"), name);
	if (!out_get(peer, "at")) {
		out_set(peer, "at", at);
		if (key && *key)
			out_set(peer, "key", bind_key_name(b, key));
		if (tls) {
			const struct bind_top *t = bind_top_named(b, "tls", tls);
			const struct node *host = t ? bind_find(bind_block(t->s), "remote-hostname") : NULL;
			const struct node *ca = t ? bind_find(bind_block(t->s), "ca-file") : NULL;
			struct out *how = out_map(peer, "tls");
			if (host)
				out_set(how, "name", bind_word(host, 1));
			else
				out_set(how, "verify", "off");
			if (ca)
				out_set(how, "ca", bind_path(b, bind_word(ca, 1)));
			if (ca && !host)
				plan_note(b->p, NOTE_DIFFERS, t->file, t->s->line,
					"tls %s: BIND holds the certificate against the address; here that wants a name (tls: name), and with none nobody is verified", tls);
		}
	}
	out_add(list, name);
}

static void peer_list(struct bind *b, const struct node *s, struct out *list, unsigned deep)
{
	const char *port = NULL, *tls = NULL;

	for (size_t i = 1; i + 1 < s->n; i++) {
		if (strcasecmp(bind_word(s, i), "port") == 0)
			port = bind_word(s, i + 1);
		if (strcasecmp(bind_word(s, i), "tls") == 0)
			tls = bind_word(s, i + 1);
	}
	const struct node *block = bind_block(s);
	for (const struct node *one = block ? block->first : NULL; one; one = one->next) {
		const char *name = bind_word(one, 0);
		const struct bind_top *named = NULL;
		static const char *const kinds[] = { "primaries", "masters", "remote-servers", "parental-agents" };
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds && !named; k++)
			named = bind_top_named(b, kinds[k], name);
		if (named && deep < DEEP_MOST)
			peer_list(b, named->s, list, deep + 1);
		else
			one_peer(b, one, port, tls, list);
	}
}

void bind_peers(struct bind *b, const struct node *s, struct out *entry, const char *key)
{
	peer_list(b, s, out_list(entry, key), 0);
}

void bind_keys(struct bind *b)
{
	for (const struct bind_top *t = b->top; t; t = t->next) {
		if (strcasecmp(bind_word(t->s, 0), "key") != 0)
			continue;
		const struct node *body = bind_block(t->s);
		const char *algorithm = plan_lower(b->p, bind_word(bind_find(body, "algorithm"), 1));
		const char *secret = bind_word(bind_find(body, "secret"), 1);
		if (!*secret) {
			plan_note(b->p, NOTE_LOST, t->file, t->s->line, "the key %s has no secret", bind_word(t->s, 1));
			continue;
		}
		plan_key(b->p, t->file, t->s->line, bind_key_name(b, bind_word(t->s, 1)), algorithm, secret);
	}
}
