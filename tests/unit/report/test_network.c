#include "report/network.h"

#include "unit/unit.h"

#include "base/text.h"

#include <jansson.h>
#include <stddef.h>

static void what_is_known_of_a_place_is_told_without_gaps(void)
{
	static const struct {
		const char *network, *says;
	} row[] = {
		{ "{\"prefix\":\"192.0.2.0/24\",\"source\":\"unknown\"}", "network    192.0.2.0/24: GeoIP does not know where that is\n" },
		{ "{\"prefix\":\"192.0.2.0/24\",\"source\":\"geoip city\",\"city\":\"Delft\",\"country\":\"NL\",\"continent\":\"EU\"}",
			"network    192.0.2.0/24 by geoip city: Delft, NL, EU\n" },
		{ "{\"prefix\":\"192.0.2.0/24\",\"source\":\"geoip city\",\"city\":\"Delft\",\"continent\":\"EU\"}",
			"network    192.0.2.0/24 by geoip city: Delft, EU\n" },
		{ "{\"prefix\":\"192.0.2.0/24\",\"source\":\"geoip city\",\"lat\":52.0,\"lon\":4.5}",
			"network    192.0.2.0/24 by geoip city: (52.0000,4.5000)\n" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text out = { 0 };
		json_t *n = json_loads(row[i].network, 0, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(n);
		network_as_text(n, &out);
		CU_ASSERT_STRING_EQUAL(text_get(&out), row[i].says);
		json_decref(n);
		text_fini(&out);
	}
}

void suite_network(void);
void suite_network(void)
{
	static const struct unit_case cases[] = {
		{ "what is known of a place is told without gaps", what_is_known_of_a_place_is_told_without_gaps },
	};

	unit_suite("report/network", cases, UNIT_COUNT(cases));
}
