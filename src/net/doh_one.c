/* doh_one.c - HTTP/1.1 (RFC 9112), as far as DNS needs it: requests one after the other, bodies with their length.
 */
#include "net/doh_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROOM = DOH_HEADER_MOST + DOH_MESSAGE_MOST + DOH_READ,
	HEAD_ROOM = 256, /* of ours */
	BAD = 400,
	TOO_LARGE = 413,
	HEADER_TOO_LARGE = 431,
	NOT_IMPLEMENTED = 501
};

struct one {
	uint8_t *in; /* [ROOM] while something is there; NULL */
	size_t len;
	bool unread; /* something has come since it was read last */
	bool ends; /* no more requests are taken */
};

/* A request whose header is there. */
struct head {
	struct doh_request request;
	size_t body_at, body_len;
	bool keeps;   /* the connection goes on behind it */
	bool spoiled; /* where it ends is not known */
	bool is_old;  /* HTTP/1.0 */
	bool has_host, has_length;
};

/* --- reading ------------------------------------------------------------------------------ */

static void spoil(struct head *h, unsigned status)
{
	h->request.status = status;
	h->spoiled = true;
	h->keeps = false;
}

/* The end of the line at `at`, where its CR LF is; `end` when there is none. */
static size_t line_end(const uint8_t *in, size_t at, size_t end)
{
	for (; at + 1 < end; at++)
		if (in[at] == '\r' && in[at + 1] == '\n')
			return at;
	return end;
}

static void read_request_line(const struct doh *d, struct head *h, const char *line, size_t len)
{
	const char *target = memchr(line, ' ', len);
	const char *version = target
		? memchr(target + 1, ' ', len - (size_t)(target + 1 - line))
		: NULL;

	if (!version || (size_t)(line + len - version) != sizeof " HTTP/1.1" - 1 ||
		memcmp(version, " HTTP/1.", sizeof " HTTP/1." - 1) != 0 ||
		(line[len - 1] != '1' && line[len - 1] != '0')) {
		spoil(h, BAD);
		return;
	}
	h->is_old = line[len - 1] == '0';
	h->keeps = !h->is_old;
	doh_set_method(&h->request, line, (size_t)(target - line));
	doh_set_target(d, &h->request, target + 1, (size_t)(version - target) - 1);
}

static bool is_word(const char *value, size_t len, const char *word)
{
	const size_t n = strlen(word);

	for (size_t at = 0; at + n <= len; at++)
		if (strncasecmp(value + at, word, n) == 0)
			return true;
	return false;
}

static void take_length(struct head *h, const char *value, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9') {
			spoil(h, BAD);
			return;
		}
		n = n < ROOM ? n * 10 + (size_t)(value[i] - '0') : n;
	}
	if (!len || (h->has_length && n != h->body_len))
		spoil(h, BAD);
	else if (n > DOH_MESSAGE_MOST)
		spoil(h, TOO_LARGE);
	h->has_length = true;
	h->body_len = n;
}

static void take_header(const struct doh *d, struct head *h, const char *name, size_t name_len,
	const char *value, size_t len)
{
	if (strcmp(name, "content-length") == 0)
		take_length(h, value, len);
	else if (strcmp(name, "transfer-encoding") == 0)
		spoil(h, NOT_IMPLEMENTED); /* and never a second opinion on where the body ends */
	else if (strcmp(name, "host") == 0)
		h->has_host = true;
	else if (strcmp(name, "connection") == 0)
		h->keeps = h->is_old ? is_word(value, len, "keep-alive")
				     : h->keeps && !is_word(value, len, "close");
	else
		doh_set_header(d, &h->request, name, name_len, value, len);
}

static void read_header(const struct doh *d, struct head *h, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const size_t name_len = colon ? (size_t)(colon - line) : 0;
	char name[64];

	/* A space before the colon, and a line that goes on the one before, have been ways to have a request
	 * read in two ways (RFC 9112 section 5). */
	if (!name_len || memchr(line, ' ', name_len) || memchr(line, '\t', name_len) ||
		memchr(line, 0, len)) {
		spoil(h, BAD);
		return;
	}
	const char *value = colon + 1, *end = line + len;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (name_len >= sizeof name)
		return;
	for (size_t i = 0; i < name_len; i++)
		name[i] = line[i] >= 'A' && line[i] <= 'Z' ? (char)(line[i] + 32) : line[i];
	name[name_len] = 0;
	take_header(d, h, name, name_len, value, (size_t)(end - value));
}

