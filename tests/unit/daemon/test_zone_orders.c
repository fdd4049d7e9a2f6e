#include "daemon/zone_orders.h"

#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORE "store: { file: w.db }\n"
#define POOLS "edges: { ams: { at: \"52,5\", a: 192.0.2.1 } }\npools: { web: { edges: [ ams ] } }\n"
#define TEMPLATES                                                                                                  \
	"peers: { pri: { at: \"127.0.0.1:1\" }, sec: { at: \"127.0.0.2:1\" } }\n"                                  \
	"templates:\n"                                                                                             \
	"  hosted: { write-back: store, notify: sec, nameservers: [ ns1.provider.test, ns2.provider.test ], contact: dns.admin@provider.test }\n" \
	"  second: { primary: pri }\n"                                                                             \
	"  files: { transfer: any }\n"

static struct house h;

static void open_house(const char *more)
{
	house_open(&h, more);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

static void start_again(void)
{
	house_stop(&h);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void zones_are_added_and_removed(void)
{
	static const struct house_said first[] = {
		{ "zone add One.Test hosted", 0, "one.test.: added, serial 1\n" },
		{ "zone add two.test hosted %s/first.zone", 0, "two.test.: added, serial 7\n" },
		{ "zone add three.test files %s/first.zone", 0, "three.test.: added, serial 7\n" },
		{ "zone add four.test %s/first.zone", 0, "four.test.: added, serial 7\n" },
		{ "zone add away.test second", 0, "away.test.: added; it is fetched from its primary (\"zone status\" shows how it goes)\n" },
		{ "zone add one.test hosted", 1, "it was added before" },
		{ "zone add a.example hosted", 1, "is there already: the configuration" },
		{ "zone add x.test hostd", 1, "there is no template \"hostd\"" },
		{ "zone add x.test files", 1, "has nothing to begin with" },
		{ "zone add x.test files first.zone", 1, "first.zone: the server needs the whole path of a file\n" },
		{ "zone add x.test hosted %s/wrong.zone", 1, "wrong.zone:5:7: error" },
		{ "zone add a..b hosted", 1, "as the name of a zone" },
		{ "zone add", 2, "" },
		{ "zone add x.test hosted %s/first.zone more", 2, "" },
		{ "zone remove a.example", 1, "is named by the configuration" },
		{ "zone remove x.test", 1, "there is no zone x.test." },
		{ "zone remove", 2, "" },
		{ "zone remove one.test two.test", 2, "" },
		{ "zone exprt one.test", 2, "there is no \"zone exprt\"; did you mean \"zone export\"?\n" },
		{ "zone frobnicate one.test", 2, "" },
		{ "zone frobnicate one.test", 2, "!did you mean" },
		{ "zone", 2, "" },
		{ "zone status one.test", 0, "template       hosted" },
		{ "zone status one.test", 0, "source         store" },
		{ "zone status one.test --json", 0, "\"added_by\": 0" },
		{ "zone status nix.test", 1, "there is no zone nix.test (\"waymarkctl zones\" lists them)\n" },
		{ "zone status", 2, "" },
		{ "zone status one.test two.test", 2, "" },
		{ "zones", 0, "away.test." },
	};
	static const struct house_said then[] = {
		{ "zone status two.test", 0, "template       hosted" },
		{ "zone remove one.test", 0, "one.test.: removed; the store keeps its data (\"zone remove --purge\" drops them)\n" },
		{ "zone add one.test hosted", 1, "--stored" },
		{ "zone add one.test hosted --stored", 0, "one.test.: added, serial 1\n" },
		{ "zone purge one.test", 1, "zone one.test. is served from the store, which alone has its changes" },
		{ "zone remove one.test", 0, "removed" },
		{ "zone purge one.test", 0, "one.test.: nothing is stored of it any more\n" },
		{ "zone purge one.test", 1, "zone one.test.: nothing is stored of it\n" },
		{ "zone purge", 2, "" },
		{ "zone purge a..b", 1, "" },
		{ "zone remove two.test --purge", 0, "two.test.: removed, with all that was stored of it\n" },
		{ "zone remove three.test", 0, "three.test.: removed\n" },
		{ "zone add two.test hosted", 0, "two.test.: added, serial 1\n" },
	};

	house_open(&h, STORE TEMPLATES);
	site_put(&h.site, "first.zone", SITE_ZONE(7, "www A 192.0.2.7\n"));
	site_put(&h.site, "wrong.zone", SITE_ZONE(7, "bad A 1.2.3\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.two.test"), "rcode 5");
	house_say(&h, first, UNIT_COUNT(first));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "zone two.test. is added by the user 0, template \"hosted\""));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.two.test"), "192.0.2.7");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.four.test"), "192.0.2.7");
	start_again();
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.two.test"), "192.0.2.7");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.three.test"), "192.0.2.7");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "away.test"), "rcode 2");
	house_say(&h, then, UNIT_COUNT(then));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "zone three.test. is removed by the user 0"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.two.test"), "rcode 3");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.three.test"), "rcode 5");
	close_house();
}

