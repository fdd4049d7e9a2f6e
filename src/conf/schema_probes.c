#include "conf/schema.h"

#include "conf/option.h"
#include "dns/rrtype.h"

#include <string.h>

/* Sets of kinds. */
enum {
	ICMP = 1 << PROBE_ICMP,
	TCP = 1 << PROBE_TCP,
	HTTPS = 1 << PROBE_HTTPS,
	HTTP = 1 << PROBE_HTTP | HTTPS,
	DNS = 1 << PROBE_DNS,
	EXEC = 1 << PROBE_EXEC,
	TOLD = 1 << PROBE_EXTERNAL,
	ASKS = ICMP | TCP | HTTP | DNS | EXEC,
	ANY = ASKS | TOLD
};

/* --- a probe ------------------------------------------------------------------------------ */

#define AT(field) .at = offsetof(struct schema_probe, opts.field)
#define COUNT     .say = "a number from 1 to 100", .least = 1, .most = HEALTH_RULE_MOST

const struct key schema_probe_keys[] = {
	{ "kind", schema_probe_kind, .say = "none, icmp, tcp, http, https, dns, exec or external",
		.needed = "kind: https",
		.about = "What a probe does. none passes always; external is told how an edge is." },
	{ "port", option_number, .say = "a port from 1 to 65535", AT(port), .least = 1,
		.most = 65535, .about = "Of tcp, http, https and dns: the port that is asked.",
		.otherwise = "80 (tcp, http), 443 (https), 53 (dns)" },
	{ "every", option_duration_ms, .say = "a duration from 100ms to 1d, such as 5s",
		AT(every_ms), .least = PROBE_EVERY_LEAST_MS, .most = PROBE_EVERY_MOST_MS,
		.about = "From the start of a probe to the start of the next one.",
		.otherwise = "4s" },
	{ "timeout", option_duration_ms, .say = "a duration from 1ms to 1d, such as 2s",
		AT(timeout_ms), .least = 1, .most = PROBE_EVERY_MOST_MS,
		.about = "How long a probe may take; at most every.", .otherwise = "2s" },
	{ "rise", option_number, COUNT, AT(rise),
		.about = "So many passes in a row bring an address up.", .otherwise = "2" },
	{ "fall", option_number, COUNT, AT(fall),
		.about = "So many failures in a row bring it down.", .otherwise = "3" },
	{ "initial", schema_probe_initial, .say = "wait, up or down", AT(initial),
		.about = "What counts before the first verdict. wait: the address is not "
			 "answered with, the first probe decides alone, and the server's "
			 "start waits for it (30 s at most). up: until fall probes have "
			 "failed. down: until rise probes have passed. Of external: what counts while there is no "
			 "fresh verdict; wait is as down, but that the start waits until the file was read.",
		.otherwise = "wait" },
	{ "path", schema_probe_path, .say = "a path that begins with \"/\", without blanks and \"#\"",
		AT(path), .about = "Of http and https: the path of the request.",
		.otherwise = "/" },
	{ "host", schema_probe_host,
		.say = "the name of a host, with or without a port: www.example.com",
		.about = "Of http and https: the Host of the request, as it is sent, perhaps "
			 "with a port. Names of other scripts are sent as A-labels.",
		.otherwise = "the address" },
	{ "headers", schema_probe_headers,
		.say = "headers and their values, such as { X-Probe: waymark }", AT(headers),
		.about = "Of http and https: more headers of the request, a mapping of names "
			 "to values or a list of \"Name: value\".",
		.otherwise = "none but ours" },
	{ "http2", schema_probe_http2, .say = "auto, on or off", AT(http2),
		.about = "Of http and https. auto: HTTP/2 where the server chooses it (ALPN; "
			 "never without TLS). on: nothing else, without TLS from the first "
			 "byte on. off: HTTP/1.1 only.",
		.otherwise = "auto" },
	{ "proxy-protocol", schema_probe_proxy, .say = "off, v1 or v2", AT(proxy),
		.about = "Of tcp, http and https: begin with a PROXY protocol header of this "
			 "version, with the addresses of the probe's own connection.",
		.otherwise = "off" },
	{ "method", schema_probe_method, .say = "GET or HEAD", AT(head),
		.about = "Of http and https: the method of the request.", .otherwise = "GET" },
	{ "expect", schema_probe_expect, .late = 1,
		.about = "Of http and https: the statuses that pass, such as 200 or "
			 "200-299; of dns: the response codes that pass. One or a list.",
		.otherwise = "200-399; NOERROR" },
	{ "body", option_text, .say = "a text that is in the body", AT(body),
		.about = "Of http and https: this text must be in the first 64 KiB of "
			 "the body.",
		.otherwise = "none" },
	{ "keep-alive", option_switch, .say = "on or off", AT(keep_alive),
		.about = "Of http and https. on: a connection may serve many probes. "
			 "off: each probe proves a new one.",
		.otherwise = "off" },
	{ "tls-name", schema_probe_tls_name, .say = "the name of a host, without a port", AT(tls_name),
		.about = "Of https: the name for SNI, which the certificate must have.",
		.otherwise = "what host says, without its port" },
	{ "client-cert", option_path,
		.say = "the path of a file with a certificate and its chain", AT(client_cert),
		.about = "Of https: a PEM file with the certificate that is shown to servers "
			 "that want one, and its chain. Read anew when it changes.",
		.otherwise = "none" },
	{ "client-key", option_path, .say = "the path of a file with a private key",
		AT(client_key),
		.about = "Of https: a PEM file with the key of client-cert, without a "
			 "passphrase.",
		.otherwise = "the file of client-cert" },
	{ "ca", option_path, .say = "the path of a file with certificates", AT(ca),
		.about = "Of https: a PEM file of the certificates to trust. Read anew when it "
			 "changes.",
		.otherwise = "the system's" },
	{ "verify", option_switch, .say = "on or off", AT(verify),
		.about = "Of https. off trusts any certificate.", .otherwise = "on" },
	{ "expiry-warning", option_duration_ms, .say = "a duration up to 7w, such as 14d",
		AT(expiry_warning_ms), .most = 49 * 24 * 3600 * 1000u,
		.about = "Of https: warn when the certificate ends sooner than this.",
		.otherwise = "14d" },
	{ "expiry-down", option_duration_ms, .say = "a duration up to 7w, such as 2d",
		AT(expiry_down_ms), .most = 49 * 24 * 3600 * 1000u,
		.about = "Of https: fail when the certificate ends sooner than this.",
		.otherwise = "only when it has ended" },
	{ "values", schema_probe_values,
		.say = "a list of values, such as { header: X-State, is: ok } or { body: queue, below: 100 }",
		.at = offsetof(struct schema_probe, opts),
		.about = "Of http and https: what the answer must say, all of up to 8.",
		.otherwise = "none", .each = "-", .keys = schema_probe_value_keys },
	{ "load-from", schema_probe_load_from,
		.say = "{ header: NAME } or { body: NAME }, where NAME is of a field",
		.at = offsetof(struct schema_probe, opts),
		.about = "Of http and https: where the edge tells its load, a number of "
			 "at least 0.",
		.otherwise = "none", .keys = schema_probe_load_keys },
	{ "query", schema_probe_query, .say = "a name, or a name and a type: \"example.com AAAA\"",
		.at = offsetof(struct schema_probe, opts),
		.about = "Of dns, needed there: what is asked. The type is A unless "
			 "given." },
	{ "answer", schema_probe_answer, .late = 1,
		.say = "an address of the query's type, or the text of a TXT record",
		.at = offsetof(struct schema_probe, opts),
		.about = "Of dns: this must be among the answers.", .otherwise = "none" },
	{ "command", option_program,
		.say = "the path of a program, or a list of it and its words", AT(command),
		.about = "Of exec, needed there: what is run. No shell is asked. "
			 "WAYMARK_EDGE and WAYMARK_ADDRESS are in its environment; exit "
			 "status 0 passes." },
	{ "file", option_path, .say = "the path of a file of verdicts", AT(file),
		.about = "Of external: the file that says how the edges are. It is read again within a "
			 "second of a change.",
		.otherwise = "they are told by \"waymarkctl verdict\" and the API" },
	{ "expires", schema_probe_expires, .say = "a duration from 1s to 7w, such as 90s, or never",
		AT(expires_ms), .least = 1000, .most = 49 * 24 * 3600 * 1000u,
		.about = "Of external: how long a verdict is good, from when it was told or the file was "
			 "written. Then the edge is as before the first one.",
		.otherwise = "1m" },
	{ 0 },
};

