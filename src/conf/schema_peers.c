/* schema_peers.c - other nameservers, and the keys that they and their like sign with.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <netinet/in.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

enum { PEERS_MOST = 4096, KEYS_MOST = 4096, PORT = 53 };

/* Names of the operator's own, by number in the order of the file. */
static void know(struct reader *r, const struct node *map, struct known *to)
{
	const char **names = arena_alloc(r->scratch, map->n * sizeof *names);
	size_t n = 0;

	for (const struct node *i = map->first; i; i = i->next)
		names[n++] = i->key->text;
	*to = known_new(r->scratch, names, n);
}

/* --- keys --------------------------------------------------------------------------------- */

/* A key while it is read. */
struct secret_key {
	struct tsig_key key;
	bool md5; /* requests that are signed with HMAC-MD5 are taken, too */
};

static void take_algorithm(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct tsig_key *k = &((struct secret_key *)to)->key;
	const char *text = option_scalar(r, key, value);

	if (text && !tsig_algorithm_parse(text, &k->algorithm, &k->mac_len))
		option_wrong(r, key, value);
}

/* Nobody is shown what is written there. */
static void take_secret(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct tsig_key *k = &((struct secret_key *)to)->key;
	const char *text = option_scalar(r, key, value);
	uint8_t bytes[TSIG_SECRET_MOST];
	size_t len;

	if (!text)
		return;
	if (sodium_base642bin(bytes, sizeof bytes, text, strlen(text), " ", &len, NULL,
		    sodium_base64_VARIANT_ORIGINAL) != 0 ||
		len == 0) {
		parse_error(r->src, value, "\"%s\" must be %s", key->name, key->say);
		return;
	}
	k->secret = arena_memdup(r->mem, bytes, len);
	k->secret_len = len;
}

const struct key schema_secret_keys[] = {
	{ "algorithm", take_algorithm,
		.say = "hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1 or "
		       "hmac-md5, with or without the bits that MACs are cut to "
		       "(hmac-sha256-128)",
		.about = "How messages are signed. With bits behind it, MACs are cut to so "
			 "many, and shorter ones are refused.",
		.otherwise = "hmac-sha256" },
	{ "secret", take_secret,
		.say = "1 to 128 bytes in base64 (\"openssl rand -base64 32\" makes them)",
		.needed = "secret: \"...\" (\"openssl rand -base64 32\" makes one)",
		.about = "What both sides know, in base64." },
	{ "md5", option_switch, .say = "on or off", .at = offsetof(struct secret_key, md5),
		.about = "on takes requests that are signed with HMAC-MD5 and this secret, too. "
			 "MD5 is weak; some clients sign with it unasked, as certbot does where "
			 "its algorithm is not written in capitals.",
		.otherwise = "off" },
	{ 0 },
};

/* Weak, and what certbot signs with when its algorithm is not written in capitals: only for who
 * says so. */
static void check_md5(const struct reader *r, const struct node *n, const struct secret_key *k)
{
	const struct node *at = parse_get(n, "algorithm");

	if (k->key.algorithm == TSIG_MD5 && !k->md5)
		parse_error(r->src, at ? at : n,
			"hmac-md5 is weak: use hmac-sha256, or write \"md5: on\" beside it for "
			"a client that knows nothing else");
}

static const struct key key_name = { "keys",
	.say = "named by domain names, such as ns1-ns2 or xfr.example.org" };

static bool read_key(struct reader *r, const struct node *n, struct secret_key *to)
{
	struct tsig_key *k = &to->key;
	const unsigned before = r->src->faults->errors;
	uint8_t name[NAME_MOST];

	*to = (struct secret_key){ 0 };
	tsig_algorithm_parse("hmac-sha256", &k->algorithm, &k->mac_len);
	const size_t len = schema_name(r, &key_name, n->key, name);
	if (!len || n->kind == NODE_BAD || !keys_is_map(r, n, n->key->text))
		return false;
	name_lower(name, name, len);
	k->name = arena_memdup(r->mem, name, len);
	keys_read(r, schema_secret_keys, n, n->key->text, to);
	check_md5(r, n, to);
	if (r->src->faults->errors != before)
		return false;
	if (k->secret_len < tsig_mac_whole(k->algorithm) / 2)
		parse_warning(r->src, n->key,
			"the secret has %zu bytes: it is the weakest part of this key "
			"(\"openssl rand -base64 32\" makes a longer one)",
			k->secret_len);
	return true;
}

