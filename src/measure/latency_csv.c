#include "measure/latency_csv.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CHUNK = 1 << 20,
	BYTES_MOST = 1 << 30,
	LINE_MOST = 4096,
	COLUMNS_MOST = 32,
	STRANGERS_MOST = 8, /* unknown edges that are told by name */
	IMPOSSIBLE_SHOWN = 5,
	FIELD_SHOWN = 64
};

enum column { NET, SRC, DST, RTT, SAMPLES, AGE, KIND, OTHER };

static const char *const column_names[] = { [NET] = "prefix",
	[SRC] = "src",
	[DST] = "edge",
	[RTT] = "rtt_ms",
	[SAMPLES] = "samples",
	[AGE] = "age_s",
	[KIND] = "kind" };

/* Part of a line, without the blanks around it. */
struct field {
	const char *s;
	size_t len;
};

struct csv {
	struct latency *t;
	const struct latency_csv *from;
	struct faults *f;
	unsigned line;
	const char *start; /* of the line */
	enum column columns[COLUMNS_MOST];
	unsigned n;      /* columns; 0: the header is still to come */
	unsigned needed; /* so many must be in a row: up to the last that counts */
	int64_t file_age_s;
	size_t rows;
	bool out_of_memory;

	char net_text[ADDR_TEXT]; /* of the row before: most come in a row */
	size_t net_len;
	struct prefix net;

	struct {
		char name[FIELD_SHOWN];
		unsigned line, column;
		size_t rows;
	} strangers[STRANGERS_MOST];
	unsigned n_strangers;
	size_t more_strangers; /* rows */
	size_t impossible;     /* rows */
};

static struct fault_at place_of(const struct csv *c, const char *at)
{
	return (struct fault_at){ c->from->path, c->start, NULL, c->line,
		fault_column(c->start, at) };
}

/* Reading ends with it. */
static bool no_memory(struct csv *c)
{
	const struct fault_at at = { .path = c->from->path, .line = c->line };

	c->out_of_memory = true;
	return faults_error(c->f, &at,
		"out of memory: this row and those behind it have no room in the table");
}

static bool wrong(const struct csv *c, struct field x, const char *say)
{
	const struct fault_at at = place_of(c, x.s);

	return faults_error(c->f, &at, "\"%.*s\" %s",
		(int)(x.len < FIELD_SHOWN ? x.len : FIELD_SHOWN), x.s, say);
}

/* The field at `*s`, which goes on to behind the comma; the line ends with NUL. */
static struct field next_field(const char **s)
{
	const char *from = *s, *end = from;

	while (*end && *end != ',')
		end++;
	*s = *end ? end + 1 : end;
	while (*from == ' ' || *from == '\t')
		from++;
	while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct field){ from, (size_t)(end - from) };
}

static bool is(struct field x, const char *word)
{
	return strlen(word) == x.len && memcmp(x.s, word, x.len) == 0;
}

/* --- the header --------------------------------------------------------------------------- */

static enum column column_of(struct field x)
{
	for (unsigned i = 0; i < OTHER; i++)
		if (is(x, column_names[i]))
			return (enum column)i;
	return is(x, "dst") ? DST : is(x, "ms") ? RTT : OTHER;
}

static bool read_header(struct csv *c, const char *s)
{
	unsigned seen = 0;

	do {
		const struct field x = next_field(&s);
		const enum column is_a = column_of(x);
		if (c->n == COLUMNS_MOST)
			return wrong(c, x, "is one column too many (32 are allowed)");
		if (is_a != OTHER && seen & 1u << is_a)
			return wrong(c, x, "is there twice; take one column out");
		seen |= 1u << is_a;
		c->columns[c->n++] = is_a;
		if (is_a == NET || is_a == SRC || is_a == DST || is_a == RTT)
			c->needed = c->n;
	} while (*s);
	const bool from = !(seen & 1u << NET) != !(seen & 1u << SRC);
	if (from && seen & 1u << DST && seen & 1u << RTT)
		return true;
	const struct fault_at at = place_of(c, c->start);
	return faults_error(c->f, &at,
		"the first line must name the columns: prefix,edge,rtt_ms[,samples[,age_s]], "
		"or src,dst,rtt_ms for a mesh");
}

/* --- rows --------------------------------------------------------------------------------- */

