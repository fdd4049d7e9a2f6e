#include "store/state_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "steer/pool.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VERSION = 1 };

static int64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * (int64_t)1000 + t.tv_nsec / 1000000;
}

struct state_file_clock state_file_now(void)
{
	struct state_file_clock c = { .boot_ms = clock_ms(CLOCK_BOOTTIME),
		.wall_ms = clock_ms(CLOCK_REALTIME),
		.now_us = clock_us() };
	struct file file;

	if (file_read(&file, "/proc/sys/kernel/random/boot_id", 4096, NULL))
		snprintf(c.boot, sizeof c.boot, "%.*s", (int)strcspn(file.text, "\n"), file.text);
	file_free(&file);
	return c;
}

/* --- writing ------------------------------------------------------------------------------ */

/* By hand: ten thousand verdicts a second need no tree. Texts are UTF-8. */
static void add_string(struct text *to, const char *s)
{
	text_add_char(to, '"');
	for (; *s; s++) {
		if ((unsigned char)*s < ' ')
			text_addf(to, "\\u%04x", *s);
		else if (*s == '"' || *s == '\\')
			text_addf(to, "\\%c", *s);
		else
			text_add_char(to, *s);
	}
	text_add_char(to, '"');
}

static void add_field(struct text *to, const char *name, const char *s)
{
	text_addf(to, "\"%s\": ", name);
	add_string(to, s);
	text_add(to, ", ");
}

/* What an older Waymark would take for something else is in another list than what it knows. */
static bool is_plain(const struct forced *f)
{
	return f->begun && !*f->pool && f->what == FORCED_STATE && !f->until_s &&
		!forced_is_pattern(f->edge);
}

static void write_forced(
	struct text *to, const struct forced *f, const struct state_file_clock *now)
{
	text_add(to, "  { ");
	add_field(to, "edge", f->edge);
	if (*f->pool)
		add_field(to, "pool", f->pool);
	if (f->what == FORCED_WEIGHT)
		text_addf(to, "\"weight\": %u, ", f->weight);
	else
		add_field(to, "state", edge_state_text(f->state));
	add_field(to, "who", f->who);
	add_field(to, "why", f->why);
	if (f->until_us != UINT64_MAX)
		text_addf(to, "\"left_ms\": %lld, ",
			f->until_us > now->now_us
				? (long long)((f->until_us - now->now_us) / 1000)
				: 0ll);
	if (f->from_s)
		text_addf(to, "\"from_s\": %lld, ", (long long)f->from_s);
	if (f->until_s)
		text_addf(to, "\"until_s\": %lld, ", (long long)f->until_s);
	if (f->begun)
		text_addf(to, "\"begun_s\": %lld, ", (long long)f->begun_s);
	if (f->here)
		text_add(to, "\"here\": true, ");
	if (f->fleet_at)
		text_addf(to, "\"fleet_at\": \"%016llx\", ", (unsigned long long)f->fleet_at);
	text_addf(to, "\"id\": %u, \"when_s\": %lld }", f->id, (long long)f->when_s);
}

/* The configuration has its own. */
static void write_list(struct text *to, const struct forced_list *l, bool plain,
	const struct state_file_clock *now)
{
	const char *comma = "";

	for (size_t i = 0; i < l->n; i++) {
		if (l->of[i].configured || is_plain(&l->of[i]) != plain)
			continue;
		text_add(to, comma);
		write_forced(to, &l->of[i], now);
		comma = ",\n";
	}
}

static void write_verdict(
	struct text *to, const struct state_file_verdict *v, const struct state_file_clock *now)
{
	char addr[ADDR_TEXT];

	text_add(to, "  { ");
	add_field(to, "probe", v->probe);
	add_field(to, "edge", v->edge);
	add_field(to, "address", addr_text(addr, &v->addr));
	text_addf(to, "\"up\": %s, \"for_ms\": %lld }", v->up ? "true" : "false",
		(long long)(((int64_t)now->now_us - v->since_us) / 1000));
}

static void write_told(
	struct text *to, const struct external_verdict *v, const struct state_file_clock *now)
{
	char addr[ADDR_TEXT];

	text_add(to, "  { ");
	add_field(to, "probe", v->probe);
	add_field(to, "edge", v->edge);
	if (v->one)
		add_field(to, "address", addr_text(addr, &v->addr));
	add_field(to, "who", v->who);
	add_field(to, "why", v->why);
	if (!isnan(v->load))
		text_addf(to, "\"load\": %.9g, ", v->load);
	if (v->until_us != UINT64_MAX)
		text_addf(to, "\"left_ms\": %lld, ",
			v->until_us > now->now_us
				? (long long)((v->until_us - now->now_us) / 1000)
				: 0ll);
	text_addf(to, "\"up\": %s, \"when_s\": %lld, \"changed_s\": %lld }",
		v->up ? "true" : "false", (long long)v->when_s, (long long)v->changed_s);
}