static void without_a_store_nothing_is_added(void)
{
	static const struct house_said row[] = {
		{ "zone add one.test hosted", 1, "zones that are added are kept in a store, and there is none: write" },
		{ "zone remove one.test", 1, "there is none: write" },
		{ "zone purge one.test", 1, "there is no store" },
		{ "zone promote a.example hosted", 1, "there is none: write" },
		{ "zone demote a.example", 1, "there is none: write" },
		{ "zone history a.example", 1, "there is no store, where changes could be kept" },
		{ "zone sync a.example", 1, "zone a.example: the server writes no file of it (\"write-back: sync\")\n" },
	};

	open_house("");
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

static void a_draft_gathers_changes_and_makes_them_at_once(void)
{
	static const struct house_said row[] = {
		{ "zone add one.test hosted", 0, "added, serial 1" },
		{ "zone set one.test www 60 A 192.0.2.1", 1, "there is no draft of zone one.test: \"zone begin one.test\" makes one\n" },
		{ "zone begin one.test --serial 2", 1, "zone one.test has serial 1 by now, not 2: look at it again\n" },
		{ "zone begin one.test --serial 1", 0, "one.test: a draft of serial 1\n" },
		{ "zone begin one.test", 1, "you have a draft of zone one.test already" },
		{ "zone begin", 2, "" },
		{ "zone diff one.test", 0, "nothing is different\n" },
		{ "zone diff", 2, "" },
		{ "zone set one.test", 2, "" },
		{ "zone set one.test www 60 A 192.0.2.1", 0, "" },
		{ "zone set one.test WWW.one.test. 60 A 192.0.2.2", 0, "" },
		{ "zone set one.test cdn 30 EDGE web", 0, "" },
		{ "zone set one.test t TXT a", 0, "" },
		{ "zone unset one.test @ NS ns2.provider.test.", 0, "" },
		{ "zone unset one.test", 2, "" },
		{ "zone set one.test www 60 A 192.0.2.256", 1, "record:1:10: error: 192.0.2.256 is not an IPv4 address" },
		{ "zone set one.test www.two.test. 60 A 192.0.2.6", 1, "www.two.test. is not in the zone one.test." },
		{ "zone set one.test a..b 60 A 192.0.2.6", 1, "as a name this" },
		{ "zone set one.test x 60 OPT x", 1, "error" },
		{ "zone set one.test  60 A 192.0.2.6", 1, "the name is missing in front of this" },
		{ "zone set one.test ;", 1, "this is no record: write for example: www 300 A 192.0.2.1\n" },
		{ "zone unset one.test nix", 1, "there is nothing at nix.one.test." },
		{ "zone unset one.test x ANY", 1, "" },
		{ "zone diff one.test", 0,
			"- one.test. 3600 IN NS ns2.provider.test.\n+ www.one.test. 60 IN A 192.0.2.1\n"
			"+ www.one.test. 60 IN A 192.0.2.2\n+ cdn.one.test. 30 IN EDGE web\n+ t.one.test. 3600 IN TXT \"a\"\n" },
		{ "zone diff one.test", 0, "!by now" },
		{ "zone status one.test", 0, "draft of       user 0, since 20" },
		{ "zone status one.test --json", 0, "\"drafts\": [\n" },
		{ "zone status a.example", 0, "a.example." },
		{ "zone status a.example", 0, "!draft" },
		{ "zone edit one.test", 0, "" },
		{ "zone edit one.test nothing", 1, "this is no change of the zone: it is no base64\n" },
		{ "zone edit one.test bm90aGluZw==", 1, "this is no change of the zone: " },
		{ "zone edit", 2, "" },
	};
	static const struct house_said then[] = {
		{ "zone commit one.test", 0, "one.test.: serial 2\n" },
		{ "zone commit one.test", 1, "there is no draft" },
		{ "zone status one.test", 0, "serial         2" },
		{ "zone status one.test", 0, "!draft of" },
		{ "zone begin one.test", 0, "" },
		{ "zone unset one.test www", 0, "" },
		{ "zone abort", 2, "" },
		{ "zone abort one.test", 0, "one.test: the draft is gone, and nothing has changed\n" },
		{ "zone abort one.test", 1, "there is no draft" },
		{ "zone begin one.test", 0, "" },
		{ "zone commit one.test", 0, "one.test: nothing is different; the draft is gone\n" },
		{ "zone commit", 2, "" },
		{ "zone history one.test", 0,
			"- one.test. 3600 IN NS ns2.provider.test.\n+ www.one.test. 60 IN A 192.0.2.1\n" },
		{ "zone history one.test", 0, "serial 2, from 1, 20" },
		{ "zone history one.test", 0, "!SOA" },
		{ "zone history one.test --json", 0, "\"from\": 1" },
		{ "zone history one.test --last 1", 0, "serial 2, from 1" },
		{ "zone history one.test --last 0", 2, "" },
		{ "zone history one.test --last 200", 0, "serial 2, from 1" },
		{ "zone history one.test --last 201", 2, "" },
		{ "zone history one.test --last 1x", 2, "" },
		{ "zone history one.test --last -1", 2, "" },
		{ "zone history", 2, "" },
		{ "zone history a.example", 0, "no changes of it are kept\n" },
		{ "zone history nix.test", 1, "there is no zone" },
		{ "zone export one.test", 0, "www\t60\tIN\tA 192.0.2.2\n" },
		{ "zone export one.test", 0, "cdn\t30\tIN\tEDGE web\n" },
		{ "zone export one.test --generic", 0, "www\t60\tIN\tA 192.0.2.2\n" },
		{ "zone export one.test --generic", 0, "!EDGE" },
		{ "zone export one.test --unsigned", 0, "www\t60\tIN\tA 192.0.2.2\n" },
		{ "zone export nix.test", 1, "there is no zone" },
		{ "zone export", 2, "" },
		{ "zone notify one.test", 0, "one.test: 1 address is told of serial 2 (\"status\" counts who has heard)\n" },
		{ "zone notify a.example", 1, "zone a.example: nobody is to be told of it" },
		{ "zone notify nix.test", 1, "there is no zone" },
		{ "zone notify", 2, "" },
	};

	open_house(STORE TEMPLATES POOLS);
	house_say(&h, row, UNIT_COUNT(row));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.one.test"), "rcode 3");
	house_say(&h, then, UNIT_COUNT(then));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.one.test"), "192.0.2.1 192.0.2.2");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "cdn.one.test"), "192.0.2.1");
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "zone one.test. is changed by the user 0: serial 2"));
	start_again();
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "cdn.one.test"), "192.0.2.1");
	close_house();
}

