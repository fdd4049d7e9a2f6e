#include "conf/schema.h"

#include "base/file.h"
#include "conf/option.h"

#include <string.h>
#include <sys/un.h>

enum { FILES_MOST = 16 };

#define AT(field) .at = offsetof(struct conf, field)

/* --- control ------------------------------------------------------------------------------ */

void schema_socket(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const size_t most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
	const char *path = NULL;

	option_path(r, key, value, &path);
	if (!path)
		return;
	if (strlen(path) > most)
		parse_error(r->src, value,
			"the path of a socket has at most %zu bytes; this one has %zu (%s)",
			most, strlen(path), path);
	else
		*(const char **)to = path;
}

static const struct key control_keys[] = {
	{ "socket", schema_socket, .say = "the path of a socket", AT(control_socket),
		.needed = "socket: /run/waymark/control.sock",
		.about = "The Unix socket that waymarkctl speaks to. Only root and the "
			 "server's user may use it.",
		.otherwise = "none: waymarkctl cannot reach the server" },
	{ "state", option_path, .say = "the path of a file", AT(state_file),
		.about = "A file that keeps forced states and the probes' last verdicts "
			 "over a restart and a crash. It is replaced as a whole, so its "
			 "folder must be writable for the server's user.",
		.otherwise = "none: a restart forgets them" },
	{ 0 },
};

/* --- store -------------------------------------------------------------------------------- */

static void take_images(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	r->conf->images_off = value->kind == NODE_SCALAR && strcmp(value->text, "off") == 0;
	if (value->kind == NODE_SCALAR && strcmp(value->text, "on") == 0)
		option_wrong(r, key, value); /* it is, unless it is off; and no folder of that name is meant */
	else if (!r->conf->images_off)
		option_path(r, key, value, to);
}

static const struct key store_keys[] = {
	{ "file", option_path, .say = "the path of a file", AT(store_file),
		.needed = "file: /var/lib/waymark/waymark.db",
		.about = "A database (SQLite) that keeps what came from other nameservers: zones, "
			 "their changes and timers. It and two files beside it are made where they "
			 "are not there, so its folder must be writable for the server's user.",
		.otherwise = "none: a restart fetches zones anew" },
	{ "keys", option_path, .say = "the path of a folder", AT(keys_dir),
		.about = "Where the keys that zones are signed with are (K*.private and K*.key, "
			 "BIND's form). Made where it is not there.",
		.otherwise = "the folder \"keys\" beside the file" },
	{ "images", take_images, .say = "the path of a folder, or off", AT(images_dir),
		.about = "Where large zones, GeoIP databases and rankings are kept as they are in memory, so that the next start need not read "
			 "their files as long as those have not changed. Made where it is not there, for the server's user alone; as large as they "
			 "are in memory.",
		.otherwise = "the folder \"images\" beside the file" },
	{ "history-size", option_size, .most = 1u << 30, .say = "a size up to 1G, such as 64M",
		AT(store_history_bytes),
		.about = "How many bytes of a zone's past changes are kept that are needed only for those who "
			 "ask what has changed (IXFR) after a restart. Changes that the zone itself is "
			 "made of stay in any case; once they are more than its data (or 256k) it is "
			 "stored whole.",
		.otherwise = "64M" },
	{ "history-age", option_duration_ms, .most = 4u * 7 * 86400 * 1000,
		.say = "a time up to 4w, such as 14d", AT(store_history_ms),
		.about = "How long they are kept.", .otherwise = "14d" },
	{ 0 },
};

/* --- cookies ------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Nobody is shown what he wrote: it is a secret. */
static void take_secret(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	uint8_t secret[POLICY_SECRET];
	size_t n = 0;

	if (!text)
		return;
	while (n < 2 * POLICY_SECRET && hex_digit(text[n]) >= 0) {
		secret[n / 2] = (uint8_t)(secret[n / 2] << 4 | hex_digit(text[n]));
		n++;
	}
	if (n < 2 * POLICY_SECRET || text[n])
		parse_error(r->src, value, "\"%s\" must be %s", key->name, key->say);
	else
		memcpy(to, secret, sizeof secret);
}

