#include "measure/latency_csv.h"

#include <stdio.h>

/* What is written, and how a row ends. */
struct writing {
	const struct latency_csv *now;
	bool filed;
	const char *kind; /* "", or ",ttfb" */
	struct text *out;
};

static void write_row(const struct latency *t, const struct latency_row *r, const char *from,
	const struct writing *w)
{
	const struct latency_csv *now = w->now;
	struct text *out = w->out;

	for (unsigned i = 0; i < r->n; i++) {
		const struct latency_cell *c = &r->cell[i];
		if (c->filed && !w->filed)
			continue;
		text_addf(out, "%s,%s,%.3f,%u,%u%s\n", from, latency_edge_name(t, c->edge),
			(double)c->rtt_ms, c->n,
			now->now_s > c->at_s ? now->now_s - c->at_s : 0, w->kind);
	}
}

static void write_kind(const struct latency *t, const struct writing *w)
{
	char from[ADDR_TEXT];
	size_t n;
	const struct latency_row *row = latency_rows(t, &n);

	/* Who wanted it may have gone: the next export waits for this one. */
	for (size_t i = 0; i < n && !w->out->lost; i++)
		write_row(t, &row[i], prefix_text(from, &row[i].net), w);
}

void latency_csv_write(
	const struct latency *t, const struct latency_csv *now, bool filed, struct text *out)
{
	char from[ADDR_TEXT + 256], kind[32];
	struct writing w = { now, filed, "", out };
	const struct latency_size size = latency_size(t);
	bool others = false;

	for (unsigned k = LATENCY_RTT + 1; k < LATENCY_KINDS; k++)
		others = others || size.kinds[k];
	/* Others than we read what they always did, unless there is more. */
	text_addf(out, "# saved %lld\nprefix,edge,rtt_ms,samples,age_s%s\n", (long long)now->time_s, others ? ",kind" : "");
	w.kind = others ? ",rtt" : "";
	write_kind(t, &w);
	for (unsigned e = 0; e < latency_edges(t); e++) {
		snprintf(from, sizeof from, "@%s", latency_edge_name(t, e));
		write_row(t, latency_mesh(t, e), from, &w);
	}
	for (unsigned k = LATENCY_RTT + 1; k < LATENCY_KINDS && others; k++) {
		snprintf(kind, sizeof kind, ",%s", latency_kind_text(k));
		w.kind = kind;
		write_kind(latency_kind_of(t, k), &w);
	}
}
