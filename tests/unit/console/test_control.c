#include "console/control.h"

#include "unit/turns.h"
#include "unit/unit.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket in a folder of its own, and what was commanded. */
struct desk {
	struct ev_loop *loop;
	char folder[40], path[60];
	struct commands commands;
	struct control *control;
	char words[200];
	unsigned n, forgotten;
	struct command_call *later; /* whoever waits */
	size_t large;               /* bytes of an answer */
};

static void forget(struct command_call *c)
{
	((struct desk *)c->pending)->forgotten++;
	((struct desk *)c->pending)->later = NULL;
}

static int run(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct desk *d = ctx;

	d->n++;
	d->words[0] = 0;
	for (size_t i = 0; i < n; i++)
		sprintf(d->words + strlen(d->words), "%s;", words[i]);
	if (n && strcmp(words[0], "later") == 0) {
		d->later = c;
		c->pending = d;
		c->forget = forget;
		return COMMAND_LATER;
	}
	for (size_t i = 0; i < d->large; i++)
		text_add_char(c->out, (char)('a' + i % 26));
	text_addf(c->out, "uid %u\n", c->uid);
	return n && strcmp(words[0], "bad") == 0 ? 1 : 0;
}

static void open_desk(struct desk *d)
{
	struct fault why;

	memset(d, 0, sizeof *d);
	strcpy(d->folder, "/tmp/unit_control.XXXXXX");
	if (!mkdtemp(d->folder))
		abort();
	snprintf(d->path, sizeof d->path, "%s/c.sock", d->folder);
	d->loop = ev_loop_new(EVFLAG_NOENV);
	commands_bind(&d->commands, "status", run, d);
	d->control = control_open(d->loop, d->path, &d->commands, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->control);
}

static void close_desk(struct desk *d)
{
	control_leave(d->control);
	control_close(d->control);
	ev_loop_destroy(d->loop);
	unlink(d->path);
	rmdir(d->folder);
}

static int dial(const struct desk *d)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, d->path);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* What comes until the server closes; "" when it only closes. */
static const char *answer(struct desk *d, int fd)
{
	static char got[3000000];
	size_t n = 0;

	for (unsigned i = 0; i < 20000; i++) {
		const ssize_t more = recv(fd, got + n, sizeof got - 1 - n, 0);
		if (more == 0 || (more < 0 && errno != EAGAIN))
			break;
		n += more > 0 ? (size_t)more : 0;
		turns_now(d->loop);
		if (more < 0)
			usleep(500);
	}
	got[n] = 0;
	close(fd);
	return got;
}

