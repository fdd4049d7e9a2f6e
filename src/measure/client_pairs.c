#include "measure/client_pairs.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 1 << 18, /* a power of 2, over twice CLIENT_PAIRS_MOST */
	V4_CLIENT = ADDR_V4_BITS + 24,
	V6_CLIENT = 48,
	V6_RESOLVER = 64,
	LOOKS = 16 /* at so many, for one that counts little */
};
#define FADED       0.05 /* with less than that a pair is gone */
#define WEIGHT_MOST 1e9f

static const char head[] = "# written by waymarkd: pairs that were seen, as they count now\n"
			   "resolver,client,weight,server,seen,then\n";

/* Sums of rows that can be taken back: what this server has seen is known by its name only to others, so it is
 * summed up without it, and multiplied by it when it is told. */
struct sums {
	uint64_t own[CLIENT_PAIRS_BUCKETS], others[CLIENT_PAIRS_BUCKETS];
};

struct client_pairs {
	struct hash_key key;
	struct client_pair *of;  /* [n] */
	size_t n, room;
	size_t hand; /* where the next one that counts little is looked for */
	uint32_t *slot; /* [SLOTS] number of a row + 1; 0: free. NULL: a copy, to be written */
	struct sums sums;
};

struct client_pairs *client_pairs_new(struct hash_key key)
{
	struct client_pairs *p = memory_zeroed(1, sizeof *p);

	p->key = key;
	p->slot = memory_zeroed(SLOTS, sizeof *p->slot);
	return p;
}

struct client_pairs *client_pairs_copy(const struct client_pairs *from)
{
	struct client_pairs *p = malloc(sizeof *p);
	struct client_pair *of = malloc((from->n + !from->n) * sizeof *of);

	if (!p || !of) {
		free(p);
		free(of);
		return NULL;
	}
	if (from->n)
		memcpy(of, from->of, from->n * sizeof *of);
	*p = (struct client_pairs){ .key = from->key, .of = of, .n = from->n, .room = from->n };
	return p;
}

void client_pairs_free(struct client_pairs *p)
{
	if (!p)
		return;
	memory_free(p->of);
	memory_free(p->slot);
	memory_free(p);
}

struct prefix client_pairs_resolver(const struct addr *a)
{
	return addr_prefix(a, addr_is_v4(a) ? 128 : V6_RESOLVER);
}

struct prefix client_pairs_client(const struct addr *a)
{
	return addr_prefix(a, addr_is_v4(a) ? V4_CLIENT : V6_CLIENT);
}

size_t client_pairs_count(const struct client_pairs *p)
{
	return p->n;
}

