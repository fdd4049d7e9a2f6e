#include "tools/agent_conf.h"

#include "base/file.h"
#include "conf/option.h"
#include "conf/parse.h"
#include "agent/agent_report.h"
#include "dns/name.h"

#include <netinet/in.h>
#include <sodium.h>
#include <string.h>

enum { FILE_MOST = 1 << 20, SERVERS_MOST = 32, PORTS_MOST = 64, NAMES_MOST = 32, URLS_MOST = 256 };

#define AT(field) .at = offsetof(struct agent_conf, field)

static void take_edge(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = NULL;

	option_text(r, key, value, &text);
	if (text && strlen(text) > AGENT_REPORT_EDGE_MOST)
		option_wrong(r, key, value);
	else if (text)
		*(const char **)to = text;
}

static void take_key(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct agent_conf *c = to;
	const unsigned before = r->src->faults->errors;

	option_key(r, key, value, c->key);
	c->has_key = r->src->faults->errors == before;
}

/* A scheme that we speak, a host, and no path: what is asked for is signed, and a proxy that
 * shortens paths would break that. */
static char *server_url(struct reader *r, const char *text)
{
	const char *host = strncmp(text, "http://", 7) == 0 ? text + 7
		: strncmp(text, "https://", 8) == 0         ? text + 8
							    : NULL;
	const size_t len = host ? strcspn(host, "/?#@ ") : 0;

	if (!len || strcmp(host + len + (host[len] == '/'), "") != 0)
		return NULL;
	char *url = arena_strdup(r->mem, text);
	url[(size_t)(host - text) + len] = 0;
	return url;
}

/* A list of values, each as `one` takes it: NULL is none. What it is, of the configuration's memory; NULL: it is no list of so few. */
static const char **take_list(struct reader *r, const struct key *key, const struct node *value, unsigned most,
	char *(*one)(struct reader *r, const char *text), size_t *n)
{
	if (!option_is_list(r, key, value, most))
		return NULL;
	const char **list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		if (!text)
			continue;
		list[*n] = one(r, text);
		if (list[*n])
			++*n;
		else
			option_wrong(r, key, i);
	}
	return list;
}

static void take_servers(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct agent_conf *c = to;

	c->servers = take_list(r, key, value, SERVERS_MOST, server_url, &c->n_servers);
}

static void take_ports(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct agent_conf *c = to;

	if (!option_is_list(r, key, value, PORTS_MOST))
		return;
	uint32_t *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		option_number(r, key, i, &list[c->n_ports]);
		c->n_ports += list[c->n_ports] != 0;
	}
	c->ports = list;
}

static const struct key passive_keys[] = {
	{ "ports", take_ports, .say = "a port from 1 to 65535, or a list of them", .least = 1,
		.most = 65535, .needed = "ports: [ 80, 443 ]" },
	{ "every", option_duration_ms, .say = "a duration from 100ms to 10m, such as 10s",
		AT(scan_ms), .least = 100, .most = 600000 },
	{ 0 },
};

static const struct key active_keys[] = {
	{ "packets", option_number,
		.say = "a number of packets a second from 0 (measure nothing actively) to "
		       "10000",
		AT(packets), .most = 10000 },
	{ "tcp-port", option_number, .say = "a port, or 0 (ICMP only)", AT(tcp_port),
		.most = 65535 },
	{ "timeout", option_duration_ms, .say = "a duration from 100ms to 10s, such as 2s",
		AT(timeout_ms), .least = 100, .most = 10000 },
	{ 0 },
};

/* Beside the configuration, unless it begins with a slash. */
static void take_path(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (text)
		*(const char **)to = file_beside(r->mem, r->src->path, text);
}

/* A name of at least two labels. */
static char *asked_below(struct reader *r, const char *text)
{
	char *name = arena_strdup(r->mem, text);
	uint8_t wire[NAME_MOST];
	size_t len;

	for (char *c = name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	if (*name && name[strlen(name) - 1] == '.')
		name[strlen(name) - 1] = 0;
	return name_parse(wire, &len, name, strlen(name), (const uint8_t *)"") == NAME_OK &&
			name_labels(wire) > 1 && !strpbrk(name, "*\\ ")
		? name
		: NULL;
}

static void take_names(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct agent_conf *c = to;

	c->names = take_list(r, key, value, NAMES_MOST, asked_below, &c->n_names);
}

static const struct key pairs_keys[] = {
	{ "log", take_path, .say = "the path of a file", AT(log), .needed = "log: /var/log/nginx/pairs.log" },
	{ "names", take_names, .say = "a name such as who.example.org, or a list of names; those of one label more are asked for once",
		.needed = "names: who.example.org" },
	{ 0 },
};

static void take_beacon(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct agent_conf *c = to;
	const char *text = option_scalar(r, key, value);
	struct fault why;

	if (!text)
		return;
	if (!addr_parse_endpoint(&c->beacon, &c->beacon_len, text, 0, &why))
		c->beacon_len = 0;
	else if (((const struct sockaddr_in *)&c->beacon)->sin_port) /* it stands there in both families */
		return;
	else
		fault(&why, "\"%s\" has no port; write for example 127.0.0.1:9954", text);
	parse_error(r->src, value, "%s", why.text);
}

/* As browsers write it: a scheme, a host in small letters, and a port where it is another than usual (RFC 6454 section 6.2). */
static char *origin(struct reader *r, const char *text)
{
	char *url = strcmp(text, "*") == 0 ? arena_strdup(r->mem, text) : server_url(r, text);
	char *c = url;

	for (; c && *c; c++) {
		if ((unsigned char)*c > '~' || (*c == '*' && url[1]))
			return NULL; /* it is an A-label there, and one host */
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 'a' - 'A');
	}
	const char *usual = url && strncmp(url, "https:", 6) == 0 ? ":443" : ":80";
	const size_t len = strlen(usual);
	if (url && (c[-1] == ':' || strstr(url, "//:")))
		return NULL; /* a port that is not there, or a host */
	if (url && strlen(url) > len && strcmp(c - len, usual) == 0)
		c[-(ptrdiff_t)len] = 0;
	return url;
}

