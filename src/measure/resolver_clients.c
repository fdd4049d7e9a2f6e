#include "measure/resolver_clients.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"

#include <stdlib.h>
#include <string.h>

enum {
	BYTES_MOST = 64 << 20,
	ROWS_MOST = 1000000,
	COLUMNS_MOST = 16,
	FIELD_MOST = ADDR_TEXT - 1,
	V4_SAMPLE_BITS = ADDR_V4_BITS + 24,
	V6_SAMPLE_BITS = 48
};
#define WEIGHT_MOST 1e12

enum column { RESOLVER, CLIENT, WEIGHT, OTHER };

struct pair {
	struct prefix resolver;
	struct resolver_client client;
};

struct reading {
	const char *path;
	struct faults *f;
	const struct file *file;
	const char *start; /* of the line */
	unsigned line;
	enum column columns[COLUMNS_MOST];
	unsigned n_columns; /* 0: the header is still to come */
	struct pair *pairs;
	size_t n, room;
};

struct field {
	const char *s;
	size_t len;
};

/* --- a line ------------------------------------------------------------------------------- */

static bool wrong(const struct reading *r, struct field x, const char *say)
{
	const struct fault_at at = { r->path, r->file->text, r->file->text + r->file->len, r->line,
		fault_column(r->start, x.s) };

	return faults_error(r->f, &at, "\"%.*s\" %s",
		(int)(x.len < FIELD_MOST ? x.len : FIELD_MOST), x.s, say);
}

static bool line_is_wrong(const struct reading *r, const char *say)
{
	const struct fault_at at = { r->path, r->file->text, r->file->text + r->file->len, r->line,
		1 };

	return faults_error(r->f, &at, "%s", say);
}

/* The field at `*s`, without blanks around it; `*s` goes on to behind the comma, and is NULL
 * behind the last. */
static struct field next_field(const char **s, const char *end)
{
	const char *from = *s, *to = memchr(from, ',', (size_t)(end - from));

	*s = to ? to + 1 : NULL;
	to = to ? to : end;
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	return (struct field){ from, (size_t)(to - from) };
}

static bool is(struct field x, const char *word)
{
	return strlen(word) == x.len && memcmp(x.s, word, x.len) == 0;
}

static bool read_header(struct reading *r, const char *end)
{
	static const char *const names[] = { "resolver", "client", "weight" };
	const char *s = r->start;
	unsigned seen = 0;

	while (s) {
		const struct field x = next_field(&s, end);
		enum column is_a = RESOLVER;
		while (is_a < OTHER && !is(x, names[is_a]))
			is_a++;
		if (r->n_columns == COLUMNS_MOST)
			return wrong(r, x, "is one column too many (16 are allowed)");
		if (is_a < OTHER && seen & 1u << is_a)
			return wrong(r, x, "is there twice; take one column out");
		seen |= 1u << is_a;
		r->columns[r->n_columns++] = is_a;
	}
	if (seen & 1u << RESOLVER && seen & 1u << CLIENT)
		return true;
	return line_is_wrong(r, "the first line must name the columns: resolver,client[,weight]");
}

static bool read_net(const struct reading *r, struct field x, struct prefix *to)
{
	char text[FIELD_MOST + 1];
	struct fault why;

	if (!x.len || x.len > FIELD_MOST)
		return wrong(r, x, "is no prefix (write 192.0.2.0/24 or 2001:db8::/48)");
	memcpy(text, x.s, x.len);
	text[x.len] = 0;
	if (prefix_parse(to, text, &why))
		return true;
	const struct fault_at at = { r->path, r->file->text, r->file->text + r->file->len, r->line,
		fault_column(r->start, x.s) };
	return faults_error(r->f, &at, "%s", why.text);
}

static bool read_weight(const struct reading *r, struct field x, double *to)
{
	char text[FIELD_MOST + 1], *end;

	if (!x.len)
		return true;
	if (x.len <= FIELD_MOST && strspn(x.s, "0123456789.") >= x.len) {
		memcpy(text, x.s, x.len);
		text[x.len] = 0;
		*to = strtod(text, &end);
		if (!*end && *to > 0 && *to <= WEIGHT_MOST)
			return true;
	}
	return wrong(r, x, "is no weight: a number over 0, up to 1000000000000");
}

