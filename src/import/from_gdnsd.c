/* from_gdnsd.c - gdnsd: its configuration, the plugins that choose, and what monitors.
 */
#include "import/from_gdnsd.h"

#include "base/addr.h"
#include "import/import_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEP_MOST = 64 };

struct gdnsd_made {
	const char *key;
	struct gdnsd_target is;
	bool begun; /* and not yet made */
	struct gdnsd_made *next;
};

struct gdnsd_chooser {
	struct out *pool;
	struct gdnsd_chooser *next;
};

/* A pool that was made for this; NULL. */
static const char *made(const struct gdnsd *g, const char *key)
{
	for (const struct gdnsd_made *m = g->made; m; m = m->next)
		if (strcmp(m->key, key) == 0)
			return m->is.name;
	return NULL;
}

static void make(struct gdnsd *g, const char *key, const char *name)
{
	struct gdnsd_made *m = arena_zalloc(&g->p->mem, sizeof *m);

	*m = (struct gdnsd_made){ .key = key, .is = { name, true }, .next = g->made };
	g->made = m;
}

/* --- addresses ---------------------------------------------------------------------------- */

static bool is_parameter(const char *key)
{
	static const char *const words[] = { "service_types", "up_thresh", "multi", "plugin", "ignore_health", "addrs_v4", "addrs_v6", "cnames",
		"skip_first", "resources", "datacenters", "dcmap", "map", "maps", "undefined_datacenters_ok" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(key, words[i]) == 0)
			return true;
	return false;
}

static void add_address(struct gdnsd *g, struct answer *a, const char *text)
{
	struct addr addr;

	if (addr_parse(&addr, text))
		plan_answer(g->p, a, strchr(text, ':') ? "AAAA" : "A", text);
	else
		a->cname = plan_full_name(g->p, text, g->origin ? g->origin : ".");
}

static void add_all(struct gdnsd *g, struct answer *a, const struct node *value)
{
	if (node_string(value))
		add_address(g, a, value->text);
	for (const struct node *n = value->kind != NODE_SCALAR ? value->first : NULL; n; n = n->next) {
		if (value->kind == NODE_MAP && (strcmp(n->key->text, "addrs_v4") == 0 || strcmp(n->key->text, "addrs_v6") == 0))
			add_all(g, a, n);
		else if (node_string(n) && (value->kind == NODE_LIST || !is_parameter(n->key->text)))
			add_address(g, a, n->text);
	}
}

void gdnsd_member(struct out *pool, struct gdnsd_target t, const char *weight)
{
	if (!weight) {
		plan_member(pool, t.name, t.is_pool);
		return;
	}
	struct out *member = out_add_map(out_list(pool, "edges"));
	out_set(member, t.is_pool ? "pool" : "edge", t.name);
	out_set(member, "weight", weight);
}

static bool both_families(struct gdnsd *g, const struct node *value, const struct gdnsd_inherit *in, const char *hint, const char *at,
	struct gdnsd_target *to);

/* gdnsd has a state for each family of a resource: one that is down is answered all the same, and then the resource is
 * down to whoever asks another. */
static void part_families(struct gdnsd *g, struct out *pool)
{
	struct out *least = out_map(pool, "least-up");

	out_set(pool, "families", "apart");
	out_set(least, "a", "1");
	out_set(least, "aaaa", "1");
	g->parts = true;
}

/* Are there both, and is one of them monitored? */
static bool has_two_states(struct gdnsd *g, const struct node *value, const struct gdnsd_inherit *in)
{
	const struct node *v4 = parse_get(value, "addrs_v4"), *v6 = parse_get(value, "addrs_v6");
	const struct gdnsd_inherit in4 = { v4, in }, in6 = { v6, in };

	return v4 && v6 && (gdnsd_probe(g, &in4) || gdnsd_probe(g, &in6)) && !node_is_true(gdnsd_said(in, "ignore_health"));
}

void gdnsd_choose_families(struct gdnsd *g, struct out *pool)
{
	struct gdnsd_chooser *c = arena_zalloc(&g->p->mem, sizeof *c);

	*c = (struct gdnsd_chooser){ pool, g->choosers };
	g->choosers = c;
}

