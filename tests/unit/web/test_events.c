#include "web/events.h"

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
	char conf[400];

	door = serving_address("127.0.0.1");
	snprintf(conf, sizeof conf, "store: { file: w.db }\nmanagement: { listen: \"127.0.0.1:%u\", api: on }\n" SITE_EDGES SITE_POOLS, serving_port(&door));
	house_open(&h, conf);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

/* Who listens, and what has come. */
struct listener {
	int fd;
	bool ended;
	size_t n;
	char got[20000];
};

static void token(char to[static 80], const char *name)
{
	char words[100];

	snprintf(words, sizeof words, "token add %s --role read", name);
	snprintf(to, 80, "%s", house_tell(&h, words));
	CU_ASSERT_EQUAL(h.status, 0);
	to[strcspn(to, "\n")] = 0;
}

static void listen_to(struct listener *l, const char *secret, const char *path)
{
	char request[300];
	const int len = snprintf(request, sizeof request, "GET /api/v1%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", path, secret);

	*l = (struct listener){ .fd = serving_connect(&door, SOCK_STREAM, NULL) };
	CU_ASSERT_EQUAL(send(l->fd, request, (size_t)len, MSG_NOSIGNAL), len);
	fcntl(l->fd, F_SETFL, O_NONBLOCK);
}

static void leave(struct listener *l)
{
	close(l->fd);
}

static void look(struct listener *l)
{
	const ssize_t n = recv(l->fd, l->got + l->n, sizeof l->got - 1 - l->n, 0);

	l->ended = l->ended || n == 0 || (n < 0 && errno != EAGAIN);
	l->n += n > 0 ? (size_t)n : 0;
	l->got[l->n] = 0;
}

static unsigned count(const struct listener *l, const char *what)
{
	unsigned n = 0;

	for (const char *at = l->got; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

/* Until so many of them have come, while the loop turns. */
static bool hears(struct listener *l, const char *what, unsigned n)
{
	for (unsigned i = 0; i < 4000 && count(l, what) < n; i++) {
		house_pass(&h, 0.002);
		look(l);
	}
	return count(l, what) >= n;
}

static bool ends(struct listener *l)
{
	for (unsigned i = 0; i < 4000 && !l->ended; i++) {
		house_pass(&h, 0.002);
		look(l);
	}
	return l->ended;
}

/* Each event's data is JSON in one line, and another than before. */
static bool is_news(const struct listener *l)
{
	const char *last = "", *data;
	size_t last_len = 0;
	bool ok = count(l, "\ndata: ") > 0;

	for (const char *at = l->got; ok && (data = strstr(at, "\ndata: ")) && strstr(data, "\n\n"); at = data) {
		data += strlen("\ndata: ");
		const size_t len = strcspn(data, "\n");
		json_t *o = json_loadb(data, len, JSON_DECODE_ANY, NULL);
		ok = o && data[len + 1] == '\n' && (len != last_len || memcmp(data, last, len) != 0);
		json_decref(o);
		last = data;
		last_len = len;
	}
	return ok;
}

static void an_event_comes_at_once_and_then_what_is_other(void)
{
	static struct listener rates, jobs, late;
	char secret[80], other[80];

	open_house();
	token(secret, "one");
	token(other, "two");
	listen_to(&rates, secret, "/rates/events");
	listen_to(&jobs, secret, "/jobs/events");
	CU_ASSERT_TRUE(hears(&rates, "event: rates\ndata: ", 1));
	CU_ASSERT_TRUE(hears(&jobs, "event: jobs\ndata: ", 1));
	CU_ASSERT_TRUE(strncmp(rates.got, "HTTP/1.1 200 ", 13) == 0 && strstr(rates.got, "Content-Type: text/event-stream\r\n"));
	CU_ASSERT_TRUE(hears(&rates, "\n\n", 1) && hears(&jobs, "\n\n", 1));
	/* Who comes later hears what was said last. */
	listen_to(&late, other, "/jobs/events");
	CU_ASSERT_TRUE(hears(&late, "event: jobs\ndata: ", 1));
	/* A second later: rates say the moment, and are another thing each time; jobs are told of when they are others. A token
	 * that is none any more ends its stream. */
	house_tell(&h, "token revoke two");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_TRUE(hears(&rates, "event: rates\ndata: ", 2));
	CU_ASSERT_TRUE(ends(&late));
	look(&jobs);
	CU_ASSERT_TRUE(is_news(&jobs) && is_news(&rates));
	CU_ASSERT_EQUAL(count(&rates, "event: jobs") + count(&jobs, "event: rates"), 0);
	CU_ASSERT_TRUE(!jobs.ended && !rates.ended);
	leave(&late);
	/* Nobody is left behind by a server that stops. */
	house_stop(&h);
	look(&jobs);
	look(&jobs);
	CU_ASSERT_TRUE(jobs.ended);
	leave(&jobs);
	leave(&rates);
	house_close(&h);
}

static void so_many_may_listen_and_no_more(void)
{
	static struct listener all[EVENTS_STREAMS_MOST], more;
	char secret[80];

	open_house();
	token(secret, "one");
	for (unsigned i = 0; i < EVENTS_STREAMS_MOST; i++) {
		listen_to(&all[i], secret, "/jobs/events");
		CU_ASSERT_TRUE(hears(&all[i], "event: jobs\ndata: ", 1));
	}
	listen_to(&more, secret, "/jobs/events");
	CU_ASSERT_TRUE(ends(&more));
	CU_ASSERT_EQUAL(strncmp(more.got, "HTTP/1.1 503 ", 13), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(more.got, "too many listen already"));
	CU_ASSERT_PTR_NOT_NULL(strstr(more.got, "Retry-After: 10\r\n"));
	leave(&more);
	for (unsigned i = 0; i < EVENTS_STREAMS_MOST; i++)
		leave(&all[i]);
	house_stop(&h);
	house_close(&h);
}

/* All that listen are told so when the API is turned off. */
static void without_the_api_nobody_listens(void)
{
	static struct listener jobs;
	char secret[80], conf[400];

	open_house();
	token(secret, "one");
	listen_to(&jobs, secret, "/jobs/events");
	CU_ASSERT_TRUE(hears(&jobs, "event: jobs\ndata: ", 1));
	snprintf(conf, sizeof conf, "store: { file: w.db }\nmanagement: { listen: \"127.0.0.1:%u\" }\n" SITE_EDGES SITE_POOLS, serving_port(&door));
	house_configure(&h, conf);
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_TRUE(ends(&jobs));
	leave(&jobs);
	house_stop(&h);
	house_close(&h);
}

static const struct unit_case cases[] = {
	{ "an event comes at once, and then what is other", an_event_comes_at_once_and_then_what_is_other },
	{ "so many may listen, and no more", so_many_may_listen_and_no_more },
	{ "without the API nobody listens", without_the_api_nobody_listens },
};

void suite_events(void);
void suite_events(void)
{
	unit_suite("web/events", cases, UNIT_COUNT(cases));
}
