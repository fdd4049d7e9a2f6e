#include "measure/client_pairs.h"

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

/* Without its two first lines. */
static char *written(const struct client_pairs *p, int64_t now_s)
{
	struct text t = { 0 };

	client_pairs_write(p, now_s, &t);
	char *text = strdup(strchr(strchr(text_get(&t), '\n') + 1, '\n') + 1);
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

static void what_was_written_is_recalled_as_it_counts_by_then(void)
{
	char path[] = "/tmp/waymark-pairs-XXXXXX";
	struct client_pairs *p = client_pairs_new(key), *again = client_pairs_new(key);
	struct text t = { 0 };
	struct faults f;
	const int fd = mkstemp(path);

	faults_init(&f);
	add(p, "192.0.2.53", "73.14.0.1", NOW);
	add(p, "192.0.2.53", "73.14.0.1", NOW);
	add(p, "192.0.2.53", "70.162.0.1", NOW);
	client_pairs_write(p, NOW, &t);
	if (fd < 0 || write(fd, text_get(&t), t.len) != (ssize_t)t.len || close(fd) != 0)
		abort();
	struct resolver_clients *r = resolver_clients_read(path, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	client_pairs_recall(again, r, NOW);
	is_written(again, NOW + 7 * DAY, "192.0.2.53/32,73.14.0.0/24,1.0000\n192.0.2.53/32,70.162.0.0/24,0.5000\n");
	resolver_clients_drop(r);
	faults_fini(&f);
	text_fini(&t);
	unlink(path);
	client_pairs_free(p);
	client_pairs_free(again);
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
		{ "what was written is recalled as it counts by then", what_was_written_is_recalled_as_it_counts_by_then },
		{ "a new one takes the place of one that counts little", a_new_one_takes_the_place_of_one_that_counts_little },
	};

	unit_suite("measure/client_pairs", cases, UNIT_COUNT(cases));
}
