#include "tools/agent_once.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <sodium.h>

enum { SEEN = 1 << 16 /* addresses, by hash: a power of 2 */, V6_HOST = 64 };

struct agent_once {
	struct hash_key key;
	struct seen {
		uint64_t hash;
		double at_s;
	} seen[SEEN]; /* the last that had the place */
};

struct agent_once *agent_once_new(void)
{
	struct agent_once *o = memory_zeroed(1, sizeof *o);

	randombytes_buf(&o->key, sizeof o->key);
	return o;
}

void agent_once_free(struct agent_once *o)
{
	memory_free(o);
}

bool agent_once_had(struct agent_once *o, const struct addr *a, double now_s)
{
	const struct prefix host = addr_prefix(a, addr_is_v4(a) ? 128 : V6_HOST);
	const uint64_t hash = hash_bytes(o->key, host.addr.b, sizeof host.addr.b);
	struct seen *s = &o->seen[hash % SEEN];

	if (s->hash == hash && now_s - s->at_s < AGENT_ONCE_S)
		return true;
	*s = (struct seen){ hash, now_s };
	return false;
}
