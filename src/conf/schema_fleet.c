/* schema_fleet.c - the section fleet: what servers share, and by which Redis.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>
#include <unistd.h>

enum { REDIS_MOST = 16, NAME_LEN_MOST = 63 };

#define AT(field) .at = offsetof(struct conf_fleet, field)

static bool is_name(const char *text)
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const size_t len = strlen(text);

	return len && len <= NAME_LEN_MOST && strspn(text, fit) == len;
}

static void take_name(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (text && is_name(text))
		*(const char **)to = arena_strdup(r->mem, text);
	else if (text)
		option_wrong(r, key, value);
}

/* Nobody is shown what is written there: it may have a password in it. */
static void take_redis(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_fleet *f = to;

	if (!option_is_list(r, key, value, REDIS_MOST))
		return;
	struct redis_at *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		struct fault why;
		if (text && redis_at_parse(&list[f->n_redis], text, r->mem, &why))
			f->n_redis++;
		else if (text)
			parse_error(r->src, i, "this is no URL of a Redis: %s", why.text);
	}
	f->redis = list;
}

static void take_staging(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_fleet *f = to;
	const unsigned before = r->src->faults->errors;

	option_key(r, key, value, f->staging);
	f->has_staging = r->src->faults->errors == before;
}

/* "2/3" or "66%". */
static void take_share(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value), *end;
	double of, all = 100;

	if (!text)
		return;
	bool ok = option_decimal(text, false, &of, &end);
	if (ok && *end == '/')
		ok = option_decimal(end + 1, false, &all, &end) && !*end;
	else
		ok = ok && strcmp(end, "%") == 0;
	if (ok && of > 0 && of <= all)
		*(double *)to = of / all;
	else
		option_wrong(r, key, value);
}

static void take_by(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "server", "region", NULL };
	const int word = option_word(r, key, value, words);

	if (word >= 0)
		*(bool *)to = word == 1;
}

#define SHARE "a share such as 2/3 or 60%"

static const struct key quorum_keys[] = {
	{ "share", take_share, .say = SHARE, AT(quorum),
		.about = "So many of the servers that count must have an edge down by its probes, for it to be down.",
		.otherwise = "2/3" },
	{ "by", take_by, .say = "server or region", AT(by_region),
		.about = "region: those of a region agree first, and then the regions among themselves, each as one.",
		.otherwise = "server" },
	{ 0 },
};

static void take_quorum(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_fleet *f = to;

	if (value->kind == NODE_MAP)
		keys_read(r, quorum_keys, value, "\"quorum\" of the fleet", f);
	else
		take_share(r, key, value, &f->quorum);
}

static const struct key fleet_tls_keys[] = {
	{ "name", option_text, .say = "a host name", AT(tls.name),
		.about = "What its certificate has to be for.", .otherwise = "the host of the URL" },
	{ "ca", option_path, .say = "the path of a file", AT(tls.ca),
		.about = "The authorities, in PEM, that vouch for it; its own certificate where that has signed itself.",
		.otherwise = "those that the system trusts" },
	{ "verify", option_switch, .say = "on or off", AT(tls.verify),
		.about = "off takes whoever answers. What servers say is sealed by the secret all the same; the "
			 "password of the URL is not.",
		.otherwise = "on" },
	{ "cert", option_path, .say = "the path of a file", AT(tls.cert),
		.about = "Our own certificate, in PEM, for a Redis that asks for it.", .otherwise = "none is shown" },
	{ "key", option_path, .say = "the path of a file", AT(tls.key),
		.about = "Its private key.", .otherwise = "none" },
	{ 0 },
};

static void take_tls(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_fleet *f = to;

	if (!keys_is_map(r, value, "\"tls\" of the fleet"))
		return;
	keys_read(r, key->keys, value, "\"tls\" of the fleet", f);
	if (!f->tls.cert != !f->tls.key)
		parse_error(r->src, value->key ? value->key : value, "\"cert\" and \"key\" belong together");
}

#define NAME "a name of 1 to 63 letters, digits, dots, - and _"
#define SECRET "32 bytes in base64 (\"openssl rand -base64 32\" makes them)"