void state_file_write(
	struct text *to, const struct state_file *s, const struct state_file_clock *now)
{
	const char *comma = "";

	text_addf(to, "{ \"waymark_state\": %d, ", VERSION);
	add_field(to, "boot", now->boot);
	text_addf(to, "\"boot_ms\": %lld, \"wall_ms\": %lld,\n\"forced\": [\n",
		(long long)now->boot_ms, (long long)now->wall_ms);
	write_list(to, &s->forced, true, now);
	text_addf(to, "\n],\n\"last_change\": %u,\n\"changes\": [\n", s->forced.last_id);
	write_list(to, &s->forced, false, now);
	text_add(to, "\n],\n\"failed_over\": [\n");
	for (size_t i = 0; i < s->failed.n; i++) {
		text_add(to, i ? ",\n  { " : "  { ");
		add_field(to, "pool", s->failed.of[i].pool);
		add_field(to, "to", s->failed.of[i].member);
		text_addf(to, "\"when\": %lld }", (long long)s->failed.of[i].when_s);
	}
	text_add(to, "\n],\n\"told\": [\n");
	for (size_t i = 0; i < s->told.n; i++) {
		text_add(to, i ? ",\n" : "");
		write_told(to, &s->told.of[i], now);
	}
	text_add(to, "\n],\n\"verdicts\": [\n");
	for (size_t i = 0; i < s->n; i++) {
		text_add(to, comma);
		write_verdict(to, &s->verdicts[i], now);
		comma = ",\n";
	}
	text_add(to, "\n] }\n");
}

/* --- reading ------------------------------------------------------------------------------ */

