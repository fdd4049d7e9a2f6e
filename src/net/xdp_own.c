#include "net/xdp_own.h"

#include "base/addr.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* What is listened on. */
struct own_from {
	const struct net_address *listen; /* [n] */
	size_t n;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct xdp_own));
}

/* No other machine can send there. */
static bool is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return (addr_is_v4(a) && a->b[12] == 127) || memcmp(a->b, one, sizeof one) == 0;
}

static void own_add(struct xdp_own_list *to, const struct addr *a, in_port_t be16_port)
{
	struct xdp_own one = { .port = be16_port };

	if (is_loopback(a))
		return;
	if (to->n == to->room) {
		const size_t room = to->room ? 2 * to->room : 16;
		struct xdp_own *more = realloc(to->list, room * sizeof *more);
		if (!more) {
			to->out_of_memory = true;
			return;
		}
		to->list = more;
		to->room = room;
	}
	memcpy(one.addr, a->b, sizeof one.addr);
	to->list[to->n++] = one;
}

/* All of the machine's. */
static void add_all(struct xdp_own_list *to, const struct ifaddrs *all, int family, in_port_t be16_port)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6) ||
			(family && i->ifa_addr->sa_family != family))
			continue;
		const struct addr a = addr_from_sockaddr(i->ifa_addr);
		own_add(to, &a, be16_port);
	}
}

/* What ordinary sockets of that port would be given. */
static void add_port(struct xdp_own_list *to, const struct own_from *from, const struct ifaddrs *all,
	in_port_t be16_port)
{
	bool any = false;

	for (size_t i = 0; i < from->n; i++) {
		const struct net_address *at = &from->listen[i];
		if (at->kind != NET_PLAIN || net_port(at) != be16_port)
			continue;
		any = true;
		const struct addr a = addr_from_sockaddr((const struct sockaddr *)&at->sa);
		if (listen_is_any(at))
			add_all(to, all, at->sa.ss_family, be16_port);
		else
			own_add(to, &a, be16_port);
	}
	if (!any)
		add_all(to, all, 0, be16_port);
}

static void sort_out(struct xdp_own_list *l)
{
	size_t n = 0;

	qsort(l->list, l->n, sizeof *l->list, compare);
	for (size_t i = 0; i < l->n; i++)
		if (!n || compare(&l->list[n - 1], &l->list[i]) != 0)
			l->list[n++] = l->list[i];
	l->n = n;
}

bool xdp_own_find(struct xdp_own_list *to, const struct net_address *listen, size_t n)
{
	const struct own_from from = { listen, n };
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (listen[i].kind == NET_XDP)
			add_port(to, &from, all, net_port(&listen[i]));
	freeifaddrs(all);
	if (to->n)
		sort_out(to);
	return !to->out_of_memory;
}

bool xdp_own_has(const struct xdp_own *list, size_t n, const struct xdp_own *one)
{
	return n && bsearch(one, list, n, sizeof *list, compare);
}
