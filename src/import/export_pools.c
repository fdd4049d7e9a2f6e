/* export_pools.c - pools in the words that other programs share: members with weights, and who is led elsewhere.
 */
#include "import/export_config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- notes -------------------------------------------------------------------------------- */

void export_notef(struct plan *p, enum note kind, const struct export_from *from, const struct pool_opts *pool, const char *fmt, ...)
{
	struct fault_at at = { .path = from->conf->path };
	struct text say = { 0 };
	va_list ap;

	text_addf(&say, "pool %s: ", pool->name);
	va_start(ap, fmt);
	text_addv(&say, fmt, ap);
	va_end(ap);
	/* A pool is looked at for each name that has it, and told once. */
	if (plan_is_new(p, text_get(&say))) {
		/* The part of a pool that has priorities is written where that is. */
		conf_places_at(from->places, "pools", pool->name, &at);
		plan_note(p, kind, at.path, at.line, "%s", text_get(&say));
	}
	text_fini(&say);
}

void export_note(struct plan *p, enum note kind, const struct export_from *from, const struct pool_opts *pool, const char *what)
{
	export_notef(p, kind, from, pool, "%s", what);
}

static bool has_form(const struct pool_opts *o)
{
	return o->forms[POOL_HTTPS].front || o->forms[POOL_SVCB].front;
}

static const char *all_down_text(enum pool_all_down d)
{
	static const char *const text[] = { [POOL_ALL] = "all", [POOL_FIRST] = "first", [POOL_OTHER] = "another pool", [POOL_EMPTY] = "empty" };

	return text[d];
}

static void note_policy(struct plan *p, const struct export_from *from, const struct pool_opts *o)
{
	if (o->n_links)
		export_note(p, NOTE_LOST, from, o, "policies that others follow: only the last one is said");
	if (o->policy == POOL_LEAST_LATENCY || o->policy == POOL_LEAST_LOAD || o->policy == POOL_HASH)
		export_notef(p, NOTE_LOST, from, o, "policy %s: its members take turns", pool_policy_text(o->policy));
	if (o->affinity)
		export_note(p, NOTE_LOST, from, o, "affinity");
	if (o->goal != LATENCY_RTT)
		export_notef(p, NOTE_LOST, from, o, "goal %s", latency_kind_text(o->goal));
	if (o->cost_ms > 0)
		export_note(p, NOTE_LOST, from, o, "what edges cost");
	if (o->spread_ms > 0 && o->policy == POOL_NEAREST && o->answers > 1)
		export_note(p, NOTE_LOST, from, o, "how far others than the nearest may be");
	if (o->fail_back != POOL_BACK_AUTO)
		export_note(p, NOTE_LOST, from, o, "fail-back: it is automatic there");
}

/* What neither writer has words for. */
static void note_pool(struct plan *p, const struct export_from *from, const struct pool_opts *o)
{
	note_policy(p, from, o);
	if (has_form(o))
		export_note(p, NOTE_LOST, from, o, "its HTTPS or SVCB records");
	if (o->least_up > 1 || o->least_share > 0 || o->least_a || o->least_aaaa)
		export_note(p, NOTE_LOST, from, o, "how many of its edges must be up for it to be up");
	if (o->apart)
		export_note(p, NOTE_LOST, from, o, "that A and AAAA are answered each as if there were no other (families: apart)");
	if (o->panic_share > 0)
		export_note(p, NOTE_LOST, from, o, "panic");
	if (o->n_skipped)
		export_notef(p, NOTE_LOST, from, o, "%zu members that are switched off", o->n_skipped);
	if (o->n_fallback)
		export_note(p, NOTE_LOST, from, o, "the order for clients of no known place (default)");
	if (!o->part && o->all_down != (o->policy == POOL_ORDERED ? POOL_FIRST : POOL_ALL))
		export_notef(p, NOTE_DIFFERS, from, o, "what is answered when nothing is up (all-down: %s)", all_down_text(o->all_down));
}

void export_notes(struct plan *p, const struct export_from *from)
{
	for (size_t i = 0; i < from->conf->n_pools; i++)
		note_pool(p, from, &from->conf->pools[i]);
	if (from->conf->latency.on)
		plan_note(p, NOTE_LOST, from->conf->path, 0, "measured times: nearness is what the other one takes for it");
}

/* --- members ------------------------------------------------------------------------------ */

