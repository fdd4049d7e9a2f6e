#include "geo/mmdb_walk.h"

#include "base/bytes.h"

#include <assert.h>

enum {
	V4_DEPTH = 96, /* of IPv4 in a tree of IPv6 */
	DEPTH_MOST = 128,
	SKIP_MOST = 8,
	/* Trees may share branches: of aliases, which we leave out, and of equal nets, which
	 * fold 1.6 nodes into one in the database that comes with this program. More than
	 * this many times the nodes is an attack or a mistake. */
	UNFOLD_MOST = 8,
	UNFOLD_FREE = 1 << 20
};

/* What is still to be visited: records that we passed on the way down. */
struct branch {
	struct u128 first;
	uint32_t record;
	uint8_t depth;
};

struct walk {
	struct mmdb_file *f;
	bool v4;
	unsigned depth_most;
	uint64_t visits; /* how many nodes may still be visited */
	/* Nodes that are not entered, and whether there is one at a depth. */
	struct {
		struct u128 first;
		unsigned depth;
	} skip[SKIP_MOST];
	unsigned n_skip;
	bool skip_at[DEPTH_MOST + 1];
	struct branch stack[DEPTH_MOST]; /* one a level */
	unsigned n;
};

/* Both records of a node, which is one of the tree's. */
static void read_node(const struct mmdb_file *f, uint32_t node, uint32_t child[2])
{
	MMDB_search_node_s both;

	MMDB_read_node(&f->db, node, &both);
	child[0] = (uint32_t)both.left_record;
	child[1] = (uint32_t)both.right_record;
}

static void add_skip(struct walk *w, const struct prefix *p)
{
	assert(w->n_skip < SKIP_MOST);
	w->skip[w->n_skip].first =
		(struct u128){ be64_get(p->addr.b), be64_get(p->addr.b + 8) };
	w->skip[w->n_skip++].depth = p->bits;
	w->skip_at[p->bits] = true;
}

static bool is_skipped(const struct walk *w, struct u128 first, unsigned depth)
{
	for (unsigned i = 0; i < w->n_skip; i++)
		if (w->skip[i].depth == depth && u128_equal(w->skip[i].first, first))
			return true;
	return false;
}

/* The record where the family's own tree starts: IPv4 lies under ::/96. */
static uint32_t find_root(const struct walk *w)
{
	uint32_t child[2] = { 0, 0 };

	if (w->f->v6 && w->v4)
		for (unsigned i = 0; i < V4_DEPTH && child[0] < w->f->nodes; i++)
			read_node(w->f, child[0], child);
	return child[0];
}

/* Down from `b` to the first record that is no node, which `b` becomes; remembers the ways
 * not taken. */
static bool descend(struct walk *w, struct branch *b, struct fault *why)
{
	const struct mmdb_file *f = w->f;
	uint32_t child[2];

	while (b->record < f->nodes) {
		if (w->skip_at[b->depth] && is_skipped(w, b->first, b->depth)) {
			b->record = f->nodes;
			return true;
		}
		if (b->depth == w->depth_most)
			return fault(why,
				"%s: is broken: its tree is deeper than an address is long",
				f->path);
		if (w->visits-- == 0)
			return fault(why,
				"%s: is broken: its tree unfolds to far more than its %u nodes",
				f->path, f->nodes);
		read_node(f, b->record, child);
		const struct u128 half = u128_left((struct u128){ 0, 1 }, 127 - b->depth);
		b->depth++;
		b->record = child[0];
		w->stack[w->n++] = (struct branch){ u128_or(b->first, half), child[1], b->depth };
	}
	return true;
}

bool mmdb_walk(struct mmdb_file *f, bool v6,
	bool (*each)(void *ctx, const struct mmdb_net *net, struct fault *why), void *ctx,
	struct fault *why)
{
	struct walk w = { .f = f,
		.v4 = !v6,
		.depth_most = v6 ? 128 : 32,
		.visits = (uint64_t)f->nodes * UNFOLD_MOST + UNFOLD_FREE };
	struct prefix net = { { { 0 } }, V4_DEPTH };

	if (v6 && !f->v6)
		return true;
	if (v6) {
		add_skip(&w, &net);
		for (unsigned i = 0; addr_embedded_net(i, &net); i++)
			add_skip(&w, &net);
	}
	struct branch b = { U128_ZERO, find_root(&w), 0 };
	for (;;) {
		if (!descend(&w, &b, why))
			return false;
		if (b.record != f->nodes) {
			const uint32_t at = b.record - f->nodes - MMDB_FILE_GAP;
			if (b.record - f->nodes < MMDB_FILE_GAP || at >= f->data.len)
				return fault(why,
					"%s: is broken: its tree leads outside the data",
					f->path);
			if (!each(ctx, &(struct mmdb_net){ b.first, b.depth, at }, why))
				return false;
		}
		if (w.n == 0)
			return true;
		b = w.stack[--w.n];
	}
}
