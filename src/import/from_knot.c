/* from_knot.c - Knot DNS: knot.conf, its zones, and mod-geoip.
 */
#include "import/from_knot.h"

#include "import/import_run.h"

#include <string.h>
#include <strings.h>

const struct node *knot_item(const struct knot *k, const char *section, const char *id)
{
	const struct node *list = parse_get(k->top, section);

	for (const struct node *i = list ? list->first : NULL; i; i = i->next) {
		const char *is = node_get_string(i, "id") ? node_get_string(i, "id") : node_get_string(i, "domain");
		if (is && strcasecmp(is, id) == 0)
			return i;
	}
	return NULL;
}

const char *knot_value(const struct node *item, const char *key, size_t i)
{
	const struct node *value = item && item->kind == NODE_MAP ? parse_get(item, key) : NULL;

	if (!value || (value->kind == NODE_SCALAR && i))
		return NULL;
	return value->kind == NODE_SCALAR ? value->text : node_string(node_at(value, i));
}

const char *knot_address(struct knot *k, const char *text)
{
	const char *at = strchr(text, '@');
	const int len = at ? (int)(at - text) : (int)strlen(text);
	const bool six = memchr(text, ':', (size_t)len) && at;

	return plan_textf(k->p, "%s%.*s%s%s%s", six ? "[" : "", len, text, six ? "]" : "", at ? ":" : "", at ? at + 1 : "");
}

/* The zone's own word, or its template's. */
static const struct node *saying(const struct node *zone, const struct node *template, const char *key)
{
	return parse_get(zone, key) || !template ? zone : template;
}

/* --- who ---------------------------------------------------------------------------------- */

static const char *key_of(struct knot *k, const char *key)
{
	const size_t len = key ? strlen(key) : 0;

	return key ? plan_textf(k->p, "%.*s", (int)(len - (len > 1 && key[len - 1] == '.')), key) : NULL;
}

void knot_keys(struct knot *k)
{
	const struct node *list = parse_get(k->top, "key");

	for (const struct node *i = list ? list->first : NULL; i; i = i->next) {
		const char *id = node_get_string(i, "id"), *secret = node_get_string(i, "secret");
		if (!id || !secret)
			continue;
		const char *algorithm = node_get_string(i, "algorithm");
		plan_key(k->p, knot_file(k, i), i->line, key_of(k, id), algorithm ? algorithm : "hmac-sha256", secret);
	}
}

static const char *peer_name(struct knot *k, const struct node *remote)
{
	const char *id = node_get_string(remote, "id"), *address;
	struct out *peer = out_map(out_map(k->p->conf, "peers"), id);

	if (out_get(peer, "at"))
		return id;
	for (size_t i = 0; (address = knot_value(remote, "address", i)); i++) {
		if (*address == '/')
			plan_note(k->p, NOTE_LOST, knot_file(k, remote), remote->line, "remote %s: %s is no address", id, address);
		else
			out_add(out_list(peer, "at"), knot_address(k, address));
	}
	if (knot_value(remote, "key", 0))
		out_set(peer, "key", key_of(k, knot_value(remote, "key", 0)));
	for (const struct node *v = remote->first; v; v = v->next)
		if (strcmp(v->key->text, "id") && strcmp(v->key->text, "address") && strcmp(v->key->text, "key"))
			plan_note(k->p, NOTE_LOST, knot_file(k, v), v->line, "remote %s: %s", id, v->key->text);
	return id;
}

void knot_remotes(struct knot *k, const struct node *item, const char *key, struct out *entry, const char *as)
{
	const char *id, *member;

	for (size_t i = 0; (id = knot_value(item, key, i)); i++) {
		const struct node *remote = knot_item(k, "remote", id), *group = knot_item(k, "remotes", id);
		if (remote)
			out_add(out_list(entry, as), peer_name(k, remote));
		for (size_t m = 0; group && (member = knot_value(group, "remote", m)); m++)
			if ((remote = knot_item(k, "remote", member)))
				out_add(out_list(entry, as), peer_name(k, remote));
		if (!remote && !group)
			plan_note(k->p, NOTE_LOST, knot_file(k, item), item->line, "%s: there is no remote %s", key, id);
	}
}

enum { PAIRS_MOST = 64 };

/* A client: by a key, from a net, or both; NULL: any. */
struct pair {
	const char *key, *from;
};

