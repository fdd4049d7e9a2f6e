#include "answer/sign_asks.h"

#include "base/bytes.h"

#include <string.h>

enum { NET_V4 = 24, NET_V6 = 48 };

static uint8_t *net_of(struct sign_asks *a, const struct addr *source)
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
	uint64_t *asked = &a->keys[key >> 8 & (SIGN_ASKS_KEYS - 1)];
	uint8_t *net = net_of(a, source);
	if (*asked == key || a->n == SIGN_ASKS_MOST || *net == SIGN_ASKS_NET_MOST ||
		(!proven && a->unproven == SIGN_ASKS_MOST / 2))
		return false;
	*asked = key;
	++*net;
	a->n++;
	a->unproven += !proven;
	return true;
}
