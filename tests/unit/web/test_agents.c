#include "web/manage.h"

#include "agent/seal.h"
#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static struct house h;
static struct net_address door;
static uint8_t key[SEAL_KEY];
static uint64_t last_sequence;

static void open_house(void)
{
	char conf[800];

	door = serving_address("127.0.0.1");
	for (unsigned i = 0; i < SEAL_KEY; i++)
		key[i] = (uint8_t)i;
	snprintf(conf, sizeof conf,
		"management: { listen: \"127.0.0.1:%u\" }\n"
		"latency: { half-life: 6h, agents: { ams: { key: \"" KEY_TEXT "\" } } }\n"
		"edges:\n"
		"  ams: { at: \"52,5\", a: 127.0.0.2 }\n"
		"  nyc: { at: \"40,-74\", a: 127.0.0.3 }\n"
		"pools: { web: { edges: [ ams, nyc ] } }\n",
		serving_port(&door));
	house_open(&h, conf);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

/* What differs from a good request of now. */
struct asking_agent {
	const char *method, *target, *body;
	const char *agent;     /* NULL: "ams" */
	const char *leave_out; /* a header field */
	int64_t time_by;       /* seconds that it is off */
	int64_t sequence_by;   /* microseconds */
	const char *time;      /* as text, instead */
	bool forged, again;    /* another key; the sequence of the one before */
};

/* Sends bytes and reads what comes until the server closes, while the loop turns. */
static const char *exchange(const char *request, size_t len)
{
	static char got[20000];
	size_t n = 0;
	const int fd = serving_connect(&door, SOCK_STREAM, NULL);

	CU_ASSERT_EQUAL(send(fd, request, len, MSG_NOSIGNAL), (ssize_t)len);
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

static const char *ask(const struct asking_agent *a)
{
	char request[9000], head[1000], hex[SEAL_HEX], numbers[2][32];
	const char *body = a->body ? a->body : "", *agent = a->agent ? a->agent : "ams";
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	const uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	if (!a->again)
		last_sequence = us > last_sequence ? us : last_sequence + 1;
	const struct seal s = { a->method, a->target, agent,
		(uint64_t)(now.tv_sec + a->time_by),
		(uint64_t)((int64_t)last_sequence + a->sequence_by) };
	uint8_t other[SEAL_KEY] = { 9 };
	seal_sign(hex, a->forged ? other : key, &s, body, strlen(body));
	snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)s.time_s);
	snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)s.sequence);
	const struct {
		const char *name, *value;
	} fields[] = { { SEAL_AGENT, agent }, { SEAL_TIME, a->time ? a->time : numbers[0] },
		{ SEAL_SEQUENCE, numbers[1] }, { SEAL_SIGNATURE, hex } };
	head[0] = 0;
	for (unsigned i = 0; i < 4; i++)
		if (!a->leave_out || strcmp(a->leave_out, fields[i].name) != 0)
			sprintf(head + strlen(head), "%s: %s\r\n", fields[i].name,
				fields[i].value);
	const int n = snprintf(request, sizeof request,
		"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: "
		"%zu\r\n\r\n%s",
		a->method, a->target, head, strlen(body), body);
	return exchange(request, (size_t)n);
}

struct row {
	const char *say;
	struct asking_agent ask;
	const char *status, *has;
};

static void check(const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = ask(&row[i].ask);
		if (strncmp(got, "HTTP/1.1 ", 9) == 0 &&
			strncmp(got + 9, row[i].status, 3) == 0 && strstr(got, row[i].has))
			continue;
		printf("%s: %s\n", row[i].say, got);
		CU_FAIL(row[i].say);
	}
}

#define REPORT  "POST", "/v1/latency"
#define TARGETS .method = "GET", .target = "/v1/targets?edge=ams"

