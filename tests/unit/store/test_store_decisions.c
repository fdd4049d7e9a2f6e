#include "store/store_decisions.h"

#include "base/landlock.h"
#include "store/store.h"
#include "unit/store/stored.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct addr at(const char *text)
{
	struct addr a;

	CU_ASSERT_TRUE_FATAL(addr_parse(&a, text));
	return a;
}

static struct store_decision decision(int64_t at_s, const char *client, const uint8_t *name)
{
	return (struct store_decision){ .at_s = at_s,
		.client = at(client),
		.source = at("192.0.2.53"),
		.name = name,
		.by_subnet = true,
		.ttl_s = 60,
		.scope = 24,
		.serial = 4294967295,
		.conf = 4294967294,
		.pool = "web",
		.edge = "ams1",
		.why = "best",
		.next = "",
		.health = "1 of 1 up" };
}

static char found[512];

static void add_found(void *ctx, const struct store_decision *d)
{
	char client[ADDR_TEXT], name[NAME_TEXT];

	CU_ASSERT_EQUAL(d->serial, 4294967295);
	CU_ASSERT_EQUAL(d->conf, 4294967294);
	CU_ASSERT_STRING_EQUAL(d->health, "1 of 1 up");
	snprintf(ctx + strlen(ctx), sizeof found - strlen(ctx), "%lld %s %s %s;", (long long)d->at_s,
		addr_text(client, &d->client), name_text(name, d->name), d->edge);
}

static const char *find(const char *from, const char *to, int64_t until_s, const uint8_t *name, unsigned most)
{
	const struct store_decisions_ask ask = { at(from), at(to), until_s, name, most };

	*found = 0;
	CU_ASSERT_TRUE(store_find_decisions(stored.s, &ask, add_found, found, &stored.why));
	return found;
}

static void decisions_are_found_and_go(void)
{
	static const uint8_t www[] = "\3www\1a", api[] = "\3api\1a";

	stored_begin();
	const struct store_decision list[] = { decision(100, "203.0.113.0", www),
		decision(110, "203.0.113.0", api), decision(120, "203.0.114.0", www),
		decision(130, "203.0.113.0", www), decision(130, "2001:db8::", www) };
	CU_ASSERT_TRUE(store_add_decisions(stored.s, list, 5, 1000, 0, &stored.why));
	CU_ASSERT_STRING_EQUAL(find("203.0.113.0", "203.0.113.255", 1000, NULL, 2),
		"130 203.0.113.0 www.a. ams1;110 203.0.113.0 api.a. ams1;");
	CU_ASSERT_STRING_EQUAL(find("203.0.113.0", "203.0.113.255", 129, www, 9),
		"100 203.0.113.0 www.a. ams1;");
	CU_ASSERT_STRING_EQUAL(find("203.0.113.0", "203.0.113.255", 99, NULL, 9), "");
	CU_ASSERT_STRING_EQUAL(
		find("2001:db8::", "2001:db8::ff", 130, NULL, 9), "130 2001:db8:: www.a. ams1;");
	/* By age, and over a restart. */
	CU_ASSERT_TRUE(store_add_decisions(stored.s, NULL, 0, 1000, 115, &stored.why));
	stored_again();
	CU_ASSERT_STRING_EQUAL(
		find("0.0.0.0", "255.255.255.255", 1000, NULL, 9),
		"130 203.0.113.0 www.a. ams1;120 203.0.114.0 www.a. ams1;");
	/* By number: the oldest go. */
	CU_ASSERT_TRUE(store_add_decisions(stored.s, list, 1, 2, 0, &stored.why));
	CU_ASSERT_STRING_EQUAL(find("0.0.0.0", "255.255.255.255", 1000, NULL, 9),
		"100 203.0.113.0 www.a. ams1;");
	CU_ASSERT_STRING_EQUAL(
		find("2001:db8::", "2001:db8::ff", 130, NULL, 9), "130 2001:db8:: www.a. ams1;");
	CU_ASSERT_TRUE(store_add_decisions(stored.s, NULL, 0, 1000, 1000, &stored.why));
	CU_ASSERT_STRING_EQUAL(find("::", "ffff::", 1000, NULL, 9), "");
	stored_end();
}

static void count_found(void *ctx, const struct store_decision *d)
{
	(void)d;
	++*(unsigned *)ctx;
}

/* 0: so it is; 100: there is no Landlock here. */
static int find_many(unsigned n)
{
	static const uint8_t www[] = "\3www\1a";
	static struct store_decision list[1000];
	const struct landlock_place places[] = { { stored.dir, true }, { "/dev", false } };
	const struct store_decisions_ask ask = { at("::"), at("ffff::"), INT64_MAX, NULL, n };
	unsigned all = 0;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!landlock_places(places, 2))
		return 100;
	struct store *s = store_open(stored.path, &stored.why);
	for (unsigned i = 0; s && i < n; i++) {
		list[i % 1000] = decision(i, "203.0.113.0", www);
		if (i % 1000 == 999 && !store_add_decisions(s, list, 1000, n, 0, &stored.why))
			return printf("\n%s\n", stored.why.text), 1;
	}
	if (!s || !store_find_decisions(s, &ask, count_found, &all, &stored.why))
		return printf("\n%s\n", stored.why.text), 2;
	return all == n ? 0 : 3;
}

static void what_is_sorted_wants_no_file_of_another_folder(void)
{
	int status = 0;

	stored_begin();
	fflush(stdout);
	const pid_t child = fork();
	if (child == 0) {
		const int wrong = find_many(30000);
		fflush(stdout);
		_exit(wrong);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) != 100)
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	stored_end();
}

static void add_watch(void *ctx, const struct store_watch *w)
{
	char net[ADDR_TEXT];

	snprintf(ctx + strlen(ctx), sizeof found - strlen(ctx), "%s %lld-%lld %u;", prefix_text(net, &w->net),
		(long long)w->since_s, (long long)w->until_s, w->uid);
}

static void watches_are_kept(void)
{
	struct store_watch one = { .since_s = 5, .until_s = 9, .uid = 1000 }, two = one;

	stored_begin();
	CU_ASSERT_TRUE(prefix_parse(&one.net, "203.0.113.0/24", &stored.why));
	CU_ASSERT_TRUE(prefix_parse(&two.net, "203.0.113.0/25", &stored.why));
	CU_ASSERT_TRUE(store_put_watch(stored.s, &one, &stored.why) && store_put_watch(stored.s, &two, &stored.why));
	one.until_s = 99;
	CU_ASSERT_TRUE(store_put_watch(stored.s, &one, &stored.why));
	CU_ASSERT_TRUE(store_drop_watch(stored.s, &two.net, &stored.why));
	*found = 0;
	CU_ASSERT_TRUE(store_each_watch(stored.s, add_watch, found, &stored.why));
	CU_ASSERT_STRING_EQUAL(found, "203.0.113.0/24 5-99 1000;");
	stored_end();
}

void suite_store_decisions(void);
void suite_store_decisions(void)
{
	static const struct unit_case cases[] = {
		{ "decisions are found, and the oldest go", decisions_are_found_and_go },
		{ "what is sorted wants no file of another folder", what_is_sorted_wants_no_file_of_another_folder },
		{ "who is watched is kept", watches_are_kept },
	};

	unit_suite("store/store_decisions", cases, UNIT_COUNT(cases));
}
