#include "daemon/rrl_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/publish.h"
#include "net/worker.h"

#include <ev.h>

struct rrl_log {
	struct rrl_log_opts opts;
	ev_timer timer;
	struct rrl_told told;
};

static const char *const class_text[POLICY_CLASSES] = { [CLASS_ANSWER] = "answers",
	[CLASS_NODATA] = "nodata",
	[CLASS_NXDOMAIN] = "nxdomain",
	[CLASS_REFERRAL] = "referrals",
	[CLASS_ERROR] = "errors" };

static void say_begin(const struct policy_limits *limits, const struct rrl_net *n,
	size_t others, struct text *line)
{
	char net[ADDR_TEXT];

	text_addf(line, "rrl%s: limiting responses to %s (%s: over %llu a second)",
		limits->dry_run ? " (dry run, all are sent)" : "", prefix_text(net, &n->net),
		class_text[n->class], (unsigned long long)limits->rate[n->class] * n->factor);
	if (others)
		text_addf(line, ", and to %zu nets more", others);
}

static void say_end(const struct rrl_net *n, struct text *line)
{
	const uint64_t s = (n->last_us - n->first_us) / 1000000 + 1;
	char net[ADDR_TEXT];

	text_addf(line,
		"rrl: no longer limiting responses to %s (%s): %llu were over the rate within "
		"%llu s",
		prefix_text(net, &n->net), class_text[n->class], (unsigned long long)n->count,
		(unsigned long long)s);
}

/* The untold one that began first; how many there are. RRL_NETS: none. */
static unsigned first_untold(
	const struct rrl_told *told, const struct rrl_nets *nets, size_t *n)
{
	unsigned first = RRL_NETS;
	uint64_t least = UINT64_MAX;
	struct rrl_net net;

	*n = 0;
	for (unsigned i = 0; i < RRL_NETS; i++) {
		if (told->of[i] != RRL_UNTOLD || !rrl_nets_get(nets, i, &net))
			continue;
		++*n;
		if (net.first_us < least) {
			least = net.first_us;
			first = i;
		}
	}
	return first;
}

static bool tell_begin(struct rrl_told *told, const struct rrl_nets *nets,
	const struct policy_limits *limits, struct text *line)
{
	const uint64_t lost = __atomic_load_n(&nets->lost, __ATOMIC_RELAXED);
	struct rrl_net net;
	size_t n, others = 0;

	const unsigned first = first_untold(told, nets, &n);
	if (first == RRL_NETS)
		return false;
	told->of[first] = RRL_NAMED;
	for (unsigned i = 0; n > RRL_LOG_LINED_UP && i < RRL_NETS; i++)
		if (told->of[i] == RRL_UNTOLD && rrl_nets_get(nets, i, &net)) {
			told->of[i] = RRL_COUNTED;
			others++;
		}
	rrl_nets_get(nets, first, &net);
	say_begin(limits, &net, others, line);
	if (lost != told->lost)
		text_add(line, " (there are more than can be told apart)");
	told->lost = lost;
	return true;
}

/* Of those that have ended and were named the one that ended first, or RRL_NETS; those that were
 * only counted go without a word. */
static unsigned first_ended(
	struct rrl_told *told, struct rrl_nets *nets, uint64_t quiet_us, uint64_t now_us)
{
	unsigned first = RRL_NETS;
	uint64_t least = UINT64_MAX;
	struct rrl_net net;

	for (unsigned i = 0; i < RRL_NETS; i++) {
		if (told->of[i] == RRL_UNTOLD || !rrl_nets_get(nets, i, &net) ||
			now_us < net.last_us + quiet_us)
			continue;
		if (told->of[i] == RRL_COUNTED) {
			told->of[i] = RRL_UNTOLD;
			rrl_nets_free_place(nets, i);
		} else if (net.last_us < least) {
			least = net.last_us;
			first = i;
		}
	}
	return first;
}

bool rrl_log_line(struct rrl_told *told, struct rrl_nets *nets,
	const struct policy_limits *limits, uint64_t now_us, struct text *line)
{
	const uint64_t quiet_us = ((uint64_t)limits->window_s + 1) * 1000000;
	const unsigned ended = first_ended(told, nets, quiet_us, now_us);
	struct rrl_net net;

	if (tell_begin(told, nets, limits, line))
		return true;
	if (ended == RRL_NETS || !rrl_nets_get(nets, ended, &net))
		return false;
	say_end(&net, line);
	told->of[ended] = RRL_UNTOLD;
	rrl_nets_free_place(nets, ended);
	return true;
}

static void on_second(struct ev_loop *loop, ev_timer *t, int events)
{
	struct rrl_log *l = t->data;
	const struct world *w = publisher_world(l->opts.publisher);
	struct text line = { 0 };

	(void)loop;
	(void)events;
	if (rrl_log_line(&l->told, workers_limited(l->opts.workers), &w->policy.limits,
		    clock_us(), &line))
		log_line(LOG_NOTICE, "%s", text_get(&line));
	text_fini(&line);
}

struct rrl_log *rrl_log_new(const struct rrl_log_opts *opts)
{
	struct rrl_log *l = memory_zeroed(1, sizeof *l);

	l->opts = *opts;
	ev_timer_init(&l->timer, on_second, 1, 1);
	l->timer.data = l;
	ev_timer_start(opts->loop, &l->timer);
	return l;
}

void rrl_log_free(struct rrl_log *l)
{
	ev_timer_stop(l->opts.loop, &l->timer);
	memory_free(l);
}