static bool keep(struct reading *r, const struct pair *p)
{
	if (r->n == ROWS_MOST)
		return line_is_wrong(r, "this is one row too many: 1000000 are allowed");
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 256;
		r->pairs = memory_grow(r->pairs, r->room * sizeof *r->pairs);
	}
	r->pairs[r->n++] = *p;
	return true;
}

static bool read_row(struct reading *r, const char *end)
{
	struct pair p = { .client.weight = 1 };
	const char *s = r->start;
	struct field x = { s, 0 };

	for (unsigned i = 0; i < r->n_columns; i++) {
		if (!s)
			return wrong(r, x, "is the last of too few values for the columns");
		x = next_field(&s, end);
		if (r->columns[i] == RESOLVER && !read_net(r, x, &p.resolver))
			return false;
		if (r->columns[i] == CLIENT && !read_net(r, x, &p.client.net))
			return false;
		if (r->columns[i] == WEIGHT && !read_weight(r, x, &p.client.weight))
			return false;
	}
	if (s)
		return wrong(r, next_field(&s, end), "is one value more than there are columns");
	return keep(r, &p);
}

static bool read_line(struct reading *r, const char *end)
{
	if (end > r->start && end[-1] == '\r')
		end--;
	if (memchr(r->start, 0, (size_t)(end - r->start)))
		return line_is_wrong(r, "a zero byte; this is no text");
	const char *s = r->start + strspn(r->start, " \t");
	if (s >= end || *s == '#')
		return true;
	return r->n_columns ? read_row(r, end) : read_header(r, end);
}

static bool read_all(struct reading *r)
{
	const char *s = r->file->text, *end = s + r->file->len;
	bool ok = true;

	while (s < end && !faults_full(r->f)) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		r->line++;
		r->start = s;
		if (!nl)
			return line_is_wrong(r,
				"the last line has no end; is the file cut short, or still written?");
		const bool headed = r->n_columns > 0;
		ok = read_line(r, nl) && ok;
		/* Without columns no row makes sense, and what is too much stays so. */
		if (!ok && (!headed || r->n == ROWS_MOST))
			return false;
		s = nl + 1;
	}
	if (!r->n_columns && ok)
		return faults_error(r->f, &(struct fault_at){ .path = r->path },
			"is empty; its first line must be resolver,client,weight");
	return ok;
}

/* --- the table ---------------------------------------------------------------------------- */

static int compare_nets(const struct prefix *a, const struct prefix *b)
{
	const int by = memcmp(a->addr.b, b->addr.b, sizeof a->addr.b);

	return by ? by : (a->bits > b->bits) - (a->bits < b->bits);
}

static int compare_pairs(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;
	const int by = compare_nets(&a->resolver, &b->resolver);

	return by ? by : compare_nets(&a->client.net, &b->client.net);
}

static uint64_t sign(const struct resolver_clients *r)
{
	static const struct hash_key key = { 0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu };
	uint64_t sum = hash_mix(r->n, HASH_STEP);

	for (uint32_t i = 0; i < r->n; i++) {
		sum = hash_mix(sum ^ hash_bytes(key, r->of[i].net.addr.b, 16),
			r->of[i].net.bits + key.k1);
		for (uint32_t k = r->of[i].first; k < r->of[i].first + r->of[i].n; k++) {
			uint64_t weight;
			memcpy(&weight, &r->client[k].weight, sizeof weight);
			sum = hash_mix(sum ^ hash_bytes(key, r->client[k].net.addr.b, 16),
				hash_mix(weight, r->client[k].net.bits + key.k1));
		}
	}
	return sum;
}

/* Pairs that are there twice count together. */
static void add_pair(struct resolver_clients *t, const struct pair *p)
{
	if (!t->n || compare_nets(&t->of[t->n - 1].net, &p->resolver))
		t->of[t->n++] = (struct resolver){ .net = p->resolver, .first = t->n_clients };
	struct resolver *to = &t->of[t->n - 1];
	to->weight += p->client.weight;
	if (to->n && !compare_nets(&t->client[t->n_clients - 1].net, &p->client.net)) {
		t->client[t->n_clients - 1].weight += p->client.weight;
		return;
	}
	t->client[t->n_clients++] = p->client;
	to->n++;
}

static struct netmap *map_of(const struct resolver_clients *t)
{
	struct netmap_net *nets = memory_zeroed(t->n, sizeof *nets);

	for (uint32_t i = 0; i < t->n; i++)
		nets[i] = (struct netmap_net){ t->of[i].net, i + 1 };
	struct netmap *map = netmap_from_nets(nets, t->n);
	memory_free(nets);
	return map;
}

