#include "conf/schema.h"

#include "conf/option.h"

#include <string.h>

/* A number from 0 on and its unit. False: told. */
static bool take_amount(const struct reader *r, const struct key *key, const struct node *value,
	double *to, const char **unit)
{
	const char *text = option_scalar(r, key, value);

	if (!text)
		return false;
	if (!option_decimal(text, false, to, unit) || *to > 1e12)
		return option_wrong(r, key, value);
	return true;
}

static void take_ms(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *unit;
	double v;

	if (!take_amount(r, key, value, &v, &unit))
		return;
	if (strcmp(unit, "ms") == 0 && v <= key->most)
		*(double *)to = v;
	else
		option_wrong(r, key, value);
}

static void take_memory(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char units[] = "KMG";
	const char *unit, *at;
	double v;

	if (!take_amount(r, key, value, &v, &unit))
		return;
	at = *unit && !unit[1] ? strchr(units, *unit) : NULL;
	for (const char *u = units; at && u <= at; u++)
		v *= 1024;
	if (at && v >= 1 << 20 && v <= 1e12)
		*(size_t *)to = (size_t)v;
	else
		option_wrong(r, key, value);
}

static void take_files(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_latency *l = to;

	schema_files(r, key, value, (struct schema_files){ &l->files, &l->n_files });
}

/* --- agents ------------------------------------------------------------------------------- */

static void take_agent_key(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_agent *agent = to;
	const unsigned before = r->src->faults->errors;

	option_key(r, key, value, agent->key);
	agent->has_key = r->src->faults->errors == before;
}

