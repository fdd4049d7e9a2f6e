/* target_parts.c - a target that asks nothing itself: its parts do, and it is what they say together.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "probe/target.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void target_clear_parts(struct target *t)
{
	t->n_parts = t->n_wholes = 0;
}

void target_add_part(struct target *whole, struct target *part)
{
	whole->parts = memory_grow(whole->parts, (whole->n_parts + 1) * sizeof *whole->parts);
	whole->parts[whole->n_parts++] = part->number;
	part->wholes = memory_grow(part->wholes, (part->n_wholes + 1) * sizeof *part->wholes);
	part->wholes[part->n_wholes++] = whole;
}

static const struct target *part_of(const struct target *t, unsigned i)
{
	return t->round->targets[t->parts[i]];
}

__attribute__((format(printf, 3, 4))) static size_t add(
	char to[static CHECK_SAY], size_t n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	const int more = vsnprintf(to + n, CHECK_SAY - n, fmt, args);
	va_end(args);
	return more < 0 || n + (size_t)more >= CHECK_SAY ? text_utf8_end(to) : n + (size_t)more;
}

/* Which of them are not up, and why: "https: HTTP 503, tcp: connection refused". */
static void add_reasons(const struct target *t, char to[static CHECK_SAY], size_t n)
{
	bool any = false;

	for (unsigned i = 0; i < t->n_parts; i++) {
		const struct target *p = part_of(t, i);
		const struct verdict *v = &t->round->verdicts[t->parts[i]];
		if (v->up)
			continue;
		n = add(to, n, "%s%s: %s", any ? ", " : "", p->check.probe->name,
			p->passed            ? "not up long enough yet"
				: *p->error  ? p->error
				: v->known   ? "down"
					     : "no verdict yet");
		any = true;
	}
}

/* "2 of 3 are up, 2 are needed". */
static void put_say(struct target *t)
{
	const struct verdict *of = t->round->verdicts;
	const unsigned least = t->check.probe->least;
	unsigned up = 0;

	for (unsigned i = 0; i < t->n_parts; i++)
		up += of[t->parts[i]].up;
	size_t n = add(t->say, 0, "%u of %u %s up", up, t->n_parts, up == 1 ? "is" : "are");
	if (least > 1 && least < t->n_parts)
		n = add(t->say, n, ", %u are needed", least);
	if (up < t->n_parts)
		n = add(t->say, n, "; ");
	add_reasons(t, t->say, n);
	*t->error = 0;
	add_reasons(t, t->error, 0);
}

static int64_t latest_since(const struct target *t)
{
	int64_t since = INT64_MIN;

	for (unsigned i = 0; i < t->n_parts; i++)
		since = part_of(t, i)->since_us > since ? part_of(t, i)->since_us : since;
	return since;
}

void target_combine(struct target *t)
{
	struct verdict parts[VERDICT_PARTS_MOST];
	struct verdict *v = &t->round->verdicts[t->number];
	const bool was = v->up;

	for (unsigned i = 0; i < t->n_parts; i++)
		parts[i] = t->round->verdicts[t->parts[i]];
	*v = verdict_of_parts(parts, t->n_parts, t->check.probe->least);
	if (!t->began)
		t->since_us = latest_since(t);
	else if (v->up != was) {
		t->since_us = (int64_t)clock_us();
		t->changes += v->known;
	}
	t->began = t->began || v->known;
	t->passed = v->up;
	t->rtt_ms = t->rtt_last_ms = t->rtt_least_ms = v->rtt_ms;
	t->load = v->load;
	put_say(t);
	for (unsigned i = 0; i < t->n_wholes; i++)
		target_combine(t->wholes[i]);
}
