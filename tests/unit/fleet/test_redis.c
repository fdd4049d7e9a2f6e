#include "fleet/redis.h"

#include "unit/fleet/asker.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_MS = 60000, SHORT_MS = 20 };

static const struct engine_line silent[] = { { "GET", "" }, { "PING", "+PONG\r\n" }, { NULL, NULL } };

static void say(struct asker *a, const char *bytes)
{
	engine_send(&a->engine, bytes, strlen(bytes));
	turns_now(a->loop);
}

/* --- commands ----------------------------------------------------------------------------- */

static void replies_come_in_their_order_however_they_are_cut(void)
{
	static const char all[] = "$5\r\nhello\r\n:-7\r\n-ERR no such thing\r\n$-1\r\n*2\r\n:1\r\n:2\r\n+fine\r\n";
	static struct asker a;

	asker_open(&a);
	a.engine.script = silent;
	asker_connect(&a, LONG_MS);
	for (unsigned i = 0; i < 6; i++) {
		char words[20];
		snprintf(words, sizeof words, "GET %u", i);
		CU_ASSERT_TRUE(asker_send(&a, words));
	}
	CU_ASSERT_TRUE(asker_waits_commands(&a, 6));
	CU_ASSERT_STRING_EQUAL(a.engine.notes, "GET 0|GET 1|GET 2|GET 3|GET 4|GET 5|");
	CU_ASSERT_EQUAL(a.told, 0);
	for (const char *at = all; *at; at++) {
		engine_send(&a.engine, at, 1);
		turns_now(a.loop);
	}
	CU_ASSERT_TRUE(asker_waits_told(&a, 6));
	/* What one command is told of is no fault of the connection. */
	CU_ASSERT_STRING_EQUAL(a.heard, "$hello|:-7|-ERR no such thing|nil|*2|$fine|");
	CU_ASSERT_TRUE(redis_is_up(a.r));
	const struct redis_counts c = redis_counts(a.r);
	CU_ASSERT(c.commands == 6 && c.connects == 1 && c.bytes_in == sizeof all - 1);
	CU_ASSERT_EQUAL(c.bytes_out, 6 * strlen("*2\r\n$3\r\nGET\r\n$1\r\n0\r\n"));
	CU_ASSERT(c.reply_us && c.reply_us <= c.reply_most_us);
	asker_close(&a);
	CU_ASSERT_EQUAL(a.downs, 0);
}

static void more_replies_than_one_turn_takes_come_all(void)
{
	enum { MANY = 20000 };
	static struct asker a;
	static char all[MANY * 5];

	asker_open(&a);
	a.engine.script = silent;
	asker_connect(&a, LONG_MS);
	for (unsigned i = 0; i < MANY; i++) {
		memcpy(all + 5 * i, "$-1\r\n", 5);
		CU_ASSERT_TRUE(asker_send(&a, "GET x"));
	}
	CU_ASSERT_TRUE(asker_waits_commands(&a, MANY));
	engine_send(&a.engine, all, sizeof all);
	CU_ASSERT_TRUE(asker_waits_told(&a, MANY));
	CU_ASSERT(a.told == MANY && a.lost == 0);
	asker_close(&a);
}

static void a_command_larger_than_a_socket_goes_in_pieces(void)
{
	enum { LARGE = 6 << 20 };
	static struct asker a;
	char *value = malloc(LARGE);
	const struct redis_word words[] = { { "SET", 3 }, { "k", 1 }, { value, LARGE } };

	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	memset(value, '\n', LARGE);
	asker_open(&a);
	asker_connect(&a, LONG_MS);
	CU_ASSERT_TRUE(redis_send(a.r, words, 3, NULL, NULL)); /* whose reply nobody wants */
	CU_ASSERT_TRUE(asker_send(&a, "AFTER it"));
	CU_ASSERT_TRUE(asker_waits_told(&a, 1));
	CU_ASSERT_EQUAL(a.engine.commands, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.engine.notes, "|AFTER it|"));
	CU_ASSERT_EQUAL(redis_counts(a.r).bytes_out,
		LARGE + strlen("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6291456\r\n\r\n*2\r\n$5\r\nAFTER\r\n$2\r\nit\r\n"));
	asker_close(&a);
	free(value);
}

