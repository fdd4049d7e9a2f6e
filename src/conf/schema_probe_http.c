/* schema_probe_http.c - what HTTP probes say and show: host, headers, versions, certificates.
 */
#include "conf/host_name.h"
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>
#include <strings.h>

enum { HEADERS_MOST = 64 };

/* --- names of hosts ----------------------------------------------------------------------- */

/* False, and told. */
static bool read_host(struct reader *r, const struct key *key, const struct node *value,
	bool port, struct host_name *h)
{
	const char *text = option_scalar(r, key, value);
	char shown[OPTION_SHOWN];
	struct fault why;

	if (!text)
		return false;
	if (!host_name_parse(h, text, port, &why))
		return parse_error(r->src, value, "\"%s\" must be %s, not \"%s\": %s",
			key->name, key->say, option_shown(shown, text), why.text);
	if (h->odd)
		parse_warning(r->src, value,
			"no host has \"_\" in its name (RFC 1123 section 2.1); it is sent as "
			"it is");
	return true;
}

/* As it is sent, and as TLS asks for it where nothing else is written. */
void schema_probe_host(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_probe *p = to;
	struct host_name h;
	struct text sent = { 0 };

	if (!read_host(r, key, value, true, &h))
		return;
	text_addf(&sent, h.v6 ? "[%s]" : "%s", h.name);
	if (h.port)
		text_addf(&sent, ":%u", h.port);
	p->opts.host = arena_strdup(r->mem, text_get(&sent));
	p->host_name = arena_strdup(r->mem, h.name);
	text_fini(&sent);
}

void schema_probe_tls_name(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct host_name h;

	if (read_host(r, key, value, false, &h))
		*(const char **)to = arena_strdup(r->mem, h.name);
}

/* --- headers ------------------------------------------------------------------------------ */

static bool is_token(const char *s, size_t len)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
				      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return len && strspn(s, allowed) >= len;
}

/* What the probe itself has to say. */
static const char *of_ours(const char *name, size_t len)
{
	static const struct {
		const char *name, *instead;
	} row[] = { { "Host", "write \"host\"" }, { "Content-Length", "a probe has no body" },
		{ "Transfer-Encoding", "a probe has no body" },
		{ "Expect", "a probe has no body" },
		{ "Upgrade", "write \"http2: on\" for HTTP/2" } };

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (strlen(row[i].name) == len && strncasecmp(row[i].name, name, len) == 0)
			return row[i].instead;
	return NULL;
}

static const char *make_header(struct reader *r, const struct node *at, const char *name,
	size_t len, const char *value)
{
	char shown[OPTION_SHOWN];
	struct text line = { 0 };

	if (!is_token(name, len)) {
		parse_error(r->src, at,
			"\"%s\" is no header: its name is of letters, digits and "
			"\"-\", and \": \" and a value stand behind it",
			option_shown(shown, name));
		return NULL;
	}
	if (of_ours(name, len)) {
		parse_error(r->src, at, "the probe sends \"%.*s\" itself: %s", (int)len, name,
			of_ours(name, len));
		return NULL;
	}
	text_addf(&line, "%.*s: %s", (int)len, name, value + strspn(value, " \t"));
	const char *made = arena_strdup(r->mem, text_get(&line));
	text_fini(&line);
	return made;
}

/* { X-Probe: waymark } or [ "X-Probe: waymark" ]. */
void schema_probe_headers(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const bool map = value->kind == NODE_MAP;
	size_t n = 0;

	if (map ? !value->n : !option_is_list(r, key, value, HEADERS_MOST)) {
		if (map)
			option_wrong(r, key, value);
		return;
	}
	const size_t room = map ? value->n : option_count(value);
	if (room > HEADERS_MOST) {
		parse_error(r->src, value, "\"%s\" has %zu entries; %d are allowed", key->name,
			room, HEADERS_MOST);
		return;
	}
	const char **list = arena_zalloc(r->mem, (room + 1) * sizeof *list);
	for (const struct node *i = map ? value->first : option_first(value); i;
		i = map ? i->next : option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		if (!text)
			continue;
		const char *name = map ? i->key->text : text;
		const size_t len = map ? strlen(name) : strcspn(text, ":");
		list[n] = make_header(r, map ? i->key : i, name, map || text[len] ? len : 0,
			map ? text : text + len + (text[len] != 0));
		n += list[n] != NULL;
	}
	*(const char *const **)to = list;
}

/* --- versions ----------------------------------------------------------------------------- */

static bool is_among(const char *text, const char *const *words)
{
	while (*words && strcasecmp(text, *words) != 0)
		words++;
	return *words != NULL;
}

static const char *const yes[] = { "on", "true", "yes", NULL };
static const char *const no[] = { "off", "false", "no", NULL };

void schema_probe_http2(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	enum probe_http2 *http2 = to;
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	if (strcasecmp(text, "auto") == 0)
		*http2 = PROBE_HTTP2_AUTO;
	else if (is_among(text, yes))
		*http2 = PROBE_HTTP2_ON;
	else if (is_among(text, no))
		*http2 = PROBE_HTTP2_OFF;
	else
		option_wrong(r, key, value);
}

void schema_probe_proxy(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const first[] = { "v1", "1", NULL },
				 *const second[] = { "v2", "2", "on", "true", "yes", NULL };
	unsigned *version = to;
	const char *text = option_scalar(r, key, value);

	if (!text)
		return;
	if (is_among(text, no))
		*version = 0;
	else if (is_among(text, first))
		*version = 1;
	else if (is_among(text, second))
		*version = 2;
	else
		option_wrong(r, key, value);
}

/* --- what belongs together ---------------------------------------------------------------- */

static void remember(struct reader *r, const struct node *at, struct conf_file file)
{
	file.source = at->file;
	file.line = at->line;
	file.column = at->column;
	r->conf->files[r->conf->n_files++] = file;
}

void schema_probe_together(struct reader *r, struct schema_probe *p)
{
	struct probe_opts *o = &p->opts;
	const struct node *cert = parse_get(p->node, "client-cert"),
			  *key = parse_get(p->node, "client-key"),
			  *ca = parse_get(p->node, "ca"),
			  *command = parse_get(p->node, "command");

	if (o->kind == PROBE_HTTPS && !o->tls_name)
		o->tls_name = p->host_name;
	if (key && !cert)
		parse_error(r->src, key->key, "\"client-key\" needs \"client-cert\" beside it");
	if (o->client_cert && !o->client_key)
		o->client_key = o->client_cert; /* both in one file */
	if (!o->client_cert)
		o->client_key = NULL;
	if (o->ca)
		remember(r, ca, (struct conf_file){ .kind = CONF_FILE_CA, .path = o->ca });
	if (o->client_cert)
		remember(r, cert,
			(struct conf_file){ .kind = CONF_FILE_PAIR,
				.path = o->client_cert,
				.key = o->client_key });
	if (o->command && o->command[0])
		remember(r, option_first(command),
			(struct conf_file){ .kind = CONF_FILE_PROGRAM, .path = o->command[0] });
}