#define SECRET "32 hexadecimal digits (\"openssl rand -hex 16\" makes them), in quotes"

static const struct key cookie_keys[] = {
	{ "answer", option_switch, .say = "on or off", AT(cookies),
		.about = "Whether DNS cookies (RFC 7873, RFC 9018) are answered.",
		.otherwise = "on" },
	{ "secret", take_secret, .say = SECRET, AT(policy.cookie_secret[0]),
		.about = "Server cookies are made with this secret. Give all servers of "
			 "a fleet the same one: they then take each other's cookies, and "
			 "so do NSD, Knot and BIND with that secret.",
		.otherwise = "random, anew at each start" },
	{ "staging", take_secret, .say = SECRET, AT(policy.cookie_secret[1]),
		.about = "A second secret. Cookies made with it are taken too, so that a "
			 "fleet can change its secret.",
		.otherwise = "none" },
	{ 0 },
};

/* A section of its own, since how many secrets there are follows from which keys are there. */
static void take_cookies(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	const struct node *secret, *staging;

	(void)key;
	if (!keys_is_map(r, value, "cookies"))
		return;
	keys_read(r, cookie_keys, value, "cookies", c);
	secret = parse_get(value, "secret");
	staging = parse_get(value, "staging");
	if (staging && !secret)
		parse_error(r->src, staging->key,
			"\"staging\" is a second secret that is taken while servers change to "
			"it; it needs \"secret\" beside it");
	c->policy.cookie_secrets = !secret ? 0 : !staging ? 1 : 2;
}

/* --- geoip -------------------------------------------------------------------------------- */

void schema_files(struct reader *r, const struct key *key, const struct node *value,
	struct schema_files to)
{
	size_t n = 0;

	if (!option_is_list(r, key, value, FILES_MOST))
		return;
	const char **list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		size_t twin = 0;
		list[n] = NULL;
		option_path(r, key, i, &list[n]);
		if (!list[n])
			continue;
		while (twin < n && strcmp(list[twin], list[n]) != 0)
			twin++;
		if (twin < n)
			parse_error(r->src, i, "this path is here twice; take one out");
		else
			n++;
	}
	*to.list = list;
	*to.n = n;
}

static void take_city_files(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	schema_files(r, key, value, (struct schema_files){ &c->city_files, &c->n_city_files });
}

static void take_asn_files(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	schema_files(r, key, value, (struct schema_files){ &c->asn_files, &c->n_asn_files });
}

#define FILES "the path of a file, or a list of them (one for IPv4, one for IPv6)"

static const struct key city_keys[] = {
	{ "file", take_city_files, .say = FILES, .needed = "file: geoip/city.mmdb",
		.about = "Databases (.mmdb) that tell where an address is, in MaxMind's "
			 "nested layout or the flat one of DB-IP. A file that changes is "
			 "read anew once it has been quiet for two seconds." },
	{ 0 },
};

static const struct key asn_keys[] = {
	{ "file", take_asn_files, .say = FILES, .needed = "file: geoip/asn.mmdb",
		.about = "Databases (.mmdb) that tell the AS number of an address." },
	{ 0 },
};

static const struct key geoip_keys[] = {
	{ "city", keys_section, .keys = city_keys, .about = "Places of clients.",
		.otherwise = "none" },
	{ "asn", keys_section, .keys = asn_keys, .about = "AS numbers of clients.",
		.otherwise = "none" },
	{ 0 },
};

/* --- the whole file ----------------------------------------------------------------------- */

/* include_tree() has put what is named there in the place of it. */
static void take_include(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	(void)r;
	(void)key;
	(void)value;
	(void)to;
}

