#include "report/report_busiest.h"

#include "base/addr.h"
#include "unit/unit.h"

#include <jansson.h>
#include <string.h>

static struct frequent_key name_key(const char *wire, size_t len, double count, double over)
{
	struct frequent_key k = { .count = count, .over = over, .len = (uint8_t)len };

	memcpy(k.bytes, wire, len);
	return k;
}

static struct frequent_key net_key(const char *text, double count)
{
	struct frequent_key k = { .count = count, .len = 17 };
	struct prefix p;
	struct fault why;

	CU_ASSERT_FATAL(prefix_parse(&p, text, &why));
	memcpy(k.bytes, p.addr.b, sizeof p.addr.b);
	k.bytes[16] = (uint8_t)p.bits;
	return k;
}

static struct report_busiest some(unsigned every)
{
	struct report_busiest b = { .every = every, .looked_s = 60, .mean_s = 10, .queries = 4000 };

	b.n[REPORT_BUSIEST_NAMES] = 3;
	b.first[REPORT_BUSIEST_NAMES][0] = name_key("\3www\4test", 10, 1000, 0);
	b.first[REPORT_BUSIEST_NAMES][1] = name_key("\3few\4test", 10, 112, 80);
	b.first[REPORT_BUSIEST_NAMES][2] = name_key("\3a.b\4test", 10, 100, 52);
	b.n[REPORT_BUSIEST_SOURCES] = 1;
	b.first[REPORT_BUSIEST_SOURCES][0] = net_key("192.0.2.0/24", 4000);
	b.n[REPORT_BUSIEST_SUBNETS] = 1;
	b.first[REPORT_BUSIEST_SUBNETS][0] = net_key("2001:db8::/48", 500);
	return b;
}

static void what_was_seen_a_time_or_two_among_many_is_left_out(void)
{
	struct report_busiest b = some(16);
	struct text out = { 0 };

	report_busiest(&b, false, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "looked at for 60 s, one in 16 queries; 400.0 queries a second\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "www.test.                                       100.0\n"));
	CU_ASSERT_PTR_NULL(strstr(text_get(&out), "few.test.")); /* two samples of 16 are certain */
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "a\\.b.test.")); /* three are */
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "192.0.2.0/24                                    400.0\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "2001:db8::/48                                    50.0\n"));
	text_fini(&out);
	b = some(1);
	report_busiest(&b, false, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "few.test."));
	text_fini(&out);
}

static void as_json_it_tells_how_sure_a_number_is(void)
{
	struct report_busiest b = some(16);
	struct text out = { 0 };

	report_busiest(&b, true, &out);
	json_t *o = json_loads(text_get(&out), 0, NULL), *list = json_object_get(o, "names");
	CU_ASSERT_EQUAL(json_array_size(list), 2);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(list, 1), "name")), "a\\.b.test.");
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(json_array_get(list, 1), "queries_s")), 10, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(json_array_get(list, 1), "at_least_s")), 4.8, 1e-9);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(o, "one_in")), 16);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(json_object_get(o, "subnets"), 0), "net")),
		"2001:db8::/48");
	json_decref(o);
	text_fini(&out);
	b.mean_s = 0; /* nothing was looked at yet */
	report_busiest(&b, true, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "\"queries_s\": 0.0"));
	text_fini(&out);
}

static const struct unit_case cases[] = {
	{ "what was seen a time or two among many is left out", what_was_seen_a_time_or_two_among_many_is_left_out },
	{ "as JSON it tells how sure a number is", as_json_it_tells_how_sure_a_number_is },
};

void suite_report_busiest(void);
void suite_report_busiest(void)
{
	unit_suite("report/busiest", cases, UNIT_COUNT(cases));
}
