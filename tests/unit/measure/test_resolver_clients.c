#include "measure/resolver_clients.h"

#include "base/scope.h"
#include "measure/client_map.h"
#include "measure/estimates.h"
#include "unit/failing.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1000000, HOUR = 3600 };

static const char *const names[4] = { "ams", "rom", "nyc", "sfo" };

struct desk {
	char path[64];
	struct faults f;
	struct resolver_clients *r;
};

static void read_text(struct desk *d, const char *text)
{
	strcpy(d->path, "/tmp/waymark-resolvers-XXXXXX");
	const int fd = mkstemp(d->path);
	const size_t len = strlen(text);

	faults_init(&d->f);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd) != 0)
		abort();
	d->r = resolver_clients_read(d->path, &d->f);
}

static void close_desk(struct desk *d)
{
	unlink(d->path);
	faults_fini(&d->f);
	resolver_clients_drop(d->r);
}

static struct addr address(const char *text)
{
	struct addr a;

	if (!addr_parse(&a, text))
		abort();
	return a;
}

/* --- the file ----------------------------------------------------------------------------- */

static void it_is_read_whatever_the_order_of_columns(void)
{
	struct desk d;
	char net[ADDR_TEXT];

	read_text(&d,
		"# ours\nweight, client\t,asn,resolver\n3,1.0.0.0/16,7,9.9.9.0/24\r\n"
		",2.0.0.0/16,,9.9.9.0/24\n1,1.0.0.0/16,,9.9.9.0/24\n1,2a00::/32,,2001:db8::53\n");
	CU_ASSERT_EQUAL(d.f.errors, 0);
	if (!d.r || d.r->n != 2 || d.r->n_clients != 3)
		CU_FAIL_FATAL("not read");
	CU_ASSERT_STRING_EQUAL(prefix_text(net, &d.r->of[0].net), "9.9.9.0/24");
	CU_ASSERT_EQUAL(d.r->of[0].weight, 5);
	CU_ASSERT_EQUAL(d.r->client[d.r->of[0].first].weight, 4); /* the pair that is there twice */
	close_desk(&d);
}

static void what_is_wrong_is_told_with_its_place(void)
{
	static const struct {
		const char *text, *say;
	} row[] = {
		{ "resolver,weight\n",
			":1:1: error: the first line must name the columns: resolver,client[,weight]" },
		{ "resolver,client,client\n", ":1:17: error: \"client\" is there twice" },
		{ "resolver,client\n9.9.9.0/24,1.0.0.0/33\n", ":2:12: error: " },
		{ "resolver,client\n9.9.9.1/24,1.0.0.0/8\n", ":2:1: error: " },
		{ "resolver,client,weight\n9.9.9.0/24,1.0.0.0/16,0\n",
			":2:23: error: \"0\" is no weight" },
		{ "resolver,client,weight\n9.9.9.0/24,1.0.0.0/16,1e3\n", ":2:23: error: " },
		{ "resolver,client\n9.9.9.0/24\n",
			":2:1: error: \"9.9.9.0/24\" is the last of too few values" },
		{ "resolver,client\n9.9.9.0/24,1.0.0.0/16,4\n",
			":2:23: error: \"4\" is one value more" },
		{ "resolver,client\n9.9.9.0/24,1.0.0.0/16", ":2:1: error: the last line has no end" },
		{ "", "is empty" },
		{ "resolver,weight\n9.9.9.0/24,1\nx\n", ":1:1: error: the first line must name the columns" }, /* and that alone */
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct desk d;
		read_text(&d, row[i].text);
		CU_ASSERT_PTR_NULL(d.r);
		if (!strstr(text_get(&d.f.text), row[i].say)) {
			fprintf(stderr, "%s: %s\n", row[i].say, text_get(&d.f.text));
			CU_FAIL("not told");
		}
		CU_ASSERT_EQUAL(d.f.errors, 1);
		close_desk(&d);
	}
}

