#include "unit/daemon/house.h"
#include "unit/geo/mmdb_writer.h"
#include "unit/unit.h"

#include "daemon/rankings.h"
#include "report/report_estimates.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole server with a GeoIP database, two pins, an edge that is drained, measurements of one
 * network, and what it tells of all that. */
#define CONF                                                                               \
	"edges:\n"                                                                         \
	"  ams: { at: \"52,5\", a: 192.0.2.1, aaaa: \"2001:db8::1\" }\n"                   \
	"  nyc: { at: \"40,-74\", a: [ 192.0.2.2, 192.0.2.22 ], state: drain }\n"          \
	"  sin: { at: \"1,103\", a: 192.0.2.3 }\n"                                         \
	"  cdn: { cname: cdn.example.net }\n"                                              \
	"pools:\n"                                                                         \
	"  web: { edges: [ ams, nyc, sin ], pin: { country: { XX: [ nyc, sin ] }, net: { " \
	"9.9.9.0/24: nyc } } }\n"                                                          \
	"  two: { edges: [ ams, sin ], answers: 2, policy: weighted, ttl: 5s-20s }\n"      \
	"  none: { edges: [ nyc ], all-down: empty }\n"                                    \
	"  names: { edges: [ cdn ], policy: round-robin }\n"                               \
	"geoip: { city: { file: city.mmdb } }\n"                                           \
	"latency: { half-life: 6h }\n"

static struct house h;

static void put_database(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-City");
	char path[200];

	mmdb_writer_net(w, "8.0.0.0/8", mmdb_writer_nested(w, "XX", "YY", "Somewhere", 51, 4));
	mmdb_writer_net(w, "9.0.0.0/8", mmdb_writer_nested(w, "ZZ", "", "Elsewhere", 2, 100));
	mmdb_writer_file(w);
	snprintf(path, sizeof path, "%s/city.mmdb", h.site.folder);
	FILE *f = fopen(path, "we");
	fwrite(w->file, 1, w->file_len, f);
	fclose(f);
	mmdb_writer_free(w);
}

static void open_house(void)
{
	char words[200];

	house_open(&h, CONF);
	put_database();
	site_put(&h.site, "zones/a.example.zone",
		SITE_ZONE(1,
			"w EDGE web\nt EDGE two\ne EDGE none\nn EDGE names\nc CNAME w\n"
			"w TXT \"beside\"\nm A 192.0.2.5\nm AAAA 2001:db8::5\nm A 192.0.2.6\nm "
			"MX 1 w\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	site_put(&h.site, "in.csv",
		"prefix,edge,rtt_ms,samples\n8.8.8.0/24,ams,50,3\n8.8.8.0/24,sin,180,1\n");
	snprintf(words, sizeof words, "latency import %s/in.csv", h.site.folder);
	house_tell(&h, words);
	CU_ASSERT_EQUAL(h.status, 0);
	/* Until there are rankings of it. */
	for (unsigned i = 0; i < 200 && rankings_size(h.server.rankings).published == 0; i++)
		house_pass(&h, 0.05);
	house_pass(&h, 0.05);
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

static bool is_time(const char *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";

	for (unsigned i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != form[i])
			return false;
	return true;
}

/* What is another thing each time: the folder, times, ages, sizes. */
static const char *masked(const char *text)
{
	static const char *const numbers[] = { "\"age_s\":", "\"age_days\":", "\"when_s\":" };
	static const char *const units[] = { " s  report", " s ago", " days ago" };
	static char out[30000];
	char *to = out;

	while (*text && to < out + sizeof out - 100) {
		if (strncmp(text, h.site.folder, strlen(h.site.folder)) == 0) {
			to = stpcpy(to, "DIR");
			text += strlen(h.site.folder);
			continue;
		}
		if (is_time(text)) {
			to = stpcpy(to, "TIME");
			text += 20;
			continue;
		}
		bool number = false;
		for (size_t i = 0; i < UNIT_COUNT(numbers) && !number; i++) {
			const size_t n = strlen(numbers[i]);
			if (strncmp(text, numbers[i], n) != 0)
				continue;
			number = true;
			to = stpcpy(to, numbers[i]);
			to = stpcpy(to, "N");
			text += n + strspn(text + n, "0123456789");
		}
		const size_t digits = strspn(text, "0123456789");
		for (size_t i = 0; digits && i < UNIT_COUNT(units) && !number; i++)
			if (strncmp(text + digits, units[i], strlen(units[i])) == 0) {
				number = true;
				*to++ = 'N';
				text += digits;
			}
		for (size_t i = 0; !number && i < (digits ? digits : 1); i++)
			*to++ = *text++;
	}
	*to = 0;
	return out;
}

/* A command's answer; JSON in its shortest form. */
static const char *told(const char *words)
{
	static char compact[30000];
	const char *text = house_tell(&h, words);
	json_t *o = json_loads(text, 0, NULL);

	if (!o)
		return masked(text);
	char *s = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6));
	snprintf(compact, sizeof compact, "%s", s);
	free(s);
	json_decref(o);
	return masked(compact);
}

