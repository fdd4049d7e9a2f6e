/* simulate_html.c - what a simulation found, as one page that needs nothing else.
 */
#include "base/memory.h"
#include "simulate/simulate_map.h"
#include "simulate/simulate_report.h"

#include <math.h>
#include <stdio.h>

enum { MOVES = 30, COUNTRIES = 60, KEYS_SHOWN = 60 };

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>Waymark: what a change would do</title>\n<style>\n"
	":root{color-scheme:light dark;--page:#f4f6f9;--card:#fff;--line:#dfe4ec;--ink:#1c2430;"
	"--soft:#5d6879;--old:#c9ced6;--sea:#e3ebf3;--land:#fff;--coast:#b4bfcc;--up:#a8340c;"
	"--down:#0b4a9e;";

static const char dark[] = "}\n@media(prefers-color-scheme:dark){:root{--page:#0f141b;"
			   "--card:#171e27;--line:#2c3643;--ink:#e6ebf2;--soft:#9aa7b8;"
			   "--old:#4a5463;--sea:#0b1017;--land:#1a222c;--coast:#4c5a6b;"
			   "--up:#f0a04b;--down:#8cc4f5;";

static const char style[] =
	"}}\n"
	"@media print{:root{color-scheme:light}}\n"
	"*{box-sizing:border-box;-webkit-print-color-adjust:exact;print-color-adjust:exact}\n"
	"body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page);"
	"margin:0}\n"
	"main{max-width:1160px;margin:0 auto;padding:28px 24px 60px}\n"
	"h1{font-size:26px;margin:0 0 4px}h2{font-size:18px;margin:34px 0 10px}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:10px 0 "
	"18px}\n"
	"dt,small,th,.card span{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
	".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px}"
	"\n"
	".card{background:var(--card);border:1px solid var(--line);border-radius:8px;"
	"padding:12px 16px}\n"
	".card b{display:block;font-size:25px;font-weight:600}\n"
	"figure{margin:26px 0 0;break-inside:avoid}figcaption{margin:0 0 6px;font-weight:600}\n"
	"svg{display:block;width:100%;border-radius:8px;border:1px solid var(--line)}\n"
	"svg.defs{position:absolute;width:0;height:0;border:0}\n"
	".sea{fill:var(--sea)}.land{fill:var(--land);stroke:var(--coast)}\n"
	"#land{vector-effect:non-scaling-stroke;stroke-width:.8px}\n"
	".edges{fill:none}.edges path{stroke:var(--ink);stroke-width:.25em;stroke-width:1px;"
	"vector-effect:non-scaling-stroke}\n"
	".edges circle{stroke:var(--ink);stroke-width:1.4px;vector-effect:non-scaling-stroke}\n"
	".edges text{font-family:system-ui,sans-serif;font-weight:600;fill:var(--ink);"
	"paint-order:stroke;stroke:var(--land);stroke-linejoin:round}\n"
	".insets{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr)"
	")"
	";gap:12px;margin:12px 0 0}.insets:empty{display:none}.insets>div{max-width:560px}\n"
	".key{display:flex;flex-wrap:wrap;gap:4px 16px;margin:10px 0 0;color:var(--soft);"
	"font-size:13px}\n"
	".key i,td i{display:inline-block;width:12px;height:12px;border-radius:50%;"
	"margin-right:6px;vertical-align:-1px;border:1px solid var(--coast)}\n"
	"i.page{background-image:radial-gradient(var(--land) 30%,transparent 34%)}"
	"i.ink{background-image:radial-gradient(var(--ink) 30%,transparent 34%)}\n"
	".wide{overflow-x:auto;border:1px solid var(--line);border-radius:8px;"
	"background:var(--card)}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th,td{padding:5px 10px;text-align:right;border-top:1px solid var(--line);"
	"font-variant-numeric:tabular-nums;white-space:nowrap}\n"
	"th{border:0;font-weight:500}\n"
	"th:first-child,td:first-child{text-align:left}tr{break-inside:avoid}\n"
	"td.l,th.l{text-align:left}\n"
	"td.bar{width:22%;min-width:70px}.bar div{height:7px;border-radius:3px;margin:2px 0;"
	"min-width:1px}\n"
	".up{color:var(--up)}.down{color:var(--down)}\n"
	"@media(max-width:640px){main{padding:18px 12px 40px}h1{font-size:21px}"
	"dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 6px}.card b{font-size:20px}"
	".cards{grid-template-columns:1fr 1fr}th,td{padding:4px 7px;font-size:13px}"
	".world>svg .edges text,.world>svg .edges path{display:none}"
	".world>svg circle{r:9px}}\n"
	"@media print{body{background:#fff;font-size:11px}main{max-width:none;padding:0}"
	"h2{break-after:avoid}.card b{font-size:18px}}\n"
	"</style></head><body><main>\n";