/* True when a request is there, whole or so wrong that nothing behind it can be read. */
static bool read_request(const struct doh *d, struct head *h)
{
	const struct one *o = d->state;
	const char *in = (const char *)o->in;
	size_t at = 0, end;

	*h = (struct head){ .keeps = true };
	if (!o->len || o->ends)
		return false;
	const uint8_t *stop = memmem(o->in, o->len, "\r\n\r\n", 4);
	if (!stop) {
		if (o->len > DOH_HEADER_MOST)
			spoil(h, HEADER_TOO_LARGE);
		return o->len > DOH_HEADER_MOST;
	}
	h->body_at = (size_t)(stop - o->in) + 4;
	end = line_end(o->in, 0, h->body_at);
	read_request_line(d, h, in, end);
	for (at = end + 2; at + 2 < h->body_at && !h->spoiled; at = end + 2) {
		end = line_end(o->in, at, h->body_at);
		read_header(d, h, in + at, end - at);
	}
	if (!h->has_host && !h->is_old && !h->spoiled)
		spoil(h, BAD);
	if (h->body_at > DOH_HEADER_MOST)
		spoil(h, HEADER_TOO_LARGE);
	return h->spoiled || o->len - h->body_at >= h->body_len;
}

static bool take(struct doh *d, const uint8_t *bytes, size_t len)
{
	struct one *o = d->state;

	if (!o->in && !(o->in = malloc(ROOM)))
		return false;
	if (o->ends || len > ROOM - o->len)
		return false;
	memcpy(o->in + o->len, bytes, len);
	o->len += len;
	o->unread = true;
	return true;
}

/* --- writing ------------------------------------------------------------------------------ */

static const char *reason(unsigned status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed\r\nAllow: GET, POST";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 431: return "Request Header Fields Too Large";
	case 501: return "Not Implemented";
	default: return "Service Unavailable";
	}
}

static size_t write_reply(uint8_t *to, const struct doh_reply *r, bool keeps)
{
	const char *connection = keeps ? "" : "Connection: close\r\n";
	int n;

	if (r->status == 200)
		n = snprintf((char *)to, HEAD_ROOM,
			"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n"
			"Content-Length: %zu\r\nCache-Control: %s\r\nDate: %s\r\n%s\r\n",
			r->len, r->cache, r->date, connection);
	else
		n = snprintf((char *)to, HEAD_ROOM, "HTTP/1.1 %u %s\r\nContent-Length: 0\r\n%s\r\n",
			r->status, reason(r->status), connection);
	if (r->status == 200)
		memcpy(to + n, r->body, r->len);
	return (size_t)n + (r->status == 200 ? r->len : 0);
}

static void consume(struct one *o, size_t len)
{
	o->len -= len < o->len ? len : o->len;
	if (!o->len) {
		free(o->in);
		o->in = NULL;
	} else {
		memmove(o->in, o->in + len, o->len);
	}
}

static size_t give(struct doh *d, uint8_t *to, size_t enough)
{
	struct one *o = d->state;
	struct head h;
	size_t out = 0;

	while (out < enough && o->unread) {
		o->unread = read_request(d, &h);
		if (!o->unread) {
			doh_request_fini(&h.request);
			break;
		}
		if (h.request.method == DOH_POST && !h.request.status)
			doh_add_body(&h.request, o->in + h.body_at, h.body_len);
		const struct doh_reply r = doh_reply(d, &h.request);
		out += write_reply(to + out, &r, h.keeps);
		o->ends = !h.keeps;
		consume(o, o->ends ? o->len : h.body_at + h.body_len);
		doh_request_fini(&h.request);
	}
	return out;
}

static bool has_more(const struct doh *d)
{
	return ((const struct one *)d->state)->unread;
}

static bool is_over(const struct doh *d)
{
	return ((const struct one *)d->state)->ends;
}

static void free_one(struct doh *d)
{
	struct one *o = d->state;

	free(o->in);
	free(o);
}

static const struct doh_speech speech = {
	.take = take, .give = give, .has_more = has_more, .is_over = is_over, .free = free_one
};

bool doh_one_open(struct doh *d)
{
	d->state = calloc(1, sizeof(struct one));
	if (d->state)
		d->speech = &speech;
	return d->state != NULL;
}
