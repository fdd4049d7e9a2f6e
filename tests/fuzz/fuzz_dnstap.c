/* fuzz_dnstap.c - what a reader of dnstap says, and any packet as a frame and as a line of the log of queries.
 */
#include "net/dnstap.h"
#include "net/query_log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_control(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1); /* of just its size, for the address sanitizer */
	unsigned type;
	bool ours;

	memcpy(copy, data, len);
	const size_t n = dnstap_read_control(copy, len, &type, &ours);
	if (n != SIZE_MAX && n > len)
		abort();
	free(copy);
}

/* The first byte says where the query ends. */
static void show(const uint8_t *data, size_t len)
{
	const size_t query = len ? data[0] * (len - 1) / 255 : 0, all = len ? len - 1 : 0;
	struct tap_head *h = calloc(1, sizeof *h + all);
	uint8_t *frame = malloc(DNSTAP_HEAD_MOST + all);

	h->query_len = (uint16_t)(query < UINT16_MAX ? query : UINT16_MAX);
	h->answer_len = (uint32_t)(all - h->query_len);
	if (all)
		memcpy(h + 1, data + 1, all);
	for (unsigned answer = 0; answer < 2; answer++)
		if (dnstap_frame(frame, &(struct dnstap_source){ "me", "v" }, h, answer) >
			DNSTAP_HEAD_MOST + all)
			abort();
	for (unsigned json = 0; json < 2; json++) {
		struct text out = { 0 };
		query_log_line(&out, h, json);
		if (!out.len || out.s[out.len - 1] != '\n' || memchr(out.s, '\n', out.len - 1))
			abort(); /* a line */
		text_fini(&out);
	}
	free(frame);
	free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > UINT16_MAX)
		return 0;
	read_control(data, len);
	show(data, len);
	return 0;
}
