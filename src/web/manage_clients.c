#include "web/manage_clients.h"

#include "base/clock.h"

#include <string.h>

/* Whoever has an IPv6 address has a /64 of them. */
static struct addr address_of(const struct sockaddr *sa)
{
	const struct addr a = addr_from_sockaddr(sa);

	return addr_is_v4(&a) ? a : addr_prefix(&a, 64).addr;
}

/* By the Unix socket come those alone who may. */
static bool is_ours(const struct sockaddr *from)
{
	return from->sa_family == AF_UNIX;
}

static bool same_address(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static bool is_known(const struct manage_clients *c, const struct addr *a)
{
	const double now = clock_seconds();

	for (size_t i = 0; i < MANAGE_KNOWN; i++)
		if (c->known[i].at_s > 0 && now - c->known[i].at_s < MANAGE_KNOWN_S &&
			same_address(&c->known[i].from, a))
			return true;
	return false;
}

void manage_clients_init(struct manage_clients *c)
{
	for (size_t i = 0; i < MANAGE_PLACES; i++)
		c->places[i].fd = -1;
}

bool manage_clients_may(const struct manage_clients *c, const struct sockaddr *from)
{
	const struct addr a = address_of(from);
	unsigned strangers = 0, of_them = 0;

	if (is_ours(from) || is_known(c, &a))
		return true;
	for (size_t i = 0; i < MANAGE_PLACES; i++) {
		if (c->places[i].fd < 0 || !c->places[i].stranger)
			continue;
		strangers++;
		of_them += same_address(&c->places[i].from, &a);
	}
	return strangers < MANAGE_STRANGERS && of_them < MANAGE_STRANGERS_PER_IP;
}

/* The one not heard of for longest makes room. */
void manage_clients_know(struct manage_clients *c, const struct sockaddr *from)
{
	const struct addr a = address_of(from);
	struct manage_known *to = &c->known[0];

	if (is_ours(from))
		return;
	for (size_t i = 0; i < MANAGE_KNOWN; i++) {
		if (c->known[i].at_s > 0 && same_address(&c->known[i].from, &a)) {
			to = &c->known[i];
			break;
		}
		if (c->known[i].at_s < to->at_s)
			to = &c->known[i];
	}
	*to = (struct manage_known){ a, clock_seconds() };
	for (size_t i = 0; i < MANAGE_PLACES; i++)
		if (c->places[i].fd >= 0 && same_address(&c->places[i].from, &a))
			c->places[i].stranger = false;
}

struct manage_place *manage_clients_join(
	struct manage_clients *c, int fd, const struct sockaddr *from)
{
	const struct addr a = address_of(from);

	for (size_t i = 0; i < MANAGE_PLACES; i++)
		if (c->places[i].fd < 0) {
			c->places[i] = (struct manage_place){ fd, clock_seconds(), a,
				!is_ours(from) && !is_known(c, &a), false };
			return &c->places[i];
		}
	return NULL;
}

void manage_clients_leave(struct manage_place *place)
{
	place->fd = -1;
}

void manage_clients_serve(struct manage_place *place, bool on)
{
	if (!place)
		return;
	place->served = on;
	place->since_s = clock_seconds();
}

void manage_clients_end(struct manage_clients *c)
{
	const double now = clock_seconds();

	for (size_t i = 0; i < MANAGE_PLACES; i++) {
		const struct manage_place *p = &c->places[i];
		if (p->fd >= 0 && !p->served &&
			now - p->since_s >
				(p->stranger ? MANAGE_STRANGER_LIFE_S : MANAGE_LIFE_S))
			shutdown(p->fd, SHUT_RDWR);
	}
}
