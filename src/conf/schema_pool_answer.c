/* schema_pool_answer.c - what an answer of a pool may be: how far its edges are apart, what is to be short, and its TTL.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <limits.h>
#include <string.h>

/* The largest TTL (RFC 2181 section 8). */
enum { TTL_MOST_S = INT32_MAX };

void schema_spread(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct pool_opts *p = to;
	const char *text = option_scalar(r, key, value), *unit;
	double v;

	if (!text)
		return;
	if (!option_decimal(text, false, &v, &unit) || (*unit && v > 1e6))
		option_wrong(r, key, value);
	else if (!*unit)
		parse_error(r->src, value, "\"spread\" needs a unit; write %sms or %s%%", text,
			text);
	else if (strcmp(unit, "ms") == 0)
		p->spread_ms = v;
	else if (strcmp(unit, "s") == 0)
		p->spread_ms = v * 1000;
	else if (strcmp(unit, "%") == 0)
		p->spread_share = v / 100;
	else
		option_wrong(r, key, value);
}

void schema_goal(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	const int kind = text ? latency_kind_named(text, strlen(text)) : LATENCY_RTT;

	if (kind < 0)
		option_wrong(r, key, value);
	else
		*(enum latency_kind *)to = (enum latency_kind)kind;
}

void schema_pool_cost(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value), *unit;
	double v;

	if (text && option_decimal(text, false, &v, &unit) && strcmp(unit, "ms") == 0 && v <= 10000)
		*(double *)to = v;
	else if (text)
		option_wrong(r, key, value);
}

static bool take_seconds(const char *text, const char *end, unsigned *s)
{
	uint64_t ms;

	if (!option_duration(text, end, &ms) || ms % 1000 || ms / 1000 > TTL_MOST_S)
		return false;
	*s = (unsigned)(ms / 1000);
	return true;
}

void schema_ttl(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct pool_opts *p = to;
	const char *text = option_scalar(r, key, value);
	unsigned min, max;
	uint64_t bare;

	if (!text)
		return;
	const char *dash = strchr(text, '-'), *end = text + strlen(text);
	if (option_whole(text, &bare)) {
		parse_error(r->src, value, "\"ttl\" needs a unit (s, m, h, d or w); write %ss",
			text);
		return;
	}
	if (!take_seconds(text, dash ? dash : end, &min) ||
		!take_seconds(dash ? dash + 1 : text, end, &max)) {
		option_wrong(r, key, value);
		return;
	}
	if (min > max) {
		parse_error(r->src, value,
			"\"ttl\" goes from the smaller to the larger; write %s-%.*s", dash + 1,
			(int)(dash - text), text);
		return;
	}
	p->ttl_min_s = min;
	p->ttl_max_s = max;
}
