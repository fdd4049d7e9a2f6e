#include "net/tap.h"

#include "base/clock.h"
#include "base/log.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

void tap_init(struct tap *t)
{
	memset(t, 0, sizeof *t);
	t->ring = mmap(NULL, TAP_ROOM, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->ring == MAP_FAILED)
		die("out of memory");
}

void tap_fini(struct tap *t)
{
	munmap(t->ring, TAP_ROOM);
}

struct tap_ends tap_ends_of(int fd)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof own;
	struct tap_ends e = { 0 };

	if (getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		return e;
	if (own.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&own;
		e.to_port = ntohs(v4->sin_port);
		if (v4->sin_addr.s_addr != INADDR_ANY)
			e.to = addr_from_sockaddr((const struct sockaddr *)&own);
	} else if (own.ss_family == AF_INET6) {
		e.to_port = ntohs(((const struct sockaddr_in6 *)&own)->sin6_port);
		e.to = addr_from_sockaddr((const struct sockaddr *)&own);
	}
	return e;
}

/* Is it the turn of one that is wanted every so many? */
static bool is_due(uint32_t *until, uint32_t every)
{
	if (!every)
		return false;
	if (*until && *until < every) {
		--*until;
		return false;
	}
	*until = every - 1;
	return true;
}

/* Once in so many on average, at no fixed distance: what comes in a rhythm is not always hit at the same place. */
static bool is_sampled(struct tap *t, uint32_t every)
{
	if (!every)
		return false;
	if (t->until_sample && t->until_sample < 2 * every) {
		t->until_sample--;
		return false;
	}
	t->random = t->random * 1664525u + 1013904223u;
	t->until_sample = (uint32_t)((uint64_t)t->random * (2 * every - 1) >> 32);
	return true;
}

static void lose(struct tap *t, unsigned whom)
{
	for (unsigned i = 0; i < 2; i++)
		if (whom >> i & 1)
			stats_add(&t->lost[i], i ? 1 : 2); /* the query and its answer */
}

/* Room for `len` bytes in one piece; NULL: there is none. What is left behind the last of the ring
 * is skipped when it is too little. */
static struct tap_head *make_room(struct tap *t, uint32_t len)
{
	const uint64_t read = __atomic_load_n(&t->read, __ATOMIC_ACQUIRE);
	const uint32_t at = t->written % TAP_ROOM, left = TAP_ROOM - at;
	const uint32_t skip = left < len ? left : 0;

	if (t->written + skip + len - read > TAP_ROOM)
		return NULL;
	if (skip) {
		/* There may be less than a head: its length is all that is read. */
		struct tap_head *h = (struct tap_head *)(void *)(t->ring + at);
		h->len = 0;
		t->written += skip;
	}
	return (struct tap_head *)(void *)(t->ring + t->written % TAP_ROOM);
}

/* The time of day once a millisecond, and the monotonic one between. */
static int64_t real_us(struct tap *t, uint64_t now_us)
{
	struct timespec now;

	if (!t->real_us || now_us - t->clock_us > 1000) {
		clock_gettime(CLOCK_REALTIME, &now);
		t->real_us = now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
		t->clock_us = clock_us();
	}
	return t->real_us - (int64_t)(t->clock_us - now_us);
}

void tap_take(struct tap *t, const struct answerer *a, const struct answer_ask *ask,
	const struct tap_ends *ends, size_t len)
{
	const struct policy *p = &a->world->policy;
	const unsigned whom = (is_due(&t->until_dnstap, p->dnstap_every) ? TAP_DNSTAP : 0u) |
		(is_due(&t->until_log, p->log_every) ? TAP_LOG : 0u) |
		(is_sampled(t, p->sampled_every) ? TAP_SAMPLE : 0u);
	if (whom == TAP_SAMPLE)
		len = 0;
	const uint32_t room = (uint32_t)((sizeof(struct tap_head) + ask->len + len + 7) & ~(size_t)7);

	if (!whom || !ask->len || ask->len > UINT16_MAX)
		return;
	struct tap_head *h = make_room(t, room);
	if (!h) {
		lose(t, whom);
		return;
	}
	const int64_t read_us = real_us(t, a->now_us);
	*h = (struct tap_head){ .len = room,
		.answer_len = (uint32_t)len,
		.query_len = (uint16_t)ask->len,
		.port = ends->port,
		.to_port = ends->to_port,
		.via = (uint8_t)ask->via,
		.whom = (uint8_t)whom,
		.read_us = read_us,
		.answered_us = read_us + (int64_t)(clock_us() - a->now_us),
		.source = ask->source,
		.to = ends->to };
	memcpy(h + 1, ask->packet, ask->len);
	if (len)
		memcpy((uint8_t *)(h + 1) + ask->len, ask->to, len);
	__atomic_store_n(&t->written, t->written + room, __ATOMIC_RELEASE);
}

const struct tap_head *tap_first(struct tap *t)
{
	const uint64_t written = __atomic_load_n(&t->written, __ATOMIC_ACQUIRE);

	while (t->read != written) {
		const struct tap_head *h = (const struct tap_head *)(void *)(t->ring + t->read % TAP_ROOM);
		if (h->len)
			return h;
		__atomic_store_n(&t->read, t->read + TAP_ROOM - t->read % TAP_ROOM,
			__ATOMIC_RELEASE);
	}
	return NULL;
}

void tap_next(struct tap *t)
{
	const struct tap_head *h = (const struct tap_head *)(void *)(t->ring + t->read % TAP_ROOM);

	__atomic_store_n(&t->read, t->read + h->len, __ATOMIC_RELEASE);
}

uint64_t tap_lost(const struct tap *t, unsigned whom)
{
	return __atomic_load_n(&t->lost[whom == TAP_LOG], __ATOMIC_RELAXED);
}