/* None of these is even looked at twice. */
static void what_is_no_request_of_now_is_refused(void)
{
	static const struct row row[] = {
		{ "another path", { .method = "GET", .target = "/v1/" }, "404",
			"there is nothing here" },
		{ "one that begins alike", { .method = "POST", .target = "/v1/latency2" },
			"404", "nothing here" },
		{ "one that ends early", { .method = "POST", .target = "/v1/latenc" }, "404",
			"nothing here" },
		{ "another method", { .method = "GET", .target = "/v1/latency" }, "405",
			"/v1/latency takes POST only" },
		{ "the other one's", { .method = "POST", .target = "/v1/targets?edge=ams" },
			"405", "/v1/targets takes GET only" },
		{ "no agent", { REPORT, .body = "{}", .leave_out = SEAL_AGENT }, "401",
			"a request needs Waymark-Agent" },
		{ "no time", { REPORT, .body = "{}", .leave_out = SEAL_TIME }, "401", "needs" },
		{ "no sequence", { REPORT, .body = "{}", .leave_out = SEAL_SEQUENCE }, "401",
			"needs" },
		{ "no signature", { REPORT, .body = "{}", .leave_out = SEAL_SIGNATURE }, "401",
			"needs" },
		{ "a time that is none", { REPORT, .body = "{}", .time = "1.5" }, "400",
			"UNIX time in seconds" },
		{ "late", { REPORT, .body = "{}", .time_by = -75, .sequence_by = -75000000 },
			"401", "late: it was sent 7" },
		{ "early", { REPORT, .body = "{}", .time_by = 20, .sequence_by = 20000000 },
			"401", "early: its time is " },
		{ "ahead of itself", { REPORT, .body = "{}", .sequence_by = 3000000 }, "401",
			"its sequence is ahead of its time" },
		{ "what might have been taken before the start", { REPORT, .body = "{}" },
			"503", "the server has just started; come again" },
	};

	open_house();
	check(row, UNIT_COUNT(row));
	const char *got = ask(&row[13].ask);
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "Retry-After: 6\r\n"));
	const char *said = house_tell(&h, "status --json");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_malformed\": 10,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_untimely\": 5,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_reports\": 0,"));
	close_house();
}

#define NET(net, ms) \
	"{ \"net\": \"" net "\", \"rtt_ms\": " ms ", \"samples\": 4, \"age_s\": 1 }"
#define BODY(rows, edges)                                                                  \
	"{ \"version\": 1, \"taken\": 1700000000, \"networks\": [ " rows " ], \"edges\": " \
	"[ " edges " ] }"

static void who_is_signed_is_taken_once(void)
{
	static const struct row row[] = {
		{ "forged",
			{ REPORT, .body = BODY(NET("8.8.8.0/24", "12"), ""), .forged = true },
			"401", "there is no such agent (the nameserver's latency: agents), or this is not its signature or certificate" },
		{ "unknown", { REPORT, .body = BODY("", ""), .agent = "xyz" }, "401",
			"there is no such agent" },
		{ "another edge's targets",
			{ .method = "GET", .target = "/v1/targets?edge=nyc" }, "403",
			"an agent may ask for its own edge only" },
		{ "no edge's", { .method = "GET", .target = "/v1/targets" }, "400",
			"which edge?" },
		{ "no JSON", { REPORT, .body = "{" }, "400", "" },
		{ "a report", { REPORT, .body = BODY(NET("8.8.8.0/24", "112"), "") }, "200",
			"{\"rows\": 1, \"used\": 1}" },
		{ "the same once more",
			{ REPORT, .body = BODY(NET("8.8.8.0/24", "112"), ""), .again = true },
			"409", "a request with this sequence or a later one was taken before" },
		{ "of another edge",
			{ REPORT,
				.body = BODY("",
					"{ \"edge\": \"nyc\", \"rtt_ms\": 90, \"samples\": 3 "
					"}") },
			"200", "{\"rows\": 1, \"used\": 1}" },
		{ "of none that there is",
			{ REPORT,
				.body = BODY("",
					"{ \"edge\": \"xyz\", \"rtt_ms\": 90, \"samples\": 3 "
					"}") },
			"200", "{\"rows\": 1, \"used\": 0}" },
		{ "its targets", { TARGETS }, "200", SEAL_SIGNATURE ": " },
	};

	open_house();
	house_pass(&h, 6.5);
	check(row, UNIT_COUNT(row));
	/* What comes while rankings hold the table is in the next. */
	const char *said = house_tell(&h, "latency export");
	for (unsigned i = 0; i < 300 && !strstr(said, "ams,nyc,90"); i++) {
		house_pass(&h, 0.1);
		said = house_tell(&h, "latency export");
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "8.8.8.0/24,ams,112"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "ams,nyc,90"));
	said = house_tell(&h, "status --json");
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_reports\": 3,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_rows\": 2,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_questions\": 1,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_forged\": 3,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_replayed\": 1,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_malformed\": 2,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "\"agent_untimely\": 0,"));
	close_house();
}

static const struct unit_case cases[] = {
	{ "what is no request of now is refused", what_is_no_request_of_now_is_refused },
	{ "who is signed is taken, once", who_is_signed_is_taken_once },
};

void suite_agents(void);
void suite_agents(void)
{
	unit_suite("web/agents", cases, UNIT_COUNT(cases));
}
