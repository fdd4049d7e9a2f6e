#include "daemon/decisions.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "daemon/daemon.h"
#include "dns/name.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVERY_S 0.2
#define IDLE_S  2.0 /* while nothing is logged */

struct decisions {
	struct daemon *daemon;
	struct ev_loop *loop;
	ev_timer timer;
	char *path; /* that is open; NULL: none */
	int fd;
	bool told;     /* that it cannot be written */
	uint64_t lost; /* decisions, since it was told */
};

static void close_file(struct decisions *d)
{
	if (d->fd >= 0)
		close(d->fd);
	memory_free(d->path);
	d->fd = -1;
	d->path = NULL;
}

static void complain(struct decisions *d, const char *path, int err)
{
	if (!d->told)
		log_line(LOG_ERROR, "%s: %s; decisions are not logged until it can be written",
			path, strerror(err));
	d->told = true;
}

/* Does the name still stand for what is open? And makes room when the file is full. */
static bool is_current(struct decisions *d, const char *path, size_t most)
{
	struct stat named, open_one;
	char *before = NULL;

	if (!d->path || strcmp(d->path, path) != 0 || stat(path, &named) != 0 ||
		fstat(d->fd, &open_one) != 0 || named.st_ino != open_one.st_ino ||
		named.st_dev != open_one.st_dev)
		return false;
	if ((size_t)open_one.st_size < most)
		return true;
	if (asprintf(&before, "%s.1", path) >= 0) {
		rename(path, before);
		memory_free(before);
	}
	return false;
}

static bool open_file(struct decisions *d, const char *path, size_t most)
{
	if (is_current(d, path, most))
		return true;
	close_file(d);
	d->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
	if (d->fd < 0) {
		complain(d, path, errno);
		return false;
	}
	d->path = memory_strdup(path);
	return true;
}

/* Names have letters, digits and little more, but may have anything. */
static void add_string(struct text *out, const char *key, const char *s)
{
	text_addf(out, ",\"%s\":\"", key);
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			text_addf(out, "\\%c", *s);
		else if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			text_addf(out, "\\u%04x", (unsigned char)*s);
		else
			text_add_char(out, *s);
	text_add_char(out, '"');
}

static void add_line(struct text *out, const struct decision *k)
{
	char name[NAME_TEXT], addr[ADDR_TEXT];

	text_addf(out, "{\"time\":%llu", (unsigned long long)k->time_s);
	name_text(name, k->name);
	add_string(out, "name", name);
	add_string(out, "type", k->v6 ? "AAAA" : "A");
	add_string(out, "client", addr_text(addr, &k->who));
	add_string(out, "by", k->by_subnet ? "subnet" : "resolver");
	add_string(out, "resolver", addr_text(addr, &k->source));
	add_string(out, "pool", k->pool);
	add_string(out, "edge", k->edge);
	add_string(out, "why", choose_why_text((enum choose_why)k->why));
	text_addf(out, ",\"ttl\":%u,\"scope\":%u}\n", k->ttl_s, k->scope);
}

/* As many whole lines as a pipe takes at once or not at all; one at least. */
static size_t piece(const char *s, size_t len)
{
	const char *end = len > PIPE_BUF ? memrchr(s, '\n', PIPE_BUF) : s + len - 1;

	if (!end)
		end = memchr(s, '\n', len);
	return (size_t)(end - s) + 1;
}

/* Takes back the part of a line that still fitted on the disk. */
static void cut_back(struct decisions *d, const char *s, size_t written)
{
	const char *end = memrchr(s, '\n', written);
	const size_t whole = end ? (size_t)(end - s) + 1 : 0;
	struct stat st;

	if (fstat(d->fd, &st) == 0 && S_ISREG(st.st_mode) &&
		ftruncate(d->fd, st.st_size - (off_t)(written - whole)) != 0)
		complain(d, d->path, errno);
}

/* How many of the bytes have got into the file, all of them whole lines. */
static size_t write_lines(struct decisions *d, const char *s, size_t len)
{
	size_t at = 0;

	while (at < len) {
		const size_t want = piece(s + at, len - at);
		const ssize_t n = write(d->fd, s + at, want);
		if (n == (ssize_t)want) {
			at += want;
			continue;
		}
		complain(d, d->path, n < 0 ? errno : ENOSPC);
		if (n > 0) {
			cut_back(d, s + at, (size_t)n);
			const char *end = memrchr(s + at, '\n', (size_t)n);
			at += end ? (size_t)(end - s) + 1 - at : 0;
		}
		break;
	}
	return at;
}

/* All that is in `out`; what does not get into the file is counted. */
static void write_out(struct decisions *d, const struct text *out)
{
	const struct conf *c = &d->daemon->loaded.conf;
	size_t written = 0;

	if (open_file(d, c->decisions_file, c->decisions_most))
		written = write_lines(d, out->s, out->len);
	for (size_t i = written; i < out->len; i++)
		d->lost += out->s[i] == '\n';
	if (written < out->len || !d->told)
		return;
	log_line(LOG_NOTICE, "%s is written again; %llu decisions were lost", d->path,
		(unsigned long long)d->lost);
	d->told = false;
	d->lost = 0;
}

static void drain(struct decisions *d)
{
	const struct conf *c = &d->daemon->loaded.conf;
	struct text out = { 0 };
	struct choice_counts *b;

	for (unsigned i = 0; d->daemon->workers && (b = workers_counts(d->daemon->workers, i));
		i++) {
		const uint32_t written = __atomic_load_n(&b->written, __ATOMIC_ACQUIRE);
		for (; b->read != written;
			__atomic_store_n(&b->read, b->read + 1, __ATOMIC_RELEASE))
			add_line(&out, &b->ring[b->read % CHOICE_COUNTS_RING]);
	}
	if (out.len && !out.lost && c->decisions_file) {
		const uint64_t before = d->lost;
		write_out(d, &out);
		b = workers_counts(d->daemon->workers, 0); /* stands for all of them */
		if (d->lost > before)
			b->unwritten += (uint32_t)(d->lost - before);
	}
	if (!c->decisions_file)
		close_file(d);
	text_fini(&out);
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct decisions *d = t->data;

	(void)events;
	drain(d);
	t->repeat = d->daemon->loaded.conf.decisions_file ? EVERY_S : IDLE_S;
	ev_timer_again(loop, t);
}

struct decisions *decisions_new(struct daemon *daemon, struct ev_loop *loop)
{
	struct decisions *d = memory_zeroed(1, sizeof *d);

	d->daemon = daemon;
	d->loop = loop;
	d->fd = -1;
	ev_timer_init(&d->timer, on_time, EVERY_S, EVERY_S);
	d->timer.data = d;
	ev_timer_start(loop, &d->timer);
	return d;
}

void decisions_free(struct decisions *d)
{
	if (!d)
		return;
	ev_timer_stop(d->loop, &d->timer);
	drain(d);
	close_file(d);
	memory_free(d);
}