static const struct probe_opts *probe_of(const struct conf *c, unsigned of_member, const struct edge_opts *e, const struct pool_opts *pool)
{
	const unsigned number = of_member ? of_member : e->probe ? e->probe : pool->probe;

	return number && !e->unprobed && c->probes[number - 1].kind != PROBE_NONE ? &c->probes[number - 1] : NULL;
}

static bool is_wanted(struct plan *p, const struct export_from *from, const struct pool_opts *pool, const struct edge_opts *e)
{
	if (e->state == EDGE_UP)
		return true;
	export_notef(p, NOTE_SEE, from, pool, "edge %s is left out, as it is configured to be %s", e->name, edge_state_text(e->state));
	return false;
}

/* Weights and shares as one sort of number: shares are of the whole, and weights divide the rest. */
static void settle_weights(struct export_member *m, size_t n, const double *shares, bool weighs)
{
	double taken = 0, weights = 0;

	for (size_t i = 0; i < n; i++) {
		taken += shares[i];
		m[i].weight = weighs || shares[i] > 0 ? m[i].weight : 1;
		weights += shares[i] > 0 ? 0 : m[i].weight;
	}
	for (size_t i = 0; i < n && taken > 0; i++)
		m[i].weight = shares[i] > 0 ? shares[i] : weights > 0 ? m[i].weight / weights * (1 - taken) : 0;
}

static struct export_members members_of(struct plan *p, const struct export_from *from, const struct pool_opts *o)
{
	const struct conf *c = from->conf;
	const size_t most = o->members ? o->n_members : o->n;
	struct export_member *to = arena_zalloc(&p->mem, (most + 1) * sizeof *to);
	double *shares = arena_zalloc(&p->mem, (most + 1) * sizeof *shares);
	bool weighs = pool_policy_weighs(o->policy);
	size_t n = 0;

	for (size_t i = 0; i < most; i++) {
		const struct pool_member *m = o->members ? &o->members[i] : NULL;
		const struct edge_opts *e = m && m->is_pool ? NULL : &c->edges[m ? m->number : o->edges[i]];
		if (e && !is_wanted(p, from, o, e))
			continue;
		shares[n] = m ? (double)m->share / POOL_SHARE : 0;
		to[n++] = (struct export_member){ .edge = e,
			.pool = e ? NULL : &c->pools[m->number],
			.probe = e ? probe_of(c, m ? m->probe : 0, e, o) : NULL,
			.weight = m ? m->weight : e->weight,
			.bias = m && m->bias ? m->bias : e ? (int)e->bias : 0 };
	}
	settle_weights(to, n, shares, weighs);
	return (struct export_members){ to, n };
}

size_t export_edges(const struct conf *c, const struct pool_opts *pool, const struct edge_opts **to, size_t room)
{
	const size_t most = pool->members ? pool->n_members : pool->n;
	size_t n = 0, j;

	for (size_t i = 0; i < most && n < room; i++) {
		if (pool->members && pool->members[i].is_pool) {
			n += export_edges(c, &c->pools[pool->members[i].number], to + n, room - n);
			continue;
		}
		const struct edge_opts *e = &c->edges[pool->members ? pool->members[i].number : pool->edges[i]];
		for (j = 0; j < n && to[j] != e; j++)
			;
		if (j == n && e->state == EDGE_UP)
			to[n++] = e;
	}
	return n;
}

struct words export_addresses(struct plan *p, const struct edge_opts *e, bool v6)
{
	struct words w = { .n = 0 };
	char text[ADDR_TEXT];

	for (size_t i = 0; i < (v6 ? e->n_aaaa : e->n_a); i++)
		plan_word(p, &w, addr_text(text, v6 ? &e->aaaa[i] : &e->a[i]));
	return w;
}

bool export_weights(const struct export_members *m, unsigned most, unsigned *to)
{
	double top = 0;
	bool exact = true;

	for (size_t i = 0; i < m->n; i++) {
		top = m->of[i].weight > top ? m->of[i].weight : top;
		exact = exact && m->of[i].weight == floor(m->of[i].weight);
	}
	exact = exact && top <= most;
	for (size_t i = 0; i < m->n; i++) {
		const double w = m->of[i].weight;
		to[i] = (unsigned)(exact ? w : w > 0 ? fmax(1, round(w / top * most)) : 0);
	}
	return !exact;
}