/* Keys that not all kinds have, and those that some must have. */
static const struct {
	const char *key;
	unsigned kinds, needed_by;
	const char *example;
} limits[] = {
	{ "port", TCP | HTTP | DNS, 0, "" },
	{ "every", ASKS, 0, "" },
	{ "timeout", ASKS, 0, "" },
	{ "rise", ASKS, 0, "" },
	{ "fall", ASKS, 0, "" },
	{ "initial", ANY, 0, "" },
	{ "path", HTTP, 0, "" },
	{ "host", HTTP, 0, "" },
	{ "headers", HTTP, 0, "" },
	{ "http2", HTTP, 0, "" },
	{ "proxy-protocol", TCP | HTTP, 0, "" },
	{ "method", HTTP, 0, "" },
	{ "expect", HTTP | DNS, 0, "" },
	{ "body", HTTP, 0, "" },
	{ "keep-alive", HTTP, 0, "" },
	{ "tls-name", HTTPS, 0, "" },
	{ "ca", HTTPS, 0, "" },
	{ "client-cert", HTTPS, 0, "" },
	{ "client-key", HTTPS, 0, "" },
	{ "verify", HTTPS, 0, "" },
	{ "expiry-warning", HTTPS, 0, "" },
	{ "expiry-down", HTTPS, 0, "" },
	{ "values", HTTP, 0, "" },
	{ "load-from", HTTP, 0, "" },
	{ "query", DNS, DNS, "query: \"example.com A\"" },
	{ "answer", DNS, 0, "" },
	{ "file", TOLD, 0, "" },
	{ "expires", TOLD, 0, "" },
	{ "command", EXEC, EXEC, "command: [ /usr/local/bin/look, --quick ]" },
};

