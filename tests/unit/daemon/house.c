#include "unit/daemon/house.h"

#include "unit/net/serving.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include "base/log.h"
#include "daemon/fleet_ask.h"
#include "daemon/key_ring.h"
#include "jobs/jobs.h"
#include "store/store.h"

#include <ev.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void house_configure(struct house *h, const char *more)
{
	struct text t = { 0 };

	text_addf(&t,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nzones: [ { dir: zones } "
		"]\n%s",
		serving_port(&h->at), more);
	site_put(&h->site, "t.yaml", text_get(&t));
	text_fini(&t);
}

void house_open(struct house *h, const char *more)
{
	memset(h, 0, sizeof *h);
	site_open(&h->site);
	h->at = serving_address("127.0.0.1");
	house_configure(h, more);
}

void house_close(struct house *h)
{
	text_fini(&h->out);
	site_close(&h->site);
}

static void hear(struct house *h)
{
	char path[] = "/tmp/unit_house.XXXXXX";

	h->log = mkstemp(path);
	unlink(path);
	fflush(stderr);
	h->err = dup(2);
	dup2(h->log, 2);
}

static void hear_no_more(struct house *h)
{
	fflush(stderr);
	dup2(h->err, 2);
	close(h->err);
	close(h->log);
}

bool house_start(struct house *h)
{
	struct server *s = &h->server;
	struct fault why;

	hear(h);
	*s = (struct server){ .loop = ev_loop_new(EVFLAG_NOENV), .conf_path = h->site.path };
	clock_gettime(CLOCK_MONOTONIC, &s->started);
	h->runs = server_read(s, &why);
	if (h->runs) {
		const bool ok = server_open_sockets(s, &why) && server_serve(s, &why);
		if (!ok)
			printf("%s\n", why.text);
		CU_ASSERT_TRUE_FATAL(ok);
		return true;
	}
	key_ring_close(s->ring);
	store_close(s->store);
	ev_loop_destroy(s->loop);
	house_log(h);
	hear_no_more(h);
	return false;
}

void house_stop(struct house *h)
{
	fleet_ask_stop(h->server.fleet_ask); /* jobs that wait for an engine end */
	CU_ASSERT_TRUE_FATAL(jobs_stop(h->server.jobs, 20)); /* or server_end() would end us */
	server_end(&h->server);
	house_log(h);
	hear_no_more(h);
	h->runs = false;
}

/* --- commands ----------------------------------------------------------------------------- */

static struct house *house_of(struct command_call *c)
{
	return (struct house *)((char *)c - offsetof(struct house, call));
}

static void done(struct command_call *c, int status)
{
	struct house *h = house_of(c);

	h->status = status;
	h->done = true;
}

/* Of a job's thread; the loop does not look at `out` meanwhile. */
static bool stream(struct command_call *c, const char *s, size_t len)
{
	text_add_bytes(&house_of(c)->out, s, len);
	return true;
}

static bool is_done(void *ctx)
{
	return ((struct house *)ctx)->done;
}

const char *house_tell_words(struct house *h, const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	text_fini(&h->out);
	h->out = (struct text){ 0 };
	h->call = (struct command_call){
		.uid = 0, .out = &h->out, .done = done, .stream = stream
	};
	h->done = false;
	const int status = commands_run(&h->server.commands, words, n, &h->call);
	if (status != COMMAND_LATER)
		h->status = status;
	else
		CU_ASSERT_TRUE_FATAL(turns_until(h->server.loop, is_done, h));
	return text_get(&h->out);
}

const char *house_tell(struct house *h, const char *words)
{
	char copy[512], *rest = copy;
	const char *list[COMMAND_WORDS_MOST + 1];
	size_t n = 0;

	snprintf(copy, sizeof copy, "%s", words);
	for (char *at; (at = strsep(&rest, " ")) && n < COMMAND_WORDS_MOST;)
		list[n++] = at;
	list[n] = NULL;
	return house_tell_words(h, list);
}

void house_say(struct house *h, const struct house_said *row, size_t n)
{
	char words[600];

	for (size_t i = 0; i < n; i++) {
		const char *folder = strstr(row[i].words, "%s");
		snprintf(words, sizeof words, "%.*s%s%s", (int)(folder ? (size_t)(folder - row[i].words) : strlen(row[i].words)),
			row[i].words, folder ? h->site.folder : "", folder ? folder + 2 : "");
		const char *got = house_tell(h, words);
		const bool has = row[i].has[0] == '!' ? !strstr(got, row[i].has + 1) : strstr(got, row[i].has) != NULL;
		if (h->status == row[i].status && has)
			continue;
		printf("%zu: %s: %d, %s\n", i, words, h->status, got);
		CU_FAIL("a command's answer");
	}
}

/* --- the log ------------------------------------------------------------------------------ */

static off_t peek(struct house *h)
{
	const off_t at = lseek(h->log, 0, SEEK_CUR);

	fflush(stderr);
	lseek(h->log, 0, SEEK_SET);
	const ssize_t n = read(h->log, h->said, sizeof h->said - 1);
	h->said[n > 0 ? n : 0] = 0;
	lseek(h->log, at, SEEK_SET);
	return n;
}

const char *house_log(struct house *h)
{
	peek(h);
	if (ftruncate(h->log, 0) != 0)
		abort();
	lseek(h->log, 0, SEEK_SET);
	return h->said;
}

struct wanted {
	struct house *h;
	const char *text;
};

static bool is_logged(void *ctx)
{
	const struct wanted *w = ctx;

	peek(w->h);
	return strstr(w->h->said, w->text) != NULL;
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
}

bool house_logs(struct house *h, const char *text)
{
	struct wanted w = { h, text };
	ev_timer look;

	/* A line may come without the loop being woken. */
	ev_timer_init(&look, on_look, 0.02, 0.02);
	ev_timer_start(h->server.loop, &look);
	const bool ok = turns_until(h->server.loop, is_logged, &w);
	ev_timer_stop(h->server.loop, &look);
	house_log(h);
	return ok;
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	*(bool *)t->data = true;
}

static bool is_true(void *ctx)
{
	return *(bool *)ctx;
}

void house_pass(struct house *h, double seconds)
{
	bool over = false;
	ev_timer t;

	ev_now_update(h->server.loop);
	ev_timer_init(&t, on_time, seconds, 0);
	t.data = &over;
	ev_timer_start(h->server.loop, &t);
	CU_ASSERT_TRUE(turns_until(h->server.loop, is_true, &over));
}

/* --- queries ------------------------------------------------------------------------------ */

const char *house_ask(struct house *h, const char *name)
{
	static char text[400];
	uint8_t packet[ASKING_PACKET], reply[1300];
	char question[200];
	const int fd = serving_connect(&h->at, SOCK_DGRAM, NULL);
	struct pollfd p = { fd, POLLIN, 0 };

	snprintf(question, sizeof question, "%s. A", name);
	const size_t len = asking_packet(packet, question);
	text[0] = 0;
	ssize_t n = -1;
	if (send(fd, packet, len, 0) == (ssize_t)len && poll(&p, 1, 20000) == 1)
		n = recv(fd, reply, sizeof reply, 0);
	close(fd);
	if (n < 12)
		return "nothing";
	if (reply[3] & 15)
		snprintf(text, sizeof text, "rcode %u", reply[3] & 15u);
	size_t at = len;
	for (unsigned i = be16_get(reply + 6); i; i--, at += 12u + be16_get(reply + at + 10))
		if (be16_get(reply + at + 2) == 1)
			sprintf(text + strlen(text), "%s%u.%u.%u.%u", *text ? " " : "",
				reply[at + 12], reply[at + 13], reply[at + 14], reply[at + 15]);
	return text;
}
