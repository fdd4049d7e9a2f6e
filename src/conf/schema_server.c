#include "conf/option.h"
#include "conf/schema.h"
#include "net/quic.h"
#include "net/xdp.h"

#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

/* What may stand before an address, and the port where none is given. */
static const struct {
	const char *word;
	unsigned port;
} kinds[] = { [NET_PLAIN] = { "", 53 }, [NET_TLS] = { "tls:", 853 },
	[NET_HTTPS] = { "https:", 443 }, [NET_HTTP] = { "http:", 80 }, [NET_QUIC] = { "quic:", 853 },
	[NET_XDP] = { "xdp:", 53 } };

enum { KINDS = sizeof kinds / sizeof *kinds };

/* "192.0.2.1:443/dns-query": the address alone, of the reader's memory; NULL, and told. */
static const char *take_path(
	struct reader *r, const struct node *item, const char *text, struct net_address *to)
{
	const char *slash = strchr(text, '/');

	to->path = slash ? arena_strdup(r->mem, slash) : "/dns-query";
	for (const char *c = to->path; *c; c++)
		if (*c <= ' ' || *c == '?' || *c == '#' || *c == '{') {
			parse_error(r->src, item,
				"\"%s\" is no path: write it as it stands in a request, without "
				"{?dns}",
				to->path);
			return NULL;
		}
	char *address = arena_strdup(r->mem, text);
	if (slash)
		address[slash - text] = 0;
	return address;
}

/* "sctp:192.0.2.1", "localhost": a word where an address, or a kind of listening, stands. No address of
 * IPv6 begins with letters beyond f. */
static bool is_word(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz") > strspn(text, "abcdef");
}

/* "eth0", "eth0:5353". */
static bool take_interface(
	struct reader *r, const struct node *item, const char *text, struct net_address *to)
{
	const char *colon = strrchr(text, ':');
	const size_t len = colon ? (size_t)(colon - text) : strlen(text);
	uint64_t port = kinds[NET_XDP].port;

	if (!xdp_is_built())
		return parse_error(r->src, item,
			"this waymarkd was built without AF_XDP: install libxdp-dev, libbpf-dev and clang, and build it anew");
	if (!len || len >= IF_NAMESIZE || memchr(text, '/', len) || memchr(text, ' ', len))
		return parse_error(r->src, item,
			"xdp: wants the name of an interface, such as xdp:eth0 or xdp:eth0:53 (\"ip link\" lists them)");
	if (colon && (!option_whole(colon + 1, &port) || !port || port > 65535))
		return parse_error(r->src, item, "\"%s\" is not a port; write 1 to 65535, or none for %u",
			colon + 1, kinds[NET_XDP].port);
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	memcpy(&to->sa, &any, sizeof any);
	to->len = sizeof any;
	char *name = arena_strdup(r->mem, text);
	name[len] = 0;
	to->device = name;
	return true;
}

static bool take_endpoint(struct reader *r, const struct key *key, const struct node *item,
	struct net_address *to)
{
	const char *text = option_scalar(r, key, item);

	if (!text)
		return false;
	to->kind = NET_PLAIN;
	for (unsigned i = 1; i < KINDS; i++)
		if (strncmp(text, kinds[i].word, strlen(kinds[i].word)) == 0)
			to->kind = i;
	text += strlen(kinds[to->kind].word);
	if (to->kind == NET_XDP)
		return take_interface(r, item, text, to);
	if (is_word(text))
		return parse_error(r->src, item,
			"\"%s\" is not an address: write it in numbers (192.0.2.1:53, [2001:db8::1]:53), "
			"with nothing in front for UDP and TCP, or tls:, https:, http: or quic:; or an "
			"interface with xdp:",
			text);
	if (to->kind == NET_QUIC && !quic_is_built())
		return parse_error(r->src, item,
			"this waymarkd was built without QUIC: build it anew after \"./configure --with-quic\"");
	if (net_is_http(to->kind) && !(text = take_path(r, item, text, to)))
		return false;
	if (!option_endpoint(r, item, text, kinds[to->kind].port, &to->sa, &to->len))
		return false;
	if (!net_port(to))
		return parse_error(r->src, item,
			"port 0 is no port to listen on; write 1 to 65535, or none for %u",
			kinds[to->kind].port);
	return true;
}