/* Digits, with or without a fraction. */
static bool read_number(struct field x, double *to)
{
	static const double tenth[] = { 1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6 };
	uint64_t v = 0;
	size_t i = 0, digits = 0;

	for (; i < x.len && x.s[i] >= '0' && x.s[i] <= '9' && i < 12; i++)
		v = v * 10 + (uint64_t)(x.s[i] - '0');
	if (i == 0)
		return false;
	if (i < x.len && x.s[i] == '.')
		for (i++; i < x.len && x.s[i] >= '0' && x.s[i] <= '9'; i++)
			if (digits < 6) {
				v = v * 10 + (uint64_t)(x.s[i] - '0');
				digits++;
			}
	*to = (double)v * tenth[digits];
	return i == x.len;
}

static bool read_net(struct csv *c, struct field x)
{
	struct fault why;

	if (x.len == c->net_len && memcmp(x.s, c->net_text, x.len) == 0)
		return true;
	if (x.len == 0 || x.len >= sizeof c->net_text)
		return wrong(c, x, "is no prefix (write 192.0.2.0/24 or 2001:db8::/48)");
	memcpy(c->net_text, x.s, x.len);
	c->net_text[x.len] = 0;
	c->net_len = 0;
	if (!prefix_parse(&c->net, c->net_text, &why)) {
		const struct fault_at at = place_of(c, x.s);
		return faults_error(c->f, &at, "%s", why.text);
	}
	c->net_len = x.len;
	return true;
}

/* An edge that the configuration does not have: an old one, or a slip of the pen. */
static void note_stranger(struct csv *c, struct field x)
{
	const int len = (int)(x.len < FIELD_SHOWN ? x.len : FIELD_SHOWN - 1);

	for (unsigned i = 0; i < c->n_strangers; i++)
		if (strlen(c->strangers[i].name) == (size_t)len &&
			memcmp(c->strangers[i].name, x.s, (size_t)len) == 0) {
			c->strangers[i].rows++;
			return;
		}
	if (c->n_strangers == STRANGERS_MOST) {
		c->more_strangers++;
		return;
	}
	memcpy(c->strangers[c->n_strangers].name, x.s, (size_t)len);
	c->strangers[c->n_strangers].line = c->line;
	c->strangers[c->n_strangers].column = fault_column(c->start, x.s);
	c->strangers[c->n_strangers++].rows = 1;
}

static void tell_strangers(struct csv *c)
{
	for (unsigned i = 0; i < c->n_strangers; i++) {
		const struct fault_at at = { c->from->path, NULL, NULL, c->strangers[i].line,
			c->strangers[i].column };
		faults_warning(c->f, &at,
			"there is no edge \"%s\" in the configuration; passed over, with all "
			"its rows (%zu)",
			c->strangers[i].name, c->strangers[i].rows);
	}
	if (c->more_strangers)
		faults_warning(c->f, &(struct fault_at){ .path = c->from->path },
			"%zu more rows of other edges that are not in the configuration",
			c->more_strangers);
}

/* A time that light could not have made: a slip of the pen, a wrong unit, or an agent that
 * stands elsewhere than its edge. */
static bool is_possible(struct csv *c, int src, int dst, struct field rtt, double ms)
{
	const struct model *judge = c->from->judge;
	struct model_doubt doubt;
	char net[ADDR_TEXT];

	if (!judge)
		return true;
	const bool possible = src >= 0
		? model_edge_could_take(judge, (unsigned)src, (unsigned)dst, ms, &doubt)
		: model_net_could_take(judge, &c->net, (unsigned)dst, ms, &doubt);
	if (!possible)
		latency_count_source(c->t, (unsigned)(src >= 0 ? src : dst), false, c->from->now_s);
	if (possible || c->impossible++ >= IMPOSSIBLE_SHOWN)
		return possible;
	const struct fault_at at = place_of(c, rtt.s);
	faults_warning(c->f, &at,
		"%.4g ms cannot be true: %s %s %.0f km from %s, and light in fibre needs %.1f "
		"ms "
		"(if that is %.0f km wrong: %.1f); passed over",
		ms,
		src >= 0 ? latency_edge_name(c->t, (unsigned)src) : prefix_text(net, &c->net),
		src >= 0 ? "stands" : "is by GeoIP", doubt.km,
		latency_edge_name(c->t, (unsigned)dst), doubt.km / MODEL_KM_PER_MS,
		doubt.error_km, doubt.least_ms);
	return false;
}