struct row {
	const char *words;
	int status;
	const char *answer;
};

static void check(const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = told(row[i].words);
		if (h.status == row[i].status && strcmp(got, row[i].answer) == 0)
			continue;
		printf("%s: %d\ngot    %s\nwanted %s\n", row[i].words, h.status, got,
			row[i].answer);
		CU_FAIL(row[i].words);
	}
}

static void clients_are_explained_step_by_step(void)
{
	static const struct row row[] = {
		{ "explain w.a.example --client 9.9.9.7", 0,
			"question   w.a.example. A\n"
			"client     9.9.9.7/32, asking through 9.9.9.7; the subnet decides\n"
			"network    9.0.0.0/8 by geoip city: Elsewhere (2.0000,100.0000)\n"
			"pool       web: pin 9.9.9.0/24\n"
			"    1  nyc                 15305 km  ~ 250 ms  is drained: configured "
			"drain\n"
			"         distance      +249.9 ms\n"
			"pool       web: nearest\n"
			"    1  sin                   352 km  ~  11 ms  chosen\n"
			"         distance       +10.6 ms\n"
			"    2  ams                 10174 km  ~ 168 ms  is not needed\n"
			"         distance      +167.8 ms\n"
			"    3  nyc                 15305 km  ~ 250 ms  is drained: configured "
			"drain\n"
			"         distance      +249.9 ms\n"
			"answer     NOERROR, scope /24\n"
			"  w.a.example. 300 A 192.0.2.3\n" },
		{ "explain w.a.example --client 9.9.8.0/24", 0,
			"question   w.a.example. A\n"
			"client     9.9.8.0/24, asking through 9.9.8.0; the subnet decides\n"
			"network    9.0.0.0/8 by geoip city: Elsewhere (2.0000,100.0000)\n"
			"pool       web: nearest\n"
			"    1  sin                   352 km  ~  11 ms  chosen\n"
			"         distance       +10.6 ms\n"
			"    2  ams                 10174 km  ~ 168 ms  is not needed\n"
			"         distance      +167.8 ms\n"
			"    3  nyc                 15305 km  ~ 250 ms  is drained: configured "
			"drain\n"
			"         distance      +249.9 ms\n"
			"answer     NOERROR, scope /24\n"
			"  w.a.example. 300 A 192.0.2.3\n" },
		{ "explain w.a.example --client 8.9.8.0/24", 0,
			"question   w.a.example. A\n"
			"client     8.9.8.0/24, asking through 8.9.8.0; the subnet decides\n"
			"network    8.0.0.0/8 by geoip city: Somewhere, XX (51.0000,4.0000)\n"
			"pool       web: pin country XX\n"
			"    1  nyc                  5910 km  ~ 100 ms  is drained: configured "
			"drain\n"
			"         distance       +99.5 ms\n"
			"    2  sin                 10549 km  ~ 174 ms  chosen\n"
			"         distance      +173.8 ms\n"
			"answer     NOERROR, scope /8\n"
			"  w.a.example. 300 A 192.0.2.3\n" },
		{ "explain w.a.example --client 8.8.8.0/24", 0,
			"question   w.a.example. A\n"
			"client     8.8.8.0/24, asking through 8.8.8.0; the subnet decides\n"
			"network    8.0.0.0/8 by geoip city: Somewhere, XX (51.0000,4.0000)\n"
			"pool       web: pin country XX\n"
			"    1  nyc                  5910 km  ~ 119 ms  is drained: configured "
			"drain\n"
			"         distance       +99.5 ms\n"
			"         way_in         +19.6 ms\n"
			"    2  sin                 10549 km  ~ 180 ms  chosen\n"
			"         distance      +173.8 ms\n"
			"         own            180.0 ms  measured from 8.8.8.0/24, 1 "
			"samples, N s ago (counts 1.00)\n"
			"answer     NOERROR, scope /8\n"
			"  w.a.example. 300 A 192.0.2.3\n" },
		{ "explain w.a.example AAAA --client 2a00::/48 --resolver 9.9.9.9", 0,
			"question   w.a.example. AAAA\n"
			"client     2a00::/48, asking through 9.9.9.9; the subnet decides\n"
			"network    2800::/5: GeoIP does not know where that is\n"
			"pool       web: default order, since nobody knows where the client "
			"is\n"
			"    1  ams               chosen\n"
			"    2  nyc               has no address of this type\n"
			"    3  sin               has no address of this type\n"
			"answer     NOERROR, scope /5\n"
			"  w.a.example. 300 AAAA 2001:db8::1\n" },
		{ "explain t.a.example --client 8.9.8.0/24", 0,
			"question   t.a.example. A\n"
			"client     8.9.8.0/24, asking through 8.9.8.0; the subnet decides\n"
			"network    8.0.0.0/8 by geoip city: Somewhere, XX (51.0000,4.0000)\n"
			"pool       two: whose turn it is\n"
			"    1  ams                   131 km  ~   7 ms  chosen\n"
			"         distance        +7.1 ms\n"
			"    2  sin                 10549 km  ~ 174 ms  chosen\n"
			"         distance      +173.8 ms\n"
			"answer     NOERROR, scope /0\n"
			"  t.a.example. 20 A 192.0.2.1\n"
			"  t.a.example. 20 A 192.0.2.3\n" },
		{ "explain e.a.example --client 8.9.8.0/24", 0,
			"question   e.a.example. A\n"
			"client     8.9.8.0/24, asking through 8.9.8.0; the subnet decides\n"
			"network    8.0.0.0/8 by geoip city: Somewhere, XX (51.0000,4.0000)\n"
			"pool       none: nearest\n"
			"    1  nyc                  5910 km  ~ 100 ms  is drained: configured "
			"drain\n"
			"         distance       +99.5 ms\n"
			"answer     NOERROR, scope /0\n" },
		{ "explain n.a.example --client 8.9.8.0/24", 0,
			"question   n.a.example. A\n"
			"client     8.9.8.0/24, asking through 8.9.8.0; the subnet decides\n"
			"network    8.0.0.0/8 by geoip city: Somewhere, XX (51.0000,4.0000)\n"
			"pool       names: whose turn it is\n"
			"    1  cdn               chosen\n"
			"answer     NOERROR, scope /0\n"
			"  n.a.example. 300 CNAME cdn.example.net.\n" },
		{ "explain c.a.example --client 9.9.8.0/24", 0,
			"question   c.a.example. A\n"
			"client     9.9.8.0/24, asking through 9.9.8.0; the subnet decides\n"
			"network    9.0.0.0/8 by geoip city: Elsewhere (2.0000,100.0000)\n"
			"pool       web: nearest\n"
			"    1  sin                   352 km  ~  11 ms  chosen\n"
			"         distance       +10.6 ms\n"
			"    2  ams                 10174 km  ~ 168 ms  is not needed\n"
			"         distance      +167.8 ms\n"
			"    3  nyc                 15305 km  ~ 250 ms  is drained: configured "
			"drain\n"
			"         distance      +249.9 ms\n"
			"answer     NOERROR, scope /24\n"
			"  c.a.example. 300 CNAME w.a.example.\n"
			"  w.a.example. 300 A 192.0.2.3\n" },
		{ "explain w.a.example --client 10.0.0.1", 0,
			"question   w.a.example. A\n"
			"client     10.0.0.1/32, asking through 10.0.0.1; the resolver "
			"decides: the subnet is not a global one\n"
			"network    10.0.0.0/8: GeoIP does not know where that is\n"
			"pool       web: default order, since nobody knows where the client "
			"is\n"
			"    1  ams               chosen\n"
			"    2  nyc               is drained: configured drain\n"
			"    3  sin               is not needed\n"
			"answer     NOERROR, scope /8\n"
			"  w.a.example. 300 A 192.0.2.1\n" },
		{ "explain w.a.example --client 10.1.0.0/24 --resolver 9.9.8.8", 0,
			"question   w.a.example. A\n"
			"client     10.1.0.0/24, asking through 9.9.8.8; the resolver decides: "
			"the subnet is not a global one\n"
			"network    9.0.0.0/8 by geoip city: Elsewhere (2.0000,100.0000)\n"
			"pool       web: nearest\n"
			"    1  sin                   352 km  ~  11 ms  chosen\n"
			"         distance       +10.6 ms\n"
			"    2  ams                 10174 km  ~ 168 ms  is not needed\n"
			"         distance      +167.8 ms\n"
			"    3  nyc                 15305 km  ~ 250 ms  is drained: configured "
			"drain\n"
			"         distance      +249.9 ms\n"
			"answer     NOERROR, scope /8\n"
			"  w.a.example. 300 A 192.0.2.3\n" },
		{ "explain ns.a.example --client 8.8.8.8", 0,
			"question   ns.a.example. A\n"
			"client     8.8.8.8/32, asking through 8.8.8.8\n"
			"network    plays no part: the answer is the same for all\n"
			"answer     NOERROR, scope /0\n"
			"  ns.a.example. 300 A 192.0.2.3\n" },
		{ "explain m.a.example --client 8.8.8.8", 0,
			"question   m.a.example. A\n"
			"client     8.8.8.8/32, asking through 8.8.8.8\n"
			"network    plays no part: the answer is the same for all\n"
			"answer     NOERROR, scope /0\n"
			"  m.a.example. 300 A 192.0.2.5\n"
			"  m.a.example. 300 A 192.0.2.6\n" },
		{ "explain m.a.example MX --client 8.8.8.8", 0,
			"question   m.a.example. MX\n"
			"client     8.8.8.8/32, asking through 8.8.8.8\n"
			"network    plays no part: the answer is the same for all\n"
			"answer     NOERROR, scope /0\n"
			"  m.a.example. 300 MX 1 w.a.example.\n" },
		{ "explain nope.a.example --client 8.8.8.8", 0,
			"question   nope.a.example. A\n"
			"client     8.8.8.8/32, asking through 8.8.8.8\n"
			"network    plays no part: the answer is the same for all\n"
			"answer     NXDOMAIN, scope /0\n" },
		{ "explain x.y --client 8.8.8.8", 0,
			"question   x.y. A\n"
			"client     8.8.8.8/32, asking through 8.8.8.8\n"
			"network    plays no part: the answer is the same for all\n"
			"answer     REFUSED, scope /0\n" },
		{ "explain w.a.example TXT --client 8.8.8.8", 0,
			"question   w.a.example. TXT\n"
			"client     8.8.8.8/32, asking through 8.8.8.8\n"
			"network    plays no part: the answer is the same for all\n"
			"answer     NOERROR, scope /0\n"
			"  w.a.example. 300 TXT \"beside\"\n" },
		{ "explain w.a.example --client 8.9.8.0/24 --json", 0,
			"{\"name\":\"w.a.example.\",\"type\":\"A\",\"client\":{\"subnet\":\"8."
			"9.8.0/"
			"24\",\"resolver\":\"8.9.8.0\",\"decided_by\":\"subnet\"},\"network\":{"
			"\"prefix\":\"8.0.0.0/8\",\"source\":\"geoip "
			"city\",\"city\":\"Somewhere\",\"region\":\"YY\",\"country\":\"XX\","
			"\"lat\":51.0,\"lon\":4.0},\"steps\":[{\"pool\":\"web\",\"by\":\"pin\","
			"\"pin\":\"country XX\",\"edges\":[{\"edge\":\"nyc\",\"verdict\":\"is "
			"drained\",\"km\":5909.6,\"estimate_ms\":99.55,\"terms\":{\"distance\":"
			"{\"ms\":99.55}},\"why\":\"configured "
			"drain\"},{\"edge\":\"sin\",\"verdict\":\"chosen\",\"km\":10548.9,"
			"\"estimate_ms\":173.78,\"terms\":{\"distance\":{\"ms\":173.78}"
			"}}]}],\"answer\":{\"rcode\":\"NOERROR\","
			"\"records\":[{\"name\":\"w.a.example.\",\"type\":\"A\",\"ttl\":300,"
			"\"data\":\"192.0.2.3\"}],\"scope\":8}}" },
		{ "explain w.a.example --client 10.0.0.1 --json", 0,
			"{\"name\":\"w.a.example.\",\"type\":\"A\",\"client\":{\"subnet\":\"10."
			"0.0.1/"
			"32\",\"resolver\":\"10.0.0.1\",\"decided_by\":\"resolver\",\"note\":"
			"\"the subnet is not a global "
			"one\"},\"network\":{\"prefix\":\"10.0.0.0/"
			"8\",\"source\":\"unknown\"},\"steps\":[{\"pool\":\"web\",\"by\":"
			"\"default order, since nobody knows where the client "
			"is\",\"edges\":[{\"edge\":\"ams\",\"verdict\":\"chosen\",\"terms\":{}}"
			",{\"edge\":\"nyc\",\"verdict\":\"is "
			"drained\",\"terms\":{},\"why\":\"configured "
			"drain\"},{\"edge\":\"sin\",\"verdict\":\"is not "
			"needed\",\"terms\":{}}]}],\"answer\":{\"rcode\":\"NOERROR\","
			"\"records\":[{\"name\":\"w.a.example.\",\"type\":\"A\",\"ttl\":300,"
			"\"data\":\"192.0.2.1\"}],\"scope\":8}}" },
		{ "explain ns.a.example --client 8.8.8.8 --json", 0,
			"{\"name\":\"ns.a.example.\",\"type\":\"A\",\"client\":{\"subnet\":\"8."
			"8.8.8/"
			"32\",\"resolver\":\"8.8.8.8\"},\"answer\":{\"rcode\":\"NOERROR\","
			"\"records\":[{\"name\":\"ns.a.example.\",\"type\":\"A\",\"ttl\":300,"
			"\"data\":\"192.0.2.3\"}],\"scope\":0}}" },
		{ "explain e.a.example --client 8.9.8.0/24 --json", 0,
			"{\"name\":\"e.a.example.\",\"type\":\"A\",\"client\":{\"subnet\":\"8."
			"9.8.0/"
			"24\",\"resolver\":\"8.9.8.0\",\"decided_by\":\"subnet\"},\"network\":{"
			"\"prefix\":\"8.0.0.0/8\",\"source\":\"geoip "
			"city\",\"city\":\"Somewhere\",\"region\":\"YY\",\"country\":\"XX\","
			"\"lat\":51.0,\"lon\":4.0},\"steps\":[{\"pool\":\"none\",\"by\":"
			"\"nearest\",\"edges\":[{\"edge\":\"nyc\",\"verdict\":\"is "
			"drained\",\"km\":5909.6,\"estimate_ms\":99.55,\"terms\":{\"distance\":"
			"{\"ms\":99.55}},\"why\":\"configured "
			"drain\"}]}],\"answer\":{\"rcode\":\"NOERROR\",\"records\":[],"
			"\"scope\":0}}" },
		{ "explain n.a.example --client 8.9.8.0/24 --json", 0,
			"{\"name\":\"n.a.example.\",\"type\":\"A\",\"client\":{\"subnet\":\"8."
			"9.8.0/"
			"24\",\"resolver\":\"8.9.8.0\",\"decided_by\":\"subnet\"},\"network\":{"
			"\"prefix\":\"8.0.0.0/8\",\"source\":\"geoip "
			"city\",\"city\":\"Somewhere\",\"region\":\"YY\",\"country\":\"XX\","
			"\"lat\":51.0,\"lon\":4.0},\"steps\":[{\"pool\":\"names\",\"by\":"
			"\"whose turn it "
			"is\",\"edges\":[{\"edge\":\"cdn\",\"verdict\":\"chosen\",\"terms\":{}}"
			"]}],\"answer\":{\"rcode\":\"NOERROR\",\"records\":[{\"name\":\"n.a."
			"example.\",\"type\":\"CNAME\",\"ttl\":300,\"data\":\"cdn.example.net."
			"\"}],\"scope\":0}}" },
	};

	open_house();
	check(row, UNIT_COUNT(row));
	close_house();
}

