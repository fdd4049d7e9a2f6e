#include "unit/unit.h"

#include "geo/mmdb.h"
#include "unit/geo/mmdb_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop(struct mmdb_cities *c)
{
	mmdb_cities_free(c);
}

/* True when the file is refused with a sentence that names it and says this. */
static bool refused(const char *path, const char *because)
{
	struct mmdb_cities c;
	struct fault why = { "" };

	if (mmdb_read_cities(&c, &path, 1, &why)) {
		drop(&c);
		return false;
	}
	const bool said = strncmp(why.text, path, strlen(path)) == 0 &&
		strstr(why.text, because);
	if (!said)
		fprintf(stderr, "\"%s\" does not say \"%s\"\n", why.text, because);
	return said && !c.map && !c.places;
}

static struct mmdb_writer *amsterdam(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "Test-City");

	mmdb_writer_net(
		w, "193.0.0.0/16", mmdb_writer_nested(w, "NL", "NH", "Amsterdam", 52.37, 4.9));
	return w;
}

/* --- claims: wrong files ------------------------------------------------------------------ */

static void swapped_files_are_refused_with_what_they_are(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "GeoLite2-ASN"), *city = amsterdam();
	struct mmdb_asns a;
	struct fault why;

	mmdb_writer_net(w, "193.0.0.0/16", mmdb_writer_asn(w, 3333, "RIPE NCC"));
	CU_ASSERT_TRUE(
		refused(mmdb_writer_file(w), "type \"GeoLite2-ASN\", for \"geoip: asn\""));
	mmdb_writer_free(w);
	w = mmdb_writer_new(24, 4, "GeoIP2-Connection-Type");
	mmdb_writer_net(w, "193.0.0.0/16", mmdb_writer_one(w, "connection_type", "Cellular"));
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), "tells no country and no coordinates"));
	mmdb_writer_free(w);
	w = mmdb_writer_new(24, 4, "Test-City");
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), "tells of no network"));
	mmdb_writer_free(w);
	const char *path = mmdb_writer_file(city);
	CU_ASSERT_FALSE(mmdb_read_asns(&a, &path, 1, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "tells no AS numbers"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "for \"geoip: city\""));
	CU_ASSERT_PTR_NULL(a.map);
	CU_ASSERT_PTR_NULL(a.names);
	mmdb_writer_free(city);
}

static void files_that_are_none_are_refused_each_with_its_reason(void)
{
	static const struct {
		const char *bytes, *because;
		size_t len;
	} row[] = {
		{ "", "is empty", 0 },
		{ "ip_range_start,ip_range_end,country_code\n1.0.0.0,1.0.0.255,AU\n",
			"is a text file", 62 },
		{ "\x1f\x8b\x08\0\0\0\0\0", "gunzip", 8 },
		{ "PK\3\4\0\0", "zip file", 6 },
		{ "\177ELF\0\0\0\0", "no MaxMind DB metadata", 8 },
		{ "\xab\xcd\xefMaxMind.com", "metadata is broken", 14 },
		{ "\xab\xcd\xefMaxMind.com\xe0", "", 15 },
	};
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "x");

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_TRUE(
			refused(mmdb_writer_bytes(w, (const uint8_t *)row[i].bytes, row[i].len),
				row[i].because));
	CU_ASSERT_TRUE(refused("/nonexistent/city.mmdb", "No such file"));
	CU_ASSERT_TRUE(refused("/tmp", "is a directory"));
	CU_ASSERT_TRUE(refused("/dev/null", "is a device"));
	mmdb_writer_free(w);
}

static void every_truncation_is_refused(void)
{
	struct mmdb_writer *w = amsterdam(), *cut = mmdb_writer_new(24, 4, "x");

	mmdb_writer_file(w);
	for (size_t i = 0; i < 64; i++)
		CU_ASSERT_TRUE(
			refused(mmdb_writer_bytes(cut, w->file, w->file_len * i / 64), ""));
	CU_ASSERT_TRUE(refused(mmdb_writer_bytes(cut, w->file, w->file_len - 1), ""));
	/* Cut in the middle: the metadata is there, and too little before it. */
	CU_ASSERT_TRUE(refused(mmdb_writer_bytes(cut, w->file + 100, w->file_len - 100), ""));
	mmdb_writer_free(cut);
	mmdb_writer_free(w);
}

