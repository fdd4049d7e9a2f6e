#include "web/api.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct house h;
static struct net_address door;

static void open_house(void)
{
	char conf[1200];

	door = serving_address("127.0.0.1");
	snprintf(conf, sizeof conf,
		"store: { file: w.db }\n"
		"management: { listen: \"127.0.0.1:%u\", api: on }\n"
		"templates: { hosted: { write-back: store, nameservers: [ ns1.provider.test ], contact: a@provider.test } }\n"
		"edges:\n"
		"  ams: { at: \"52,5\", a: 192.0.2.1 }\n"
		"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"
		"pools: { web: { edges: [ ams, nyc ] } }\n",
		serving_port(&door));
	house_open(&h, conf);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_tell(&h, "zone add own.test hosted");
	CU_ASSERT_EQUAL_FATAL(h.status, 0);
	house_tell(&h, "zone add other.test hosted");
	CU_ASSERT_EQUAL_FATAL(h.status, 0);
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

/* A new one, and what it has to show. */
static void token(char to[static 80], const char *words)
{
	char all[200];

	snprintf(all, sizeof all, "token add %s", words);
	snprintf(to, 80, "%s", house_tell(&h, all));
	CU_ASSERT_EQUAL(h.status, 0);
	to[strcspn(to, "\n")] = 0;
	CU_ASSERT_TRUE(strlen(to) > 20);
}

/* The answer with its head, while the loop turns. `auth`: NULL: nothing is shown. */
static const char *ask(const char *auth, const char *method, const char *path, const char *body)
{
	static char got[200000];
	char request[4000];
	size_t n = 0;
	const int fd = serving_connect(&door, SOCK_STREAM, NULL);
	const int len = snprintf(request, sizeof request,
		"%s /api/v1%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%sContent-Length: %zu\r\n\r\n%s", method, path,
		auth ? "Authorization: " : "", auth ? auth : "", auth ? "\r\n" : "", strlen(body), body);

	CU_ASSERT_EQUAL(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (unsigned i = 0; i < 4000 && n < sizeof got - 1; i++) {
		const ssize_t more = recv(fd, got + n, sizeof got - 1 - n, 0);
		if (more == 0 || (more < 0 && errno != EAGAIN))
			break;
		n += more > 0 ? (size_t)more : 0;
		if (more < 0)
			house_pass(&h, 0.005);
	}
	close(fd);
	got[n] = 0;
	return got;
}

struct row {
	const char *method, *path, *body, *status;
	const char *has; /* "!what": it has not */
};

static void check(const char *secret, const struct row *row, size_t n)
{
	char auth[120];

	snprintf(auth, sizeof auth, "Bearer %s", secret ? secret : "");
	for (size_t i = 0; i < n; i++) {
		const char *got = ask(secret ? auth : NULL, row[i].method, row[i].path, row[i].body ? row[i].body : "");
		const bool has = row[i].has[0] == '!' ? !strstr(got, row[i].has + 1) : strstr(got, row[i].has) != NULL;
		if (strncmp(got, "HTTP/1.1 ", 9) == 0 && strncmp(got + 9, row[i].status, 3) == 0 && has)
			continue;
		printf("%s %s %s: %.600s\n", row[i].method, row[i].path, row[i].body ? row[i].body : "", got);
		CU_FAIL("an answer");
	}
}

static void without_a_token_nothing_is_said(void)
{
	static const struct row none[] = {
		{ "GET", "/status", NULL, "401", "a token is wanted" },
		{ "GET", "/nothing", NULL, "401", "WWW-Authenticate: Waymark\r\n" },
		{ "POST", "/edges/ams/force", "{\"state\": \"down\"}", "401", "a token is wanted" },
		{ "GET", "/openapi.json", NULL, "200", "What waymarkctl can" },
	};
	static const struct row wrong[] = {
		{ "GET", "/status", NULL, "401", "this token is none, or not any more" },
		{ "POST", "/edges/ams/force", "{\"state\": \"down\"}", "401", "this token is none" },
	};

	open_house();
	check(NULL, none, UNIT_COUNT(none));
	check("wmk_0000000000000000000000000000000000000000000", wrong, UNIT_COUNT(wrong));
	check("", wrong, UNIT_COUNT(wrong));
	CU_ASSERT_EQUAL(strncmp(ask("Basic YTpi", "GET", "/status", "") + 9, "401", 3), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "changes"), "no edge is forced"));
	close_house();
}

