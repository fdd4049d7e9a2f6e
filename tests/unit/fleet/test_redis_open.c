#include "fleet/redis_open.h"

#include "unit/fleet/asker.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { REPLY_MS = 60000 };

static void who_we_are_is_said_before_anything_else(void)
{
	static const struct {
		const char *url, *says;
	} row[] = {
		{ "redis://127.0.0.1:%u", "PING|ROLE|EXISTS k|" },
		{ "redis://:pw@127.0.0.1:%u", "AUTH pw|PING|ROLE|EXISTS k|" },
		{ "redis://me:pw@127.0.0.1:%u/3", "AUTH me pw|PING|SELECT 3|ROLE|EXISTS k|" },
	};
	static struct asker a;

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		asker_open(&a);
		asker_url(&a, row[i].url, a.engine.port);
		asker_begin(&a, NULL, REPLY_MS);
		CU_ASSERT_TRUE(asker_waits_ups(&a, 1));
		CU_ASSERT_STRING_EQUAL(a.engine.notes, row[i].says);
		CU_ASSERT_STRING_EQUAL(redis_where(a.r), a.at[0].shown);
		asker_close(&a);
	}
}

/* Each way out, and that it is tried again until it goes. */
static void who_cannot_be_used_is_told_why_and_asked_again(void)
{
	static const struct {
		const char *url;
		struct engine_line script[3];
		const char *why;
	} row[] = {
		{ "redis://:pw@127.0.0.1:%u", { { "AUTH", "-WRONGPASS invalid password\r\n" } }, ": WRONGPASS invalid" },
		{ "redis://:pw@127.0.0.1:%u", { { "AUTH", "-ERR unknown command `AUTH`, with args: `pw`\r\n" } },
			": does not know AUTH" },
		{ "redis://127.0.0.1:%u", { { "PING", "-NOAUTH Authentication required\r\n" } }, ": NOAUTH " },
		{ "redis://127.0.0.1:%u", { { "PING", "-LOADING the dataset\r\n" } }, ": LOADING the dataset" },
		{ "redis://127.0.0.1:%u/9", { { "SELECT", "-ERR DB index is out of range\r\n" } }, ": ERR DB index" },
		{ "redis://127.0.0.1:%u", { { "ROLE", "*2\r\n$5\r\nslave\r\n$1\r\nh\r\n" } },
			": is a replica, which takes no writes" },
		{ "redis://127.0.0.1:%u", { { "EXISTS", "-CLUSTERDOWN no slot\r\n" } }, ": CLUSTERDOWN no slot" },
		{ "redis://127.0.0.1:%u", { { "PING", NULL } }, ": closes the connection" },
		{ "redis://127.0.0.1:%u", { { "PING", "220 mail.example ESMTP\r\n" } }, ": does not speak the protocol" },
	};
	static struct asker a;

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		asker_open(&a);
		asker_url(&a, row[i].url, a.engine.port);
		a.engine.script = row[i].script;
		asker_begin(&a, NULL, REPLY_MS);
		CU_ASSERT_TRUE(asker_waits_fault(&a, row[i].why));
		CU_ASSERT_EQUAL(strncmp(redis_fault(a.r), a.at[0].shown, strlen(a.at[0].shown)), 0);
		CU_ASSERT_PTR_NULL(strstr(redis_fault(a.r), "pw"));
		CU_ASSERT(a.ups == 0 && a.downs == 0); /* it has never been up */
		a.engine.script = NULL;
		CU_ASSERT_TRUE(asker_waits_ups(&a, 1));
		asker_close(&a);
	}
}

static void who_may_not_ask_that_goes_on(void)
{
	static const struct engine_line strict[] = { { "PING", "-NOPERM no permissions\r\n" },
		{ "ROLE", "-NOPERM no permissions\r\n" }, { NULL, NULL } };
	static struct asker a;

	asker_open(&a);
	a.engine.script = strict;
	asker_connect(&a, REPLY_MS);
	CU_ASSERT_TRUE(redis_is_up(a.r));
	asker_close(&a);
}

static void the_next_url_is_taken_when_one_cannot_be_had(void)
{
	static const struct engine_line replica[] = { { "ROLE", "*1\r\n$5\r\nslave\r\n" }, { NULL, NULL } };
	static struct asker a;
	char both[300];

	asker_open(&a);
	a.engine.script = a.other.script = replica;
	asker_url(&a, "redis://127.0.0.1:%u", a.engine.port);
	asker_url(&a, "redis://127.0.0.1:%u", a.other.port);
	asker_begin(&a, NULL, REPLY_MS);
	snprintf(both, sizeof both, "%s: is a replica, which takes no writes; %s: is a replica", a.at[0].shown, a.at[1].shown);
	CU_ASSERT_TRUE(asker_waits_fault(&a, both));
	a.other.script = NULL;
	CU_ASSERT_TRUE(asker_waits_ups(&a, 1));
	CU_ASSERT_STRING_EQUAL(redis_where(a.r), a.at[1].shown);
	asker_close(&a);
}

/* --- who knows where it is ---------------------------------------------------------------- */

