#include "xfr/dsync.h"

#include "base/bytes.h"
#include "base/scope.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/xfr/nameserver.h"

#include <stdio.h>
#include <string.h>

/* A parent zone: its apex, and the DSYNC records that are at one of its names. */
struct parent {
	const char *apex;  /* NULL: no SOA comes with what there is not */
	const char *owner; /* "": none has any */
	const char *rdata;
	size_t len;
};

/* Its nameserver. */
struct desk {
	struct parent p;
	unsigned rcode;    /* of all that it says */
	uint8_t told[300]; /* the last query that was no question for DSYNC */
	size_t told_len;
};

#define RECORD(type, scheme, port, target) "\0" type scheme port target
/* For CDS (59) by NOTIFY, at port 5300 of ns.hear.test. */
#define CDS_RECORD RECORD("\73", "\1", "\x14\xb4", "\2ns\4hear\4test\0")

static size_t answer(void *ctx, const uint8_t *query, size_t len, uint8_t *to)
{
	struct desk *d = ctx;
	const struct parent *p = &d->p;
	char name[NAME_TEXT];

	if (be16_get(query + len - 4) != RRTYPE_DSYNC) {
		d->told_len = len < sizeof d->told ? len : 0;
		memcpy(d->told, query, d->told_len);
		return nameserver_end(to, nameserver_begin(to, query, len, FLAG_QR | d->rcode));
	}
	const bool has = strcmp(name_text(name, query + QUERY_HEADER), p->owner) == 0;
	size_t at = nameserver_begin(to, query, len, FLAG_QR | FLAG_AA | (d->rcode ? d->rcode : has ? 0 : RCODE_NXDOMAIN));
	if (has)
		at = nameserver_add(to, at, 0, name, RRTYPE_DSYNC, 3600, p->rdata, p->len);
	else if (p->apex)
		at = nameserver_add(to, at, 1, p->apex, RRTYPE_SOA, 300, "\1a\0\1b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 26);
	return nameserver_end(to, at);
}

/* RFC 9859 section 4.1: first "child._dsync.parent", then by the SOA's owner where the parent is not the name above, then the wildcard's
 * place "_dsync.parent". */
static void a_parent_is_asked_where_it_wants_to_hear(void)
{
	static const struct {
		const char *say;
		struct parent parent;
		const char *child, *asked, *target;
	} row[] = {
		{ "of the child", { "test.", "child._dsync.test.", CDS_RECORD, sizeof CDS_RECORD - 1 }, "\5child\4test", "child._dsync.test. 66|", "ns.hear.test." },
		{ "of all children", { "test.", "_dsync.test.", CDS_RECORD, sizeof CDS_RECORD - 1 }, "\5child\4test", "child._dsync.test. 66|_dsync.test. 66|", "ns.hear.test." },
		{ "of a child further below", { "test.", "a.b._dsync.test.", CDS_RECORD, sizeof CDS_RECORD - 1 }, "\1a\1b\4test",
			"a._dsync.b.test. 66|a.b._dsync.test. 66|", "ns.hear.test." },
		{ "of all, below a child further below", { "test.", "_dsync.test.", CDS_RECORD, sizeof CDS_RECORD - 1 }, "\1a\1b\4test",
			"a._dsync.b.test. 66|a.b._dsync.test. 66|_dsync.test. 66|", "ns.hear.test." },
		{ "nowhere", { "test.", "", "", 0 }, "\5child\4test", "child._dsync.test. 66|_dsync.test. 66|", "." },
		{ "nowhere, and no SOA", { NULL, "", "", 0 }, "\5child\4test", "child._dsync.test. 66|", "." },
		{ "a SOA of no parent", { "other.", "", "", 0 }, "\5child\4test", "child._dsync.test. 66|", "." },
		{ "a SOA of the child itself", { "child.test.", "", "", 0 }, "\5child\4test", "child._dsync.test. 66|", "." },
		{ "for CSYNC only", { NULL, "child._dsync.test.", RECORD("\76", "\1", "\x14\xb4", "\2ns\0"), 9 }, "\5child\4test", "child._dsync.test. 66|", "." },
		{ "by another scheme", { NULL, "child._dsync.test.", RECORD("\73", "\2", "\x14\xb4", "\2ns\0"), 9 }, "\5child\4test", "child._dsync.test. 66|", "." },
		{ "cut short", { NULL, "child._dsync.test.", RECORD("\73", "\1", "\x14\xb4", ""), 5 }, "\5child\4test", "child._dsync.test. 66|", "." },
		{ "a target that is no name", { NULL, "child._dsync.test.", RECORD("\73", "\1", "\x14\xb4", "\5n"), 7 }, "\5child\4test", "child._dsync.test. 66|", "." },
		{ "the root has no parent", { "test.", "", "", 0 }, "", "", "." },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct desk d = { row[i].parent, 0, { 0 }, 0 };
		struct nameserver s;
		struct dsync got;
		struct fault why = { 0 };
		char asked[1000] = "", target[NAME_TEXT];
		nameserver_open(&s, answer, &d);
		const bool ok = dsync_find(&s.peer, (const uint8_t *)row[i].child, NULL, &got, &why);
		nameserver_close(&s);
		for (unsigned k = 0; k < s.n; k++)
			snprintf(asked + strlen(asked), sizeof asked - strlen(asked), "%s|", s.asked[k]);
		const bool right = ok && strcmp(asked, row[i].asked) == 0 && strcmp(name_text(target, got.target), row[i].target) == 0 &&
			got.port == (*got.target ? 5300 : 0);
		if (!right)
			printf("%s: %d %s %s:%u %s\n", row[i].say, ok, asked, name_text(target, got.target), got.port, why.text);
		CU_ASSERT_TRUE(right);
	}
}

static void a_parent_that_refuses_is_told(void)
{
	struct desk d = { .p = { "test.", "", "", 0 }, .rcode = RCODE_SERVFAIL };
	struct nameserver s;
	struct dsync got;
	struct fault why = { 0 };

	nameserver_open(&s, answer, &d);
	CU_ASSERT_FALSE(dsync_find(&s.peer, (const uint8_t *)"\5child\4test", NULL, &got, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "the parent answers SERVFAIL");
	CU_ASSERT_EQUAL(s.n, 1);
	nameserver_close(&s);
}

/* RFC 9859 section 4.2: NOTIFY, QTYPE CDS, the child's name. */
static void who_wants_to_hear_is_told(void)
{
	static const uint8_t child[] = "\5child\4test", question[] = "\x24\0\0\1\0\0\0\0\0\0\5child\4test\0\0\73\0\1";
	struct desk d = { .p.owner = "" };
	struct nameserver s;
	struct dsync to = { .target = "\11localhost" };
	struct fault why = { 0 };

	nameserver_open(&s, answer, &d);
	to.port = ntohs(s.at.sin_port);
	CU_ASSERT_TRUE(dsync_notify(&to, child, NULL, &why));
	CU_ASSERT_EQUAL_FATAL(d.told_len, 2 + sizeof question - 1);
	CU_ASSERT_EQUAL(memcmp(d.told + 2, question, sizeof question - 1), 0);
	d.rcode = RCODE_REFUSED;
	CU_ASSERT_FALSE(dsync_notify(&to, child, NULL, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "NOTIFY(CDS) is answered with REFUSED");
	nameserver_close(&s);
	why = (struct fault){ 0 };
	CU_ASSERT_FALSE(dsync_notify(&to, child, NULL, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "Connection refused"));
}

/* As a job, whose memory ends behind it: what has been let go of is not let go of once more. */
static void find_and_fail(void *ctx)
{
	const struct nameserver *s = ctx;
	struct dsync got = { .target = "\11localhost", .port = ntohs(s->at.sin_port) };
	struct fault why = { 0 };

	CU_ASSERT_TRUE(dsync_notify(&got, (const uint8_t *)"\5child\4test", NULL, &why));
	CU_ASSERT_TRUE(dsync_find(&s->peer, (const uint8_t *)"\5child\4test", NULL, &got, &why));
	scope_fail();
}

static void what_was_let_go_of_is_no_more_of_a_job(void)
{
	struct desk d = { .p = { "test.", "", "", 0 } };
	struct nameserver s;

	nameserver_open(&s, answer, &d);
	CU_ASSERT_FALSE(scope_run(find_and_fail, &s));
	nameserver_close(&s);
	CU_ASSERT_EQUAL(s.n, 3);
}

void suite_dsync(void);
void suite_dsync(void)
{
	static const struct unit_case cases[] = {
		{ "a parent is asked where it wants to hear", a_parent_is_asked_where_it_wants_to_hear },
		{ "a parent that refuses is told", a_parent_that_refuses_is_told },
		{ "who wants to hear is told", who_wants_to_hear_is_told },
		{ "what was let go of is no more of a job", what_was_let_go_of_is_no_more_of_a_job },
	};

	unit_suite("xfr/dsync", cases, UNIT_COUNT(cases));
}