const struct key schema_keys[] = {
	{ "server", keys_section, .keys = schema_server_keys,
		.needed = "server: { " SCHEMA_LISTEN " }",
		.about = "The nameserver: addresses, threads, limits." },
	{ "control", keys_section, .keys = control_keys,
		.about = "What operators command the server by, and what it remembers.",
		.otherwise = "none" },
	{ "store", keys_section, .keys = store_keys,
		.about = "What outlives a restart and a crash, of zones that change.",
		.otherwise = "none" },
	{ "management", keys_section, .keys = schema_management_keys,
		.about = "The door for agents (waymark-agent(8)).", .otherwise = "none" },
	{ "cookies", take_cookies, .say = "a mapping: { secret: ... }", .about = "DNS cookies.",
		.keys = cookie_keys },
	{ "rrl", schema_limits, .say = "a mapping: { rate: 200 }",
		.about = "Response rate limiting: how many answers a second one client "
			 "net gets. A /24 (IPv6 /56) may have 4 times as many as one "
			 "address (/32, /64), a /16 (/48) 16 times.",
		.otherwise = "none: no limit", .keys = schema_limit_keys },
	{ "geoip", keys_section, .keys = geoip_keys, .about = "Where clients are.",
		.otherwise = "none" },
	{ "latency", schema_latency, .late = 2,
		.say = "a mapping: { files: [ measured.csv ] }",
		.about =
			"Measured round-trip times, and what is made of them. With this "
			"section nearest goes by estimated time, without it by distance alone.",
		.otherwise = "none", .keys = schema_latency_keys },
	{ "stage", schema_stage, .say = "a mapping: { servfail: 1% }",
		.about = "When a configuration that is tried out on some clients "
			 "(waymarkctl reload --stage) is taken back by itself.",
		.keys = schema_stage_keys },
	{ "resolver", keys_section, .keys = schema_resolver_keys,
		.about = "Who tells the addresses of names that edges flatten." },
	{ "reload", keys_section, .keys = schema_reload_keys,
		.about = "What a reload does only when it is forced to." },
	{ "fleet", schema_fleet, .say = "a mapping: { redis: [ ... ], name: prod, secret: ... }",
		.about = "Other servers that share what they know with this one, by a Redis or Valkey. Each goes on "
			 "alone while that cannot be reached.",
		.otherwise = "none: this server stands alone", .keys = schema_fleet_keys },
	{ "log", keys_section, .keys = schema_log_keys,
		.about = "What is logged beside the server's own messages.",
		.otherwise = "none" },
	{ "balance", schema_balance, .say = "a mapping: { high: 95% }",
		.about = "How load is balanced. Edges may have some of these keys for "
			 "themselves.",
		.keys = schema_balance_keys },
	{ "clients", schema_clients, .say = "a mapping of classes",
		.about = "Classes of clients by their nets, for pins and for zones (views).", .otherwise = "none",
		.each = "CLASS", .keys = schema_class_keys },
	{ "edges", schema_edges, .late = 1,
		.about = "The places that clients are sent to, by name. A name starts "
			 "with a letter or digit, and has only those and \"-\", \"_\" "
			 "and \".\" in it.",
		.otherwise = "none", .each = "NAME", .keys = schema_edge_keys },
	{ "probes", schema_probes, .late = 0,
		.about = "How edges are looked at, by name. A pool names the probe that "
			 "its edges must pass. Instead of a kind and its keys a probe may be made "
			 "of others: { all: [ ... ] }, { any: [ ... ] } or { at-least: 2, of: [ ... ] }, "
			 "as in pools: NAME: probe.",
		.otherwise = "none", .each = "NAME", .keys = schema_probe_keys },
	{ "pools", schema_pools, .late = 2,
		.about = "What names with an EDGE record are answered from, by name. The "
			 "record names the pool.",
		.otherwise = "none", .each = "NAME", .keys = schema_pool_keys },
	{ "edge-groups", schema_edge_groups, .late = 1, .say = "a mapping of groups by names of your own",
		.about = "Names for several edges, for \"maintenance\" and for \"waymarkctl force group:NAME\".",
		.otherwise = "none", .each = "NAME" },
	{ "maintenance", schema_maintenance, .late = 2, .say = "a list of { edges: [ ... ], from: ..., until: ... }",
		.about = "Windows in which edges are taken out, or weigh something else. \"waymarkctl changes\" lists "
			 "them; by command they are \"waymarkctl force ... --at ... --until ...\".",
		.otherwise = "none", .each = "-", .keys = schema_window_keys },
	{ "keys", schema_secrets, .say = "a mapping of keys by their names",
		.about = "What transfers and the like are signed with (TSIG, RFC 8945). The name "
			 "is a domain name, and both sides know the key by it.",
		.otherwise = "none", .each = "NAME", .keys = schema_secret_keys },
	{ "peers", schema_peers, .late = 2,
		.say = "a mapping of other nameservers by names of your own",
		.about = "Other nameservers, by names of your own.", .otherwise = "none",
		.each = "NAME", .keys = schema_peer_keys },
	{ "dnssec", schema_dnssec, .late = 3,
		.say = "a mapping of policies by names of your own",
		.about = "How zones are signed, by name. A zone, or its template, names one by its "
			 "own key \"dnssec\". What is written under \"auto\" changes the policy that "
			 "is there without.",
		.otherwise = "one policy, auto", .each = "NAME", .keys = schema_dnssec_keys },
	{ "templates", schema_templates, .late = 4,
		.say = "a mapping of what zones have in common, by names of your own",
		.about = "What many zones have in common. A zone's entry names one, and what "
			 "the entry says itself goes before it.",
		.otherwise = "none", .each = "NAME", .keys = schema_rule_keys },
	{ "zones", schema_zones, .late = 5,
		.say = "a list of { name: ..., file: ... } and { dir: ... }",
		.needed = "zones: [ { name: example.com, file: zones/example.com.zone } ]",
		.about = "What is served: a list whose entries name a zone and its file, "
			 "or a folder.",
		.each = "-", .keys = schema_zone_keys },
	{ "include", take_include,
		.say = "the path of a file, a pattern such as conf.d/*.yaml, or a list of them",
		.about = "Other files whose sections are as if they stood here: the keys of one "
			 "section may come from several files, no key from two, and the entries "
			 "of zones are put together. They may include others. Relative paths in "
			 "them start at the folder of this file, too. A pattern may match "
			 "nothing.",
		.otherwise = "none" },
	{ 0 },
};