static void trees_that_loop_or_unfold_are_refused(void)
{
	struct mmdb_writer *w = amsterdam();

	w->node[3][1] = 0; /* 3 is on the way to 193.0.0.0/16 */
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), "deeper than an address"));
	mmdb_writer_free(w);

	/* Both halves of every node lead to the next: 2^32 ways. */
	w = amsterdam();
	for (uint32_t i = 0; i < 31; i++)
		w->node[i][0] = w->node[i][1] = i + 1;
	w->nodes = 32;
	w->node[31][0] = WRITER_EMPTY;
	w->node[31][1] = WRITER_DATA | 0;
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), "unfolds"));
	mmdb_writer_free(w);
}

static void pointers_outside_the_data_are_refused(void)
{
	struct mmdb_writer *w = amsterdam();

	mmdb_writer_net(w, "8.0.0.0/8", WRITER_DATA | w->len);
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), "leads outside the data"));
	mmdb_writer_free(w);

	w = amsterdam(); /* into the gap between tree and data */
	mmdb_writer_net(w, "8.0.0.0/8", WRITER_DATA | 0x7ffffff8);
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), "leads outside the data"));
	mmdb_writer_free(w);

	w = amsterdam();
	w->claim_nodes = 0xffffff;
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), ""));
	mmdb_writer_free(w);
}

static uint32_t arrays(struct mmdb_writer *w, unsigned deep)
{
	const uint32_t at = mmdb_writer_map(w, 2);

	mmdb_writer_text(w, "a");
	for (unsigned i = 0; i < deep; i++)
		mmdb_writer_array(w, 1);
	mmdb_writer_text(w, "");
	mmdb_writer_text(w, "country_code");
	mmdb_writer_text(w, "NL");
	return at | WRITER_DATA;
}

static uint32_t bad_pointer(struct mmdb_writer *w)
{
	const uint32_t at = mmdb_writer_map(w, 1);

	mmdb_writer_text(w, "country_code");
	mmdb_writer_pointer(w, 60000);
	return at | WRITER_DATA;
}

static uint32_t pointer_to_pointer(struct mmdb_writer *w)
{
	const uint32_t text = mmdb_writer_text(w, "NL"), one = mmdb_writer_pointer(w, text);

	return mmdb_writer_pointer(w, one) | WRITER_DATA;
}

static uint32_t number_for_key(struct mmdb_writer *w)
{
	const uint32_t at = mmdb_writer_map(w, 1);

	mmdb_writer_u32(w, 1);
	mmdb_writer_u32(w, 1);
	return at | WRITER_DATA;
}

static uint32_t endless_map(struct mmdb_writer *w)
{
	return mmdb_writer_map(w, 0xffffff) | WRITER_DATA;
}

static uint32_t short_double(struct mmdb_writer *w)
{
	const uint32_t at = mmdb_writer_map(w, 1);

	mmdb_writer_text(w, "latitude");
	mmdb_writer_head(w, 3, 4);
	return at | WRITER_DATA;
}

static uint32_t text_past_the_end(struct mmdb_writer *w)
{
	const uint32_t at = mmdb_writer_map(w, 1);

	mmdb_writer_text(w, "city");
	mmdb_writer_head(w, 2, 0xffffff);
	return at | WRITER_DATA;
}

static uint32_t bare_text(struct mmdb_writer *w)
{
	return mmdb_writer_text(w, "NL") | WRITER_DATA;
}

static void broken_records_are_refused_with_the_reason(void)
{
	static const struct {
		uint32_t (*make)(struct mmdb_writer *w);
		const char *because;
	} row[] = {
		{ bad_pointer, "behind the end" },
		{ pointer_to_pointer, "points to a pointer" },
		{ number_for_key, "a key is not a text" },
		{ endless_map, "" },
		{ short_double, "wrong size" },
		{ text_past_the_end, "cut short" },
		{ bare_text, "a record is not a map" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct mmdb_writer *w = amsterdam();
		mmdb_writer_net(w, "8.0.0.0/8", row[i].make(w));
		CU_ASSERT_TRUE(refused(mmdb_writer_file(w), row[i].because));
		mmdb_writer_free(w);
	}
	struct mmdb_writer *w = amsterdam();
	mmdb_writer_net(w, "8.0.0.0/8", arrays(w, 20000));
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), "nests too deep"));
	mmdb_writer_free(w);
}

/* Two entries that point to two entries ...: 2^40 values in 200 bytes, if they were all
 * unfolded. */
