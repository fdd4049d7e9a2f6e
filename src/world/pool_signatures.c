#include "world/pool_signatures.h"

#include "base/memory.h"
#include "dns/rrtype.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Entries begin at cache lines of their own: a signature of today's algorithms has three. */
enum { SLOTS_LEAST = 1024, CHUNK = 1 << 20, CHUNK_FIRST = 1 << 16, LINE = 64, RR_FIXED = 12, OWNER_AT = 12 };

/* What is known under a key. Does not change once it is in a slot. */
struct entry {
	struct entry *before; /* the one that was put before it, of any key */
	uint64_t key, generation;
	uint32_t renew_s, end_s;
	bool mark, wanted;
	_Alignas(8) uint8_t rrset[]; /* struct zone_rrset; none of a mark */
};

/* At most half of them are in use. */
struct slots {
	struct slots *smaller; /* that this took the place of: a reader may still be in it */
	size_t n;              /* a power of 2 */
	struct slot {
		uint64_t key;        /* written before the entry is */
		struct entry *entry; /* atomic; NULL: free */
	} of[];
};

struct chunk {
	struct chunk *next;
	unsigned char *all; /* as it was allocated */
	size_t used, room;
	_Alignas(LINE) uint8_t bytes[];
};

struct pool_signatures {
	struct part part;
	struct hash_key key;
	pool_signatures_ask *ask;
	void *ask_ctx;
	struct slots *slots;   /* atomic */
	bool any;              /* atomic: some zone has been marked */
	pthread_mutex_t lock;  /* of writers, for all that follows */
	struct entry *last;    /* that was put */
	struct chunk *chunks;
	size_t used;           /* slots */
	struct pool_signatures_counts counts;
};

