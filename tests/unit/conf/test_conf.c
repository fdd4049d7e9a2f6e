#include "conf/conf.h"

#include "base/scope.h"
#include "unit/failing.h"
#include "unit/unit.h"

#include <string.h>

static const char good[] =
	"server: { listen: \"127.0.0.1:5300\" }\n"
	"zones: [ { name: example.com, file: example.com.zone } ]\n"
	"edges:\n"
	"  ams1: { at: \"52.37, 4.90\", a: 192.0.2.10 }\n"
	"  iad2: { at: [ 38.95, -77.45 ], a: 192.0.2.20 }\n"
	"  far: { cname: Edge.example.net }\n"
	"geoip: { city: { file: city.mmdb } }\n"
	"probes: { web: { kind: tcp, port: 443 } }\n"
	"pools: { web: { edges: [ ams1, iad2 ], pin: { country: { no: ams1 } } } }\n";

static const char wrong[] = "server: { listen: \"127.0.0.1:5300\", lissen: 5 }\n"
			    "zones: [ \"a \\\"quoted\\\" one\", *alias, &anchor x ]\n"
			    "pools: { web: { edges: [ ams1, iad2 ] }, web: {} }\n";

struct read {
	const char *text;
	bool is_good;
	struct conf conf;
	struct faults faults;
	bool ok;
};

static void read_text(void *ctx)
{
	struct read *r = ctx;

	r->ok = conf_read_text(
		&r->conf, "/etc/waymark/t.yaml", r->text, strlen(r->text), &r->faults);
}

static void read_each(void *ctx)
{
	struct read r = *(struct read *)ctx;

	faults_init(&r.faults);
	const bool whole = scope_run(read_text, &r) && r.ok;
	const size_t failed = failing_stop();
	/* What libyaml and the sentences take is not all counted here. */
	CU_ASSERT_TRUE(!whole || r.is_good);
	CU_ASSERT_TRUE(failed || whole == r.is_good);
	CU_ASSERT_TRUE(!failed || !whole || r.faults.text.lost);
	if (whole)
		conf_fini(&r.conf);
	faults_fini(&r.faults);
}

static void without_memory_it_is_refused(void)
{
	CU_ASSERT_TRUE(
		failing_each(read_each, &(struct read){ .text = good, .is_good = true }) > 3);
	CU_ASSERT_TRUE(failing_each(read_each, &(struct read){ .text = wrong }) > 3);
}

void suite_conf(void);
void suite_conf(void)
{
	static const struct unit_case cases[] = {
		{ "without memory it is refused", without_memory_it_is_refused },
	};

	unit_suite("conf/conf", cases, UNIT_COUNT(cases));
}