static void what_would_make_a_zone_wrong_is_not_committed(void)
{
	static const struct house_said row[] = {
		{ "zone add one.test hosted", 0, "" },
		{ "zone add away.test second", 0, "" },
		{ "zone begin one.test", 0, "" },
		{ "zone set one.test www 60 A 192.0.2.1", 0, "" },
		{ "zone set one.test www 60 CNAME @", 0, "" },
		{ "zone set one.test cdn 60 EDGE nix", 0, "" },
		{ "zone commit one.test", 1, "one.test.: nothing has changed, and the draft is as it was (\"zone diff\", \"zone abort\")\n" },
		{ "zone commit one.test", 1, "CNAME" },
		{ "zone unset one.test @ NS", 0, "" },
		{ "zone commit one.test", 1, "one.test: the zone would have no NS at its top; the draft is as it was\n" },
		{ "zone set one.test @ 60 NS ns9.provider.test.", 0, "" },
		{ "zone unset one.test www CNAME", 0, "" },
		{ "zone set one.test cdn 60 EDGE web", 0, "" },
		{ "zone commit one.test", 0, "one.test.: serial 2\n" },
		{ "zone begin a.example", 1, "zone a.example: its file is its writer's: change " },
		{ "zone begin away.test", 1, "zone away.test comes from a primary: change it there\n" },
		{ "zone begin nix.test", 1, "there is no zone" },
		{ "zone export away.test", 1, "zone away.test: nothing is served of it yet" },
		{ "zone notify away.test", 1, "zone away.test: nothing is served of it yet" },
		{ "zone refresh away.test", 0, "away.test: its primary is asked (\"zone status\" shows how it goes)\n" },
		{ "zone refresh one.test", 1, "zone one.test does not come from a primary\n" },
		{ "zone refresh nix.test", 1, "there is no zone" },
		{ "zone refresh", 2, "" },
		{ "zone retransfer", 2, "" },
		{ "zone retransfer one.test", 1, "zone one.test does not come from a primary\n" },
	};
	static const struct house_said fetched[] = {
		{ "zone retransfer away.test", 0, "away.test: is fetched whole (\"zone status\" shows how it goes)\n" },
		{ "zone purge away.test", 0, "away.test.: nothing is stored of it any more; it is fetched anew (\"zone status\" shows how it goes)\n" },
	};

	open_house(STORE TEMPLATES POOLS);
	house_say(&h, row, UNIT_COUNT(row));
	/* Who fetches it has to hear of it first. */
	house_tell(&h, "zone retransfer away.test");
	for (unsigned i = 0; i < 2000 && h.status; i++) {
		house_pass(&h, 0.01);
		house_tell(&h, "zone retransfer away.test");
	}
	house_say(&h, fetched, UNIT_COUNT(fetched));
	close_house();
}

