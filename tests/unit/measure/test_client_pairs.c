#include "measure/client_pairs.h"
#include "measure/resolver_clients.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DAY = 86400, NOW = 1000 * DAY };

static const struct hash_key key = { 1, 2 };

static struct addr address(const char *text)
{
	struct addr a;

	if (!addr_parse(&a, text))
		abort();
	return a;
}

static bool add(struct client_pairs *p, const char *resolver, const char *client, int64_t at_s)
{
	const struct addr r = address(resolver), c = address(client);
	const struct prefix from = client_pairs_resolver(&r), of = client_pairs_client(&c);

	return client_pairs_add(p, &from, &of, 1, at_s);
}

/* Without its two first lines, and of each line what others read of it: the first three columns. */
static char *written(const struct client_pairs *p, int64_t now_s)
{
	struct text t = { 0 };

	client_pairs_write(p, now_s, &t);
	char *text = strdup(strchr(strchr(text_get(&t), '\n') + 1, '\n') + 1), *to = text;
	unsigned commas = 0;
	for (const char *s = text; *s; s++) {
		commas = *s == '\n' ? 0 : commas + (*s == ',');
		if (commas < 3)
			*to++ = *s;
	}
	*to = 0;
	text_fini(&t);
	return text;
}

static void is_written(const struct client_pairs *p, int64_t now_s, const char *as)
{
	char *text = written(p, now_s);

	CU_ASSERT_STRING_EQUAL(text, as);
	free(text);
}

static void nets_are_kept_and_no_addresses_of_clients(void)
{
	struct client_pairs *p = client_pairs_new(key);

	add(p, "192.0.2.53", "73.14.0.1", NOW);
	add(p, "192.0.2.53", "73.14.0.200", NOW);
	add(p, "192.0.2.53", "73.14.1.1", NOW);
	add(p, "192.0.2.54", "2001:db8:1:2::3", NOW);
	add(p, "2001:db8::53:1", "73.14.0.1", NOW);
	add(p, "2001:db8::53:2", "73.14.0.1", NOW);
	is_written(p, NOW,
		"192.0.2.53/32,73.14.0.0/24,2.0000\n192.0.2.53/32,73.14.1.0/24,1.0000\n"
		"192.0.2.54/32,2001:db8:1::/48,1.0000\n2001:db8::/64,73.14.0.0/24,2.0000\n");
	client_pairs_free(p);
}

static void a_pair_fades_and_is_gone(void)
{
	struct client_pairs *p = client_pairs_new(key);

	add(p, "192.0.2.53", "73.14.0.1", NOW);
	is_written(p, NOW + 7 * DAY, "192.0.2.53/32,73.14.0.0/24,0.5000\n");
	add(p, "192.0.2.53", "73.14.0.1", NOW + 7 * DAY);
	is_written(p, NOW + 7 * DAY, "192.0.2.53/32,73.14.0.0/24,1.5000\n");
	is_written(p, NOW + 42 * DAY, "");
	client_pairs_free(p);
}

static struct client_pair row(const char *resolver, const char *client, uint64_t by, float weight, int64_t at_s)
{
	const struct addr r = address(resolver), c = address(client);

	return (struct client_pair){ client_pairs_resolver(&r), client_pairs_client(&c), by, weight, at_s };
}

static bool merge(struct client_pairs *p, const char *resolver, const char *client, uint64_t by, float weight, int64_t at_s)
{
	const struct client_pair x = row(resolver, client, by, weight, at_s);

	return client_pairs_merge(p, &x, NOW);
}

/* `self` is what others call it. */
static uint64_t digest(const struct client_pairs *p, uint64_t self)
{
	uint64_t of[CLIENT_PAIRS_BUCKETS];

	return client_pairs_digest(p, self, of);
}

static void what_was_written_is_read_as_it_was(void)
{
	struct client_pairs *p = client_pairs_new(key), *again = client_pairs_new(key);
	struct text t = { 0 };
	struct fault why;

	add(p, "192.0.2.53", "73.14.0.1", NOW - DAY);
	add(p, "192.0.2.53", "73.14.0.1", NOW);
	add(p, "2001:db8::53", "70.162.0.1", NOW);
	merge(p, "192.0.2.53", "73.14.0.1", 0xfedcba9876543210u, 0.1f, NOW - 1);
	client_pairs_write(p, NOW + DAY, &t);
	CU_ASSERT_TRUE(client_pairs_read(again, text_get(&t), NOW + DAY, &why));
	CU_ASSERT_EQUAL(client_pairs_count(again), 3);
	CU_ASSERT_EQUAL(digest(again, 7), digest(p, 7));
	text_fini(&t);
	client_pairs_free(p);
	client_pairs_free(again);
}