static void take_origins(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct agent_conf *c = to;

	c->origins = take_list(r, key, value, NAMES_MOST, origin, &c->n_origins);
}

static void take_edges(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct agent_conf *c = to;

	c->edges = take_list(r, key, value, URLS_MOST, server_url, &c->n_edges);
}

static const struct key beacon_keys[] = {
	{ "listen", take_beacon, .say = "an address and a port, such as 127.0.0.1:9954", .needed = "listen: \"127.0.0.1:9954\"" },
	{ "origins", take_origins, .say = "https://HOST of the pages that may tell, or a list of these; \"*\" is any",
		.needed = "origins: [ \"https://www.example.org\" ]" },
	{ "edges", take_edges, .say = "https://HOST of edges that pages may measure, or a list of these" },
	{ 0 },
};

static const struct key tls_keys[] = {
	{ "ca", take_path, .say = "the path of a file", AT(ca) },
	{ "cert", take_path, .say = "the path of a file", AT(cert) },
	{ "key", take_path, .say = "the path of a file", AT(cert_key) },
	{ 0 },
};

static const struct key top_keys[] = {
	{ "edge", take_edge, .say = "the edge's name, as the nameserver has it", AT(edge),
		.needed = "edge: ams1" },
	{ "key", take_key,
		.say = "32 bytes in base64 (\"openssl rand -base64 32\" makes them)" },
	{ "tls", keys_section, .keys = tls_keys },
	{ "servers", take_servers,
		.say = "http://HOST:PORT or https://HOST:PORT without a path, or a list of "
		       "these",
		.needed = "servers: [ \"http://192.0.2.53:9953\" ]" },
	{ "report", option_duration_ms, .say = "a duration from 1s to 1h, such as 60s",
		AT(report_ms), .least = 1000, .most = 3600000 },
	{ "spool", option_size, .say = "a size from 64k to 1G, such as 4M", AT(spool),
		.least = 65536, .most = 1u << 30 },
	{ "passive", keys_section, .keys = passive_keys },
	{ "active", keys_section, .keys = active_keys },
	{ "pairs", keys_section, .keys = pairs_keys },
	{ "beacon", keys_section, .keys = beacon_keys },
	{ "quantile", option_share, .most = 100, AT(quantile), .say = "a share from 0% to 100%, such as 50%" },
	{ 0 },
};

/* Whom a nameserver is to know us by: a key, or a certificate, which is shown to https alone. */
static void check_identity(struct reader *r, const struct node *top, const struct agent_conf *c)
{
	const struct node *tls = parse_get(top, "tls");

	if (tls && !c->cert != !c->cert_key)
		parse_error(r->src, tls->key,
			"\"cert\" and \"key\" of \"tls\" go together: a certificate, and its private key");
	if (parse_get(top, "key"))
		return;
	if (!c->cert)
		parse_error(r->src, top,
			"\"key\" is missing in the configuration; write for example: key: \"...\" (\"openssl rand "
			"-base64 32\" makes one), or tls: { cert: ams1.pem, key: ams1.key }");
	for (size_t i = 0; c->cert && i < c->n_servers; i++)
		if (strncmp(c->servers[i], "https://", 8) != 0)
			parse_error(r->src, parse_get(top, "servers")->key,
				"%s: without a \"key\" the certificate alone says who we are, and it is shown to https:// only",
				c->servers[i]);
}

static void read_tree(
	struct agent_conf *c, const struct parse_source *src, struct arena *scratch)
{
	struct reader r = { .src = src, .mem = &c->mem, .scratch = scratch };
	const struct node *top = parse_tree(src, scratch);

	if (top && keys_is_map(&r, top, "the configuration"))
		keys_read(&r, top_keys, top, "the configuration", c);
	if (top && top->kind == NODE_MAP)
		check_identity(&r, top, c);
}

bool agent_conf_read(struct agent_conf *c, const char *path, struct faults *f)
{
	const unsigned before = f->errors;
	struct arena scratch = { 0 };
	struct fault why;
	struct file file;

	*c = (struct agent_conf){ .report_ms = 60000,
		.scan_ms = 10000,
		.packets = 50,
		.tcp_port = 443,
		.timeout_ms = 2000,
		.quantile = 0.5,
		.spool = 4 << 20 };
	if (!file_read(&file, path, FILE_MOST, &why))
		return faults_take(f, &why);
	read_tree(c, &(struct parse_source){ .path = path,
			.text = file.text,
			.text_end = file.text + file.len,
			.faults = f },
		&scratch);
	arena_fini(&scratch);
	file_free(&file);
	if (f->errors == before)
		return true;
	agent_conf_fini(c);
	return false;
}

void agent_conf_fini(struct agent_conf *c)
{
	arena_fini(&c->mem);
	sodium_memzero(c->key, sizeof c->key);
	*c = (struct agent_conf){ 0 };
}