static const char *tell(struct desk *d, const char *bytes, size_t len)
{
	const int fd = dial(d);

	CU_ASSERT_EQUAL(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	shutdown(fd, SHUT_WR);
	return answer(d, fd);
}
#define TELL(d, bytes) tell(d, bytes, sizeof(bytes) - 1)

static void a_command_is_answered_with_its_status(void)
{
	struct desk d;
	char want[40];

	open_desk(&d);
	snprintf(want, sizeof want, "0\nuid %u\n", (unsigned)getuid());
	CU_ASSERT_STRING_EQUAL(TELL(&d, "status\0"), want);
	CU_ASSERT_STRING_EQUAL(d.words, "");
	want[0] = '1';
	CU_ASSERT_STRING_EQUAL(TELL(&d, "status\0bad\0two words\0\0"), want);
	CU_ASSERT_STRING_EQUAL(d.words, "bad;two words;;");
	CU_ASSERT_EQUAL(TELL(&d, "nonsense\0")[0], '2');
	CU_ASSERT_EQUAL(d.n, 2);
	/* In pieces. */
	const int fd = dial(&d);
	static const char piece[] = "status\0x";
	for (size_t i = 0; i < sizeof piece; i++) {
		send(fd, piece + i, 1, MSG_NOSIGNAL);
		turns_now(d.loop);
	}
	CU_ASSERT_EQUAL(d.n, 2);
	shutdown(fd, SHUT_WR);
	CU_ASSERT_EQUAL(answer(&d, fd)[0], '0');
	CU_ASSERT_STRING_EQUAL(d.words, "x;");
	close_desk(&d);
}

static void what_is_no_command_is_not_run(void)
{
	struct desk d;
	static char much[CONTROL_REQUEST_MOST + 1];

	open_desk(&d);
	CU_ASSERT_STRING_EQUAL(tell(&d, "", 0), "");
	CU_ASSERT_STRING_EQUAL(tell(&d, "status", 6), "");
	CU_ASSERT_STRING_EQUAL(tell(&d, "status\0x", 8), "");
	CU_ASSERT_EQUAL(d.n, 0);
	/* As many bytes as there may be, and one more. */
	memset(much, 'x', sizeof much);
	memcpy(much, "status", 7);
	much[CONTROL_REQUEST_MOST - 1] = 0;
	CU_ASSERT_EQUAL(tell(&d, much, 7)[0], '0');
	d.n = 0;
	const int fd = dial(&d);
	send(fd, much, sizeof much, MSG_NOSIGNAL);
	CU_ASSERT_STRING_EQUAL(answer(&d, fd), "");
	CU_ASSERT_EQUAL(d.n, 0);
	close_desk(&d);
}

static void large_answers_come_whole(void)
{
	struct desk d;

	open_desk(&d);
	d.large = 2000000;
	const char *got = TELL(&d, "status\0");
	CU_ASSERT_EQUAL(strncmp(got, "0\nabc", 5), 0);
	bool same = true;
	for (size_t i = 0; i < d.large; i++)
		same = same && got[2 + i] == (char)('a' + i % 26);
	CU_ASSERT_TRUE(same);
	CU_ASSERT_EQUAL(strncmp(got + 2 + d.large, "uid ", 4), 0);
	close_desk(&d);
}

static bool waits(void *ctx)
{
	return ((struct desk *)ctx)->later != NULL;
}

static void who_takes_its_time_is_waited_for(void)
{
	static const char later[] = "status\0later";
	struct desk d;

	open_desk(&d);
	int fd = dial(&d);
	send(fd, later, sizeof later, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	CU_ASSERT_TRUE_FATAL(turns_until(d.loop, waits, &d));
	for (unsigned i = 0; i < 20; i++)
		turns_now(d.loop);
	char b;
	CU_ASSERT_TRUE(recv(fd, &b, 1, 0) < 0);
	/* Others are answered meanwhile. */
	struct command_call *c = d.later;
	CU_ASSERT_EQUAL(TELL(&d, "status\0")[0], '0');
	text_add(c->out, "at last\n");
	c->done(c, 1);
	CU_ASSERT_STRING_EQUAL(answer(&d, fd), "1\nat last\n");
	CU_ASSERT_EQUAL(d.forgotten, 0);
	/* Some of it as it is made: the status is 0 then. */
	d.later = NULL;
	fd = dial(&d);
	send(fd, later, sizeof later, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	CU_ASSERT_TRUE_FATAL(turns_until(d.loop, waits, &d));
	c = d.later;
	CU_ASSERT_TRUE(c->stream(c, "some ", 5));
	CU_ASSERT_TRUE(c->stream(c, "more ", 5));
	text_add(c->out, "rest\n");
	c->done(c, 0);
	CU_ASSERT_STRING_EQUAL(answer(&d, fd), "0\nsome more rest\n");
	/* The server stops: nobody waits any more. */
	d.later = NULL;
	fd = dial(&d);
	send(fd, later, sizeof later, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	CU_ASSERT_TRUE_FATAL(turns_until(d.loop, waits, &d));
	control_leave(d.control);
	CU_ASSERT_FALSE(d.later->stream(d.later, "x", 1));
	control_close(d.control);
	CU_ASSERT_EQUAL(d.forgotten, 1);
	d.control = NULL;
	close(fd);
	close_desk(&d);
}

static void the_socket_is_its_own(void)
{
	struct desk d;
	struct stat st;
	struct fault why;

	open_desk(&d);
	CU_ASSERT_EQUAL(stat(d.path, &st), 0);
	CU_ASSERT_TRUE(S_ISSOCK(st.st_mode));
	/* Whoever lives has it. */
	CU_ASSERT_PTR_NULL(control_open(d.loop, d.path, &d.commands, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, d.path));
	CU_ASSERT_EQUAL(TELL(&d, "status\0")[0], '0');
	control_leave(d.control);
	CU_ASSERT_NOT_EQUAL(stat(d.path, &st), 0);
	control_close(d.control);
	/* A socket that a dead server has left is replaced. */
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	strcpy(at.sun_path, d.path);
	const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(bind(dead, (struct sockaddr *)&at, sizeof at), 0);
	close(dead);
	d.control = control_open(d.loop, d.path, &d.commands, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d.control);
	CU_ASSERT_EQUAL(TELL(&d, "status\0")[0], '0');
	/* Somebody else's in its place is left alone. */
	unlink(d.path);
	const int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(bind(other, (struct sockaddr *)&at, sizeof at), 0);
	control_leave(d.control);
	CU_ASSERT_EQUAL(stat(d.path, &st), 0);
	control_close(d.control);
	d.control = NULL;
	close(other);
	/* Where there is no folder there is no socket. */
	CU_ASSERT_PTR_NULL(control_open(d.loop, "/nonexistent/c.sock", &d.commands, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "/nonexistent/c.sock"));
	close_desk(&d);
}

static const struct unit_case cases[] = {
	{ "a command is answered with its status", a_command_is_answered_with_its_status },
	{ "what is no command is not run", what_is_no_command_is_not_run },
	{ "large answers come whole", large_answers_come_whole },
	{ "who takes its time is waited for", who_takes_its_time_is_waited_for },
	{ "the socket is its own", the_socket_is_its_own },
};

void suite_control(void);
void suite_control(void)
{
	unit_suite("console/control", cases, UNIT_COUNT(cases));
}
