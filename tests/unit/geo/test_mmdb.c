#include "unit/unit.h"

#include "geo/mmdb.h"
#include "unit/geo/mmdb_writer.h"

#include <math.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- reading ------------------------------------------------------------------------------ */

static bool read_cities(struct mmdb_cities *c, const char *path, struct fault *why)
{
	why->text[0] = 0;
	return mmdb_read_cities(c, &path, 1, why);
}

static void drop(struct mmdb_cities *c)
{
	mmdb_cities_free(c);
}

static uint32_t value_at(const struct netmap *map, const char *text)
{
	struct addr a;

	CU_ASSERT_TRUE_FATAL(addr_parse(&a, text));
	return netmap_find(map, &a).value;
}

/* "NL/EU/NH/Amsterdam/52.37,4.90", "-" where nothing is known. */
static const char *place_at(const struct mmdb_cities *c, const char *text)
{
	static char buf[256];
	const uint32_t value = value_at(c->map, text);

	if (value == NETMAP_NONE || value > places_count(c->places))
		return value == NETMAP_NONE ? "none" : "special";
	const struct place *p = places_get(c->places, value);
	snprintf(buf, sizeof buf, "%.2s/%.2s/%s/%s/%.2f,%.2f", p->country, p->continent,
		place_text(c->places, p->region), place_text(c->places, p->city), p->lat,
		p->lon);
	return buf;
}

static struct mmdb_writer *amsterdam(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-City");

	mmdb_writer_net(
		w, "193.0.0.0/16", mmdb_writer_nested(w, "NL", "NH", "Amsterdam", 52.37, 4.9));
	return w;
}

/* --- claims: layouts ---------------------------------------------------------------------- */

static void every_layout_record_size_and_version_is_read(void)
{
	for (unsigned bits = 24; bits <= 32; bits += 4)
		for (unsigned version = 4; version <= 6; version += 2) {
			struct mmdb_writer *w = mmdb_writer_new(bits, version, "Test-City");
			struct mmdb_cities c;
			struct fault why;
			const uint32_t a = mmdb_writer_nested(
				w, "NL", "NH", "Amsterdam", 52.37, 4.9);
			mmdb_writer_net(w, "193.0.0.0/16", a);
			mmdb_writer_net(w, "193.0.7.0/24",
				mmdb_writer_flat(w, "us", "California", "Los Angeles", "34.05",
					"-118.24"));
			mmdb_writer_net(w, "255.255.255.255", a);
			if (version == 6)
				mmdb_writer_net(w, "2001:67c::/32", a);
			if (!read_cities(&c, mmdb_writer_file(w), &why)) {
				CU_FAIL(why.text);
				mmdb_writer_free(w);
				continue;
			}
			CU_ASSERT_STRING_EQUAL(
				place_at(&c, "193.0.6.255"), "NL/EU/NH/Amsterdam/52.37,4.90");
			CU_ASSERT_STRING_EQUAL(place_at(&c, "193.0.7.1"),
				"US/NA/California/Los Angeles/34.05,-118.24");
			CU_ASSERT_STRING_EQUAL(
				place_at(&c, "193.0.8.0"), "NL/EU/NH/Amsterdam/52.37,4.90");
			CU_ASSERT_STRING_EQUAL(place_at(&c, "193.1.0.0"), "none");
			CU_ASSERT_STRING_EQUAL(place_at(&c, "255.255.255.255"), "special");
			CU_ASSERT_STRING_EQUAL(place_at(&c, "2001:67c::1"),
				version == 6 ? "NL/EU/NH/Amsterdam/52.37,4.90" : "none");
			CU_ASSERT_EQUAL(places_count(c.places), 2);
			drop(&c);
			mmdb_writer_free(w);
		}
}

