/* to_route53_checks.c - probes as health checks of Route 53.
 */
#include "import/to_route53.h"

#include "base/bytes.h"

#include <string.h>

enum { EVERY_FAST_S = 10, EVERY_S = 30, THRESHOLD_MOST = 10 };

/* The same whenever it is exported. AWS gives other ids when checks are made. */
static const char *id_of(struct to_route53 *r, const struct probe_opts *o, const char *at)
{
	static const struct hash_key keys[2] = { { 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du }, { 0xd1b54a32d192ed03u, 0x8cb92ba72f3d8dd7u } };
	const char *text = plan_textf(r->p, "%s %s", o->name, at);
	uint64_t h[2];

	for (int i = 0; i < 2; i++)
		h[i] = hash_bytes(keys[i], (const uint8_t *)text, strlen(text));
	return plan_textf(r->p, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(h[0] >> 32), (unsigned)(h[0] >> 16 & 0xffff), (unsigned)(h[0] & 0xffff),
		(unsigned)(h[1] >> 48), (unsigned long long)(h[1] & 0xffffffffffffu));
}

static void probe_note(struct to_route53 *r, const struct probe_opts *o, enum note kind, const char *what)
{
	struct fault_at at = { .path = r->from->conf->path };
	const char *say = plan_textf(r->p, "probe %s: %s", o->name, what);

	if (!plan_is_new(r->p, say))
		return;
	conf_places_at(r->from->places, "probes", o->name, &at);
	plan_note(r->p, kind, at.path, at.line, "%s", say);
}

static bool is_default_expect(const struct probe_opts *o)
{
	return !o->n_expect || (o->n_expect == 1 && o->expect->from == 200 && o->expect->to == 399);
}

static void note_http(struct to_route53 *r, const struct probe_opts *o)
{
	if (o->headers || o->proxy || o->n_values || o->load_field || o->client_cert || o->head || o->http2 == PROBE_HTTP2_ON)
		probe_note(r, o, NOTE_LOST, "headers, PROXY, values, load, client certificates, HEAD or HTTP/2");
	if (!is_default_expect(o))
		probe_note(r, o, NOTE_DIFFERS, "expect: there it is 200 to 399");
	if (o->kind == PROBE_HTTPS && o->verify)
		probe_note(r, o, NOTE_DIFFERS, "certificates are not looked at there");
}

static void note_times(struct to_route53 *r, const struct probe_opts *o)
{
	if (o->every_ms != EVERY_FAST_S * 1000 && o->every_ms != EVERY_S * 1000)
		probe_note(r, o, NOTE_DIFFERS, "every: there it is 10s or 30s");
	if (o->rise != o->fall)
		probe_note(r, o, NOTE_DIFFERS, "rise and fall: there they are one number");
}

static json_t *config_of(struct to_route53 *r, const struct probe_opts *o, const char *at)
{
	const bool http = o->kind == PROBE_HTTP || o->kind == PROBE_HTTPS;
	json_t *c = json_pack("{s:s, s:i, s:i, s:i}", "IPAddress", at, "Port", (int)probe_port(o), "RequestInterval",
		o->every_ms <= EVERY_FAST_S * 1000 ? EVERY_FAST_S : EVERY_S, "FailureThreshold", (int)(o->fall > THRESHOLD_MOST ? THRESHOLD_MOST : o->fall));

	json_object_set_new(c, "Type",
		json_string(o->kind == PROBE_TCP ? "TCP" : plan_textf(r->p, "%s%s", o->kind == PROBE_HTTP ? "HTTP" : "HTTPS", o->body ? "_STR_MATCH" : "")));
	if (http && o->host)
		json_object_set_new(c, "FullyQualifiedDomainName", json_string(plan_textf(r->p, "%.*s", (int)strcspn(o->host, ":"), o->host)));
	if (http)
		json_object_set_new(c, "ResourcePath", json_string(o->path ? o->path : "/"));
	if (http && o->body)
		json_object_set_new(c, "SearchString", json_string(o->body));
	if (o->kind == PROBE_HTTPS)
		json_object_set_new(c, "EnableSNI", json_boolean(o->host != NULL));
	return c;
}

const char *route53_check(struct to_route53 *r, const struct probe_opts *o, const struct addr *addr)
{
	char at[ADDR_TEXT];

	if (o->kind != PROBE_TCP && o->kind != PROBE_HTTP && o->kind != PROBE_HTTPS) {
		probe_note(r, o, NOTE_LOST, plan_textf(r->p, "kind %s: what it is for counts as healthy there", probe_kind_text(o->kind)));
		return NULL;
	}
	if (!addr) {
		probe_note(r, o, NOTE_LOST, "where it asks by a name: what it is for counts as healthy there");
		return NULL;
	}
	addr_text(at, addr);
	const char *id = id_of(r, o, at);
	if (!plan_is_new(r->p, id))
		return id;
	note_http(r, o);
	note_times(r, o);
	json_array_append_new(r->checks, json_pack("{s:s, s:s, s:o}", "Id", id, "CallerReference", plan_textf(r->p, "waymark-%s", id), "HealthCheckConfig",
		config_of(r, o, at)));
	return id;
}