static void each_role_may_what_it_is_for(void)
{
	static const struct row reads[] = {
		{ "GET", "/status", NULL, "200", "\"zones\": 4" },
		{ "GET", "/token", NULL, "200", "\"role\": \"read\"" },
		{ "GET", "/pools/web", NULL, "200", "\"pool\": \"web\"" },
		{ "GET", "/zones/own.test/records", NULL, "200", "text/dns" },
		{ "GET", "/tokens", NULL, "403", "this token may not do that: see its role" },
		{ "GET", "/audit", NULL, "403", "see its role" },
		{ "POST", "/edges/ams/force", "{\"state\": \"down\"}", "403", "see its role" },
		{ "POST", "/reload", "{}", "403", "see its role" },
		{ "POST", "/zones/own.test/notify", "{}", "403", "see its role" },
	};
	static const struct row operates[] = {
		{ "GET", "/token", NULL, "200", "\"name\": \"ops\"" },
		{ "POST", "/edges/ams/force", "{\"state\": \"drain\", \"for\": \"1h\"}", "200", "{\"said\": \"ams: " },
		{ "GET", "/edges", NULL, "200", "\"who\": \"token ops\"" },
		{ "POST", "/reload", "{}", "403", "see its role" },
		{ "POST", "/tokens", "{\"name\": \"me\", \"role\": \"admin\"}", "403", "see its role" },
		{ "DELETE", "/zones/own.test", NULL, "403", "see its role" },
	};
	static const struct row admins[] = {
		{ "POST", "/reload", "{}", "200", "{" },
		{ "GET", "/tokens", NULL, "200", "\"name\": \"eyes\"" },
		{ "POST", "/tokens", "{\"name\": \"new\", \"role\": \"read\"}", "200", "{\"said\": \"" },
		{ "POST", "/tokens", "{\"name\": \"new\", \"role\": \"read\"}", "409", "there is a token new already" },
		{ "DELETE", "/tokens/new", NULL, "200", "new may use the API no more" },
		{ "DELETE", "/tokens/new", NULL, "409", "there is no token new" },
		{ "DELETE", "/tokens/eyes", NULL, "200", "eyes may use the API no more" },
	};
	static const struct row gone[] = { { "GET", "/status", NULL, "401", "this token is none, or not any more" } };
	char eyes[80], ops[80], boss[80];

	open_house();
	token(eyes, "eyes --role read");
	token(ops, "ops --role operate");
	token(boss, "boss --role admin");
	check(eyes, reads, UNIT_COUNT(reads));
	check(ops, operates, UNIT_COUNT(operates));
	check(boss, admins, UNIT_COUNT(admins));
	check(eyes, gone, 1);
	close_house();
}

static void a_token_for_zones_may_theirs_alone(void)
{
	static const struct row row[] = {
		{ "GET", "/token", NULL, "200", "\"zones\": \"own.test\"" },
		{ "GET", "/zones/own.test", NULL, "200", "own.test" },
		{ "GET", "/zones/own.test/status", NULL, "200", "own.test" },
		{ "GET", "/zones/other.test", NULL, "403", "this token is for its zones alone" },
		{ "GET", "/zones/a.own.test", NULL, "403", "this token is for its zones alone" },
		{ "GET", "/status", NULL, "403", "this token is for its zones alone" },
		{ "GET", "/zones", NULL, "403", "this token is for its zones alone" },
		{ "DELETE", "/zones/own.test", NULL, "403", "this token is for its zones alone" },
		{ "POST", "/zones/own.test/changes", "{\"set\": [ {\"owner\": \"w\", \"type\": \"A\", \"data\": \"192.0.2.9\"} ]}", "200",
			"own.test" },
		{ "POST", "/zones/other.test/changes", "{\"set\": [ {\"owner\": \"w\", \"type\": \"A\", \"data\": \"192.0.2.9\"} ]}",
			"403", "this token is for its zones alone" },
	};
	char secret[80];

	open_house();
	token(secret, "z --role zones --zones own.test");
	check(secret, row, UNIT_COUNT(row));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.own.test"), "192.0.2.9");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.other.test"), "rcode 3");
	close_house();
}

