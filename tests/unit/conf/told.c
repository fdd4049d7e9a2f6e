#include "unit/conf/told.h"

#include "dns/name.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define PATH "/etc/waymark/t.yaml:"

bool told_read(struct conf *c, const char *yaml, struct text *lines)
{
	struct faults f;

	faults_init(&f);
	*lines = (struct text){ 0 };
	const bool ok = conf_read_text(c, "/etc/waymark/t.yaml", yaml, strlen(yaml), &f);
	CU_ASSERT_EQUAL(ok, f.errors == 0);
	for (const char *s = text_get(&f.text), *end; *s; s = end) {
		end = strchr(s, '\n') + 1;
		if (strncmp(s, PATH, strlen(PATH)) != 0)
			continue;
		s += strlen(PATH);
		s += *s == ' ';
		text_add_bytes(lines, s, (size_t)(end - s));
	}
	faults_fini(&f);
	return ok;
}

void told_check(const struct told_case *cases, size_t n)
{
	for (const struct told_case *t = cases; t < cases + n; t++) {
		struct conf c;
		struct text lines;
		const bool ok = told_read(&c, t->yaml, &lines);
		const bool same = strcmp(text_get(&lines), t->want) == 0;
		if (!same)
			printf("\n%s:\n%s  should tell\n%s", t->say, text_get(&lines), t->want);
		CU_ASSERT_TRUE(same);
		text_fini(&lines);
		if (ok)
			conf_fini(&c);
	}
}

static const char complete[] =
	"pools:\n"
	"  web:\n"
	"    edges: [ ams1, iad2, sin1 ]\n"
	"    pin: { continent: { EU: ams1 }, country: { no: ams1 }, region: { us-ca: iad2 },\n"
	"           asn: { 64500: iad2, AS64501: [ sin1 ] }, net: { \"203.0.113.0/24\": [ "
	"sin1, ams1 ] } }\n"
	"    default: [ iad2, ams1 ]\n"
	"    policy: nearest\n"
	"    answers: 2\n"
	"    spread: 2.5ms\n"
	"    ttl: 20s-1m\n"
	"    all-down: { pool: rest }\n"
	"  rest: { edges: ams1, policy: weighted, spread: 5%, ttl: 1h, all-down: empty,\n"
	"          https: { alpn: h2, no-default-alpn: on, port: 444, ech: AAIHBw==, priority: 9 },\n"
	"          svcb: { dohpath: \"/q{?dns}\" } }\n"
	"  plain: { edges: iad2, policy: round-robin }\n"
	"edges:\n"
	"  ams1: { at: \"52.37, 4.90\", a: [ 192.0.2.10, 192.0.2.11 ], aaaa: "
	"\"2001:db8:1::10\", weight: 7 }\n"
	"  iad2: { at: [ 38.95, -77.45 ], cname: Edge.example.net, state: drain }\n"
	"  sin1: { at: \"1.35,103.82\", a: 203.0.113.30, state: down }\n"
	"server:\n"
	"  listen: [ \"127.0.0.1:5300\", 192.0.2.1, \"[::1]\", \"::2\", \"[2001:db8::1]:54\" "
	"]\n"
	"  workers: 4\n"
	"  user: waymark\n"
	"  ecs: off\n"
	"  tcp-clients: 77\n"
	"  tcp-clients-per-net: 33\n"
	"  tcp-idle: 2m\n"
	"control: { socket: run/control.sock }\n"
	"geoip:\n"
	"  city: { file: geoip/city.mmdb }\n"
	"  asn: { file: [ /var/v4.mmdb, v6.mmdb ] }\n"
	"zones:\n"
	"  - { name: Example.COM, file: zones/example.com.zone }\n"
	"  - { name: example.org., file: /srv/org }\n"
	"  - dir: zones\n";

void told_complete(struct conf *c)
{
	struct text lines;

	CU_ASSERT_TRUE_FATAL(told_read(c, complete, &lines));
	CU_ASSERT_STRING_EQUAL(text_get(&lines),
		"3:5: warning: pool web has edges with addresses and edges with only a "
		"cname: a name is either a CNAME or not, and resolvers take it for one for all "
		"types once they have met one (RFC 1034 section 3.6.2); make two pools\n");
	text_fini(&lines);
}

void told_name(const uint8_t *wire, const char *want)
{
	char buf[NAME_TEXT];

	CU_ASSERT_PTR_NOT_NULL_FATAL(wire);
	CU_ASSERT_STRING_EQUAL(name_text(buf, wire), want);
}
