#include "answer/sign_asks.h"

#include "base/bytes.h"

#include <string.h>

enum { NET_V4 = 24, NET_V6 = 48 };

static uint8_t *net_of(struct sign_asks_of *a, const struct addr *source)
{
	const struct prefix net = addr_prefix(
		source, addr_is_v4(source) ? ADDR_V4_BITS + NET_V4 : NET_V6);
	uint64_t half[2];

	memcpy(half, net.addr.b, sizeof half);
	return &a->nets[hash_pair(half[0], half[1]) >> 32 & (SIGN_ASKS_NETS - 1)];
}

bool sign_asks_may(struct sign_asks *a, uint64_t key, const struct addr *source, bool proven,
	uint32_t now_s)
{
	if (a->now_s != now_s) {
		memset(a, 0, sizeof *a);
		a->now_s = now_s;
	}
	struct sign_asks_of *of = &a->of[proven];
	uint64_t *asked = &of->keys[key >> 8 & (SIGN_ASKS_KEYS - 1)];
	uint8_t *net = net_of(of, source);
	if (*asked == key || *net == SIGN_ASKS_NET_MOST ||
		a->of[0].n + a->of[1].n == SIGN_ASKS_MOST ||
		(!proven && of->n == SIGN_ASKS_MOST / 2))
		return false;
	*asked = key;
	++*net;
	of->n++;
	return true;
}
