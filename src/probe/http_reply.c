#include "probe/http_reply.h"

#include <string.h>
#include <strings.h>

enum step { STATUS, FIELDS, BODY, TO_CLOSE, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER };

void http_reply_begin(struct http_reply *r, const struct http_taker *taker, bool head)
{
	r->taker = *taker;
	r->head = head;
	r->status = 0;
	r->keeps = r->is_two = false;
	r->step = STATUS;
	r->line_len = r->head_len = 0;
	r->left = 0;
	r->has_length = r->chunked = r->coded = r->old = r->said_close = r->said_keep =
		r->wrong = false;
}

/* --- header lines ------------------------------------------------------------------------- */

/* "HTTP/1.1 200 OK"; the reason may be missing. */
static bool read_status(struct http_reply *r, const char *line, size_t len)
{
	if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') ||
		line[8] != ' ')
		return false;
	for (unsigned i = 9; i < 12; i++)
		if (line[i] < '0' || line[i] > '9')
			return false;
	if (line[9] == '0' || (len > 12 && line[12] != ' '))
		return false;
	r->status = (unsigned)((line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0');
	r->old = line[7] == '0';
	return true;
}

/* Is this line of that field? Its value then, without blanks around it. */
static const char *value_of(const char *line, size_t *len, const char *field)
{
	const size_t n = strlen(field);
	const char *s = line + n + 1, *end = line + *len;

	if (*len <= n || strncasecmp(line, field, n) != 0 || line[n] != ':')
		return NULL;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (s < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*len = (size_t)(end - s);
	return s;
}

/* Is `word` among those of a list with commas? `last`: is it the last one? */
static bool has_word(const char *list, size_t len, const char *word, bool last)
{
	const size_t n = strlen(word);

	for (const char *s = list, *end = list + len; s < end;) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *next = comma ? comma : end, *to = next;
		while (s < to && (*s == ' ' || *s == '\t'))
			s++;
		while (s < to && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		if ((size_t)(to - s) == n && strncasecmp(s, word, n) == 0 &&
			(!last || next == end))
			return true;
		s = next + 1;
	}
	return false;
}

/* Two that differ would let the body end at one place or at another. */
static void read_length(struct http_reply *r, const char *value, size_t len)
{
	uint64_t v = 0;

	r->wrong = r->wrong || len == 0 || len > 18;
	for (size_t i = 0; i < len && !r->wrong; i++) {
		r->wrong = value[i] < '0' || value[i] > '9';
		v = v * 10 + (uint64_t)(value[i] - '0');
	}
	r->wrong = r->wrong || (r->has_length && v != r->left);
	r->has_length = true;
	r->left = v;
}

static void read_field(struct http_reply *r, const char *line, size_t len)
{
	const char *v;
	size_t n = len;

	if ((v = value_of(line, &n, "Content-Length")))
		read_length(r, v, n);
	else if ((v = value_of(line, &n, "Transfer-Encoding"))) {
		r->coded = true;
		r->chunked = has_word(v, n, "chunked", true);
	} else if ((v = value_of(line, &n, "Connection"))) {
		r->said_close = r->said_close || has_word(v, n, "close", false);
		r->said_keep = r->said_keep || has_word(v, n, "keep-alive", false);
	}
}

/* The empty line has come: what follows? */
static enum http_got end_head(struct http_reply *r)
{
	if (r->wrong)
		return HTTP_WRONG;
	if (r->status >= 100 && r->status <= 199 && r->status != 101) {
		const size_t so_far = r->head_len;
		http_reply_begin(r,
			&(struct http_taker){ r->taker.ctx, r->taker.line, r->taker.body },
			r->head);
		r->head_len = so_far;
		return HTTP_MORE;
	}
	r->keeps = !r->said_close && (!r->old || r->said_keep) && r->status != 101;
	if (r->head || r->status == 204 || r->status == 304 || r->status == 101)
		return HTTP_WHOLE;
	if (r->coded)
		r->has_length = false; /* RFC 9112 section 6.3 */
	if (!r->has_length && !r->chunked) {
		r->keeps = false;
		r->step = TO_CLOSE;
		return HTTP_MORE;
	}
	r->step = r->chunked ? CHUNK_SIZE : BODY;
	return !r->chunked && !r->left ? HTTP_WHOLE : HTTP_MORE;
}

/* --- lines -------------------------------------------------------------------------------- */

/* "1a2B; what=ever" */
static bool read_size(struct http_reply *r, const char *line, size_t len)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < len; i++) {
		const char c = line[i] >= 'a' && line[i] <= 'f' ? (char)(line[i] - 32)
								: line[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F')))
			break;
		if (v >> 56)
			return false;
		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'A' + 10);
	}
	r->left = v;
	return i && (i == len || line[i] == ';' || line[i] == ' ' || line[i] == '\t');
}

