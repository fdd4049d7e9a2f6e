#include "unit/unit.h"

#include "geo/place.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct place place(const char *country, double lat, double lon, uint32_t city)
{
	struct place p = { .lat = lat, .lon = lon, .city = city };

	memcpy(p.country, country, 2);
	return p;
}

static void equal_places_have_one_number(void)
{
	struct places *p = places_new();
	const struct place ams = place("NL", 52.37, 4.9, 0),
			   unknown = place("NL", (double)NAN, (double)NAN, 0);
	const struct place other_nan = place("NL", -(double)NAN, (double)NAN, 0),
			   zero = place("GH", 0.0, 0.0, 0);
	const struct place minus_zero = place("GH", -0.0, 0.0, 0);

	CU_ASSERT_EQUAL(places_add(p, &ams), 1);
	CU_ASSERT_EQUAL(places_add(p, &unknown), 2);
	CU_ASSERT_EQUAL(places_add(p, &ams), 1);
	CU_ASSERT_EQUAL(places_add(p, &other_nan), 2);
	CU_ASSERT_EQUAL(places_add(p, &zero), 3);
	CU_ASSERT_EQUAL(places_add(p, &minus_zero), 3);
	places_seal(p);
	CU_ASSERT_EQUAL(places_count(p), 3);
	CU_ASSERT_EQUAL(places_get(p, 1)->lat, 52.37);
	CU_ASSERT_TRUE(isnan(places_get(p, 2)->lat));
	places_drop(p);
}

static void many_places_keep_their_numbers(void)
{
	struct places *p = places_new();
	unsigned wrong = 0;

	for (unsigned round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 20000; i++) {
			const struct place here = place("US", i / 200.0, i % 180, 0);
			wrong += places_add(p, &here) != i + 1;
		}
	places_seal(p);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(places_count(p), 20000);
	CU_ASSERT_EQUAL(places_get(p, 20000)->lat, 19999 / 200.0);
	CU_ASSERT_TRUE(places_bytes(p) < 20000 * sizeof(struct place) + 3 * 4096);
	places_drop(p);
}

static void texts_are_kept_once(void)
{
	struct places *p = places_new();
	uint32_t number[3000];
	unsigned wrong = 0;
	char text[32];

	CU_ASSERT_EQUAL(places_intern(p, "", 0), 0);
	CU_ASSERT_EQUAL(places_intern(p, "\0x", 2), 0);
	const uint32_t ab = places_intern(p, "abc", 2), abc = places_intern(p, "abc", 3);
	CU_ASSERT_NOT_EQUAL(ab, abc);
	CU_ASSERT_EQUAL(places_intern(p, "ab\0c", 4), ab);
	for (unsigned i = 0; i < 3000; i++)
		number[i] = places_intern(
			p, text, (size_t)snprintf(text, sizeof text, "city %u", i));
	for (unsigned i = 0; i < 3000; i++)
		wrong += places_intern(
				 p, text, (size_t)snprintf(text, sizeof text, "city %u", i)) !=
			number[i];
	places_seal(p);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_STRING_EQUAL(place_text(p, 0), "");
	CU_ASSERT_STRING_EQUAL(place_text(p, ab), "ab");
	CU_ASSERT_STRING_EQUAL(place_text(p, abc), "abc");
	CU_ASSERT_STRING_EQUAL(place_text(p, number[2999]), "city 2999");
	CU_ASSERT_PTR_EQUAL(places_hold(p), p);
	places_drop(p);
	CU_ASSERT_STRING_EQUAL(place_text(p, ab), "ab");
	places_drop(p);
}

static void every_country_has_its_continent(void)
{
	static const char row[][6] = {
		"US NA",
		"MX NA",
		"PA NA",
		"JM NA",
		"GL NA",
		"BR SA",
		"CO SA",
		"FK SA",
		"NL EU",
		"RU EU",
		"XK EU",
		"IS EU",
		"EG AF",
		"ZA AF",
		"RE AF",
		"TR AS",
		"GE AS",
		"JP AS",
		"AE AS",
		"AU OC",
		"NZ OC",
		"GU OC",
		"AQ AN",
		"TF AN",
		"AD EU",
		"ZW AF",
	};
	unsigned countries = 0;

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(place_continent(row[i]));
	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_STRING_EQUAL(place_continent(row[i]), row[i] + 3);
	for (char a = 'A'; a <= 'Z'; a++)
		for (char b = 'A'; b <= 'Z'; b++) {
			const char code[2] = { a, b };
			const char *continent = place_continent(code);
			countries += continent && place_is_continent(continent);
		}
	CU_ASSERT_EQUAL(countries, 250); /* 249 of ISO 3166-1, and XK */
	CU_ASSERT_PTR_NULL(place_continent("ZZ"));
	CU_ASSERT_PTR_NULL(place_continent("us"));
	CU_ASSERT_FALSE(place_is_continent("US"));
	CU_ASSERT_FALSE(place_is_continent(""));
}

static void distances_are_those_of_the_sphere(void)
{
	static const struct {
		const char *say;
		double lat1, lon1, lat2, lon2, km;
	} row[] = {
		{ "nowhere", 52.37, 4.9, 52.37, 4.9, 0 },
		{ "a quarter of the equator", 0, 0, 0, 90, 10007.557 },
		{ "over the date line", 0, 179, 0, -179, 222.390 },
		{ "pole to pole", 90, 0, -90, 77, 20015.115 },
		{ "to the other side", 10, 20, -10, -160, 20015.115 },
		{ "Amsterdam to Singapore", 52.37, 4.90, 1.35, 103.82, 10500 },
		{ "a metre", 0, 0, 0.00000899, 0, 0.001 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const double km = place_distance_km(
			row[i].lat1, row[i].lon1, row[i].lat2, row[i].lon2);
		const double close = row[i].km > 100 && fmod(row[i].km, 100) == 0 ? 30 : 0.001;
		if (!(fabs(km - row[i].km) < close))
			CU_FAIL("distance");
	}
}

static const struct unit_case cases[] = {
	{ "equal places have one number", equal_places_have_one_number },
	{ "many places keep their numbers", many_places_keep_their_numbers },
	{ "texts are kept once", texts_are_kept_once },
	{ "every country has its continent", every_country_has_its_continent },
	{ "distances are those of the sphere", distances_are_those_of_the_sphere },
};

void suite_place(void);
void suite_place(void)
{
	unit_suite("geo/place", cases, UNIT_COUNT(cases));
}