/* Whoever does not take or reply would cost memory without end. */
static void what_waits_to_be_sent_has_a_bound(void)
{
	enum { LARGE = 17 << 20 };
	static struct asker a;
	char *value = calloc(1, LARGE);
	const struct redis_word words[] = { { "GET", 3 }, { value, LARGE } };

	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	asker_open(&a);
	asker_connect(&a, LONG_MS);
	CU_ASSERT_TRUE(redis_send(a.r, words, 2, NULL, NULL));
	CU_ASSERT_TRUE(redis_send(a.r, words, 2, NULL, NULL));
	CU_ASSERT_FALSE(redis_send(a.r, words, 2, NULL, NULL)); /* of 34 MiB nothing has gone */
	CU_ASSERT_EQUAL(redis_counts(a.r).commands, 2);
	asker_close(&a);
	free(value);
}

static void what_waits_for_its_reply_has_a_bound(void)
{
	enum { WAIT_MOST = 65536 };
	static struct asker a;
	unsigned n = 0;

	asker_open(&a);
	asker_url(&a, "redis://127.0.0.1:%u", a.engine.port);
	asker_begin(&a, NULL, LONG_MS);
	CU_ASSERT_FALSE(asker_send(&a, "GET x")); /* it is not up yet */
	CU_ASSERT_TRUE(asker_waits_ups(&a, 1));
	while (n < 2 * WAIT_MOST && asker_send(&a, "GET x"))
		n++;
	CU_ASSERT_EQUAL(n, WAIT_MOST);
	redis_free(a.r);
	a.r = NULL;
	CU_ASSERT_EQUAL(a.lost, WAIT_MOST);
	asker_close(&a);
}

/* --- a connection that is lost ------------------------------------------------------------ */

/* What waits is told of before `down`. */
static void loses(struct asker *a, const char *what, const char *why)
{
	char expected[300];

	a->heard[0] = 0;
	engine_forget(&a->engine);
	CU_ASSERT_TRUE(asker_send(a, "GET a"));
	CU_ASSERT_TRUE(asker_send(a, "GET b"));
	CU_ASSERT_TRUE(asker_waits_commands(a, 2));
	const unsigned downs = a->downs;
	if (what) {
		say(a, what);
	} else {
		say(a, "$5\r\nhel");
		engine_hang_up(&a->engine);
	}
	CU_ASSERT_TRUE(asker_waits_downs(a, downs + 1));
	snprintf(expected, sizeof expected, "lost|lost|down redis://127.0.0.1:%u: %s|", a->engine.port, why);
	CU_ASSERT_STRING_EQUAL(a->heard, expected);
	CU_ASSERT_FALSE(asker_send(a, "GET c"));
}

static void comes_back(struct asker *a)
{
	CU_ASSERT_TRUE(asker_waits_ups(a, a->downs + 1));
	CU_ASSERT_STRING_EQUAL(redis_fault(a->r), "");
	CU_ASSERT_EQUAL(redis_counts(a->r).connects, a->downs + 1);
}

static void a_server_that_is_no_master_any_more_is_left(void)
{
	static const char *const says[] = { "MOVED 7 127.0.0.1:1", "READONLY You can't write against a replica",
		"LOADING Redis is loading", "MASTERDOWN Link is down", "CLUSTERDOWN Hash slot not served" };
	static struct asker a;
	char reply[100];

	for (unsigned i = 0; i < UNIT_COUNT(says); i++) {
		asker_open(&a);
		a.engine.script = silent;
		asker_connect(&a, LONG_MS);
		snprintf(reply, sizeof reply, "-%s\r\n", says[i]);
		loses(&a, reply, says[i]);
		asker_close(&a);
	}
}