/* --- pins --------------------------------------------------------------------------------- */

struct pinning {
	struct plan *p;
	const struct export_from *from;
	const struct pool_opts *pool;
	struct export_pin *to;
	size_t n;
	bool done; /* a rule for all: none behind it is reached */
};

static bool place_of(enum pool_pin_kind kind, enum export_place *to)
{
	switch (kind) {
	case PIN_NET:
		*to = EXPORT_NET;
		return true;
	case PIN_REGION:
		*to = EXPORT_REGION;
		return true;
	case PIN_COUNTRY:
		*to = EXPORT_COUNTRY;
		return true;
	case PIN_CONTINENT:
		*to = EXPORT_CONTINENT;
		return true;
	case PIN_DEFAULT:
		*to = EXPORT_ALL;
		return true;
	case PIN_ASN:
	case PIN_CITY:
	case PIN_RULE:
	case PIN_KINDS:
		break;
	}
	return false;
}

static struct export_members targets_of(struct pinning *k, const struct pool_pin *pin)
{
	const struct conf *c = k->from->conf;
	struct export_member *to = arena_zalloc(&k->p->mem, (pin->n + 1) * sizeof *to);
	size_t n = 0;

	if (pin->to_pool)
		to[n++] = (struct export_member){ .pool = &c->pools[pin->pool], .weight = 1 };
	for (size_t i = 0; i < pin->n && !pin->to_pool; i++) {
		const struct edge_opts *e = &c->edges[pin->edges[i]];
		if (is_wanted(k->p, k->from, k->pool, e))
			to[n++] = (struct export_member){ .edge = e, .probe = probe_of(c, 0, e, k->pool), .weight = 1 };
	}
	return (struct export_members){ to, n };
}

static void pin_note(struct pinning *k, const struct pool_pin *pin, enum note kind, const char *what)
{
	const struct fault_at at = conf_place(k->from->conf, pin->source, pin->line, pin->column);
	const char *say = plan_textf(k->p, "pool %s: %s (column %u)", k->pool->name, what, pin->column);

	if (plan_is_new(k->p, plan_textf(k->p, "%s:%u: %s", at.path, at.line, say)))
		plan_note(k->p, kind, at.path, at.line, "%s", say);
}

static void add_value(struct plan *p, struct words *to, const struct pool_pin *cond)
{
	char text[ADDR_TEXT];

	plan_word(p, to, cond->kind == PIN_NET ? prefix_text(text, &cond->net) : cond->code ? cond->code : "");
}

static void add_pin(struct pinning *k, const struct pool_pin *pin, enum export_place place, struct words of)
{
	const struct export_members to = targets_of(k, pin);

	if (!to.n)
		pin_note(k, pin, NOTE_LOST, "a pin that leads to nobody");
	else
		k->to[k->n++] = (struct export_pin){ .place = place, .of = of, .to = to };
	k->done = k->done || place == EXPORT_ALL;
}

static void take_pin(struct pinning *k, const struct pool_pin *pin)
{
	enum export_place place;
	struct words of = { .n = 0 };

	if (!place_of(pin->kind, &place)) {
		pin_note(k, pin, NOTE_LOST, pin->kind == PIN_ASN ? "a pin of an AS number" : "a pin of a city");
		return;
	}
	add_value(k->p, &of, pin);
	add_pin(k, pin, place, of);
}

/* Only places of one kind, or nothing at all. */
static const char *cannot(const struct pool_rule *r)
{
	const struct pool_when *w = &r->when;

	if (r->unless.n || r->unless.n_resolvers || r->unless.n_clients || r->unless.n_during || r->unless.via || r->unless.types)
		return "a pin with exceptions";
	if (w->n_resolvers || w->n_clients || w->n_during || w->via || w->types)
		return "a pin of resolvers, classes, hours, transports or types";
	if (r->nobody || r->refused)
		return "a pin to nobody";
	for (size_t i = 1; i < w->n; i++)
		if (w->conds[i].kind != w->conds[0].kind)
			return "a pin of several conditions";
	return NULL;
}