static void requests_that_make_no_sense_do_nothing(void)
{
	static const struct row row[] = {
		{ "GET", "/nothing", NULL, "404", "there is nothing here (/api/v1/openapi.json has all paths)" },
		{ "GET", "/", NULL, "404", "there is nothing here" },
		{ "DELETE", "/status", NULL, "405", "/status takes GET" },
		{ "PUT", "/status", NULL, "405", "" },
		{ "GET", "/status?x=1", NULL, "400", "x" },
		{ "GET", "/pools/nobody", NULL, "409", "nobody" },
		{ "GET", "/explain?name=w", NULL, "400", "client" },
		{ "POST", "/edges/ams/force", "", "400", "" },
		{ "POST", "/edges/ams/force", "[]", "400", "" },
		{ "POST", "/edges/ams/force", "{\"state\": \"down\"", "400", "" },
		{ "POST", "/edges/ams/force", "{}", "400", "state" },
		{ "POST", "/edges/ams/force", "{\"state\": \"sideways\"}", "409", "is no state (up, down, drain" },
		{ "POST", "/edges/ams/force", "{\"state\": \"down\", \"who\": \"me\"}", "400", "who" },
		{ "POST", "/edges/none/force", "{\"state\": \"down\"}", "409", "none" },
		{ "POST", "/edges/--here/force", "{\"state\": \"down\"}", "404", "there is nothing here" },
		{ "POST", "/edges/ams/force", "{\"state\": \"weight\"}", "400", "usage: waymarkctl force EDGE" },
	};
	char secret[80];

	open_house();
	token(secret, "boss --role admin");
	check(secret, row, UNIT_COUNT(row));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "changes"), "no edge is forced"));
	close_house();
}

/* All or nothing; which of them is wrong is told, and what is only tried is not there. */
static void changes_of_a_zone_come_all_at_once(void)
{
#define W "{\"owner\": \"w\", \"type\": \"A\", \"data\": \"192.0.2.9\"}"
	static const struct row row[] = {
		{ "POST", "/zones/own.test/changes", "{\"set\": [ " W " ], \"dry_run\": true}", "200", "192.0.2.9" },
		{ "POST", "/zones/own.test/changes", "{}", "400", "nothing is to be set or unset" },
		{ "POST", "/zones/own.test/changes", "{\"set\": [ " W " ], \"x\": 1}", "400", "x is nothing that this takes" },
		{ "POST", "/zones/own.test/changes", "{\"set\": " W "}", "400", "set is a list of records" },
		{ "POST", "/zones/own.test/changes", "{\"set\": [ " W " ], \"dry_run\": 1}", "400", "dry_run is true or false" },
		{ "POST", "/zones/own.test/changes", "{\"set\": [ " W " ], \"serial\": \"1\"}", "400", "serial a number" },
		{ "POST", "/zones/own.test/changes", "{\"set\": [ " W ", {\"owner\": \"v\", \"type\": \"A\"} ]}", "400", "set: record 2" },
		{ "POST", "/zones/own.test/changes", "{\"unset\": [ {\"owner\": \"w\", \"data\": \"x\"} ]}", "400", "unset: record 1" },
		{ "POST", "/zones/own.test/changes", "{\"set\": [ {\"owner\": \"w\", \"type\": \"A\", \"data\": \"192.0.2.9\", \"ttl\": -1} ]}",
			"400", "ttl is a number of seconds" },
		{ "POST", "/zones/own.test/changes", "{\"set\": [ " W ", {\"owner\": \"v\", \"type\": \"A\", \"data\": \"nope\"} ]}", "409",
			"\"in\": \"set\", \"record\": 2" },
		{ "POST", "/zones/own.test/changes",
			"{\"unset\": [ {\"owner\": \"u\", \"type\": \"NOPE\"} ], \"set\": [ " W " ]}", "409", "\"in\": \"unset\", \"record\": 1" },
		{ "POST", "/zones/own.test/changes", "{\"set\": [ " W " ], \"serial\": 77}", "409", "serial" },
		{ "POST", "/zones/none.test/changes", "{\"set\": [ " W " ]}", "409", "none.test" },
	};
	static const struct row done[] = {
		{ "POST", "/zones/own.test/changes", "{\"set\": [ " W ", {\"owner\": \"@\", \"type\": \"MX\", \"data\": \"1 w\", \"ttl\": 77} ]}",
			"200", "own.test" },
		{ "GET", "/zones/own.test/records", NULL, "200", "\t77\tIN\tMX 1 w.own.test." },
		{ "POST", "/zones/own.test/changes", "{\"unset\": [ {\"owner\": \"w\"} ], \"set\": [ {\"owner\": \"v\", \"type\": \"A\", "
						     "\"data\": \"192.0.2.8\"} ]}", "200", "own.test" },
	};
	char secret[80];

	open_house();
	token(secret, "boss --role admin");
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		check(secret, &row[i], 1);
		CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.own.test"), "rcode 3");
	}
	check(secret, done, UNIT_COUNT(done));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "w.own.test"), "rcode 3");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "v.own.test"), "192.0.2.8");
	close_house();
}