static void tell_impossible(struct csv *c)
{
	if (c->impossible > IMPOSSIBLE_SHOWN)
		faults_warning(c->f, &(struct fault_at){ .path = c->from->path },
			"%zu rows in all have times that cannot be true; passed over",
			c->impossible);
}

static bool keep(struct csv *c, int src, int dst, enum latency_kind kind, const struct latency_sample *s)
{
	const bool add = c->from->as == CSV_SAMPLES;
	bool ok;

	if (src >= 0)
		ok = (add ? latency_add_mesh : latency_put_mesh)(
			c->t, (unsigned)src, (unsigned)dst, s);
	else
		ok = (add ? latency_add : latency_put)(latency_of(c->t, kind), &c->net, (unsigned)dst, s);
	if (!ok)
		return no_memory(c);
	latency_count_source(c->t, (unsigned)(src >= 0 ? src : dst), true, s->at_s);
	c->rows++;
	return true;
}

/* Of the kind that the row turns out to have. */
static bool check_value(const struct csv *c, enum latency_kind kind, struct field x, double v)
{
	if (kind == LATENCY_LOSS)
		return (v >= 0 && v <= LATENCY_LOSS_MOST_MS) || wrong(c, x, "is no loss: packets of a thousand, 0 to 1000");
	return (v > 0 && v <= LATENCY_RTT_MOST_MS) || wrong(c, x, "is no round-trip time: milliseconds, over 0 to 60000");
}

static bool check_number(const struct csv *c, enum column is_a, struct field x, double v)
{
	if (is_a == SAMPLES && (v < 1 || v != (double)(uint64_t)v))
		return wrong(c, x, "is no number of samples: 1, 2, ...");
	return true;
}

static bool read_kind(const struct csv *c, struct field x, enum latency_kind *to)
{
	const int kind = x.len ? latency_kind_named(x.s, x.len) : LATENCY_RTT;

	if (kind < 0)
		return wrong(c, x, "is no kind of measurement: rtt, ttfb, throughput or loss");
	*to = (enum latency_kind)kind;
	return true;
}

static bool read_row(struct csv *c, const char *s)
{
	double value[OTHER + 1] = { [SAMPLES] = 1 };
	int edge[2] = { -1, -1 };
	struct field x = { s, 0 }, rtt = x, named[2] = { { s, 0 }, { s, 0 } };
	enum latency_kind kind = LATENCY_RTT;
	bool mesh = false, more = true;

	for (unsigned i = 0; i < c->n; i++) {
		const enum column is_a = c->columns[i];
		if (!more && i >= c->needed)
			break;
		if (!more)
			return wrong(c, x, "is the last of too few values for the columns");
		const char *from = s;
		x = next_field(&s);
		more = *s || s[-(s > from)] == ',';
		if (is_a == SRC || is_a == DST || (is_a == NET && x.len && *x.s == '@')) {
			const bool at = is_a == NET;
			named[is_a == DST] = (struct field){ x.s + at, x.len - at };
			mesh = mesh || is_a != DST;
		} else if (is_a == NET) {
			if (!read_net(c, x))
				return false;
		} else if (is_a == KIND) {
			if (!read_kind(c, x, &kind))
				return false;
		} else if (is_a != OTHER && (x.len || is_a == RTT)) {
			if (!read_number(x, &value[is_a]))
				return wrong(c, x, "is not a number");
			if (!check_number(c, is_a, x, value[is_a]))
				return false;
			rtt = is_a == RTT ? x : rtt;
		}
	}
	if (more)
		return wrong(c, next_field(&s), "is one value more than there are columns");
	if (!check_value(c, kind, rtt, value[RTT]))
		return false;
	if (mesh && kind != LATENCY_RTT)
		return wrong(c, named[0], "is an edge: of edges there are round trips only; take the row out");
	for (unsigned i = !mesh; i < 2; i++) {
		if (!named[i].len)
			return wrong(c, named[i], "is no edge's name");
		edge[i] = latency_edge(c->t, named[i].s, named[i].len);
		if (edge[i] < 0) {
			note_stranger(c, named[i]);
			return true;
		}
	}
	if (kind != LATENCY_LOSS && !is_possible(c, edge[0], edge[1], rtt, value[RTT]))
		return true;
	const double age = value[AGE] + (double)c->file_age_s;
	return keep(c, edge[0], edge[1], kind,
		&(struct latency_sample){ .rtt_ms = value[RTT],
			.n = value[SAMPLES] < LATENCY_SAMPLES_MOST ? (unsigned)value[SAMPLES]
								   : LATENCY_SAMPLES_MOST,
			.at_s = age < c->from->now_s ? c->from->now_s - (uint32_t)age : 0,
			.filed = c->from->as == CSV_FILED });
}

