#include "daemon/dnstap_out.h"

#include "answer/stats.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum out_state {
	OUT_OFF,
	OUT_WAITS,  /* to try again */
	OUT_GREETS, /* READY is sent, ACCEPT is to come */
	OUT_TALKS,
	OUT_ENDS /* STOP is in the buffer, FINISH is to come */
};

struct dnstap_out {
	enum out_state state;
	struct sockaddr_un to;
	const struct dnstap_source *source; /* borrowed until dnstap_out_aim() */
	int fd;
	bool told;       /* that nobody reads */
	double until_s;  /* of WAITS and GREETS; clock_seconds() */
	uint64_t sent, lost;
	bool talks; /* atomic: for others */
	uint64_t waiting; /* frames in the buffer */
	size_t at, len;   /* of the buffer: what is to be sent */
	uint8_t in[256];
	size_t in_len;
	uint8_t buffer[DNSTAP_OUT_ROOM];
};

static void set_state(struct dnstap_out *o, enum out_state s)
{
	o->state = s;
	__atomic_store_n(&o->talks, s == OUT_TALKS, __ATOMIC_RELAXED);
}

static void hang_up(struct dnstap_out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	stats_add(&o->lost, o->waiting);
	o->waiting = 0;
	o->at = o->len = o->in_len = 0;
}

/* It is tried again, and that it has to be is logged once. */
static void fail(struct dnstap_out *o, const char *why)
{
	hang_up(o);
	set_state(o, OUT_WAITS);
	o->until_s = clock_seconds() + DNSTAP_OUT_AGAIN_S;
	if (!o->told)
		log_line(LOG_WARNING,
			"dnstap: %s: %s; messages are lost until somebody reads it (tried every %d s)",
			o->to.sun_path, why, DNSTAP_OUT_AGAIN_S);
	o->told = true;
}

/* --- out ---------------------------------------------------------------------------------- */