static void take_certificate(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	char *name = arena_strdup(r->mem, text);
	for (char *c = name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	((struct conf_agent *)to)->certificate = name;
}

static const struct key agent_keys[] = {
	{ "key", take_agent_key,
		.say = "32 bytes in base64 (\"openssl rand -base64 32\" makes them)",
		.about = "The key that this edge's agent signs its reports with. It needs this or "
			 "\"certificate\"; with both either will do." },
	{ "certificate", take_certificate, .say = "a host name",
		.about = "A name that the agent's certificate is for: who shows it over TLS needs no "
			 "key. \"server: tls-clients\" says who vouches for it, and \"management: "
			 "tls\" has to be on." },
	{ 0 },
};

static bool may_report(struct reader *r, const struct node *n, const struct conf_agent *agent)
{
	if (!agent->certificate)
		return agent->has_key || parse_get(n, "key") ||
			parse_error(r->src, n->key,
				"the agent %s needs a \"key\" (\"openssl rand -base64 32\" makes one), or a "
				"\"certificate\": the name that its certificate is for",
				n->key->text);
	if (!r->conf->management_tls)
		return parse_error(r->src, parse_get(n, "certificate"),
			"certificates are shown over TLS only; write: management: { listen: ..., tls: on }");
	return r->conf->tls_clients ||
		parse_error(r->src, parse_get(n, "certificate"),
			"nobody vouches for clients' certificates; write in \"server\": tls-clients: ca.pem");
}

/* An agent has the name of the edge that it measures from. */
static void take_agents(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_latency *l = to;

	if (!keys_is_map(r, value, key->name))
		return;
	l->agents = arena_zalloc(r->mem, value->n * sizeof *l->agents);
	for (const struct node *n = value->first; n; n = n->next) {
		struct conf_agent *agent = &l->agents[l->n_agents];
		*agent = (struct conf_agent){ 0 };
		if (n->kind == NODE_BAD || !schema_edge_find(r, key, n->key, &agent->edge) ||
			!keys_is_map(r, n, n->key->text))
			continue;
		keys_read(r, agent_keys, n, n->key->text, agent);
		if (may_report(r, n, agent))
			l->n_agents++;
	}
}

#define AT(field) .at = offsetof(struct conf_latency, field)

static const struct key switch_keys[] = {
	{ "gain", take_ms, .say = "milliseconds, such as 2ms", AT(change.gain_ms),
		.most = 60000,
		.about = "An edge goes before one that stood before it only when it "
			 "gains more than this ...",
		.otherwise = "2ms" },
	{ "share", option_share, .say = "a share from 0% to 100%", AT(change.share), .most = 100,
		.about = "... and more than this share.", .otherwise = "5%" },
	{ 0 },
};

static const struct key explore_keys[] = {
	{ "share", option_share, .say = "a share from 0% to 50%", AT(explore_share), .most = 50,
		.needed = "share: 1%",
		.about = "In this share of its intervals a group of clients is sent to a "
			 "runner-up, in nearest pools of one answer." },
	{ "extra", take_ms, .say = "milliseconds, such as 10ms", AT(explore_extra_ms),
		.most = 60000, .about = "How much longer the runner-up may take.",
		.otherwise = "10ms" },
	{ "every", option_duration_ms, .say = "a duration from 1s to 1d", AT(explore_every_ms),
		.least = 1000, .most = 86400000, .about = "How long an interval is.",
		.otherwise = "5m" },
	{ 0 },
};

const struct key schema_latency_keys[] = {
	{ "files", take_files, .say = "the path of a CSV file, or a list of them",
		.about = "Measured times from edges to client networks: "
			 "prefix,edge,rtt_ms[,samples[,age_s]] under that header line. "
			 "Read anew when they change.",
		.otherwise = "none" },
	{ "mesh", option_path, .say = "the path of a CSV file", AT(mesh),
		.about = "Measured times from edge to edge: src,dst,rtt_ms under that "
			 "header line. Read anew when it changes.",
		.otherwise = "none" },
	{ "resolver-clients", option_path, .say = "the path of a CSV file", AT(resolver_clients),
		.about = "Whose clients ask through resolvers that send no client subnet: "
			 "resolver,client[,weight] under that header line, nets of both. Who asks from such a "
			 "resolver's net gets what is best for the mean of its clients. Read anew when it changes.",
		.otherwise = "none" },
	{ "learned-resolvers", option_path, .say = "the path of a CSV file", AT(learned_resolvers),
		.about = "A file that the server writes itself, every 15 minutes, and reads as "
			 "\"resolver-clients\": what it has learned of whose clients ask through which "
			 "resolver, by pools with \"resolver-pairs\" and what agents report. What stands in "
			 "\"resolver-clients\" goes before it.",
		.otherwise = "none" },
	{ "state", option_path, .say = "the path of a file to keep measurements in", AT(state),
		.about = "A file to keep in, over a restart, what was learned from "
			 "reports and by waymarkctl latency import. Written at most "
			 "every 30 s and at the end.",
		.otherwise = "none" },
	{ "half-life", option_duration_ms, .say = "a duration from 1s to 30d", AT(half_life_ms),
		.least = 1000, .most = 2592000000u,
		.about = "After so long a measurement counts half.", .otherwise = "6h" },
	{ "smoothing", option_share, .say = "a share from 1% to 100%", AT(smoothing), .least = 1,
		.most = 100, .about = "The share of a new time in the smoothed one; of several that are far off to one side, more.",
		.otherwise = "30%" },
	{ "memory", take_memory, .say = "a size from 1M on, such as 256M or 1G", AT(memory),
		.about = "Memory for measurements. The prefixes that were measured "
			 "longest ago make room.",
		.otherwise = "1G" },
	{ "switch", keys_section, .keys = switch_keys,
		.about = "What keeps the order of edges calm." },
	{ "explore", keys_section, .keys = explore_keys,
		.about = "Sends a few clients to a runner-up, so that it is measured.",
		.otherwise = "none" },
	{ "agents", take_agents, .say = "a mapping: { ams1: { key: ... } }",
		.about = "The agents that may report, each named as the edge that it "
			 "speaks for.",
		.otherwise = "none", .each = "EDGE", .keys = agent_keys },
	{ 0 },
};

void schema_latency_defaults(struct conf_latency *to)
{
	*to = (struct conf_latency){ .half_life_ms = 6 * 3600000,
		.smoothing = 0.3,
		.memory = (size_t)1 << 30,
		.change = { 2, 0.05 },
		.explore_extra_ms = 10,
		.explore_every_ms = 300000 };
}

void schema_latency(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_latency *l = &((struct conf *)to)->latency;

	if (!keys_is_map(r, value, key->name))
		return;
	l->on = true;
	keys_read(r, schema_latency_keys, value, key->name, l);
	if (l->learned_resolvers && l->resolver_clients && strcmp(l->learned_resolvers, l->resolver_clients) == 0)
		parse_error(r->src, parse_get(value, "learned-resolvers"),
			"the server writes this file, and \"resolver-clients\" is yours; name another one");
	if (l->n_agents && !r->conf->management_len)
		parse_warning(r->src, parse_get(value, "agents")->key,
			"no agent can report: add management: { listen: \"127.0.0.1:9953\" }");
}

/* Pools by which nothing would be learned. */
void schema_latency_end(struct reader *r, const struct node *top)
{
	const struct conf *c = r->conf;
	const struct node *pools = parse_get(top, "pools");

	if (c->latency.learned_resolvers || !pools || pools->kind != NODE_MAP)
		return;
	for (size_t i = 0; i < c->n_pools; i++) {
		const struct node *pool = c->pools[i].pairs ? parse_get(pools, c->pools[i].name) : NULL;
		const struct node *at = pool && pool->kind == NODE_MAP ? parse_get(pool, "resolver-pairs") : NULL;
		if (at)
			parse_warning(r->src, at->key,
				"nothing is learned by it: say where that is kept; add to \"latency\": learned-resolvers: "
				"FILE");
	}
}