static enum http_got take_line(struct http_reply *r, const char *line, size_t len)
{
	switch ((enum step)r->step) {
	case STATUS:
		if (!read_status(r, line, len))
			return HTTP_WRONG;
		r->taker.line(r->taker.ctx, line, len);
		r->step = FIELDS;
		return HTTP_MORE;
	case FIELDS:
		if (!len)
			return end_head(r);
		r->taker.line(r->taker.ctx, line, len);
		read_field(r, line, len);
		return HTTP_MORE;
	case CHUNK_SIZE:
		if (!read_size(r, line, len))
			return HTTP_WRONG;
		r->step = r->left ? CHUNK : TRAILER;
		return HTTP_MORE;
	case CHUNK_END: r->step = CHUNK_SIZE; return len ? HTTP_WRONG : HTTP_MORE;
	case TRAILER: return len ? HTTP_MORE : HTTP_WHOLE;
	case BODY:
	case TO_CLOSE:
	case CHUNK: break;
	}
	return HTTP_WRONG;
}

/* Whatever begins otherwise need not be read to the end of its first line. */
static bool may_be_status(const struct http_reply *r)
{
	const size_t n = r->line_len < 7 ? r->line_len : 7;

	return r->step != STATUS || memcmp(r->line, "HTTP/1.", n) == 0;
}

/* A server's first frame is SETTINGS, of the whole connection (RFC 9113 section 3.4). */
static bool is_settings(const struct http_reply *r)
{
	static const char type[] = { 4, 0, 0, 0, 0, 0 }; /* and flags, and number of the stream */

	return r->line_len >= 3 + sizeof type && r->line[0] == 0 && memcmp(r->line + 3, type, sizeof type) == 0;
}

/* Up to the end of a line. Returns how many bytes were taken. */
static size_t gather(struct http_reply *r, const char *s, size_t len, enum http_got *got)
{
	const char *end = memchr(s, '\n', len);
	const size_t n = end ? (size_t)(end - s) : len;
	const size_t room = HTTP_LINE_MOST - r->line_len, keep = n < room ? n : room;

	memcpy(r->line + r->line_len, s, keep);
	r->line_len += keep;
	r->head_len += n + 1;
	if (r->head_len > HTTP_HEAD_MOST)
		*got = HTTP_LONG;
	else if (!may_be_status(r)) {
		*got = HTTP_WRONG;
		r->is_two = is_settings(r);
	} else if (end) {
		size_t line_len = r->line_len;
		if (line_len && r->line[line_len - 1] == '\r')
			line_len--;
		r->line_len = 0;
		*got = take_line(r, r->line, line_len);
	}
	return end ? n + 1 : n;
}

static size_t pass_body(struct http_reply *r, const char *s, size_t len, enum http_got *got)
{
	const size_t n = r->step == TO_CLOSE || r->left > len ? len : (size_t)r->left;

	if (r->step != TO_CLOSE)
		r->left -= n;
	if (n && !r->taker.body(r->taker.ctx, s, n))
		*got = HTTP_ENOUGH;
	else if (r->step == BODY && !r->left)
		*got = HTTP_WHOLE;
	else if (r->step == CHUNK && !r->left) {
		r->step = CHUNK_END;
		r->head_len = 0; /* the limit is for lines without end, not for many chunks */
	}
	return n;
}

enum http_got http_reply_take(struct http_reply *r, const char *s, size_t len)
{
	enum http_got got = HTTP_MORE;

	while (len && got == HTTP_MORE) {
		const bool body = r->step == BODY || r->step == TO_CLOSE || r->step == CHUNK;
		const size_t n = body ? pass_body(r, s, len, &got) : gather(r, s, len, &got);
		s += n;
		len -= n;
	}
	if (len || (got != HTTP_MORE && got != HTTP_WHOLE))
		r->keeps = false;
	return got;
}

enum http_got http_reply_close(const struct http_reply *r)
{
	return r->step == TO_CLOSE ? HTTP_WHOLE : HTTP_MORE;
}
