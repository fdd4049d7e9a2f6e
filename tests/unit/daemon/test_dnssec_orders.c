#include "daemon/dnssec_orders.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct house h;

/* s.example is signed, a.example is not. */
static void open_house(void)
{
	char conf[600];

	house_open(&h, "");
	site_put(&h.site, "s.zone", SITE_ZONE(3, "www A 192.0.2.9\n"));
	snprintf(conf, sizeof conf,
		"server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\nstore: { file: w.db }\n"
		"zones: [ { name: s.example, file: s.zone, dnssec: auto }, { name: a.example, file: zones/a.example.zone } ]\n"
		"edges: { ams: { at: \"52,5\", a: 192.0.2.1 } }\npools: { web: { edges: [ ams ] } }\n",
		serving_port(&h.at));
	site_put(&h.site, "t.yaml", conf);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

/* How many files of the folder end so; and are anybody's but their owner's to read. */
static unsigned count(const char *folder, const char *ends, unsigned *open)
{
	char path[400];
	const struct dirent *e;
	struct stat st;
	unsigned n = 0;

	snprintf(path, sizeof path, "%s/%s", h.site.folder, folder);
	DIR *d = opendir(path);
	while (d && (e = readdir(d))) {
		const size_t len = strlen(e->d_name), k = strlen(ends);
		if (len < k || strcmp(e->d_name + len - k, ends) != 0)
			continue;
		n++;
		*open += fstatat(dirfd(d), e->d_name, &st, 0) != 0 || (st.st_mode & 0777) != 0600;
	}
	if (d)
		closedir(d);
	return n;
}

static void keys_are_shown(void)
{
	static const struct house_said row[] = {
		{ "dnssec keys s.example", 0, "CSK" },
		{ "dnssec keys s.example", 0, "ecdsap256sha256" },
		{ "dnssec keys s.example", 0, "  dnskey " },
		{ "dnssec keys s.example", 0, "  stays\n" },
		{ "dnssec keys s.example", 0, "!goes" },
		{ "dnssec ds s.example", 0, "; CSK " },
		{ "dnssec ds s.example", 0, "s.example. IN DS " },
		{ "dnssec ds s.example", 0, " 13 2 " },
		{ "dnssec status s.example", 0, "zone           s.example.\nstate          signed" },
		{ "dnssec status s.example", 0, "!fault" },
		{ "dnssec status s.example --json", 0, "\"zone\": \"s.example.\"" },
		{ "dnssec keys s.example --json", 0, "\"role\": \"CSK\"" },
		{ "dnssec status a.example", 1, "" },
		{ "dnssec keys nix.example", 1, "" },
		{ "dnssec status a..b", 1, "a..b: as the name of a zone this" },
		{ "dnssec status", 2, "" },
		{ "dnssec status s.example more", 2, "" },
		{ "dnssec stats s.example", 2, "" },
		{ "dnssec", 2, "" },
	};

	open_house();
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

static void a_key_is_replaced_by_command(void)
{
	static const struct house_said first[] = {
		{ "dnssec roll s.example --ksk --json", 2, "" },
		{ "dnssec roll nix.example", 1, "" },
		{ "dnssec roll s.example", 0, "s.example.: a roll begins (\"dnssec status\" shows how it goes)\n" },
	};
	static const struct house_said then[] = {
		{ "dnssec keys s.example", 0, "  goes\n" },
		{ "dnssec keys s.example", 0, "  stays\n" },
		{ "dnssec ds s.example", 0, "CSK" },
		{ "dnssec ds-seen s.example --now", 2, "" },
		{ "dnssec ds-seen nix.example", 1, "" },
		{ "dnssec import s.example key", 1, "key: the server needs an absolute path\n" },
		{ "dnssec import s.example %s/no.private", 1, "no" },
		{ "dnssec import s.example", 2, "" },
		{ "dnssec export s.example", 2, "" },
		{ "dnssec export s.example keys", 1, "keys: the server needs an absolute path\n" },
		{ "dnssec export a.example %s/out", 1, "zone a.example. has no keys here" },
		{ "dnssec export s.example %s/out", 0, ".private\n" },
		{ "dnssec export s.example %s/pem --pem", 0, ".pem\n" },
		{ "dnssec export s.example %s/no/such", 1, "No such file" },
		{ "dnssec remove s.example x1", 1, "\"x1\" is not a key's tag" },
		{ "dnssec remove s.example 65536", 1, "\"65536\" is not a key's tag" },
		{ "dnssec remove s.example", 2, "" },
	};

	open_house();
	house_say(&h, first, UNIT_COUNT(first));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "zone s.example.: dnssec roll, by the user 0"));
	for (unsigned i = 0; i < 600 && !strstr(house_tell(&h, "dnssec status s.example"), "a roll is underway"); i++)
		house_pass(&h, 0.05);
	house_say(&h, then, UNIT_COUNT(then));
	/* The old one and the new, which nobody else may read. */
	unsigned open = 0;
	CU_ASSERT_EQUAL(count("out", ".private", &open), 2);
	CU_ASSERT_EQUAL(count("pem", ".pem", &open), 2);
	CU_ASSERT_EQUAL(open, 0);
	close_house();
}

static void without_a_store_nothing_is_signed(void)
{
	static const struct house_said row[] = {
		{ "dnssec status a.example", 1, "nothing is signed here: there is no store" },
		{ "dnssec roll a.example", 1, "nothing is signed here: there is no store" },
	};

	house_open(&h, "edges: { ams: { at: \"52,5\", a: 192.0.2.1 } }\npools: { web: { edges: [ ams ] } }\n");
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

static const struct unit_case cases[] = {
	{ "keys are shown", keys_are_shown },
	{ "a key is replaced by command", a_key_is_replaced_by_command },
	{ "without a store nothing is signed", without_a_store_nothing_is_signed },
};

void suite_dnssec_orders(void);
void suite_dnssec_orders(void)
{
	unit_suite("daemon/dnssec_orders", cases, UNIT_COUNT(cases));
}