static void free_table(struct part *p)
{
	struct resolver_clients *r = (struct resolver_clients *)p; /* its first member */

	netmap_drop(r->map);
	memory_free(r->of);
	memory_free(r->client);
	memory_free(r);
}

/* Sorts them. */
static struct resolver_clients *make(struct pair *pairs, size_t n)
{
	struct resolver_clients *t = memory_zeroed(1, sizeof *t);

	t->part = part_new(free_table);
	t->of = memory_zeroed(n, sizeof *t->of);
	t->client = memory_zeroed(n, sizeof *t->client);
	if (n) /* else it is NULL */
		qsort(pairs, n, sizeof *pairs, compare_pairs);
	for (size_t i = 0; i < n; i++)
		add_pair(t, &pairs[i]);
	t->map = map_of(t);
	t->signature = sign(t);
	scope_hold(t, part_undo);
	return t;
}

struct resolver_clients *resolver_clients_read(const char *path, struct faults *f)
{
	struct reading r = { .path = path, .f = f };
	struct resolver_clients *t = NULL;
	struct file file;
	struct fault why;

	if (!file_read(&file, path, BYTES_MOST, &why)) {
		faults_take(f, &why);
		return NULL;
	}
	scope_hold(&file, file_let_go);
	r.file = &file;
	if (read_all(&r))
		t = make(r.pairs, r.n);
	memory_free(r.pairs);
	scope_forget(&file, file_let_go);
	file_free(&file);
	return t;
}

void resolver_clients_drop(struct resolver_clients *r)
{
	part_drop(r ? &r->part : NULL);
}

const struct resolver *resolver_clients_find(
	const struct resolver_clients *r, const struct addr *a)
{
	const uint32_t number = r ? netmap_find(r->map, a).value : 0;

	return number && number <= r->n ? &r->of[number - 1] : NULL;
}

static size_t take_pairs(struct pair *to, const struct resolver_clients *from, const struct resolver *one)
{
	for (uint32_t k = 0; k < one->n; k++)
		to[k] = (struct pair){ one->net, from->client[one->first + k] };
	return one->n;
}

struct resolver_clients *resolver_clients_with(
	const struct resolver_clients *told, const struct resolver_clients *learned, double least)
{
	struct pair *pairs = memory_zeroed((told ? told->n_clients : 0) + (learned ? learned->n_clients : 0), sizeof *pairs);
	struct resolver_clients *t = NULL;
	size_t n = 0;

	for (uint32_t i = 0; told && i < told->n; i++)
		n += take_pairs(pairs + n, told, &told->of[i]);
	for (uint32_t i = 0; learned && i < learned->n; i++)
		if (learned->of[i].weight >= least && !resolver_clients_find(told, &learned->of[i].net.addr))
			n += take_pairs(pairs + n, learned, &learned->of[i]);
	if (n)
		t = make(pairs, n);
	memory_free(pairs);
	return t;
}

unsigned resolver_client_samples(const struct prefix *net)
{
	const unsigned whole = addr_is_v4(&net->addr) && net->bits >= ADDR_V4_BITS
		? V4_SAMPLE_BITS
		: V6_SAMPLE_BITS;
	unsigned n = 1;

	for (unsigned bits = net->bits; bits < whole && n < RESOLVER_SAMPLES_MOST; bits++)
		n *= 2;
	return n;
}

/* The bits behind the prefix count up. */
struct addr resolver_client_sample(const struct prefix *net, unsigned i)
{
	struct addr a = net->addr;
	unsigned bits = 0;

	for (unsigned n = resolver_client_samples(net); n > 1; n /= 2)
		bits++;
	for (unsigned b = 0; b < bits; b++)
		if (i >> (bits - 1 - b) & 1)
			a.b[(net->bits + b) / 8] |= (uint8_t)(0x80 >> (net->bits + b) % 8);
	return a;
}

void resolver_clients_write(const struct resolver_clients *r, struct text *out)
{
	char net[ADDR_TEXT], client[ADDR_TEXT];

	text_add(out, "resolver,client,weight\n");
	for (uint32_t i = 0; r && i < r->n; i++)
		for (uint32_t k = r->of[i].first; k < r->of[i].first + r->of[i].n; k++)
			text_addf(out, "%s,%s,%.6f\n", prefix_text(net, &r->of[i].net),
				prefix_text(client, &r->client[k].net), r->client[k].weight);
}