static void two_files_make_a_whole(void)
{
	struct mmdb_writer *v4 = amsterdam(), *v6 = mmdb_writer_new(28, 6, "city ipv6");
	struct mmdb_cities c;
	struct fault why;

	mmdb_writer_net(v6, "2001:67c::/32",
		mmdb_writer_flat(v6, "NL", "NH", "Amsterdam", "52.37", "4.9"));
	const char *paths[] = { mmdb_writer_file(v4), mmdb_writer_file(v6),
		mmdb_writer_file(v4) };
	CU_ASSERT_TRUE_FATAL(mmdb_read_cities(&c, paths, 2, &why));
	CU_ASSERT_EQUAL(value_at(c.map, "193.0.0.1"), 1);
	CU_ASSERT_EQUAL(value_at(c.map, "2001:67c::1"), 1);
	drop(&c);
	paths[2] = paths[1];
	CU_ASSERT_FALSE(mmdb_read_cities(&c, paths, 3, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "adds nothing"));
	mmdb_writer_free(v4);
	mmdb_writer_free(v6);
}

static void no_files_are_an_empty_map(void)
{
	struct mmdb_cities c;
	struct mmdb_asns a;
	struct fault why;

	CU_ASSERT_TRUE_FATAL(mmdb_read_cities(&c, NULL, 0, &why));
	CU_ASSERT_EQUAL(value_at(c.map, "193.0.0.1"), NETMAP_NONE);
	CU_ASSERT_EQUAL(value_at(c.map, "10.0.0.1"), NETMAP_LOCAL);
	CU_ASSERT_EQUAL(places_count(c.places), 0);
	drop(&c);
	CU_ASSERT_TRUE_FATAL(mmdb_read_asns(&a, NULL, 0, &why));
	CU_ASSERT_EQUAL(a.n, 1);
	CU_ASSERT_EQUAL(a.asn[0].number, 0);
	CU_ASSERT_STRING_EQUAL(a.names + a.asn[0].name, "");
	mmdb_asns_free(&a);
}

