/* fuzz_http.c - any answer to an HTTP/1 request, in any pieces: the same comes of it as of the
 * whole, and a body is never longer than what came.
 */
#include "probe/http_reply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct heard {
	size_t lines, body;
	unsigned sum;
};

static void take_line(void *ctx, const char *line, size_t len)
{
	struct heard *h = ctx;

	assert(len <= HTTP_LINE_MOST);
	h->lines++;
	for (size_t i = 0; i < len; i++)
		h->sum = h->sum * 31 + (unsigned char)line[i];
}

static bool take_body(void *ctx, const char *bytes, size_t len)
{
	struct heard *h = ctx;

	for (size_t i = 0; i < len; i++)
		h->sum = h->sum * 31 + (unsigned char)bytes[i];
	h->body += len;
	return true;
}

static enum http_got take(struct http_reply *r, struct heard *h, bool head, const uint8_t *data,
	size_t len, size_t piece)
{
	enum http_got got = HTTP_MORE;

	http_reply_begin(r, &(struct http_taker){ h, take_line, take_body }, head);
	for (size_t at = 0; at < len && got == HTTP_MORE; at += piece) {
		/* Of its own size, so that a byte read behind it is seen. */
		const size_t n = len - at < piece ? len - at : piece;
		char *exact = malloc(n);
		if (!exact)
			abort();
		memcpy(exact, data + at, n);
		got = http_reply_take(r, exact, n);
		free(exact);
	}
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_reply whole, parts;
	struct heard of_whole = { 0, 0, 0 }, of_parts = { 0, 0, 0 };

	if (len < 2)
		return 0;
	const bool head = data[0] & 1;
	const size_t piece = 1 + data[1] % 64u;
	data += 2;
	len -= 2;
	const enum http_got a = take(&whole, &of_whole, head, data, len, len + 1),
			    b = take(&parts, &of_parts, head, data, len, piece);
	assert(a == b && whole.status == parts.status);
	assert(of_whole.body <= len);
	if (a == HTTP_WHOLE || a == HTTP_MORE)
		assert(of_whole.lines == of_parts.lines && of_whole.body == of_parts.body &&
			of_whole.sum == of_parts.sum);
	if (a == HTTP_WHOLE)
		assert(whole.status >= 101 && (!head || of_whole.body == 0));
	if (a == HTTP_MORE)
		assert(http_reply_close(&whole) == http_reply_close(&parts));
	return 0;
}
