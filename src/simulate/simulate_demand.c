#include "simulate/simulate_demand.h"

#include "answer/answer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "dns/rrtype.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST (UINT64_C(64) << 30) /* a log of queries may be large */

enum { WORDS_MOST = 3, NAMES = 1 << 14, WORD_MOST = 1100 };

/* What a name was found to be, so that a log's many lines of one name are looked up once. */
struct known_name {
	char *name;
	int pool;               /* -1: it is not steered */
	const uint8_t *steered; /* the name that a zone hands to the pool: where aliases lead */
	const char *edge;       /* what it says of itself alone: see simulate_client */
	uint8_t answers;
};

struct lines {
	struct simulate_demand *d;
	const char *path;
	struct faults *f;
	const struct world *world;
	unsigned number;
	char *line;
	struct numbers pools;     /* of the demand, by name */
	struct known_name *names; /* [NAMES] by hash; the later of two takes the place */
	bool views; /* who asks matters to where a name leads: each line is looked up */
};

/* Where in the line `at` is; NULL: the line. Always false. */
__attribute__((format(printf, 3, 4))) static bool wrong(
	const struct lines *l, const char *at, const char *fmt, ...)
{
	const struct fault_at place = { l->path, l->line, NULL, l->number,
		at ? fault_column(l->line, at) : 1 };
	char say[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(say, sizeof say, fmt, ap);
	va_end(ap);
	return faults_error(l->f, &place, "%s", say);
}

static void take(struct simulate_demand *d, const struct simulate_client *c)
{
	if (d->n == d->room) {
		d->room = d->room ? 2 * d->room : 1024;
		d->clients = memory_grow(d->clients, d->room * sizeof *d->clients);
	}
	d->clients[d->n++] = *c;
}

void simulate_demand_everybody(struct simulate_demand *d, bool v6)
{
	static const uint8_t zero[4];
	const struct prefix v4 = { addr_from_v4(zero), ADDR_V4_BITS },
			    unicast = { { { 0x20 } }, 3 }; /* RFC 4291 section 2.4 */

	/* IPv4 by its addresses, IPv6 by its /48s. */
	take(d,
		&(struct simulate_client){ .net = v6 ? unicast : v4,
			.weight = v6 ? 35184372088832.0 : 4294967296.0,
			.pool = -1,
			.type = v6 ? SIMULATE_AAAA : SIMULATE_A,
			.known_only = true });
}

/* What comes with IPv6 and holds IPv4 is known by that. */
static bool parse_net(const struct lines *l, const char *at, char *word, struct prefix *net)
{
	struct fault why;
	unsigned v4_at;

	if (!prefix_parse(net, word, &why))
		return wrong(l, at, "%s", why.text);
	const struct addr plain = addr_plain(&net->addr, &v4_at);
	if (v4_at && net->bits >= v4_at) {
		const unsigned bits = net->bits - v4_at + ADDR_V4_BITS;
		*net = addr_prefix(&plain, bits < 128 ? bits : 128);
	}
	return true;
}

/* --- clients ------------------------------------------------------------------------------ */

static bool client_line(struct lines *l, char *line)
{
	struct simulate_client c = { .weight = 1, .pool = -1, .type = SIMULATE_A };
	char word[ADDR_TEXT], *comma = strchr(line, ','), *end;
	const size_t len = comma ? (size_t)(comma - line) : strlen(line);

	if (l->number == 1 && strcmp(line, "prefix,weight") == 0)
		return true;
	if (len >= sizeof word)
		return wrong(l, line, "this is no prefix (write 192.0.2.0/24,1.5)");
	snprintf(word, sizeof word, "%.*s", (int)len, line);
	if (!parse_net(l, line, word, &c.net))
		return false;
	if (comma) {
		c.weight = strtod(comma + 1, &end);
		if (end == comma + 1 || *end || !(c.weight >= 0) || c.weight > 1e15)
			return wrong(l, comma + 1,
				"a weight is a number from 0 on, such as 1.5 "
				"(\"prefix,weight\")");
	}
	take(l->d, &c);
	return true;
}

/* --- queries ------------------------------------------------------------------------------ */

struct words {
	char name[WORD_MOST], pool[WORD_MOST], type[WORD_MOST], client[WORD_MOST];
	const char *name_at, *type_at, *client_at; /* in the line; NULL: somewhere */
};

static const uint8_t *keep(struct simulate_demand *d, const uint8_t *name)
{
	const size_t len = name_len(name);
	uint8_t *own = arena_alloc(&d->names, len);

	name_lower(own, name, len);
	return own;
}

/* Asks as a query from the client would, and looks which pool had the say, at which name. */
static void ask_world(struct lines *l, const uint8_t *wire, const struct addr *client,
	struct known_name *k)
{
	const size_t len = name_len(wire);
	uint8_t query[QUERY_HEADER + NAME_MOST + 4] = { [5] = 1 };
	uint8_t *reply = memory_zeroed(1, ANSWER_TCP_MOST);
	struct choose_turn *turns = memory_zeroed(ANSWER_TURNS, sizeof *turns);
	struct choose_trace *trace = memory_zeroed(1, sizeof *trace);
	struct stats stats = { 0 };
	struct answerer a = { .world = l->world,
		.stats = &stats,
		.turns = turns,
		.trace = trace,
		.now_us = clock_us() };

	memcpy(query + QUERY_HEADER, wire, len);
	be16_put(query + QUERY_HEADER + len, RRTYPE_A);
	be16_put(query + QUERY_HEADER + len + 2, RRCLASS_IN);
	answer(&a,
		&(struct answer_ask){ .packet = query,
			.len = QUERY_HEADER + len + 4,
			.source = *client,
			.via = VIA_TCP,
			.seen = 1 + POOL_UDP,
			.proven = true,
			.room = ANSWER_TCP_MOST,
			.to = reply });
	k->pool = stats.steered && trace->n
		? numbers_find(&l->pools, l->world->steer->pools[trace->steps[0].pool].name)
		: -1;
	const struct choose_own *own = &trace->own;
	if (k->pool < 0)
		k->steered = NULL;
	else if (!k->steered || !name_equal(k->steered, trace->name))
		k->steered = keep(l->d, trace->name);
	k->answers = k->pool >= 0 ? own->answers : 0;
	k->edge = k->pool < 0 || !own->one ? NULL
		: own->edge < l->world->steer->n_edges ? l->world->steer->edges[own->edge].called : "";
	memory_free(reply);
	memory_free(turns);
	memory_free(trace);
}

/* NULL: it is none, as was told. */
static const struct known_name *know_name(
	struct lines *l, const char *at, const char *name, const struct addr *client)
{
	static const uint8_t root[1];
	uint8_t wire[NAME_MOST];

	if (!l->world) {
		wrong(l, at, "names say nothing here: no zones were read");
		return NULL;
	}
	struct known_name *k = &l->names[hash_bytes((struct hash_key){ 1, 2 },
						 (const uint8_t *)name, strlen(name)) %
		NAMES];
	if (l->views || !k->name || strcmp(k->name, name) != 0) {
		const enum name_result r = name_parse(wire, NULL, name, strlen(name), root);
		if (r != NAME_OK) {
			wrong(l, at, "as a name this %s", name_result_text(r));
			return NULL;
		}
		if (!k->name || strcmp(k->name, name) != 0) {
			memory_free(k->name);
			k->name = memory_strdup(name);
		}
		ask_world(l, wire, client, k);
	}
	return k;
}

/* Which pool and name are asked for. A pool that the line names is taken as it is, and then so
 * is the name, which may be none. */
static bool find_asked(struct lines *l, const struct words *w, struct simulate_client *c)
{
	static const uint8_t root[1];
	uint8_t wire[NAME_MOST];

	if (!*w->pool) {
		const struct known_name *k = know_name(l, w->name_at, w->name, &c->net.addr);
		c->pool = k ? k->pool : -1;
		c->name = k ? k->steered : NULL;
		c->edge = k ? k->edge : NULL;
		c->answers = k ? k->answers : 0;
		return k != NULL;
	}
	c->pool = numbers_find(&l->pools, w->pool);
	if (*w->name && name_parse(wire, NULL, w->name, strlen(w->name), root) == NAME_OK)
		c->name = keep(l->d, wire);
	return true;
}

static bool take_query(struct lines *l, struct words *w)
{
	struct simulate_client c = { .weight = 1, .pool = -1 };

	l->d->lines++;
	if (!parse_net(l, w->client_at, w->client, &c.net))
		return false;
	uint16_t type;
	if (!rrtype_parse(&type, w->type, strlen(w->type)))
		return wrong(l, w->type_at, "%.40s is not a record type", w->type);
	c.type = type == RRTYPE_AAAA ? SIMULATE_AAAA : SIMULATE_A;
	if (!find_asked(l, w, &c))
		return false;
	if (c.pool < 0 || (type != RRTYPE_A && type != RRTYPE_AAAA))
		l->d->passed_over++;
	else
		take(l->d, &c);
	return true;
}

/* "NAME TYPE CLIENT". */
static bool text_line(struct lines *l, char *line, struct words *w)
{
	char *to[WORDS_MOST] = { w->name, w->type, w->client };
	const char **at[WORDS_MOST] = { &w->name_at, &w->type_at, &w->client_at };
	const char *p = line;

	for (unsigned i = 0; i < WORDS_MOST; i++) {
		p += strspn(p, " \t");
		const size_t len = strcspn(p, " \t");
		if (len == 0 || len >= WORD_MOST)
			return wrong(l, p,
				"a query is written \"NAME TYPE CLIENT\", such as "
				"\"www.example.com A 192.0.2.0/24\"");
		memcpy(to[i], p, len);
		to[i][len] = 0;
		*at[i] = p;
		p += len;
	}
	if (p[strspn(p, " \t")])
		return wrong(l, p + strspn(p, " \t"),
			"there is more here than \"NAME TYPE CLIENT\"");
	return true;
}

static void member(const json_t *o, const char *key, char to[static WORD_MOST])
{
	const char *s = json_string_value(json_object_get(o, key));

	snprintf(to, WORD_MOST, "%s", s ? s : "");
}

static bool json_line(struct lines *l, const char *line, struct words *w)
{
	json_error_t error;
	json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, &error);

	if (!o)
		return wrong(l, line, "this is no JSON object: %s", error.text);
	member(o, "name", w->name);
	member(o, "pool", w->pool);
	member(o, "type", w->type);
	member(o, "client", w->client);
	json_decref(o);
	if (!*w->type)
		strcpy(w->type, "A");
	if (!*w->client || (!*w->name && !*w->pool))
		return wrong(l, line, "a query needs \"client\", and \"pool\" or \"name\"");
	return true;
}

