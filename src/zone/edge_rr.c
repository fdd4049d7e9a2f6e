#include "zone/edge_rr.h"

#include "base/near.h"
#include "zone/field.h"
#include "zone/value.h"

#include <stdio.h>
#include <string.h>

enum { ANSWERS_MOST = 16, SHOWN = 80, EDGE_MOST = 64 };

static const char *const keys[] = { "answers", "ttl", "edge" };
enum { KEY_ANSWERS, KEY_TTL, KEY_EDGE, KEYS };

static const char *show(char to[static SHOWN], const uint8_t *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < SHOWN - 4; i++)
		to[n++] = s[i] > ' ' && s[i] < 0x7f ? (char)s[i] : '?';
	strcpy(to + n, n < len ? "..." : "");
	return to;
}

static bool tell_unknown(const uint8_t *word, size_t len, const uint8_t *eq, struct fault *why)
{
	char key[SHOWN], all[SHOWN];
	struct near_word near = { .word = show(key, word, eq ? (size_t)(eq - word) : len) };

	for (unsigned k = 0; k < KEYS; k++)
		near_offer(&near, keys[k]);
	if (near.best)
		return fault(why, "an EDGE record has no word \"%s\"; did you mean \"%s=\"?",
			show(all, word, len), near.best);
	return fault(why,
		"an EDGE record has no word \"%s\" behind its pool (answers=N, ttl=TIME, "
		"edge=NAME)",
		show(all, word, len));
}

static bool take_answers(struct edge_rr *to, const char *v, size_t len, struct fault *why)
{
	uint32_t n;

	if (!value_number(&n, v, len, ANSWERS_MOST) || !n)
		return fault(why, "answers= is a number from 1 to %d", ANSWERS_MOST);
	to->answers = n;
	return true;
}

static bool take_seconds(uint32_t *to, const char *v, size_t len)
{
	uint64_t s;

	if (!value_period(&s, v, len) || s > FIELD_TTL_MOST)
		return false;
	*to = (uint32_t)s;
	return true;
}

static bool take_ttl(struct edge_rr *to, const char *v, size_t len, struct fault *why)
{
	const char *dash = memchr(v, '-', len);
	const size_t first = dash ? (size_t)(dash - v) : len;
	const char *second = dash ? dash + 1 : v;

	if (!take_seconds(&to->ttl_least_s, v, first) ||
		!take_seconds(&to->ttl_most_s, second, len - (size_t)(second - v)))
		return fault(why, "ttl= is a TTL or a range of them, such as 60, 5m or 20s-60s");
	if (to->ttl_least_s > to->ttl_most_s)
		return fault(why, "ttl= goes from the smaller to the larger");
	to->has_ttl = true;
	return true;
}

static bool take_edge(struct edge_rr *to, const uint8_t *v, size_t len, struct fault *why)
{
	if (!len || len > EDGE_MOST)
		return fault(why, "edge= is the name of an edge");
	to->edge = v;
	to->edge_len = (uint8_t)len;
	return true;
}

bool edge_rr_word(struct edge_rr *to, const uint8_t *word, size_t len, struct fault *why)
{
	const uint8_t *eq = memchr(word, '=', len);
	unsigned k = 0;

	while (k < KEYS &&
		!(eq && strlen(keys[k]) == (size_t)(eq - word) &&
			memcmp(keys[k], word, (size_t)(eq - word)) == 0))
		k++;
	if (k == KEYS)
		return tell_unknown(word, len, eq, why);
	const uint8_t *value = eq + 1;
	const size_t n = len - (size_t)(value - word);
	const bool there[KEYS] = { to->answers != 0, to->has_ttl, to->edge_len != 0 };
	if (there[k])
		return fault(why, "%s= is here twice; take one out", keys[k]);
	if (k == KEY_ANSWERS)
		return take_answers(to, (const char *)value, n, why);
	if (k == KEY_TTL)
		return take_ttl(to, (const char *)value, n, why);
	return take_edge(to, value, n, why);
}

bool edge_rr_check(const uint8_t *rdata, size_t len, struct fault *why)
{
	struct edge_rr to = { .answers = 0 };

	if (len < 2 || !rdata[0] || rdata[0] > len - 1)
		return fault(why, "it begins with the name of a pool");
	for (size_t at = rdata[0] + (size_t)1; at < len; at += rdata[at] + (size_t)1) {
		if (rdata[at] > len - at - 1)
			return fault(why, "its last string ends behind it");
		if (!edge_rr_word(&to, rdata + at + 1, rdata[at], why))
			return false;
	}
	return true;
}

void edge_rr_read(struct edge_rr *to, const uint8_t *rdata, size_t len)
{
	struct fault why;

	*to = (struct edge_rr){ .pool = rdata + 1, .pool_len = rdata[0] };
	for (size_t at = rdata[0] + (size_t)1; at < len; at += rdata[at] + (size_t)1)
		edge_rr_word(to, rdata + at + 1, rdata[at], &why);
}
