#include "report/report_xdp.h"

static const char *state(const struct xdp_report *x)
{
	return x->failed ? "failed" : x->gone ? "gone" : "on";
}

json_t *report_xdp_json(const struct workers_report *w)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < w->n_xdp; i++) {
		const struct xdp_report *x = &w->xdp[i];
		json_t *o = json_pack("{s:s, s:s}", "interface", x->name, "state", state(x));
		if (!x->failed)
			json_object_update_new(o,
				json_pack("{s:i, s:b, s:b, s:I}", "queues", x->queues, "native", x->native,
					"zero_copy", x->zero_copy, "lost", (json_int_t)x->lost));
		if (x->answers && !x->failed)
			json_object_set_new(o, "broken_off", json_integer((json_int_t)x->broken_off));
		if (x->answers && *w->xdp_why_not)
			json_object_set_new(o, "answers_off", json_string(w->xdp_why_not));
		json_array_append_new(list, o);
	}
	return list;
}

void report_xdp_lines(const struct workers_report *w, const char *indent, struct text *out)
{
	for (unsigned i = 0; i < w->n_xdp; i++) {
		const struct xdp_report *x = &w->xdp[i];
		if (x->failed || x->gone)
			text_addf(out, "%sxdp:%s %s: its queries come by the ordinary sockets\n", indent, x->name,
				x->gone ? "is gone" : "is not to be had");
		else
			text_addf(out, "%sxdp:%s %u queue%s, %s, %s; %llu frames lost\n", indent, x->name, x->queues,
				x->queues == 1 ? "" : "s",
				x->native ? "in the driver" : "behind the driver (generic)",
				x->zero_copy ? "without copying" : "copied", (unsigned long long)x->lost);
		if (x->broken_off && !x->gone)
			text_addf(out, "%sxdp:%s %llu answers in the kernel changed while they were given: none was sent\n", indent,
				x->name, (unsigned long long)x->broken_off);
		if (x->answers && !x->failed && !x->gone && *w->xdp_why_not)
			text_addf(out, "%sxdp:%s nothing is answered in the kernel: %s\n", indent, x->name,
				w->xdp_why_not);
	}
}
