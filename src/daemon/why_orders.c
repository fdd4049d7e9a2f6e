#include "daemon/why_orders.h"

#include "base/ago.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/who.h"
#include "conf/option.h"
#include "daemon/parts_read.h"
#include "report/report_why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ANSWERS = 6, /* that are told of: one, and those before */
	HOUR_S = 3600,
	WATCH_MOST_S = 30 * 86400,
	V4_SENT = ADDR_V4_BITS + 24, /* what resolvers send (RFC 7871 section 11.1) */
	V6_SENT = 56
};

struct why_orders {
	struct why_orders_opts opts;
	unsigned lane;
};

/* Somebody waits. */
struct asked {
	struct why_orders *owner;
	struct command_call *call; /* NULL: nobody does any more */
	bool json;
	/* why */
	struct report_why_ask ask;
	uint8_t name[NAME_MOST];
	struct text out;
	/* watch */
	bool stops;
	struct store_watch watch;
	bool ok;
	struct fault why;
};

static const char no_store[] =
	"there is no store, so nothing is kept of answers; write for example: store: { file: "
	"/var/lib/waymark/waymark.db }\n";

/* What of an address may be all that a resolver has sent. */
static struct prefix sent(const struct prefix *net)
{
	const unsigned most = addr_is_v4(&net->addr) ? V4_SENT : V6_SENT;

	return net->bits > most ? addr_prefix(&net->addr, most) : *net;
}

/* An address or a net, bits behind its length or not. False: told. */
static bool parse_net(struct prefix *to, const char *text, struct text *out)
{
	struct fault why;

	if (prefix_parse(to, text, &why))
		return true;
	text_addf(out, "%s: %s\n", text, why.text);
	return false;
}

static void forget(struct command_call *c)
{
	((struct asked *)c->pending)->call = NULL;
}

static int begin(struct why_orders *o, const struct asked *a, struct command_call *c,
	const char *what, void (*work)(void *ctx, struct job *job), void (*done)(void *ctx, enum job_end end))
{
	struct asked *own = malloc(sizeof *own);

	if (own)
		*own = *a;
	if (own && own->ask.name)
		own->ask.name = own->name;
	if (!own ||
		!jobs_start(o->opts.jobs,
			&(struct job_opts){ .lane = o->lane,
				.name = what,
				.about = "in the store",
				.ctx = own,
				.work = work,
				.done = done })) {
		free(own);
		text_add(c->out, "out of memory\n");
		return 1;
	}
	c->pending = own;
	c->forget = forget;
	return COMMAND_LATER;
}

static const char *failed(const struct asked *a, enum job_end end)
{
	return end == JOB_DONE         ? a->why.text
		: end == JOB_NO_MEMORY ? "out of memory"
				       : "the server stops";
}

/* --- why ---------------------------------------------------------------------------------- */

struct finding {
	const struct asked *of;
	struct report_why_rows *rows;
};

static void take_row(void *ctx, const struct store_decision *d)
{
	struct finding *f = ctx;

	/* Asked through a resolver that has sent no subnet: the address is a whole one. */
	if (d->by_subnet || memcmp(&d->client, &f->of->ask.client, sizeof d->client) == 0)
		report_why_add(f->rows, &f->of->ask, d);
}

static struct addr last_of(const struct prefix *net)
{
	struct addr a = net->addr;