/* Each key of the item with each of its addresses, behind the `n` that are there; ranges are told. Returns how many there are then. */
static size_t add_pairs(struct knot *k, const struct node *item, struct pair to[static PAIRS_MOST], size_t n)
{
	const char *address;
	size_t a = 0;

	do {
		address = knot_value(item, "address", a++);
		if (!address && (a > 1 || !knot_value(item, "key", 0)))
			break;
		if (address && strchr(address, '-')) {
			plan_note(k->p, NOTE_LOST, knot_file(k, item), item->line, "address: %s: a range; write it as nets", address);
			continue;
		}
		size_t i = 0;
		do {
			if (n == PAIRS_MOST) {
				plan_note(k->p, NOTE_LOST, knot_file(k, item), item->line, "more than %d keys and addresses", PAIRS_MOST);
				return n;
			}
			to[n++] = (struct pair){ key_of(k, knot_value(item, "key", i)), address };
		} while (knot_value(item, "key", ++i));
	} while (address);
	return n;
}

/* Knot asks for nothing of what is not set. */
static bool is_about_all(const struct node *acl)
{
	return !knot_value(acl, "address", 0) && !knot_value(acl, "key", 0) && !knot_value(acl, "remote", 0);
}

/* Who an ACL is about, at the end of a list. */
static void put_who(struct knot *k, const struct node *acl, struct out *entry, const char *as)
{
	struct pair pairs[PAIRS_MOST];

	if (is_about_all(acl))
		out_set(entry, as, "any");
	if (out_get(entry, as) && out_text(out_get(entry, as)))
		return;
	const size_t n = add_pairs(k, acl, pairs, 0);
	struct out *list = out_list(entry, as);

	knot_remotes(k, acl, "remote", entry, as);
	for (size_t i = 0; i < n; i++) {
		if (!pairs[i].key) {
			out_add(list, pairs[i].from);
			continue;
		}
		struct out *one = out_add_map(list);
		out_set(one, "key", pairs[i].key);
		if (pairs[i].from)
			out_set(one, "from", pairs[i].from);
	}
}

static const char *below_zone(struct knot *k, const char *name, const char *origin)
{
	const char *full = plan_full_name(k->p, plan_lower(k->p, name), origin);
	const size_t len = strlen(full), zone = strlen(origin);

	return len > zone ? plan_textf(k->p, "%.*s", (int)(len - zone - 1), full) : "@";
}

/* What one client may change. */
static void put_update(struct knot *k, const struct node *acl, const char *origin, const struct pair *who, struct out *may)
{
	const char *match = knot_value(acl, "update-owner-match", 0), *name, *type;

	if (who->key)
		out_set(may, "key", who->key);
	if (who->from)
		out_set(may, "from", who->from);
	for (size_t i = 0; (name = knot_value(acl, "update-owner-name", i)); i++) {
		const char *own = below_zone(k, name, origin);
		if (!match || strcmp(match, "sub") != 0)
			out_add(out_list(may, "names"), own);
		if (!match || strcmp(match, "equal") != 0)
			out_add(out_list(may, "names"), strcmp(own, "@") == 0 ? "*" : plan_textf(k->p, "*.%s", own));
	}
	for (size_t i = 0; (type = knot_value(acl, "update-type", i)); i++)
		out_add(out_list(may, "types"), type);
}

/* A remote's address is of a server, and may have a port; a client asks from any. */
static void put_updates(struct knot *k, const struct node *acl, const char *origin, struct out *entry)
{
	struct pair pairs[PAIRS_MOST];
	size_t n = add_pairs(k, acl, pairs, 0);
	const char *id;

	for (size_t i = 0; (id = knot_value(acl, "remote", i)); i++) {
		const struct node *remote = knot_item(k, "remote", id);
		if (remote)
			n = add_pairs(k, remote, pairs, n);
		else
			plan_note(k->p, NOTE_LOST, knot_file(k, acl), acl->line, "remote: there is no remote %s", id);
	}
	if (is_about_all(acl)) {
		pairs[n++] = (struct pair){ .from = "0.0.0.0/0" };
		pairs[n++] = (struct pair){ .from = "::/0" };
		plan_note(k->p, NOTE_SEE, knot_file(k, acl), acl->line, "acl %s: anybody may change the zone", node_get_string(acl, "id"));
	}
	if (!n)
		plan_note(k->p, NOTE_LOST, knot_file(k, acl), acl->line, "acl %s: nobody is left who may change the zone", node_get_string(acl, "id"));
	for (size_t i = 0; i < n; i++) {
		if (pairs[i].from)
			pairs[i].from = plan_textf(k->p, "%.*s", (int)strcspn(pairs[i].from, "@"), pairs[i].from);
		put_update(k, acl, origin, &pairs[i], out_add_map(out_list(entry, "update")));
	}
	if (!n)
		return;
	out_set(entry, "write-back", "store");
	k->stores = true;
}