/* multifo: all addresses of one edge, of which those that are up are answered. */
bool gdnsd_addresses(struct gdnsd *g, const struct node *value, const struct gdnsd_inherit *in, const char *hint, const char *at,
	struct gdnsd_target *to)
{
	struct answer a = { .at = at, .probe = gdnsd_probe(g, in) };
	const char *thresh = node_string(gdnsd_said(in, "up_thresh")), *name;

	if (value->kind == NODE_MAP && parse_get(value, "addrs_v4") && parse_get(value, "addrs_v6") && both_families(g, value, in, hint, at, to))
		return true;
	if (node_is_true(gdnsd_said(in, "ignore_health")))
		a.probe = NULL;
	add_all(g, &a, value);
	const char *edge = plan_edge(g->p, hint, &a);
	if (!edge)
		return false;
	const size_t n = a.a.n > a.aaaa.n ? a.a.n : a.aaaa.n;
	const double share = thresh ? strtod(thresh, NULL) : 0.5;
	const size_t least = share > 0 && share <= 1 ? (size_t)ceil(share * (double)n) : 1;
	*to = (struct gdnsd_target){ edge, false };
	if (least < 2 || !a.probe)
		return true;
	/* A pool of its own says how many must be up. */
	const char *key = plan_textf(g->p, "%zu up of %s", least, edge);
	if (!(name = made(g, key))) {
		struct out *pool = plan_pool(g->p, plan_textf(g->p, "%s-up", hint), &name);
		plan_member(pool, edge, false);
		out_set(pool, "policy", "ordered");
		out_setf(pool, "up-when", "%zu", least);
		make(g, key, name);
	}
	*to = (struct gdnsd_target){ name, true };
	return true;
}

/* Where they are monitored, each family is an edge. False: they are not. */
static bool both_families(struct gdnsd *g, const struct node *value, const struct gdnsd_inherit *in, const char *hint, const char *at,
	struct gdnsd_target *to)
{
	const struct node *v4 = parse_get(value, "addrs_v4"), *v6 = parse_get(value, "addrs_v6");
	const struct gdnsd_inherit in4 = { v4, in }, in6 = { v6, in };
	struct gdnsd_target one, other;

	if (!has_two_states(g, value, in))
		return false;
	if (!gdnsd_addresses(g, v4, &in4, plan_textf(g->p, "%s-v4", hint), at, &one) ||
		!gdnsd_addresses(g, v6, &in6, plan_textf(g->p, "%s-v6", hint), at, &other))
		return false;
	struct out *pool = plan_pool(g->p, hint, &to->name);
	plan_member(pool, one.name, one.is_pool);
	plan_member(pool, other.name, other.is_pool);
	out_set(pool, "policy", "ordered");
	out_set(pool, "all-down", "all");
	part_families(g, pool);
	to->is_pool = true;
	return true;
}

/* --- weighted, simplefo, metafo ----------------------------------------------------------- */

/* "[ ADDRESS, WEIGHT ]". */
static bool one_weighted(struct gdnsd *g, const struct node *n, const struct gdnsd_inherit *in, const char *hint, const char *at, struct out *pool)
{
	const char *address = node_string(node_at(n, 0)), *weight = node_string(node_at(n, 1));
	struct answer a = { .at = at, .probe = gdnsd_probe(g, in) };

	if (!address || !weight)
		return false;
	if (strtoul(weight, NULL, 10) > 65535) {
		plan_note(g->p, NOTE_DIFFERS, g->file, n->line, "a weight of %s: 65535 is the most", weight);
		weight = "65535";
	}
	add_address(g, &a, address);
	const char *edge = plan_edge(g->p, plan_textf(g->p, "%s-%s", hint, n->key ? n->key->text : "x"), &a);
	if (edge)
		gdnsd_member(pool, (struct gdnsd_target){ edge, false }, weight);
	return edge != NULL;
}