static bool is_same_wire(const char *a, const char *b)
{
	uint8_t wire[2][NAME_MOST];
	size_t len[2];

	if (name_parse(wire[0], &len[0], a, strlen(a), (const uint8_t *)"") != NAME_OK ||
		name_parse(wire[1], &len[1], b, strlen(b), (const uint8_t *)"") != NAME_OK)
		return false;
	name_lower(wire[0], wire[0], len[0]);
	name_lower(wire[1], wire[1], len[1]);
	return name_equal(wire[0], wire[1]);
}

/* Domain names of ASCII, with or without the dot at the end. */
static bool is_same_name(const char *a, const char *b)
{
	if (strchr(a, '\\') || strchr(b, '\\'))
		return is_same_wire(a, b);
	const size_t a_len = strlen(a), b_len = strlen(b), n = a_len - (a_len > 1 && a[a_len - 1] == '.');

	return n == b_len - (b_len > 1 && b[b_len - 1] == '.') && strncasecmp(a, b, n) == 0;
}

/* The one before it that has its name; NULL: none. */
static const struct node *named_before(const struct node *map, const struct node *key)
{
	for (const struct node *i = map->first; i != key; i = i->next)
		if (is_same_name(i->key->text, key->key->text))
			return i;
	return NULL;
}

/* A key that MD5 is taken from, too, has two rows: one for each algorithm, with one name. */
void schema_secrets(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	struct policy *policy = &c->policy;

	if (!keys_is_map(r, value, key->name))
		return;
	if (value->n > KEYS_MOST) {
		parse_error(r->src, value->key, "%zu keys; %d are allowed", value->n, KEYS_MOST);
		return;
	}
	struct tsig_key *rows = arena_zalloc(r->mem, 2 * value->n * sizeof *rows);
	c->key_names = arena_zalloc(r->mem, value->n * sizeof *c->key_names);
	size_t number = 0;
	for (const struct node *n = value->first; n && !faults_full(r->src->faults);
		n = n->next, number++) {
		struct secret_key one;
		if (!read_key(r, n, &one))
			continue;
		const struct node *first = named_before(value, n);
		if (first) {
			parse_error(r->src, n->key, "this key is here twice, in other letters (first on line %u); take one out",
				first->key->line);
			continue;
		}
		c->key_names[number] = one.key.name;
		rows[policy->n_keys++] = one.key;
		if (!one.md5 || one.key.algorithm == TSIG_MD5)
			continue;
		tsig_algorithm_parse("hmac-md5", &one.key.algorithm, &one.key.mac_len);
		rows[policy->n_keys++] = one.key;
	}
	policy->keys = rows;
	know(r, value, &r->keys);
}

/* NULL for a faulty one, which is told. */
bool schema_key_find(const struct reader *r, const struct key *key, const struct node *name,
	const uint8_t **to)
{
	const struct known *k = &r->keys;
	unsigned number;

	if (name->kind == NODE_SCALAR && !known_find(k, name->text, &number))
		for (size_t i = 0; i < k->n; i++)
			if (is_same_name(k->names[i].name, name->text)) {
				*to = r->conf->key_names[k->names[i].number];
				return true;
			}
	if (!schema_find(r, &(struct schema_names){ key, &r->keys, "key", "keys" }, name,
		    &number))
		return false;
	*to = r->conf->key_names[number];
	return true;
}

/* --- peers -------------------------------------------------------------------------------- */

static void take_at(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_peer *peer = to;

	if (!option_is_list(r, key, value, CONF_PEER_ADDRESSES_MOST))
		return;
	struct conf_address *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		struct conf_address *a = &list[peer->n_at];
		if (!text)
			continue;
		if (!option_endpoint(r, i, text, PORT, &a->sa, &a->len))
			continue;
		if (!((const struct sockaddr_in *)&a->sa)->sin_port) /* IPv6 has it there, too */
			parse_error(r->src, i, "\"%s\": nobody listens on port 0", text);
		else
			peer->n_at++;
	}
	peer->at = list;
}

static void take_peer_key(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	schema_key_find(r, key, value, &((struct conf_peer *)to)->key);
}

static void take_edge_as(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "record", "addresses", NULL };
	const int word = option_word(r, key, value, words);

	if (word < 0)
		return;
	((struct conf_peer *)to)->plain = word == 1;
	if (word == 1 && !r->plain_node)
		r->plain_node = value;
}

