/* fuzz_change.c - any bytes as a change set: what is taken is whole, and comes out of another
 * making as the same.
 */
#include "dns/rrtype.h"
#include "zone/change.h"
#include "zone/rdata.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct change *c, const struct change_record *rr, const uint8_t *end)
{
	struct fault why;

	if (!name_check(rr->owner, end) || !name_is_under(rr->owner, change_apex(c)) ||
		rr->rdata + rr->rdlen > end || rr->ttl_s > 0x7fffffff ||
		!rdata_check(rr->type, rr->rdata, rr->rdlen, &why))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fault why = { "" };
	struct change *c = change_open(data, len, &why);
	uint32_t n[2] = { 0, 0 };
	size_t again_len, joined_len;

	if (!c) {
		if (!*why.text)
			abort();
		return 0;
	}
	size_t bytes_len;
	const uint8_t *bytes = change_bytes(c, &bytes_len);
	if (bytes_len != len || memcmp(bytes, data, len) != 0)
		abort();
	struct change *again = change_new(change_apex(c));
	struct change_walk walk = change_each(c);
	while (change_next(&walk)) {
		check(c, &walk.rr, bytes + len);
		n[walk.rr.comes]++;
		if (!(walk.rr.comes ? change_add : change_remove)(again, &walk.rr, &why))
			abort();
	}
	if (n[0] != change_goes(c) || n[1] != change_comes(c) || !change_seal(again, &why) ||
		change_from(again) != change_from(c) || change_to(again) != change_to(c))
		abort();
	change_bytes(again, &again_len);
	const struct change *one[1] = { again };
	struct change *joined = change_join(one, 1, &why);
	if (!joined || again_len > len + 2 * NAME_MOST)
		abort();
	change_bytes(joined, &joined_len);
	if (joined_len > 2 * len + 512 * (n[0] + n[1]))
		abort();
	change_free(joined);
	change_free(again);
	change_free(c);
	return 0;
}
