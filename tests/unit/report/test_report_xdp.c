#include "report/report_xdp.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct workers_report w = { .n_xdp = 1, .xdp_why_not = "" };

static void lines_are(const char *want)
{
	struct text out = { 0 };

	report_xdp_lines(&w, "  ", &out);
	CU_ASSERT_STRING_EQUAL(text_get(&out), want);
	text_fini(&out);
}

/* -1: there is no such number. */
static long long broken_off(void)
{
	json_t *list = report_xdp_json(&w);
	const json_t *n = json_object_get(json_array_get(list, 0), "broken_off");
	const long long is = n ? json_integer_value(n) : -1;

	json_decref(list);
	return is;
}

static void what_was_broken_off_in_the_kernel_is_told(void)
{
	w.xdp[0] = (struct xdp_report){ .name = "eth0", .queues = 2, .native = true, .lost = 5 };
	lines_are("  xdp:eth0 2 queues, in the driver, copied; 5 frames lost\n");
	CU_ASSERT_EQUAL(broken_off(), -1);
	w.xdp[0].answers = true;
	CU_ASSERT_EQUAL(broken_off(), 0);
	w.xdp[0].broken_off = 3;
	CU_ASSERT_EQUAL(broken_off(), 3);
	lines_are("  xdp:eth0 2 queues, in the driver, copied; 5 frames lost\n"
		  "  xdp:eth0 3 answers in the kernel changed while they were given: none was sent\n");
	w.xdp[0] = (struct xdp_report){ .name = "eth0", .failed = true };
	CU_ASSERT_EQUAL(broken_off(), -1);
	lines_are("  xdp:eth0 is not to be had: its queries come by the ordinary sockets\n");
}

static const struct unit_case cases[] = {
	{ "what was broken off in the kernel is told", what_was_broken_off_in_the_kernel_is_told },
};

void suite_report_xdp(void);
void suite_report_xdp(void)
{
	unit_suite("report/report_xdp", cases, UNIT_COUNT(cases));
}
