/* from_bind_options.c - what named.conf says of the server, and of zones beside their data.
 */
#include "import/from_bind.h"

#include "base/addr.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the server --------------------------------------------------------------------------- */

/* What is shown over TLS: the certificate of that "tls" statement. False and told: it has none in a file. */
static bool take_certificate(struct bind *b, const struct node *s, const char *name)
{
	const struct bind_top *t = bind_top_named(b, "tls", name);
	const struct node *body = t ? bind_block(t->s) : NULL, *cert = bind_find(body, "cert-file"), *key = bind_find(body, "key-file");
	struct out *list;

	if (!cert || !key) {
		plan_note(b->p, NOTE_LOST, b->file, s->line,
			"%s: tls %s has no certificate in a file: name one by \"server: tls\", and the address in \"listen\"", bind_word(s, 0), name);
		return false;
	}
	list = out_list(out_map(b->p->conf, "server"), "tls");
	for (size_t i = 0; i < out_count(list); i++)
		if (strcmp(out_text(out_get(out_at(list, i, NULL), "cert")), bind_path(b, bind_word(cert, 1))) == 0)
			return true;
	struct out *one = out_add_map(list);
	out_set(one, "cert", bind_path(b, bind_word(cert, 1)));
	out_set(one, "key", bind_path(b, bind_word(key, 1)));
	for (const struct node *i = body->first; i; i = i->next)
		if (strcasecmp(bind_word(i, 0), "cert-file") && strcasecmp(bind_word(i, 0), "key-file"))
			plan_note(b->p, NOTE_LOST, t->file, i->line, "tls %s: %s%s", name, bind_word(i, 0),
				strcasecmp(bind_word(i, 0), "ca-file") == 0 ? ": who vouches for clients is \"server: tls-clients\"" : "");
	return true;
}

static void listen_on(struct bind *b, const struct node *s, bool six)
{
	struct out *list = out_list(out_map(b->p->conf, "server"), "listen");
	const char *port = NULL, *scheme = "", *tls = NULL;
	struct bind_match m;

	for (size_t i = 1; i + 1 < s->n; i++) {
		const char *w = bind_word(s, i), *next = bind_word(s, i + 1);
		if (strcasecmp(w, "port") == 0)
			port = next;
		else if (strcasecmp(w, "tls") == 0 && strcasecmp(next, "none") != 0)
			scheme = "tls:", tls = next;
		else if (strcasecmp(w, "http") == 0)
			scheme = *scheme ? "https:" : "http:";
	}
	if (tls && !take_certificate(b, s, tls))
		return;
	bind_match(b, bind_block(s), &m);
	if (m.any)
		plan_word(b->p, &m.nets, six ? "::" : "0.0.0.0");
	for (size_t i = 0; i < m.nets.n; i++) {
		const char *address = m.nets.of[i];
		struct addr a;
		if (!addr_parse(&a, address)) {
			plan_note(b->p, NOTE_LOST, b->file, s->line, "%s: listens on addresses, not on nets", address);
			continue;
		}
		const bool v6 = strchr(address, ':') != NULL;
		if (v6 != six)
			continue;
		const char *full = plan_textf(b->p, "%s%s%s%s%s%s", scheme, v6 ? "[" : "", address, v6 ? "]" : "", port ? ":" : "", port ? port : "");
		out_add(list, full);
	}
}

static void rate_limit(struct bind *b, const struct node *s)
{
	static const struct { const char *from, *to; } rows[] = { { "responses-per-second", "rate" }, { "nodata-per-second", "nodata" },
		{ "nxdomains-per-second", "nxdomain" }, { "referrals-per-second", "referrals" }, { "errors-per-second", "errors" },
		{ "slip", "slip" } };
	struct out *rrl = out_map(b->p->conf, "rrl");
	const struct node *body = bind_block(s);

	for (const struct node *one = body ? body->first : NULL; one; one = one->next) {
		const char *word = bind_word(one, 0);
		bool done = false;
		for (size_t i = 0; i < sizeof rows / sizeof *rows && !done; i++)
			if ((done = strcasecmp(word, rows[i].from) == 0))
				out_set(rrl, rows[i].to, bind_word(one, 1));
		if (strcasecmp(word, "window") == 0)
			out_setf(rrl, "window", "%ss", bind_word(one, 1));
		else if (strcasecmp(word, "log-only") == 0)
			out_set(rrl, "dry-run", strcasecmp(bind_word(one, 1), "yes") == 0 ? "on" : "off");
		else if (strcasecmp(word, "exempt-clients") == 0) {
			struct bind_match m;
			bind_match(b, bind_block(one), &m);
			for (size_t i = 0; i < m.nets.n; i++)
				out_add(out_list(rrl, "exempt"), m.nets.of[i]);
		} else if (!done)
			plan_note(b->p, NOTE_LOST, b->file, one->line, "rate-limit: %s", word);
	}
	if (!out_get(rrl, "rate")) {
		out_set(rrl, "rate", "1000000");
		plan_note(b->p, NOTE_SEE, b->file, s->line, "rate-limit without responses-per-second: rrl: rate is as good as none");
	}
	plan_note(b->p, NOTE_DIFFERS, b->file, s->line, "rate-limit counts clients by /32, /24 and /16 here (IPv6 /64, /56, /48), not by one prefix length");
}

