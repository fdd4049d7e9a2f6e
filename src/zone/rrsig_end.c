#include "zone/rrsig_end.h"

#include "base/bytes.h"
#include "dns/rrtype.h"

#include <time.h>

const char *rrsig_end_time(char to[static RRSIG_END_TIME], int64_t s)
{
	const time_t t = (time_t)s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(to, RRSIG_END_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm))
		to[0] = 0;
	return to;
}

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

/* How many signatures there are, of each state, and the first of those. */
struct states {
	struct record ended, ends;
	unsigned n_ended, n_ends, all;
};

static void take(struct rrsig_end *to, struct states *n, const struct record *rr, int64_t now_s)
{
	const int64_t end_s = near_now(be32_get(rr->rdata + 8), now_s),
		      soon_s = soon(near_now(be32_get(rr->rdata + 12), now_s), end_s);

	n->all++;
	if (!to->end_s || end_s < to->end_s)
		to->end_s = end_s;
	if (!to->soon_s || soon_s < to->soon_s)
		to->soon_s = soon_s;
	if (end_s < now_s) {
		if (n->n_ended++ == 0)
			n->ended = *rr;
	} else if (soon_s <= now_s) {
		if (n->n_ends++ == 0)
			n->ends = *rr;
	}
}

struct rrsig_end rrsig_end_find(const struct records *r, int64_t now_s, struct faults *f)
{
	struct records_walk walk = records_all(r);
	struct rrsig_end found = { 0, 0 };
	struct states n = { .all = 0 };
	char when[RRSIG_END_TIME];

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
			n.n_ends, n.all, rrsig_end_time(when, found.end_s));
	return found;
}