void knot_acls(struct knot *k, const struct node *zone, const struct node *template, const char *origin, struct out *entry)
{
	static const char *const lists[] = { "transfer", "notify-from", "query" };
	const struct node *item = saying(zone, template, "acl");
	const char *id, *action;

	for (size_t i = 0; (id = knot_value(item, "acl", i)); i++) {
		const struct node *acl = knot_item(k, "acl", id);
		if (!acl) {
			plan_note(k->p, NOTE_LOST, knot_file(k, item), item->line, "there is no acl %s", id);
			continue;
		}
		if (node_is_true(parse_get(acl, "deny")))
			plan_note(k->p, NOTE_LOST, knot_file(k, acl), acl->line, "acl %s: deny: nobody is taken out of a list here", id);
		for (size_t a = 0; !node_is_true(parse_get(acl, "deny")) && (action = knot_value(acl, "action", a)); a++) {
			if (strcmp(action, "transfer") == 0)
				put_who(k, acl, entry, "transfer");
			else if (strcmp(action, "notify") == 0)
				put_who(k, acl, entry, "notify-from");
			else if (strcmp(action, "query") == 0)
				put_who(k, acl, entry, "query");
			else if (strcmp(action, "update") == 0)
				put_updates(k, acl, origin, entry);
		}
	}
	/* Where nobody of a list could be said, it is for nobody. */
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (out_get(entry, lists[i]) && !out_text(out_get(entry, lists[i])) && !out_count(out_get(entry, lists[i])))
			out_set(entry, lists[i], "none");
}

/* --- zones -------------------------------------------------------------------------------- */

/* %s is the zone's name. */
static const char *zone_path(struct knot *k, const struct node *zone, const struct node *template, const char *name)
{
	const char *file = knot_value(saying(zone, template, "file"), "file", 0), *storage;
	struct text text = { 0 };

	storage = knot_value(saying(zone, template, "storage"), "storage", 0);
	storage = storage ? storage : "/var/lib/knot";
	file = file ? file : "%s.zone";
	if (*file != '/')
		text_addf(&text, "%s/", *storage == '/' ? storage : file_beside(&k->p->mem, knot_file(k, zone), storage));
	for (; *file; file++) {
		if (file[0] == '%' && file[1] == 's')
			text_addf(&text, "%.*s", (int)strlen(name) - 1, name), file++;
		else
			text_add_char(&text, *file);
	}
	const char *path = plan_textf(k->p, "%s", text_get(&text));
	text_fini(&text);
	return path;
}

static void put_rules(struct knot *k, const struct node *zone, const struct node *template, const char *origin, struct out *entry)
{
	static const char *const known[] = { "domain", "storage", "file", "master", "notify", "acl", "module", "template", "dnssec-signing",
		"dnssec-policy", "semantic-checks", "zonefile-load", "zonefile-sync", "journal-content", "serial-policy", "global-module" };
	const char *serial = knot_value(saying(zone, template, "serial-policy"), "serial-policy", 0);

	knot_acls(k, zone, template, origin, entry);
	knot_remotes(k, saying(zone, template, "notify"), "notify", entry, "notify");
	if (serial && strcmp(serial, "auto") != 0)
		out_set(entry, "serial", serial);
	if (node_is_true(parse_get(saying(zone, template, "dnssec-signing"), "dnssec-signing"))) {
		out_set(entry, "dnssec", "auto");
		k->stores = true;
		plan_note(k->p, NOTE_SEE, knot_file(k, zone), zone->line,
			"dnssec-signing of %s: signed by the policy \"auto\" with new keys; to keep Knot's, export them (keymgr ZONE ... ) and put them into keys/ before the start",
			origin);
	}
	for (const struct node *v = zone->first; v; v = v->next) {
		bool is_known = false;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			is_known = is_known || strcmp(known[i], v->key->text) == 0;
		if (!is_known)
			plan_note(k->p, NOTE_LOST, knot_file(k, v), v->line, "zone %s: %s", origin, v->key->text);
	}
}

/* "mod-geoip/ID" of the zone or its template, and what is no such module. */
static bool has_geoip(struct knot *k, const struct node *item, bool tell)
{
	const char *module;
	bool geo = false;

	for (size_t i = 0; (module = knot_value(item, "module", i)); i++) {
		geo = geo || strncmp(module, "mod-geoip/", 10) == 0;
		if (tell && strncmp(module, "mod-geoip/", 10) != 0 && strncmp(module, "mod-rrl", 7) != 0 && strncmp(module, "mod-cookies", 11) != 0)
			plan_note(k->p, NOTE_LOST, knot_file(k, item), item->line, "module: %s", module);
	}
	return geo;
}