static void a_connection_that_breaks_is_made_again(void)
{
	static struct asker a;

	asker_open(&a);
	a.engine.script = silent;
	asker_connect(&a, LONG_MS);
	loses(&a, NULL, "closes the connection"); /* amid a reply, which is not left over */
	comes_back(&a);
	loses(&a, "HTTP/1.1 400 Bad Request\r\n", "does not speak the protocol of Redis");
	comes_back(&a);
	/* And still all is well with it. */
	a.heard[0] = 0;
	CU_ASSERT_TRUE(asker_send(&a, "SET a b"));
	CU_ASSERT_TRUE(asker_waits_told(&a, a.told + 1));
	CU_ASSERT_STRING_EQUAL(a.heard, "$OK|");
	asker_close(&a);
}

static void a_reply_to_nothing_is_no_reply_to_the_next(void)
{
	static struct asker a;

	asker_open(&a);
	asker_connect(&a, LONG_MS);
	say(&a, "+OK\r\n");
	CU_ASSERT_TRUE(asker_waits_downs(&a, 1));
	CU_ASSERT_PTR_NOT_NULL(strstr(a.heard, ": replies to nothing|"));
	asker_close(&a);
}

static void half_a_reply_is_none_in_time(void)
{
	static const struct engine_line half[] = { { "GET", "$5\r\nhel" }, { NULL, NULL } };
	static struct asker a;

	asker_open(&a);
	a.engine.script = half;
	asker_connect(&a, SHORT_MS);
	CU_ASSERT_TRUE(asker_send(&a, "GET x"));
	CU_ASSERT_TRUE(asker_waits_downs(&a, 1));
	CU_ASSERT_EQUAL(strncmp(a.heard, "lost|down ", 10), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.heard, ": does not answer|"));
	/* Who is asked nothing is not late. */
	comes_back(&a);
	asker_close(&a);
}

static void it_can_be_told_to_connect_anew(void)
{
	static struct asker a;

	asker_open(&a);
	a.engine.script = silent;
	asker_connect(&a, LONG_MS);
	CU_ASSERT_TRUE(asker_send(&a, "GET x"));
	redis_again(a.r, "what we say does not come back");
	CU_ASSERT_PTR_NOT_NULL(strstr(a.heard, ": what we say does not come back|"));
	redis_again(a.r, "twice"); /* while it is down: nothing */
	CU_ASSERT_EQUAL(a.downs, 1);
	CU_ASSERT_TRUE(asker_waits_ups(&a, 2));
	asker_close(&a);
}

static void what_waits_is_told_of_when_it_ends(void)
{
	static struct asker a;

	asker_open(&a);
	a.engine.script = silent;
	asker_connect(&a, LONG_MS);
	CU_ASSERT_TRUE(asker_send(&a, "GET x"));
	redis_free(a.r);
	a.r = NULL;
	CU_ASSERT_STRING_EQUAL(a.heard, "lost|"); /* and no `down` */
	asker_close(&a);
}

/* --- one that listens --------------------------------------------------------------------- */