static void metadata_that_unfolds_is_refused_before_the_library_sees_it(void)
{
	struct mmdb_writer *w = mmdb_writer_new(24, 4, "x");
	uint32_t at = mmdb_writer_text(w, "x");
	uint8_t file[1024] = "\xab\xcd\xefMaxMind.com";

	w->len = 0;
	mmdb_writer_map(w, 1);
	mmdb_writer_text(w, "languages");
	const uint32_t first = mmdb_writer_pointer(w, 0);
	at = mmdb_writer_text(w, "x");
	for (unsigned i = 0; i < 14; i++) {
		const uint32_t next = mmdb_writer_array(w, 2);
		mmdb_writer_pointer(w, at);
		mmdb_writer_pointer(w, at);
		at = next;
	}
	w->data[first] = (uint8_t)(1 << 5 | at >> 8);
	w->data[first + 1] = (uint8_t)at;
	memcpy(file + 14, w->data, w->len);
	CU_ASSERT_TRUE(refused(mmdb_writer_bytes(w, file, 14 + w->len), "metadata is broken"));
	mmdb_writer_free(w);
}

/* Whatever is in it, a file is read or refused with a sentence; under the sanitizers this
 * says more. */
static void changed_bytes_never_do_harm(void)
{
	struct mmdb_writer *w = mmdb_writer_new(28, 6, "Test-City"),
			   *other = mmdb_writer_new(24, 4, "x");
	uint64_t random = 42;
	unsigned taken = 0, silent = 0;

	mmdb_writer_net(
		w, "193.0.0.0/16", mmdb_writer_nested(w, "NL", "NH", "Amsterdam", 52.37, 4.9));
	mmdb_writer_net(w, "2001:67c::/32",
		mmdb_writer_flat(w, "US", "California", "Los Angeles", "34.05", "-118.24"));
	mmdb_writer_file(w);
	uint8_t *file = malloc(w->file_len);
	for (unsigned i = 0; i < 1500; i++) {
		memcpy(file, w->file, w->file_len);
		for (unsigned k = 0; k < 1 + i % 4; k++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			file[(random >> 33) % w->file_len] = (uint8_t)(random >> 20);
		}
		struct mmdb_cities c;
		struct fault why = { "" };
		const char *path = mmdb_writer_bytes(other, file, w->file_len);
		const bool ok = mmdb_read_cities(&c, &path, 1, &why);
		taken += ok;
		silent += !ok && !why.text[0];
		if (ok)
			drop(&c);
	}
	CU_ASSERT_TRUE(taken > 0);
	CU_ASSERT_EQUAL(silent, 0);
	free(file);
	mmdb_writer_free(other);
	mmdb_writer_free(w);
}

/* Copies of files that are mapped now. */
static unsigned mapped_copies(void)
{
	char line[400];
	unsigned n = 0;
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && fgets(line, sizeof line, f))
		n += strstr(line, "memfd:geoip") != NULL;
	if (f)
		fclose(f);
	return n;
}

static void neither_a_good_file_nor_a_refused_one_stays_mapped(void)
{
	struct mmdb_writer *w = amsterdam(), *cut = mmdb_writer_new(24, 4, "x");
	struct mmdb_cities c;
	struct fault why;
	const unsigned before = mapped_copies();

	const char *path = mmdb_writer_file(w);
	CU_ASSERT_TRUE_FATAL(mmdb_read_cities(&c, &path, 1, &why));
	drop(&c);
	CU_ASSERT_EQUAL(mapped_copies(), before);
	/* Its tree would end inside the metadata, which is seen when the library has it open. */
	w->claim_nodes = (uint32_t)(w->file_len - 60) / 6;
	CU_ASSERT_TRUE(refused(mmdb_writer_file(w), "for which it is too short"));
	CU_ASSERT_EQUAL(mapped_copies(), before);
	CU_ASSERT_TRUE(refused(mmdb_writer_bytes(cut, w->file, w->file_len - 1), ""));
	CU_ASSERT_EQUAL(mapped_copies(), before);
	mmdb_writer_free(cut);
	mmdb_writer_free(w);
}

static const struct unit_case cases[] = {
	{ "swapped files are refused with what they are",
		swapped_files_are_refused_with_what_they_are },
	{ "files that are none are refused, each with its reason",
		files_that_are_none_are_refused_each_with_its_reason },
	{ "every truncation is refused", every_truncation_is_refused },
	{ "trees that loop or unfold are refused", trees_that_loop_or_unfold_are_refused },
	{ "pointers outside the data are refused", pointers_outside_the_data_are_refused },
	{ "broken records are refused with the reason",
		broken_records_are_refused_with_the_reason },
	{ "metadata that unfolds is refused before the library sees it",
		metadata_that_unfolds_is_refused_before_the_library_sees_it },
	{ "changed bytes never do harm", changed_bytes_never_do_harm },
	{ "neither a good file nor a refused one stays mapped", neither_a_good_file_nor_a_refused_one_stays_mapped },
};

void suite_mmdb_file(void);
void suite_mmdb_file(void)
{
	unit_suite("geo/mmdb_file", cases, UNIT_COUNT(cases));
}
