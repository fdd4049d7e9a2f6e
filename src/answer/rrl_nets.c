#include "answer/rrl_nets.h"

#include <stddef.h>

static void limited_again(struct rrl_nets_place *p, uint64_t now_us)
{
	__atomic_store_n(&p->of.last_us, now_us, __ATOMIC_RELAXED);
	__atomic_add_fetch(&p->of.count, 1, __ATOMIC_RELAXED);
}

static void fill(struct rrl_nets_place *p, const struct rrl_net *net)
{
	p->of.net = net->net;
	p->of.class = net->class;
	p->of.factor = net->factor;
	p->of.first_us = net->last_us;
	__atomic_store_n(&p->of.last_us, net->last_us, __ATOMIC_RELAXED);
	__atomic_store_n(&p->of.count, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&p->ready, true, __ATOMIC_RELEASE);
}

void rrl_nets_note(struct rrl_nets *t, uint64_t tag, const struct rrl_net *net)
{
	struct rrl_nets_place
		*set = &t->place[(tag >> 1) % (RRL_NETS / RRL_NETS_WAYS) * RRL_NETS_WAYS];

	for (unsigned i = 0; i < RRL_NETS_WAYS; i++)
		if (__atomic_load_n(&set[i].tag, __ATOMIC_RELAXED) == tag) {
			if (__atomic_load_n(&set[i].ready, __ATOMIC_ACQUIRE))
				limited_again(&set[i], net->last_us);
			return;
		}
	for (unsigned i = 0; i < RRL_NETS_WAYS; i++) {
		uint64_t none = 0;
		if (__atomic_compare_exchange_n(&set[i].tag, &none, tag, false,
			    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			fill(&set[i], net);
			return;
		}
	}
	__atomic_add_fetch(&t->lost, 1, __ATOMIC_RELAXED);
}

bool rrl_nets_get(const struct rrl_nets *t, unsigned i, struct rrl_net *to)
{
	const struct rrl_nets_place *p = &t->place[i];

	if (!__atomic_load_n(&p->ready, __ATOMIC_ACQUIRE))
		return false;
	to->net = p->of.net;
	to->class = p->of.class;
	to->factor = p->of.factor;
	to->first_us = p->of.first_us;
	to->last_us = __atomic_load_n(&p->of.last_us, __ATOMIC_RELAXED);
	to->count = __atomic_load_n(&p->of.count, __ATOMIC_RELAXED);
	return true;
}

void rrl_nets_free_place(struct rrl_nets *t, unsigned i)
{
	__atomic_store_n(&t->place[i].ready, false, __ATOMIC_RELAXED);
	__atomic_store_n(&t->place[i].tag, 0, __ATOMIC_RELEASE);
}
