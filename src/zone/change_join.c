/* Several change sets become one (RFC 1995 section 5): per record only what it was before the
 * first and what it is behind the last of them counts. */
#include "zone/change.h"

#include "dns/rrtype.h"
#include "zone/same_data.h"

#include <stdlib.h>
#include <string.h>

/* A record and when it went or came. */
struct event {
	struct change_record rr;
	size_t at;
};

static int compare_events(const void *va, const void *vb)
{
	const struct event *a = va, *b = vb;
	int d = a->rr.owner == b->rr.owner ? 0 : name_compare(a->rr.owner, b->rr.owner);

	if (d == 0 && a->rr.type != b->rr.type)
		return a->rr.type < b->rr.type ? -1 : 1;
	if (d == 0)
		d = same_data_compare(
			a->rr.type, a->rr.rdata, a->rr.rdlen, b->rr.rdata, b->rr.rdlen);
	if (d == 0)
		d = a->at < b->at ? -1 : a->at > b->at;
	return d;
}

static bool same_record(const struct event *a, const struct event *b)
{
	return a->rr.type == b->rr.type && name_equal(a->rr.owner, b->rr.owner) &&
		same_data_compare(
			a->rr.type, a->rr.rdata, a->rr.rdlen, b->rr.rdata, b->rr.rdlen) == 0;
}

/* To the last byte, case and TTL. */
static bool is_equal(const struct event *a, const struct event *b)
{
	return a->rr.ttl_s == b->rr.ttl_s && memcmp(a->rr.rdata, b->rr.rdata, a->rr.rdlen) == 0;
}

/* All that happened to one record. */
static bool join_record(struct change *to, const struct event *first, const struct event *last,
	struct fault *why)
{
	const bool went = !first->rr.comes, comes = last->rr.comes;

	if (went && comes && is_equal(first, last))
		return true;
	return (!went || change_remove(to, &first->rr, why)) &&
		(!comes || change_add(to, &last->rr, why));
}

/* Every record but the SOAs between the first and the last. */
static size_t gather(struct event *to, const struct change *const *of, size_t n)
{
	size_t events = 0;

	for (size_t i = 0; i < n; i++) {
		struct change_walk walk = change_each(of[i]);
		for (; change_next(&walk); events++)
			to[events] = (struct event){ walk.rr, events };
	}
	qsort(to, events, sizeof *to, compare_events);
	return events;
}

static bool join_all(struct change *to, const struct event *events, size_t n, struct fault *why)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && same_record(&events[i], &events[end]);)
			end++;
		if (events[i].rr.type != RRTYPE_SOA &&
			!join_record(to, &events[i], &events[end - 1], why))
			return false;
	}
	return true;
}

/* The SOA that goes of the first, or comes of the last. */
static bool join_soa(struct change *to, const struct change *c, bool comes, struct fault *why)
{
	struct change_walk walk = change_each(c);

	while (change_next(&walk))
		if (walk.rr.comes == comes)
			return comes ? change_add(to, &walk.rr, why)
				     : change_remove(to, &walk.rr, why);
	return false;
}

static bool in_a_row(const struct change *const *of, size_t n, struct fault *why)
{
	for (size_t i = 1; i < n; i++)
		if (change_from(of[i]) != change_to(of[i - 1]) ||
			!name_equal(change_id(of[i]), change_id(of[0])))
			return fault(why,
				"a change to serial %u and one from serial %u do not follow "
				"each "
				"other",
				change_to(of[i - 1]), change_from(of[i]));
	return n > 0 || fault(why, "there is no change to join");
}

struct change *change_join(const struct change *const *of, size_t n, struct fault *why)
{
	size_t records = 0;

	if (!in_a_row(of, n, why))
		return NULL;
	for (size_t i = 0; i < n; i++)
		records += change_goes(of[i]) + change_comes(of[i]);
	struct change *to = change_new(change_id(of[0]));
	struct event *events = malloc(records * sizeof *events);
	bool ok = to && events;
	if (!ok)
		fault(why, "out of memory");
	ok = ok && join_soa(to, of[0], false, why) && join_soa(to, of[n - 1], true, why) &&
		join_all(to, events, gather(events, of, n), why) && change_seal(to, why);
	free(events);
	if (ok)
		return to;
	change_free(to);
	return NULL;
}
