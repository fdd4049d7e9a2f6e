/* schema_probe_values.c - a probe's single values: kind, path, statuses, where load is told, what is
 * asked of a nameserver.
 */
#include "conf/host_name.h"
#include "conf/option.h"
#include "conf/schema.h"
#include "dns/rcode.h"
#include "dns/rrtype.h"
#include "probe/json_path.h"
#include "probe/regex.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { EXPECT_MOST = 64 };

/* --- values ------------------------------------------------------------------------------- */

void schema_probe_kind(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct schema_probe *p = to;
	const char *text = option_scalar(r, key, value);

	if (text && probe_kind_parse(&p->opts.kind, text))
		return;
	p->kind_wrong = true;
	if (text)
		option_wrong(r, key, value);
}

void schema_probe_initial(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = {
		[PROBE_WAIT] = "wait", [PROBE_UP] = "up", [PROBE_DOWN] = "down", NULL
	};
	const int word = option_word(r, key, value, words);

	if (word >= 0)
		*(enum probe_initial *)to = (enum probe_initial)word;
}

void schema_probe_expires(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	if (value->kind == NODE_SCALAR && strcmp(value->text, "never") == 0)
		*(unsigned *)to = 0;
	else
		option_duration_ms(r, key, value, to);
}

/* Goes into a request as it is: no blanks. */
static const char *take_token(
	struct reader *r, const struct key *key, const struct node *value, const char *stop)
{
	const char *text = option_scalar(r, key, value);

	if (!text)
		return NULL;
	if (strpbrk(text, stop)) {
		option_wrong(r, key, value);
		return NULL;
	}
	return arena_strdup(r->mem, text);
}

void schema_probe_path(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = take_token(r, key, value, " #\\");

	if (text && *text != '/')
		option_wrong(r, key, value);
	else if (text)
		*(const char **)to = text;
}

void schema_probe_method(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "GET", "HEAD", NULL };
	const int word = option_word(r, key, value, words);

	if (word >= 0)
		*(bool *)to = word == 1;
}

/* "NOERROR". What only EDNS can say never comes: probes ask without it. */
static bool parse_rcode(const char *text, struct probe_range *to)
{
	const int rcode = rcode_parse(text);

	*to = (struct probe_range){ (uint16_t)rcode, (uint16_t)rcode };
	return rcode >= 0 && rcode <= RCODE_BITS;
}

/* "200", "200-299". */
static bool parse_status(const char *text, struct probe_range *to)
{
	char *end;

	if (text[0] < '1' || text[0] > '9')
		return false;
	const unsigned long from = strtoul(text, &end, 10);
	const unsigned long last = *end == '-' && end[1] >= '1' && end[1] <= '9'
		? strtoul(end + 1, &end, 10)
		: from;
	*to = (struct probe_range){ (uint16_t)from, (uint16_t)last };
	return !*end && from >= 100 && last <= 999 && from <= last;
}

void schema_probe_expect(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct probe_opts *p = &((struct schema_probe *)to)->opts;
	const bool dns = p->kind == PROBE_DNS;
	const struct key named = { .name = key->name,
		.say = dns ? "a DNS response code such as NOERROR, or a list of them"
			   : "an HTTP status (100 to 999), a range such as 200-299, or a list "
			     "of them" };
	size_t n = 0;

	if (!option_is_list(r, &named, value, EXPECT_MOST))
		return;
	struct probe_range *list = arena_zalloc(r->mem, option_count(value) * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, &named, i);
		if (text && (dns ? parse_rcode(text, &list[n]) : parse_status(text, &list[n])))
			n++;
		else if (text)
			option_wrong(r, &named, i);
	}
	p->expect = list;
	p->n_expect = n;
}

/* --- load-from ---------------------------------------------------------------------------- */

static void take_load(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct probe_opts *p = to;
	const char *text = take_token(r, key, value, " :\"'=");

	p->load_in_body = strcmp(key->name, "body") == 0;
	if (text && p->load_field)
		parse_error(r->src, value,
			"load comes from a \"header\" or from the \"body\", "
			"not from both");
	p->load_field = text;
}