static void check_kind(const struct reader *r, const struct schema_probe *p)
{
	const unsigned kind = 1u << p->opts.kind;
	char shown[OPTION_SHOWN];

	option_shown(shown, p->opts.name);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		const struct node *n = parse_get(p->node, limits[i].key);
		if (n && !(limits[i].kinds & kind))
			parse_error(r->src, n->key,
				"\"%s\" means nothing to probes of kind %s; take it out",
				limits[i].key, probe_kind_text(p->opts.kind));
		if (!n && limits[i].needed_by & kind)
			parse_error(r->src, p->node->key,
				"probe %s is of kind %s and needs \"%s\"; write for example: "
				"%s",
				shown, probe_kind_text(p->opts.kind), limits[i].key,
				limits[i].example);
	}
}

/* Whichever of the two is written is what is wrong. */
static void check_times(const struct reader *r, const struct schema_probe *p)
{
	const struct node *timeout = parse_get(p->node, "timeout"),
			  *every = parse_get(p->node, "every");

	if (p->opts.timeout_ms <= p->opts.every_ms)
		return;
	if (timeout)
		parse_error(r->src, timeout, "a probe's \"timeout\" (%u ms) must end before its next turn (\"every\": %u ms)",
			p->opts.timeout_ms, p->opts.every_ms);
	else if (every)
		parse_error(r->src, every,
			"a probe's \"timeout\" is %u ms unless written, and must end before its next turn (\"every\": %u ms); write for "
			"example: timeout: %ums",
			p->opts.timeout_ms, p->opts.every_ms, p->opts.every_ms / 2);
}

static void check_body(const struct reader *r, const struct schema_probe *p)
{
	const struct node *body = parse_get(p->node, "body"),
			  *load = parse_get(p->node, "load-from");

	if (p->opts.head && body)
		parse_error(r->src, body->key, "HEAD has no body; take this out, or use GET");
	for (unsigned i = 0; p->opts.head && i < p->opts.n_values; i++)
		if (p->opts.values[i].in_body) {
			parse_error(r->src, parse_get(p->node, "values")->key,
				"HEAD has no body to take a value from; use headers, or GET");
			break;
		}
	if (p->opts.head && load && p->opts.load_in_body)
		parse_error(r->src, load->key,
			"HEAD has no body to take a load from; use a header, or GET");
}