static void who_did_what_is_written_down(void)
{
	static const struct row row[] = {
		{ "POST", "/edges/ams/force", "{\"state\": \"down\", \"why\": \"new disks\"}", "200", "" },
		{ "POST", "/tokens", "{\"name\": \"new\", \"role\": \"read\"}", "200", "{\"said\": \"" },
		{ "GET", "/status", NULL, "200", "" },
		{ "POST", "/edges/none/force", "{\"state\": \"down\"}", "409", "" },
	};
	char secret[80];

	open_house();
	token(secret, "boss --role admin");
	check(secret, row, UNIT_COUNT(row));
	const char *said = house_tell(&h, "audit");
	for (unsigned i = 0; i < 300 && !strstr(said, "force none down"); i++) {
		house_pass(&h, 0.1);
		said = house_tell(&h, "audit");
	}
	const char *done = strstr(said, "token boss from 127.0.0.1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(done);
	CU_ASSERT_PTR_NOT_NULL(strstr(done, ": force ams down --why new disks: done\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, ": force none down: "));
	CU_ASSERT_PTR_NULL(strstr(said, ": force none down: done"));
	CU_ASSERT_PTR_NULL(strstr(said, "status"));    /* changes nothing */
	CU_ASSERT_PTR_NULL(strstr(said, secret));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "token add new --role read: done\n"));
	json_t *list = json_loads(house_tell(&h, "audit --last 1 --json"), 0, NULL);
	CU_ASSERT_EQUAL(json_array_size(list), 1);
	const json_t *one = json_array_get(list, 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "what")), "force none down");
	CU_ASSERT_TRUE(json_is_false(json_object_get(one, "done")));
	json_decref(list);
	static const struct house_said wrong[] = { { "audit --last 0", 2, "" }, { "audit --last 10001", 2, "" },
		{ "audit --last x", 2, "" }, { "audit more", 2, "" }, { "audit --last 10000", 0, "force ams down" } };
	house_say(&h, wrong, UNIT_COUNT(wrong));
	close_house();
}

static void what_no_token_can_be_is_refused(void)
{
	static const struct house_said row[] = {
		{ "token list", 0, "there are no tokens\n" },
		{ "token list --json", 0, "[]\n" },
		{ "token add a", 2, "" },
		{ "token add", 2, "" },
		{ "token add a b --role read", 2, "" },
		{ "token add a/b --role read", 1, "a/b: a name has letters, digits" },
		{ "token add -a --role read", 1, "-a: a name has letters" },
		{ "token add a --role king", 1, "--role king: read, operate, zones or admin\n" },
		{ "token add a --role zones", 1, "--zones goes with --role zones" },
		{ "token add a --role read --zones x", 1, "--zones goes with --role zones" },
		{ "token add a --role read --for 0s", 1, "--for 0s: a duration is wanted, such as 90d\n" },
		{ "token add a --role read --for soon", 1, "--for soon: a duration is wanted" },
		{ "token add a --role read --for 4000d", 1, "--for 4000d: a duration is wanted" },
		{ "token add a --role read --for 3660d", 0, "This is shown once, and is stored nowhere.\n" },
		{ "token add a --role read", 1, "there is a token a already (\"token revoke a\")\n" },
		{ "token add b --role zones --zones x.test,*.y.test", 0, "shown once" },
		{ "token list", 0, "not used since the start" },
		{ "token list", 0, "x.test,*.y.test" },
		{ "token self --json", 0, "\"role\": \"admin\"" },
		{ "token self", 2, "" },
		{ "token revoke c", 1, "there is no token c (\"token list\")\n" },
		{ "token revoke a", 0, "a may use the API no more\n" },
		{ "token revoke a", 1, "there is no token a" },
		{ "token list --json", 0, "!\"a\"" },
		{ "token rename a b", 2, "" },
	};

	open_house();
	house_say(&h, row, UNIT_COUNT(row));
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "token list"), "x.test,*.y.test"));
	close_house();
}

static const struct unit_case cases[] = {
	{ "without a token nothing is said", without_a_token_nothing_is_said },
	{ "each role may what it is for", each_role_may_what_it_is_for },
	{ "a token for zones may theirs alone", a_token_for_zones_may_theirs_alone },
	{ "requests that make no sense do nothing", requests_that_make_no_sense_do_nothing },
	{ "changes of a zone come all at once", changes_of_a_zone_come_all_at_once },
	{ "who did what is written down", who_did_what_is_written_down },
	{ "what no token can be is refused", what_no_token_can_be_is_refused },
};

void suite_api(void);
void suite_api(void)
{
	unit_suite("web/api", cases, UNIT_COUNT(cases));
}
