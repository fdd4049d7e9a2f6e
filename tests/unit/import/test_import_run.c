#include "import/import_run.h"

#include "unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[32];
static char made_zone[8000]; /* of what was imported last, the zone example.org */

static int open_folder(void)
{
	strcpy(folder, "/tmp/unit_import.XXXXXX");
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int close_folder(void)
{
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const struct import_kind *kind_of(const char *name)
{
	for (size_t i = 0; import_kind(i); i++)
		if (strcmp(import_kind(i)->name, name) == 0)
			return import_kind(i);
	return NULL;
}

/* The configuration that one file of that server comes to, and what could not be said. */
static bool imported(const char *kind, const char *name, const char *text, char config[static 8000], char report[static 4000])
{
	char path[100], to[64], made[100];
	struct plan plan;
	struct fault why;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	snprintf(to, sizeof to, "%s/out", folder);
	FILE *f = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
	plan_init(&plan);
	char *files[] = { path };
	const bool ok = import_run(&plan, &(struct import_opts){ kind_of(kind), files, 1, to, "geoip/city.mmdb" }, &why);
	plan_fini(&plan);
	if (!ok) {
		printf("%s\n", why.text);
		return false;
	}
	snprintf(made, sizeof made, "%s/waymark.yaml", to);
	f = fopen(made, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	config[fread(config, 1, 7999, f)] = 0;
	fclose(f);
	snprintf(made, sizeof made, "%s/REPORT", to);
	f = fopen(made, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	report[fread(report, 1, 3999, f)] = 0;
	fclose(f);
	snprintf(made, sizeof made, "%s/zones/example.org.zone", to);
	f = fopen(made, "re");
	made_zone[f ? fread(made_zone, 1, sizeof made_zone - 1, f) : 0] = 0;
	if (f)
		fclose(f);
	nftw(to, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return true;
}

#define ZONE "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n"
#define THEN "return '192.0.2.1' end return '192.0.2.2'"
#define TO   "to: x-192.0.2.1, only: on }"

static void put(const char *name, const char *text)
{
	char path[100];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

/* Names of resources and of files in gdnsd's zone files, in quotes or with escapes. */
static void names_with_blanks_are_what_they_stand_for(void)
{
	static char config[8000], report[4000];
	char path[100];

	snprintf(path, sizeof path, "%s/zones", folder);
	mkdir(path, 0700);
	put("zones/example.org",
		ZONE "one 60 DYNA \"multifo!my hall\"\ntwo 60 DYNA multifo!my\\032hall\nthree 60 DYNA multifo!my\\ hall\n$INCLUDE \".more of it\" sub\n");
	put("zones/.more of it", "four 60 DYNA \"multifo!ha\\\"l\\\\l\"\n");
	CU_ASSERT_TRUE_FATAL(imported("gdnsd", "config",
		"service_types => { fixed => { plugin => static, state => up } }\n"
		"plugins => { static => {}, multifo => { service_types => fixed\n"
		"  \"my hall\" => { one => 192.0.2.1, two => 192.0.2.2 }\n  \"ha\\\"l\\\\l\" => { one => 192.0.2.3, two => 192.0.2.4 } } }\n",
		config, report));
	CU_ASSERT_PTR_NOT_NULL(strstr(config, "my-hall: { a: [ 192.0.2.1, 192.0.2.2 ] }"));
	CU_ASSERT_PTR_NOT_NULL(strstr(config, "ha-l-l: { a: [ 192.0.2.3, 192.0.2.4 ] }"));
	CU_ASSERT_PTR_NULL(strstr(config, "192.0.2.1, 192.0.2.2 ] }\n  my-hall-")); /* all three are one */
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "\n0 not said"));
}

/* Its name has a line's end in it: no second line comes of that. */
static void what_is_not_taken_stands_as_it_stood_there(void)
{
	static char config[8000], report[4000];
	char path[100];

	snprintf(path, sizeof path, "%s/zones", folder);
	mkdir(path, 0700);
	put("zones/example.org", ZONE "one 60 DYNA \"nobody!x\\010evil A 192.0.2.1\"\ntwo 60 DYNA nobody!a\\000b\\256\n");
	imported("gdnsd", "config", "plugins => { static => { } }\n", config, report);
	CU_ASSERT_PTR_NOT_NULL(strstr(made_zone, "; \"nobody!x\\010evil A 192.0.2.1\" could not be taken\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(made_zone, "; nobody!a\\000b\\256 could not be taken\n"));
	CU_ASSERT_PTR_NULL(strstr(made_zone, "\nevil"));
}

/* Strings of gdnsd's TXT may be longer than 255 bytes; what is escaped is one. */
static void long_strings_are_cut_between_their_bytes(void)
{
	static const struct {
		const char *byte;
		size_t n;
		const char *last, *want; /* behind n - 1 of that byte */
	} row[] = {
		{ "x", 255, "", "\"\n" },
		{ "x", 254, "\\065b", "\\065\" \"b\"\n" },
		{ "x", 254, "\\bb", "\\b\" \"b\"\n" },
		{ "x", 255, "\\065", "\" \"\\065\"\n" },
		{ "\\065", 254, "yb", "y\" \"b\"\n" },
		{ "\\x", 255, "b", "\" \"b\"\n" },
	};
	static char config[8000], report[4000], text[4000], want[4000];
	char path[100];

	snprintf(path, sizeof path, "%s/zones", folder);
	mkdir(path, 0700);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		strcpy(want, "\"");
		for (size_t k = 0; k < row[i].n; k++)
			strcat(want, row[i].byte);
		snprintf(text, sizeof text, ZONE "long TXT %s%s\"\n", want, row[i].last);
		strcat(want, row[i].want);
		put("zones/example.org", text);
		CU_ASSERT_TRUE_FATAL(imported("gdnsd", "config", "options => {}\n", config, report));
		CU_ASSERT_PTR_NOT_NULL(strstr(made_zone, want));
		if (!strstr(made_zone, want))
			printf("%zu: %s\nnot %s\n", i, made_zone, want);
	}
}

static void conditions_of_powerdns_are_pins(void)
{
	static const struct {
		const char *condition, *first, *second;
	} row[] = {
		{ "country('NO')", "{ country: [ \"NO\" ], " TO, NULL },
		{ "country({'NO','SE'})", "{ country: [ \"NO\", SE ], " TO, NULL },
		{ "not country('DE')", "{ not: { country: [ DE ] }, " TO, NULL },
		{ "not (country('DE'))", "{ not: { country: [ DE ] }, " TO, NULL },
		{ "country('NO') and netmask({'198.51.100.0/24'})", "{ country: [ \"NO\" ], net: [ 198.51.100.0/24 ], " TO, NULL },
		{ "country('NO') or continent('AS')", "{ country: [ \"NO\" ], " TO, "{ continent: [ AS ], " TO },
		{ "(country('NO') or country('SE')) and not country('DE')", "{ country: [ \"NO\" ], not: { country: [ DE ] }, " TO,
			"{ country: [ SE ], not: { country: [ DE ] }, " TO },
		{ "continent('EU') and not country('DE')", "{ continent: [ EU ], not: { country: [ DE ] }, " TO, NULL },
	};
	char text[500], config[8000], report[4000];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		snprintf(text, sizeof text, ZONE "x LUA A \";if %s then " THEN "\"\n", row[i].condition);
		CU_ASSERT_TRUE_FATAL(imported("powerdns", "example.org.zone", text, config, report));
		const char *first = strstr(config, row[i].first), *second = row[i].second ? strstr(config, row[i].second) : first,
			   *rest = strstr(config, "{ to: x-192.0.2.2, only: on }");
		if (!first || !second || !rest || first > second || second > rest) {
			printf("%s:\n%s", row[i].condition, config);
			CU_FAIL("another pin");
		}
		CU_ASSERT_PTR_NOT_NULL(strstr(report, "\n0 not said, 0 different"));
	}
}

static void what_is_no_list_of_conditions_is_told_with_its_line(void)
{
	static const char *const row[] = { "not (country('NO') or country('SE'))", "not not country('NO')", "country('NO') and", "country('NO'",
		"hour() > 3" };
	char text[500], config[8000], report[4000];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		snprintf(text, sizeof text, ZONE "x LUA A \";if %s then " THEN "\"\n", row[i]);
		CU_ASSERT_TRUE_FATAL(imported("powerdns", "example.org.zone", text, config, report));
		if (!strstr(report, "example.org.zone:5: ") || !strstr(report, "\n1 not said")) {
			printf("%s:\n%s", row[i], report);
			CU_FAIL("it is not told");
		}
		CU_ASSERT_PTR_NULL(strstr(config, "pin:"));
	}
}

/* As many as are read, and one more. */
static void more_conditions_than_are_read_are_told(void)
{
	static char text[20000], config[8000], report[4000];

	for (unsigned more = 0; more < 2; more++) {
		size_t n = (size_t)snprintf(text, sizeof text, ZONE "x LUA A \";if country('AA') then return '192.0.2.1' ");
		for (unsigned i = 0; i + 1 < 256 + more; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "elseif country('%c%c') then return '192.0.2.1' ", 'A' + i / 26, 'A' + i % 26);
		snprintf(text + n, sizeof text - n, "end return '192.0.2.2'\"\n");
		CU_ASSERT_TRUE_FATAL(imported("powerdns", "example.org.zone", text, config, report));
		CU_ASSERT_EQUAL(strstr(report, "too many conditions") != NULL, more == 1);
		CU_ASSERT_EQUAL(strstr(report, "LUA") != NULL, more == 1);
	}
}

/* What an administrator calls it says nothing. */
static void files_of_powerdns_are_what_is_in_them(void)
{
	static const struct {
		const char *name, *text, *zone;
	} row[] = {
		{ "dump", "$ORIGIN Example.net.\n" ZONE, "example.net" },
		{ "example.org.zone", "Example.net. 1h IN SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n", "example.net" },
		{ "example.org.conf", ZONE, "example.org.conf" },
		{ "db.example.org", "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n", "example.org" },
		{ "example.org.zone", "$TTL 300\nother.example. TXT SOA\n@ SOA ns h 1 2 3 4 5\n@ NS soa\n", "example.org" },
	};
	char config[8000], report[4000], want[64];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_TRUE_FATAL(imported("powerdns", row[i].name, row[i].text, config, report));
		snprintf(want, sizeof want, "{ name: %s, file: ", row[i].zone);
		if (!strstr(config, want)) {
			printf("%s:\n%s", want, config);
			CU_FAIL(row[i].name);
		}
	}
	/* Settings, also where the first has no value. */
	char zone[100], text[200];
	snprintf(zone, sizeof zone, "%s/named.conf", folder);
	FILE *f = fopen(zone, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "zone \"example.net\" { type native; file \"%s/dump\"; };\n", folder);
	fclose(f);
	snprintf(text, sizeof text, "# all\ndaemon\nbind-config=%s\n", zone);
	CU_ASSERT_TRUE_FATAL(imported("powerdns", "settings", text, config, report));
	CU_ASSERT_PTR_NOT_NULL(strstr(config, "{ name: example.net, file: "));
}

/* What is asked, by the URL; blanks and line ends are left out. */
static void urls_of_powerdns_are_probes(void)
{
	static const struct {
		const char *url, *probe;
	} row[] = {
		{ "https://www.example.org/health", "kind:https,host:www.example.org,path:/health,expect:200" },
		{ "https://www.example.org:8443/health", "kind:https,host:www.example.org,port:8443,path:/health,expect:200" },
		{ "http://www.example.org", "kind:http,host:www.example.org,path:/,expect:200" },
		{ "HTTP://www.example.org?x=1", "kind:http,host:www.example.org,path:\"/?x=1\",expect:200" },
		{ "http://www.example.org:80", "kind:http,host:www.example.org,port:80,path:/,expect:200" },
	};
	char text[500], config[8000], report[4000];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		snprintf(text, sizeof text, ZONE "x LUA A \"ifurlup('%s', {{'192.0.2.1'},{'192.0.2.2'}})\"\n", row[i].url);
		CU_ASSERT_TRUE_FATAL(imported("powerdns", "example.org.zone", text, config, report));
		/* The one form has a line for each key, the other braces. */
		char *to = config;
		for (const char *c = config; *c; c++)
			if (*c == '\n' && to != config && to[-1] != ',')
				*to++ = ',';
			else if (*c != ' ' && *c != '\n' && *c != '{')
				*to++ = *c;
		*to = 0;
		if (!strstr(config, row[i].probe)) {
			printf("%s: %s\n", row[i].url, config);
			CU_FAIL("another probe");
		}
	}
}

void suite_import_run(void);
void suite_import_run(void)
{
	static const struct unit_case cases[] = {
	{ "names with blanks are what they stand for", names_with_blanks_are_what_they_stand_for },
		{ "what is not taken stands as it stood there", what_is_not_taken_stands_as_it_stood_there },
		{ "long strings are cut between their bytes", long_strings_are_cut_between_their_bytes },
		{ "conditions of PowerDNS are pins", conditions_of_powerdns_are_pins },
		{ "URLs of PowerDNS are probes", urls_of_powerdns_are_probes },
		{ "more conditions than are read are told", more_conditions_than_are_read_are_told },
		{ "files of PowerDNS are what is in them", files_of_powerdns_are_what_is_in_them },
		{ "what is no list of conditions is told, with its line", what_is_no_list_of_conditions_is_told_with_its_line },
	};

	unit_suite_with("import/import_run", cases, UNIT_COUNT(cases), open_folder, close_folder);
}
