#include "xfr/parent_ds.h"

#include "base/bytes.h"
#include "base/scope.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/xfr/nameserver.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t apex[] = "\5child\4test";

#define DS_1 "\x30\x39\x0d\x02one"
#define DS_2 "\x30\x3a\x0f\x02theother"

enum says { RECORDS, NONE, NXDOMAIN, REFUSED, NOT_AUTHORITATIVE, OTHER_QUESTION, TOO_MANY, BROKEN, HANGS_UP };

static size_t answer(void *ctx, const uint8_t *query, size_t len, uint8_t *to)
{
	const enum says says = *(const enum says *)ctx;
	static char large[1500];

	if (says == HANGS_UP)
		return 0;
	const unsigned rcode = says == REFUSED ? RCODE_REFUSED : says == NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR;
	size_t at = nameserver_begin(to, query, len, FLAG_QR | (says == NOT_AUTHORITATIVE ? 0 : FLAG_AA) | rcode);
	if (says == OTHER_QUESTION)
		to[2 + QUERY_HEADER + 1] = 'x';
	if (says == RECORDS || says == BROKEN || says == NOT_AUTHORITATIVE) {
		at = nameserver_add(to, at, 0, "child.test.", RRTYPE_DS, 3600, DS_1, sizeof DS_1 - 1);
		/* What is no DS, what is of another name, and what is no answer. */
		at = nameserver_add(to, at, 0, "child.test.", RRTYPE_RRSIG, 9000, "x", 1);
		at = nameserver_add(to, at, 0, "other.test.", RRTYPE_DS, 9000, DS_1, sizeof DS_1 - 1);
		at = nameserver_add(to, at, 0, "CHILD.test.", RRTYPE_DS, 7200, DS_2, sizeof DS_2 - 1);
		at = nameserver_add(to, at, 1, "child.test.", RRTYPE_DS, 9000, DS_1, sizeof DS_1 - 1);
	}
	for (unsigned i = 0; says == TOO_MANY && i < 4; i++)
		at = nameserver_add(to, at, 0, "child.test.", RRTYPE_DS, 60, large, sizeof large);
	return nameserver_end(to, says == BROKEN ? at - 1 : at);
}

static bool ask(enum says says, struct parent_ds *to, char asked[static 300], struct fault *why)
{
	struct nameserver s;

	*why = (struct fault){ 0 };
	nameserver_open(&s, answer, &says);
	const bool ok = parent_ds_ask(&s.peer, apex, NULL, to, why);
	nameserver_close(&s);
	memcpy(asked, s.asked[0], 300);
	CU_ASSERT_EQUAL(s.n, 1);
	CU_ASSERT_TRUE(ok || strncmp(why->text, "parent (127.0.0.1:", 18) == 0);
	return ok;
}

static void the_ds_records_of_the_child_are_had(void)
{
	static const char want[] = "\0\7" DS_1 "\0\14" DS_2;
	struct parent_ds got;
	struct fault why;
	char asked[300];

	CU_ASSERT_TRUE(ask(RECORDS, &got, asked, &why));
	CU_ASSERT_STRING_EQUAL(asked, "child.test. 43");
	CU_ASSERT_EQUAL(got.n, 2);
	CU_ASSERT_EQUAL(got.ttl_s, 7200);
	CU_ASSERT_EQUAL_FATAL(got.len, sizeof want - 1);
	CU_ASSERT_EQUAL(memcmp(got.records, want, got.len), 0);
	/* None is known as that. */
	for (enum says says = NONE; says <= NXDOMAIN; says++) {
		CU_ASSERT_TRUE(ask(says, &got, asked, &why));
		CU_ASSERT_TRUE(got.n == 0 && got.len == 0 && got.ttl_s == 0);
	}
	/* As many as there is room for: two of 1,500 bytes. */
	CU_ASSERT_TRUE(ask(TOO_MANY, &got, asked, &why));
	CU_ASSERT_TRUE(got.n == 2 && got.len == 3004);
}

static void who_cannot_know_tells_nothing(void)
{
	static const struct {
		enum says says;
		const char *because;
	} row[] = {
		{ REFUSED, ": it answers REFUSED" },
		{ NOT_AUTHORITATIVE, ": it is not authoritative for the parent zone" },
		{ OTHER_QUESTION, ": it answers another question" },
		{ BROKEN, ": " },
		{ HANGS_UP, ": closes the connection before the end" },
	};
	struct parent_ds got;
	struct fault why;
	char asked[300];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_FALSE(ask(row[i].says, &got, asked, &why));
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, row[i].because));
	}
}

static void who_is_not_there_is_told(void)
{
	struct nameserver s;
	struct parent_ds got;
	struct fault why;
	enum says says = NONE;

	nameserver_open(&s, answer, &says);
	nameserver_close(&s);
	peer_set(&s.peer, "gone", (struct sockaddr *)&s.at, sizeof s.at, NULL);
	CU_ASSERT_FALSE(parent_ds_ask(&s.peer, apex, NULL, &got, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "Connection refused"));
	peer_fini(&s.peer);
}

/* As a job, whose memory ends behind it. */
static void ask_and_fail(void *ctx)
{
	static struct parent_ds got;
	struct fault why;

	CU_ASSERT_TRUE(parent_ds_ask(&((const struct nameserver *)ctx)->peer, apex, NULL, &got, &why));
	scope_fail();
}

static void what_was_let_go_of_is_no_more_of_a_job(void)
{
	enum says says = RECORDS;
	struct nameserver s;

	nameserver_open(&s, answer, &says);
	CU_ASSERT_FALSE(scope_run(ask_and_fail, &s));
	nameserver_close(&s);
}

void suite_parent_ds(void);
void suite_parent_ds(void)
{
	static const struct unit_case cases[] = {
		{ "the DS records of the child are had", the_ds_records_of_the_child_are_had },
		{ "who cannot know tells nothing", who_cannot_know_tells_nothing },
		{ "who is not there is told", who_is_not_there_is_told },
		{ "what was let go of is no more of a job", what_was_let_go_of_is_no_more_of_a_job },
	};

	unit_suite("xfr/parent_ds", cases, UNIT_COUNT(cases));
}