static void what_is_hardly_less_than_nothing_is_no_less(void)
{
	json_t *row = json_pack("{s:{s:{s:f}, s:{s:f}}}", "terms", "way_in", "ms", -0.04, "offset", "ms", -0.06);
	struct text out = { 0 };

	report_estimates_text(row, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "way_in          +0.0 ms"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "offset          -0.1 ms"));
	text_fini(&out);
	json_decref(row);
}

static void what_is_no_question_is_told(void)
{
	static const struct row row[] = {
		{ "explain --client 8.8.8.8", 2,
			"usage: waymarkctl explain NAME [TYPE] --client IP[/LEN] [--resolver "
			"IP] [--via udp|tcp|tls|https|quic] [--json]\n" },
		{ "explain w.a.example", 2,
			"usage: waymarkctl explain NAME [TYPE] --client IP[/LEN] [--resolver "
			"IP] [--via udp|tcp|tls|https|quic] [--json]\n" },
		{ "explain w.a.example --client x", 2,
			"--client x: not an address or prefix (write 192.0.2.0/24 or "
			"2001:db8::/48)\n" },
		{ "explain w.a.example --client 8.8.8.1/24", 0,
			"question   w.a.example. A\n"
			"client     8.8.8.0/24, asking through 8.8.8.1; the subnet decides\n"
			"network    8.0.0.0/8 by geoip city: Somewhere, XX (51.0000,4.0000)\n"
			"pool       web: pin country XX\n"
			"    1  nyc                  5910 km  ~ 119 ms  is drained: configured "
			"drain\n"
			"         distance       +99.5 ms\n"
			"         way_in         +19.6 ms\n"
			"    2  sin                 10549 km  ~ 180 ms  chosen\n"
			"         distance      +173.8 ms\n"
			"         own            180.0 ms  measured from 8.8.8.0/24, 1 "
			"samples, N s ago (counts 1.00)\n"
			"answer     NOERROR, scope /8\n"
			"  w.a.example. 300 A 192.0.2.3\n" },
		{ "explain w.a.example XYZ --client 8.8.8.8", 2, "XYZ is not a record type\n" },
		{ "explain w.a.example --client 8.8.8.8 --resolver y", 2,
			"--resolver y: not an address\n" },
		{ "explain w.a.example --client 8.8.8.8/33", 2, "--client 8.8.8.8/33: a prefix length here is a number from 0 to 32\n" },
		{ "explain w.a.example --client 8.8.8.8/", 2, "--client 8.8.8.8/: a prefix length here is a number from 0 to 32\n" },
		{ "explain w.a.example --client 8.8.8.8/2x", 2, "--client 8.8.8.8/2x: a prefix length here is a number from 0 to 32\n" },
		{ "explain w.a.example --client 2a00::/129", 2, "--client 2a00::/129: a prefix length here is a number from 0 to 128\n" },
		{ "explain w.a.example --client", 2, "--client wants an address behind it\n" },
		{ "explain w.a.example --client 8.8.8.8 --resolver", 2, "--resolver wants an address behind it\n" },
		{ "explain w.a.example --client 8.8.8.8 --via", 2, "--via wants udp, tcp, tls, https or quic behind it\n" },
		{ "explain w.a.example --client 8.8.8.8 --via pigeon", 2, "--via pigeon: not udp, tcp, tls, https or quic\n" },
		{ "explain w.a.example A AAAA --client 8.8.8.8", 2, "explain wants one name and one type; \"AAAA\" is left over\n" },
		{ "explain w..a --client 8.8.8.8", 2,
			"w..a has an empty label (two dots together, or a dot in front)\n" },
	};

	open_house();
	check(row, UNIT_COUNT(row));
	close_house();
}