static void a_listener_is_up_when_nothing_is_missed_any_more(void)
{
	static const struct engine_line late[] = { { "SUBSCRIBE", "" }, { NULL, NULL } };
	static const char message[] = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\na\0\r\n\r\n";
	static struct asker a;

	asker_open(&a);
	a.engine.script = late;
	asker_url(&a, "redis://127.0.0.1:%u", a.engine.port);
	asker_begin(&a, "news", LONG_MS);
	CU_ASSERT_TRUE(asker_waits_commands(&a, 4));
	CU_ASSERT_STRING_EQUAL(a.engine.notes, "PING|ROLE|EXISTS k|SUBSCRIBE news|");
	CU_ASSERT_EQUAL(a.ups, 0);
	say(&a, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
	CU_ASSERT_TRUE(asker_waits_ups(&a, 1));
	CU_ASSERT_FALSE(asker_send(&a, "GET x"));
	/* What is no message of a channel is passed over. */
	say(&a, "*2\r\n$4\r\npong\r\n$0\r\n\r\n*0\r\n:7\r\n*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n:1\r\n");
	say(&a, "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$4\r\nnews\r\n$1\r\nx\r\n");
	engine_send(&a.engine, message, sizeof message - 1);
	CU_ASSERT_TRUE(asker_waits_told(&a, 1));
	CU_ASSERT_STRING_EQUAL(a.heard, "up|message 4 61 00 0d 0a|");
	say(&a, "-NOPERM no access to the channel\r\n");
	CU_ASSERT_TRUE(asker_waits_downs(&a, 1));
	CU_ASSERT_PTR_NOT_NULL(strstr(a.heard, ": NOPERM no access to the channel|"));
	asker_close(&a);
}

static void a_listener_asks_whether_it_is_still_there(void)
{
	/* It says no more after that. */
	static const struct engine_line mute[] = { { "PING", "" }, { NULL, NULL } };
	static struct asker a;

	asker_open(&a);
	asker_url(&a, "redis://127.0.0.1:%u", a.engine.port);
	asker_begin(&a, "news", SHORT_MS);
	CU_ASSERT_TRUE(asker_waits_ups(&a, 1));
	engine_forget(&a.engine);
	a.engine.script = mute;
	CU_ASSERT_TRUE(asker_waits_downs(&a, 1));
	CU_ASSERT_EQUAL(strncmp(a.engine.notes, "PING|", 5), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(a.heard, ": does not answer|"));
	asker_close(&a);
}

/* --- values ------------------------------------------------------------------------------- */

static void a_value_that_is_not_there_is_nothing(void)
{
	redisReply one = { .type = REDIS_REPLY_INTEGER, .integer = -9 }, nil = { .type = REDIS_REPLY_NIL },
		   text = { .type = REDIS_REPLY_STATUS, .str = (char[]){ "fine" }, .len = 4 };
	redisReply *of[] = { &one, &nil, &text };
	redisReply list = { .type = REDIS_REPLY_ARRAY, .elements = 3, .element = of };

	CU_ASSERT(redis_value(NULL).kind == REDIS_NOTHING && redis_value(&nil).kind == REDIS_NOTHING);
	CU_ASSERT(redis_item(&list, 0).kind == REDIS_NUMBER && redis_item(&list, 0).number == -9);
	CU_ASSERT(redis_item(&list, 2).len == 4 && strcmp(redis_item(&list, 2).s, "fine") == 0);
	CU_ASSERT(redis_value(&list).kind == REDIS_LIST && redis_value(&list).len == 3);
	/* Nobody need ask first: its text is "". */
	CU_ASSERT(redis_item(&list, 3).kind == REDIS_NOTHING && strcmp(redis_item(&list, 3).s, "") == 0);
	CU_ASSERT(redis_item(&one, 0).kind == REDIS_NOTHING && redis_item(NULL, 0).kind == REDIS_NOTHING);
	CU_ASSERT(redis_list(&list, 1) == &nil && redis_list(&text, 0) == NULL);
}

void suite_redis(void)
{
	static const struct unit_case cases[] = {
		{ "replies come in their order, however they are cut",
			replies_come_in_their_order_however_they_are_cut },
		{ "more replies than one turn takes come all", more_replies_than_one_turn_takes_come_all },
		{ "a command larger than a socket goes in pieces", a_command_larger_than_a_socket_goes_in_pieces },
		{ "what waits to be sent has a bound", what_waits_to_be_sent_has_a_bound },
		{ "what waits for its reply has a bound", what_waits_for_its_reply_has_a_bound },
		{ "a server that is no master any more is left", a_server_that_is_no_master_any_more_is_left },
		{ "a connection that breaks is made again", a_connection_that_breaks_is_made_again },
		{ "a reply to nothing is no reply to the next", a_reply_to_nothing_is_no_reply_to_the_next },
		{ "half a reply is none in time", half_a_reply_is_none_in_time },
		{ "it can be told to connect anew", it_can_be_told_to_connect_anew },
		{ "what waits is told of when it ends", what_waits_is_told_of_when_it_ends },
		{ "a listener is up when nothing is missed any more", a_listener_is_up_when_nothing_is_missed_any_more },
		{ "a listener asks whether it is still there", a_listener_asks_whether_it_is_still_there },
		{ "a value that is not there is nothing", a_value_that_is_not_there_is_nothing },
	};

	unit_suite("fleet/redis", cases, UNIT_COUNT(cases));
}
