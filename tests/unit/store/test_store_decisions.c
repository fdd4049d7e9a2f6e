#include "store/store_decisions.h"

#include "store/store.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[32], path[64];
static struct store *s;
static struct fault why;

static void begin(void)
{
	strcpy(dir, "/tmp/unit_kept.XXXXXX");
	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof path, "%s/store", dir);
	s = store_open(path, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
}

static void end(void)
{
	static const char *const behind[] = { "", "-wal", "-shm" };

	store_close(s);
	for (size_t i = 0; i < UNIT_COUNT(behind); i++) {
		char name[80];
		snprintf(name, sizeof name, "%s%s", path, behind[i]);
		unlink(name);
	}
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

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
	CU_ASSERT_TRUE(store_find_decisions(s, &ask, add_found, found, &why));
	return found;
}

static void decisions_are_found_and_go(void)
{
	static const uint8_t www[] = "\3www\1a", api[] = "\3api\1a";

	begin();
	const struct store_decision list[] = { decision(100, "203.0.113.0", www),
		decision(110, "203.0.113.0", api), decision(120, "203.0.114.0", www),
		decision(130, "203.0.113.0", www), decision(130, "2001:db8::", www) };
	CU_ASSERT_TRUE(store_add_decisions(s, list, 5, 1000, 0, &why));
	CU_ASSERT_STRING_EQUAL(find("203.0.113.0", "203.0.113.255", 1000, NULL, 2),
		"130 203.0.113.0 www.a. ams1;110 203.0.113.0 api.a. ams1;");
	CU_ASSERT_STRING_EQUAL(find("203.0.113.0", "203.0.113.255", 129, www, 9),
		"100 203.0.113.0 www.a. ams1;");
	CU_ASSERT_STRING_EQUAL(find("203.0.113.0", "203.0.113.255", 99, NULL, 9), "");
	CU_ASSERT_STRING_EQUAL(
		find("2001:db8::", "2001:db8::ff", 130, NULL, 9), "130 2001:db8:: www.a. ams1;");
	/* By age, and over a restart. */
	CU_ASSERT_TRUE(store_add_decisions(s, NULL, 0, 1000, 115, &why));
	store_close(s);
	s = store_open(path, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_STRING_EQUAL(
		find("0.0.0.0", "255.255.255.255", 1000, NULL, 9),
		"130 203.0.113.0 www.a. ams1;120 203.0.114.0 www.a. ams1;");
	/* By number: the oldest go. */
	CU_ASSERT_TRUE(store_add_decisions(s, list, 1, 2, 0, &why));
	CU_ASSERT_STRING_EQUAL(find("0.0.0.0", "255.255.255.255", 1000, NULL, 9),
		"100 203.0.113.0 www.a. ams1;");
	CU_ASSERT_STRING_EQUAL(
		find("2001:db8::", "2001:db8::ff", 130, NULL, 9), "130 2001:db8:: www.a. ams1;");
	CU_ASSERT_TRUE(store_add_decisions(s, NULL, 0, 1000, 1000, &why));
	CU_ASSERT_STRING_EQUAL(find("::", "ffff::", 1000, NULL, 9), "");
	end();
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

	begin();
	CU_ASSERT_TRUE(prefix_parse(&one.net, "203.0.113.0/24", &why));
	CU_ASSERT_TRUE(prefix_parse(&two.net, "203.0.113.0/25", &why));
	CU_ASSERT_TRUE(store_put_watch(s, &one, &why) && store_put_watch(s, &two, &why));
	one.until_s = 99;
	CU_ASSERT_TRUE(store_put_watch(s, &one, &why));
	CU_ASSERT_TRUE(store_drop_watch(s, &two.net, &why));
	*found = 0;
	CU_ASSERT_TRUE(store_each_watch(s, add_watch, found, &why));
	CU_ASSERT_STRING_EQUAL(found, "203.0.113.0/24 5-99 1000;");
	end();
}

void suite_store_decisions(void);
void suite_store_decisions(void)
{
	static const struct unit_case cases[] = {
		{ "decisions are found, and the oldest go", decisions_are_found_and_go },
		{ "who is watched is kept", watches_are_kept },
	};

	unit_suite("store/store_decisions", cases, UNIT_COUNT(cases));
}
