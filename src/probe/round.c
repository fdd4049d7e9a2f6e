#include "probe/round.h"

#include "base/memory.h"
#include "probe/check_http.h"
#include "probe/check_icmp.h"
#include "probe/line.h"
#include "probe/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void round_hint(struct round *r, uint32_t target, bool up, int64_t since_us)
{
	target_hint(r->targets[target], up, since_us);
}

static void on_room(void *ctx)
{
	line_pump_soon(ctx);
}

/* --- the round ---------------------------------------------------------------------------- */

struct round *round_new(const struct round_opts *opts)
{
	struct round *r = memory_zeroed(1, sizeof *r);

	r->opts = *opts;
	r->random = opts->seed | 1;
	r->checks.loop = opts->loop;
	r->checks.icmp = check_icmp_new(opts->loop, opts->seed);
	r->checks.http = check_http_new(opts->loop, on_room, r);
	r->resolver = resolver_new(opts->loop);
	r->map = round_map_new(0);
	line_init(r);
	return r;
}

void round_free(struct round *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		target_free(r->targets[i]);
	ev_timer_stop(r->opts.loop, &r->pump);
	check_exec_wait(&r->checks);
	resolver_free(r->resolver);
	check_icmp_free(r->checks.icmp);
	check_http_free(r->checks.http);
	externals_fini(&r->externals);
	round_map_drop(r->map);
	memory_free(r->targets);
	memory_free(r->told);
	memory_free(r->verdicts);
	memory_free(r);
}

uint32_t round_targets(const struct round *r)
{
	return r->n;
}

const struct verdict *round_verdicts(const struct round *r)
{
	return r->verdicts;
}

const uint32_t *round_row_targets(const struct round *r, unsigned row)
{
	return r->map->row_targets[row];
}

uint32_t round_waits(const struct round *r)
{
	return r->waits;
}

struct round_totals round_totals(const struct round *r)
{
	struct round_totals t = r->totals;

	t.in_line = r->in_line;
	for (unsigned i = 0; i < PROBE_KINDS; i++)
		t.running += r->lines[i].running;
	return t;
}

const char *round_where(char buf[static ROUND_WHERE], const struct round_view *v)
{
	char addr[ADDR_TEXT];
	const char *host = v->name ? v->name : addr_text(addr, &v->addr);
	const bool brackets = v->port && strchr(host, ':');

	if (v->port)
		snprintf(buf, ROUND_WHERE, brackets ? "[%s]:%u" : "%s:%u", host, v->port);
	else
		snprintf(buf, ROUND_WHERE, "%s", host);
	return buf;
}

struct round_view round_view(const struct round *r, uint32_t target)
{
	return target_view(r->targets[target]);
}

/* --- somebody wants to know now ----------------------------------------------------------- */

bool round_ask(struct round *r, const uint32_t *targets, unsigned n, struct round_ask *a)
{
	for (unsigned i = 0; i < n; i++)
		if (r->targets[targets[i]]->ask)
			return false;
	a->left = n;
	for (unsigned i = 0; i < n; i++) {
		struct target *t = r->targets[targets[i]];
		t->ask = a;
		if (t->in_line)
			line_leave(t);
		line_join(t, true); /* one in flight is followed by another */
	}
	return true;
}

void round_forget(struct round *r, struct round_ask *a)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct target *t = r->targets[i];
		if (t->ask != a)
			continue;
		t->ask = NULL;
		t->check.steps = NULL;
		text_fini(&t->steps);
	}
}