#define FIELD "the name of a field, such as load"

const struct key schema_probe_load_keys[] = {
	{ "header", take_load, .say = FIELD, .about = "The name of a response header.",
		.otherwise = "none" },
	{ "body", take_load, .say = FIELD,
		.about = "The name of a field in the body: JSON, \"load=0.75\" or "
			 "\"load: 0.75\"; the first that is there.",
		.otherwise = "none" },
	{ 0 },
};

void schema_probe_load_from(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	if (value->kind != NODE_MAP || !value->n)
		option_wrong(r, key, value);
	else
		keys_read(r, schema_probe_load_keys, value, key->name, to);
}

/* --- values ------------------------------------------------------------------------------- */

static void take_field(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct probe_value *v = to;
	const bool json = strcmp(key->name, "json") == 0;
	const char *text = json ? option_scalar(r, key, value) : take_token(r, key, value, " :\"'=");
	struct fault why;

	if (text && v->field)
		parse_error(r->src, value,
			"a value is in one \"header\", in the \"body\" or at a path of \"json\"; make two");
	if (text && json && !json_path_is(text, &why))
		parse_error(r->src, value, "this is no path such as checks.db[0].state: %s", why.text);
	v->json = json;
	v->in_body = json || strcmp(key->name, "body") == 0;
	v->field = text ? arena_strdup(r->mem, text) : v->field;
}

static void take_matches(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	struct fault why;

	if (text && !regex_is(text, &why))
		parse_error(r->src, value, "this is no regular expression (PCRE2): %s", why.text);
	else if (text)
		*(const char **)to = arena_strdup(r->mem, text);
}

static void take_bound(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value), *end;
	double v;

	if (text && option_decimal(text, false, &v, &end) && !*end)
		*(double *)to = v;
	else if (text)
		option_wrong(r, key, value);
}

#define NUMBER "a number of at least 0, such as 0.9"

const struct key schema_probe_value_keys[] = {
	{ "header", take_field, .say = FIELD, .about = "The name of a response header." },
	{ "body", take_field, .say = FIELD,
		.about = "The name of a number in the body, as in load-from." },
	{ "json", take_field, .say = "a path in JSON, such as checks.db[0].state",
		.about = "Where in the body, which is JSON of up to 64 KiB, the value stands: a text, a number, "
			 "true, false or null." },
	{ "is", option_text, .say = "a text", .at = offsetof(struct probe_value, is),
		.about = "Of header and json: it has this value, and no other." },
	{ "matches", take_matches, .say = "a regular expression (PCRE2) of up to 1000 bytes",
		.at = offsetof(struct probe_value, matches),
		.about = "Of header and json: the value matches this, anywhere in it. Without either: the first "
			 "64 KiB of the body do." },
	{ "least", take_bound, .say = NUMBER, .at = offsetof(struct probe_value, least),
		.about = "It is a number, and at least this.", .otherwise = "0" },
	{ "below", take_bound, .say = NUMBER, .at = offsetof(struct probe_value, below),
		.about = "It is a number below this.", .otherwise = "any" },
	{ 0 },
};

static bool check_value(const struct reader *r, const struct node *at, const struct probe_value *v)
{
	const bool ranged = v->below < INFINITY || v->least > 0;

	if (!v->field && !v->matches)
		return parse_error(r->src, at,
			"where is it? Write { header: NAME, ... }, { body: NAME, ... }, { json: PATH, ... } or { "
			"matches: EXPRESSION }");
	if ((v->is || v->matches) && v->field && v->in_body && !v->json)
		return parse_error(r->src, at,
			"\"%s\" is for headers and json; a text in the body is what the probe's \"body\" looks "
			"for, and \"matches\" without \"body\"",
			v->is ? "is" : "matches");
	if (v->is && v->matches)
		return parse_error(r->src, at, "\"is\" and \"matches\" are two ways to say it; take one out");
	if (v->is || v->matches ? ranged : v->least >= v->below)
		return parse_error(r->src, at,
			v->is || v->matches ? "\"%s\" goes without \"least\" and \"below\""
					    : "no number is at least that and below this%.0s",
			v->is ? "is" : "matches");
	return true;
}