static void weighted_set(struct gdnsd *g, const struct node *set, const struct gdnsd_inherit *outer, const char *hint, const char *at, struct out *pool)
{
	const struct gdnsd_inherit in = { set, outer };

	for (const struct node *n = set->kind == NODE_MAP ? set->first : NULL; n; n = n->next) {
		const char *key = n->key->text, *name;
		if (strcmp(key, "addrs_v4") == 0 || strcmp(key, "addrs_v6") == 0 || strcmp(key, "cnames") == 0) {
			weighted_set(g, n, &in, plan_textf(g->p, "%s%s", hint, strcmp(key, "addrs_v6") == 0 ? "-v6" : ""), at, pool);
		} else if (n->kind == NODE_LIST && !is_parameter(key)) {
			one_weighted(g, n, &in, hint, at, pool);
		} else if (n->kind == NODE_MAP && !is_parameter(key)) {
			unsigned long sum = 0;
			struct out *group = plan_pool(g->p, plan_textf(g->p, "%s-%s", hint, key), &name);
			out_list(group, "edges");
			out_set(group, "policy", "weighted");
			out_set(group, "answers", "16");
			for (const struct node *one = n->first; one; one = one->next)
				if (one_weighted(g, one, &in, plan_textf(g->p, "%s-%s", hint, key), at, group))
					sum += strtoul(node_string(node_at(one, 1)), NULL, 10);
			gdnsd_member(pool, (struct gdnsd_target){ name, true }, plan_textf(g->p, "%lu", sum > 65535 ? 65535 : sum));
			plan_note(g->p, NOTE_DIFFERS, g->file, n->line, "weighted groups: all addresses of the group are answered, in an order by weight; gdnsd leaves out some by chance");
		}
	}
}

/* gdnsd's is of weights, and ours of edges. */
static void tell_threshold(struct gdnsd *g, const struct node *res, const struct gdnsd_inherit *in, const struct out *pool)
{
	const char *thresh = node_string(gdnsd_said(in, "up_thresh"));
	const struct gdnsd_inherit in4 = { parse_get(res, "addrs_v4"), in }, in6 = { parse_get(res, "addrs_v6"), in };

	if (out_count(out_get(pool, "edges")) > 1 && (gdnsd_probe(g, in4.at ? &in4 : in) || gdnsd_probe(g, in6.at ? &in6 : in)))
		plan_note(g->p, NOTE_DIFFERS, g->file, res->line,
			"up_thresh %s: with less of the weights up gdnsd answers as if all were up, and the resource is down to others; here what is up answers, and all must be down",
			thresh ? thresh : "0.5");
}

static bool weighted(struct gdnsd *g, const struct node *res, const struct gdnsd_inherit *in, const char *hint, const char *at, struct gdnsd_target *to)
{
	struct out *pool = plan_pool(g->p, hint, &to->name);

	to->is_pool = true;
	out_list(pool, "edges");
	out_set(pool, "policy", "weighted");
	if (node_is_true(gdnsd_said(in, "multi"))) {
		out_set(pool, "answers", "16");
		plan_note(g->p, NOTE_DIFFERS, g->file, res->line, "multi: all addresses are answered, in an order by weight; gdnsd leaves out some by chance");
	}
	if (has_two_states(g, res, in))
		part_families(g, pool);
	weighted_set(g, res, in->outer, hint, at, pool);
	tell_threshold(g, res, in, pool);
	return out_count(out_get(pool, "edges")) > 0;
}

static void simple_pair(struct gdnsd *g, const struct node *set, const struct gdnsd_inherit *outer, const char *hint, const char *at, struct out *pool)
{
	static const char *const which[] = { "primary", "secondary" };
	const struct gdnsd_inherit in = { set, outer };

	for (size_t i = 0; i < 2; i++) {
		const char *address = node_get_string(set, which[i]);
		struct answer a = { .at = at, .probe = gdnsd_probe(g, &in) };
		if (!address)
			continue;
		add_address(g, &a, address);
		const char *edge = plan_edge(g->p, plan_textf(g->p, "%s-%s", hint, which[i]), &a);
		if (edge)
			plan_member(pool, edge, false);
	}
}