static void odd_values_cost_only_what_they_say(void)
{
	static const struct {
		const char *say, *country, *lat, *lon, *place;
	} row[] = {
		{ "a place on the null island is somewhere in Ghana's sea", "GH", "0", "0",
			"GH/AF///0.00,0.00" },
		{ "0,0 without a country is nowhere", "", "0", "0", "none" },
		{ "a latitude beyond the pole is none", "NL", "91", "4", "NL/EU///nan,nan" },
		{ "infinity is none", "NL", "inf", "4", "NL/EU///nan,nan" },
		{ "NaN is none", "NL", "52", "nan", "NL/EU///nan,nan" },
		{ "half a coordinate is none", "NL", "52", "", "NL/EU///nan,nan" },
		{ "coordinates without a country are good", "", "52", "5", "////52.00,5.00" },
		{ "ZZ is no country", "ZZ", "52", "5", "////52.00,5.00" },
		{ "a country's name is no code", "Netherlands", "52", "5", "////52.00,5.00" },
		{ "digits are no code", "A1", "52", "5", "////52.00,5.00" },
		{ "small letters are a code", "nl", "52", "5", "NL/EU///52.00,5.00" },
		{ "an unknown country has no continent", "QQ", "52", "5", "QQ////52.00,5.00" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct mmdb_writer *w = amsterdam();
		struct mmdb_cities c;
		struct fault why;
		mmdb_writer_net(w, "8.8.8.0/24",
			mmdb_writer_flat(w, row[i].country, "", "", row[i].lat, row[i].lon));
		if (!read_cities(&c, mmdb_writer_file(w), &why))
			CU_FAIL_FATAL(why.text);
		if (strcmp(place_at(&c, "8.8.8.8"), row[i].place) != 0) {
			fprintf(stderr, "%s: %s\n", row[i].say, place_at(&c, "8.8.8.8"));
			CU_FAIL("odd value");
		}
		drop(&c);
		mmdb_writer_free(w);
	}
}

/* What a file told of a key: "3 (a map)"; "" when nothing was odd. */
static const char *odd_of(const struct mmdb_told *t, const char *key)
{
	static char buf[96];

	buf[0] = 0;
	for (unsigned i = 0; i < t->n_odd; i++)
		if (strcmp(t->odd[i].key, key) == 0)
			snprintf(buf, sizeof buf, "%u (%s)", (unsigned)t->odd[i].records,
				t->odd[i].first);
	return buf;
}

/* A record of one key whose value the caller writes next, beside a country that is good. */
static uint32_t beside_country(struct mmdb_writer *w, const char *key)
{
	const uint32_t at = mmdb_writer_map(w, 2);

	mmdb_writer_text(w, "country_code");
	mmdb_writer_text(w, "NL");
	mmdb_writer_text(w, key);
	return at | WRITER_DATA;
}

static void a_field_of_an_odd_form_costs_itself_and_is_told_by_its_key(void)
{
	static const struct {
		const char *key, *want;
	} row[] = {
		{ "region", "1 (a map)" },
		{ "state1", "1 (a map)" },
		{ "latitude", "1 (a map)" },
		{ "lng", "1 (a map)" },
		{ "continent_code", "1 (a map)" },
		{ "city.names.en", "" },
		{ "subdivisions", "1 (a map)" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct mmdb_writer *w = amsterdam();
		struct mmdb_cities c;
		struct fault why;
		const uint32_t at = beside_country(w, row[i].key);
		mmdb_writer_map(w, 1);
		mmdb_writer_text(w, "x");
		mmdb_writer_text(w, "y");
		mmdb_writer_net(w, "8.8.8.0/24", at);
		mmdb_writer_net(w, "8.8.9.0/24", at);
		if (!read_cities(&c, mmdb_writer_file(w), &why))
			CU_FAIL_FATAL(why.text);
		CU_ASSERT_STRING_EQUAL(place_at(&c, "8.8.8.8"), "NL/EU///nan,nan");
		CU_ASSERT_STRING_EQUAL(
			place_at(&c, "193.0.0.1"), "NL/EU/NH/Amsterdam/52.37,4.90");
		CU_ASSERT_STRING_EQUAL(odd_of(&c.told[0], row[i].key), row[i].want);
		CU_ASSERT_EQUAL(c.told[0].nets, 3);
		CU_ASSERT_EQUAL(c.told[0].placed, 1);
		drop(&c);
		mmdb_writer_free(w);
	}
}

static void what_stands_in_the_place_of_a_text_is_told(void)
{
	enum { BYTES = 4, ARRAY = 11, BOOL = 14 };
	static const char *const want[] = { "1 (an array)", "1 (true or false)", "1 (bytes)", "1 (a number)", "1 (a number)", "1 (a map)" };

	for (size_t i = 0; i < UNIT_COUNT(want); i++) {
		struct mmdb_writer *w = amsterdam();
		struct mmdb_cities c;
		struct fault why;
		const uint32_t at = beside_country(w, "region");
		switch (i) {
		case 0: mmdb_writer_head(w, ARRAY, 0); break;
		case 1: mmdb_writer_head(w, BOOL, 1); break;
		case 2: mmdb_writer_head(w, BYTES, 0); break;
		case 3: mmdb_writer_float(w, 1); break;
		case 4: mmdb_writer_double(w, 1); break;
		default: mmdb_writer_map(w, 0);
		}
		mmdb_writer_net(w, "8.8.8.0/24", at);
		if (!read_cities(&c, mmdb_writer_file(w), &why))
			CU_FAIL_FATAL(why.text);
		CU_ASSERT_STRING_EQUAL(place_at(&c, "8.8.8.8"), "NL/EU///nan,nan");
		CU_ASSERT_STRING_EQUAL(odd_of(&c.told[0], "region"), want[i]);
		drop(&c);
		mmdb_writer_free(w);
	}
}

static void an_odd_as_number_is_none_and_the_others_are_good(void)
{
	static const char *const odd[] = { "AS3352 Name", "3352a", "-1", "1.5", "AS",
		"4294967296" };

	for (size_t i = 0; i < UNIT_COUNT(odd); i++) {
		struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-ASN");
		struct mmdb_asns a;
		struct fault why;
		mmdb_writer_net(w, "8.8.8.0/24", mmdb_writer_one(w, "asn", odd[i]));
		mmdb_writer_net(w, "8.8.9.0/24", mmdb_writer_one(w, "asn", "-"));
		const char *path = mmdb_writer_file(w);
		if (!mmdb_read_asns(&a, &path, 1, &why))
			CU_FAIL_FATAL(why.text);
		CU_ASSERT_EQUAL(a.n, 1);
		CU_ASSERT_EQUAL(a.told[0].n_odd, 1);
		CU_ASSERT_EQUAL(a.told[0].odd[0].records, 1);
		CU_ASSERT_STRING_EQUAL(a.told[0].odd[0].key, "asn");
		mmdb_asns_free(&a);
		mmdb_writer_free(w);
	}
}

/* What hosts can have is an operator's own network where a file tells of it; the rest of those
 * nets, and what no host has, is special as before. */
static void private_networks_that_a_file_tells_of_are_places(void)
{
	static const struct {
		const char *at, *want;
	} row[] = {
		{ "10.1.2.3", "NL/EU///52.37,4.90" },
		{ "10.2.0.0", "special" },
		{ "100.64.0.1", "NL/EU///52.37,4.90" },
		{ "100.128.0.0", "none" },
		{ "172.16.0.1", "special" },
		{ "192.168.255.255", "NL/EU///52.37,4.90" },
		{ "224.0.0.1", "special" },
		{ "240.0.0.1", "special" },
		{ "0.0.0.1", "special" },
		{ "fd00::1", "NL/EU///52.37,4.90" },
		{ "fc00::1", "special" },
		{ "ff02::1", "special" },
		{ "2001:db8::1", "NL/EU///52.37,4.90" },
	};
	static const char *const nets[] = { "0.0.0.0/8", "10.1.0.0/16", "100.64.0.0/10",
		"172.0.0.0/8", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "fd00::/8",
		"ff00::/8", "2001:db8::/32" };
	struct mmdb_writer *w = mmdb_writer_new(24, 6, "Test-City");
	struct mmdb_cities c;
	struct fault why;
	const uint32_t place = mmdb_writer_nested(w, "NL", NULL, NULL, 52.37, 4.9);

	for (size_t i = 0; i < UNIT_COUNT(nets); i++)
		mmdb_writer_net(w, nets[i], place);
	CU_ASSERT_TRUE_FATAL(read_cities(&c, mmdb_writer_file(w), &why));
	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_STRING_EQUAL(place_at(&c, row[i].at), row[i].want);
	CU_ASSERT_EQUAL(c.told[0].nets, UNIT_COUNT(nets));
	CU_ASSERT_EQUAL(c.told[0].local, 5);
	drop(&c);
	mmdb_writer_free(w);
}

static void registered_country_stands_in(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-Country");
	struct mmdb_cities c;
	struct fault why;
	const uint32_t at = mmdb_writer_map(w, 2);

	mmdb_writer_text(w, "registered_country");
	mmdb_writer_map(w, 1);
	mmdb_writer_text(w, "iso_code");
	mmdb_writer_text(w, "TR");
	mmdb_writer_text(w, "continent");
	mmdb_writer_map(w, 1);
	mmdb_writer_text(w, "code");
	mmdb_writer_text(w, "EU");
	mmdb_writer_net(w, "8.8.8.0/24", at | WRITER_DATA);
	CU_ASSERT_TRUE_FATAL(read_cities(&c, mmdb_writer_file(w), &why));
	CU_ASSERT_STRING_EQUAL(place_at(&c, "8.8.8.8"), "TR/EU///nan,nan");
	drop(&c);
	mmdb_writer_free(w);
}

static void pointers_are_followed_and_names_made_fit_for_showing(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "city");
	struct mmdb_cities c;
	struct fault why;
	const uint32_t name = mmdb_writer_text(w, "a\x1b[31m\xff\xc3\xa9"),
		       key = mmdb_writer_text(w, "city");
	const uint32_t code = mmdb_writer_text(w, "NL"),
		       code_key = mmdb_writer_text(w, "country_code");
	const uint32_t at = mmdb_writer_map(w, 3);

	mmdb_writer_text(w, "postcode");
	mmdb_writer_pointer(w, name);
	mmdb_writer_pointer(w, key);
	mmdb_writer_pointer(w, name);
	mmdb_writer_pointer(w, code_key);
	mmdb_writer_pointer(w, code);
	mmdb_writer_net(w, "8.8.8.0/24", at | WRITER_DATA);
	while (w->len < 3000)
		mmdb_writer_text(w, "");
	const uint32_t far = mmdb_writer_pointer(w, at);
	mmdb_writer_net(w, "8.8.9.0/24", far | WRITER_DATA);
	CU_ASSERT_TRUE_FATAL(read_cities(&c, mmdb_writer_file(w), &why));
	CU_ASSERT_STRING_EQUAL(place_at(&c, "8.8.8.8"), "NL/EU//a?[31m?\xc3\xa9/nan,nan");
	CU_ASSERT_EQUAL(value_at(c.map, "8.8.9.8"), value_at(c.map, "8.8.8.8"));
	drop(&c);
	mmdb_writer_free(w);
}

/* An IPv6 tree leads to the IPv4 one from other places too: those are IPv4, and not read
 * twice. */
static void aliases_of_ipv4_are_left_out(void)
{
	struct mmdb_writer *w = mmdb_writer_new(28, 6, "Test-City");
	struct mmdb_cities c;
	struct fault why;

	mmdb_writer_net(w, "193.0.0.0/16", mmdb_writer_nested(w, "NL", NULL, NULL, 52.37, 4.9));
	uint32_t root = 0;
	for (unsigned i = 0; i < 96; i++)
		root = w->node[root][0];
	mmdb_writer_net(w, "2002::/16", root);
	mmdb_writer_net(w, "64:ff9b::/96", root);
	CU_ASSERT_TRUE_FATAL(read_cities(&c, mmdb_writer_file(w), &why));
	CU_ASSERT_EQUAL(value_at(c.map, "193.0.0.1"), 1);
	CU_ASSERT_EQUAL(value_at(c.map, "2002:c100::1"), NETMAP_EMBEDDED);
	CU_ASSERT_EQUAL(value_at(c.map, "64:ff9b::c100:1"), NETMAP_EMBEDDED);
	CU_ASSERT_EQUAL(value_at(c.map, "::193.0.0.1"), NETMAP_LOCAL);
	drop(&c);
	mmdb_writer_free(w);
}

/* --- claims: AS numbers ------------------------------------------------------------------- */

static const char *asn_at(const struct mmdb_asns *a, const char *text)
{
	static char buf[128];
	const uint32_t value = value_at(a->map, text);

	if (value >= a->n)
		return "special";
	snprintf(buf, sizeof buf, "%u %s", a->asn[value].number, a->names + a->asn[value].name);
	return buf;
}

static void asns_are_read_in_all_spellings(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 6, "Test-ASN");
	struct mmdb_asns a;
	struct fault why;
	const char *path;

	mmdb_writer_net(w, "193.0.0.0/16", mmdb_writer_asn(w, 3333, "RIPE NCC"));
	mmdb_writer_net(w, "2001:67c::/32", mmdb_writer_asn(w, 3333, "RIPE NCC again"));
	mmdb_writer_net(w, "8.8.8.0/24", mmdb_writer_one(w, "asn", "AS15169"));
	mmdb_writer_net(w, "8.8.4.0/24", mmdb_writer_one(w, "as_number", "4294967294"));
	mmdb_writer_net(w, "8.8.5.0/24", mmdb_writer_asn(w, 0, "nobody"));
	const uint32_t traits = mmdb_writer_map(w, 1);
	mmdb_writer_text(w, "traits");
	mmdb_writer_asn(w, 64496, "inside");
	mmdb_writer_net(w, "9.9.9.0/24", traits | WRITER_DATA);
	path = mmdb_writer_file(w);
	if (!mmdb_read_asns(&a, &path, 1, &why))
		CU_FAIL_FATAL(why.text);
	CU_ASSERT_EQUAL(a.n, 5);
	CU_ASSERT_STRING_EQUAL(asn_at(&a, "193.0.0.1"), "3333 RIPE NCC");
	CU_ASSERT_STRING_EQUAL(asn_at(&a, "2001:67c::"), "3333 RIPE NCC");
	CU_ASSERT_STRING_EQUAL(asn_at(&a, "8.8.8.8"), "15169 ");
	CU_ASSERT_STRING_EQUAL(asn_at(&a, "8.8.4.4"), "4294967294 ");
	CU_ASSERT_STRING_EQUAL(asn_at(&a, "8.8.5.4"), "0 ");
	CU_ASSERT_STRING_EQUAL(asn_at(&a, "9.9.9.9"), "64496 inside");
	CU_ASSERT_STRING_EQUAL(asn_at(&a, "11.0.0.1"), "0 ");
	CU_ASSERT_STRING_EQUAL(asn_at(&a, "10.0.0.1"), "special");
	mmdb_asns_free(&a);
	mmdb_writer_free(w);
}