static void take_rule(struct pinning *k, const struct pool_rule *r)
{
	const char *why = cannot(r);
	enum export_place place = EXPORT_ALL;
	struct words of = { .n = 0 };

	if (!why && r->when.n && !place_of(r->when.conds[0].kind, &place))
		why = "a pin of AS numbers or cities";
	if (why) {
		pin_note(k, &r->to, NOTE_LOST, why);
		return;
	}
	if (k->done)
		return;
	for (size_t i = 0; i < r->when.n; i++)
		add_value(k->p, &of, &r->when.conds[i]);
	if (k->n && place < k->to[k->n - 1].place)
		pin_note(k, &r->to, NOTE_DIFFERS, "a pin of a smaller place behind one of a larger: there the smaller one goes first");
	add_pin(k, &r->to, place, of);
}

static void find_pins(struct plan *p, const struct export_from *from, struct export_pool *to)
{
	const struct pool_opts *o = to->opts;
	struct pinning k = { .p = p, .from = from, .pool = o };
	struct export_pin *sorted = arena_zalloc(&p->mem, (o->n_rules + o->n_pins + 1) * sizeof *sorted);

	k.to = arena_zalloc(&p->mem, (o->n_rules + o->n_pins + 1) * sizeof *k.to);
	for (size_t i = 0; i < o->n_rules; i++)
		take_rule(&k, &o->rules[i]);
	for (size_t i = 0; i < o->n_pins && !k.done; i++)
		take_pin(&k, &o->pins[i]);
	for (int place = EXPORT_NET; place <= EXPORT_ALL; place++)
		for (size_t i = 0; i < k.n; i++)
			if ((int)k.to[i].place == place)
				sorted[to->n_pins++] = k.to[i];
	to->pins = sorted;
}

/* --- a pool ------------------------------------------------------------------------------- */

struct export_pool export_pool_of(struct plan *p, const struct export_from *from, const struct pool_opts *opts)
{
	struct export_pool to = { .opts = opts,
		.policy = opts->policy,
		.members = members_of(p, from, opts),
		.answers = opts->answers,
		.ttl_least_s = opts->ttl_min_s,
		.ttl_most_s = opts->ttl_max_s };

	find_pins(p, from, &to);
	return to;
}

static const struct edge_opts *edge_named(const struct conf *c, const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < c->n_edges; i++)
		if (!c->edges[i].role_of && strlen(c->edges[i].name) == len && memcmp(c->edges[i].name, name, len) == 0)
			return &c->edges[i];
	return NULL;
}

struct export_pool export_pool_of_edge(struct plan *p, const struct export_from *from, const struct export_rrset *set)
{
	const struct edge_rr *e = &set->edge;
	const char *name = plan_textf(p, "%.*s", e->pool_len, (const char *)e->pool);
	const int number = conf_pool(from->conf, name);

	if (number < 0) {
		plan_note(p, NOTE_LOST, from->conf->path, 0, "%s: there is no pool \"%s\"", set->owner, name);
		return (struct export_pool){ .opts = NULL };
	}
	struct export_pool to = export_pool_of(p, from, &from->conf->pools[number]);
	if (e->answers)
		to.answers = e->answers;
	if (e->has_ttl) {
		to.ttl_least_s = e->ttl_least_s;
		to.ttl_most_s = e->ttl_most_s;
	}
	const struct edge_opts *one = e->edge_len ? edge_named(from->conf, e->edge, e->edge_len) : NULL;
	if (one) {
		struct export_member *only = arena_zalloc(&p->mem, sizeof *only);
		*only = (struct export_member){ .edge = one, .probe = probe_of(from->conf, 0, one, to.opts), .weight = 1 };
		to.members = (struct export_members){ only, 1 };
		to.n_pins = 0;
	}
	return to;
}

const char *export_continent(const char *country)
{
	static const struct { const char *continent, *countries; } rows[] = {
		{ "AF", "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH "
			"SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW" },
		{ "AN", "AQ BV GS HM TF" },
		{ "AS", "AE AF AM AZ BD BH BN BT CC CN CX CY GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH PK PS QA SA "
			"SG SY TH TJ TL TM TR TW UZ VN YE" },
		{ "EU", "AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS "
			"RU SE SI SJ SK SM UA VA XK" },
		{ "NA", "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI" },
		{ "OC", "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS" },
		{ "SA", "AR BO BR CL CO EC FK GF GY PE PY SR UY VE" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows && strlen(country) == 2; i++)
		for (const char *at = rows[i].countries; *at; at += at[2] ? 3 : 2)
			if (memcmp(at, country, 2) == 0)
				return rows[i].continent;
	return NULL;
}
