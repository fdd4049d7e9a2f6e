#include "daemon/handover_notifies.h"

#include "base/bytes.h"
#include "base/fd_pass.h"
#include "base/memory.h"
#include "daemon/handover.h"

#include <string.h>

enum { CHAINS = 8192 };

struct one {
	struct one *next, *newer; /* of its chain; in the order in which they came */
	struct addr from;
	uint8_t name_len, name[];
};

struct handover_notifies {
	struct one *chain[CHAINS];
	struct one *first, *last;
	size_t n;
};

struct handover_notifies *handover_notifies_new(void)
{
	return memory_zeroed(1, sizeof(struct handover_notifies));
}

void handover_notifies_free(struct handover_notifies *n)
{
	if (n)
		handover_notifies_drop(n);
	memory_free(n);
}

static struct one **chain_of(struct handover_notifies *n, const uint8_t *name, size_t len)
{
	static const struct hash_key key = { 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du };

	return &n->chain[hash_bytes(key, name, len) % CHAINS];
}

void handover_notifies_add(struct handover_notifies *n, const uint8_t *name, const struct addr *from)
{
	const size_t len = name_len(name);
	struct one **chain = chain_of(n, name, len);

	for (const struct one *o = *chain; o; o = o->next)
		if (o->name_len == len && memcmp(o->name, name, len) == 0 && memcmp(&o->from, from, sizeof *from) == 0)
			return;
	struct one *o = memory_zeroed(1, sizeof *o + len);
	o->from = *from;
	o->name_len = (uint8_t)len;
	memcpy(o->name, name, len);
	o->next = *chain;
	*chain = o;
	*(n->last ? &n->last->newer : &n->first) = o;
	n->last = o;
	n->n++;
}

static void take_out(struct handover_notifies *n)
{
	struct one *o = n->first, **at = chain_of(n, o->name, o->name_len);

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	n->first = o->newer;
	n->last = n->first ? n->last : NULL;
	n->n--;
	memory_free(o);
}

bool handover_notifies_send(struct handover_notifies *n, int to)
{
	while (n->first) {
		struct handover m = { .version = HANDOVER_VERSION, .word = HANDOVER_NOTIFY };
		m.of.notify.from = n->first->from;
		memcpy(m.of.notify.name, n->first->name, n->first->name_len);
		if (!fd_pass_send(to, &m, sizeof m, NULL, 0))
			return false;
		take_out(n);
	}
	return true;
}

size_t handover_notifies_count(const struct handover_notifies *n)
{
	return n->n;
}

void handover_notifies_drop(struct handover_notifies *n)
{
	while (n->first)
		take_out(n);
}