static void flush(struct dnstap_out *o)
{
	while (o->at < o->len) {
		const ssize_t n = send(o->fd, o->buffer + o->at, o->len - o->at,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			o->at += (size_t)n;
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		else {
			fail(o, strerror(errno));
			return;
		}
	}
	stats_add(&o->sent, o->waiting);
	o->waiting = 0;
	o->at = o->len = 0;
}

/* Room for so many bytes behind what is there. */
static bool has_room(struct dnstap_out *o, size_t len)
{
	if (DNSTAP_OUT_ROOM - o->len >= len)
		return true;
	flush(o);
	if (o->at) {
		memmove(o->buffer, o->buffer + o->at, o->len - o->at);
		o->len -= o->at;
		o->at = 0;
	}
	return DNSTAP_OUT_ROOM - o->len >= len;
}

static void put_control(struct dnstap_out *o, enum dnstap_control type)
{
	if (has_room(o, DNSTAP_CONTROL_MOST))
		o->len += dnstap_control(o->buffer + o->len, type);
}

void dnstap_out_put(struct dnstap_out *o, const struct tap_head *h, bool answer)
{
	const size_t len = DNSTAP_HEAD_MOST + (answer ? h->answer_len : h->query_len);

	if (o->state != OUT_TALKS || !has_room(o, len) || o->state != OUT_TALKS) {
		stats_add(&o->lost, 1);
		return;
	}
	o->len += dnstap_frame(o->buffer + o->len, o->source, h, answer);
	o->waiting++;
}

/* --- in ----------------------------------------------------------------------------------- */

static void take_control(struct dnstap_out *o, unsigned type, bool ours)
{
	if (o->state == OUT_GREETS && type == DNSTAP_ACCEPT) {
		if (!ours) {
			fail(o, "who reads there does not take dnstap");
			return;
		}
		set_state(o, OUT_TALKS);
		put_control(o, DNSTAP_START);
		log_line(LOG_NOTICE, "dnstap: %s: somebody reads it", o->to.sun_path);
		o->told = false;
	} else if (type == DNSTAP_FINISH) {
		if (o->state == OUT_ENDS)
			hang_up(o);
		else
			fail(o, "who reads there has ended it");
	}
}

static void hear(struct dnstap_out *o)
{
	unsigned type;
	bool ours;

	const ssize_t n = recv(o->fd, o->in + o->in_len, sizeof o->in - o->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(o, n ? strerror(errno) : "who read there is gone");
		return;
	}
	o->in_len += (size_t)n;
	while (o->fd >= 0 && o->in_len) {
		const size_t len = dnstap_read_control(o->in, o->in_len, &type, &ours);
		if (len == SIZE_MAX || (!len && o->in_len == sizeof o->in)) {
			fail(o, "who reads there does not speak Frame Streams");
			return;
		}
		if (!len)
			return;
		memmove(o->in, o->in + len, o->in_len - len);
		o->in_len -= len;
		take_control(o, type, ours);
	}
}

/* --- its life ----------------------------------------------------------------------------- */

static void greet(struct dnstap_out *o)
{
	o->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (o->fd < 0 || connect(o->fd, (const struct sockaddr *)&o->to, sizeof o->to) != 0) {
		fail(o, strerror(errno));
		return;
	}
	set_state(o, OUT_GREETS);
	o->until_s = clock_seconds() + DNSTAP_OUT_PATIENCE_S;
	put_control(o, DNSTAP_READY);
}

void dnstap_out_step(struct dnstap_out *o, struct pollfd *p)
{
	const double now = clock_seconds();

	if (o->state == OUT_WAITS && now >= o->until_s)
		greet(o);
	if (o->state == OUT_GREETS && now >= o->until_s)
		fail(o, "who reads there does not answer");
	if (o->fd >= 0)
		flush(o);
	if (o->fd >= 0)
		hear(o);
	*p = (struct pollfd){ .fd = o->fd,
		.events = (short)(POLLIN | (o->len > o->at ? POLLOUT : 0)) };
}

void dnstap_out_end(struct dnstap_out *o, int patience_ms)
{
	const double until = clock_seconds() + patience_ms / 1e3;
	struct pollfd p;

	if (o->state == OUT_TALKS) {
		put_control(o, DNSTAP_STOP);
		set_state(o, OUT_ENDS);
		o->told = true; /* that it goes now is no news */
		for (double left; o->fd >= 0 && (left = until - clock_seconds()) > 0;) {
			dnstap_out_step(o, &p);
			if (p.fd >= 0)
				poll(&p, 1, (int)(left * 1e3) + 1);
		}
	}
	hang_up(o);
	set_state(o, OUT_OFF);
}

void dnstap_out_aim(struct dnstap_out *o, const char *path, const struct dnstap_source *s)
{
	const bool same = path && o->state != OUT_OFF && strcmp(path, o->to.sun_path) == 0;

	o->source = s;
	if (same)
		return;
	dnstap_out_end(o, 1000);
	if (!path)
		return;
	o->to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strncpy(o->to.sun_path, path, sizeof o->to.sun_path - 1); /* the configuration has seen to it */
	o->told = false;
	set_state(o, OUT_WAITS);
	o->until_s = 0;
}

struct dnstap_out_counts dnstap_out_counts(const struct dnstap_out *o)
{
	return (struct dnstap_out_counts){ __atomic_load_n(&o->sent, __ATOMIC_RELAXED),
		__atomic_load_n(&o->lost, __ATOMIC_RELAXED),
		__atomic_load_n(&o->talks, __ATOMIC_RELAXED) };
}

struct dnstap_out *dnstap_out_new(void)
{
	struct dnstap_out *o = calloc(1, sizeof *o);

	if (o)
		o->fd = -1;
	return o;
}

void dnstap_out_free(struct dnstap_out *o)
{
	if (!o)
		return;
	hang_up(o);
	free(o);
}
