#include "zone/lint.h"

#include "dns/name.h"
#include "dns/rrtype.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a TXT record is for is told by how it begins; of some there must be one only. */
struct policy {
	const char *begins;
	const char *label; /* the owner's first; NULL: any name */
	const char *say;   /* of two at a name */
};

static const struct policy policies[] = {
	{ "v=spf1", NULL,
		"this name has two SPF records, so that mail gets an error instead of a "
		"verdict (RFC 7208 section 4.5); make one of them" },
	{ "v=DMARC1", "_dmarc",
		"this name has two DMARC records, so that none counts (RFC 7489 section "
		"6.6.3); make one of them" },
	{ "v=STSv1", "_mta-sts",
		"this name has two MTA-STS records, so that none counts (RFC 8461 section "
		"3.1); make one of them" },
	{ "v=TLSRPTv1", "_smtp",
		"this name has two TLSRPT records, so that none counts (RFC 8460 section 3); "
		"make one of them" },
};

enum { POLICIES = sizeof policies / sizeof *policies, SPF = 0 };

/* Like a record's strings put together, but no further than policies need. */
struct joined {
	char text[512];
	size_t len;
};

static void join(struct joined *j, const struct record *rr)
{
	const uint8_t *p = rr->rdata, *const end = p + rr->rdlen;

	for (j->len = 0; p < end && j->len < sizeof j->text - 1; p += *p + 1) {
		const size_t room = sizeof j->text - 1 - j->len, n = *p < room ? *p : room;
		memcpy(j->text + j->len, p + 1, n);
		j->len += n;
	}
	j->text[j->len] = 0;
}

/* The version is a word of its own: behind it is a blank, a semicolon or the end. */
static bool is_policy(const struct policy *p, const struct record *rr, const struct joined *j)
{
	const size_t n = strlen(p->begins);
	const uint8_t *owner = rr->owner;

	if (strncasecmp(j->text, p->begins, n) != 0 ||
		(j->text[n] && !strchr(" ;", j->text[n])))
		return false;
	return !p->label ||
		(*owner == strlen(p->label) && memcmp(owner + 1, p->label, *owner) == 0);
}

/* --- blanks that were lost ---------------------------------------------------------------- */

/* A mechanism or modifier of SPF at whose start a blank must be. */
static bool starts_a_term(const uint8_t *s, size_t len)
{
	static const char *const terms[] = { "include:", "ip4:", "ip6:", "exists:", "redirect=",
		"exp=", "-all", "~all", "?all", "+all" };

	for (unsigned i = 0; i < sizeof terms / sizeof *terms; i++) {
		const size_t n = strlen(terms[i]);
		if (len >= n && strncasecmp((const char *)s, terms[i], n) == 0)
			return true;
	}
	return false;
}

/* Where two strings of an SPF record meet without a blank, though a term starts there. Without
 * quotes each word is a string, and the first is the version alone. */
static bool has_lost_blank(const struct record *rr)
{
	const uint8_t *p = rr->rdata, *const end = p + rr->rdlen;
	const bool unquoted = *p == 6 && p + 7 < end && p[8] != ' ';

	for (; p + *p + 1 < end; p += *p + 1) {
		const uint8_t *next = p + *p + 1;
		if (*p && !strchr(" -~?+", p[*p]) && starts_a_term(next + 1, *next))
			return true;
	}
	return unquoted;
}

static void check_spf(const struct verify_zone *v, const struct record *rr,
	const struct joined *j, struct faults *f)
{
	if (has_lost_blank(rr))
		records_warning(v->names->r, rr, f,
			"the strings of this SPF record are put together without blanks, as "
			"\"%.60s\" (write all of it in one pair of quotes, or blanks at the "
			"ends; RFC 7208 section 3.3)",
			j->text);
	for (size_t i = 0; i < j->len; i++)
		if ((unsigned char)j->text[i] >= 0x80 || (unsigned char)j->text[i] < ' ') {
			records_warning(v->names->r, rr, f,
				"this SPF record has the byte %02x, which is no ASCII text "
				"(RFC 7208 section 4.6.1): a blank that is none?",
				(unsigned char)j->text[i]);
			return;
		}
}

/* Outside of quotes a semicolon starts a comment, and the version is all that is left. */
static void check_cut(const struct verify_zone *v, const struct record *rr, struct faults *f)
{
	static const char *const versions[] = { "v=DMARC1", "v=DKIM1", "v=STSv1", "v=TLSRPTv1",
		"v=BIMI1" };

	/* Who may be sent reports about others says no more than that (RFC 7489 section 7.1).
	 */
	const bool reports = rr->owner[0] != 6 || memcmp(rr->owner + 1, "_dmarc", 6) != 0;
	for (unsigned i = reports; i < sizeof versions / sizeof *versions; i++)
		if (rr->rdata[0] == strlen(versions[i]) && rr->rdlen == rr->rdata[0] + 1 &&
			strncasecmp((const char *)rr->rdata + 1, versions[i], rr->rdata[0]) ==
				0)
			records_warning(v->names->r, rr, f,
				"there is nothing behind the version: outside of quotes a "
				"semicolon starts a comment (write TXT \"%s; ...\")",
				versions[i]);
}

/* --- all together ------------------------------------------------------------------------- */

/* The names at which mail policies stand, and the first of each that was seen. */
struct found {
	struct record first[POLICIES]; /* without a type: none yet */
	bool told[POLICIES];
};

static void check_text(const struct verify_zone *v, const struct record *rr, struct found *seen,
	struct faults *f)
{
	struct joined j;

	check_cut(v, rr, f);
	if (rr->rdlen < 7 || rr->rdata[1] != 'v')
		if (rr->rdlen < 7 || rr->rdata[1] != 'V')
			return;
	join(&j, rr);
	for (unsigned i = 0; i < POLICIES; i++) {
		/* Without quotes the version of SPF may stand right before a term. */
		const bool lost = i == SPF && rr->rdata[0] == 6 &&
			strncasecmp(j.text, "v=spf1", 6) == 0;
		if (!lost && !is_policy(&policies[i], rr, &j))
			continue;
		if (i == SPF)
			check_spf(v, rr, &j, f);
		const struct record *first = &seen->first[i];
		if (first->type && !seen->told[i] &&
			(first->rdlen != rr->rdlen ||
				memcmp(first->rdata, rr->rdata, rr->rdlen) != 0)) {
			records_warning(v->names->r, rr, f, "%s", policies[i].say);
			seen->told[i] = true;
		}
		if (!first->type)
			seen->first[i] = *rr;
	}
}

/* SPF's own type was given up, and nobody asks for it (RFC 7208 section 3.1). */
static void check_spf_type(const struct verify_zone *v, const struct names_entry *e,
	const struct found *seen, struct faults *f)
{
	struct records_walk walk = records_each(v->names->r, e->group);

	while (!seen->first[SPF].type && records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_SPF) {
			records_warning(v->names->r, &walk.rr, f,
				"nobody asks for the type SPF any more (RFC 7208 section 3.1): "
				"write a TXT record with the same data");
			return;
		}
}

void lint_texts(const struct verify_zone *v, const struct names_entry *e, struct faults *f)
{
	struct records_walk walk = records_each(v->names->r, e->group);
	struct found seen = { 0 };

	while (records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_TXT)
			check_text(v, &walk.rr, &seen, f);
	check_spf_type(v, e, &seen, f);
}
