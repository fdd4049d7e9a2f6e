#include "daemon/decisions.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "daemon/daemon.h"
#include "dns/name.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
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
	bool told; /* that it cannot be written */
};

static void close_file(struct decisions *d)
{
	if (d->fd >= 0)
		close(d->fd);
	memory_free(d->path);
	d->fd = -1;
	d->path = NULL;
}

static void complain(struct decisions *d, const char *path)
{
	if (!d->told)
		log_line(LOG_ERROR, "%s: %s; decisions are not logged until it can be written",
			path, strerror(errno));
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
		complain(d, path);
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

static void drain(struct decisions *d)
{
	const struct conf *c = &d->daemon->loaded.conf;
	struct text out = { 0 };
	struct books *b;

	for (unsigned i = 0; d->daemon->workers && (b = workers_books(d->daemon->workers, i));
		i++) {
		const uint32_t written = __atomic_load_n(&b->written, __ATOMIC_ACQUIRE);
		for (; b->read != written;
			__atomic_store_n(&b->read, b->read + 1, __ATOMIC_RELEASE))
			add_line(&out, &b->ring[b->read % BOOKS_RING]);
	}
	if (out.len && !out.lost && c->decisions_file &&
		open_file(d, c->decisions_file, c->decisions_most)) {
		if (write(d->fd, text_get(&out), out.len) == (ssize_t)out.len)
			d->told = false;
		else
			complain(d, d->path);
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