static void a_file_of_before_is_what_this_server_has_seen(void)
{
	struct client_pairs *p = client_pairs_new(key);
	struct fault why;
	const struct client_pair x = row("192.0.2.53", "70.162.0.1", 0, 1, NOW);

	CU_ASSERT_TRUE_FATAL(client_pairs_read(p,
		"# written by waymarkd\nresolver,client,weight\n192.0.2.53/32,73.14.0.0/24,2.0000\n192.0.2.53/32,70.162.0.0/24,1.0000\n",
		NOW, &why));
	is_written(p, NOW + 7 * DAY, "192.0.2.53/32,73.14.0.0/24,1.0000\n192.0.2.53/32,70.162.0.0/24,0.5000\n");
	CU_ASSERT_PTR_NOT_NULL(client_pairs_find(p, &x));
	client_pairs_free(p);
}

static void a_file_that_makes_no_sense_is_told(void)
{
	static const char *const bad[] = { "192.0.2.53/32,73.14.0.0/24\n", "192.0.2.53/32,73.14.0.0/24,0\n",
		"192.0.2.53/32,73.14.0.0/24,nan\n", "x,73.14.0.0/24,1\n", "192.0.2.53/32,73.14.0.1/24,1\n",
		"192.0.2.53/32,73.14.0.0/24,1.0,0,0,1\n", "192.0.2.53/32,73.14.0.0/24,1" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct client_pairs *p = client_pairs_new(key);
		struct fault why;
		CU_ASSERT_FALSE(client_pairs_read(p, bad[i], NOW, &why));
		CU_ASSERT_EQUAL(strncmp(why.text, "line 1 ", 7), 0);
		client_pairs_free(p);
	}
}

static void what_several_servers_have_seen_counts_together(void)
{
	struct client_pairs *p = client_pairs_new(key);
	struct text t = { 0 };
	struct faults f;
	char path[] = "/tmp/waymark-pairs-XXXXXX";
	const int fd = mkstemp(path);

	add(p, "192.0.2.53", "73.14.0.1", NOW);
	CU_ASSERT_TRUE(merge(p, "192.0.2.53", "73.14.0.1", 5, 2, NOW));
	CU_ASSERT_TRUE(merge(p, "192.0.2.53", "73.14.0.1", 6, 4, NOW));
	client_pairs_write(p, NOW, &t);
	if (fd < 0 || write(fd, text_get(&t), t.len) != (ssize_t)t.len || close(fd) != 0)
		abort();
	faults_init(&f);
	struct resolver_clients *r = resolver_clients_read(path, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->n_clients, 1);
	CU_ASSERT_DOUBLE_EQUAL(r->of[0].weight, 7, 0.001);
	resolver_clients_drop(r);
	faults_fini(&f);
	text_fini(&t);
	unlink(path);
	client_pairs_free(p);
}

static void of_two_versions_the_later_holds_and_then_the_heavier(void)
{
	struct client_pairs *p = client_pairs_new(key);
	const struct client_pair x = row("192.0.2.53", "73.14.0.1", 5, 0, 0);

	CU_ASSERT_TRUE(merge(p, "192.0.2.53", "73.14.0.1", 5, 3, NOW - 2));
	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, 3, NOW - 2));
	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, 9, NOW - 3));
	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, 2, NOW - 2));
	CU_ASSERT_TRUE(merge(p, "192.0.2.53", "73.14.0.1", 5, 4, NOW - 2));
	CU_ASSERT_TRUE(merge(p, "192.0.2.53", "73.14.0.1", 5, 1, NOW));
	CU_ASSERT_EQUAL(client_pairs_find(p, &x)->weight, 1);
	CU_ASSERT_EQUAL(client_pairs_count(p), 1);
	client_pairs_free(p);
}