/* A line, which ends with NUL instead of its newline. */
static bool read_line(struct csv *c, char *s, size_t len)
{
	static const char saved[] = "# saved ";

	c->line++;
	c->start = s;
	if (len && s[len - 1] == '\r')
		s[--len] = 0;
	if (memchr(s, 0, len)) {
		const struct fault_at at = { .path = c->from->path, .line = c->line };
		return faults_error(c->f, &at, "a zero byte; this is no text");
	}
	if (strncmp(s, saved, sizeof saved - 1) == 0) {
		const int64_t age = c->from->time_s - strtoll(s + sizeof saved - 1, NULL, 10);
		c->file_age_s = age > 0 ? age : 0;
	}
	if (*s == '#' || strspn(s, " \t") == len)
		return true;
	if (c->n)
		return read_row(c, s);
	const bool ok = read_header(c, s);
	c->n = ok ? c->n : 0;
	return ok;
}

/* Is it of no use to read on? Without columns, no row makes sense. */
static bool is_over(const struct csv *c)
{
	return !c->n || c->out_of_memory || faults_full(c->f);
}

/* All whole lines of `buf`; the rest moves to its front, and `*len` is its length. */
static bool read_lines(struct csv *c, char *buf, size_t *len)
{
	char *s = buf, *end = buf + *len, *nl;
	bool ok = true;

	while ((nl = memchr(s, '\n', (size_t)(end - s)))) {
		*nl = 0;
		ok = read_line(c, s, (size_t)(nl - s)) && ok;
		if (!ok && is_over(c))
			return false;
		s = nl + 1;
	}
	*len = (size_t)(end - s);
	memmove(buf, s, *len);
	return ok;
}

static bool read_all(struct csv *c, int fd, char *buf)
{
	size_t len = 0, all = 0;
	ssize_t got;
	bool ok = true;

	/* No further than BYTES_MOST, however it grows. */
	while (all < BYTES_MOST && (got = read(fd, buf + len, CHUNK - len)) > 0) {
		len += (size_t)got;
		all += (size_t)got;
		ok = read_lines(c, buf, &len) && ok;
		if (!ok && is_over(c))
			return false;
		if (len >= LINE_MOST) {
			const struct fault_at at = { .path = c->from->path,
				.line = c->line + 1 };
			return faults_error(c->f, &at, "this line is over %d bytes", LINE_MOST);
		}
	}
	const struct fault_at at = { .path = c->from->path, .line = c->line + 1 };
	if (got < 0)
		return faults_error(c->f, &(struct fault_at){ .path = c->from->path }, "%s",
			strerror(errno));
	if (len)
		return faults_error(c->f, &at,
			"the last line has no end; is the file cut short, or still written?");
	if (!c->n && ok)
		return faults_error(c->f, &at,
			"is empty; its first line must be prefix,edge,rtt_ms or "
			"src,dst,rtt_ms");
	return ok;
}

bool latency_csv_read(
	struct latency *t, const struct latency_csv *from, size_t *rows, struct faults *f)
{
	struct csv c = { .t = t, .from = from, .f = f };
	struct fault why;
	struct stat st;

	const int fd = file_open(from->path, BYTES_MOST, &why);
	if (fd < 0)
		return faults_error(
			f, &(struct fault_at){ .path = from->path }, "%s", why.text);
	if (fstat(fd, &st) == 0 && st.st_mtime < from->time_s)
		c.file_age_s = from->time_s - st.st_mtime;
	char *buf = malloc(CHUNK);
	const bool ok = buf
		? read_all(&c, fd, buf)
		: faults_error(f, &(struct fault_at){ .path = from->path }, "out of memory");
	tell_strangers(&c);
	tell_impossible(&c);
	latency_count_impossible(t, c.impossible);
	free(buf);
	close(fd);
	if (rows)
		*rows = c.rows;
	return ok;
}