/* --- claims: against libmaxminddb --------------------------------------------------------- */

static const char *oracle(MMDB_s *db, const struct addr *a, char buf[static 256])
{
	char text[ADDR_TEXT], country[3] = "", *end = buf;
	int gai, error;
	double at[2] = { (double)NAN, (double)NAN };
	MMDB_entry_data_s v;
	MMDB_lookup_result_s r = MMDB_lookup_string(db, addr_text(text, a), &gai, &error);

	if (gai || error || !r.found_entry)
		return "none";
	if (MMDB_get_value(&r.entry, &v, "country", "iso_code", NULL) == MMDB_SUCCESS &&
		v.has_data)
		memcpy(country, v.utf8_string, 2);
	if (MMDB_get_value(&r.entry, &v, "location", "latitude", NULL) == MMDB_SUCCESS &&
		v.has_data)
		at[0] = v.double_value;
	if (MMDB_get_value(&r.entry, &v, "location", "longitude", NULL) == MMDB_SUCCESS &&
		v.has_data)
		at[1] = v.double_value;
	sprintf(end, "%s/%.2f,%.2f", country, at[0], at[1]);
	return buf;
}

/* The database that comes with the program, at random addresses; when the tests run from the
 * root of the sources. */
static void the_shipped_database_says_what_libmaxminddb_reads_in_it(void)
{
	static const char path[] = "geoip/city.mmdb";
	struct mmdb_cities c;
	struct fault why;
	MMDB_s db;
	uint64_t random = 7;
	unsigned wrong = 0, found = 0;

	if (access(path, R_OK) != 0)
		return;
	if (!read_cities(&c, path, &why))
		CU_FAIL_FATAL(why.text);
	CU_ASSERT_EQUAL_FATAL(MMDB_open(path, MMDB_MODE_MMAP, &db), MMDB_SUCCESS);
	for (unsigned i = 0; i < 20000; i++) {
		struct addr a = { { 0x20 | (i >> 1 & 15) } };
		char theirs[256], ours[256] = "none";
		for (unsigned k = 0; k < 16; k++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			if (k || i % 2)
				a.b[k] = (uint8_t)(random >> 33);
		}
		if (i % 2)
			a = addr_from_v4(a.b);
		const uint32_t value = netmap_find(c.map, &a).value;
		if (value == NETMAP_LOCAL || value == NETMAP_EMBEDDED)
			continue;
		if (value) {
			const struct place *p = places_get(c.places, value);
			snprintf(ours, sizeof ours, "%.2s/%.2f,%.2f", p->country, p->lat,
				p->lon);
			found++;
		}
		wrong += strcmp(oracle(&db, &a, theirs), ours) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(found > 5000);
	MMDB_close(&db);
	drop(&c);
}

static const struct unit_case cases[] = {
	{ "every layout, record size and IP version is read",
		every_layout_record_size_and_version_is_read },
	{ "a file for IPv4 and one for IPv6 make a whole", two_files_make_a_whole },
	{ "no files are an empty map", no_files_are_an_empty_map },
	{ "odd values cost only what they say", odd_values_cost_only_what_they_say },
	{ "a field of an odd form costs itself, and is told by its key",
		a_field_of_an_odd_form_costs_itself_and_is_told_by_its_key },
	{ "what stands in the place of a text is told", what_stands_in_the_place_of_a_text_is_told },
	{ "an odd AS number is none, and the others are good",
		an_odd_as_number_is_none_and_the_others_are_good },
	{ "private networks that a file tells of are places",
		private_networks_that_a_file_tells_of_are_places },
	{ "the registered country stands in for the country", registered_country_stands_in },
	{ "pointers are followed, and names made fit for showing",
		pointers_are_followed_and_names_made_fit_for_showing },
	{ "aliases of IPv4 are left out", aliases_of_ipv4_are_left_out },
	{ "AS numbers are read in all spellings", asns_are_read_in_all_spellings },
	{ "the shipped database says what libmaxminddb reads in it",
		the_shipped_database_says_what_libmaxminddb_reads_in_it },
};

void suite_mmdb(void);
void suite_mmdb(void)
{
	unit_suite("geo/mmdb", cases, UNIT_COUNT(cases));
}