static bool simplefo(struct gdnsd *g, const struct node *res, const struct gdnsd_inherit *in, const char *hint, const char *at, struct gdnsd_target *to)
{
	struct out *pool = plan_pool(g->p, hint, &to->name);
	const struct node *v4 = parse_get(res, "addrs_v4"), *v6 = parse_get(res, "addrs_v6");

	to->is_pool = true;
	out_list(pool, "edges");
	out_set(pool, "policy", "ordered");
	out_set(pool, "all-down", "first");
	if (has_two_states(g, res, in))
		part_families(g, pool);
	if (v4)
		simple_pair(g, v4, in, hint, at, pool);
	if (v6)
		simple_pair(g, v6, in, plan_textf(g->p, "%s-v6", hint), at, pool);
	if (!v4 && !v6)
		simple_pair(g, res, in->outer, hint, at, pool);
	return out_count(out_get(pool, "edges")) > 0;
}

bool gdnsd_datacenter(struct gdnsd *g, const struct node *value, const struct gdnsd_inherit *outer, const char *hint, const char *at,
	struct gdnsd_target *to)
{
	const struct gdnsd_inherit in = { value->kind == NODE_MAP ? value : NULL, outer };
	const char *plugin = node_string(gdnsd_said(&in, "plugin")), *text = node_string(value);

	plugin = plugin ? plugin : "multifo";
	if (text && (*text == '%' || *text == '!')) {
		const char *bang = strchr(text, '!');
		if (!bang)
			return false;
		return gdnsd_resource(g, *text == '%' ? plan_textf(g->p, "%.*s", (int)(bang - text - 1), text + 1) : plugin, bang + 1, at, to);
	}
	if (value->kind == NODE_MAP && strcmp(plugin, "weighted") == 0)
		return weighted(g, value, &in, hint, at, to);
	if (value->kind == NODE_MAP && strcmp(plugin, "simplefo") == 0)
		return simplefo(g, value, &in, hint, at, to);
	return gdnsd_addresses(g, value, &in, hint, at, to);
}

static bool metafo(struct gdnsd *g, const struct node *res, const struct gdnsd_inherit *in, const char *hint, const char *at, struct gdnsd_target *to)
{
	const struct node *order = parse_get(res, "datacenters"), *map = parse_get(res, "dcmap");
	struct out *pool = plan_pool(g->p, hint, &to->name);
	bool skip = node_is_true(gdnsd_said(in, "skip_first"));

	to->is_pool = true;
	out_list(pool, "edges");
	out_set(pool, "policy", "ordered");
	out_set(pool, "all-down", "first");
	gdnsd_choose_families(g, pool);
	for (size_t i = 0; order && (i == 0 || i < order->n); i++) {
		const char *dc = order->kind == NODE_LIST ? node_string(node_at(order, i)) : order->text;
		const struct node *value = dc && map && map->kind == NODE_MAP ? parse_get(map, dc) : NULL;
		struct gdnsd_target one;
		if (skip && i == 0 && order->n > 1)
			continue;
		if (value && gdnsd_datacenter(g, value, in, plan_textf(g->p, "%s-%s", hint, dc), at, &one))
			plan_member(pool, one.name, one.is_pool);
		else
			plan_note(g->p, NOTE_LOST, g->file, res->line, "the datacenter %s has no address", dc ? dc : "(none)");
	}
	if (out_count(out_get(pool, "edges")))
		return true;
	out_drop(out_get(g->p->conf, "pools"), to->name);
	return false;
}

/* --- resources ---------------------------------------------------------------------------- */

static bool make_resource(struct gdnsd *g, const char *plugin, const char *name, const char *at, struct gdnsd_target *to)
{
	const struct node *plugins = parse_get(g->top, "plugins"), *all = plugins && plugins->kind == NODE_MAP ? parse_get(plugins, plugin) : NULL;
	const bool meta = strcmp(plugin, "metafo") == 0 || strcmp(plugin, "geoip") == 0;
	const struct node *set = all && all->kind == NODE_MAP ? (meta ? parse_get(all, "resources") : all) : NULL;
	const struct node *res = set && set->kind == NODE_MAP ? parse_get(set, name) : NULL;
	const struct gdnsd_inherit outer = { all, NULL }, in = { res && res->kind == NODE_MAP ? res : NULL, &outer };

	if (!res) {
		plan_note(g->p, NOTE_LOST, g->file, all ? all->line : 0, "there is no resource %s!%s", plugin, name);
		return false;
	}
	if (strcmp(plugin, "multifo") == 0)
		return gdnsd_addresses(g, res, &in, name, at, to);
	if (res->kind == NODE_MAP) {
		if (strcmp(plugin, "weighted") == 0)
			return weighted(g, res, &in, name, at, to);
		if (strcmp(plugin, "simplefo") == 0)
			return simplefo(g, res, &in, name, at, to);
		if (strcmp(plugin, "metafo") == 0)
			return metafo(g, res, &in, name, at, to);
		if (strcmp(plugin, "geoip") == 0)
			return gdnsd_geoip(g, res, &in, to);
	}
	if (strcmp(plugin, "static") == 0 && node_string(res))
		return gdnsd_addresses(g, res, &in, name, at, to);
	plan_note(g->p, NOTE_LOST, g->file, res->line, "a resource of the plugin %s: %s", plugin, name);
	return false;
}