void schema_read(struct conf *c, const struct node *top, const struct parse_source *src,
	struct arena *scratch)
{
	struct reader r = { .src = src, .conf = c, .mem = &c->mem, .scratch = scratch };

	schema_latency_defaults(&c->latency);
	schema_stage_defaults(&c->stage);
	schema_balance_defaults(&c->balance);
	schema_resolver_defaults(c);
	c->zones_lost = 0.5;
	c->metrics_zones = 100;
	c->store_history_bytes = 64u << 20;
	c->store_history_ms = 14u * 86400 * 1000;
	c->policy.ecs = true;
	c->policy.udp_size[0] = c->policy.udp_size[1] = EDNS_PAYLOAD;
	c->cookies = true;
	c->net = (struct net_opts){ .batch = 32,
		.tcp_clients = 1000,
		.tcp_clients_per_net = 100,
		.tcp_idle_ms = 10000,
		.tls_handshake_ms = 5000,
		.tls_handshakes = 1000,
		.tls_handshakes_per_net = 1000 };
	schema_rules_begin(&r);
	schema_dnssec_defaults(&r, 0);
	if (keys_is_map(&r, top, "the configuration"))
		keys_read(&r, schema_keys, top, "the configuration", c);
	schema_balance_edges(&r);
	schema_rules_end(&r);
	if (c->store_file && !c->keys_dir)
		c->keys_dir = file_beside(&c->mem, c->store_file, "keys");
	if (c->store_file && !c->images_dir && !c->images_off)
		c->images_dir = file_beside(&c->mem, c->store_file, "images");
	if (r.keeps_decisions && !c->store_file)
		parse_error(r.src, r.keeps_decisions->key,
			"\"keep\" needs a store; write for example: store: { file: "
			"/var/lib/waymark/waymark.db }");
	schema_latency_end(&r, top);
	schema_management_end(&r, top);
	schema_server_end(&r);
}