static void text_option(struct bind *b, const struct node *s, const char *key)
{
	const char *text = bind_word(s, 1);

	out_set(out_map(b->p->conf, "server"), key, strcasecmp(text, "none") == 0 ? "off" : strcasecmp(text, "hostname") == 0 ? "auto" : text);
}

static void cookie_secret(struct bind *b, const struct node *s)
{
	const char *secret = bind_word(s, 1);

	if (strlen(secret) != 32) {
		plan_note(b->p, NOTE_LOST, b->file, s->line, "a cookie-secret that is not of 32 digits");
		return;
	}
	struct out *cookies = out_map(b->p->conf, "cookies");
	out_set(cookies, out_get(cookies, "secret") ? "staging" : "secret", secret);
}

static void recursion(struct bind *b, const struct node *s)
{
	if (strcasecmp(bind_word(s, 1), "no") != 0)
		plan_note(b->p, NOTE_LOST, b->file, s->line, "recursion: this is no resolver; run one beside it for your own clients");
}

static void minimal(struct bind *b, const struct node *s)
{
	out_set(out_map(b->p->conf, "server"), "minimal-responses", strncasecmp(bind_word(s, 1), "no", 2) == 0 ? "off" : "on");
}

static void tcp_clients(struct bind *b, const struct node *s)
{
	out_set(out_map(b->p->conf, "server"), "tcp-clients", bind_word(s, 1));
}

static void udp_size(struct bind *b, const struct node *s)
{
	plan_edns_size(b->p, (struct plan_at){ b->file, s->line, bind_word(s, 0) }, bind_word(s, 1), 3);
}

static void user_identity(struct bind *b, const struct node *s)
{
	text_option(b, s, "identity");
}

static void user_version(struct bind *b, const struct node *s)
{
	text_option(b, s, "version");
}

static void listen_four(struct bind *b, const struct node *s)
{
	listen_on(b, s, false);
}

static void listen_six(struct bind *b, const struct node *s)
{
	listen_on(b, s, true);
}

/* Of zones, or read elsewhere, or without a meaning where nothing is resolved. */
static void nothing(struct bind *b, const struct node *s)
{
	(void)b;
	(void)s;
}

static const struct {
	const char *word;
	void (*take)(struct bind *b, const struct node *s);
} option_rows[] = { { "listen-on", listen_four }, { "listen-on-v6", listen_six }, { "rate-limit", rate_limit },
	{ "server-id", user_identity }, { "version", user_version }, { "hostname", user_identity }, { "cookie-secret", cookie_secret },
	{ "recursion", recursion }, { "minimal-responses", minimal }, { "max-udp-size", udp_size }, { "tcp-clients", tcp_clients }, { "directory", nothing },
	{ "port", nothing }, { "allow-transfer", nothing }, { "allow-query", nothing }, { "also-notify", nothing }, { "notify", nothing },
	{ "allow-update", nothing }, { "allow-notify", nothing }, { "dnssec-policy", nothing }, { "pid-file", nothing },
	{ "allow-recursion", nothing }, { "allow-query-cache", nothing }, { "dnssec-validation", nothing }, { "auth-nxdomain", nothing },
	{ "geoip-directory", nothing }, { "empty-zones-enable", nothing }, { "querylog", nothing }, { "dump-file", nothing },
	{ "statistics-file", nothing }, { "memstatistics-file", nothing }, { "session-keyfile", nothing }, { "managed-keys-directory", nothing },
	{ "bindkeys-file", nothing }, { "key-directory", nothing }, { "forwarders", nothing }, { "forward", nothing }, { "max-cache-size", nothing },
	{ "provide-ixfr", nothing }, { "request-ixfr", nothing }, { "ixfr-from-differences", nothing }, { "zone-statistics", nothing } };