static void add_ms(struct text *out, double ms)
{
	if (isnan(ms))
		text_add(out, "<td>-</td>");
	else
		text_addf(out, "<td>%.1f</td>", ms);
}

/* Of milliseconds: more is worse. */
static void add_change(struct text *out, double by)
{
	if (isnan(by))
		text_add(out, "<td>-</td>");
	else if (fabs(by) < 0.005)
		text_add(out, "<td>none</td>");
	else
		text_addf(out, "<td class=\"%s\">%+.2f</td>", by > 0 ? "up" : "down", by);
}

static void add_name(struct text *out, const char *name)
{
	text_add(out, "<td>");
	simulate_escape(out, name);
	text_add(out, "</td>");
}

static void term(struct text *out, const char *name, const char *value)
{
	if (!*value)
		return;
	text_addf(out, "<dt>%s</dt><dd>", name);
	simulate_escape(out, value);
	text_add(out, "</dd>");
}

static void cards(const struct simulate *s, struct text *out)
{
	uint64_t old = 0, new = 0;

	for (size_t i = 0; i < s->n_pools; i++) {
		old += s->pools[i].entries_old;
		new += s->pools[i].entries_new;
	}
	text_addf(out,
		"<div class=\"cards\"><div class=\"card\"><b>%.2f %%</b><span>of the clients "
		"move</span></div>\n<div class=\"card\"><b>%.2f %%</b><span>move to a slower "
		"edge, %.2f %% to a faster one</span></div>\n",
		100 * simulate_share(s, s->moved), 100 * simulate_share(s, s->worse),
		100 * simulate_share(s, s->better));
	if (s->old.ms_weight > 0 && s->new.ms_weight > 0)
		text_addf(out,
			"<div class=\"card\"><b>%.1f &rarr; %.1f ms</b><span>estimated, on "
			"average</span></div>\n",
			simulate_ms(&s->old), simulate_ms(&s->new));
	text_addf(out,
		"<div class=\"card\"><b>%llu &rarr;&nbsp;%llu</b><span>cache entries (ECS) in "
		"a "
		"resolver that has all these clients</span></div></div>\n",
		(unsigned long long)old, (unsigned long long)new);
}

/* A share as so many digits show it: never as a zero that is none. */
static void add_share(struct text *out, double share)
{
	if (share <= 0)
		text_add(out, "none");
	else if (share < 0.00005)
		text_add(out, "&lt;0.01 %");
	else
		text_addf(out, "%.2f %%", 100 * share);
}

static void add_moves(struct text *out, double moved, double of)
{
	text_add(out, "<td>");
	add_share(out, of > 0 ? moved / of : 0);
	text_add(out, "</td>");
}

/* What the colours are. */
static void edges_key(
	const struct simulate_drawing *d, enum simulate_map what, struct text *out)
{
	const struct simulate *s = d->s;
	unsigned shown = 0, more = 0;

	for (unsigned i = 0; i < s->n_edges; i++) {
		const struct simulate_edge *e = &s->edges[i];
		const double weight = what == MAP_OLD ? e->old.weight : e->new.weight;
		if (!(what == MAP_OLD ? e->is_old : e->is_new))
			continue;
		if (shown == KEYS_SHOWN) {
			more++;
			continue;
		}
		shown++;
		text_add(out, "<span>");
		simulate_swatch(d->paint[i], out);
		simulate_escape(out, e->name);
		text_add_char(out, ' ');
		add_share(out, simulate_share(s, weight));
		text_add(out, "</span>");
	}
	if (more)
		text_addf(out, "<span>and %u more, as in the table</span>", more);
}

static void figure(const struct simulate_drawing *d, enum simulate_map what,
	const char *caption, struct text *out)
{
	text_addf(out, "<figure><figcaption>%s</figcaption><div class=\"world\">\n", caption);
	simulate_map(d, what, out);
	text_add(out, "</div><div class=\"key\">");
	if (what != MAP_COST)
		edges_key(d, what, out);
	for (unsigned i = 0; what == MAP_COST && i < COST_CLASSES; i++)
		text_addf(out, "<span><i style=\"background-color:var(--k%u)\"></i>%s</span>",
			i, simulate_costs[i].say);
	text_add(out,
		"</div><div class=\"key\"><span>a dot is a degree of the map, the larger the "
		"more "
		"clients");
	text_add(out,
		what == MAP_COST
			? "; circles are edges, hollow without clients</span></div></figure>\n"
			: ", in the colour of most of them; circles are edges, hollow without "
			  "clients</span></div></figure>\n");
}

