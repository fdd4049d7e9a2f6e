/* schema_management.c - management: the door for agents, for the API, for consoles and for Prometheus.
 */
#include "conf/schema.h"

#include "conf/option.h"

#include <string.h>

#define AT(field) .at = offsetof(struct conf, field)

enum { PORT = 9953, LISTEN_MOST = 2 };
static const char unix_begins[] = "unix:";

#define SCHEMA_MANAGEMENT_LISTEN "an address with or without a port, unix:PATH, or a list of one of each"

/* The path is what a socket's is, without its "unix:". */
static void take_socket(struct reader *r, const struct key *key, const struct node *value, struct conf *c)
{
	struct node *path = arena_alloc(r->scratch, sizeof *path);

	*path = *value;
	path->text += sizeof unix_begins - 1;
	if (c->management_socket)
		parse_error(r->src, value, "one Unix socket is enough; take this one out");
	else if (!*path->text)
		parse_error(r->src, value, "a path is missing; write for example: unix:/run/waymark/api.sock");
	else
		schema_socket(r, key, path, &c->management_socket);
}

static void take_listen(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!option_is_list(r, key, value, LISTEN_MOST))
		return;
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		if (!text)
			continue;
		if (strncmp(text, unix_begins, sizeof unix_begins - 1) == 0)
			take_socket(r, key, i, c);
		else if (c->management_len)
			parse_error(r->src, i, "one address is enough; take this one out");
		else
			option_endpoint(r, i, text, PORT, &c->management, &c->management_len);
	}
}

const struct key schema_management_keys[] = {
	{ "listen", take_listen, .say = SCHEMA_MANAGEMENT_LISTEN,
		.needed = "listen: \"127.0.0.1:9953\"",
		.about = "Where agents report and ask what to measure, by HTTP. The port "
			 "is 9953 unless given. Reports are signed, and encrypted with \"tls\". 96 "
			 "connections at once, 24 of one address; two thirds of them are kept "
			 "for addresses that have reported within the hour. unix:PATH is a Unix socket, where programs "
			 "of this machine use the API without a token: the kernel says who they are." },
	{ "socket-group", option_text, .say = "the name of a group", AT(management_group),
		.about = "Its members may connect to the Unix socket, too, and operate: what a token of role operate "
			 "may. The server's user has to be in it. Root and the server's user may everything.",
		.otherwise = "none: root and the server's user alone" },
	{ "metrics", option_switch, .say = "on or off", AT(policy.counts_more),
		.about = "GET /metrics there gives numbers for Prometheus to whoever may connect, "
			 "and queries are counted by zone, and how long answers take.",
		.otherwise = "off" },
	{ "metrics-zones", option_number, .say = "a number up to 10000", AT(metrics_zones),
		.most = 10000,
		.about = "So many zones have numbers of their own there: those that are asked "
			 "most. All others are counted together.",
		.otherwise = "100" },
	{ "api", option_switch, .say = "on or off", .at = offsetof(struct conf, api),
		.about = "The API, below /api/v1 there: what waymarkctl can, for programs that have a token "
			 "(\"waymarkctl token\"). Needs a store; and \"tls\", where others than this machine can connect.",
		.otherwise = "off" },
	{ "console", option_switch, .say = "on or off", .at = offsetof(struct conf, web_console),
		.about = "A page for browsers at / there, to see and to steer the server, for people who have a token. Needs "
			 "\"api: on\".",
		.otherwise = "off" },
	{ "tls", option_switch, .say = "on or off", .at = offsetof(struct conf, management_tls),
		.about = "HTTP over TLS (https), with the certificates of \"server: tls\"; not on the Unix socket.",
		.otherwise = "off" },
	{ 0 },
};

static bool is_loopback(const struct sockaddr_storage *sa)
{
	const struct addr a = addr_from_sockaddr((const struct sockaddr *)sa);
	struct prefix own, six;
	struct fault why;

	return prefix_parse(&own, "127.0.0.0/8", &why) && prefix_parse(&six, "::1", &why) &&
		(prefix_has(&own, &a) || prefix_has(&six, &a));
}

/* Tokens are in no clear text on a network, and are kept. */
void schema_management_end(const struct reader *r, const struct node *top)
{
	const bool wanted = r->conf->api || r->conf->web_console;
	const struct node *m = parse_get(top, "management"), *group = m ? parse_get(m, "socket-group") : NULL,
			  *at = m && wanted ? parse_get(m, r->conf->api ? "api" : "console") : NULL;

	if (r->conf->management_group && !r->conf->management_socket && group)
		parse_error(r->src, group,
			"there is no Unix socket for this group; write: management: { listen: [ unix:/run/waymark/api.sock ] }");
	if (!at)
		return;
	if (r->conf->web_console && !r->conf->api) {
		parse_error(r->src, at->key, "the console asks the API for all that it shows; write: management: { api: on, console: on }");
		return;
	}
	if (!r->conf->store_file)
		parse_error(r->src, at->key,
			"the API needs a store, for its tokens and for what is done with them; write for example: store: "
			"{ file: /var/lib/waymark/waymark.db }");
	if (r->conf->management_len && !is_loopback(&r->conf->management) && !r->conf->management_tls)
		parse_error(r->src, at->key,
			"the API where others can connect needs \"tls: on\", since tokens are secrets; or listen on 127.0.0.1");
}