static void a_frozen_zone_is_changed_by_nobody(void)
{
	static const struct house_said row[] = {
		{ "zone add one.test hosted", 0, "" },
		{ "zone freeze one.test", 0, "one.test.: frozen; updates are refused until \"zone thaw one.test.\"\n" },
		{ "zone freeze one.test", 1, "zone one.test. is frozen already\n" },
		{ "zone freeze a.example", 1, "zone a.example. is not changed by updates: there is nothing to freeze\n" },
		{ "zone freeze nix.test", 1, "there is no zone nix.test. (\"waymarkctl zones\" lists them)\n" },
		{ "zone freeze", 2, "" },
		{ "zone edit one.test", 1, "zone one.test is frozen by the user 0 (\"zone thaw one.test\" ends that)\n" },
		{ "zone status one.test", 0, "frozen" },
		{ "zone begin one.test", 0, "" },
		{ "zone set one.test www 60 A 192.0.2.1", 0, "" },
		{ "zone commit one.test", 1, "frozen" },
		{ "zone thaw one.test", 0, "one.test.: thawed, serial 1; updates are taken again\n" },
		{ "zone thaw one.test", 1, "zone one.test. is not frozen\n" },
		{ "zone thaw", 2, "" },
		{ "zone thaw a..b", 1, "" },
		{ "zone commit one.test", 0, "serial 2" },
		{ "zone sync one.test", 1, "zone one.test: the server writes no file of it" },
		{ "zone sync nix.test", 1, "there is no zone" },
		{ "zone sync", 2, "" },
	};

	open_house(STORE TEMPLATES);
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

/* The file of a zone, as text; good until the next. */
static const char *file_of(const char *name)
{
	static char text[5000];
	char path[300];

	snprintf(path, sizeof path, "%s/%s", h.site.folder, name);
	FILE *f = fopen(path, "re");
	const size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

static void changes_are_written_back_into_files(void)
{
	static const struct house_said row[] = {
		{ "zone begin s.example", 0, "a draft of serial 3" },
		{ "zone set s.example www 60 A 192.0.2.1", 0, "" },
		{ "zone commit s.example", 0, "serial 4" },
		{ "zone sync s.example", 0, "s.example.: its file has serial 4\n" },
		{ "zone freeze s.example", 0, "s.example.: frozen; change " },
		{ "zone status s.example", 0, "frozen" },
	};
	static const struct house_said wrong[] = {
		{ "zone thaw s.example", 1, "s.example.: still frozen; mend the file and thaw it again" },
		{ "zone thaw s.example --discard", 0, "s.example.: thawed, serial 4; updates are taken again\n" },
		{ "zone freeze s.example", 0, "frozen" },
	};
	static const struct house_said edited[] = {
		{ "zone thaw s.example", 0, "s.example.: thawed, serial 5; updates are taken again\n" },
	};

	house_open(&h, "");
	site_put(&h.site, "s.zone", SITE_ZONE(3, "old A 192.0.2.9\n"));
	site_put(&h.site, "t.yaml", "server: { listen: \"127.0.0.1:5300\", folders: any }\n");
	char conf[400];
	snprintf(conf, sizeof conf, "server: { listen: \"127.0.0.1:%u\", workers: 1, folders: any }\n" STORE
		"zones: [ { name: s.example, file: s.zone, write-back: sync } ]\n", serving_port(&h.at));
	site_put(&h.site, "t.yaml", conf);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "old.s.example"), "192.0.2.9");
	house_say(&h, row, UNIT_COUNT(row));
	CU_ASSERT_PTR_NOT_NULL(strstr(file_of("s.zone"), "192.0.2.1\n"));
	site_put(&h.site, "s.zone", SITE_ZONE(4, "bad A 1.2.3\n"));
	house_say(&h, wrong, UNIT_COUNT(wrong));
	CU_ASSERT_PTR_NOT_NULL(strstr(file_of("s.zone"), "192.0.2.1\n"));
	site_put(&h.site, "s.zone", SITE_ZONE(5, "new A 192.0.2.5\n"));
	house_say(&h, edited, UNIT_COUNT(edited));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "new.s.example"), "192.0.2.5");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "www.s.example"), "rcode 3");
	close_house();
}