static void steered_zone(struct knot *k, const struct node *item, struct plan_zone *z, const char *path, struct named_at from)
{
	const char *module;
	struct rrs all;

	if (!rrs_read(k->p, &all, path, z->name, from))
		return;
	for (size_t i = 0; (module = knot_value(item, "module", i)); i++)
		if (strncmp(module, "mod-geoip/", 10) == 0)
			knot_geoip(k, module + 10, z, &all);
	for (size_t i = 0; i < all.n; i++)
		plan_record(z, all.of[i].owner, all.of[i].ttl_s, all.of[i].type, all.of[i].data);
}

static void one_zone(struct knot *k, const struct node *zone)
{
	const char *domain = node_get_string(zone, "domain"), *use = node_get_string(zone, "template");
	const struct node *template = knot_item(k, "template", use ? use : "default");

	if (!domain)
		return;
	const char *name = plan_full_name(k->p, plan_lower(k->p, domain), ".");
	const struct node *masters = saying(zone, template, "master");
	if (knot_value(masters, "master", 0)) {
		struct plan_zone *z = plan_zone_plain(k->p, name, NULL);
		knot_remotes(k, masters, "master", z->entry, "primary");
		put_rules(k, zone, template, name, z->entry);
		k->stores = true;
		return;
	}
	const char *path = zone_path(k, zone, template, name);
	const struct named_at from = { knot_file(k, zone), zone->line };
	const struct node *modules = saying(zone, template, "module");
	struct rrs all;
	if (!rrs_read(k->p, &all, path, name, from))
		return;
	struct plan_zone *z = plan_zone(k->p, name, NULL);
	if (has_geoip(k, modules, true))
		steered_zone(k, modules, z, path, from);
	else
		rrs_copy_zone(k->p, z, path, from);
	put_rules(k, zone, template, name, z->entry);
}

/* --- the server --------------------------------------------------------------------------- */

static void put_server(struct knot *k)
{
	const struct node *list = parse_get(k->top, "server"), *item = list ? list->first : NULL;
	struct out *to = out_map(k->p->conf, "server");
	const char *address;

	out_list(to, "listen");
	for (size_t i = 0; item && (address = knot_value(item, "listen", i)); i++) {
		if (*address == '/')
			plan_note(k->p, NOTE_LOST, knot_file(k, item), item->line, "listen: %s is no address", address);
		else
			out_add(out_get(to, "listen"), knot_address(k, address));
	}
	if (!out_count(out_get(to, "listen"))) {
		out_add(out_get(to, "listen"), "127.0.0.1:53");
		plan_note(k->p, NOTE_SEE, k->file, 0, "no listen: on 127.0.0.1 alone");
	}
	for (const struct node *v = item && item->kind == NODE_MAP ? item->first : NULL; v; v = v->next) {
		const char *key = v->key->text, *text = node_string(v);
		if ((strcmp(key, "identity") == 0 || strcmp(key, "version") == 0) && text)
			out_set(to, key, *text ? text : "off");
		else if (strcmp(key, "nsid") == 0 && text && *text && strncmp(text, "0x", 2) != 0 && !knot_value(item, "identity", 0))
			out_set(to, "identity", text);
		else if (strcmp(key, "edns-client-subnet") == 0 && text)
			out_set(to, "ecs", node_is_true(v) ? "on" : "off");
		else if (strcmp(key, "udp-workers") == 0 && text)
			out_set(to, "workers", text);
		else if (strcmp(key, "tcp-max-clients") == 0 && text)
			out_set(to, "tcp-clients", text);
		else if (strncmp(key, "udp-max-payload", 15) == 0 && text)
			plan_edns_size(k->p, (struct plan_at){ knot_file(k, v), v->line, key }, text, !key[15] ? 3u : strcmp(key + 15, "-ipv6") == 0 ? 2u : 1u);
		else if (strcmp(key, "listen") != 0 && strcmp(key, "rundir") != 0 && strcmp(key, "user") != 0 && strcmp(key, "automatic-acl") != 0)
			plan_note(k->p, NOTE_LOST, knot_file(k, v), v->line, "server: %s", key);
	}
}

/* The ID behind "mod-rrl" in a list of modules; NULL: there is none. */
static const char *rrl_in(const struct node *item, const char *key)
{
	const char *module;

	for (size_t i = 0; (module = knot_value(item, key, i)); i++)
		if (strncmp(module, "mod-rrl", 7) == 0)
			return module[7] == '/' ? module + 8 : "default";
	return NULL;
}

