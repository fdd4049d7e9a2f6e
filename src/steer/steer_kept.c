#include "steer/steer_kept.h"

#include "base/memory.h"

#include <string.h>

/* Another form of ranks, another order of them, or other estimates are another kind. */
#define KIND "ranks 1"

enum { NETS_LEAST = 100000 };

bool steer_kept_suits(const struct steer *s)
{
	const struct netmap_size size = netmap_size(client_map_netmap(s->clients));
	bool any = false;

	for (unsigned i = 0; i < s->n_pools; i++)
		any = any || s->pools[i].rank;
	return any && !client_map_is_measured(s->clients) && size.v4_ranges + size.v6_ranges >= NETS_LEAST;
}

/* --- writing ------------------------------------------------------------------------------ */

/* All that the pools have, each once; borrowed, but for the arrays. */
static struct rank_kept list_ranks(const struct steer *s)
{
	struct rank_kept k = { memory_zeroed(s->n_pools, sizeof *k.ranks), 0, memory_zeroed(s->n_pools, sizeof *k.fronts), 0 };

	for (unsigned i = 0; i < s->n_pools; i++) {
		const struct pool *p = &s->pools[i];
		bool rank = p->rank, front = p->front;
		for (size_t j = 0; j < k.n && rank; j++)
			rank = k.ranks[j] != p->rank;
		for (size_t j = 0; j < k.n_fronts && front; j++)
			front = k.fronts[j] != p->front;
		if (rank)
			k.ranks[k.n++] = p->rank;
		if (front)
			k.fronts[k.n_fronts++] = p->front;
	}
	return k;
}

static void forget_list(struct rank_kept *k)
{
	memory_free(k->ranks);
	memory_free(k->fronts);
}

/* Of what they are made. */
static bool put_origin(const struct steer_kept *k, const struct client_map *m, struct text *to)
{
	text_add_bytes(to, text_get(k->files), k->files->len);
	return rank_kept_of(m, to) && !to->lost;
}

static bool open_same(const struct steer_kept *k, const struct client_map *m, struct kept_in *in)
{
	struct text want = { 0 };
	const bool same = put_origin(k, m, &want) && kept_open_of(in, k->path, KIND, &want);

	text_fini(&want);
	return same;
}

bool steer_kept_is(const struct steer_kept *k, const struct steer *s)
{
	struct kept_in in;
	uint64_t sum;

	if (!open_same(k, s->clients, &in))
		return false;
	struct rank_kept ranks = list_ranks(s);
	const bool same = kept_get(&in, &sum, sizeof sum) && sum == rank_kept_sum(&ranks);
	forget_list(&ranks);
	kept_close(&in);
	return same;
}

bool steer_kept_write(const struct steer_kept *k, const struct steer *s, struct fault *why)
{
	struct text of = { 0 };
	struct kept_out o;

	const bool ok = put_origin(k, s->clients, &of) && kept_create(&o, k->path, KIND, why);
	if (ok) {
		struct rank_kept ranks = list_ranks(s);
		const uint64_t sum = rank_kept_sum(&ranks);
		kept_put(&o, text_get(&of), of.len);
		kept_put(&o, &sum, sizeof sum);
		rank_kept_put(&o, &ranks);
		forget_list(&ranks);
	}
	text_fini(&of);
	return ok && kept_done(&o, why);
}

/* --- reading ------------------------------------------------------------------------------ */

bool steer_kept_read(const struct steer_kept *k, struct client_map *clients, struct rank_kept *to)
{
	struct kept_in in;
	uint64_t sum;

	if (!open_same(k, clients, &in))
		return false;
	bool ok = kept_get(&in, &sum, sizeof sum) && rank_kept_get(&in, clients, to);
	if (ok && !kept_ended(&in)) {
		rank_kept_fini(to);
		ok = false;
	}
	if (ok)
		kept_close(&in);
	else
		kept_close_harmed(&in, k->path);
	return ok;
}
