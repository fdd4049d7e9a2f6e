#include "net/doh_inner.h"

#include "base/bytes.h"
#include "dns/query.h"
#include "dns/rrtype.h"
#include "dns/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOH_TYPE "application/dns-message"

enum { BAD = 400, NOT_FOUND = 404, NOT_ALLOWED = 405, TOO_LARGE = 413, NOT_A_MESSAGE = 415, HEADER_TOO_LARGE = 431,
	NO_MEMORY = 503 };

/* The first that is wrong counts. */
static void wrong(struct doh_request *r, unsigned status)
{
	if (!r->status)
		r->status = status;
}

static bool is_text(const char *s, size_t len, const char *is)
{
	return len == strlen(is) && memcmp(s, is, len) == 0;
}

/* --- requests ----------------------------------------------------------------------------- */

void doh_set_method(struct doh_request *r, const char *name, size_t len)
{
	r->method = is_text(name, len, "GET") ? DOH_GET
		: is_text(name, len, "POST")  ? DOH_POST
					      : DOH_OTHER;
	if (r->method == DOH_POST)
		r->len = 0; /* its query is its body, whatever a path before said */
}

/* A digit of base64url (RFC 4648 section 5); -1: none. */
static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static void take_base64(struct doh_request *r, const char *text, size_t len)
{
	uint32_t bits = 0;
	unsigned n = 0;

	while (len && text[len - 1] == '=') /* none belongs there, some clients send it */
		len--;
	if (len / 4 * 3 + 2 > DOH_MESSAGE_MOST)
		return wrong(r, TOO_LARGE);
	free(r->message);
	r->message = malloc(len / 4 * 3 + 3);
	r->len = 0;
	if (!r->message)
		return wrong(r, NO_MEMORY);
	for (size_t i = 0; i < len; i++) {
		const int d = digit(text[i]);
		if (d < 0)
			return wrong(r, BAD);
		bits = bits << 6 | (unsigned)d;
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		r->message[r->len++] = (uint8_t)(bits >> n);
	}
}

void doh_set_target(const struct doh *d, struct doh_request *r, const char *target, size_t len)
{
	const char *query = memchr(target, '?', len), *end = target + len;
	const size_t path = query ? (size_t)(query - target) : len;

	if (!is_text(target, path, d->opts->path))
		return wrong(r, NOT_FOUND);
	while (query && query < end && r->method != DOH_POST) {
		const char *word = query + 1;
		query = memchr(word, '&', (size_t)(end - word));
		const char *stop = query ? query : end;
		if (stop - word > 4 && memcmp(word, "dns=", 4) == 0) {
			take_base64(r, word + 4, (size_t)(stop - word) - 4);
			return;
		}
	}
}

/* The last one is whom the proxy has seen; those before are what it was told. */
static void take_forwarded(struct doh_request *r, const char *value, size_t len)
{
	char text[64];
	size_t from = len;

	while (from && value[from - 1] != ',')
		from--;
	while (from < len && value[from] == ' ')
		from++;
	if (len - from >= sizeof text)
		return;
	memcpy(text, value + from, len - from);
	text[len - from] = 0;
	r->has_client = addr_parse(&r->client, text);
}

void doh_set_header(const struct doh *d, struct doh_request *r, const char *name, size_t name_len,
	const char *value, size_t len)
{
	enum { OVERHEAD = 32 };

	r->header_len += name_len + len + OVERHEAD;
	if (r->header_len > DOH_HEADER_MOST)
		return wrong(r, HEADER_TOO_LARGE);
	if (is_text(name, name_len, "content-type"))
		r->is_message = len >= sizeof DOH_TYPE - 1 &&
			memcmp(value, DOH_TYPE, sizeof DOH_TYPE - 1) == 0 &&
			(len == sizeof DOH_TYPE - 1 || value[sizeof DOH_TYPE - 1] == ';');
	else if (d->opts->forwarded && is_text(name, name_len, "x-forwarded-for"))
		take_forwarded(r, value, len);
}

void doh_add_body(struct doh_request *r, const uint8_t *bytes, size_t len)
{
	if (r->status || r->method != DOH_POST)
		return;
	if (r->len + len > DOH_MESSAGE_MOST)
		return wrong(r, TOO_LARGE);
	uint8_t *more = realloc(r->message, r->len + len + 1);
	if (!more)
		return wrong(r, NO_MEMORY);
	memcpy(more + r->len, bytes, len);
	r->message = more;
	r->len += len;
}