static bool is_twin(const struct net_address *a, const struct net_address *b)
{
	if (a->kind == NET_XDP || b->kind == NET_XDP)
		return a->kind == b->kind && net_port(a) == net_port(b) &&
			strcmp(a->device, b->device) == 0;
	return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0 &&
		((net_is_udp(a->kind) && net_is_udp(b->kind)) ||
			(net_is_tcp(a->kind) && net_is_tcp(b->kind)));
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
		while (twin < n && !is_twin(&list[twin], &list[n]))
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

/* The processor that a thread of the worker may run on, by their numbers in the list. */
static void take_cpus(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct net_opts *net = to;
	size_t n = 0;

	net->pin = value->kind != NODE_SCALAR || strcmp(value->text, "off") != 0;
	if (!net->pin || (value->kind == NODE_SCALAR && strcmp(value->text, "auto") == 0) ||
		!option_is_list(r, key, value, NET_WORKERS_MOST))
		return;
	unsigned *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		uint64_t v;
		if (!text)
			continue;
		if (option_whole(text, &v) && v < NET_CPUS_MOST)
			list[n++] = (unsigned)v;
		else
			option_wrong(r, key, i);
	}
	net->cpus = list;
	net->n_cpus = n;
}

/* --- certificates ------------------------------------------------------------------------- */

static const struct key proxy_keys[] = {
	{ "from", option_nets, .say = "a prefix, or a list of them",
		.at = offsetof(struct conf, policy.proxies),
		.needed = "from: [ 192.0.2.0/28 ]",
		.about = "Their addresses. What comes from there has to have the header; what "
			 "comes from elsewhere and has one is refused." },
	{ 0 },
};

static const struct key xdp_keys[] = {
	{ "answers", option_switch, .say = "on or off", .at = offsetof(struct conf, net.xdp_answers),
		.about = "on: what is asked often, and answered alike for everybody or, by a pool, for all "
			 "queries of a client, is answered in the kernel, without the server.",
		.otherwise = "off" },
	{ 0 },
};

static const struct key pair_keys[] = {
	{ "cert", option_path, .say = "the path of a file", .at = offsetof(struct tls_pair, cert),
		.needed = "cert: ns1.pem",
		.about = "The certificate in PEM, and behind it those of the authorities up to, "
			 "but without, the root." },
	{ "key", option_path, .say = "the path of a file", .at = offsetof(struct tls_pair, key),
		.needed = "key: ns1.key", .about = "Its private key in PEM, without a passphrase." },
	{ 0 },
};

static void take_tls(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	size_t n = 0;

	if (value->kind != NODE_LIST || !value->n || value->n > TLS_PAIRS_MOST) {
		option_wrong(r, key, value);
		return;
	}
	struct tls_pair *list = arena_zalloc(r->mem, value->n * sizeof *list);
	for (const struct node *i = value->first; i; i = i->next) {
		if (!keys_is_map(r, i, "an entry of \"tls\""))
			continue;
		keys_read(r, key->keys, i, "an entry of \"tls\"", &list[n]);
		n += list[n].cert && list[n].key;
	}
	c->tls = list;
	c->n_tls = n;
}

/* A port whose queries come by AF_XDP wants ordinary sockets, too. */
static void check_xdp(const struct reader *r)
{
	const struct net_opts *net = &r->conf->net;
	struct fault_at at;
	unsigned interfaces = 0;

	for (size_t i = 0; i < net->n; i++) {
		size_t j = 0;
		if (net->listen[i].kind != NET_XDP)
			continue;
		while (j < net->n && (net->listen[j].kind != NET_PLAIN ||
					     net_port(&net->listen[j]) != net_port(&net->listen[i])))
			j++;
		conf_at(r->conf, "server", "listen", &at);
		if (++interfaces > NET_XDP_MOST)
			faults_error(r->src->faults, &at, "xdp: may stand %d times at most", NET_XDP_MOST);
		if (j == net->n)
			faults_warning(r->src->faults, &at,
				"xdp:%s takes queries over UDP alone: nobody answers at port %u over TCP, nor NOTIFY and UPDATE; "
				"write an ordinary address beside it, such as \"0.0.0.0:%u\"",
				net->listen[i].device, ntohs(net_port(&net->listen[i])),
				ntohs(net_port(&net->listen[i])));
	}
}

/* Who listens for TLS has something to show. */
void schema_server_end(const struct reader *r)
{
	const struct conf *c = r->conf;
	struct fault_at at;

	check_xdp(r);
	if (c->n_tls || (conf_at(c, "server", "tls", &at) && r->src->faults->errors))
		return;
	if (c->management_tls && conf_at(c, "management", "tls", &at))
		faults_error(r->src->faults, &at,
			"there is no certificate to show; write in \"server\": tls: [ { cert: ns1.pem, key: ns1.key } ]");
	for (size_t i = 0; i < c->net.n; i++)
		if (net_is_tls(c->net.listen[i].kind) || c->net.listen[i].kind == NET_QUIC) {
			conf_at(c, "server", "listen", &at);
			faults_error(r->src->faults, &at,
				"there is an address for TLS, and no certificate to show there; "
				"write for example: tls: [ { cert: ns1.pem, key: ns1.key } ]");
			return;
		}
}

