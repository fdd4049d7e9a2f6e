#include "tools/agent_loss.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "tools/agent_tally.h"

#include <sodium.h>
#include <string.h>

enum { SLOTS_FIRST = 1024, BUCKETS = 1 << 13 };

/* What a connection had counted when it was last seen. */
struct counted {
	uint64_t cookie; /* 0: a free slot */
	uint32_t sent, lost;
};

/* By cookie, at most half full. */
struct connections {
	struct counted *slot; /* [slots] own; slots is a power of 2 */
	size_t slots, n;
};

struct net {
	struct prefix net;
	uint64_t sent;
	int64_t lost; /* below 0 where more came twice than was sent again since */
	double first_s, last_s;
	uint32_t next; /* of its bucket, + 1 */
};

struct agent_loss {
	struct hash_key key;
	struct connections before, now; /* the look before, and the one that is under way */
	bool looked;                    /* once at least */
	struct net *nets;               /* [n] own */
	size_t n, room, enough;
	uint32_t bucket[BUCKETS];
};

struct agent_loss *agent_loss_new(void)
{
	struct agent_loss *l = memory_zeroed(1, sizeof *l);

	randombytes_buf(&l->key, sizeof l->key);
	return l;
}

void agent_loss_free(struct agent_loss *l)
{
	if (!l)
		return;
	memory_free(l->before.slot);
	memory_free(l->now.slot);
	memory_free(l->nets);
	memory_free(l);
}

/* --- connections -------------------------------------------------------------------------- */

/* Its slot, or the free one where it belongs. Cookies are the kernel's own, so that nobody can choose them. */
static struct counted *slot_of(const struct connections *c, uint64_t cookie)
{
	size_t at = (size_t)(cookie * 0x9e3779b97f4a7c15u >> 32);

	for (at &= c->slots - 1; c->slot[at].cookie && c->slot[at].cookie != cookie;)
		at = (at + 1) & (c->slots - 1);
	return &c->slot[at];
}

static void grow(struct connections *c)
{
	struct connections more = { .slots = c->slots ? 2 * c->slots : SLOTS_FIRST, .n = c->n };

	more.slot = memory_zeroed(more.slots, sizeof *more.slot);
	for (size_t i = 0; i < c->slots; i++)
		if (c->slot[i].cookie)
			*slot_of(&more, c->slot[i].cookie) = c->slot[i];
	memory_free(c->slot);
	*c = more;
}

/* False: it is there already, or there is no room for it. */
static bool remember(struct connections *c, const struct counted *what)
{
	if (c->n == AGENT_LOSS_CONNECTIONS_MOST)
		return false;
	if (2 * (c->n + 1) > c->slots)
		grow(c);
	struct counted *s = slot_of(c, what->cookie);
	if (s->cookie)
		return false;
	*s = *what;
	c->n++;
	return true;
}

void agent_loss_looked(struct agent_loss *l, bool whole)
{
	if (whole) {
		memory_free(l->before.slot);
		l->before = l->now;
		l->looked = true;
	} else {
		memory_free(l->now.slot);
	}
	l->now = (struct connections){ 0 };
}

/* --- networks ----------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct agent_loss *l, const struct prefix *net)
{
	return &l->bucket[hash_bytes(l->key, net->addr.b, sizeof net->addr.b) % BUCKETS];
}

static struct net *net_of(struct agent_loss *l, const struct prefix *net, double now_s)
{
	uint32_t *b = bucket_of(l, net);

	for (uint32_t i = *b; i; i = l->nets[i - 1].next)
		if (l->nets[i - 1].net.bits == net->bits && memcmp(&l->nets[i - 1].net.addr, &net->addr, sizeof net->addr) == 0)
			return &l->nets[i - 1];
	if (l->n == AGENT_LOSS_NETS_MOST)
		return NULL;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->nets = memory_grow(l->nets, l->room * sizeof *l->nets);
	}
	l->nets[l->n] = (struct net){ .net = *net, .first_s = now_s, .next = *b };
	*b = (uint32_t)++l->n;
	return &l->nets[l->n - 1];
}

void agent_loss_seen(struct agent_loss *l, const struct diag_connection *c, double now_s)
{
	const struct counted now = { c->cookie, c->sent, c->lost };
	struct counted was = { 0 };

	if (!c->cookie || !remember(&l->now, &now) || !l->looked)
		return;
	if (l->before.slots)
		was = *slot_of(&l->before, c->cookie);
	const uint32_t sent = now.sent - was.sent;
	const int32_t lost = (int32_t)(now.lost - was.lost);
	if (!sent && !lost)
		return;
	const struct prefix net = tally_net(&c->peer);
	struct net *to = net_of(l, &net, now_s);
	if (!to)
		return;
	const bool had = to->sent >= AGENT_LOSS_PACKETS_LEAST;
	to->sent += sent;
	to->lost += lost;
	to->last_s = now_s;
	l->enough += !had && to->sent >= AGENT_LOSS_PACKETS_LEAST;
}

size_t agent_loss_count(const struct agent_loss *l)
{
	return l->enough;
}

/* --- rows --------------------------------------------------------------------------------- */

static struct agent_report_row row_of(const struct net *n, double now_s)
{
	const double lost = n->lost > 0 ? (double)n->lost : 0, all = (double)n->sent,
		     share = lost < all ? LATENCY_LOSS_MOST_MS * lost / all : LATENCY_LOSS_MOST_MS;

	return (struct agent_report_row){ .net = n->net,
		.kind = LATENCY_LOSS,
		.rtt_ms = share,
		.min_ms = share,
		.samples = n->sent < AGENT_REPORT_SAMPLES_MOST ? (uint32_t)n->sent : AGENT_REPORT_SAMPLES_MOST,
		.age_s = now_s > n->last_s ? (uint32_t)(now_s - n->last_s) : 0 };
}

/* What is left is found anew. */
static void keep(struct agent_loss *l, const struct net *n)
{
	uint32_t *b = bucket_of(l, &n->net);
	struct net *to = &l->nets[l->n++];

	*to = *n;
	to->next = *b;
	*b = (uint32_t)l->n;
}

void agent_loss_take(struct agent_loss *l, struct agent_report *s, double now_s)
{
	const size_t n = l->n;

	*s = (struct agent_report){ .rows = memory_zeroed(l->enough < TALLY_TAKEN ? l->enough : TALLY_TAKEN, sizeof *s->rows) };
	memset(l->bucket, 0, sizeof l->bucket);
	l->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct net one = l->nets[i];
		if (one.sent >= AGENT_LOSS_PACKETS_LEAST && s->n < TALLY_TAKEN)
			s->rows[s->n++] = row_of(&one, now_s);
		else if (one.sent >= AGENT_LOSS_PACKETS_LEAST || now_s - one.first_s < AGENT_LOSS_KEPT_S)
			keep(l, &one);
	}
	l->enough -= s->n;
}
