#include "probe/probe.h"

#include <string.h>

static const struct {
	const char *text;
	unsigned port;
} kinds[PROBE_KINDS] = {
	[PROBE_NONE] = { "none", 0 },
	[PROBE_ICMP] = { "icmp", 0 },
	[PROBE_TCP] = { "tcp", 80 },
	[PROBE_HTTP] = { "http", 80 },
	[PROBE_HTTPS] = { "https", 443 },
	[PROBE_DNS] = { "dns", 53 },
	[PROBE_EXEC] = { "exec", 0 },
	[PROBE_EXTERNAL] = { "external", 0 },
	[PROBE_SEVERAL] = { "several", 0 },
};

const char *probe_kind_text(enum probe_kind k)
{
	return kinds[k].text;
}

bool probe_kind_parse(enum probe_kind *k, const char *text)
{
	for (unsigned i = 0; i < PROBE_KINDS; i++) {
		if (i == PROBE_SEVERAL || strcmp(kinds[i].text, text) != 0)
			continue;
		*k = (enum probe_kind)i;
		return true;
	}
	return false;
}

unsigned probe_port(const struct probe_opts *p)
{
	return p->port ? p->port : kinds[p->kind].port;
}

struct health_rule probe_rule(const struct probe_opts *p)
{
	return (struct health_rule){ (uint16_t)p->rise, (uint16_t)p->fall };
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_bytes(const uint8_t *a, size_t na, const uint8_t *b, size_t nb)
{
	return na == nb && (na == 0 || memcmp(a, b, na) == 0);
}

/* Of lists that end in NULL. */
static bool same_texts(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

static size_t name_bytes(const uint8_t *name)
{
	size_t n = 0;

	if (!name)
		return 0;
	while (name[n])
		n += name[n] + 1u;
	return n + 1;
}

static bool same_values(const struct probe_opts *a, const struct probe_opts *b)
{
	if (a->n_values != b->n_values)
		return false;
	for (unsigned i = 0; i < a->n_values; i++) {
		const struct probe_value *x = &a->values[i], *y = &b->values[i];
		if (!same_text(x->field, y->field) || x->in_body != y->in_body ||
			!same_text(x->is, y->is) || x->json != y->json ||
			!same_text(x->matches, y->matches) || x->least < y->least || x->least > y->least ||
			x->below < y->below || x->below > y->below)
			return false;
	}
	return true;
}

static bool same_parts(const struct probe_opts *a, const struct probe_opts *b)
{
	if (a->n_parts != b->n_parts || a->least != b->least)
		return false;
	for (unsigned i = 0; i < a->n_parts; i++)
		if (!probe_same(&a->parts[i], &b->parts[i]))
			return false;
	return true;
}

/* Who tells names the probe. */
static bool same_external(const struct probe_opts *a, const struct probe_opts *b)
{
	return a->kind != PROBE_EXTERNAL ||
		(strcmp(a->name, b->name) == 0 && same_text(a->file, b->file) &&
			a->expires_ms == b->expires_ms);
}

bool probe_is_of_edge(const struct probe_opts *p)
{
	bool is = p->kind == PROBE_EXEC || p->kind == PROBE_EXTERNAL;

	for (unsigned i = 0; i < p->n_parts; i++)
		is = is || probe_is_of_edge(&p->parts[i]);
	return is;
}

bool probe_same(const struct probe_opts *a, const struct probe_opts *b)
{
	return a->kind == b->kind && probe_port(a) == probe_port(b) &&
		a->every_ms == b->every_ms && a->timeout_ms == b->timeout_ms &&
		a->rise == b->rise && a->fall == b->fall && a->initial == b->initial &&
		same_bytes((const uint8_t *)a->expect, a->n_expect * sizeof *a->expect,
			(const uint8_t *)b->expect, b->n_expect * sizeof *b->expect) &&
		same_text(a->path, b->path) && same_text(a->host, b->host) &&
		same_text(a->body, b->body) && a->head == b->head &&
		a->keep_alive == b->keep_alive && same_text(a->tls_name, b->tls_name) &&
		same_text(a->ca, b->ca) && a->verify == b->verify && a->proxy == b->proxy &&
		same_texts(a->headers, b->headers) && a->http2 == b->http2 &&
		same_text(a->client_cert, b->client_cert) &&
		same_text(a->client_key, b->client_key) &&
		a->expiry_warning_ms == b->expiry_warning_ms &&
		same_text(a->load_field, b->load_field) && a->load_in_body == b->load_in_body &&
		same_bytes(a->query, name_bytes(a->query), b->query, name_bytes(b->query)) &&
		a->qtype == b->qtype &&
		same_bytes(a->answer, a->answer_len, b->answer, b->answer_len) &&
		same_texts(a->command, b->command) && same_parts(a, b) &&
		same_values(a, b) && a->expiry_down_ms == b->expiry_down_ms &&
		same_external(a, b);
}

unsigned probe_targets(const struct probe_opts *p)
{
	unsigned n = 1;

	for (unsigned i = 0; i < p->n_parts; i++)
		n += probe_targets(&p->parts[i]);
	return n;
}

bool probe_tells_load(const struct probe_opts *p)
{
	bool tells = p->load_field != NULL;

	for (unsigned i = 0; i < p->n_parts; i++)
		tells = tells || probe_tells_load(&p->parts[i]);
	return tells;
}

bool probe_expects(const struct probe_opts *p, unsigned code)
{
	if (!p->n_expect)
		return p->kind == PROBE_DNS ? code == 0 : code >= 200 && code <= 399;
	for (size_t i = 0; i < p->n_expect; i++)
		if (code >= p->expect[i].from && code <= p->expect[i].to)
			return true;
	return false;
}
