#include "net/clients.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { OF_ALL, OF_NET }; /* numbers of a member's lists */

struct clients_net {
	struct clients_net *next; /* of the same bucket */
	struct clients_list list;
	unsigned n;
	struct addr addr; /* bits behind the prefix are zero; IPv4 never meets IPv6 */
};

/* --- lists -------------------------------------------------------------------------------- */

static void list_remove(struct clients_list *list, struct clients_member *m, int which)
{
	const struct clients_link at = m->in[which];

	*(at.older ? &at.older->in[which].newer : &list->oldest) = at.newer;
	*(at.newer ? &at.newer->in[which].older : &list->newest) = at.older;
}

static void list_add(struct clients_list *list, struct clients_member *m, int which)
{
	m->in[which] = (struct clients_link){ .older = list->newest };
	*(list->newest ? &list->newest->in[which].newer : &list->oldest) = m;
	list->newest = m;
}

/* --- nets --------------------------------------------------------------------------------- */

/* Where the net of `source` hangs, or would: a pointer to NULL. */
static struct clients_net **find_net(
	const struct clients *c, const struct addr *source, struct addr *net)
{
	*net = addr_prefix(source, addr_is_v4(source) ? CLIENTS_V4_BITS : CLIENTS_V6_BITS).addr;
	struct clients_net *
		*at = &c->bucket[hash_bytes(c->key, net->b, sizeof net->b) & c->mask];

	while (*at && memcmp(&(*at)->addr, net, sizeof *net) != 0)
		at = &(*at)->next;
	return at;
}

/* --- all of them -------------------------------------------------------------------------- */

void clients_init(struct clients *c, unsigned most, unsigned most_of_net)
{
	size_t buckets = 1;

	while (buckets < most)
		buckets *= 2;
	*c = (struct clients){ .most = most, .most_of_net = most_of_net, .mask = buckets - 1 };
	if (getrandom(&c->key, sizeof c->key, 0) != sizeof c->key)
		die("cannot have random numbers");
	c->bucket = memory_zeroed(buckets, sizeof(struct clients_net *));
}

void clients_fini(struct clients *c)
{
	free(c->bucket);
}

struct clients_member *clients_in_the_way(const struct clients *c, const struct addr *source)
{
	struct clients_member *of_net = clients_in_the_way_of_net(c, source);

	return of_net ? of_net : clients_in_the_way_of_all(c);
}

struct clients_member *clients_in_the_way_of_net(
	const struct clients *c, const struct addr *source)
{
	struct addr addr;
	const struct clients_net *net = *find_net(c, source, &addr);

	return net && net->n >= c->most_of_net ? net->list.oldest : NULL;
}

struct clients_member *clients_in_the_way_of_all(const struct clients *c)
{
	return c->n >= c->most ? c->all.oldest : NULL;
}

/* The net, made where it is none yet; NULL: no memory. */
static struct clients_net *net_of(const struct clients *c, const struct addr *source)
{
	struct addr addr;
	struct clients_net **at = find_net(c, source, &addr);

	if (!*at && (*at = calloc(1, sizeof **at)))
		(*at)->addr = addr;
	return *at;
}

bool clients_join(
	struct clients *c, struct clients_member *m, const struct addr *source, int64_t now_ms)
{
	struct clients_net *net = net_of(c, source);

	if (!net)
		return false;
	m->net = net;
	m->since_ms = now_ms;
	m->net->n++;
	c->n++;
	list_add(&c->all, m, OF_ALL);
	list_add(&m->net->list, m, OF_NET);
	return true;
}

bool clients_move(
	struct clients *c, struct clients_member *m, const struct addr *source, int64_t now_ms)
{
	const struct clients_net *net = net_of(c, source);

	if (!net)
		return false;
	if (net == m->net) {
		clients_touch(c, m, now_ms);
		return true;
	}
	clients_leave(c, m);
	return clients_join(c, m, source, now_ms); /* its net is there */
}

void clients_leave(struct clients *c, struct clients_member *m)
{
	struct clients_net *net = m->net;
	struct addr addr;

	list_remove(&c->all, m, OF_ALL);
	list_remove(&net->list, m, OF_NET);
	c->n--;
	if (--net->n)
		return;
	*find_net(c, &net->addr, &addr) = net->next;
	free(net);
}

void clients_touch(struct clients *c, struct clients_member *m, int64_t now_ms)
{
	m->since_ms = now_ms;
	list_remove(&c->all, m, OF_ALL);
	list_remove(&m->net->list, m, OF_NET);
	list_add(&c->all, m, OF_ALL);
	list_add(&m->net->list, m, OF_NET);
}