static const char *get(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* No number that a sane clock would write is as large. */
static int64_t number(const json_t *o, const char *key)
{
	const json_int_t n = json_integer_value(json_object_get(o, key));

	return n < 0 ? 0 : n > (json_int_t)1 << 50 ? (int64_t)1 << 50 : n;
}

/* How long ago it was written. */
static int64_t age_ms(const json_t *top, const struct state_file_clock *now)
{
	const char *boot = get(top, "boot");
	const bool same = boot && *boot && strcmp(boot, now->boot) == 0;
	const int64_t age = same ? now->boot_ms - number(top, "boot_ms")
				 : now->wall_ms - number(top, "wall_ms");

	return age > 0 ? age : 0;
}

/* What it is; false: nothing that we know. */
static bool read_what(struct forced *f, const json_t *o)
{
	const char *state = get(o, "state");
	const json_t *weight = json_object_get(o, "weight");

	f->what = weight ? FORCED_WEIGHT : FORCED_STATE;
	f->weight = (unsigned)number(o, "weight");
	return weight ? json_is_integer(weight) && number(o, "weight") <= EDGE_WEIGHT_MOST
		      : state && edge_state_parse(&f->state, state);
}

static bool read_forced(
	struct state_file *s, const json_t *o, const struct state_file_clock *now)
{
	struct forced f = { .edge = (char *)(uintptr_t)get(o, "edge"),
		.pool = (char *)(uintptr_t)get(o, "pool"),
		.who = (char *)(uintptr_t)get(o, "who"),
		.why = (char *)(uintptr_t)get(o, "why"),
		.when_s = number(o, "when_s"),
		.from_s = number(o, "from_s"),
		.until_s = number(o, "until_s"),
		.id = (uint32_t)number(o, "id"),
		.until_us = UINT64_MAX };

	f.here = json_is_true(json_object_get(o, "here"));
	f.fleet_at = get(o, "fleet_at") ? strtoull(get(o, "fleet_at"), NULL, 16) : 0;
	f.begun = !f.from_s || json_object_get(o, "begun_s");
	f.begun_s = json_object_get(o, "begun_s") ? number(o, "begun_s") : f.when_s;
	if (!f.edge || !*f.edge || !read_what(&f, o) || s->forced.n == FORCED_MOST ||
		(f.id && forced_by_id(&s->forced, f.id)))
		return false;
	if (json_object_get(o, "left_ms")) {
		const int64_t left = number(o, "left_ms") - s->age_ms;
		if (left <= 0)
			return true; /* over */
		f.until_us = now->now_us + (uint64_t)left * 1000;
	}
	forced_set(&s->forced, &f);
	return true;
}

/* In the order in which they began, whichever list they were in. */
static void read_all_forced(
	struct state_file *s, const json_t *top, const struct state_file_clock *now)
{
	size_t i;
	json_t *o;

	s->forced.last_id = (uint32_t)number(top, "last_change");
	json_array_foreach (json_object_get(top, "forced"), i, o)
		s->strange += !read_forced(s, o, now);
	json_array_foreach (json_object_get(top, "changes"), i, o)
		s->strange += !read_forced(s, o, now);
	forced_sort(&s->forced);
}

static bool read_verdict(
	struct state_file *s, const json_t *o, const struct state_file_clock *now)
{
	struct state_file_verdict *v = &s->verdicts[s->n];
	const char *addr = get(o, "address");
	const json_t *up = json_object_get(o, "up");

	*v = (struct state_file_verdict){ .probe = get(o, "probe"),
		.edge = get(o, "edge"),
		.up = json_is_true(up),
		.since_us = (int64_t)now->now_us -
			(s->age_ms + number(o, "for_ms")) * (int64_t)1000 };
	if (!v->probe || !v->edge || !addr || !addr_parse(&v->addr, addr) ||
		!json_is_boolean(up))
		return false;
	s->n++;
	return true;
}

static bool read_one_told(
	struct state_file *s, const json_t *o, const struct state_file_clock *now)
{
	const char *addr = get(o, "address");
	const json_t *up = json_object_get(o, "up"), *load = json_object_get(o, "load");
	struct external_verdict v = { .probe = (char *)(uintptr_t)get(o, "probe"),
		.edge = (char *)(uintptr_t)get(o, "edge"),
		.one = addr != NULL,
		.up = json_is_true(up),
		.why = (char *)(uintptr_t)get(o, "why"),
		.who = (char *)(uintptr_t)get(o, "who"),
		.load = json_is_number(load) ? json_number_value(load) : NAN,
		.when_s = number(o, "when_s"),
		.changed_s = number(o, "changed_s"),
		.until_us = UINT64_MAX };

	if (!v.probe || !v.edge || !v.why || !v.who || !json_is_boolean(up) ||
		(addr && !addr_parse(&v.addr, addr)))
		return false;
	if (json_object_get(o, "left_ms")) {
		const int64_t left = number(o, "left_ms") - s->age_ms;
		if (left <= 0)
			return true; /* over */
		v.until_us = now->now_us + (uint64_t)left * 1000;
	}
	return externals_set(&s->told, &v);
}

static void read_told(
	struct state_file *s, const json_t *top, const struct state_file_clock *now)
{
	size_t i;
	json_t *o;

	json_array_foreach (json_object_get(top, "told"), i, o)
		s->strange += !read_one_told(s, o, now);
}

static void read_failed(struct state_file *s, const json_t *top)
{
	const json_t *list = json_object_get(top, "failed_over");
	size_t i;
	json_t *o;

	json_array_foreach (list, i, o) {
		const char *pool = get(o, "pool"), *to = get(o, "to");
		if (pool && *pool && to && *to && s->failed.n < POOLS_MOST)
			fail_over_set(&s->failed, pool, to)->when_s = number(o, "when");
		else
			s->strange++;
	}
}

bool state_file_read(struct state_file *s, const char *path, const char *text, size_t len,
	const struct state_file_clock *now, struct fault *why)
{
	json_error_t err;
	size_t i;
	json_t *o;

	*s = (struct state_file){ 0 };
	json_t *top = json_loadb(text, len, JSON_REJECT_DUPLICATES, &err);
	if (!top)
		return fault(why, "%s:%d:%d: not a state file: %s", path, err.line, err.column,
			err.text);
	if (number(top, "waymark_state") != VERSION) {
		json_decref(top);
		return fault(why,
			"%s:1:1: not a state file of this version (\"waymark_state\" is "
			"not %d)",
			path, VERSION);
	}
	s->tree = top;
	s->age_ms = age_ms(top, now);
	read_all_forced(s, top, now);
	read_failed(s, top);
	read_told(s, top, now);
	const json_t *verdicts = json_object_get(top, "verdicts");
	s->verdicts = memory_zeroed(json_array_size(verdicts), sizeof *s->verdicts);
	json_array_foreach (verdicts, i, o)
		s->strange += !read_verdict(s, o, now);
	return true;
}

void state_file_fini(struct state_file *s)
{
	forced_fini(&s->forced);
	fail_overs_fini(&s->failed);
	externals_fini(&s->told);
	memory_free(s->verdicts);
	if (s->tree)
		json_decref(s->tree);
	*s = (struct state_file){ 0 };
}
