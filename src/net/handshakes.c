#include "net/handshakes.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/clients.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ONE = 1000 };

void handshakes_init(struct handshakes *h, unsigned most, unsigned a_second)
{
	*h = (struct handshakes){ .most = most, .a_second = a_second };
	if (getrandom(&h->key, sizeof h->key, 0) != sizeof h->key)
		die("cannot have random numbers");
	h->nets = memory_zeroed(HANDSHAKES_PLACES, sizeof *h->nets);
}

void handshakes_fini(struct handshakes *h)
{
	memory_free(h->nets);
}

bool handshakes_may(struct handshakes *h, const struct addr *source, int64_t now_ms)
{
	const int64_t full = (int64_t)h->a_second * ONE;
	const struct addr net =
		addr_prefix(source, addr_is_v4(source) ? CLIENTS_V4_BITS : CLIENTS_V6_BITS).addr;
	struct handshakes_net *at =
		&h->nets[hash_bytes(h->key, net.b, sizeof net.b) & (HANDSHAKES_PLACES - 1)];

	if (memcmp(&at->net, &net, sizeof net) != 0)
		*at = (struct handshakes_net){ net, now_ms, full };
	/* Thousandths come in as many a millisecond as handshakes may a second. */
	at->left += (now_ms - at->at_ms) * h->a_second;
	at->at_ms = now_ms;
	if (at->left > full)
		at->left = full;
	if (at->left < ONE)
		return false;
	at->left -= ONE;
	return true;
}

struct handshake *handshakes_in_the_way(const struct handshakes *h)
{
	return h->n >= h->most ? h->oldest : NULL;
}

void handshakes_join(struct handshakes *h, struct handshake *m, int64_t now_ms)
{
	*m = (struct handshake){ .older = h->newest, .since_ms = now_ms };
	*(h->newest ? &h->newest->newer : &h->oldest) = m;
	h->newest = m;
	h->n++;
}

void handshakes_leave(struct handshakes *h, struct handshake *m)
{
	if (!m->since_ms)
		return;
	*(m->older ? &m->older->newer : &h->oldest) = m->newer;
	*(m->newer ? &m->newer->older : &h->newest) = m->older;
	m->since_ms = 0;
	h->n--;
}