static void the_narrowest_net_is_the_resolver(void)
{
	struct desk d;
	const struct addr in = address("9.9.9.9"), around = address("9.9.8.1"),
			  none = address("9.10.0.1");

	read_text(&d, "resolver,client\n9.9.0.0/16,1.0.0.0/16\n9.9.9.0/24,2.0.0.0/16\n");
	CU_ASSERT_EQUAL(resolver_clients_find(d.r, &in)->net.bits, ADDR_V4_BITS + 24);
	CU_ASSERT_EQUAL(resolver_clients_find(d.r, &around)->net.bits, ADDR_V4_BITS + 16);
	CU_ASSERT_PTR_NULL(resolver_clients_find(d.r, &none));
	CU_ASSERT_PTR_NULL(resolver_clients_find(NULL, &none));
	close_desk(&d);
}

static void samples_are_spread_over_a_net(void)
{
	static const struct {
		const char *net, *first, *last;
		unsigned n;
	} row[] = {
		{ "1.0.1.0/24", "1.0.1.0", "1.0.1.0", 1 },
		{ "1.0.1.7/32", "1.0.1.7", "1.0.1.7", 1 },
		{ "1.0.0.0/22", "1.0.0.0", "1.0.3.0", 4 },
		{ "1.0.0.0/16", "1.0.0.0", "1.0.252.0", 64 },
		{ "0.0.0.0/0", "0.0.0.0", "252.0.0.0", 64 },
		{ "2a00::/47", "2a00::", "2a00:0:1::", 2 },
		{ "2a00::/32", "2a00::", "2a00:0:fc00::", 64 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct prefix net;
		char text[ADDR_TEXT];
		if (!prefix_parse(&net, row[i].net, NULL))
			abort();
		const unsigned n = resolver_client_samples(&net);
		CU_ASSERT_EQUAL(n, row[i].n);
		struct addr a = resolver_client_sample(&net, 0);
		CU_ASSERT_STRING_EQUAL(addr_text(text, &a), row[i].first);
		a = resolver_client_sample(&net, n - 1);
		CU_ASSERT_STRING_EQUAL(addr_text(text, &a), row[i].last);
	}
}

static void it_is_written_as_it_was_read(void)
{
	struct desk d, again;
	struct text out = { 0 };

	read_text(&d, "resolver,client,weight\n9.9.9.0/24,1.0.0.0/16,2.5\n2001:db8::/48,2a00::/32,1\n");
	resolver_clients_write(d.r, &out);
	read_text(&again, text_get(&out));
	CU_ASSERT_PTR_NOT_NULL_FATAL(again.r);
	CU_ASSERT_EQUAL(again.r->signature, d.r->signature);
	text_fini(&out);
	close_desk(&again);
	close_desk(&d);
}

/* --- memory ------------------------------------------------------------------------------- */

static void read_it(void *ctx)
{
	struct desk *d = ctx;

	d->r = resolver_clients_read(d->path, &d->f);
}

static void read_without_memory(void *ctx)
{
	struct desk *d = ctx;

	d->r = NULL;
	const bool ok = scope_run(read_it, d);
	CU_ASSERT_TRUE(ok || failing_count() > 0);
	if (ok)
		resolver_clients_drop(d->r);
	d->r = NULL;
}

static void memory_that_ends_leaves_nothing_behind(void)
{
	struct desk d;

	read_text(&d, "resolver,client\n9.9.9.0/24,1.0.0.0/16\n9.9.9.0/24,2.0.0.0/16\n");
	resolver_clients_drop(d.r);
	CU_ASSERT_TRUE(failing_each(read_without_memory, &d) > 4);
	close_desk(&d);
}

/* --- the choice --------------------------------------------------------------------------- */

static struct latency *table_with(struct resolver_clients *r)
{
	struct latency *t = latency_new(
		&(struct latency_opts){ names, 4, 0.3, HOUR, 1 << 20, { 1, 2 } });

	latency_set_resolvers(t, r);
	return t;
}

static void measure(struct latency *t, const char *net, unsigned edge, double rtt_ms)
{
	struct prefix p;

	if (!prefix_parse(&p, net, NULL))
		abort();
	latency_put(t, &p, edge, &(struct latency_sample){ rtt_ms, 1, NOW, false });
}

static void rank_again(struct small *s, const struct latency *t, const struct pool_opts *pool)
{
	const struct steer_measured m = { .table = t, .now_s = NOW, .change = { 2, 0.05 } };
	struct steer *before = s->steer;

	s->steer = steer_new(
		&(struct steer_opts){ small_edges, 4, pool, 1, &m, NULL }, s->atlas, before);
	steer_drop(before);
}

static const char *chosen(const char *csv)
{
	static char text[64];
	const struct pool_opts pool = small_pool();
	struct small s;
	struct desk d;

	read_text(&d, csv);
	struct latency *t = table_with(d.r);
	small_open(&s, &pool, 1);
	rank_again(&s, t, &pool);
	snprintf(text, sizeof text, "%s", small_ask(&s, "", "2.0.1.1", false));
	small_close(&s);
	latency_drop(t);
	close_desk(&d);
	return text;
}

static void a_resolver_gets_what_is_best_for_its_clients(void)
{
	static const struct {
		const char *say, *csv, *answer;
	} row[] = {
		{ "nobody says more: it stands in Rome", "resolver,client\n9.9.9.0/24,1.0.0.0/16\n",
			"rom /0" },
		{ "all are in San Francisco", "resolver,client\n2.0.1.0/24,3.0.0.0/17\n", "sfo /0" },
		{ "most are", "resolver,client,weight\n2.0.1.0/24,3.0.0.0/17,9\n2.0.1.0/24,1.0.0.0/16,1\n",
			"sfo /0" },
		{ "most are in Oslo", "resolver,client,weight\n2.0.1.0/24,3.0.0.0/17,1\n2.0.1.0/24,1.0.0.0/16,9\n",
			"ams /0" },
		{ "its clients are of no known place: as its own",
			"resolver,client\n2.0.1.0/24,8.0.0.0/16\n", "rom /0" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *got = chosen(row[i].csv);
		char edge[8] = "";
		sscanf(got, "%7s", edge);
		if (strncmp(edge, row[i].answer, 3) != 0) {
			fprintf(stderr, "%s: %s\n", row[i].say, got);
			CU_FAIL("another edge");
		}
	}
}

/* Its neighbours' scope ends where it begins, and what it measured itself is of no account. */
static void only_the_resolver_is_chosen_for_by_others(void)
{
	const struct pool_opts pool = small_pool();
	struct small s;
	struct desk d;

	read_text(&d, "resolver,client\n2.0.1.0/24,3.0.0.0/17\n");
	struct latency *t = table_with(d.r);
	measure(t, "2.0.1.0/24", ROM, 6);
	small_open(&s, &pool, 1);
	rank_again(&s, t, &pool);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.1.0/24", NULL, false), "sfo /24");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.0.0/24", NULL, false), "rom /24");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.0.0/24", NULL, false), "sfo /17");
	/* A client that is measured counts as measured. */
	measure(t, "3.0.0.0/17", SFO, 120);
	measure(t, "3.0.0.0/17", NYC, 50);
	latency_next_round(t);
	rank_again(&s, t, &pool);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.1.0/24", NULL, false), "nyc /24");
	/* And without the table it is as before. */
	latency_set_resolvers(t, NULL);
	rank_again(&s, t, &pool);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.1.0/24", NULL, false), "rom /16");
	small_close(&s);
	latency_drop(t);
	close_desk(&d);
}