static bool same_net(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

static uint32_t home(const struct client_pairs *p, const struct prefix *resolver, const struct prefix *client)
{
	return (uint32_t)hash_pair(hash_bytes(p->key, resolver->addr.b, 16), hash_bytes(p->key, client->addr.b, 16)) % SLOTS;
}

/* The row's slot, or the free one where it belongs. */
static uint32_t *find(const struct client_pairs *p, const struct client_pair *like)
{
	for (uint32_t at = home(p, &like->resolver, &like->client);; at++) {
		uint32_t *s = &p->slot[at % SLOTS];
		const struct client_pair *x = *s ? &p->of[*s - 1] : NULL;
		if (!x || (x->by == like->by && same_net(&x->resolver, &like->resolver) && same_net(&x->client, &like->client)))
			return s;
	}
}

/* --- sums ---------------------------------------------------------------------------------- */

unsigned client_pairs_bucket(const struct client_pair *row)
{
	static const struct hash_key everywhere = { 31, 32 };

	return (unsigned)(hash_pair(hash_bytes(everywhere, row->resolver.addr.b, 16), hash_bytes(everywhere, row->client.addr.b, 16)) %
		CLIENT_PAIRS_BUCKETS);
}

/* Of all but the server's name. */
static uint64_t sum_of(const struct client_pair *x)
{
	static const struct hash_key everywhere = { 33, 34 };
	uint32_t weight;

	memcpy(&weight, &x->weight, sizeof weight);
	return hash_pair(hash_pair(hash_bytes(everywhere, x->resolver.addr.b, 16), hash_bytes(everywhere, x->client.addr.b, 16)),
		hash_pair((uint64_t)x->resolver.bits << 40 | (uint64_t)x->client.bits << 32 | weight, (uint64_t)x->at_s));
}

/* Odd: no sum is lost by it. */
static uint64_t factor(uint64_t by)
{
	return by << 1 | 1;
}

static void count_row(struct client_pairs *p, const struct client_pair *x, bool comes)
{
	const uint64_t sum = x->by ? sum_of(x) * factor(x->by) : sum_of(x);
	uint64_t *to = &(x->by ? p->sums.others : p->sums.own)[client_pairs_bucket(x)];

	*to += comes ? sum : -sum;
}

uint64_t client_pairs_digest(const struct client_pairs *p, uint64_t self, uint64_t to[static CLIENT_PAIRS_BUCKETS])
{
	uint64_t all = 0;

	for (unsigned i = 0; i < CLIENT_PAIRS_BUCKETS; i++)
		all += to[i] = p->sums.others[i] + p->sums.own[i] * factor(self);
	return all;
}

/* --- rows ---------------------------------------------------------------------------------- */

static double faded(const struct client_pair *x, int64_t now_s)
{
	const double weight = (double)x->weight;

	return now_s > x->at_s ? weight * exp2(-(double)(now_s - x->at_s) / CLIENT_PAIRS_HALF_LIFE_S) : weight;
}

/* What stands behind its slot and could stand there moves up (Knuth's algorithm 6.4R). */
static void drop(struct client_pairs *p, uint32_t i)
{
	const struct client_pair *last = &p->of[p->n - 1];
	uint32_t at = (uint32_t)(find(p, &p->of[i]) - p->slot);

	count_row(p, &p->of[i], false);
	for (uint32_t next = (at + 1) % SLOTS; p->slot[next]; next = (next + 1) % SLOTS) {
		const struct client_pair *x = &p->of[p->slot[next] - 1];
		if ((next - home(p, &x->resolver, &x->client)) % SLOTS < (next - at) % SLOTS)
			continue;
		p->slot[at] = p->slot[next];
		at = next;
	}
	p->slot[at] = 0;
	if (i != p->n - 1) {
		*find(p, last) = i + 1;
		p->of[i] = *last;
	}
	p->n--;
}

/* One of those that count least, about. */
static uint32_t light_one(struct client_pairs *p, int64_t now_s)
{
	size_t least = p->hand % p->n;

	for (unsigned k = 0; k < LOOKS; k++) {
		const size_t i = p->hand++ % p->n;
		if (faded(&p->of[i], now_s) < faded(&p->of[least], now_s))
			least = i;
	}
	return (uint32_t)least;
}

/* Where there is room for it. False: no memory. */
static bool append(struct client_pairs *p, const struct client_pair *x)
{
	if (p->n == p->room) {
		const size_t room = p->room ? 2 * p->room : 256;
		struct client_pair *of = memory_beside(p->of, room * sizeof *of);
		if (!of)
			return false;
		p->of = of;
		p->room = room;
	}
	p->of[p->n++] = *x;
	*find(p, x) = (uint32_t)p->n;
	count_row(p, x, true);
	return true;
}

static void reweigh(struct client_pairs *p, struct client_pair *x, float weight, int64_t at_s)
{
	count_row(p, x, false);
	x->weight = weight < WEIGHT_MOST ? weight : WEIGHT_MOST;
	x->at_s = at_s;
	count_row(p, x, true);
}

static bool add_row(struct client_pairs *p, const struct client_pair *row)
{
	const uint32_t *s = find(p, row);

	if (*s) {
		struct client_pair *x = &p->of[*s - 1];
		reweigh(p, x, (float)(faded(x, row->at_s) + (double)row->weight), row->at_s > x->at_s ? row->at_s : x->at_s);
		return true;
	}
	if (p->n == CLIENT_PAIRS_MOST)
		drop(p, light_one(p, row->at_s));
	return append(p, row);
}

bool client_pairs_add(struct client_pairs *p, const struct prefix *resolver, const struct prefix *client,
	double weight, int64_t at_s)
{
	return add_row(p, &(struct client_pair){ *resolver, *client, 0, (float)weight, at_s });
}

/* --- of other servers ---------------------------------------------------------------------- */

const struct client_pair *client_pairs_get(const struct client_pairs *p, size_t i)
{
	return &p->of[i];
}

const struct client_pair *client_pairs_find(const struct client_pairs *p, const struct client_pair *like)
{
	const uint32_t number = *find(p, like);

	return number ? &p->of[number - 1] : NULL;
}

static bool makes_sense(const struct client_pair *x, int64_t now_s)
{
	return x->weight > 0 && x->weight <= WEIGHT_MOST && x->at_s > 0 && x->at_s <= now_s + CLIENT_PAIRS_AHEAD_S &&
		faded(x, now_s) >= FADED;
}

bool client_pairs_merge(struct client_pairs *p, const struct client_pair *row, int64_t now_s)
{
	if (!makes_sense(row, now_s))
		return false;
	const uint32_t number = *find(p, row);
	struct client_pair *x = number ? &p->of[number - 1] : NULL;
	if (x && (x->at_s != row->at_s ? x->at_s > row->at_s : x->weight >= row->weight))
		return false;
	if (x) {
		reweigh(p, x, row->weight, row->at_s);
		return true;
	}
	if (p->n == CLIENT_PAIRS_MOST) {
		const uint32_t light = light_one(p, now_s);
		if (faded(&p->of[light], now_s) >= faded(row, now_s))
			return false;
		drop(p, light);
	}
	return append(p, row);
}

void client_pairs_sweep(struct client_pairs *p, size_t from, size_t n, int64_t now_s)
{
	/* The last takes the place of who goes. */
	for (size_t i = from + n < p->n ? from + n : p->n; i > from; i--)
		if (faded(&p->of[i - 1], now_s) < FADED)
			drop(p, (uint32_t)(i - 1));
}

bool client_pairs_join(struct client_pairs *p, const struct client_pairs *from, int64_t now_s)
{
	bool ok = true;

	for (size_t i = 0; i < from->n; i++) {
		struct client_pair x = from->of[i];
		const struct client_pair *has = client_pairs_find(p, &x);
		const double more = faded(&x, now_s) - (has ? faded(has, now_s) : 0);
		if (x.by) {
			client_pairs_merge(p, &x, now_s);
			continue;
		}
		if (has) {
			x.weight = (float)more;
			x.at_s = now_s;
		}
		ok = (more <= 0 || add_row(p, &x)) && ok;
	}
	return ok;
}

/* --- to a file, and from there ------------------------------------------------------------- */

struct line {
	struct client_pair row;
	double counts; /* now */
};

static int compare(const void *va, const void *vb)
{
	const struct line *a = va, *b = vb;
	const int by = memcmp(&a->row.resolver.addr, &b->row.resolver.addr, sizeof a->row.resolver.addr);

	return by ? by : (a->counts < b->counts) - (a->counts > b->counts);
}

void client_pairs_write(const struct client_pairs *p, int64_t now_s, struct text *out)
{
	struct line *left = memory_zeroed(p->n, sizeof *left);
	char resolver[ADDR_TEXT], client[ADDR_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		left[n] = (struct line){ p->of[i], faded(&p->of[i], now_s) };
		n += left[n].counts >= FADED;
	}
	if (n)
		qsort(left, n, sizeof *left, compare);
	text_add(out, head);
	for (size_t i = 0; i < n; i++)
		text_addf(out, "%s,%s,%.4f,%llx,%lld,%.9g\n", prefix_text(resolver, &left[i].row.resolver),
			prefix_text(client, &left[i].row.client), left[i].counts, (unsigned long long)left[i].row.by,
			(long long)left[i].row.at_s, (double)left[i].row.weight);
	memory_free(left);
}

enum { FIELDS = 6, LINE_MOST = 512 };

/* Cuts it at its commas. */
static unsigned fields_of(char *line, char *to[static FIELDS])
{
	unsigned n = 0;

	for (char *s = line; s && n < FIELDS; n++) {
		to[n] = s;
		s = strchr(s, ',');
		if (s)
			*s++ = 0;
	}
	return n;
}

static bool read_row(char *line, int64_t written_s, struct client_pair *to)
{
	char *f[FIELDS];
	struct fault none;
	const unsigned n = fields_of(line, f);

	*to = (struct client_pair){ .at_s = written_s };
	if ((n != 3 && n != FIELDS) || !prefix_parse(&to->resolver, f[0], &none) || !prefix_parse(&to->client, f[1], &none))
		return false;
	to->weight = strtof(n == 3 ? f[2] : f[5], NULL);
	if (n == FIELDS) {
		to->by = strtoull(f[3], NULL, 16);
		to->at_s = strtoll(f[4], NULL, 10);
	}
	return makes_sense(to, to->at_s);
}

bool client_pairs_read(struct client_pairs *p, const char *text, int64_t written_s, struct fault *why)
{
	char line[LINE_MOST];
	struct client_pair row;
	unsigned number = 0;

	for (const char *s = text, *end; *s; s = end + 1) {
		end = strchr(s, '\n');
		number++;
		if (!end || (size_t)(end - s) >= sizeof line)
			return fault(why, "line %u has no end", number);
		if (*s == '#' || strncmp(s, "resolver,", strlen("resolver,")) == 0)
			continue;
		memcpy(line, s, (size_t)(end - s));
		line[end - s] = 0;
		if (!read_row(line, written_s, &row))
			return fault(why, "line %u makes no sense", number);
		if (!add_row(p, &row))
			return fault(why, "out of memory");
	}
	return true;
}
