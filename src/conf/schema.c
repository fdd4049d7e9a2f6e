#include "conf/schema.h"

#include "base/file.h"
#include "conf/option.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

enum { FILES_MOST = 16, PORT = 53 };

/* --- server ------------------------------------------------------------------------------- */

/* Both families keep the port at the same place. */
static bool has_port(const struct net_address *a)
{
	return ((const struct sockaddr_in *)&a->sa)->sin_port != 0;
}

static bool take_endpoint(struct reader *r, const struct key *key, const struct node *item,
	struct net_address *to)
{
	const char *text = option_scalar(r, key, item);
	struct fault why;

	if (!text)
		return false;
	if (!addr_parse_endpoint(&to->sa, &to->len, text, PORT, &why))
		return parse_error(r->src, item, "%s", why.text);
	if (!has_port(to))
		return parse_error(r->src, item,
			"port 0 is no port to listen on; write 1 to 65535, or none for 53");
	return true;
}

static void take_listen(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct net_opts *net = to;
	size_t n = 0;

	if (!option_is_list(r, key, value, NET_LISTEN_MOST))
		return;
	struct net_address *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		size_t twin = 0;
		if (!take_endpoint(r, key, i, &list[n]))
			continue;
		while (twin < n && memcmp(&list[twin], &list[n], sizeof *list) != 0)
			twin++;
		if (twin < n)
			parse_error(
				r->src, i, "this address and port is here twice; take one out");
		else
			n++;
	}
	net->listen = list;
	net->n = n;
}

static void take_workers(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	if (value->kind == NODE_SCALAR && strcmp(value->text, "auto") == 0)
		*(unsigned *)to = 0;
	else
		option_number(r, key, value, to);
}

#define LISTEN    "listen: [ \"0.0.0.0:53\", \"[::]:53\" ]"
#define AT(field) .at = offsetof(struct conf, field)

static const struct key server_keys[] = {
	{ "listen", take_listen, .say = "an address with or without a port, or a list of them",
		AT(net), .needed = LISTEN },
	{ "workers", take_workers, .say = "auto, or a number from 1 to 256", AT(net.workers),
		.least = 1, .most = NET_WORKERS_MOST },
	{ "user", option_text, .say = "the name of a user", AT(user) },
	{ "ecs", option_switch, .say = "on or off", AT(ecs) },
	{ "tcp-clients", option_number, .say = "a number from 1 to 1000000",
		AT(net.tcp_clients), .least = 1, .most = 1000000 },
	{ "tcp-idle", option_duration_ms, .say = "a duration from 1ms to 1h, such as 10s",
		AT(net.tcp_idle_ms), .least = 1, .most = 3600000 },
	{ 0 },
};

/* --- control ------------------------------------------------------------------------------ */

static void take_socket(
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
	{ "socket", take_socket, .say = "the path of a socket", AT(control_socket),
		.needed = "socket: /run/waymark/control.sock" },
	{ 0 },
};

/* --- geoip -------------------------------------------------------------------------------- */

struct files {
	const char *const **list;
	size_t *n;
};

static void take_files(
	struct reader *r, const struct key *key, const struct node *value, struct files to)
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
			parse_error(r->src, i, "this file is here twice; take one out");
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

	take_files(r, key, value, (struct files){ &c->city_files, &c->n_city_files });
}

static void take_asn_files(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	take_files(r, key, value, (struct files){ &c->asn_files, &c->n_asn_files });
}

#define FILES "the path of a file, or a list of them (one for IPv4, one for IPv6)"

static const struct key city_keys[] = {
	{ "file", take_city_files, .say = FILES, .needed = "file: geoip/city.mmdb" },
	{ 0 },
};

static const struct key asn_keys[] = {
	{ "file", take_asn_files, .say = FILES, .needed = "file: geoip/asn.mmdb" },
	{ 0 },
};

static const struct key geoip_keys[] = {
	{ "city", keys_section, .keys = city_keys },
	{ "asn", keys_section, .keys = asn_keys },
	{ 0 },
};

/* --- the whole file ----------------------------------------------------------------------- */

static const struct key top_keys[] = {
	{ "server", keys_section, .keys = server_keys, .needed = "server: { " LISTEN " }" },
	{ "control", keys_section, .keys = control_keys },
	{ "geoip", keys_section, .keys = geoip_keys },
	{ "edges", schema_edges, .late = false },
	{ "pools", schema_pools, .late = true },
	{ "zones", schema_zones, .late = true,
		.say = "a list of { name: ..., file: ... } and { dir: ... }",
		.needed = "zones: [ { name: example.com, file: zones/example.com.zone } ]" },
	{ 0 },
};

void schema_read(struct conf *c, const struct node *top, const struct parse_source *src,
	struct arena *scratch)
{
	struct reader r = { .src = src, .conf = c, .mem = &c->mem, .scratch = scratch };

	c->ecs = true;
	c->net.workers = 0;
	c->net.tcp_clients = 1000;
	c->net.tcp_idle_ms = 10000;
	if (keys_is_map(&r, top, "the configuration"))
		keys_read(&r, top_keys, top, "the configuration", c);
}