static const struct key peer_tls_keys[] = {
	{ "name", option_text, .say = "a host name", .at = offsetof(struct conf_peer, tls_opts.name),
		.about = "What its certificate has to be for, and is asked for by (SNI).",
		.otherwise = "none: only with verify: off" },
	{ "ca", option_path, .say = "the path of a file", .at = offsetof(struct conf_peer, tls_opts.ca),
		.about = "The authorities, in PEM, that vouch for it; its own certificate where that "
			 "has signed itself.",
		.otherwise = "those that the system trusts" },
	{ "verify", option_switch, .say = "on or off",
		.at = offsetof(struct conf_peer, tls_opts.verify),
		.about = "off takes whoever answers: nobody who only listens learns of the zone, "
			 "whoever stands between does.",
		.otherwise = "on" },
	{ "cert", option_path, .say = "the path of a file",
		.at = offsetof(struct conf_peer, tls_opts.cert),
		.about = "Our own certificate, in PEM, for one that asks for it.",
		.otherwise = "none is shown" },
	{ "key", option_path, .say = "the path of a file", .at = offsetof(struct conf_peer, tls_opts.key),
		.about = "Its private key.", .otherwise = "none" },
	{ "port", option_number, .say = "a port from 1 to 65535",
		.at = offsetof(struct conf_peer, tls_port), .least = 1, .most = 65535,
		.about = "Where it speaks TLS.", .otherwise = "853" },
	{ 0 },
};

static void take_peer_tls(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_peer *peer = to;
	struct tls_client_opts *o = &peer->tls_opts;

	if (!keys_is_map(r, value, "\"tls\" of a peer"))
		return;
	peer->tls = true;
	peer->tls_port = 853;
	o->verify = true;
	keys_read(r, key->keys, value, "\"tls\" of a peer", peer);
	if (o->verify && !o->name)
		parse_error(r->src, value->key ? value->key : value,
			"whose certificate it has to be is missing; write for example: name: "
			"ns2.example.org, or verify: off to take any");
	if (!o->cert != !o->key)
		parse_error(r->src, value->key ? value->key : value,
			"\"cert\" and \"key\" belong together");
}

const struct key schema_peer_keys[] = {
	{ "at", take_at, .say = "an address with or without a port, or a list of them",
		.needed = "at: \"192.0.2.2\"",
		.about = "Where it is. Without a port, 53 is meant." },
	{ "key", take_peer_key, .say = "the name of one of the \"keys\"",
		.about = "What both sign with. A peer with a key is known by that, from "
			 "whatever address it comes; one without by its address.",
		.otherwise = "none: nothing is signed" },
	{ "tls", take_peer_tls, .say = "a mapping: { name: ns2.example.org, ca: ca.pem }",
		.keys = peer_tls_keys,
		.about = "Zones are fetched from it over TLS alone (RFC 9103).",
		.otherwise = "none: over TCP" },
	{ "edge-as", take_edge_as, .say = "record or addresses",
		.about = "What EDGE records are in zones that it gets. record: as they are, for a "
			 "Waymark. addresses: A and AAAA, or a CNAME, of what the pool answers "
			 "clients of no known place; the peer is told when the state of edges "
			 "changes that. Needs a store.",
		.otherwise = "record" },
	{ 0 },
};

void schema_peers(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!keys_is_map(r, value, key->name))
		return;
	if (value->n > PEERS_MOST) {
		parse_error(
			r->src, value->key, "%zu peers; %d are allowed", value->n, PEERS_MOST);
		return;
	}
	c->peers = arena_zalloc(r->mem, value->n * sizeof *c->peers);
	for (const struct node *n = value->first; n && !faults_full(r->src->faults);
		n = n->next) {
		struct conf_peer *peer = &c->peers[c->n_peers++];
		peer->name = arena_strdup(r->mem, n->key->text);
		if (n->kind != NODE_BAD && keys_is_map(r, n, n->key->text))
			keys_read(r, schema_peer_keys, n, n->key->text, peer);
	}
	know(r, value, &r->peers);
}

bool schema_peer_find(const struct reader *r, const struct key *key, const struct node *name,
	unsigned *number)
{
	return schema_find(
		r, &(struct schema_names){ key, &r->peers, "peer", "peers" }, name, number);
}