/* "auto" is NULL and "off" the empty text. */
static void take_name(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = NULL;

	option_text(r, key, value, &text);
	if (!text)
		return;
	if (strlen(text) > POLICY_TEXT)
		parse_error(r->src, value, "\"%s\" has at most %d bytes; this has %zu",
			key->name, POLICY_TEXT, strlen(text));
	else if (strcmp(text, "auto") == 0)
		*(const char **)to = NULL;
	else
		*(const char **)to = strcmp(text, "off") == 0 ? "" : text;
}

static void take_folders(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	c->folders_any = value->kind == NODE_SCALAR && strcmp(value->text, "any") == 0;
	if (c->folders_any)
		return;
	for (const struct node *i = option_first(value); i; i = option_next(value, i))
		if (i->kind == NODE_SCALAR && (strcmp(i->text, "any") == 0 || strcmp(i->text, "none") == 0 || strcmp(i->text, "off") == 0)) {
			option_wrong(r, key, i); /* no folder of that name is meant */
			return;
		}
	schema_files(r, key, value, (struct schema_files){ &c->folders, &c->n_folders });
}

#define AT(field) .at = offsetof(struct conf, field)
#define SIZE      .say = "a size from 4k to 1G, such as 4M", .least = 4096, .most = 1u << 30

const struct key schema_server_keys[] = {
	{ "listen", take_listen,
		.say = "an address with or without a port, or a list of them",
		AT(net), .needed = SCHEMA_LISTEN,
		.about = "Where queries come in, by UDP and TCP. The port is 53 unless "
			 "given. With tls: before the address it is DNS over TLS (RFC 7858), at "
			 "port 853; with https: DNS over HTTPS (RFC 8484), at port 443, with the "
			 "path behind it (/dns-query unless given); with http: the same for a "
			 "proxy that takes off TLS, at port 80; with quic: DNS over QUIC (RFC 9250), "
			 "at port 853 of UDP, where that was built in. xdp: stands before the name of "
			 "an interface (xdp:eth0, xdp:eth0:53): what comes there over UDP for the "
			 "ordinary addresses of the same port comes past the kernel's network "
			 "stack (AF_XDP), where that was built in." },
	{ "tls", take_tls, .say = "a list of up to 256 { cert: FILE, key: FILE }", .at = 0,
		.about = "The certificates that are shown to clients of TLS. Who asks for a name "
			 "(SNI) is shown the first that is for it; the others are shown the "
			 "first of all. The files are read anew when they change.",
		.otherwise = "none: needed where an address has tls:, https: or quic:", .each = "-",
		.keys = pair_keys },
	{ "tls-clients", option_path, .say = "the path of a file", AT(tls_clients),
		.about = "The authorities, in PEM, that vouch for clients' certificates. With it "
			 "clients of TLS are asked for one; who has none is served as any other.",
		.otherwise = "none: no client is asked" },
	{ "tls-tickets", option_path, .say = "the path of a file", AT(tls_tickets),
		.about = "Keys of session tickets, the newest first, 80 random bytes each, for "
			 "servers that answer at one address (anycast): a client resumes at one "
			 "what it began at another. Read anew when it changes.",
		.otherwise = "random ones of this server's own, a new one each hour" },
	{ "tls-handshake", option_duration_ms, .say = "a duration from 100ms to 1m, such as 5s",
		AT(net.tls_handshake_ms), .least = 100, .most = 60000,
		.about = "How long a handshake may take.", .otherwise = "5s" },
	{ "tls-handshakes", option_number, .say = "a number from 1 to 1000000",
		AT(net.tls_handshakes), .least = 1, .most = 1000000,
		.about = "Handshakes at once. The oldest makes room for a new one.",
		.otherwise = "1000" },
	{ "tls-handshakes-per-net", option_number, .say = "a number from 1 to 1000000",
		AT(net.tls_handshakes_per_net), .least = 1, .most = 1000000,
		.about = "Handshakes a second that one client net may begin (IPv4 /24, IPv6 "
			 "/48). Connections over it are closed.",
		.otherwise = "1000" },
	{ "workers", take_workers, .say = "auto, or a number from 1 to 256", AT(net.workers),
		.least = 1, .most = NET_WORKERS_MOST,
		.about = "Threads that answer. auto is one for each processor.",
		.otherwise = "auto" },
	{ "cpus", take_cpus,
		.say = "off, auto, or a list of processors' numbers from 0 to 1023", AT(net),
		.about = "Pins workers to processors. auto: worker k stays on the k-th "
			 "processor that the server may use. A list is taken in turn.",
		.otherwise = "off" },
	{ "batch", option_number, .say = "a number from 1 to 256", AT(net.batch), .least = 1,
		.most = NET_BATCH_MOST,
		.about = "UDP queries that are taken and answered at a time.",
		.otherwise = "32" },
	{ "freebind", option_switch, .say = "on or off", AT(net.freebind),
		.about = "Addresses of listen that this machine does not have yet are listened on, too, and are answered once they "
			 "come: for a machine that takes over another's address, or an interface that comes up late (IP_FREEBIND). A "
			 "wrong address is not told then.",
		.otherwise = "off" },
	{ "receive-buffer", option_size, SIZE, AT(net.receive_buffer),
		.about = "The receive buffer of each UDP socket. Past net.core.rmem_max "
			 "only with CAP_NET_ADMIN; the log tells when the kernel gives "
			 "less.",
		.otherwise = "4M, as far as net.core.rmem_max allows" },
	{ "send-buffer", option_size, SIZE, AT(net.send_buffer),
		.about = "The send buffer of each UDP socket, likewise by "
			 "net.core.wmem_max.",
		.otherwise = "the kernel's" },
	{ "proxy", keys_section, .say = "a mapping: { from: [ 192.0.2.0/28 ] }",
		.keys = proxy_keys,
		.about = "Proxies that tell by a header whose queries they hand on (PROXY "
			 "version 2 over UDP, TCP and in front of TLS; version 1 over the latter "
			 "two). The client behind is who everything goes by: GeoIP, access, "
			 "limits.",
		.otherwise = "none" },
	{ "xdp", keys_section, .say = "a mapping: { answers: on }", .keys = xdp_keys,
		.about = "How it is with interfaces of listen (xdp:eth0).",
		.otherwise = "as without it" },
	{ "user", option_text, .say = "the name of a user", AT(user),
		.about = "The user to become once the sockets are open. root stays root.",
		.otherwise = "for root: waymark, where there is such a user (a warning where "
			     "there is none); others stay who they are" },
	{ "ecs", option_switch, .say = "on or off", AT(policy.ecs),
		.about = "Whether client subnets (EDNS Client Subnet, RFC 7871) are "
			 "heeded and echoed.",
		.otherwise = "on" },
	{ "minimal-responses", option_switch, .say = "on or off", AT(policy.minimal),
		.about = "on: the additional section holds glue only.", .otherwise = "off" },
	{ "edns-size-ipv4", option_number, .say = "a number of bytes from 512 to 1232", AT(policy.udp_size[0]),
		.least = EDNS_PAYLOAD_LEAST, .most = EDNS_PAYLOAD,
		.about = "No answer over UDP and IPv4 is larger, and EDNS tells that larger queries are not taken. What is larger goes by "
			 "TCP. There is no more than 1232, as larger packets come in fragments, and those get lost and are forged.",
		.otherwise = "1232" },
	{ "edns-size-ipv6", option_number, .say = "a number of bytes from 512 to 1232", AT(policy.udp_size[1]),
		.least = EDNS_PAYLOAD_LEAST, .most = EDNS_PAYLOAD, .about = "The same over IPv6.", .otherwise = "1232" },
	{ "identity", take_name, .say = "auto (the host's name), off, or a text", AT(identity),
		.about = "What id.server and hostname.bind (class CHAOS) and NSID tell. "
			 "auto is the host's name. \"%g\" in a text is what ANSWERS of the command fleet "
			 "shows: servers of a fleet with the same one choose from the same edges.",
		.otherwise = "auto" },
	{ "version", take_name, .say = "auto (this version), off, or a text", AT(version),
		.about = "What version.bind and version.server (class CHAOS) tell.",
		.otherwise = "auto" },
	{ "tcp-clients", option_number, .say = "a number from 1 to 1000000",
		AT(net.tcp_clients), .least = 1, .most = 1000000,
		.about = "TCP connections at once. The one that is idle longest makes "
			 "room for a new one.",
		.otherwise = "1000" },
	{ "tcp-clients-per-net", option_number, .say = "a number from 1 to 1000000",
		AT(net.tcp_clients_per_net), .least = 1, .most = 1000000,
		.about = "Of these, connections from one client net (IPv4 /24, IPv6 "
			 "/48). Its one that is idle longest makes room.",
		.otherwise = "100" },
	{ "folders", take_folders, .say = "any, or the path of a folder, or a list of them", .at = 0,
		.about = "Folders besides those that this configuration names in which the server may open and write files, and in all below "
			 "them (Landlock, from Linux 5.13 on): for a backup, say, or for zones that are added later. Else it reads only "
			 "where paths of the configuration and of zones lead and the system has its own (/etc, /usr, /lib, /dev, /proc, /sys), and "
			 "writes only where it keeps something.",
		.otherwise = "none" },
	{ "tcp-idle", option_duration_ms, .say = "a duration from 1ms to 1h, such as 10s",
		AT(net.tcp_idle_ms), .least = 1, .most = 3600000,
		.about = "A connection that has sent no whole query for so long is "
			 "closed.",
		.otherwise = "10s" },
	{ 0 },
};
