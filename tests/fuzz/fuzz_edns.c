/* fuzz_edns.c - any bytes as the options of an OPT record, and what we say in answer to them.
 *
 * The first byte chooses what the answer says; four more are the time, the next two the length
 * of our identity. A cookie that we made is taken back, whatever its client's part.
 */
#include "answer/cookie.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct policy policy = { .cookie_secrets = 2, .cookie_secret = { { 1 }, { 2 } } };

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* What we wrote is an OPT record whose options end where it ends. */
static void check_opt(const uint8_t *opt, size_t len)
{
	check(len >= EDNS_OPT_FIXED && opt[0] == 0 && be16_get(opt + 1) == 41);
	check(be16_get(opt + 9) == len - EDNS_OPT_FIXED);
	for (size_t at = EDNS_OPT_FIXED; at < len;) {
		check(len - at >= 4);
		at += 4u + be16_get(opt + at + 2);
		check(at <= len);
	}
}

static void check_cookie(const struct edns *asked, const uint8_t *made, uint32_t now_s)
{
	const struct addr source = { { [10] = 255, 255, 192, 0, 2, 1 } };
	struct edns again = *asked;
	uint8_t back[EDNS_COOKIE_FULL];

	again.cookie = made;
	again.cookie_len = EDNS_COOKIE_FULL;
	check(cookie_check(back, &policy, &again, &source, now_s + 100) == COOKIE_GOOD);
	check(memcmp(back, made, EDNS_COOKIE_FULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct addr source = { { [10] = 255, 255, 192, 0, 2, 1 } };
	struct edns asked = { .present = true };
	struct edns_reply reply = { .ecs = false };

	if (len < 7)
		return 0;
	const uint32_t now_s = be32_get(data + 1);
	uint8_t *exact = malloc(len - 6), *identity = malloc(256);
	memcpy(exact, data + 7, len - 7);
	memset(identity, 'i', 256);
	if (edns_read_options(&asked, exact, len - 7)) {
		check(asked.ecs.source <= (asked.ecs.family == 2 ? 128 : 32));
		check(asked.cookie_len == 0 || asked.cookie_len == 8 ||
			(asked.cookie_len >= 16 && asked.cookie_len <= 40));
		reply.ecs = asked.ecs.present;
		reply.scope = data[0];
		reply.keepalive = data[0] & 1;
		reply.ede = data[0] & 2 ? EDE_PROHIBITED : 0;
		reply.nsid = asked.nsid ? identity : NULL;
		reply.nsid_len = data[5];
		reply.cookie = asked.cookie_len > 0;
		if (reply.cookie) {
			cookie_check(reply.cookie_bytes, &policy, &asked, &source, now_s);
			check(memcmp(reply.cookie_bytes, asked.cookie, 8) == 0);
			/* One that is given back may be older than a second one is. */
			if (asked.cookie_len == 8)
				check_cookie(&asked, reply.cookie_bytes, now_s);
		}
		uint8_t *to = malloc(edns_len(&asked, &reply));
		const size_t n = edns_write(to, &asked, &reply, data[6]);
		check(n == edns_len(&asked, &reply));
		check_opt(to, n);
		free(to);
	}
	free(exact);
	free(identity);
	return 0;
}