static void a_sentinel_says_where_the_master_is(void)
{
	static struct asker a;
	char address[100], where[200];
	const struct engine_line open[] = { { "SENTINEL", address }, { NULL, NULL } },
				 locked[] = { { "SENTINEL", "-NOAUTH Authentication required\r\n" }, { NULL, NULL } };

	asker_open(&a);
	snprintf(address, sizeof address, "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05u\r\n", a.other.port);
	a.engine.script = open;
	asker_url(&a, "redis+sentinel://:pw@127.0.0.1:%u/main/2", a.engine.port);
	asker_begin(&a, NULL, REPLY_MS);
	CU_ASSERT_TRUE(asker_waits_ups(&a, 1));
	/* The password is the Redis's own; the Sentinel gets it when it asks for one. */
	CU_ASSERT_STRING_EQUAL(a.engine.notes, "SENTINEL get-master-addr-by-name main|");
	CU_ASSERT_STRING_EQUAL(a.other.notes, "AUTH pw|PING|SELECT 2|ROLE|EXISTS k|");
	snprintf(where, sizeof where, "%s (127.0.0.1:%u)", a.at[0].shown, a.other.port);
	CU_ASSERT_STRING_EQUAL(redis_where(a.r), where);
	engine_forget(&a.engine);
	a.engine.script = locked;
	redis_again(a.r, "anew");
	CU_ASSERT_TRUE(asker_waits_fault(&a, ": NOAUTH "));
	CU_ASSERT_PTR_EQUAL(strstr(a.engine.notes, "SENTINEL get-master-addr-by-name main|AUTH pw|SENTINEL get-"),
		a.engine.notes);
	asker_close(&a);
}

static void a_sentinel_that_knows_no_such_master_is_told(void)
{
	static const char *const replies[] = { "*-1\r\n", "*2\r\n$1\r\nh\r\n$1\r\n0\r\n", "*2\r\n$1\r\nh\r\n$5\r\n65536\r\n",
		"*2\r\n$1\r\nh\r\n:7\r\n", "*1\r\n$1\r\nh\r\n", "+OK\r\n" };
	static struct asker a;

	for (unsigned i = 0; i < UNIT_COUNT(replies); i++) {
		const struct engine_line script[] = { { "SENTINEL", replies[i] }, { NULL, NULL } };
		asker_open(&a);
		a.engine.script = script;
		asker_url(&a, "redis+sentinel://127.0.0.1:%u/main", a.engine.port);
		asker_begin(&a, NULL, REPLY_MS);
		CU_ASSERT_TRUE(asker_waits_fault(&a, ": this Sentinel knows no master \"main\""));
		asker_close(&a);
	}
}

static void a_cluster_says_who_has_the_key(void)
{
	static struct asker a;
	char there[100], circle[100];
	const struct engine_line to_the_other[] = { { "EXISTS", there }, { NULL, NULL } },
				 back[] = { { "EXISTS", circle }, { NULL, NULL } };

	asker_open(&a);
	snprintf(there, sizeof there, "-MOVED 3999 127.0.0.1:%u\r\n", a.other.port);
	snprintf(circle, sizeof circle, "-MOVED 3999 :%u\r\n", a.engine.port); /* without a host: the same */
	a.engine.script = to_the_other;
	a.key = "waymark:{f}:hello";
	asker_url(&a, "redis://127.0.0.1:%u", a.engine.port);
	asker_begin(&a, NULL, REPLY_MS);
	CU_ASSERT_TRUE(asker_waits_ups(&a, 1));
	CU_ASSERT_STRING_EQUAL(a.engine.notes, "PING|ROLE|EXISTS waymark:{f}:hello|");
	CU_ASSERT_STRING_EQUAL(a.other.notes, "PING|ROLE|EXISTS waymark:{f}:hello|");
	a.other.script = back;
	redis_again(a.r, "anew");
	CU_ASSERT_TRUE(asker_waits_fault(&a, "its cluster sends us in circles"));
	asker_close(&a);
}

/* --- one that ends meanwhile -------------------------------------------------------------- */

static bool is_alone(void *ctx)
{
	return ((struct asker *)ctx)->engine.live == 0;
}

static void one_that_ends_while_it_connects_leaves_nothing_open(void)
{
	static const struct engine_line mute[] = { { "PING", "" }, { NULL, NULL } };
	static struct asker a;

	asker_open(&a);
	a.engine.script = mute;
	asker_url(&a, "redis://127.0.0.1:%u", a.engine.port);
	asker_begin(&a, NULL, REPLY_MS);
	CU_ASSERT_TRUE(asker_waits_commands(&a, 1));
	redis_free(a.r);
	a.r = NULL;
	CU_ASSERT_EQUAL(a.holder.refs, 2); /* the job's: what it borrows from */
	CU_ASSERT_TRUE(turns_until(a.loop, is_alone, &a));
	CU_ASSERT(a.ups == 0 && a.downs == 0);
	asker_close(&a);
}

void suite_redis_open(void)
{
	static const struct unit_case cases[] = {
		{ "who we are is said before anything else", who_we_are_is_said_before_anything_else },
		{ "who cannot be used is told why, and asked again", who_cannot_be_used_is_told_why_and_asked_again },
		{ "who may not ask that goes on", who_may_not_ask_that_goes_on },
		{ "the next URL is taken when one cannot be had", the_next_url_is_taken_when_one_cannot_be_had },
		{ "a Sentinel says where the master is", a_sentinel_says_where_the_master_is },
		{ "a Sentinel that knows no such master is told", a_sentinel_that_knows_no_such_master_is_told },
		{ "a cluster says who has the key", a_cluster_says_who_has_the_key },
		{ "one that ends while it connects leaves nothing open", one_that_ends_while_it_connects_leaves_nothing_open },
	};

	unit_suite("fleet/redis_open", cases, UNIT_COUNT(cases));
}