static const char *first_rrl(struct knot *k, const char *key)
{
	static const char *const lists[] = { "template", "zone" };
	const char *id = NULL;

	for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
		const struct node *list = parse_get(k->top, lists[l]);
		for (const struct node *i = list ? list->first : NULL; i && !id; i = i->next)
			id = rrl_in(i, key);
	}
	return id;
}

/* The limits that somebody asks for: those of all zones, else those of the first zone that has some. */
static void put_rrl(struct knot *k)
{
	static const char *const same[][2] = { { "rate-limit", "rate" }, { "slip", "slip" }, { "dry-run", "dry-run" } };
	const char *global = first_rrl(k, "global-module"), *id = global ? global : first_rrl(k, "module"), *net;

	const struct node *item = id ? knot_item(k, "mod-rrl", id) : NULL;
	if (!item) {
		if (id)
			plan_note(k->p, NOTE_LOST, k->file, 0, "there is no mod-rrl/%s", id);
		return;
	}
	if (!global)
		plan_note(k->p, NOTE_DIFFERS, knot_file(k, item), item->line, "mod-rrl/%s: its limits are for all zones here", id);
	struct out *rrl = out_map(k->p->conf, "rrl");
	for (const struct node *v = item->first; v; v = v->next) {
		const char *text = node_string(v);
		bool known = strcmp(v->key->text, "id") == 0 || strcmp(v->key->text, "whitelist") == 0;
		for (size_t i = 0; text && i < sizeof same / sizeof *same; i++)
			if (strcmp(v->key->text, same[i][0]) == 0) {
				out_set(rrl, same[i][1], i == 2 ? (node_is_true(v) ? "on" : "off") : text);
				known = true;
			}
		if (!known)
			plan_note(k->p, NOTE_LOST, knot_file(k, v), v->line, "mod-rrl: %s", v->key->text);
	}
	for (size_t i = 0; (net = knot_value(item, "whitelist", i)); i++)
		out_add(out_list(rrl, "exempt"), net);
}

static void tell_sections(struct knot *k)
{
	static const char *const known[] = { "server", "key", "remote", "remotes", "acl", "template", "zone", "mod-geoip", "mod-rrl",
		"mod-cookies", "include", "policy", "submission", "keystore" };
	static const char *const quiet[] = { "log", "database", "control", "statistics", "xdp" };

	for (const struct node *s = k->top->first; s; s = s->next) {
		bool is_known = false;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			is_known = is_known || strcmp(known[i], s->key->text) == 0;
		for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
			is_known = is_known || strcmp(quiet[i], s->key->text) == 0;
		if (!is_known)
			plan_note(k->p, NOTE_LOST, knot_file(k, s), s->line, "%s", s->key->text);
	}
}

static void append(struct node *to, const struct node *from)
{
	for (struct node *s = from->first, *next; s; s = next) {
		struct node *at = (struct node *)parse_get(to, s->key->text);
		next = s->next;
		s->next = NULL;
		if (!at) {
			node_add(to, s, s->key);
			continue;
		}
		for (struct node *i = s->first, *behind; i; i = behind) {
			behind = i->next;
			i->next = NULL;
			node_add(at, i, NULL);
		}
	}
}

bool from_knot(struct plan *p, char **files, size_t n, struct fault *why)
{
	struct knot k = { .p = p, .why = why, .file = files[0], .files = files };
	struct node *top = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct file *f = plan_read_asked(p, files[i], why);
		if (!f)
			return false;
		struct reading r = { files[i], f->text, f->text + f->len, 1, &p->mem, why, 0, (unsigned)i };
		struct node *one = node_read_knot(&r);
		if (!one)
			return false;
		if (top)
			append(top, one);
		else
			top = one;
	}
	k.top = top;
	const struct node *include = parse_get(top, "include"), *zones = parse_get(top, "zone");
	if (include)
		plan_note(p, NOTE_LOST, knot_file(&k, include), include->line, "include: name those files behind this one on the command line");
	put_server(&k);
	out_set(out_map(p->conf, "control"), "socket", "control.sock");
	put_rrl(&k);
	knot_keys(&k);
	tell_sections(&k);
	for (const struct node *z = zones ? zones->first : NULL; z; z = z->next)
		if (z->kind == NODE_MAP)
			one_zone(&k, z);
	if (k.stores)
		out_set(out_map(p->conf, "store"), "file", "waymark.db");
	if (!out_get(p->conf, "zones"))
		return fault(why, "%s: no zone could be taken\n%s", k.file, text_get(&p->notes));
	return true;
}