	for (unsigned i = net->bits; i < 128; i++)
		a.b[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	return a;
}

static void why_work(void *ctx, struct job *job)
{
	struct asked *a = ctx;
	struct finding f = { a, report_why_new() };
	const struct store_decisions_ask ask = { .from = a->ask.net.addr,
		.to = last_of(&a->ask.net),
		.until_s = a->ask.at_s,
		.name = a->ask.name,
		.most = ANSWERS };

	(void)job;
	a->ok = store_find_decisions(a->owner->opts.store, &ask, take_row, &f, &a->why);
	if (a->ok)
		report_why_tell(f.rows, &a->ask, a->json, &a->out);
	report_why_free(f.rows);
}

static void why_done(void *ctx, enum job_end end)
{
	struct asked *a = ctx;
	struct command_call *c = a->call;
	const bool ok = end == JOB_DONE && a->ok;

	if (c && ok)
		text_add(c->out, text_get(&a->out));
	else if (c)
		text_addf(c->out, "%s\n", failed(a, end));
	if (c)
		c->done(c, ok ? 0 : 1);
	text_fini(&a->out);
	free(a);
}

static int why(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct why_orders *o = ctx;
	static const uint8_t root[1];
	struct asked a = { .owner = o, .call = c, .ask = { .at_s = time(NULL) } };
	const char *client = NULL, *at = NULL;
	struct prefix one;

	a.json = command_take_word(words, &n, "--json");
	command_take_value(words, &n, "--client", &client);
	command_take_value(words, &n, "--at", &at);
	if (!client || n > 1 || (n && words[0][0] == '-'))
		return 2;
	if (!parse_net(&one, client, c->out))
		return 1;
	if (at && !ago_moment(&a.ask.at_s, at, a.ask.at_s)) {
		text_addf(c->out,
			"--at %s: no moment; write 10:15 (local time), 30m (ago), \"2026-12-01 10:15\" or "
			"2026-12-01T10:15:00Z\n",
			at);
		return 1;
	}
	const enum name_result r = n ? name_parse(a.name, NULL, words[0], strlen(words[0]), root) : NAME_OK;
	if (r != NAME_OK) {
		text_addf(c->out, "%s %s\n", words[0], name_result_text(r));
		return 1;
	}
	if (n) {
		uint8_t lower[NAME_MOST];
		name_lower(lower, a.name, name_len(a.name));
		memcpy(a.name, lower, name_len(a.name));
		a.ask.name = a.name;
	}
	if (!o->opts.store) {
		text_add(c->out, no_store);
		return 1;
	}
	a.ask.client = addr_plain(&one.addr, NULL);
	one.addr = a.ask.client;
	a.ask.net = sent(&one);
	a.ask.conf = parts_conf(publisher_live(o->opts.publisher))->digest;
	return begin(o, &a, c, "why", why_work, why_done);
}

/* --- watch -------------------------------------------------------------------------------- */

static void list_watches(const struct why_orders *o, bool json, struct text *out)
{
	unsigned n;
	const struct store_watch *list = decision_history_watches(o->opts.history, &n);

	report_watched(list, n, json, out);
}

static void watch_work(void *ctx, struct job *job)
{
	struct asked *a = ctx;

	(void)job;
	a->ok = a->stops ? store_drop_watch(a->owner->opts.store, &a->watch.net, &a->why)
			 : store_put_watch(a->owner->opts.store, &a->watch, &a->why);
}

static bool take_watch(struct asked *a)
{
	struct decision_history *h = a->owner->opts.history;

	if (a->stops)
		return decision_history_unwatch(h, &a->watch.net) ||
			fault(&a->why, "it is not watched");
	return decision_history_watch(h, &a->watch) ||
		fault(&a->why, "%d nets are watched, and there is no room for another (\"watch NET --stop\")",
			POLICY_WATCHED);
}

static void watch_done(void *ctx, enum job_end end)
{
	struct asked *a = ctx;
	struct command_call *c = a->call;
	const bool ok = end == JOB_DONE && a->ok && take_watch(a);
	char net[ADDR_TEXT], until[AGO_TEXT], who[WHO_TEXT];

	prefix_text(net, &a->watch.net);
	if (ok)
		log_line(LOG_NOTICE, "%s is %s, by %s", net,
			a->stops ? "not watched any more" : "watched", who_text(who, a->watch.uid));
	if (c && ok && a->stops)
		text_addf(c->out, "%s is not watched any more\n", net);
	else if (c && ok)
		text_addf(c->out, "%s is watched until %s: \"waymarkctl why --client\" tells of it\n", net,
			ago_text(until, a->watch.until_s));
	else if (c)
		text_addf(c->out, "%s: %s\n", net, failed(a, end));
	if (c)
		c->done(c, ok ? 0 : 1);
	free(a);
}

static int watch(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct why_orders *o = ctx;
	struct asked a = { .owner = o, .call = c };
	const char *span = NULL;
	uint64_t ms = HOUR_S * 1000;

	a.json = command_take_word(words, &n, "--json");
	a.stops = command_take_word(words, &n, "--stop");
	const bool here = command_take_word(words, &n, "--here"); /* of who follows the commands (fleet_orders.h) */
	command_take_value(words, &n, "--for", &span);
	if (n > 1 || (n && words[0][0] == '-') || (!n && (a.stops || span || here)) || (a.stops && span))
		return 2;
	if (!n) {
		list_watches(o, a.json, c->out);
		return 0;
	}
	if (!parse_net(&a.watch.net, words[0], c->out))
		return 1;
	if (span && (!option_duration(span, span + strlen(span), &ms) || ms < 1000 ||
			    ms > (uint64_t)WATCH_MOST_S * 1000)) {
		text_addf(c->out, "--for %s: a duration from 1s to 30d is wanted, such as 1h\n", span);
		return 1;
	}
	if (!o->opts.store) {
		text_add(c->out, no_store);
		return 1;
	}
	a.watch.since_s = time(NULL);
	a.watch.until_s = a.watch.since_s + (int64_t)(ms / 1000);
	a.watch.uid = c->uid;
	return begin(o, &a, c, "watch", watch_work, watch_done);
}

static void watch_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct why_orders *o = ctx;
	struct fault why_not;
	struct prefix net;
	unsigned watches;
	const struct store_watch *list = decision_history_watches(o->opts.history, &watches);
	char until[AGO_TEXT];
	const bool ok = n && prefix_parse(&net, words[0], &why_not);

	if (ok)
		strcpy(to, "not watched");
	for (unsigned i = 0; ok && i < watches; i++)
		if (list[i].net.bits == net.bits && memcmp(&list[i].net.addr, &net.addr, sizeof net.addr) == 0)
			snprintf(to, COMMAND_STATE, "watched until %s", ago_text(until, list[i].until_s));
}

struct why_orders *why_orders_new(const struct why_orders_opts *opts, struct commands *commands)
{
	struct why_orders *o = memory_zeroed(1, sizeof *o);

	o->opts = *opts;
	o->lane = jobs_lane(opts->jobs, 2, JOBS_PROMPT);
	commands_bind(commands, "why", why, o);
	commands_bind(commands, "watch", watch, o);
	commands_bind_state(commands, "watch", watch_state);
	return o;
}

void why_orders_free(struct why_orders *o)
{
	memory_free(o);
}
