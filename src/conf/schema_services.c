/* schema_services.c - https and svcb: what a pool says of its service, beside the addresses.
 *
 * Read into the parts of an RDATA (RFC 9460 section 2.2) between which the hints are put.
 */
#include "base/bytes.h"
#include "conf/option.h"
#include "conf/schema.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* RFC 9460 section 14.3.2, RFC 9461. */
enum { KEY_ALPN = 1, KEY_NO_DEFAULT_ALPN = 2, KEY_PORT = 3, KEY_ECH = 5, KEY_DOHPATH = 7 };

enum { ALPNS_MOST = 16, ALPN_MOST = 255, ECH_MOST = 2048, PATH_MOST = 255 };

struct service {
	uint32_t priority, port; /* port 0: the scheme's own */
	bool no_default_alpn;
	uint8_t *alpn, *ech, *path;
	size_t alpn_len, ech_len, path_len;
};

static bool take_protocol(struct reader *r, const struct key *key, const struct node *item,
	struct service *s, size_t room)
{
	const char *text = option_scalar(r, key, item);
	const size_t len = text ? strlen(text) : 0;

	if (!text)
		return false;
	if (!len || len > ALPN_MOST || s->alpn_len + 1 + len > room)
		return option_wrong(r, key, item);
	for (size_t at = 0; at < s->alpn_len; at += s->alpn[at] + 1u)
		if (s->alpn[at] == len && memcmp(s->alpn + at + 1, text, len) == 0)
			return parse_error(r->src, item,
				"protocol %s is here twice; take one out", text);
	s->alpn[s->alpn_len] = (uint8_t)len;
	memcpy(s->alpn + s->alpn_len + 1, text, len);
	s->alpn_len += 1 + len;
	return true;
}

static void take_alpn(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct service *s = to;
	const size_t room = (size_t)ALPNS_MOST * (ALPN_MOST + 1);

	if (!option_is_list(r, key, value, ALPNS_MOST))
		return;
	s->alpn = arena_alloc(r->scratch, room);
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		take_protocol(r, key, i, s, room);
}

/* An ECHConfigList begins with the length of what follows. */
static void take_ech(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct service *s = to;
	const char *text = option_scalar(r, key, value);
	uint8_t bytes[ECH_MOST];
	size_t len;

	if (!text)
		return;
	if (sodium_base642bin(bytes, sizeof bytes, text, strlen(text), " ", &len, NULL,
		    sodium_base64_VARIANT_ORIGINAL) != 0 ||
		len < 4 || be16_get(bytes) != len - 2) {
		option_wrong(r, key, value);
		return;
	}
	s->ech = arena_memdup(r->scratch, bytes, len);
	s->ech_len = len;
}

static bool is_variable(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* A URI template in relative form with the variable "dns" (RFC 9461 section 5). */
static bool is_dohpath(const char *text)
{
	const char *open = text;

	while (*text == '/' && (open = strchr(open, '{'))) {
		const char *close = strchr(open, '}');
		for (const char *at = open + 1; close && close - at >= 3; at++)
			if (strncmp(at, "dns", 3) == 0 && !is_variable(at[-1]) &&
				!is_variable(at[3]))
				return true;
		open++;
	}
	return false;
}

static void take_path(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct service *s = to;
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	if (!is_dohpath(text) || strlen(text) > PATH_MOST) {
		option_wrong(r, key, value);
		return;
	}
	s->path_len = strlen(text);
	s->path = arena_memdup(r->scratch, text, s->path_len);
}

#define AT(field) .at = offsetof(struct service, field)
#define SERVICE_KEYS                                                                           \
	{ "alpn", take_alpn, .say = "a list of protocols such as [ h3, h2 ]",                  \
		.about = "The protocols that the edges speak.",                                \
		.otherwise = "the scheme's own" },                                             \
	{ "no-default-alpn", option_switch, .say = "on or off", AT(no_default_alpn),           \
		.about = "The edges do not speak the scheme's own protocol (of HTTPS: "        \
			 "http/1.1). Needs alpn.",                                             \
		.otherwise = "off" },                                                          \
	{ "port", option_number, .say = "a port from 1 to 65535", AT(port), .least = 1,        \
		.most = 65535, .about = "The port that the edges listen on.",                  \
		.otherwise = "the scheme's own" },                                             \
	{ "ech", take_ech,                                                                     \
		.say = "an ECHConfigList in base64, of at most 2048 bytes",                    \
		.about = "The keys of Encrypted Client Hello, the same on all edges.",         \
		.otherwise = "none" },                                                         \
	{ "priority", option_number, .say = "a number from 1 to 65535", AT(priority),          \
		.least = 1, .most = 65535, .about = "The record's SvcPriority.",               \
		.otherwise = "1" }

const struct key schema_https_keys[] = { SERVICE_KEYS, { 0 } };

const struct key schema_svcb_keys[] = {
	SERVICE_KEYS,
	{ "dohpath", take_path,
		.say = "a path with a variable, such as \"/dns-query{?dns}\"",
		.about = "Where DNS over HTTPS is asked (RFC 9461), of a resolver's name.",
		.otherwise = "none" },
	{ 0 },
};

/* --- as RDATA ----------------------------------------------------------------------------- */

static uint8_t *put_param(uint8_t *to, unsigned key, const void *value, size_t len)
{
	be16_put(to, key);
	be16_put(to + 2, (unsigned)len);
	if (len)
		memcpy(to + 4, value, len);
	return to + 4 + len;
}

static void put_front(struct reader *r, const struct service *s, struct pool_form *f)
{
	uint8_t port[2], *front = arena_alloc(r->mem, 3 + 4 + s->alpn_len + 4 + 4 + 2), *at = front;

	be16_put(port, s->port);
	be16_put(at, s->priority);
	at[2] = 0;
	at += 3;
	if (s->alpn_len)
		at = put_param(at, KEY_ALPN, s->alpn, s->alpn_len);
	if (s->no_default_alpn)
		at = put_param(at, KEY_NO_DEFAULT_ALPN, NULL, 0);
	if (s->port)
		at = put_param(at, KEY_PORT, port, 2);
	f->front = front;
	f->front_len = (uint16_t)(at - front);
}

static void read_service(struct reader *r, const struct node *value, const struct key *keys,
	struct pool_form *f)
{
	const char *name = value->key ? value->key->text : "https";
	struct service s = { .priority = 1 };

	if (!keys_is_map(r, value, name))
		return;
	keys_read(r, keys, value, name, &s);
	if (s.no_default_alpn && !s.alpn_len)
		parse_error(r->src, parse_get(value, "no-default-alpn"),
			"\"no-default-alpn\" needs \"alpn\": no protocol would be left (RFC 9460 "
			"section 7.1.1)");
	put_front(r, &s, f);
	uint8_t *middle = arena_alloc(r->mem, 4 + s.ech_len),
		*back = arena_alloc(r->mem, 4 + s.path_len);
	f->middle = middle;
	f->back = back;
	if (s.ech_len)
		f->middle_len = (uint16_t)(put_param(middle, KEY_ECH, s.ech, s.ech_len) - middle);
	if (s.path_len)
		f->back_len = (uint16_t)(put_param(back, KEY_DOHPATH, s.path, s.path_len) - back);
}

void schema_https(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	(void)key;
	read_service(r, value, schema_https_keys,
		&((struct schema_pool *)to)->opts.forms[POOL_HTTPS]);
}

void schema_svcb(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	(void)key;
	read_service(r, value, schema_svcb_keys,
		&((struct schema_pool *)to)->opts.forms[POOL_SVCB]);
}
