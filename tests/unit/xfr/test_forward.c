#include "xfr/forward.h"

#include "base/addr.h"
#include "dns/query.h"
#include "unit/unit.h"

#include <arpa/inet.h>
#include <ev.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static const uint8_t message[] = "\x12\x34\x28\0\0\1\0\0\0\0\0\0\7example\0\0\6\0\1";

static void an_answer_is_one_by_its_id_its_opcode_and_its_bit(void)
{
	static const struct {
		const char *say, *bytes;
		size_t len;
		bool is;
	} row[] = {
		{ "good", "\x12\x34\xa8\0\0\0\0\0\0\0\0\0", 12, true },
		{ "another ID", "\x12\x35\xa8\0\0\0\0\0\0\0\0\0", 12, false },
		{ "our own", "\x12\x34\x28\0\0\0\0\0\0\0\0\0", 12, false },
		{ "of a query", "\x12\x34\x80\0\0\0\0\0\0\0\0\0", 12, false },
		{ "cut short", "\x12\x34\xa8\0\0\0\0\0\0\0\0", 11, false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(forward_is_answer((const uint8_t *)row[i].bytes, row[i].len, message),
			row[i].is);
}

/* What the primary says of the update itself; what it says of itself, others are asked about. */
static void what_a_primary_says_of_the_update_settles_it(void)
{
	static const bool settles[] = { true, false, false, true, false, true, true, true, true, false, true };

	for (unsigned rcode = 0; rcode < UNIT_COUNT(settles); rcode++) {
		const uint8_t packet[QUERY_HEADER] = { 0x12, 0x34, 0xa8, (uint8_t)rcode };
		CU_ASSERT_EQUAL(forward_settles(packet), settles[rcode]);
	}
}

/* --- several primaries -------------------------------------------------------------------- */

/* Listens and answers each message with an RCODE; 16 closes instead. */
struct primary {
	ev_io listen, io;
	unsigned rcode, asked;
};

static void on_message(struct ev_loop *loop, ev_io *io, int events)
{
	struct primary *p = io->data;
	uint8_t in[512], out[2 + QUERY_HEADER] = { 0, QUERY_HEADER };
	const ssize_t n = read(io->fd, in, sizeof in);

	(void)events;
	if (n > 0) {
		CU_ASSERT_EQUAL(n, 2 + (ssize_t)sizeof message - 1);
		CU_ASSERT_EQUAL(memcmp(in + 2, message, sizeof message - 1), 0);
		p->asked++;
		memcpy(out + 2, in + 2, 2);
		out[4] = 0xa8;
		out[5] = (uint8_t)p->rcode;
	}
	if (n > 0 && p->rcode < 16) {
		CU_ASSERT_EQUAL(write(io->fd, out, sizeof out), sizeof out);
		return;
	}
	ev_io_stop(loop, io);
	close(io->fd);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
	struct primary *p = io->data;

	(void)events;
	ev_io_init(&p->io, on_message, accept(io->fd, NULL, NULL), EV_READ);
	p->io.data = p;
	ev_io_start(loop, &p->io);
}

static struct forward_to primary_open(struct ev_loop *loop, struct primary *p, unsigned rcode)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct forward_to to = { .name = "pri", .len = sizeof in };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*p = (struct primary){ .rcode = rcode };
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	listen(fd, 1);
	getsockname(fd, (struct sockaddr *)&to.at, &to.len);
	ev_io_init(&p->listen, on_connection, fd, EV_READ);
	p->listen.data = p;
	ev_io_start(loop, &p->listen);
	return to;
}

static void primary_close(struct ev_loop *loop, struct primary *p)
{
	ev_io_stop(loop, &p->listen);
	close(p->listen.fd);
	if (ev_is_active(&p->io)) {
		ev_io_stop(loop, &p->io);
		close(p->io.fd);
	}
}

struct ended {
	struct ev_loop *loop;
	int rcode; /* -1: nobody has answered */
	unsigned times;
};

static void done(void *ctx, const uint8_t *packet, size_t len, const char *why)
{
	struct ended *e = ctx;

	e->times++;
	e->rcode = packet && len ? packet[3] & 15 : -1;
	CU_ASSERT(packet || strstr(why, "pri (127.0.0.1:"));
	ev_break(e->loop, EVBREAK_ALL);
}

static void primaries_are_asked_until_one_settles_it(void)
{
	enum { CLOSES = 16 };
	static const struct {
		const char *say;
		unsigned rcode[2];
		int comes;
		unsigned asked[2];
	} row[] = {
		{ "the first does", { RCODE_NOERROR, RCODE_NOERROR }, RCODE_NOERROR, { 1, 0 } },
		{ "a refusal is an answer", { RCODE_REFUSED, RCODE_NOERROR }, RCODE_REFUSED, { 1, 0 } },
		{ "the first fails", { RCODE_SERVFAIL, RCODE_NOERROR }, RCODE_NOERROR, { 1, 1 } },
		{ "the first closes", { CLOSES, RCODE_NXDOMAIN }, RCODE_NXDOMAIN, { 1, 1 } },
		{ "what one has said is better than nothing", { RCODE_NOTAUTH, CLOSES }, RCODE_NOTAUTH, { 1, 1 } },
		{ "the last says what it says", { CLOSES, RCODE_SERVFAIL }, RCODE_SERVFAIL, { 1, 1 } },
		{ "nobody answers", { CLOSES, CLOSES }, -1, { 1, 1 } },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
		struct primary p[2];
		struct ended e = { .loop = loop };
		const struct forward_to to[2] = { primary_open(loop, &p[0], row[i].rcode[0]),
			primary_open(loop, &p[1], row[i].rcode[1]) };
		struct forward *f = forward_start(&(struct forward_opts){ .loop = loop,
			.message = message, .len = sizeof message - 1, .to = to, .n = 2,
			.ctx = &e, .done = done });
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_EQUAL(e.times, 0);
		ev_run(loop, 0);
		CU_ASSERT_EQUAL(e.times, 1);
		CU_ASSERT_EQUAL(e.rcode, row[i].comes);
		CU_ASSERT_EQUAL(p[0].asked, row[i].asked[0]);
		CU_ASSERT_EQUAL(p[1].asked, row[i].asked[1]);
		primary_close(loop, &p[0]);
		primary_close(loop, &p[1]);
		ev_loop_destroy(loop);
	}
}

static void one_that_is_cancelled_says_nothing(void)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct primary p;
	struct ended e = { .loop = loop };
	const struct forward_to to = primary_open(loop, &p, 0);
	struct forward *f = forward_start(&(struct forward_opts){ .loop = loop,
		.message = message, .len = sizeof message - 1, .to = &to, .n = 1, .ctx = &e, .done = done });

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	ev_run(loop, EVRUN_ONCE);
	forward_cancel(f);
	CU_ASSERT_EQUAL(e.times, 0);
	primary_close(loop, &p);
	ev_loop_destroy(loop);
}

void suite_forward(void)
{
	static const struct unit_case cases[] = {
		{ "an answer is one by its ID its opcode and its bit",
			an_answer_is_one_by_its_id_its_opcode_and_its_bit },
		{ "what a primary says of the update settles it",
			what_a_primary_says_of_the_update_settles_it },
		{ "primaries are asked until one settles it",
			primaries_are_asked_until_one_settles_it },
		{ "one that is cancelled says nothing", one_that_is_cancelled_says_nothing },
	};

	unit_suite("xfr/forward", cases, UNIT_COUNT(cases));
}