static bool query_line(struct lines *l, char *line)
{
	struct words *w = memory_zeroed(1, sizeof *w);
	const bool ok = (*line == '{' ? json_line(l, line, w) : text_line(l, line, w)) &&
		take_query(l, w);

	memory_free(w);
	return ok;
}

/* --- lines -------------------------------------------------------------------------------- */

static bool each_line(struct lines *l, bool (*each)(struct lines *l, char *line))
{
	struct fault why;
	const int fd = file_open(l->path, FILE_MOST, &why);
	FILE *from = fd >= 0 ? fdopen(fd, "r") : NULL;
	const unsigned before = l->f->errors;
	size_t room = 0;
	ssize_t len;

	if (!from)
		return faults_error(l->f, &(struct fault_at){ .path = l->path }, "%s",
			fd >= 0 ? "out of memory" : why.text);
	while (!faults_full(l->f) && (len = getline(&l->line, &room, from)) >= 0) {
		l->number++;
		while (len && strchr(" \t\r\n", l->line[len - 1]))
			l->line[--len] = 0;
		if (strlen(l->line) != (size_t)len)
			wrong(l, NULL, "there is a zero byte in this line: it is no text");
		else if (len && *l->line != '#')
			each(l, l->line);
	}
	if (ferror(from))
		faults_error(
			l->f, &(struct fault_at){ .path = l->path }, "%s", strerror(errno));
	fclose(from);
	memory_free(l->line);
	return l->f->errors == before;
}

bool simulate_demand_clients(struct simulate_demand *d, const char *path, struct faults *f)
{
	return each_line(&(struct lines){ .d = d, .path = path, .f = f }, client_line);
}

bool simulate_demand_queries(
	struct simulate_demand *d, const char *path, const struct world *w, struct faults *f)
{
	struct lines l = { .d = d, .path = path, .f = f, .world = w };
	struct arena mem = { 0 };

	l.pools = numbers_new(&mem, d->pools, sizeof *d->pools, d->n_pools);
	l.names = memory_zeroed(NAMES, sizeof *l.names);
	for (size_t i = 0; w && i < zone_set_count(w->zones) && !l.views; i++)
		l.views = zone_set_get(w->zones, i)->view_len != 0;
	const bool ok = each_line(&l, query_line);
	for (size_t i = 0; i < NAMES; i++)
		memory_free(l.names[i].name);
	memory_free(l.names);
	arena_fini(&mem);
	return ok;
}

void simulate_demand_fini(struct simulate_demand *d)
{
	memory_free(d->clients);
	arena_fini(&d->names);
	*d = (struct simulate_demand){ 0 };
}
