#include "zone/generate.h"

#include "zone/value.h"

#include <ctype.h>
#include <string.h>

enum { NUMBER_MOST = 0x7fffffff, WIDTH_MOST = 255 };

bool generate_range(struct generate_range *r, const char *s, size_t len, struct fault *why)
{
	const char *dash = memchr(s, '-', len), *slash = memchr(s, '/', len);
	const char *const end = s + len, *stop_end = slash ? slash : end;

	r->step = 1;
	if (!dash || stop_end < dash ||
		!value_number(&r->start, s, (size_t)(dash - s), NUMBER_MOST) ||
		!value_number(&r->stop, dash + 1, (size_t)(stop_end - dash - 1), NUMBER_MOST) ||
		(slash &&
			!value_number(
				&r->step, slash + 1, (size_t)(end - slash - 1), NUMBER_MOST)))
		return fault(
			why, "is no range (write start-stop or start-stop/step, as in 1-254)");
	if (r->start > r->stop)
		return fault(why,
			"counts backwards (the first number must not be above the second)");
	if (r->step == 0)
		return fault(why, "never gets anywhere (the step must be at least 1)");
	if (generate_count(r) > GENERATE_MOST)
		return fault(why, "makes %u records (at most %u are allowed)",
			generate_count(r), GENERATE_MOST);
	return true;
}

uint32_t generate_count(const struct generate_range *r)
{
	return (r->stop - r->start) / r->step + 1;
}

struct modifier {
	int64_t offset;
	uint32_t width;
	char base;
};

/* "{offset[,width[,base]]}" at `s`; returns what is behind it, or NULL. */
static const char *read_modifier(struct modifier *m, const char *s, const char *end)
{
	const char *close = memchr(s, '}', (size_t)(end - s));
	uint32_t offset;

	if (!close)
		return NULL;
	const bool minus = s[1] == '-';
	const char *at = s + 1 + (minus || s[1] == '+');
	const char *comma = memchr(at, ',', (size_t)(close - at));
	if (!value_number(&offset, at, (size_t)((comma ? comma : close) - at), NUMBER_MOST))
		return NULL;
	m->offset = minus ? -(int64_t)offset : (int64_t)offset;
	if (!comma)
		return close + 1;
	at = comma + 1;
	comma = memchr(at, ',', (size_t)(close - at));
	if (!value_number(&m->width, at, (size_t)((comma ? comma : close) - at), WIDTH_MOST))
		return NULL;
	if (!comma)
		return close + 1;
	m->base = comma[1];
	return close - comma == 2 && strchr("doxXnN", m->base) ? close + 1 : NULL;
}

/* Width counts the dots too, as BIND has it; a label is never cut. */
static void add_nibbles(struct text *to, uint32_t n, uint32_t width, const char *digits)
{
	do {
		text_add_char(to, digits[n & 15]);
		n >>= 4;
		width -= width > 0;
		if (width > 0 || n) {
			text_add_char(to, '.');
			width -= width > 0;
		}
	} while (n || width);
}

/* Only decimal numbers have a sign; the others are those of the 32 bits, as in BIND. */
static void add_number(struct text *to, int64_t sum, const struct modifier *m)
{
	const int width = (int)m->width;
	const uint32_t n = (uint32_t)sum;

	switch (m->base) {
	case 'd': text_addf(to, "%0*lld", width, (long long)sum); break;
	case 'o': text_addf(to, "%0*o", width, n); break;
	case 'x': text_addf(to, "%0*x", width, n); break;
	case 'X': text_addf(to, "%0*X", width, n); break;
	case 'n': add_nibbles(to, n, m->width, "0123456789abcdef"); break;
	default: add_nibbles(to, n, m->width, "0123456789ABCDEF"); break;
	}
}

static void add_name(struct text *to, const struct generate_name *name)
{
	for (const char *s = name->name; *s; s++)
		text_add_char(to, !name->label || isalnum((unsigned char)*s) ? *s : '-');
}

/* What "$" stands for: a name, or a number. */
struct generated {
	const struct generate_name *name; /* NULL: */
	uint32_t n;
};

/* `s` is behind a "$"; returns what is behind all that belongs to it, or NULL. */
static const char *expand_one(struct text *to, const char *s, const char *end,
	const struct generated *of, struct fault *why)
{
	const uint32_t n = of->n;
	struct modifier m = { 0, 0, 'd' };

	if (s < end && *s == '$') {
		text_add_char(to, '$');
		return s + 1;
	}
	if (of->name && s < end && *s == '{') {
		fault(why, "the edges of a pool are no numbers: write $ alone");
		return NULL;
	}
	if (of->name) {
		add_name(to, of->name);
		return s;
	}
	if (s < end && *s == '{' && !(s = read_modifier(&m, s, end))) {
		fault(why,
			"this is no ${offset,width,base} (two numbers, then d, o, x, X, n "
			"or N; the last two may be left "
			"out)");
		return NULL;
	}
	const int64_t sum = n + m.offset;
	if (sum < -(int64_t)NUMBER_MOST || sum > UINT32_MAX) {
		fault(why, "the offset makes %u a number over 2^32-1", n);
		return NULL;
	}
	add_number(to, sum, &m);
	return s;
}

static bool expand(struct text *to, const char *s, size_t len, const struct generated *of,
	const char **bad, struct fault *why)
{
	const char *const end = s + len;

	while (s < end) {
		const char *const here = s++;
		if (*here == '\\' && s < end) {
			text_add_bytes(to, here, 2);
			s++;
		} else if (*here != '$') {
			text_add_char(to, *here);
		} else if (!(s = expand_one(to, s, end, of, why))) {
			if (bad)
				*bad = here;
			return false;
		}
	}
	return true;
}

bool generate_expand(struct text *to, const char *s, size_t len, uint32_t n, const char **bad,
	struct fault *why)
{
	return expand(to, s, len, &(struct generated){ NULL, n }, bad, why);
}

bool generate_expand_name(struct text *to, const char *s, size_t len, const struct generate_name *name,
	const char **bad, struct fault *why)
{
	return expand(to, s, len, &(struct generated){ name, 0 }, bad, why);
}
