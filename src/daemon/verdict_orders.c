/* verdict_orders.c - the command verdict: how an edge is, for probes of kind external.
 */
#include "base/clock.h"
#include "base/moment.h"
#include "daemon/orders_inner.h"
#include "daemon/parts_read.h"
#include "probe/load_from.h"
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *subject(const struct external_verdict *v, char addr[static ADDR_TEXT])
{
	return v->one ? addr_text(addr, &v->addr) : "all";
}

static json_t *verdict_json(const struct external_verdict *v, uint64_t now)
{
	char addr[ADDR_TEXT];
	json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:I, s:I}", "probe", v->probe, "edge", v->edge, "state",
		v->up ? "up" : "down", "fresh", (int)(v->until_us > now), "when_s",
		(json_int_t)v->when_s, "since_s", (json_int_t)v->changed_s);

	if (v->one)
		json_object_set_new(o, "address", json_string(subject(v, addr)));
	if (*v->who)
		json_object_set_new(o, "who", json_string(v->who));
	if (*v->why)
		json_object_set_new(o, "why", json_string(v->why));
	if (!isnan(v->load))
		json_object_set_new(o, "load", json_real(v->load));
	if (v->until_us != UINT64_MAX)
		json_object_set_new(o, "left_s",
			json_real(v->until_us > now ? (double)(v->until_us - now) / 1e6 : 0));
	return o;
}

static void verdict_text(const struct external_verdict *v, uint64_t now, struct text *out)
{
	char addr[ADDR_TEXT];

	text_addf(out, "%-16s %-16s %-24s %-5s", v->probe, *v->edge ? v->edge : "-", subject(v, addr),
		v->up ? "up" : "down");
	if (v->until_us <= now)
		text_add(out, " is over");
	else if (v->until_us != UINT64_MAX)
		text_addf(out, " good for %llu s",
			(unsigned long long)((v->until_us - now + 999999) / 1000000));
	if (!isnan(v->load))
		text_addf(out, "; load %g", v->load);
	text_addf(out, "%s%s%s%s\n", *v->who ? "; by " : "; by its file", v->who, *v->why ? ": " : "",
		v->why);
}

static int show(const struct orders *o, bool json, struct text *out)
{
	const struct externals *l = probes_externals(o->opts.probes);
	const uint64_t now = clock_us();
	json_t *list = json ? json_array() : NULL;

	for (size_t i = 0; i < l->n; i++)
		if (json)
			json_array_append_new(list, verdict_json(&l->of[i], now));
		else
			verdict_text(&l->of[i], now, out);
	if (json)
		report_json(list, out);
	else if (!l->n)
		text_add(out, "nothing is told\n");
	return 0;
}

/* What it says is shown on terminals and kept in a file. */
static bool is_text(const char *s)
{
	const char *p = s;
	size_t n = 1;

	for (; *p && n; p += n) {
		n = text_utf8_len((const unsigned char *)p);
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			n = 0;
	}
	return n && (size_t)(p - s) <= EXTERNAL_TEXT_MOST;
}

static int wrong_word(struct command_call *c, const char *option, const char *text, const char *say)
{
	text_addf(c->out, "%s %s: %s\n", option, text, say);
	return 2;
}

struct verdict_words {
	struct probes_tell ask;
	struct addr addr;
	const char *span, *load, *addr_text;
};

static int take_words(struct verdict_words *w, struct command_call *c)
{
	float load;

	if (w->span && !moment_span(&w->ask.for_ms, w->span))
		return wrong_word(c, "--for", w->span, "write a time such as 90s, 30m or 2h");
	if (w->load && !load_from_number(w->load, strlen(w->load), &load))
		return wrong_word(c, "--load", w->load, "write a number of at least 0, such as 0.7");
	if (w->load)
		w->ask.load = load;
	if (w->addr_text && !addr_parse(&w->addr, w->addr_text))
		return wrong_word(c, "--address", w->addr_text, "write an address of the edge");
	w->ask.addr = w->addr_text ? &w->addr : NULL;
	if (!is_text(w->ask.why))
		return wrong_word(c, "--why", "", "write up to 127 bytes of text (UTF-8)");
	if (strcmp(w->ask.state, "up") != 0 && strcmp(w->ask.state, "down") != 0 &&
		strcmp(w->ask.state, "none") != 0)
		return wrong_word(c, w->ask.edge, w->ask.state, "write up, down, or none (told no more)");
	if (strcmp(w->ask.state, "none") == 0 && (w->span || w->load))
		return wrong_word(c, w->ask.edge, "none", "goes without --for and --load");
	return 0;
}

static void is_told(void *ctx, const struct fault *why)
{
	struct waiting *w = ctx;
	struct text out = { 0 };

	text_add(&out, w->say ? w->say : "");
	if (why)
		text_addf(&out, "it holds, but it is not saved and a restart would forget it: %s\n",
			why->text);
	orders_wait_over(w, why ? 1 : 0, &out);
}

static int tell(struct orders *o, struct verdict_words *words, struct command_call *c)
{
	const struct conf *conf = parts_conf(publisher_live(o->opts.publisher));
	const char *group = strncmp(words->ask.edge, "group:", 6) == 0 ? words->ask.edge + 6 : NULL;
	struct text say = { 0 };
	struct fault why;

	if (group && !(words->ask.edge = conf_edge_group(conf, group))) {
		text_addf(c->out, "there is no group \"%s\" in \"edge-groups\"\n", group);
		return 1;
	}
	struct waiting *w = orders_wait(o, c);
	if (!w)
		return orders_no_memory(w, c);
	if (probes_tell(o->opts.probes, &words->ask, &say, &why)) {
		w->say = say.s;
		probes_keep_told(o->opts.probes, is_told, w);
		return COMMAND_LATER;
	}
	text_addf(c->out, "%s%s\n", text_get(&say), why.text);
	text_fini(&say);
	free(w);
	return 1;
}

static int verdict_command(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct verdict_words w = { .ask = { .load = NAN, .why = "", .uid = c->uid } };
	const bool json = command_take_word(words, &n, "--json");

	command_take_value(words, &n, "--probe", &w.ask.probe);
	command_take_value(words, &n, "--for", &w.span);
	command_take_value(words, &n, "--load", &w.load);
	command_take_value(words, &n, "--address", &w.addr_text);
	command_take_value(words, &n, "--why", &w.ask.why);
	if (n == 0 && !w.ask.probe)
		return show(ctx, json, c->out);
	if (n != 2)
		return 2;
	w.ask.edge = words[0];
	w.ask.state = words[1];
	const int status = take_words(&w, c);
	return status ? status : tell(ctx, &w, c);
}

void verdict_orders_bind(struct orders *o, struct commands *commands)
{
	commands_bind(commands, "verdict", verdict_command, o);
}