static void a_secondary_is_promoted_and_given_back(void)
{
	static const struct house_said row[] = {
		{ "zone add away.test second", 0, "" },
		{ "zone promote away.test nix", 1, "there is no template \"nix\"" },
		{ "zone promote away.test hosted", 1, "away.test." },
		{ "zone promote away.test", 2, "" },
		{ "zone promote --all", 2, "" },
		{ "zone demote", 2, "" },
		{ "zone demote away.test", 1, "away.test." },
		{ "zone promote a..b hosted", 1, "" },
		{ "zone remove away.test", 0, "" },
		{ "zone promote --all hosted", 1, "no zone is a secondary\n" },
	};

	open_house(STORE TEMPLATES);
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

static const struct unit_case cases[] = {
	{ "zones are added and removed", zones_are_added_and_removed },
	{ "without a store nothing is added", without_a_store_nothing_is_added },
	{ "a draft gathers changes and makes them at once", a_draft_gathers_changes_and_makes_them_at_once },
	{ "what would make a zone wrong is not committed", what_would_make_a_zone_wrong_is_not_committed },
	{ "a frozen zone is changed by nobody", a_frozen_zone_is_changed_by_nobody },
	{ "changes are written back into files", changes_are_written_back_into_files },
	{ "a secondary is promoted and given back", a_secondary_is_promoted_and_given_back },
};

void suite_zone_orders(void);
void suite_zone_orders(void)
{
	unit_suite("daemon/zone_orders", cases, UNIT_COUNT(cases));
}
