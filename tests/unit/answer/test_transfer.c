#include "answer/transfer.h"

#include "base/text.h"
#include "dns/rrtype.h"
#include "dns/writer.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdlib.h>
#include <string.h>

#define APEX "$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n"

enum { NOW = 1700000000, QUESTION = QUERY_HEADER + 9 + 4 };

/* "example. AXFR", with or without an OPT record. */
static size_t question(uint8_t to[static 64], bool edns)
{
	static const uint8_t bytes[QUESTION + EDNS_OPT_FIXED] = "\x12\x34\1\0\0\1\0\0\0\0\0\0"
								"\7Example\0\0\374\0\1"
								"\0\0\51\4\320";

	memcpy(to, bytes, sizeof bytes);
	to[11] = edns;
	return edns ? sizeof bytes : QUESTION;
}

static void start(struct transfer *t, const struct zone *z, bool edns,
	const struct edns_reply *reply, const struct tsig_key *key)
{
	uint8_t packet[64];
	struct answer_pending p = { .zone = z };
	const struct answer_ask ask = { .packet = packet, .len = question(packet, edns) };

	CU_ASSERT_EQUAL_FATAL(query_parse(&p.query, packet, ask.len), QUERY_OK);
	p.tsig.key = key;
	transfer_start(t, &ask, &p, reply, NULL);
	memset(packet, 0xee, sizeof packet);
}

static struct zone *zone_from(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static size_t skip_name(const uint8_t *m, size_t at)
{
	while (m[at] && m[at] < 0xc0)
		at += m[at] + 1u;
	return at + (m[at] ? 2 : 1);
}

/* Records of the answer section; all of the message is theirs. */
static unsigned records(const uint8_t *m, size_t len)
{
	const unsigned n = be16_get(m + WRITER_ANSWER);
	size_t at = QUESTION;

	for (unsigned i = 0; i < n; i++) {
		at = skip_name(m, at);
		at += 10u + be16_get(m + at + 8);
	}
	CU_ASSERT_EQUAL(at, len);
	return n;
}

/* All of them; `*most` is the length of the longest message, `*messages` how many there are. */
static unsigned all_records(const struct zone *z, size_t *most, unsigned *messages)
{
	static uint8_t to[TRANSFER_ROOM];
	const struct edns_reply none = { .ecs = false };
	struct transfer t;
	unsigned sum = 0;
	size_t len;

	*most = *messages = 0;
	start(&t, z, false, &none, NULL);
	while ((len = transfer_next(&t, to, NOW))) {
		CU_ASSERT_EQUAL(memcmp(to, "\x12\x34\x85\0\0\1", 6), 0);
		CU_ASSERT_EQUAL(memcmp(to + QUERY_HEADER, "\7Example", 8), 0);
		sum += records(to, len);
		*most = len > *most ? len : *most;
		++*messages;
		CU_ASSERT_FATAL(*messages < 1000);
	}
	CU_ASSERT_FALSE(t.failed);
	transfer_end(&t);
	transfer_end(&t);
	return sum;
}

static void each_record_goes_out_once_wherever_a_message_ends(void)
{
	for (unsigned step = 0; step < 120; step++) {
		struct text text = { 0 };
		size_t most;
		unsigned messages;
		text_add(&text, APEX);
		/* Moves all that follows by a byte. */
		text_addf(&text, "a TXT \"%0*u\"\n", (int)step + 1, 0u);
		for (unsigned i = 0; i < 900; i++)
			text_addf(&text, "b%u MX %u mx%u.b%u\nb%u MX 7 mx.provider\nb%u A 192.0.2.1\n", i,
				i, i, i, i, i);
		struct zone *z = zone_from(text_get(&text));
		CU_ASSERT_EQUAL(all_records(z, &most, &messages), z->records + 1);
		CU_ASSERT(most <= TRANSFER_MESSAGE && most > TRANSFER_MESSAGE - 100);
		CU_ASSERT(messages >= 3);
		zone_drop(z);
		text_fini(&text);
	}
}

static void a_record_of_more_than_a_message_has_one_of_its_own(void)
{
	static const struct {
		unsigned len; /* of the RDATA */
		size_t most;
	} row[] = { { 16000, TRANSFER_MESSAGE }, { 16400, 16500 }, { 40000, 40100 }, { 64000, 64100 } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text text = { 0 };
		size_t most;
		unsigned messages;
		text_addf(&text, APEX "a TXT x\nbig TYPE4711 \\# %u %0*u\nc TXT x\n", row[i].len,
			(int)row[i].len * 2, 0u);
		struct zone *z = zone_from(text_get(&text));
		CU_ASSERT_EQUAL(all_records(z, &most, &messages), z->records + 1);
		CU_ASSERT(most >= row[i].len && most <= row[i].most);
		zone_drop(z);
		text_fini(&text);
	}
}

static void a_transfer_keeps_nothing_that_is_not_its_own(void)
{
	uint8_t name[] = "\1k", secret[32] = { 1 }, identity[] = "ns1", to[TRANSFER_ROOM],
		again[TRANSFER_ROOM];
	struct tsig_key key = { .name = name, .secret = secret, .secret_len = sizeof secret };
	const struct edns_reply reply = { .nsid = identity, .nsid_len = 3 };
	struct zone *z = zone_from(APEX);
	struct transfer t, other;

	tsig_algorithm_parse("hmac-sha256", &key.algorithm, &key.mac_len);
	start(&t, z, true, &reply, &key);
	const size_t len = transfer_next(&t, to, NOW);
	transfer_end(&t);
	start(&other, z, true, &reply, &key);
	memset(name, 0xee, sizeof name);
	memset(secret, 0xee, sizeof secret);
	memset(identity, 0xee, sizeof identity);
	memset(&key, 0xee, sizeof key);
	transfer_move(&t, &other);
	CU_ASSERT_PTR_NULL(other.zone);
	memset(&other, 0xee, sizeof other);
	CU_ASSERT_EQUAL(transfer_next(&t, again, NOW), len);
	CU_ASSERT_EQUAL(memcmp(to, again, len), 0);
	CU_ASSERT_EQUAL(transfer_next(&t, again, NOW), 0);
	transfer_end(&t);
	CU_ASSERT_EQUAL(z->refs, 1);
	zone_drop(z);
}

void suite_transfer(void)
{
	static const struct unit_case cases[] = {
		{ "each record goes out once wherever a message ends",
			each_record_goes_out_once_wherever_a_message_ends },
		{ "a record of more than a message has one of its own",
			a_record_of_more_than_a_message_has_one_of_its_own },
		{ "a transfer keeps nothing that is not its own",
			a_transfer_keeps_nothing_that_is_not_its_own },
	};

	unit_suite("answer/transfer", cases, UNIT_COUNT(cases));
}
