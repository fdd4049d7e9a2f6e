#include "probe/regex.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* 64 KiB of any text take 10 ms at most. The library's own limit of steps is of each place where a match may begin, and
 * no step is as long as another: what counts is how often it stops between two items, and how far it has gone
 * meanwhile. */
enum { STOP_COSTS = 24, COST_MOST = 6000000, STEPS_MOST = 200000, DEPTH_MOST = 2000, HEAP_KIB_MOST = 2048 };

struct spent {
	size_t at, cost;
};

static pcre2_code *make_code(const char *pattern, int *code, PCRE2_SIZE *at)
{
	return pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
		PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT, code, at, NULL);
}

bool regex_is(const char *pattern, struct fault *why)
{
	PCRE2_UCHAR say[160] = "";
	PCRE2_SIZE at = 0;
	int code = 0;

	if (strlen(pattern) > REGEX_MOST)
		return fault(why, "it is longer than %d bytes", REGEX_MOST);
	pcre2_code *re = make_code(pattern, &code, &at);
	if (re) {
		pcre2_code_free(re);
		return true;
	}
	pcre2_get_error_message(code, say, sizeof say);
	return fault(why, "behind its %zu. character: %s", (size_t)at, (const char *)say);
}

static int on_stop(pcre2_callout_block *stop, void *ctx)
{
	struct spent *s = ctx;
	const size_t at = stop->current_position;

	s->cost += STOP_COSTS + (at > s->at ? at - s->at : s->at - at);
	s->at = at;
	return s->cost > COST_MOST ? PCRE2_ERROR_CALLOUT : 0;
}

enum regex_got regex_find(const char *pattern, const char *text, size_t len)
{
	enum regex_got got = REGEX_LONG;
	struct spent spent = { 0 };
	PCRE2_SIZE at;
	int code;

	pcre2_code *re = make_code(pattern, &code, &at);
	pcre2_match_data *data = re ? pcre2_match_data_create(1, NULL) : NULL;
	pcre2_match_context *limits = data ? pcre2_match_context_create(NULL) : NULL;
	if (limits) {
		pcre2_set_callout(limits, on_stop, &spent);
		pcre2_set_match_limit(limits, STEPS_MOST);
		pcre2_set_depth_limit(limits, DEPTH_MOST);
		pcre2_set_heap_limit(limits, HEAP_KIB_MOST);
		code = pcre2_match(re, (PCRE2_SPTR)(text ? text : ""), len, 0, 0, data, limits);
		got = code >= 0 ? REGEX_FOUND : code == PCRE2_ERROR_NOMATCH ? REGEX_NONE : REGEX_LONG;
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	pcre2_code_free(re);
	return got;
}