static double largest(const struct simulate *s)
{
	double v = 0;

	for (unsigned i = 0; i < s->n_edges; i++)
		v = fmax(v, fmax(s->edges[i].old.weight, s->edges[i].new.weight));
	return v > 0 ? v : 1;
}

static void edge_row(const struct simulate_report *r, const struct simulate_paint *paint,
	unsigned i, struct text *out)
{
	const struct simulate *s = r->found;
	const struct simulate_edge *e = &s->edges[i];
	const double o = simulate_share(s, e->old.weight), n = simulate_share(s, e->new.weight),
		     most = largest(s);

	text_add(out, "<tr><td>");
	simulate_swatch(paint[i], out);
	simulate_escape(out, e->name);
	text_addf(out,
		"%s</td><td class=\"bar\"><div "
		"style=\"width:%.1f%%;background:var(--old)\"></div>"
		"<div style=\"width:%.1f%%;background:var(--e%u)\"></div></td><td>",
		!e->is_new           ? " <small>gone</small>"
			: !e->is_old ? " <small>new</small>"
				     : "",
		100 * e->old.weight / most, 100 * e->new.weight / most, paint[i].colour);
	add_share(out, o);
	text_add(out, "</td><td>");
	add_share(out, n);
	text_add(out, "</td><td>");
	if (n != o)
		text_add_char(out, n > o ? '+' : '-');
	add_share(out, fabs(n - o));
	text_add(out, "</td>");
	if (!isnan(r->load))
		text_addf(out, "<td>%.0f</td><td%s>%.0f</td>", simulate_old_load(r, e),
			e->new_capacity > 0 && simulate_new_load(r, e) > e->new_capacity ? " class=\"up\""
									     : "",
			simulate_new_load(r, e));
	add_ms(out, simulate_ms(&e->old));
	add_ms(out, simulate_ms(&e->new));
	text_add(out, "</tr>\n");
}

static void edges(
	const struct simulate_report *r, const struct simulate_paint *paint, struct text *out)
{
	text_addf(out,
		"<h2>Edges</h2><div "
		"class=\"wide\"><table><tr><th>edge</th><th></th><th>now</th><th>then</th>"
		"<th>change</th>%s<th>now ms</th><th>then ms</th></tr>\n",
		isnan(r->load) ? "" : "<th>now load</th><th>then load</th>");
	for (unsigned i = 0; i < r->found->n_edges; i++)
		edge_row(r, paint, i, out);
	text_add(out, "</table></div>\n");
}

static void pools(const struct simulate *s, struct text *out)
{
	text_add(out,
		"<h2>Pools</h2><div "
		"class=\"wide\"><table><tr><th>pool</th><th class=\"l\">goal</th><th>moves</th><th>now ms</th><th>then "
		"ms</th><th>change</th><th>cache entries now</th><th>then</th></tr>\n");
	for (size_t i = 0; i < s->n_pools; i++) {
		const struct simulate_pool *p = &s->pools[i];
		text_add(out, "<tr>");
		add_name(out, p->name);
		text_addf(out, "<td class=\"l\">%s</td>", latency_kind_text(p->goal));
		if (p->turns)
			text_add(out, "<td>in turns</td>");
		else
			add_moves(out, p->moved, p->old.weight);
		add_ms(out, simulate_ms(&p->old));
		add_ms(out, simulate_ms(&p->new));
		add_change(out, simulate_ms(&p->new) - simulate_ms(&p->old));
		text_addf(out, "<td>%llu</td><td>%llu</td></tr>\n",
			(unsigned long long)p->entries_old, (unsigned long long)p->entries_new);
	}
	text_add(out, "</table></div>\n");
}

static void moves(const struct simulate *s, struct text *out)
{
	text_add(out,
		"<h2>Who moves</h2><div class=\"wide\"><table><tr><th>from</th><th "
		"class=\"l\">to</th>"
		"<th>clients</th><th>extra ms</th></tr>\n");
	for (size_t i = 0; i < s->n_moves && i < MOVES; i++) {
		const struct simulate_move *m = &s->moves[i];
		if (!simulate_shows(s, m->weight, 3))
			continue;
		text_add(out, "<tr>");
		add_name(out, simulate_edge_name(s, m->from));
		text_add(out, "<td class=\"l\">");
		simulate_escape(out, simulate_edge_name(s, m->to));
		text_addf(out, "</td><td>%.3f %%</td>", 100 * simulate_share(s, m->weight));
		add_change(out, m->ms_weight > 0 ? m->extra_ms / m->ms_weight : NAN);
		text_add(out, "</tr>\n");
	}
	text_add(out, "</table></div>\n");
	if (s->n_moves > MOVES)
		text_addf(
			out, "<p><small>and %zu other ways</small></p>\n", s->n_moves - MOVES);
}