static void let_go(struct part *p)
{
	struct pool_signatures *s = (struct pool_signatures *)p;

	for (struct slots *t = s->slots, *smaller; t; t = smaller) {
		smaller = t->smaller;
		free(t);
	}
	for (struct chunk *c = s->chunks, *next; c; c = next) {
		next = c->next;
		free(c->all);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Of no scope: it outlives whatever work has added to it. */
static void *zeroed(size_t len)
{
	void *p = memory_beside(NULL, len);

	return p ? memset(p, 0, len) : NULL;
}

static struct slots *slots_new(size_t n)
{
	struct slots *t = zeroed(sizeof *t + n * sizeof *t->of);

	if (t)
		t->n = n;
	return t;
}

struct pool_signatures *pool_signatures_new(
	struct hash_key key, pool_signatures_ask *ask, void *ctx)
{
	struct pool_signatures *s = zeroed(sizeof *s);

	if (!s)
		return NULL;
	s->slots = slots_new(SLOTS_LEAST);
	if (!s->slots) {
		free(s);
		return NULL;
	}
	s->part = part_new(let_go);
	s->key = key;
	s->ask = ask;
	s->ask_ctx = ctx;
	s->counts.bytes = sizeof *s + sizeof *s->slots + SLOTS_LEAST * sizeof *s->slots->of;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

struct pool_signatures *pool_signatures_hold(struct pool_signatures *s)
{
	part_hold(s ? &s->part : NULL);
	return s;
}

void pool_signatures_drop(struct pool_signatures *s)
{
	part_drop(s ? &s->part : NULL);
}

uint64_t pool_signatures_owner(
	const struct pool_signatures *s, const struct zone *z, const struct zone_node *n)
{
	return hash_pair(hash_bytes(s->key, n->name, n->name_len), z->apex_hash);
}

/* --- finding ------------------------------------------------------------------------------ */

static const struct entry *find(const struct pool_signatures *s, uint64_t key)
{
	const struct slots *t = __atomic_load_n(&s->slots, __ATOMIC_ACQUIRE);

	for (size_t i = (size_t)(key >> 8) & (t->n - 1);; i = (i + 1) & (t->n - 1)) {
		const struct entry *e = __atomic_load_n(&t->of[i].entry, __ATOMIC_ACQUIRE);
		if (!e || t->of[i].key == key)
			return e;
	}
}

/* RFC 1982: seconds go round. */
static bool is_before(uint32_t a_s, uint32_t b_s)
{
	return (int32_t)(a_s - b_s) < 0;
}

const struct zone_rrset *pool_signatures_find(
	const struct pool_signatures *s, uint64_t key, uint32_t now_s)
{
	const struct entry *e = find(s, key);

	return e && !e->mark && is_before(now_s, e->end_s)
		? (const struct zone_rrset *)(const void *)e->rrset
		: NULL;
}

void pool_signatures_fetch_slot(const struct pool_signatures *s, uint64_t key)
{
	const struct slots *t = __atomic_load_n(&s->slots, __ATOMIC_ACQUIRE);

	__builtin_prefetch(&t->of[key >> 8 & (t->n - 1)]);
}

void pool_signatures_fetch(const struct pool_signatures *s, uint64_t key)
{
	const uint8_t *e = (const uint8_t *)find(s, key);

	for (unsigned at = 0; e && at < 3 * LINE; at += LINE)
		__builtin_prefetch(e + at);
}

bool pool_signatures_any(const struct pool_signatures *s)
{
	return __atomic_load_n(&s->any, __ATOMIC_RELAXED);
}

static uint64_t mark_of(const struct pool_signatures *s, const struct zone *z)
{
	return hash_pair(z->apex_hash, s->key.k1) | 1;
}

bool pool_signatures_signs(const struct pool_signatures *s, const struct zone *z)
{
	const struct entry *e = find(s, mark_of(s, z));

	return e && e->mark && e->end_s;
}

bool pool_signatures_want(const struct pool_signatures *s, const struct pool_unsigned *ask)
{
	return s->ask && s->ask(s->ask_ctx, ask);
}

/* --- putting: with the lock --------------------------------------------------------------- */

static void *take(struct pool_signatures *s, size_t len)
{
	struct chunk *c = s->chunks;

	len = (len + LINE - 1) & ~(size_t)(LINE - 1);
	if (!c || c->room - c->used < len) {
		const size_t usual = c ? CHUNK : CHUNK_FIRST, room = len > usual ? len : usual;
		unsigned char *all = memory_beside(NULL, sizeof *c + room + LINE);
		if (!all)
			return NULL;
		c = (struct chunk *)(void *)(((uintptr_t)all + LINE - 1) & ~(uintptr_t)(LINE - 1));
		c->all = all;
		c->next = s->chunks;
		c->used = 0;
		c->room = room;
		s->chunks = c;
		s->counts.bytes += sizeof *c + room + LINE;
	}
	void *p = c->bytes + c->used;
	c->used += len;
	return p;
}

static struct slot *slot_of(struct slots *t, uint64_t key)
{
	size_t i = (size_t)(key >> 8) & (t->n - 1);

	while (t->of[i].entry && t->of[i].key != key)
		i = (i + 1) & (t->n - 1);
	return &t->of[i];
}

/* Readers go on in the smaller one, which has what they look for as it was. */
static bool grow(struct pool_signatures *s)
{
	struct slots *old = s->slots, *t = slots_new(2 * old->n);

	if (!t)
		return false;
	for (size_t i = 0; i < old->n; i++)
		if (old->of[i].entry)
			*slot_of(t, old->of[i].key) = old->of[i];
	t->smaller = old;
	s->counts.bytes += sizeof *t + t->n * sizeof *t->of;
	__atomic_store_n(&s->slots, t, __ATOMIC_RELEASE);
	return true;
}

static void count(struct pool_signatures *s, const struct entry *e, bool more)
{
	size_t *n = e->wanted ? &s->counts.wanted : &s->counts.ahead;

	if (!e->mark)
		*n += more ? 1 : (size_t)-1;
}

static bool put(struct pool_signatures *s, struct entry *e)
{
	if (2 * (s->used + 1) > s->slots->n && !grow(s))
		return false;
	struct slot *at = slot_of(s->slots, e->key);
	if (at->entry) {
		count(s, at->entry, false);
		s->counts.replaced++;
	} else {
		at->key = e->key;
		s->used++;
	}
	count(s, e, true);
	e->before = s->last;
	s->last = e;
	__atomic_store_n(&at->entry, e, __ATOMIC_RELEASE);
	return true;
}

/* --- putting ------------------------------------------------------------------------------ */

static void fill(struct zone_rrset *to, const struct pool_signed *set)
{
	uint8_t *p = to->wire;

	*to = (struct zone_rrset){ .type = RRTYPE_RRSIG,
		.aux = set->covers,
		.count = (uint16_t)set->n };
	for (size_t i = 0; i < set->n; i++) {
		be16_put(p, 0xc000u | OWNER_AT);
		be16_put(p + 2, RRTYPE_RRSIG);
		be16_put(p + 4, RRCLASS_IN);
		be32_put(p + 6, set->ttl_s);
		be16_put(p + 10, (unsigned)set->len[i]);
		memcpy(p + RR_FIXED, set->rdata[i], set->len[i]);
		p += RR_FIXED + set->len[i];
	}
	to->len = (uint16_t)(p - to->wire);
}

bool pool_signatures_put(struct pool_signatures *s, uint64_t key, const struct pool_signed *set)
{
	size_t len = 0;
	bool ok = false;

	for (size_t i = 0; i < set->n; i++)
		len += RR_FIXED + set->len[i];
	if (len > POOL_SIGNATURES_BYTES_MOST)
		return false;
	pthread_mutex_lock(&s->lock);
	struct entry *e = take(s, sizeof *e + sizeof(struct zone_rrset) + len);
	if (e) {
		*e = (struct entry){ .key = key,
			.generation = set->generation,
			.renew_s = set->renew_s,
			.end_s = set->end_s,
			.wanted = set->wanted };
		fill((struct zone_rrset *)(void *)e->rrset, set);
		ok = put(s, e);
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool pool_signatures_mark(struct pool_signatures *s, const struct zone *z, bool signs)
{
	const uint64_t key = mark_of(s, z);
	bool ok = false;

	pthread_mutex_lock(&s->lock);
	const struct entry *now = find(s, key);
	if (now ? (now->end_s != 0) == signs : !signs) {
		ok = true;
	} else {
		struct entry *e = take(s, sizeof *e);
		if (e) {
			*e = (struct entry){ .key = key, .mark = true, .end_s = signs };
			ok = put(s, e);
			__atomic_store_n(&s->any, true, __ATOMIC_RELAXED);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool pool_signatures_has(
	struct pool_signatures *s, uint64_t key, uint64_t generation, uint32_t now_s)
{
	const struct entry *e = find(s, key);

	return e && e->generation == generation && is_before(now_s, e->renew_s);
}

/* --- as a whole --------------------------------------------------------------------------- */

static bool copy(struct pool_signatures *to, const struct entry *e)
{
	const struct zone_rrset *set = (const struct zone_rrset *)(const void *)e->rrset;
	const size_t len = sizeof *e + (e->mark ? 0 : sizeof *set + set->len);
	struct entry *own = take(to, len);

	if (!own)
		return false;
	memcpy(own, e, len);
	to->any = to->any || e->mark;
	return put(to, own);
}

/* The newest of what was wanted stays. */
struct pool_signatures *pool_signatures_tidy(
	struct pool_signatures *s, size_t wanted_most, uint32_t now_s)
{
	struct pool_signatures *to = pool_signatures_new(s->key, s->ask, s->ask_ctx);
	bool ok = to != NULL;

	/* What is there does not change: who puts more meanwhile, or counts, need not wait. */
	pthread_mutex_lock(&s->lock);
	const struct entry *last = s->last;
	pthread_mutex_unlock(&s->lock);
	for (const struct entry *e = last; e && ok; e = e->before) {
		if (find(s, e->key) != e || (!e->mark && !is_before(now_s, e->end_s)) ||
			(e->mark && !e->end_s) || (e->wanted && !wanted_most))
			continue;
		wanted_most -= e->wanted;
		ok = copy(to, e);
	}
	if (ok)
		return to;
	pool_signatures_drop(to);
	return NULL;
}

struct pool_signatures_counts pool_signatures_counts(struct pool_signatures *s)
{
	pthread_mutex_lock(&s->lock);
	const struct pool_signatures_counts c = s->counts;
	pthread_mutex_unlock(&s->lock);
	return c;
}