struct seen {
	const struct client_map *m;
	uint32_t key;
	float ms[4];
};

static void see(void *ctx, uint32_t key, const float *ms)
{
	struct seen *s = ctx;

	if (key == s->key && ms)
		memcpy(s->ms, ms, sizeof s->ms);
}

static void what_is_explained_is_what_is_ranked(void)
{
	static struct model_site sites[4];
	const struct addr who = address("2.0.1.1");
	struct estimates e;
	struct desk d;

	read_text(&d, "resolver,client,weight\n2.0.1.0/24,3.0.0.0/17,1\n2.0.1.0/24,1.0.0.0/16,3\n"
		      "2.0.1.0/24,2.0.1.0/25,1\n");
	struct latency *t = table_with(d.r);
	struct atlas *atlas = small_atlas();
	measure(t, "1.0.4.0/22", ROM, 60);
	measure(t, "1.0.0.0/16", AMS, 20);
	for (unsigned i = 0; i < 4; i++)
		sites[i] = (struct model_site){ true, small_edges[i].lat, small_edges[i].lon };
	struct client_map *m = client_map_new(
		&(struct client_map_opts){ { atlas, sites, 4, t, NOW }, NULL, { 0 } });
	struct seen s = { m, netmap_find(client_map_netmap(m), &who).value, { 0 } };
	client_map_each(m, &(struct client_map_ask){ .all = true, .edges = { NULL, 4 }, .each = see, .ctx = &s }, 1);
	estimates_init(&e, &(struct estimates_of){ m, t, LATENCY_RTT, NOW }, &who);
	CU_ASSERT_PTR_NOT_NULL(e.resolver);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_TRUE(fabsf(e.ms[i] - s.ms[i]) < 0.01f);
		CU_ASSERT_TRUE(e.least_ms[i] <= e.ms[i] && e.ms[i] <= e.most_ms[i]);
	}
	CU_ASSERT_TRUE(e.least_ms[AMS] + 1 < e.most_ms[AMS]);
	estimates_fini(&e);
	client_map_drop(m);
	atlas_drop(atlas);
	latency_drop(t);
	close_desk(&d);
}