void doh_request_fini(struct doh_request *r)
{
	free(r->message);
	r->message = NULL;
}

/* --- replies ------------------------------------------------------------------------------ */

uint32_t doh_ttl_s(const uint8_t *p, size_t len)
{
	const unsigned rcode = p[3] & RCODE_BITS, answers = be16_get(p + 6), all = answers + be16_get(p + 8);
	uint32_t ttl_s = UINT32_MAX;
	size_t at = QUERY_HEADER;

	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		return 0;
	if (be16_get(p + 4))
		at = writer_behind_name(p, at) + 4;
	for (unsigned i = 0; i < all; i++) {
		const size_t fixed = writer_behind_name(p, at);
		uint32_t this_s = be32_get(p + fixed + 4);
		at = fixed + 10 + be16_get(p + fixed + 8);
		/* Of the authority section only what tells of what is not there (RFC 2308 section 5). */
		if (i >= answers && be16_get(p + fixed) != RRTYPE_SOA)
			continue;
		if (i >= answers && be32_get(p + at - 4) < this_s)
			this_s = be32_get(p + at - 4);
		if (this_s < ttl_s)
			ttl_s = this_s;
	}
	return at > len || ttl_s == UINT32_MAX ? 0 : ttl_s;
}

static unsigned status_of(const struct doh_request *r)
{
	if (r->status)
		return r->status;
	if (r->method == DOH_OTHER)
		return NOT_ALLOWED;
	if (r->method == DOH_POST && !r->is_message)
		return NOT_A_MESSAGE;
	return r->len ? 0 : BAD;
}

struct doh_reply doh_reply(struct doh *d, const struct doh_request *r)
{
	struct doh_reply reply = { .status = status_of(r) };

	if (!reply.status) {
		const struct doh_answer a = d->opts->answer(d->opts->ctx,
			&(struct doh_query){ r->message, r->len, r->has_client ? &r->client : NULL });
		reply.status = a.len ? 200 : BAD;
		reply.body = a.packet;
		reply.len = a.len;
		reply.date = a.date;
		if (a.len)
			snprintf(reply.cache, sizeof reply.cache, "%smax-age=%u",
				a.is_private ? "private, " : "", doh_ttl_s(a.packet, a.len));
	}
	d->refused += reply.status != 200;
	return reply;
}

/* --- a connection ------------------------------------------------------------------------- */

struct doh *doh_new(const struct doh_opts *opts, bool two)
{
	struct doh *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->opts = opts;
	if (!two || doh_two_open(d))
		return d;
	free(d);
	return NULL;
}

void doh_free(struct doh *d)
{
	if (!d)
		return;
	if (d->speech)
		d->speech->free(d);
	free(d);
}

/* HTTP/2 begins with a line that HTTP/1.1 has not (RFC 9113 section 3.4). */
static bool guess(struct doh *d, const uint8_t **bytes, size_t *len)
{
	while (*len && d->n_first < sizeof d->first) {
		d->first[d->n_first++] = *(*bytes)++;
		--*len;
	}
	if (d->n_first < sizeof d->first)
		return true;
	const bool two = memcmp(d->first, "PRI ", sizeof d->first) == 0;
	return (two ? doh_two_open(d) : doh_one_open(d)) &&
		d->speech->take(d, d->first, d->n_first);
}

bool doh_take(struct doh *d, const uint8_t *bytes, size_t len)
{
	if (!d->speech && !guess(d, &bytes, &len))
		return false;
	return !len || d->speech->take(d, bytes, len);
}

size_t doh_give(struct doh *d, uint8_t *to, size_t enough)
{
	return d->speech ? d->speech->give(d, to, enough) : 0;
}

bool doh_has_more(const struct doh *d)
{
	return d->speech && d->speech->has_more(d);
}

bool doh_is_over(const struct doh *d)
{
	return d->speech && d->speech->is_over(d);
}

uint64_t doh_take_refused(struct doh *d)
{
	const uint64_t n = d->refused;

	d->refused = 0;
	return n;
}