void schema_probe_values(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct probe_opts *p = to;

	if (value->kind != NODE_LIST && value->kind != NODE_MAP) {
		option_wrong(r, key, value);
		return;
	}
	const bool one = value->kind == NODE_MAP;
	if (!one && !option_is_list(r, key, value, PROBE_VALUES_MOST))
		return;
	struct probe_value *list = arena_zalloc(r->mem, PROBE_VALUES_MOST * sizeof *list);
	for (const struct node *i = one ? value : value->first; i; i = one ? NULL : i->next) {
		struct probe_value *v = &list[p->n_values];
		*v = (struct probe_value){ .in_body = true, .below = INFINITY };
		if (i->kind == NODE_BAD || !keys_is_map(r, i, "a value"))
			continue;
		const size_t errors = r->src->faults->errors;
		keys_read(r, schema_probe_value_keys, i, "this value", v);
		/* What is wrong in itself says nothing of how the words go together. */
		p->n_values += r->src->faults->errors == errors && check_value(r, i, v);
	}
	p->values = list;
}

/* --- dns ---------------------------------------------------------------------------------- */

/* A name of another script is asked for in A-labels, as resolvers would. Its length, and where it
 * stands; 0, and told. */
static size_t query_name(const struct reader *r, const struct node *value, const char **text,
	size_t n, struct host_name *h)
{
	struct fault why;
	bool ascii = true;

	for (size_t i = 0; i < n; i++)
		ascii = ascii && (*text)[i] > 0;
	if (ascii)
		return n;
	char *name = arena_memdup(r->scratch, *text, n + 1);
	name[n] = 0;
	if (!host_name_in_ascii(h, name, &why)) {
		parse_error(r->src, value, "\"query\": the name is none: %s", why.text);
		return 0;
	}
	*text = h->name;
	return strlen(h->name);
}

/* "example.com", "example.com AAAA". */
void schema_probe_query(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const uint8_t root[1];
	struct probe_opts *p = to;
	const char *text = option_scalar(r, key, value);
	uint8_t name[NAME_MOST];
	struct host_name h;
	size_t len;

	if (!text)
		return;
	size_t n = strcspn(text, " ");
	const char *type = text + n + strspn(text + n, " ");
	n = query_name(r, value, &text, n, &h);
	if (!n)
		return;
	const enum name_result result = name_parse(name, &len, text, n, root);
	if (result != NAME_OK)
		parse_error(r->src, value, "\"query\": the name %s", name_result_text(result));
	else if (*type && !rrtype_parse(&p->qtype, type, strlen(type)))
		option_wrong(r, key, value);
	else
		p->query = arena_memdup(r->mem, name, name_len(name));
}

void schema_probe_answer(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct probe_opts *p = to;
	const char *text = option_scalar(r, key, value);
	uint8_t rdata[256];

	if (!text)
		return;
	p->answer_len = 0;
	if (p->qtype == RRTYPE_A && inet_pton(AF_INET, text, rdata) == 1)
		p->answer_len = 4;
	else if (p->qtype == RRTYPE_AAAA && inet_pton(AF_INET6, text, rdata) == 1)
		p->answer_len = 16;
	else if (p->qtype == RRTYPE_TXT && strlen(text) < 256) {
		p->answer_len = 1 + strlen(text);
		rdata[0] = (uint8_t)strlen(text);
		memcpy(rdata + 1, text, strlen(text));
	}
	if (p->answer_len)
		p->answer = arena_memdup(r->mem, rdata, p->answer_len);
	else
		option_wrong(r, key, value);
}
