#include "daemon/pairs_record.h"

#include <string.h>

enum { NET = 17 };

uint64_t pairs_server(const char *name)
{
	const uint64_t hash = hash_bytes((struct hash_key){ 41, 42 }, (const uint8_t *)name, strlen(name));

	return hash ? hash : 1;
}

static void put_net(uint8_t *to, const struct prefix *net)
{
	memcpy(to, net->addr.b, sizeof net->addr.b);
	to[NET - 1] = (uint8_t)net->bits;
}

static bool get_net(struct prefix *to, const uint8_t *from)
{
	struct addr a;

	if (from[NET - 1] > 128)
		return false;
	memcpy(a.b, from, sizeof a.b);
	*to = addr_prefix(&a, from[NET - 1]);
	return memcmp(to->addr.b, from, sizeof a.b) == 0;
}

void pairs_row_write(uint8_t to[static PAIRS_ROW], const struct client_pair *row, uint64_t self)
{
	uint32_t weight;

	memcpy(&weight, &row->weight, sizeof weight);
	put_net(to, &row->resolver);
	put_net(to + NET, &row->client);
	be64_put(to + 2 * NET, row->by ? row->by : self);
	be32_put(to + 2 * NET + 8, weight);
	be64_put(to + 2 * NET + 12, (uint64_t)row->at_s);
}

/* A net that is narrower than what is kept says more of a client than it may; what else is wrong is seen by who merges. */
bool pairs_row_read(struct client_pair *to, const uint8_t from[static PAIRS_ROW], uint64_t self)
{
	const uint32_t weight = be32_get(from + 2 * NET + 8);

	if (!get_net(&to->resolver, from) || !get_net(&to->client, from + NET))
		return false;
	to->by = be64_get(from + 2 * NET);
	if (!to->by)
		return false;
	if (to->by == self)
		to->by = 0;
	memcpy(&to->weight, &weight, sizeof weight);
	to->at_s = (int64_t)be64_get(from + 2 * NET + 12);
	const struct prefix resolver = client_pairs_resolver(&to->resolver.addr), client = client_pairs_client(&to->client.addr);
	return resolver.bits == to->resolver.bits && client.bits == to->client.bits;
}

void pairs_name_write(uint8_t to[static PAIRS_NAME], const struct pairs_name *name)
{
	be64_put(to, name->name);
	put_net(to + 8, &name->client);
}

bool pairs_name_read(struct pairs_name *to, const uint8_t from[static PAIRS_NAME])
{
	to->name = be64_get(from);
	return to->name && get_net(&to->client, from + 8);
}