bool gdnsd_resource(struct gdnsd *g, const char *plugin, const char *name, const char *at, struct gdnsd_target *to)
{
	const char *key = plan_textf(g->p, "%s!%s@%s", plugin, name, at ? at : "");

	for (struct gdnsd_made *m = g->made; m; m = m->next)
		if (strcmp(m->key, key) == 0) {
			if (m->begun)
				plan_note(g->p, NOTE_LOST, g->file, 0, "%s!%s: resources lead to each other in a circle", plugin, name);
			*to = m->is;
			return to->name != NULL;
		}
	if (g->deep == DEEP_MOST) {
		plan_note(g->p, NOTE_LOST, g->file, 0, "%s!%s: resources are nested too deep", plugin, name);
		return false;
	}
	struct gdnsd_made *m = arena_zalloc(&g->p->mem, sizeof *m);
	*m = (struct gdnsd_made){ .key = key, .begun = true, .next = g->made };
	g->made = m;
	struct gdnsd_target is = { .name = NULL };
	g->deep++;
	if (make_resource(g, plugin, name, at, &is))
		m->is = is;
	g->deep--;
	m->begun = false;
	*to = m->is;
	return to->name != NULL;
}

/* Whatever was made may be an edge alone: names in zones are handed to pools. */
static const char *as_pool(struct gdnsd *g, struct gdnsd_target t)
{
	const char *key = plan_textf(g->p, "pool of %s", t.name), *name;

	if (t.is_pool)
		return t.name;
	if ((name = made(g, key)))
		return name;
	plan_member(plan_pool(g->p, t.name, &name), t.name, false);
	out_set(out_get(out_get(g->p->conf, "pools"), name), "policy", "ordered");
	make(g, key, name);
	return name;
}

const char *gdnsd_named(struct gdnsd *g, const char *text, const char *origin, const char *file, unsigned line)
{
	const char *bang = strchr(text, '!'), *slash = bang ? strchr(bang, '/') : NULL;
	struct gdnsd_target t = { .name = NULL };

	if (!bang) {
		plan_note(g->p, NOTE_LOST, file, line, "%s names no resource of a plugin", text);
		return NULL;
	}
	const char *plugin = plan_textf(g->p, "%.*s", (int)(bang - text), text);
	const char *name = slash ? plan_textf(g->p, "%.*s", (int)(slash - bang - 1), bang + 1) : bang + 1;
	g->origin = origin;
	if (!slash) {
		if (gdnsd_resource(g, plugin, name, NULL, &t))
			return as_pool(g, t);
	} else {
		const struct node *plugins = parse_get(g->top, "plugins"), *all = plugins && plugins->kind == NODE_MAP ? parse_get(plugins, plugin) : NULL;
		const struct node *set = all && all->kind == NODE_MAP ? parse_get(all, "resources") : NULL;
		const struct node *res = set && set->kind == NODE_MAP ? parse_get(set, name) : NULL;
		const struct node *map = res && res->kind == NODE_MAP ? parse_get(res, "dcmap") : NULL;
		const struct node *dc = map && map->kind == NODE_MAP ? parse_get(map, slash + 1) : NULL;
		const struct gdnsd_inherit outer = { all, NULL }, in = { res, &outer };
		if (dc && gdnsd_datacenter(g, dc, &in, plan_textf(g->p, "%s-%s", name, slash + 1), NULL, &t))
			return as_pool(g, t);
	}
	plan_note(g->p, NOTE_LOST, file, line, "%s could not be made into a pool", text);
	return NULL;
}

