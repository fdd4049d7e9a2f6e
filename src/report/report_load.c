#include "report/report_load.h"

#include <math.h>

static uint64_t count(const struct report_view *view, uint64_t key)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < view->n_choices; i++)
		sum += tally_kept(&view->choices[i]->reasons, key);
	return sum;
}

static uint64_t count_why(
	const struct report_view *view, const struct pool *p, unsigned edge, enum choose_why why)
{
	const struct steer *s = view->world->steer;

	return count(view, choice_counts_reason(p->hash, s->edges[edge].hash, why));
}

static void set(json_t *o, const char *key, double v)
{
	json_object_set_new(o, key, json_real(round(v * 1000) / 1000));
}

struct shed_state report_load_state(const struct report_view *view, unsigned edge)
{
	return edge < view->n_balance ? view->balance[edge]
				     : (struct shed_state){ .share = SHED_ALL };
}

void report_load_add(const struct report_view *view, unsigned edge, json_t *row)
{
	const struct edge *e = &view->world->steer->edges[edge];
	const struct shed_state s = report_load_state(view, edge);

	if (s.share != SHED_ALL)
		set(row, "share", s.share / (double)SHED_ALL);
	if (e->capacity <= 0)
		return;
	set(row, "capacity", e->capacity);
	set(row, "used", s.use.load / e->capacity);
	set(row, "price_ms", s.price / (double)SHED_UNIT);
	set(row, "sheds", s.use.moved);
	if (s.use.moved > 0)
		set(row, "sheds_ms", s.use.extra_ms);
}

void report_share_add(const struct report_view *view, unsigned edge, uint16_t here, json_t *row)
{
	if (here != SHED_ALL && here < report_load_state(view, edge).share)
		set(row, "share", here / (double)SHED_ALL);
}

uint16_t report_bound(const struct report_view *view, const struct pool *p, unsigned edge)
{
	const struct steer *s = view->world->steer;
	const uint16_t *bounds = view->world->standing->pools[p - s->pools].bounds;

	for (unsigned k = 0; bounds && k < p->n; k++)
		if (p->edges[k] == edge)
			return bounds[k];
	return SHED_ALL;
}

void report_whys_add(
	const struct report_view *view, const struct pool *p, unsigned edge, json_t *row)
{
	json_t *o = json_object();

	for (unsigned why = 0; why < CHOOSE_WHYS; why++) {
		const uint64_t n = count_why(view, p, edge, (enum choose_why)why);
		if (n)
			json_object_set_new(o, choose_why_text((enum choose_why)why),
				json_integer((json_int_t)n));
	}
	json_object_set_new(row, "chosen", o);
	if (report_bound(view, p, edge) != SHED_ALL)
		set(row, "keeps", report_bound(view, p, edge) / (double)SHED_ALL);
}

void report_load_text(const json_t *row, struct text *out)
{
	const json_t *chosen = json_object_get(row, "chosen");
	const char *why;
	json_t *n;

	if (json_object_get(row, "capacity"))
		text_addf(out, "  %.0f%% of %g used",
			json_number_value(json_object_get(row, "used")) * 100,
			json_number_value(json_object_get(row, "capacity")));
	if (json_number_value(json_object_get(row, "sheds")) > 0)
		text_addf(out, ", sheds %.0f%% of its groups for %.1f ms more",
			json_number_value(json_object_get(row, "sheds")) * 100,
			json_number_value(json_object_get(row, "sheds_ms")));
	if (json_object_get(row, "share"))
		text_addf(out, "  takes %.0f%% of its groups now",
			json_number_value(json_object_get(row, "share")) * 100);
	if (json_object_get(row, "keeps"))
		text_addf(out, "  keeps %.0f%% of its keys",
			json_number_value(json_object_get(row, "keeps")) * 100);
	json_object_foreach ((json_t *)(uintptr_t)chosen, why, n)
		text_addf(out, "  %s %lld", why, (long long)json_integer_value(n));
}

json_t *report_whys(const struct report_view *view)
{
	const struct steer *s = view->world->steer;
	json_t *o = json_object();

	for (unsigned why = 0; why < CHOOSE_WHYS; why++) {
		uint64_t sum = 0;
		for (unsigned i = 0; i < s->n_pools; i++)
			for (unsigned k = 0; k < s->pools[i].n; k++)
				sum += count_why(view, &s->pools[i], s->pools[i].edges[k],
					(enum choose_why)why);
		json_object_set_new(o, choose_why_text((enum choose_why)why),
			json_integer((json_int_t)sum));
	}
	return o;
}
