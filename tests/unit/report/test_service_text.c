#include "report/service_text.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define BYTES(s) s, sizeof s - 1

static void services_are_written_as_in_zone_files(void)
{
	static const struct {
		const char *rdata;
		size_t len;
		const char *text;
	} row[] = {
		{ BYTES("\0\1\0"), "1 ." },
		{ BYTES("\1\2\0\0\1\0\6\2h3\2h2"), "258 . alpn=h3,h2" },
		{ BYTES("\0\1\0\0\1\0\3\2h3\0\2\0\0\0\3\0\2\x20\xfb"), "1 . alpn=h3 no-default-alpn port=8443" },
		{ BYTES("\0\1\0\0\4\0\x8\xc0\0\2\1\xc6\x33\x64\2"), "1 . ipv4hint=192.0.2.1,198.51.100.2" },
		{ BYTES("\0\1\0\0\6\0\x20\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2"), "1 . ipv6hint=2001:db8::1,2001:db8::2" },
		{ BYTES("\0\1\0\0\7\0\x10/dns-query{?dns}"), "1 . dohpath=/dns-query{?dns}" },
		{ BYTES("\0\1\0\1\0\0\1x\0\3\0\2\0\x35"), "1 . key256 port=53" },
		/* RFC 4648 section 10, and all of its digits. */
		{ BYTES("\0\1\0\0\5\0\1f"), "1 . ech=Zg==" },
		{ BYTES("\0\1\0\0\5\0\2fo"), "1 . ech=Zm8=" },
		{ BYTES("\0\1\0\0\5\0\3foo"), "1 . ech=Zm9v" },
		{ BYTES("\0\1\0\0\5\0\5fooba"), "1 . ech=Zm9vYmE=" },
		{ BYTES("\0\1\0\0\5\0\x30\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51\x55\x97\x61\x96\x9b\x71\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf"),
			"1 . ech=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text t = { 0 };
		CU_ASSERT_TRUE(service_text(&t, (const uint8_t *)row[i].rdata, row[i].len));
		CU_ASSERT_STRING_EQUAL(text_get(&t), row[i].text);
		if (strcmp(text_get(&t), row[i].text) != 0)
			printf("%s, not %s\n", text_get(&t), row[i].text);
		text_fini(&t);
	}
}

static void what_is_of_another_name_is_not(void)
{
	struct text t = { 0 };

	CU_ASSERT_FALSE(service_text(&t, (const uint8_t *)"\0\1\1x\0", 5));
	CU_ASSERT_FALSE(service_text(&t, (const uint8_t *)"\0\1", 2));
	CU_ASSERT_STRING_EQUAL(text_get(&t), "");
	text_fini(&t);
}

void suite_service_text(void);
void suite_service_text(void)
{
	static const struct unit_case cases[] = {
		{ "services are written as in zone files", services_are_written_as_in_zone_files },
		{ "what is of another name is not", what_is_of_another_name_is_not },
	};

	unit_suite("report/service_text", cases, UNIT_COUNT(cases));
}