/* --- the server --------------------------------------------------------------------------- */

static const char *listen_at(struct gdnsd *g, const char *text, const char *port)
{
	struct addr a;

	if (addr_parse(&a, text) && strchr(text, ':'))
		return plan_textf(g->p, "[%s]:%s", text, port);
	return addr_parse(&a, text) ? plan_textf(g->p, "%s:%s", text, port) : text;
}

static void options(struct gdnsd *g)
{
	const struct node *all = parse_get(g->top, "options"), *listen = NULL;
	struct out *server = out_map(g->p->conf, "server"), *list = out_list(server, "listen");
	static const char *const known[] = { "listen", "dns_port", "chaos_response", "nsid_ascii", "edns_client_subnet", "run_dir", "state_dir",
		"zones_default_ttl", "username" };

	all = all && all->kind == NODE_MAP ? all : NULL;
	listen = all ? parse_get(all, "listen") : NULL;
	const char *port = all && node_get_string(all, "dns_port") ? node_get_string(all, "dns_port") : "53";
	if (!listen || (node_string(listen) && strcmp(listen->text, "any") == 0)) {
		out_add(list, plan_textf(g->p, "0.0.0.0:%s", port));
		out_add(list, plan_textf(g->p, "[::]:%s", port));
	} else if (node_string(listen)) {
		out_add(list, listen_at(g, listen->text, port));
	}
	for (const struct node *n = listen && listen->kind != NODE_SCALAR ? listen->first : NULL; n; n = n->next) {
		const char *text = listen->kind == NODE_MAP ? n->key->text : node_string(n);
		if (n->kind == NODE_MAP && node_is_true(parse_get(n, "tcp_proxy")))
			plan_note(g->p, NOTE_LOST, g->file, n->line, "tcp_proxy: see \"server: proxy\"");
		else if (text)
			out_add(list, listen_at(g, text, port));
	}
	for (const struct node *n = all ? all->first : NULL; n; n = n->next) {
		bool is_known = false;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			is_known = is_known || strcmp(known[i], n->key->text) == 0;
		if (strcmp(n->key->text, "chaos_response") == 0 && node_string(n))
			out_set(server, "version", n->text);
		else if (strcmp(n->key->text, "nsid_ascii") == 0 && node_string(n))
			out_set(server, "identity", n->text);
		else if (strcmp(n->key->text, "edns_client_subnet") == 0)
			out_set(server, "ecs", node_is_true(n) ? "on" : "off");
		else if (!is_known)
			plan_note(g->p, NOTE_LOST, g->file, n->line, "options: %s", n->key->text);
	}
	out_set(out_map(g->p->conf, "control"), "socket", "control.sock");
	out_set(out_map(g->p->conf, "control"), "state", "state");
}

bool from_gdnsd(struct plan *p, char **files, size_t n, struct fault *why)
{
	struct gdnsd g = { .p = p, .why = why };
	struct stat st;

	g.file = stat(files[0], &st) == 0 && S_ISDIR(st.st_mode) ? plan_textf(p, "%s/config", files[0]) : files[0];
	if (n > 1)
		return fault(why, "%s: gdnsd has one configuration: name its folder, or the file \"config\" in it", files[1]);
	const char *slash = strrchr(g.file, '/');
	g.folder = slash ? plan_textf(p, "%.*s", (int)(slash - g.file), g.file) : ".";
	const struct file *f = plan_read_asked(p, g.file, why);
	if (!f)
		return false;
	struct reading r = { g.file, f->text, f->text + f->len, 1, &p->mem, why, 0, 0 };
	g.top = node_read_vscf(&r);
	if (!g.top)
		return false;
	options(&g);
	gdnsd_zones(&g);
	for (const struct gdnsd_chooser *c = g.parts ? g.choosers : NULL; c; c = c->next)
		out_set(c->pool, "families", "apart");
	struct out *probes = out_get(p->conf, "probes");
	/* Service types without a probe have left empty ones. */
	if (probes)
		out_drop_empty(probes);
	if (!out_get(p->conf, "zones"))
		return fault(why, "%s/zones: no zone could be taken\n%s", g.folder, text_get(&p->notes));
	return true;
}