static void losers(const struct simulate *s, struct text *out)
{
	uint32_t worst[SIMULATE_LOSERS];
	const size_t n = simulate_losers(s, worst, SIMULATE_LOSERS);

	if (!n)
		return;
	text_add(out,
		"<h2>Who loses most</h2><div class=\"wide\"><table><tr><th>place</th><th "
		"class=\"l\">from</th>"
		"<th class=\"l\">to</th><th>clients</th><th>now ms</th><th>then ms</th>"
		"<th>change</th></tr>\n");
	for (size_t i = 0; i < n; i++) {
		const struct simulate_place *p = &s->places[worst[i]];
		char name[256];
		text_add(out, "<tr>");
		add_name(out, simulate_place_name(s, worst[i], name, sizeof name));
		text_add(out, "<td class=\"l\">");
		simulate_escape(out, simulate_edge_name(s, p->from));
		text_add(out, "</td><td class=\"l\">");
		simulate_escape(out, simulate_edge_name(s, p->to));
		text_addf(out, "</td><td>%.4f %%</td>", 100 * simulate_share(s, p->weight));
		add_ms(out, simulate_ms(&p->old));
		add_ms(out, simulate_ms(&p->new));
		add_change(out, simulate_ms(&p->new) - simulate_ms(&p->old));
		text_add(out, "</tr>\n");
	}
	text_add(out, "</table></div>\n");
}

static void countries(const struct simulate *s, struct text *out)
{
	text_add(out,
		"<h2>Countries</h2><div "
		"class=\"wide\"><table><tr><th>country</th><th>clients</th><th>moves</th>"
		"<th>now ms</th><th>then ms</th><th>change</th></tr>\n");
	for (size_t i = 0; i < s->n_countries && i < COUNTRIES; i++) {
		const struct simulate_group *g = &s->countries[i];
		if (!simulate_shows(s, g->old.weight, 2))
			continue;
		text_addf(out, "<tr><td>%s</td><td>%.2f %%</td>", g->name,
			100 * simulate_share(s, g->old.weight));
		add_moves(out, g->moved, g->old.weight);
		add_ms(out, simulate_ms(&g->old));
		add_ms(out, simulate_ms(&g->new));
		add_change(out, simulate_ms(&g->new) - simulate_ms(&g->old));
		text_add(out, "</tr>\n");
	}
	text_add(out, "</table></div>\n");
}

/* Which pools, when, and of how many clients something is known. */
static void about(const struct simulate_report *r, struct text *out)
{
	enum { NAMED = 12 };
	const struct simulate *s = r->found;
	struct text say = { 0 };

	for (size_t i = 0; i < s->n_pools && i < NAMED; i++)
		text_addf(&say, "%s%s", i ? ", " : "", s->pools[i].name);
	if (s->n_pools > NAMED)
		text_addf(&say, " and %zu more", s->n_pools - NAMED);
	term(out, s->n_pools == 1 ? "pool" : "pools", text_get(&say));
	text_fini(&say);
	term(out, "time", r->time);
	simulate_coverage(s, &say);
	term(out, "coverage", text_get(&say));
	term(out, "milliseconds", simulate_milliseconds(s));
	text_fini(&say);
}

static void maps(const struct simulate *s, const struct simulate_paint *paint, struct text *out)
{
	const struct simulate_drawing d = { s, paint };

	simulate_map_land(out);
	figure(&d, MAP_OLD, "Now: which edge, where", out);
	figure(&d, MAP_NEW, "Then", out);
	figure(&d, MAP_COST, "What it costs, in estimated milliseconds", out);
}

void simulate_html(const struct simulate_report *r, struct text *out)
{
	const struct simulate *s = r->found;
	struct simulate_paint *paint = memory_zeroed(s->n_edges, sizeof *paint);

	simulate_paint(s, paint);
	text_add(out, head);
	simulate_colours_css(false, out);
	text_add(out, dark);
	simulate_colours_css(true, out);
	text_add(out, style);
	text_add(out, "<h1>What a change would do</h1><dl>");
	term(out, "now", r->old);
	term(out, "then", r->new);
	about(r, out);
	term(out, "clients", r->clients);
	term(out, "note", r->note);
	text_add(out, "</dl>\n");
	cards(s, out);
	maps(s, paint, out);
	edges(r, paint, out);
	pools(s, out);
	if (s->n_moves)
		moves(s, out);
	losers(s, out);
	countries(s, out);
	text_add(out, "</main></body></html>\n");
	memory_free(paint);
}