static void what_is_told_goes_before_what_was_learned(void)
{
	struct desk told, learned;
	struct text t = { 0 };

	read_text(&told, "resolver,client,weight\n9.9.9.0/24,73.14.0.0/24,1\n");
	read_text(&learned,
		"resolver,client,weight\n9.9.9.9,70.162.0.0/24,50\n9.9.8.9,70.162.0.0/24,6\n9.9.8.9,70.162.1.0/24,4\n"
		"9.9.7.9,70.162.0.0/24,9.9\n");
	struct resolver_clients *both = resolver_clients_with(told.r, learned.r, 10);
	resolver_clients_write(both, &t);
	CU_ASSERT_STRING_EQUAL(text_get(&t),
		"resolver,client,weight\n9.9.8.9/32,70.162.0.0/24,6.000000\n9.9.8.9/32,70.162.1.0/24,4.000000\n"
		"9.9.9.0/24,73.14.0.0/24,1.000000\n");
	resolver_clients_drop(both);
	both = resolver_clients_with(NULL, learned.r, 50);
	CU_ASSERT_EQUAL_FATAL(both->n, 1);
	resolver_clients_drop(both);
	CU_ASSERT_PTR_NULL(resolver_clients_with(NULL, learned.r, 51));
	CU_ASSERT_PTR_NULL(resolver_clients_with(NULL, NULL, 1));
	text_fini(&t);
	close_desk(&told);
	close_desk(&learned);
}

void suite_resolver_clients(void)
{
	static const struct unit_case cases[] = {
		{ "it is read whatever the order of columns", it_is_read_whatever_the_order_of_columns },
		{ "what is wrong is told with its place", what_is_wrong_is_told_with_its_place },
		{ "the narrowest net is the resolver", the_narrowest_net_is_the_resolver },
		{ "samples are spread over a net", samples_are_spread_over_a_net },
		{ "it is written as it was read", it_is_written_as_it_was_read },
		{ "memory that ends leaves nothing behind", memory_that_ends_leaves_nothing_behind },
		{ "a resolver gets what is best for its clients", a_resolver_gets_what_is_best_for_its_clients },
		{ "only the resolver is chosen for by others", only_the_resolver_is_chosen_for_by_others },
		{ "what is told goes before what was learned", what_is_told_goes_before_what_was_learned },
		{ "what is explained is what is ranked", what_is_explained_is_what_is_ranked },
	};

	unit_suite("measure/resolver_clients", cases, UNIT_COUNT(cases));
}