/* A dead edge is found within 14 s: at worst 4 s until the next probe, two more of them, and
 * the last one's 2 s. */
static const struct probe_opts defaults = { .every_ms = 4000,
	.timeout_ms = 2000,
	.rise = 2,
	.fall = 3,
	.path = "/",
	.verify = true,
	.expiry_warning_ms = 14 * 24 * 3600 * 1000u,
	.expires_ms = 60 * 1000u,
	.qtype = RRTYPE_A };

struct probe_opts schema_probe_plain(enum probe_kind kind)
{
	struct probe_opts p = defaults;

	p.kind = kind;
	if (kind == PROBE_EXTERNAL)
		p.rise = p.fall = 1; /* what is told holds */
	return p;
}

/* False: told. */
static bool read_probe(struct reader *r, const struct node *node, struct probe_opts *to)
{
	char shown[OPTION_SHOWN], where[OPTION_SHOWN + 8] = "probe ";
	struct schema_probe p = { .opts = defaults, .node = node };
	const size_t errors = r->src->faults->errors;

	p.opts.name = to->name;
	*to = p.opts;
	strcat(where, option_shown(shown, p.opts.name));
	if (node->kind == NODE_BAD || !keys_has_value(r, node) || !keys_is_map_as(r, node, where, "kind: tcp, port: 443"))
		return false;
	/* What others depend on comes before them, wherever it stands. */
	const struct node *kind = parse_get(node, "kind");
	if (kind && kind->kind == NODE_SCALAR)
		p.kind_wrong = !probe_kind_parse(&p.opts.kind, kind->text);
	if (p.opts.kind == PROBE_EXTERNAL)
		p.opts.rise = p.opts.fall = 1; /* what is told holds */
	keys_read(r, schema_probe_keys, node, where, &p);
	if (kind && !p.kind_wrong) {
		check_kind(r, &p);
		check_times(r, &p);
		check_body(r, &p);
		schema_probe_together(r, &p);
	}
	*to = p.opts;
	return r->src->faults->errors == errors;
}

/* Plain ones, then those that are made of them. */
static void read_probes(struct reader *r, struct schema_probes_read *read)
{
	struct probe_opts *probes = r->conf->probes;

	for (size_t i = 0; i < read->n && !faults_full(r->src->faults); i++) {
		const struct node *node = read->nodes[i];
		if (!option_scalar(r, &(struct key){ .name = "probes", .say = "probes by their names" }, node->key))
			read->states[i] = PROBE_FAULTY;
		else if (!schema_probe_is_made(node))
			read->states[i] = read_probe(r, node, &probes[i]) ? PROBE_READ : PROBE_FAULTY;
	}
	for (unsigned i = 0; i < read->n && !faults_full(r->src->faults); i++)
		if (read->states[i] == PROBE_UNREAD)
			schema_probe_make(r, i);
}

void schema_probes(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;
	struct schema_probes_read *read = arena_zalloc(r->scratch, sizeof *read);

	if (!keys_is_map(r, value, key->name))
		return;
	if (value->n > PROBES_MOST)
		parse_error(r->src, value->key, "%zu probes; %d are allowed", value->n,
			PROBES_MOST);
	/* Those beyond are read as well: who names one of them is not wrong about that. */
	const size_t room = value->n < SCHEMA_PROBES_MOST ? value->n : SCHEMA_PROBES_MOST;
	const char **names = arena_alloc(r->scratch, room * sizeof *names);
	read->nodes = arena_alloc(r->scratch, room * sizeof *read->nodes);
	read->states = arena_zalloc(r->scratch, room * sizeof *read->states);
	read->within = arena_zalloc(r->scratch, room * sizeof *read->within);
	read->room = room;
	c->probes = arena_zalloc(r->mem, room * sizeof *c->probes);
	c->files = arena_zalloc(r->mem, SCHEMA_PROBE_FILES * room * sizeof *c->files);
	for (const struct node *p = value->first; p && read->n < room; p = p->next) {
		names[read->n] = arena_strdup(r->mem, p->key->text);
		c->probes[read->n].name = names[read->n];
		read->nodes[read->n++] = p;
	}
	c->n_probes = read->n;
	r->probes = known_new(r->scratch, names, read->n);
	r->probes_read = read;
	read_probes(r, read);
}
