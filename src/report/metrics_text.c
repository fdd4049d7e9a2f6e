#include "report/metrics_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PREFIX "waymark_"

/* --- the octets of labels ----------------------------------------------------------------- */

static bool is_plain(unsigned char c)
{
	return c < 0x80 && c != '\n' && c != '\\' && c != '"' && c;
}

static void add_value(struct text *out, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	for (;;) {
		const unsigned char *from = s;
		while (is_plain(*s))
			s++;
		text_add_bytes(out, (const char *)from, (size_t)(s - from));
		if (!*s)
			return;
		const size_t len = text_utf8_len(s);
		if (*s == '\n')
			text_add(out, "\\n");
		else if (*s == '\\' || *s == '"')
			text_addf(out, "\\%c", *s);
		else if (len)
			text_add_bytes(out, (const char *)s, len);
		else
			text_add(out, "\xef\xbf\xbd");
		s += len ? len : 1;
	}
}

/* --- samples ------------------------------------------------------------------------------ */

static void add_name(const struct metrics *m, const char *suffix)
{
	if (strncmp(m->name, "process_", 8) != 0)
		text_add(m->out, PREFIX);
	text_add(m->out, m->name);
	text_add(m->out, suffix);
}

static const char *suffix_of(const struct metrics *m)
{
	switch (m->type) {
	case METRICS_COUNTER: return "_total";
	case METRICS_INFO: return "_info";
	case METRICS_GAUGE:
	case METRICS_HISTOGRAM:
	case METRICS_SUMMARY: break;
	}
	return "";
}

/* The text format knows no info, and has counters by their whole name. */
void metrics_family(struct metrics *m, const char *name, enum metrics_type type, const char *help)
{
	static const char *const types[] = { "counter", "gauge", "info", "histogram",
		"summary" };
	const bool plain_info = !m->open && type == METRICS_INFO;

	m->name = name;
	m->type = type;
	text_add(m->out, "# HELP ");
	add_name(m, m->open ? "" : suffix_of(m));
	text_addf(m->out, " %s\n# TYPE ", help);
	add_name(m, m->open ? "" : suffix_of(m));
	text_addf(m->out, " %s\n", plain_info ? "gauge" : types[type]);
}

static void add_labels(struct text *out, va_list ap)
{
	const char *name;
	char before = '{';

	while ((name = va_arg(ap, const char *))) {
		text_add_char(out, before);
		text_add(out, name);
		text_add(out, "=\"");
		add_value(out, va_arg(ap, const char *));
		text_add_char(out, '"');
		before = ',';
	}
	if (before == ',')
		text_add_char(out, '}');
}

void metrics_labels(struct text *to, ...)
{
	va_list ap;

	va_start(ap, to);
	add_labels(to, ap);
	va_end(ap);
}

static void add_count(struct text *out, uint64_t value)
{
	char digits[24];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + value % 10);
	while (value /= 10);
	text_add_bytes(out, digits + at, sizeof digits - at);
}

static void add_real(struct text *out, double value)
{
	if (isnan(value))
		text_add(out, "NaN");
	else if (isinf(value))
		text_add(out, value > 0 ? "+Inf" : "-Inf");
	else if (value >= 0 && value < 9e15 && value == (double)(uint64_t)value)
		add_count(out, (uint64_t)value); /* all its digits */
	else
		text_addf(out, "%.12g", value);
}

void metrics_count(struct metrics *m, uint64_t value, ...)
{
	va_list ap;

	add_name(m, suffix_of(m));
	va_start(ap, value);
	add_labels(m->out, ap);
	va_end(ap);
	text_add_char(m->out, ' ');
	add_count(m->out, value);
	text_add_char(m->out, '\n');
}

void metrics_real(struct metrics *m, double value, ...)
{
	va_list ap;

	add_name(m, suffix_of(m));
	va_start(ap, value);
	add_labels(m->out, ap);
	va_end(ap);
	text_add_char(m->out, ' ');
	add_real(m->out, value);
	text_add_char(m->out, '\n');
}

void metrics_labelled(struct metrics *m, double value, const char *labels, size_t len)
{
	add_name(m, suffix_of(m));
	text_add_bytes(m->out, labels, len);
	text_add_char(m->out, ' ');
	add_real(m->out, value);
	text_add_char(m->out, '\n');
}

void metrics_one(struct metrics *m, const char *name, enum metrics_type type, const char *help,
	uint64_t value)
{
	metrics_family(m, name, type, help);
	metrics_count(m, value, NULL);
}

void metrics_summary(struct metrics *m, double sum, uint64_t count)
{
	add_name(m, "_sum ");
	add_real(m->out, sum);
	text_add_char(m->out, '\n');
	add_name(m, "_count ");
	add_count(m->out, count);
	text_add_char(m->out, '\n');
}

void metrics_histogram(struct metrics *m, const struct metrics_buckets *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < b->n; i++) {
		sum += b->counts[i];
		add_name(m, "_bucket{le=\"");
		add_real(m->out, i + 1 < b->n ? b->le[i] : INFINITY);
		text_add(m->out, "\"} ");
		add_count(m->out, sum);
		text_add_char(m->out, '\n');
	}
	metrics_summary(m, b->sum, sum);
}

void metrics_end(struct metrics *m)
{
	if (m->open)
		text_add(m->out, "# EOF\n");
}

/* --- which form --------------------------------------------------------------------------- */

/* The weight of one entry of the list (RFC 9110 section 12.5.1), in thousandths. */
static unsigned weight_of(const char *s, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++) {
		if (s[i] != ';')
			continue;
		size_t k = i + 1 + strspn(s + i + 1, " \t");
		if (k + 1 >= len || (s[k] | 0x20) != 'q' || s[k + 1] != '=')
			continue;
		k += 2;
		unsigned w = k < len && s[k] == '1' ? 1000 : 0, digit = 100;
		for (k += 2; w < 1000 && k < len && s[k] >= '0' && s[k] <= '9' && digit; k++) {
			w += (unsigned)(s[k] - '0') * digit;
			digit /= 10;
		}
		return w;
	}
	return 1000;
}

bool metrics_accept_open(const char *accept)
{
	unsigned open = 0, plain = 0;

	while (accept && *accept) {
		accept += strspn(accept, " \t,");
		const size_t len = strcspn(accept, ",");
		const size_t type = strcspn(accept, ";, \t");
		const unsigned w = weight_of(accept, len);
		if (type == 28 && strncasecmp(accept, "application/openmetrics-text", type) == 0)
			open = w > open ? w : open;
		else if (type == 10 && strncasecmp(accept, "text/plain", type) == 0)
			plain = w > plain ? w : plain;
		accept += len;
	}
	return open > plain;
}

const char *metrics_content_type(bool open)
{
	return open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		    : "text/plain; version=0.0.4; charset=utf-8";
}
