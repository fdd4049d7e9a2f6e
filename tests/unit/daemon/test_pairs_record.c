#include "daemon/pairs_record.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { SELF = 77, OTHER = 88 };

static struct client_pair pair(const char *resolver, const char *client, uint64_t by)
{
	struct addr r, c;

	if (!addr_parse(&r, resolver) || !addr_parse(&c, client))
		abort();
	return (struct client_pair){ client_pairs_resolver(&r), client_pairs_client(&c), by, 1.5f, 1234567890 };
}

static void a_row_is_read_as_it_was_written_and_whose_it_is(void)
{
	const struct client_pair mine = pair("192.0.2.53", "73.14.0.1", 0), v6 = pair("2001:db8::1", "2001:db8:1::1", OTHER);
	uint8_t bytes[PAIRS_ROW];
	struct client_pair got;

	pairs_row_write(bytes, &mine, SELF);
	CU_ASSERT_TRUE(pairs_row_read(&got, bytes, OTHER));
	CU_ASSERT_EQUAL(got.by, SELF);
	CU_ASSERT_EQUAL(got.weight, mine.weight);
	CU_ASSERT_EQUAL(got.at_s, mine.at_s);
	CU_ASSERT_EQUAL(memcmp(&got.client.addr, &mine.client.addr, sizeof got.client.addr), 0);
	CU_ASSERT_EQUAL(got.client.bits, mine.client.bits);
	CU_ASSERT_EQUAL(memcmp(&got.resolver.addr, &mine.resolver.addr, sizeof got.resolver.addr), 0);
	/* What others kept of us. */
	CU_ASSERT_TRUE(pairs_row_read(&got, bytes, SELF));
	CU_ASSERT_EQUAL(got.by, 0);
	pairs_row_write(bytes, &v6, SELF);
	CU_ASSERT_TRUE(pairs_row_read(&got, bytes, SELF));
	CU_ASSERT_EQUAL(got.by, OTHER);
	CU_ASSERT_EQUAL(got.client.bits, 48);
}

static void a_row_of_nobody_or_of_an_address_is_not_read(void)
{
	const struct client_pair mine = pair("192.0.2.53", "73.14.0.1", 0);
	uint8_t bytes[PAIRS_ROW], bad[PAIRS_ROW];
	struct client_pair got;

	pairs_row_write(bytes, &mine, SELF);
	memcpy(bad, bytes, sizeof bad);
	memset(bad + 34, 0, 8);
	CU_ASSERT_FALSE(pairs_row_read(&got, bad, SELF));
	memcpy(bad, bytes, sizeof bad);
	bad[16] = 129;
	CU_ASSERT_FALSE(pairs_row_read(&got, bad, SELF));
	memcpy(bad, bytes, sizeof bad);
	bad[33] = 128; /* of the client: an address, and not its net */
	CU_ASSERT_FALSE(pairs_row_read(&got, bad, SELF));
	memcpy(bad, bytes, sizeof bad);
	bad[32] = 1; /* bits behind the prefix */
	CU_ASSERT_FALSE(pairs_row_read(&got, bad, SELF));
}

static void a_name_is_read_as_it_was_written(void)
{
	const struct client_pair of = pair("192.0.2.53", "73.14.0.1", 0);
	const struct pairs_name name = { 99, of.client };
	struct pairs_name got;
	uint8_t bytes[PAIRS_NAME];

	pairs_name_write(bytes, &name);
	CU_ASSERT_TRUE(pairs_name_read(&got, bytes));
	CU_ASSERT_EQUAL(got.name, 99);
	CU_ASSERT_EQUAL(memcmp(&got.client.addr, &of.client.addr, sizeof got.client.addr), 0);
	memset(bytes, 0, 8);
	CU_ASSERT_FALSE(pairs_name_read(&got, bytes));
	CU_ASSERT_NOT_EQUAL(pairs_server("ns1"), pairs_server("ns2"));
}

void suite_pairs_record(void)
{
	static const struct unit_case cases[] = {
		{ "a row is read as it was written, and whose it is", a_row_is_read_as_it_was_written_and_whose_it_is },
		{ "a row of nobody, or of an address, is not read", a_row_of_nobody_or_of_an_address_is_not_read },
		{ "a name is read as it was written", a_name_is_read_as_it_was_written },
	};

	unit_suite("daemon/pairs_record", cases, UNIT_COUNT(cases));
}