static void networks_are_described(void)
{
	static const struct row row[] = {
		{ "geo 8.8.8.8", 0,
			"network    8.0.0.0/8 by geoip city: Somewhere, XX (51.0000,4.0000)\n"
			"region     YY\n"
			"group      8.8.8.0/24: all in it have the same estimates\n"
			"measured   as part of 8.8.8.0/24\n"
			"geoip      city DIR/city.mmdb: Test-City, built 2026-06-05, N days "
			"ago\n" },
		{ "geo 9.1.1.1", 0,
			"network    9.0.0.0/8 by geoip city: Elsewhere (2.0000,100.0000)\n"
			"group      9.0.0.0/8: all in it have the same estimates\n"
			"geoip      city DIR/city.mmdb: Test-City, built 2026-06-05, N days "
			"ago\n" },
		{ "geo 7.7.7.7", 0,
			"network    4.0.0.0/6: GeoIP does not know where that is\n"
			"group      4.0.0.0/6: all in it have the same estimates\n"
			"geoip      city DIR/city.mmdb: Test-City, built 2026-06-05, N days "
			"ago\n" },
		{ "geo 10.0.0.1", 0,
			"network    10.0.0.0/8: GeoIP does not know where that is\n"
			"local      10.0.0.0/8 is not of the public Internet\n"
			"group      10.0.0.0/8: all in it have the same estimates\n"
			"geoip      city DIR/city.mmdb: Test-City, built 2026-06-05, N days "
			"ago\n" },
		{ "geo ::ffff:8.8.8.8", 0,
			"network    8.0.0.0/8 by geoip city: Somewhere, XX (51.0000,4.0000)\n"
			"region     YY\n"
			"group      8.8.8.0/24: all in it have the same estimates\n"
			"measured   as part of 8.8.8.0/24\n"
			"geoip      city DIR/city.mmdb: Test-City, built 2026-06-05, N days "
			"ago\n" },
		{ "geo 2a00::1", 0,
			"network    2800::/5: GeoIP does not know where that is\n"
			"group      2800::/5: all in it have the same estimates\n"
			"geoip      city DIR/city.mmdb: Test-City, built 2026-06-05, N days "
			"ago\n" },
		{ "geo 8.8.8.8 --json", 0,
			"{\"prefix\":\"8.0.0.0/8\",\"source\":\"geoip "
			"city\",\"city\":\"Somewhere\",\"region\":\"YY\",\"country\":\"XX\","
			"\"lat\":51.0,\"lon\":4.0,\"group\":\"8.8.8.0/"
			"24\",\"measured\":\"8.8.8.0/"
			"24\",\"databases\":[{\"kind\":\"city\",\"file\":\"DIR/"
			"city.mmdb\",\"type\":\"Test-City\",\"networks\":2,\"built\":\"TIME\","
			"\"age_days\":N}]}" },
		{ "geo 7.7.7.7 --json", 0,
			"{\"prefix\":\"4.0.0.0/6\",\"source\":\"unknown\",\"group\":\"4.0.0.0/"
			"6\",\"databases\":[{\"kind\":\"city\",\"file\":\"DIR/"
			"city.mmdb\",\"type\":\"Test-City\",\"networks\":2,\"built\":\"TIME\","
			"\"age_days\":N}]}" },
		{ "geo x", 2, "x is no address (write 192.0.2.1 or 2001:db8::1)\n" },
		{ "geo", 2, "" },
		{ "geo 8.8.8.8 9.9.9.9", 2, "" },
	};

	open_house();
	check(row, UNIT_COUNT(row));
	close_house();
}

