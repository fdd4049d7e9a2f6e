#include "zone/rrsig_end.h"

#include "base/bytes.h"
#include "base/moment.h"
#include "dns/rrtype.h"
#include "zone/image.h"

enum { SKEW_S = 300 }; /* so far clocks may be apart before a signature of just now is told */

/* A time of an RRSIG is the one within 68 years of now (RFC 4034 section 3.1.5). */
static int64_t near_now(uint32_t s, int64_t now_s)
{
	return now_s + (int32_t)(s - (uint32_t)now_s);
}

static int64_t soon(int64_t begin_s, int64_t end_s)
{
	const int64_t quarter_s = end_s > begin_s ? (end_s - begin_s) / 4 : 0;

	return end_s - (quarter_s < RRSIG_END_SOON_S ? quarter_s : RRSIG_END_SOON_S);
}

static int64_t first(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

struct rrsig_end rrsig_end_first(struct rrsig_end a, struct rrsig_end b)
{
	return (struct rrsig_end){ first(a.end_s, b.end_s), first(a.soon_s, b.soon_s) };
}

static struct rrsig_end end_of(const uint8_t *rdata, int64_t now_s)
{
	const int64_t end_s = near_now(be32_get(rdata + 8), now_s);

	return (struct rrsig_end){ end_s, soon(near_now(be32_get(rdata + 12), now_s), end_s) };
}

/* How many signatures there are, of each state, and the first of those. */
struct states {
	struct record ended, ends, begins;
	unsigned n_ended, n_ends, n_begin, all;
	int64_t begin_s; /* when the last of them begins */
};

static void take(struct rrsig_end *to, struct states *n, const struct record *rr, int64_t now_s)
{
	const struct rrsig_end one = end_of(rr->rdata, now_s);
	const int64_t begin_s = near_now(be32_get(rr->rdata + 12), now_s);

	n->all++;
	if (begin_s > now_s + SKEW_S && n->n_begin++ == 0)
		n->begins = *rr;
	n->begin_s = begin_s > n->begin_s ? begin_s : n->begin_s;
	*to = rrsig_end_first(*to, one);
	if (one.end_s < now_s) {
		if (n->n_ended++ == 0)
			n->ended = *rr;
	} else if (one.soon_s <= now_s) {
		if (n->n_ends++ == 0)
			n->ends = *rr;
	}
}

struct rrsig_end rrsig_end_find(const struct records *r, int64_t now_s, struct faults *f)
{
	struct records_walk walk = records_all(r);
	struct rrsig_end found = { 0, 0 };
	struct states n = { .all = 0 };
	char when[MOMENT_TEXT];

	while (records_walk_next(&walk))
		if (walk.rr.type == RRTYPE_RRSIG)
			take(&found, &n, &walk.rr, now_s);
	if (n.n_ended)
		records_warning(r, &n.ended, f,
			"%u of the zone's %u signatures have expired, this one first: "
			"resolvers that validate refuse what they sign; sign the zone anew",
			n.n_ended, n.all);
	else if (n.n_ends)
		records_warning(r, &n.ends, f,
			"%u of the zone's %u signatures end soon, the first at %s: sign the "
			"zone anew before",
			n.n_ends, n.all, moment_text(when, found.end_s));
	if (n.n_begin)
		records_warning(r, &n.begins, f,
			"%u of the zone's %u signatures begin later, the last at %s: resolvers that validate refuse them until "
			"then; look at the clock of who signs, and here",
			n.n_begin, n.all, moment_text(when, n.begin_s));
	return found;
}

struct rrsig_end rrsig_end_of_node(const struct zone_node *n, int64_t now_s)
{
	const struct zone_rrset *set = zone_first_rrset(n);
	struct rrsig_end to = { 0, 0 };

	for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
		for (size_t at = 0; set->type == RRTYPE_RRSIG && at < set->len;
			at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10))
			to = rrsig_end_first(
				to, end_of(set->wire + at + IMAGE_RR_FIXED, now_s));
	return to;
}

struct rrsig_end rrsig_end_of_zone(const struct zone *z, struct rrsig_end known, int64_t now_s)
{
	const struct zone_node *n = image_first(z);
	struct rrsig_end to = { 0, 0 };

	for (; n && (to.end_s != known.end_s || to.soon_s != known.soon_s);
		n = image_next(z, n))
		to = rrsig_end_first(to, rrsig_end_of_node(n, now_s));
	return to;
}
