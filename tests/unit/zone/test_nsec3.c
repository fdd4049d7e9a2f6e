#include "zone/nsec3.h"

#include "dns/name.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static void hashes_are_those_of_the_rfc(void)
{
	static const struct {
		const char *name, *hash;
	} row[] = {
		{ "example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" },
		{ "a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl" },
		{ "ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi" },
		{ "ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr" },
		{ "ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r" },
		{ "w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h" },
		{ "*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en" },
		{ "x.w.example.", "b4um86eghhds6nea196smvmlo4ors995" },
		{ "y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc" },
		{ "x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s" },
		{ "xx.example.", "t644ebqk9bibcna874givr6joj62mlhv" },
	};
	const struct nsec3_params params = {
		.iterations = 12, .salt_len = 4, .salt = { 0xaa, 0xbb, 0xcc, 0xdd }
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		uint8_t name[NAME_MOST], hash[NSEC3_HASH], want[NSEC3_HASH], label[33] = { 32 };
		static const uint8_t root[1];
		size_t len;
		name_parse(name, &len, row[i].name, strlen(row[i].name), root);
		nsec3_hash(hash, &params, name, len);
		memcpy(label + 1, row[i].hash, 32);
		CU_ASSERT_TRUE(nsec3_label(want, label));
		CU_ASSERT_EQUAL(memcmp(hash, want, NSEC3_HASH), 0);
		if (memcmp(hash, want, NSEC3_HASH) != 0)
			printf("\n    %s\n", row[i].name);
	}
}

static void labels_that_are_no_hash_are_told_apart(void)
{
	uint8_t hash[NSEC3_HASH];

	CU_ASSERT_TRUE(nsec3_label(hash, (const uint8_t *)" 0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM"));
	CU_ASSERT_EQUAL(hash[0], 0x06);
	CU_ASSERT_FALSE(
		nsec3_label(hash, (const uint8_t *)"\0370p9mhaveqvm6t7vbl5lop2u3t2rp3to"));
	CU_ASSERT_FALSE(
		nsec3_label(hash, (const uint8_t *)" 0p9mhaveqvm6t7vbl5lop2u3t2rp3tow"));
	CU_ASSERT_FALSE(
		nsec3_label(hash, (const uint8_t *)" 0p9mhaveqvm6t7vbl5lop2u3t2rp3to-"));
}

void suite_nsec3(void)
{
	static const struct unit_case cases[] = {
		{ "hashes are those of RFC 5155 appendix A", hashes_are_those_of_the_rfc },
		{ "labels that are no hash are told apart",
			labels_that_are_no_hash_are_told_apart },
	};

	unit_suite("zone/nsec3", cases, UNIT_COUNT(cases));
}
