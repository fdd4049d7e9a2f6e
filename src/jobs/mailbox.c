#include "jobs/mailbox.h"

#include "base/memory.h"

#include <assert.h>
#include <ev.h>
#include <string.h>

enum { AT_ONCE = 256 }; /* items that are taken within one turn of the loop */

/* The bounded queue of D. Vyukov: a slot's number says whose turn it is. Equal to a place in the
 * queue: that item may be put there; one more: it may be taken. */
struct slot {
	uint64_t turn; /* atomic */
	unsigned char item[];
};

struct mailbox {
	struct mailbox_opts opts;
	ev_async news;
	size_t stride;
	unsigned char *slots;
	uint64_t put;  /* atomic: the next place to be filled */
	uint64_t got;  /* the loop's: the next to be taken */
	uint64_t lost; /* atomic */
};

static struct slot *slot_at(const struct mailbox *m, uint64_t place)
{
	return (struct slot *)(void *)(m->slots + (place & (m->opts.room - 1)) * m->stride);
}

bool mailbox_post(struct mailbox *m, const void *item)
{
	uint64_t place = __atomic_load_n(&m->put, __ATOMIC_RELAXED);

	for (;;) {
		struct slot *s = slot_at(m, place);
		const uint64_t turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
		if (turn == place) {
			if (!__atomic_compare_exchange_n(&m->put, &place, place + 1, true,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
				continue;
			memcpy(s->item, item, m->opts.item);
			__atomic_store_n(&s->turn, place + 1, __ATOMIC_RELEASE);
			ev_async_send(m->opts.loop, &m->news);
			return true;
		}
		if (turn < place) {
			__atomic_add_fetch(&m->lost, 1, __ATOMIC_RELAXED);
			return false;
		}
		place = __atomic_load_n(&m->put, __ATOMIC_RELAXED);
	}
}

static void on_news(struct ev_loop *loop, ev_async *a, int events)
{
	struct mailbox *m = a->data;
	unsigned n = 0;

	(void)loop;
	(void)events;
	for (; n < AT_ONCE; n++) {
		struct slot *s = slot_at(m, m->got);
		if (__atomic_load_n(&s->turn, __ATOMIC_ACQUIRE) != m->got + 1)
			return;
		m->opts.take(m->opts.ctx, s->item);
		__atomic_store_n(&s->turn, m->got + m->opts.room, __ATOMIC_RELEASE);
		m->got++;
	}
	ev_async_send(m->opts.loop, &m->news); /* the rest in another turn */
}

struct mailbox *mailbox_new(const struct mailbox_opts *opts)
{
	struct mailbox *m = memory_zeroed(1, sizeof *m);

	assert(opts->room > 1 && (opts->room & (opts->room - 1)) == 0); /* of one place it could not be told whether it is taken */
	m->opts = *opts;
	m->stride = (sizeof(struct slot) + opts->item + 7) & ~(size_t)7;
	m->slots = memory_zeroed(opts->room, m->stride);
	for (uint64_t i = 0; i < opts->room; i++)
		slot_at(m, i)->turn = i;
	ev_async_init(&m->news, on_news);
	m->news.data = m;
	ev_async_start(opts->loop, &m->news);
	return m;
}

void mailbox_free(struct mailbox *m)
{
	ev_async_stop(m->opts.loop, &m->news);
	memory_free(m->slots);
	memory_free(m);
}

uint64_t mailbox_lost(const struct mailbox *m)
{
	return __atomic_load_n(&m->lost, __ATOMIC_RELAXED);
}
