/* schema_access.c - who may: by address, by key, by certificate, as a peer.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>

enum { ACCESS_MOST = 4096 };

/* Peers are known by their key, from wherever they come; those without by their addresses. */
void schema_allow_peer(const struct conf_peer *peer, struct policy_allow *list, size_t *n)
{
	if (peer->key) {
		list[(*n)++] = (struct policy_allow){ .key = peer->key };
		return;
	}
	for (size_t i = 0; i < peer->n_at; i++) {
		const struct addr a = addr_from_sockaddr((const struct sockaddr *)&peer->at[i].sa);
		list[(*n)++] = (struct policy_allow){ .net = { addr_plain(&a, NULL), 128 } };
	}
}

void schema_who_from(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	struct fault why;

	if (text && !prefix_parse(&((struct policy_allow *)to)->net, text, &why))
		parse_error(r->src, value, "%s", why.text);
}

static void take_with(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	schema_key_find(r, key, value, &((struct policy_allow *)to)->key);
}

/* In lower case, as those of certificates are. */
void schema_who_certificate(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	if (!r->conf->tls_clients)
		parse_error(r->src, value,
			"nobody vouches for clients' certificates; write in \"server\": tls-clients: "
			"ca.pem");
	char *name = arena_strdup(r->mem, text);
	for (char *c = name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	((struct policy_allow *)to)->certificate = name;
}

static const struct key allow_keys[] = {
	{ "key", take_with, .say = "the name of one of the \"keys\"",
		.about = "What the request is signed with.", .otherwise = "signed or not" },
	{ "certificate", schema_who_certificate, .say = "a host name",
		.about = "A name that the client's certificate is for. \"server: tls-clients\" says "
			 "who vouches for it.",
		.otherwise = "any, or none" },
	{ "tls", option_switch, .say = "on or off", .at = offsetof(struct policy_allow, secret),
		.about = "on: over TLS alone.", .otherwise = "off" },
	{ "from", schema_who_from, .say = "an address or a net", .about = "Where it comes from.",
		.otherwise = "anywhere" },
	{ 0 },
};

/* Who is not told by what he knows is a word in the list. */
static void take_allow(struct reader *r, const struct key *key, const struct node *item,
	struct policy_allow *to)
{
	const unsigned before = r->src->faults->errors;

	keys_read(r, allow_keys, item, key->name, to);
	if (!to->key && !to->certificate && !to->secret && !parse_get(item, "key") && !parse_get(item, "certificate") &&
		r->src->faults->errors == before)
		parse_error(r->src, item,
			"an entry of \"%s\" names a key, a certificate, or TLS; write for example: "
			"{ key: xfr }",
			key->name);
}

/* Letters of nets that are none of names that people give their servers. */
static bool is_net(const char *text)
{
	return strchr(text, ':') || strchr(text, '/') ||
		text[strspn(text, "0123456789.")] == 0;
}

static void add_word(struct reader *r, const struct key *key, const struct node *item,
	struct policy_allow *list, size_t *n)
{
	const char *text = option_scalar(r, key, item);
	struct fault why;
	unsigned number;

	if (!text)
		return;
	if (strcmp(text, "any") == 0)
		list[(*n)++] = (struct policy_allow){ 0 };
	else if (is_net(text) && prefix_parse(&list[*n].net, text, &why))
		(*n)++;
	else if (is_net(text))
		parse_error(r->src, item, "%s", why.text);
	else if (schema_peer_find(r, key, item, &number))
		schema_allow_peer(&r->conf->peers[number], list, n);
}

void schema_access(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct policy_access *access = to;
	size_t n = 0;

	*access = (struct policy_access){ 0 };
	if (value->kind == NODE_SCALAR && strcmp(value->text, "none") == 0)
		return;
	if (value->kind != NODE_MAP && !option_is_list(r, key, value, ACCESS_MOST))
		return;
	const bool one = value->kind == NODE_MAP;
	const size_t room = (one ? 1 : option_count(value)) * CONF_PEER_ADDRESSES_MOST;
	struct policy_allow *list = arena_zalloc(r->mem, room * sizeof *list);
	for (const struct node *i = one ? value : option_first(value); i;
		i = one ? NULL : option_next(value, i)) {
		if (i->kind == NODE_MAP)
			take_allow(r, key, i, &list[n++]);
		else
			add_word(r, key, i, list, &n);
	}
	access->allow = list;
	access->n = n;
}

/* An empty list is everybody, so nobody has a list: of an address that nobody has. */
void schema_query_access(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct policy_access *access = to;

	schema_access(r, key, value, to);
	if (value->kind == NODE_SCALAR && strcmp(value->text, "none") == 0) {
		struct policy_allow *nobody = arena_zalloc(r->mem, sizeof *nobody);
		nobody->net.bits = 128;
		*access = (struct policy_access){ .allow = nobody, .n = 1 };
	}
	if (access->n)
		r->conf->policy.query_limited = true;
}