void bind_options(struct bind *b)
{
	struct out *server = out_map(b->p->conf, "server");

	out_list(server, "listen");
	out_set(out_map(b->p->conf, "control"), "socket", "control.sock");
	b->file = b->options_file;
	for (const struct node *s = b->options ? b->options->first : NULL; s; s = s->next) {
		const char *word = bind_word(s, 0);
		bool known = false;
		for (size_t i = 0; i < sizeof option_rows / sizeof *option_rows && !known; i++)
			if ((known = strcasecmp(word, option_rows[i].word) == 0))
				option_rows[i].take(b, s);
		if (!known)
			plan_note(b->p, NOTE_LOST, b->file, s->line, "options: %s", word);
	}
	struct out *listen = out_get(server, "listen");
	const char *port = bind_word(bind_find(b->options, "port"), 1);
	if (!bind_find(b->options, "listen-on"))
		out_add(listen, plan_textf(b->p, "0.0.0.0:%s", *port ? port : "53"));
	if (!bind_find(b->options, "listen-on-v6"))
		out_add(listen, plan_textf(b->p, "[::]:%s", *port ? port : "53"));
}

/* --- zones -------------------------------------------------------------------------------- */

bool bind_is_secondary(const struct bind_zone *z)
{
	const char *type = bind_word(bind_find(z->body, "type"), 1);

	return strcasecmp(type, "secondary") == 0 || strcasecmp(type, "slave") == 0 || strcasecmp(type, "mirror") == 0;
}

/* The zone's own word, or the view's, or that of the options. */
static const struct node *said(struct bind *b, const struct bind_zone *z, const char *word)
{
	const struct node *s = bind_find(z->body, word);

	b->file = z->file;
	if (!s && z->view)
		s = bind_find(z->view->body, word);
	if (!s && b->options && (s = bind_find(b->options, word)))
		b->file = b->options_file;
	return s;
}

static bool is_word(const struct node *s, const char *word)
{
	return s && strcasecmp(bind_word(s, 1), word) == 0;
}

/* "grant KEY zonesub TXT", "grant KEY subdomain NAME TYPES", "grant KEY name NAME TYPES". */
static void grant(struct bind *b, const struct bind_zone *z, const struct node *s, struct out *list)
{
	const char *rule = bind_word(s, 2), *name = bind_word(s, 3);
	size_t types = 4;
	struct out *may;

	if (strcasecmp(bind_word(s, 0), "grant") != 0) {
		plan_note(b->p, NOTE_LOST, b->file, s->line, "update-policy: %s", bind_word(s, 0));
		return;
	}
	const char *whole = plan_full_name(b->p, plan_lower(b->p, name), ".");
	const size_t len = strlen(whole), zone = strlen(z->name);
	const bool below = len > zone && strcmp(whole + len - zone, z->name) == 0 && whole[len - zone - 1] == '.';
	const char *own = below ? plan_textf(b->p, "%.*s", (int)(len - zone - 1), whole) : "@";
	if (strcasecmp(rule, "zonesub") == 0) {
		types = 3;
		may = out_add_map(list);
	} else if (strcasecmp(rule, "subdomain") == 0 || strcasecmp(rule, "name") == 0 || strcasecmp(rule, "wildcard") == 0) {
		may = out_add_map(list);
		if (strcmp(own, "@") != 0 || strcasecmp(rule, "name") == 0) {
			out_add(out_list(may, "names"), own);
			if (strcasecmp(rule, "subdomain") == 0)
				out_add(out_list(may, "names"), plan_textf(b->p, "*.%s", own));
		}
	} else {
		plan_note(b->p, NOTE_LOST, b->file, s->line, "update-policy: grant ... %s", rule);
		return;
	}
	out_set(may, "key", bind_key_name(b, bind_word(s, 1)));
	for (; types < s->n; types++)
		if (strcasecmp(bind_word(s, types), "ANY") != 0)
			out_add(out_list(may, "types"), bind_word(s, types));
}

