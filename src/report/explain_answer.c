#include "report/explain_answer.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/query.h"
#include "dns/rcode.h"
#include "dns/rrtype.h"
#include "report/service_text.h"
#include "zone/rdata.h"
#include "zone/rdata_write.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* A name of the message, its pointers followed; returns where what is behind it begins. */
static size_t read_name(const uint8_t *m, size_t at, uint8_t to[static NAME_MOST])
{
	size_t len = 0, after = 0;

	while (m[at]) {
		if (m[at] >= 0xc0) {
			after = after ? after : at + 2;
			at = be16_get(m + at) & 0x3fffu;
			continue;
		}
		memcpy(to + len, m + at, m[at] + 1u);
		len += m[at] + 1u;
		at += m[at] + 1u;
	}
	to[len] = 0;
	return after ? after : at + 1;
}

static size_t message_name(const uint8_t *m, size_t at, char text[static NAME_TEXT])
{
	uint8_t wire[NAME_MOST];
	const size_t after = read_name(m, at, wire);

	name_text(text, wire);
	return after;
}

/* Its names written out. Returns the length; 0: it is too long to be shown. */
static size_t expand(const uint8_t *m, size_t at, size_t len, uint16_t type, uint8_t to[static RDATA_MOST])
{
	const size_t end = at + len;
	unsigned skip;
	unsigned names = rrtype_compressible(type, &skip);
	size_t n = skip;

	if (!names) {
		memcpy(to, m + at, len);
		return len;
	}
	memcpy(to, m + at, skip);
	for (at += skip; names--;) {
		at = read_name(m, at, to + n);
		n += name_len(to + n);
	}
	memcpy(to + n, m + at, end - at);
	return n + end - at;
}

static void other_text(
	const uint8_t *m, size_t at, size_t len, uint16_t type, char text[static NAME_TEXT])
{
	uint8_t *rdata = memory_zeroed(1, RDATA_MOST);
	struct text all = { 0 };

	rdata_write(&all, type, rdata, expand(m, at, len, type, rdata), RDATA_FOR_US);
	const char *data = strchr(text_get(&all), ' ');
	snprintf(text, NAME_TEXT, "%s", data ? data + 1 : "");
	text_fini(&all);
	memory_free(rdata);
}

static void rdata_text(
	const uint8_t *m, size_t at, size_t len, uint16_t type, char text[static NAME_TEXT])
{
	struct text service = { 0 };

	if ((type == RRTYPE_HTTPS || type == RRTYPE_SVCB) &&
		service_text(&service, m + at, len)) {
		snprintf(text, NAME_TEXT, "%s", text_get(&service));
	} else if (type == RRTYPE_A && len == 4) {
		inet_ntop(AF_INET, m + at, text, NAME_TEXT);
	} else if (type == RRTYPE_AAAA && len == 16) {
		inet_ntop(AF_INET6, m + at, text, NAME_TEXT);
	} else if (type == RRTYPE_CNAME || type == RRTYPE_NS || type == RRTYPE_PTR ||
		type == RRTYPE_DNAME) {
		message_name(m, at, text);
	} else {
		other_text(m, at, len, type, text);
	}
	text_fini(&service);
}

json_t *explain_answer(const uint8_t *m, size_t len)
{
	json_t *o = json_object(), *records = json_array();
	char text[NAME_TEXT], type[RRTYPE_TEXT], rcode[RCODE_TEXT];
	const unsigned answers = be16_get(m + 6);
	const unsigned total = answers + be16_get(m + 8) + be16_get(m + 10);
	size_t at = message_name(m, QUERY_HEADER, text) + 4;

	json_object_set_new(o, "rcode", json_string(rcode_text(rcode, m[3] & RCODE_BITS)));
	json_object_set_new(o, "records", records);
	for (unsigned i = 0; i < total && at < len; i++) {
		at = message_name(m, at, text);
		const uint16_t t = be16_get(m + at);
		const size_t rdlen = be16_get(m + at + 8);
		if (i < answers) {
			json_t *rr = json_pack("{s:s, s:s, s:I}", "name", text, "type",
				rrtype_text(type, t), "ttl", (json_int_t)be32_get(m + at + 4));
			rdata_text(m, at + 10, rdlen, t, text);
			json_object_set_new(rr, "data", json_string(text));
			json_array_append_new(records, rr);
		}
		if (t == RRTYPE_OPT && rdlen >= 8)
			json_object_set_new(o, "scope", json_integer(m[at + 10 + 7]));
		at += 10 + rdlen;
	}
	return o;
}