static void what_makes_no_sense_is_not_merged(void)
{
	struct client_pairs *p = client_pairs_new(key);

	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, 0, NOW));
	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, -1, NOW));
	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, strtof("nan", NULL), NOW));
	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, strtof("inf", NULL), NOW));
	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, 1, NOW + CLIENT_PAIRS_AHEAD_S + 1));
	CU_ASSERT_FALSE(merge(p, "192.0.2.53", "73.14.0.1", 5, 1, NOW - 42 * DAY));
	CU_ASSERT_EQUAL(client_pairs_count(p), 0);
	CU_ASSERT_EQUAL(digest(p, 1), 0);
	client_pairs_free(p);
}

/* Three servers; what each has seen comes to each in another order, some of it twice, and through others. */
static void servers_that_have_heard_the_same_have_the_same(void)
{
	enum { SERVERS = 3, SEEN = 2000 };
	struct client_pairs *of[SERVERS];
	static struct client_pair said[SERVERS * SEEN];
	static const uint64_t step[SERVERS] = { 7919, 7907, 7901 };
	char client[32];

	srand(19);
	for (unsigned i = 0; i < SERVERS; i++)
		of[i] = client_pairs_new((struct hash_key){ i, i });
	for (unsigned n = 0; n < SERVERS * SEEN; n++) {
		const unsigned i = n % SERVERS;
		snprintf(client, sizeof client, "73.14.%u.1", (unsigned)rand() % 200);
		add(of[i], "192.0.2.53", client, NOW - SEEN + n / SERVERS);
		const struct client_pair like = row("192.0.2.53", client, 0, 0, 0);
		said[n] = *client_pairs_find(of[i], &like);
		said[n].by = i + 1; /* as others call it */
	}
	CU_ASSERT_NOT_EQUAL(digest(of[0], 1), digest(of[1], 2));
	for (unsigned i = 0; i < SERVERS; i++)
		for (unsigned n = 0; n < 2 * SERVERS * SEEN; n++) {
			/* A step that has no divisor in common: each comes. */
			struct client_pair x = said[(n * step[i] + i) % (SERVERS * SEEN)];
			x.by = x.by == i + 1 ? 0 : x.by;
			client_pairs_merge(of[i], &x, NOW);
		}
	for (unsigned i = 1; i < SERVERS; i++) {
		CU_ASSERT_EQUAL(client_pairs_count(of[i]), client_pairs_count(of[0]));
		CU_ASSERT_EQUAL(digest(of[i], i + 1), digest(of[0], 1));
	}
	add(of[2], "192.0.2.53", "73.14.0.1", NOW);
	CU_ASSERT_NOT_EQUAL(digest(of[2], 3), digest(of[0], 1));
	for (uint64_t self = 1; self < 9; self++)
		CU_ASSERT_NOT_EQUAL(digest(of[0], self), digest(of[0], self + 1)); /* who has seen it counts */
	for (unsigned i = 0; i < SERVERS; i++)
		client_pairs_free(of[i]);
}

static void what_has_faded_is_swept(void)
{
	struct client_pairs *p = client_pairs_new(key), *left = client_pairs_new(key);
	char client[32];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(client, sizeof client, "73.%u.%u.1", i >> 8, i & 255);
		add(p, "192.0.2.53", client, i % 3 ? NOW : NOW - 42 * DAY);
		if (i % 3)
			add(left, "192.0.2.53", client, NOW);
	}
	for (size_t at = 0; at < client_pairs_count(p); at += 64)
		client_pairs_sweep(p, at, 64, NOW);
	client_pairs_sweep(p, 0, SIZE_MAX / 2, NOW);
	CU_ASSERT_EQUAL(client_pairs_count(p), 666);
	CU_ASSERT_EQUAL(digest(p, 3), digest(left, 3));
	client_pairs_free(p);
	client_pairs_free(left);
}

static void what_others_tell_takes_no_place_of_what_counts_more(void)
{
	struct client_pairs *p = client_pairs_new(key);
	char client[32];
	unsigned taken = 0;

	for (unsigned i = 0; i < CLIENT_PAIRS_MOST; i++) {
		snprintf(client, sizeof client, "%u.%u.%u.1", 1 + (i >> 16), i >> 8 & 255, i & 255);
		add(p, "192.0.2.54", client, NOW);
	}
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(client, sizeof client, "100.%u.%u.1", i >> 8 & 255, i & 255);
		taken += merge(p, "192.0.2.54", client, 9, 0.5f, NOW);
	}
	CU_ASSERT_EQUAL(taken, 0);
	CU_ASSERT_TRUE(merge(p, "192.0.2.54", "100.0.0.1", 9, 2, NOW));
	CU_ASSERT_EQUAL(client_pairs_count(p), CLIENT_PAIRS_MOST);
	client_pairs_free(p);
}