static void put_updates(struct bind *b, const struct bind_zone *z, struct out *entry)
{
	const struct node *allow = said(b, z, "allow-update"), *policy = bind_find(z->body, "update-policy");
	struct bind_match m;

	if (policy && bind_block(policy)) {
		struct out *list = out_list(entry, "update");
		b->file = z->file;
		for (const struct node *s = bind_block(policy)->first; s; s = s->next)
			grant(b, z, s, list);
	} else if (policy) {
		plan_note(b->p, NOTE_LOST, z->file, policy->line, "update-policy %s: make a key by \"waymarkctl keygen\"", bind_word(policy, 1));
	} else if (allow) {
		bind_match(b, bind_block(allow), &m);
		for (size_t i = 0; i < m.keys.n; i++)
			out_set(out_add_map(out_list(entry, "update")), "key", m.keys.of[i]);
		for (size_t i = 0; i < m.nets.n; i++)
			out_set(out_add_map(out_list(entry, "update")), "from", m.nets.of[i]);
	}
	if (out_count(out_get(entry, "update"))) {
		out_set(entry, "write-back", "store");
		b->stores = true;
	}
}

static void put_signing(struct bind *b, const struct bind_zone *z, struct out *entry)
{
	const struct node *policy = said(b, z, "dnssec-policy"), *is_auto = bind_find(z->body, "auto-dnssec");

	if (is_auto)
		plan_note(b->p, NOTE_SEE, z->file, is_auto->line, "auto-dnssec: write \"dnssec: auto\" at the zone, and copy its keys first (doc/dnssec.md)");
	if (!policy || is_word(policy, "none") || is_word(policy, "insecure"))
		return;
	out_set(entry, "dnssec", "auto");
	b->stores = true;
	plan_note(b->p, NOTE_SEE, b->file, policy->line,
		"dnssec-policy %s of %s: signed by the policy \"auto\", with new keys unless BIND's (K*.private, K*.key) are put into keys/ before the start",
		bind_word(policy, 1), z->name);
}

void bind_zone_rules(struct bind *b, const struct bind_zone *z, struct out *entry)
{
	static const char *const known[] = { "type", "file", "primaries", "masters", "allow-transfer", "allow-query", "also-notify", "notify",
		"allow-update", "update-policy", "allow-notify", "dnssec-policy", "auto-dnssec", "inline-signing", "masterfile-format", "zone-statistics",
		"key-directory", "journal", "serial-update-method", "allow-update-forwarding", "check-names", "ixfr-from-differences", "request-ixfr",
		"parental-agents" };
	static const struct { const char *from, *to; } who[] = { { "allow-query", "query" }, { "allow-transfer", "transfer" },
		{ "allow-notify", "notify-from" }, { "allow-update-forwarding", "forward-updates" } };
	const struct node *s, *also = said(b, z, "also-notify");

	if (bind_is_secondary(z)) {
		const struct node *primaries = bind_find(z->body, "primaries");
		primaries = primaries ? primaries : bind_find(z->body, "masters");
		b->file = z->file;
		if (primaries)
			bind_peers(b, primaries, entry, "primary");
		b->stores = true;
	} else {
		put_updates(b, z, entry);
	}
	for (size_t i = 0; i < sizeof who / sizeof *who; i++)
		if ((s = said(b, z, who[i].from)) && (i < 2 || bind_is_secondary(z)))
			bind_who(b, s, entry, who[i].to);
	/* BIND gives a zone to anybody who is not told otherwise (up to 9.18). */
	if (!said(b, z, "allow-transfer"))
		plan_note(b->p, NOTE_DIFFERS, z->file, z->line, "the zone %s says not who may have it whole: here that is nobody (BIND up to 9.18: anybody)", z->name);
	s = said(b, z, "notify");
	if (!is_word(s, "no")) {
		if (!is_word(s, "explicit") && !(bind_is_secondary(z) && !s))
			out_add(out_list(entry, "notify"), "ns");
		if (also)
			bind_peers(b, also, entry, "notify");
	}
	put_signing(b, z, entry);
	for (const struct node *one = z->body ? z->body->first : NULL; one; one = one->next) {
		bool is_known = false;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			is_known = is_known || strcasecmp(known[i], bind_word(one, 0)) == 0;
		if (!is_known)
			plan_note(b->p, NOTE_LOST, z->file, one->line, "zone %s: %s", z->name, bind_word(one, 0));
	}
}