const struct key schema_fleet_keys[] = {
	{ "redis", take_redis, .say = "the URL of a Redis, or a list of them",
		.needed = "redis: [ \"redis://127.0.0.1:6379\" ]",
		.about = "Where it is: redis://[[user]:password@]host[:port][/db], rediss:// over TLS, "
			 "redis+unix:///path; redis+sentinel://host[:port]/NAME asks a Sentinel where the master "
			 "NAME is (rediss+sentinel://: over TLS, both). Of several the first that can be reached and "
			 "takes writes is used. %XX stands for odd characters of a password." },
	{ "name", take_name, .say = NAME, AT(name), .needed = "name: prod",
		.about = "What the fleet is called: several may share a Redis." },
	{ "server", take_name, .say = NAME, AT(server),
		.about = "What this server is called. Each needs a name of its own.",
		.otherwise = "the name of the machine" },
	{ "region", take_name, .say = NAME, AT(region),
		.about = "Where it stands, for a quorum by region.", .otherwise = "none" },
	{ "secret", option_key, .say = SECRET, AT(secret),
		.needed = "secret: \"...\" (\"openssl rand -base64 32\" makes one)",
		.about = "What all servers of the fleet know and nobody else: all that they say is sealed with it, so "
			 "that nobody who reads the Redis learns anything, and nobody who writes there is believed." },
	{ "staging", take_staging, .say = SECRET,
		.about = "A second secret. What is sealed with it is taken too, so that a fleet can change its secret.",
		.otherwise = "none" },
	{ "quorum", take_quorum, .say = SHARE ", or { share: 2/3, by: region }", .keys = quorum_keys,
		.about = "So many of the servers that count must have an edge down by its probes, for it to be down. "
			 "Who sees nothing up at all, while others do, has lost his own network and does not count.",
		.otherwise = "2/3" },
	{ "wait", option_duration_ms, .say = "a duration up to 1m", AT(wait_ms), .most = 60000,
		.about = "So long a server that starts waits for what the fleet has to say (what operators want of "
			 "edges), before it answers steered names by what it remembers itself.",
		.otherwise = "3s" },
	{ "replicas", option_number, .say = "a number from 0 to 16", AT(replicas), .most = 16,
		.about = "So many replicas of the Redis must have a change of a zone (\"fleet: on\") within a second, too, before "
			 "it is confirmed.", .otherwise = "0" },
	{ "tls", take_tls, .say = "a mapping: { ca: ca.pem }", .keys = fleet_tls_keys,
		.about = "How a Redis is known that is reached over TLS.", .otherwise = "by the host of its URL" },
	{ 0 },
};

void schema_fleet(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	struct conf_fleet *f = arena_zalloc(r->mem, sizeof *f);
	char host[NAME_LEN_MOST + 2] = "";

	if (!keys_is_map(r, value, key->name))
		return;
	f->quorum = 2.0 / 3;
	f->wait_ms = 3000;
	f->tls.verify = true;
	f->region = "";
	keys_read(r, schema_fleet_keys, value, key->name, f);
	if (!f->server && gethostname(host, sizeof host - 1) == 0 && is_name(host))
		f->server = arena_strdup(r->mem, host);
	if (!f->server && !parse_get(value, "server"))
		parse_error(r->src, value->key ? value->key : value,
			"the name of this machine is no name of a server: write for example: server: ns1");
	if (f->by_region && !*f->region)
		parse_error(r->src, parse_get(value, "quorum")->key,
			"the quorum is by region, and which this server stands in is missing; write for example: "
			"region: eu");
	c->fleet = f;
}

static bool same_text(const char *a, const char *b)
{
	return !a == !b && (!a || strcmp(a, b) == 0);
}

static bool same_redis(const struct redis_at *a, const struct redis_at *b)
{
	return same_text(a->shown, b->shown) && same_text(a->user, b->user) &&
		same_text(a->password, b->password);
}

bool conf_fleet_same(const struct conf_fleet *a, const struct conf_fleet *b)
{
	if (!a || !b)
		return a == b;
	bool same = a->n_redis == b->n_redis;
	for (size_t i = 0; same && i < a->n_redis; i++)
		same = same_redis(&a->redis[i], &b->redis[i]);
	return same && same_text(a->name, b->name) && same_text(a->server, b->server) &&
		same_text(a->region, b->region) && memcmp(a->secret, b->secret, sizeof a->secret) == 0 &&
		a->has_staging == b->has_staging && memcmp(a->staging, b->staging, sizeof a->staging) == 0 &&
		a->quorum == b->quorum && a->by_region == b->by_region && a->wait_ms == b->wait_ms && a->replicas == b->replicas &&
		a->tls.verify == b->tls.verify && same_text(a->tls.name, b->tls.name) &&
		same_text(a->tls.ca, b->tls.ca) && same_text(a->tls.cert, b->tls.cert) &&
		same_text(a->tls.key, b->tls.key);
}