static void measurements_are_shown(void)
{
	static const struct row row[] = {
		{ "latency show --prefix 8.8.8.0/24", 0,
			"measured                     from edge                 rtt      n     "
			"    age  source\n"
			"8.8.8.0/24                   ams                   50.0 ms      3     "
			"    N s  report\n"
			"8.8.8.0/24                   sin                  180.0 ms      1     "
			"    N s  report\n" },
		{ "latency show --prefix 8.8.8.0/24 --json", 0,
			"[{\"from\":\"8.8.8.0/"
			"24\",\"edge\":\"ams\",\"kind\":\"rtt\",\"rtt_ms\":50.0,\"samples\":3,\"age_s\":N,"
			"\"source\":\"report\"},{\"from\":\"8.8.8.0/"
			"24\",\"edge\":\"sin\",\"kind\":\"rtt\",\"rtt_ms\":180.0,\"samples\":1,\"age_s\":N,"
			"\"source\":\"report\"}]" },
		{ "latency show --prefix 8.8.0.0/16", 0,
			"measured                     from edge                 rtt      n     "
			"    age  source\n"
			"8.8.8.0/24                   ams                   50.0 ms      3     "
			"    N s  report\n"
			"8.8.8.0/24                   sin                  180.0 ms      1     "
			"    N s  report\n" },
		{ "latency show --prefix 9.0.0.0/8", 0,
			"measured                     from edge                 rtt      n     "
			"    age  source\n" },
		{ "latency show --edge ams", 0,
			"ams: measured 1 networks (3 samples), offset +0.0 ms (n 0.0)\n"
			"measured                     from edge                 rtt      n     "
			"    age  source\n" },
		{ "latency show --edge ams --json", 0,
			"{\"edge\":\"ams\",\"networks\":1,\"samples\":3,\"offset_ms\":0.0,"
			"\"mesh\":[],\"believed\":1.0,\"impossible_share\":0.0,"
			"\"at_odds_share\":null,\"late_share\":0.0,\"early_share\":0.0}" },
		{ "latency show --edge xyz", 1,
			"there is no edge \"xyz\" (\"waymarkctl edges\" lists them)\n" },
		{ "latency show --country XX", 2,
			"\"XX\" is no country (two letters, such as NO)\n" },
		{ "latency show --country xx", 2,
			"\"xx\" is no country (two letters, such as NO)\n" },
		{ "latency show --country USA", 2,
			"\"USA\" is no country (two letters, such as NO)\n" },
		{ "latency show --prefix x", 2,
			"\"x\" is not an address or prefix (write 192.0.2.0/24 or "
			"2001:db8::/32)\n" },
		{ "latency show --prefix 8.8.8.8/24", 2,
			"\"8.8.8.8/24\" has bits behind its length (8.8.8.0/24 is the "
			"prefix)\n" },
		{ "latency show x", 2, "" },
	};

	open_house();
	check(row, UNIT_COUNT(row));
	close_house();
}

static const struct unit_case cases[] = {
	{ "clients are explained step by step", clients_are_explained_step_by_step },
	{ "what is hardly less than nothing is no less", what_is_hardly_less_than_nothing_is_no_less },
		{ "what is no question is told", what_is_no_question_is_told },
	{ "networks are described", networks_are_described },
	{ "measurements are shown", measurements_are_shown },
};

void suite_explain(void);
void suite_explain(void)
{
	unit_suite("report/explain", cases, UNIT_COUNT(cases));
}
