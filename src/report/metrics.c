#include "config.h"
#include "report/metrics_inner.h"

void metrics_rows(struct metrics *m, const struct metrics_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct metrics_row *r = &rows[i];
		if (r->help)
			metrics_family(m, r->name, r->type, r->help);
		if (r->label)
			metrics_real(m, r->value, r->label, r->is, NULL);
		else
			metrics_real(m, r->value, NULL);
	}
}

struct metrics_shown metrics_report(
	const struct report_view *v, const struct metrics_opts *o, struct text *out)
{
	struct metrics m = { .out = out, .open = o->open };
	struct metrics_left left = { 0 };
	const struct metrics_shown shown = metrics_shown_next(o->before, v->live.zones,
		&(struct metrics_shown_counts){ v->choices, v->n_choices }, o->zones_most);

	metrics_family(&m, "build", METRICS_INFO, "The version that runs.");
	metrics_count(&m, 1, "version", PACKAGE_VERSION, NULL);
	metrics_server(v, &m);
	metrics_queries(v, &m);
	metrics_zones(v, &shown, &m, &left);
	metrics_edges(v, &m, &left);
	metrics_targets(v, &m, &left);
	metrics_pools(v, &m, &left);
	metrics_control(v, &m);
	const struct metrics_row rows[] = {
		{ "metrics_left_out", METRICS_GAUGE,
			"What has no series of its own, since there would be too many.",
			(double)left.zones, "what", "zones" },
		{ "metrics_left_out", METRICS_GAUGE, NULL, (double)left.edges, "what", "edges" },
		{ "metrics_left_out", METRICS_GAUGE, NULL, (double)left.pools, "what", "pools" },
		{ "metrics_left_out", METRICS_GAUGE, NULL, (double)left.reasons, "what",
			"reasons" },
		{ "metrics_left_out", METRICS_GAUGE, NULL, (double)left.targets, "what",
			"targets" },
	};
	metrics_rows(&m, rows, sizeof rows / sizeof *rows);
	metrics_end(&m);
	return shown;
}
