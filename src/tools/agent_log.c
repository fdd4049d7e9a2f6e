#include "tools/agent_log.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "tools/agent_once.h"
#include "tools/agent_tally.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINE_MOST = 4096,       /* longer ones are passed over */
	READ_MOST = 8 << 20     /* bytes in one go: what is behind that waits for the next */
};

struct agent_log {
	struct agent_log_opts opts;
	int fd; /* -1: none */
	ino_t inode;
	off_t at; /* read up to here */
	bool begun, failed; /* `failed`: and it was told */
	char line[LINE_MOST];
	size_t len;  /* of the line that has no end yet */
	bool passes; /* ... which is too long */
	struct agent_once *once;
	struct agent_report_client *of; /* [n] that wait */
	size_t n, room;
};

struct agent_log *agent_log_new(const struct agent_log_opts *opts)
{
	struct agent_log *l = memory_zeroed(1, sizeof *l);

	l->opts = *opts;
	l->fd = -1;
	l->once = agent_once_new();
	return l;
}

void agent_log_free(struct agent_log *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	agent_once_free(l->once);
	memory_free(l->of);
	memory_free(l);
}

/* --- a line ------------------------------------------------------------------------------- */

/* One label, and one of the names. */
static bool is_asked_once(const struct agent_log *l, const char *host)
{
	const char *dot = strchr(host, '.');

	for (size_t i = 0; dot && dot > host && i < l->opts.n_names; i++)
		if (strcmp(dot + 1, l->opts.names[i]) == 0)
			return true;
	return false;
}

static void keep(struct agent_log *l, const char *host, const struct addr *client)
{
	if (l->n == AGENT_LOG_MOST)
		return;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->of = memory_grow(l->of, l->room * sizeof *l->of);
	}
	struct agent_report_client *c = &l->of[l->n++];
	*c = (struct agent_report_client){ .net = tally_net(client) };
	strcpy(c->name, host);
}

void agent_log_line(struct agent_log *l, const char *line, size_t len, double now_s)
{
	char host[AGENT_REPORT_HOST_MOST + 1], text[ADDR_TEXT];
	const char *end = line + len, *blank = memchr(line, ' ', len);
	struct addr a;

	if (!blank || (size_t)(blank - line) >= sizeof text)
		return;
	memcpy(text, line, (size_t)(blank - line));
	text[blank - line] = 0;
	const char *from = blank + 1, *to = memchr(from, ' ', (size_t)(end - from));
	const size_t n = (size_t)((to ? to : end) - from);
	if (n >= sizeof host || memchr(from, 0, n))
		return;
	for (size_t i = 0; i < n; i++)
		host[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] + 32) : from[i];
	host[n] = 0;
	if (!is_asked_once(l, host) || !addr_parse(&a, text))
		return;
	a = addr_plain(&a, NULL);
	if (addr_is_global(&a, NULL) && !agent_once_had(l->once, &a, now_s))
		keep(l, host, &a);
}

/* --- the file ----------------------------------------------------------------------------- */

static void take_bytes(struct agent_log *l, const char *s, size_t len, double now_s)
{
	for (const char *end = s + len; s < end;) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		const size_t n = (size_t)((nl ? nl : end) - s);
		l->passes = l->passes || l->len + n > sizeof l->line;
		if (!l->passes) {
			memcpy(l->line + l->len, s, n);
			l->len += n;
		}
		if (nl && !l->passes)
			agent_log_line(l, l->line, l->len, now_s);
		if (nl) {
			l->len = 0;
			l->passes = false;
		}
		s += n + (nl != NULL);
	}
}

/* True: to its end. */
static bool read_on(struct agent_log *l, double now_s)
{
	char bytes[65536];
	ssize_t n = 0;

	for (size_t all = 0; all < READ_MOST && (n = pread(l->fd, bytes, sizeof bytes, l->at)) > 0; all += (size_t)n) {
		l->at += n;
		take_bytes(l, bytes, (size_t)n, now_s);
	}
	return n <= 0;
}

static void let_go(struct agent_log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->len = 0;
	l->passes = false;
}

/* The first time what is there already is not ours to tell: who asked was never noted, or long ago. */
static bool open_log(struct agent_log *l)
{
	struct stat st;
	struct fault why;

	l->fd = file_open(l->opts.path, INT64_MAX, &why);
	if (l->fd >= 0 && fstat(l->fd, &st) != 0) {
		fault(&why, "%s", strerror(errno));
		let_go(l);
	}
	if (l->fd < 0) {
		if (!l->failed)
			log_line(LOG_WARNING, "%s: %s; which client asks through which resolver is not told until it can be read",
				l->opts.path, why.text);
		l->failed = l->begun = true;
		return false;
	}
	l->inode = st.st_ino;
	l->at = l->begun ? 0 : st.st_size;
	l->begun = true;
	l->failed = false;
	return true;
}

void agent_log_read(struct agent_log *l, double now_s)
{
	struct stat st;

	if (l->fd >= 0) {
		bool whole = read_on(l, now_s);
		if (fstat(l->fd, &st) == 0 && st.st_size < l->at) { /* cut short: written from its start again */
			l->at = 0;
			l->len = 0;
			l->passes = false;
			whole = read_on(l, now_s);
		}
		if (whole && stat(l->opts.path, &st) == 0 && st.st_ino != l->inode)
			let_go(l); /* renamed */
	}
	if (l->fd < 0 && open_log(l))
		read_on(l, now_s);
}

/* --- to a report -------------------------------------------------------------------------- */

size_t agent_log_count(const struct agent_log *l)
{
	return l->n;
}

void agent_log_take(struct agent_log *l, struct agent_report *s)
{
	s->n_clients = l->n < AGENT_LOG_TAKEN ? l->n : AGENT_LOG_TAKEN;
	s->clients = memory_zeroed(s->n_clients, sizeof *s->clients);
	if (!s->n_clients)
		return;
	l->n -= s->n_clients;
	memcpy(s->clients, &l->of[l->n], s->n_clients * sizeof *s->clients);
}
