/* schema_log.c - the section log: decisions, queries, dnstap.
 */
#include "conf/option.h"
#include "conf/schema.h"

/* A share of the answers becomes "every so many". */
static void take_sample(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	double share;

	if (!text)
		return;
	if (option_percent(text, 0.0001, 100, &share))
		*(uint32_t *)to = (uint32_t)(1 / share + 0.5);
	else
		option_wrong(r, key, value);
}

#define AT(field) .at = offsetof(struct conf, field)

static const struct key decision_keys[] = {
	{ "file", option_path, .say = "the path of a file", AT(decisions_file),
		.about = "Where to. A file that is moved away is opened anew.", .otherwise = "none" },
	{ "sample", take_sample, .say = "a share of the answers from 0.0001% to 100%",
		AT(policy.sample_every),
		.about = "The share of the answers from pools that is logged.",
		.otherwise = "0.1%" },
	{ "size", option_size, .say = "a size from 64k to 4G", AT(decisions_most),
		.least = 65536, .most = UINT32_MAX,
		.about = "A file that is larger becomes FILE.1.", .otherwise = "100M" },
	{ "keep", option_duration_ms, .say = "a duration from 1m to 49d", .least = 60000,
		.most = UINT32_MAX, AT(decisions_keep_ms),
		.about = "How long they are kept in the store, for \"waymarkctl why\".",
		.otherwise = "not at all; clients on watch: 7d" },
	{ "keep-most", option_number, .say = "a number from 1000 to 100000000", .least = 1000,
		.most = 100000000, AT(decisions_keep_most),
		.about = "So many are kept at most, some 300 bytes each; the oldest go.",
		.otherwise = "200000" },
	{ 0 },
};

static void take_decisions(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!keys_is_map(r, value, key->name))
		return;
	c->policy.sample_every = 1000;
	c->decisions_most = 100u << 20;
	c->decisions_keep_most = 200000;
	keys_read(r, decision_keys, value, key->name, to);
	if (!c->decisions_file && !c->decisions_keep_ms)
		parse_error(r->src, value,
			"decisions go nowhere: write a \"file\", or how long the store is to \"keep\" them, for example: "
			"decisions: { keep: 7d }");
	if (c->decisions_keep_ms)
		r->keeps_decisions = parse_get(value, "keep");
}

/* --- queries and dnstap ------------------------------------------------------------------- */

static void take_format(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "text", "json", NULL };
	const int i = option_word(r, key, value, words);

	if (i >= 0)
		*(bool *)to = i == 1;
}

static const struct key query_keys[] = {
	{ "file", option_path, .say = "the path of a file", AT(queries_file),
		.needed = "file: queries.log",
		.about = "Where to. A file that is moved away is opened anew." },
	{ "sample", take_sample, .say = "a share of the queries from 0.0001% to 100%",
		AT(policy.log_every), .about = "The share of all queries that is logged.",
		.otherwise = "1%" },
	{ "format", take_format, .say = "text or json", AT(queries_json),
		.about = "A line of words, or a JSON object a line.", .otherwise = "text" },
	{ "size", option_size, .say = "a size from 64k to 4G", AT(queries_most),
		.least = 65536, .most = UINT32_MAX,
		.about = "A file that is larger becomes FILE.1.", .otherwise = "100M" },
	{ 0 },
};

static void take_queries(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!keys_is_map(r, value, key->name))
		return;
	c->policy.log_every = 100;
	c->queries_most = 100u << 20;
	keys_read(r, query_keys, value, key->name, to);
}

static const struct key dnstap_keys[] = {
	{ "socket", schema_socket, .say = "the path of a socket", AT(dnstap_socket),
		.needed = "socket: /run/dnstap.sock",
		.about = "The Unix socket that a reader of dnstap (fstrm_capture, dnscollector) "
			 "listens on. The server's user must be able to write there. Who is not there is "
			 "tried again every two seconds." },
	{ "sample", take_sample, .say = "a share of the queries from 0.0001% to 100%",
		AT(policy.dnstap_every), .about = "The share of all queries that is told, with their answers.",
		.otherwise = "100%" },
	{ 0 },
};

static void take_dnstap(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!keys_is_map(r, value, key->name))
		return;
	c->policy.dnstap_every = 1;
	keys_read(r, dnstap_keys, value, key->name, to);
}

const struct key schema_log_keys[] = {
	{ "format", take_format, .say = "text or json", AT(log_json),
		.about = "How lines of the log are written, once the configuration is read: as "
			 "text, or as a JSON object a line.",
		.otherwise = "text" },
	{ "decisions", take_decisions,
		.say = "a mapping: { file: decisions.json, sample: 0.1% }",
		.about = "A share of the answers from pools, one JSON object a line.",
		.otherwise = "none", .keys = decision_keys },
	{ "queries", take_queries, .say = "a mapping: { file: queries.log, sample: 1% }",
		.about = "A share of all queries and what they were answered, a line each.",
		.otherwise = "none", .keys = query_keys },
	{ "dnstap", take_dnstap, .say = "a mapping: { socket: /run/dnstap.sock }",
		.about = "Queries and answers as messages of dnstap (AUTH_QUERY, AUTH_RESPONSE; "
			 "UPDATE_QUERY, UPDATE_RESPONSE), by Frame Streams. Nothing waits for the "
			 "reader: what it does not take is lost and counted.",
		.otherwise = "none", .keys = dnstap_keys },
	{ 0 },
};