static void a_new_one_takes_the_place_of_one_that_counts_little(void)
{
	struct client_pairs *p = client_pairs_new(key);
	char client[32];

	for (unsigned i = 0; i < 1000; i++)
		add(p, "192.0.2.53", "73.14.0.1", NOW);
	for (unsigned i = 0; i < 3 * CLIENT_PAIRS_MOST; i++) {
		snprintf(client, sizeof client, "%u.%u.%u.1", 1 + (i >> 16), i >> 8 & 255, i & 255);
		if (!add(p, "192.0.2.54", client, NOW))
			CU_FAIL_FATAL("it is not taken");
	}
	CU_ASSERT_EQUAL(client_pairs_count(p), CLIENT_PAIRS_MOST);
	add(p, "192.0.2.53", "73.14.0.1", NOW);
	char *text = written(p, NOW);
	static const char first[] = "192.0.2.53/32,73.14.0.0/24,1001.0000\n192.0.2.54/32,";
	CU_ASSERT_EQUAL(strncmp(text, first, sizeof first - 1), 0);
	size_t lines = 0;
	for (const char *s = text; *s; s++)
		lines += *s == '\n';
	CU_ASSERT_EQUAL(lines, CLIENT_PAIRS_MOST);
	free(text);
	/* Each can still be found, and is there once. */
	for (unsigned i = 3 * CLIENT_PAIRS_MOST - 1000; i < 3 * CLIENT_PAIRS_MOST; i++) {
		snprintf(client, sizeof client, "%u.%u.%u.1", 1 + (i >> 16), i >> 8 & 255, i & 255);
		add(p, "192.0.2.54", client, NOW);
	}
	CU_ASSERT_EQUAL(client_pairs_count(p), CLIENT_PAIRS_MOST);
	client_pairs_free(p);
}

/* A copy adds nothing to what it is a copy of. */
static void of_two_that_know_a_pair_the_one_that_counts_more_holds(void)
{
	struct client_pairs *p = client_pairs_new(key), *other = client_pairs_new(key);

	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_TRUE(add(p, "192.0.2.1", "198.51.100.1", NOW));
	CU_ASSERT_TRUE(add(other, "192.0.2.1", "198.51.100.1", NOW));
	CU_ASSERT_TRUE(add(other, "192.0.2.1", "203.0.113.1", NOW));
	CU_ASSERT_TRUE(client_pairs_join(p, other, NOW));
	is_written(p, NOW, "192.0.2.1/32,198.51.100.0/24,3.0000\n192.0.2.1/32,203.0.113.0/24,1.0000\n");
	CU_ASSERT_TRUE(client_pairs_join(other, p, NOW));
	is_written(other, NOW, "192.0.2.1/32,198.51.100.0/24,3.0000\n192.0.2.1/32,203.0.113.0/24,1.0000\n");
	client_pairs_free(p);
	client_pairs_free(other);
}

void suite_client_pairs(void)
{
	static const struct unit_case cases[] = {
		{ "of two that know a pair the one that counts more holds", of_two_that_know_a_pair_the_one_that_counts_more_holds },
		{ "nets are kept, and no addresses of clients", nets_are_kept_and_no_addresses_of_clients },
		{ "a pair fades, and is gone", a_pair_fades_and_is_gone },
		{ "what was written is read as it was", what_was_written_is_read_as_it_was },
		{ "a file of before is what this server has seen", a_file_of_before_is_what_this_server_has_seen },
		{ "a file that makes no sense is told", a_file_that_makes_no_sense_is_told },
		{ "what several servers have seen counts together", what_several_servers_have_seen_counts_together },
		{ "of two versions the later holds, and then the heavier", of_two_versions_the_later_holds_and_then_the_heavier },
		{ "what makes no sense is not merged", what_makes_no_sense_is_not_merged },
		{ "servers that have heard the same have the same", servers_that_have_heard_the_same_have_the_same },
		{ "what has faded is swept", what_has_faded_is_swept },
		{ "what others tell takes no place of what counts more", what_others_tell_takes_no_place_of_what_counts_more },
		{ "a new one takes the place of one that counts little", a_new_one_takes_the_place_of_one_that_counts_little },
	};

	unit_suite("measure/client_pairs", cases, UNIT_COUNT(cases));
}
