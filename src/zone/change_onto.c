#include "zone/change_onto.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/same_data.h"
#include "zone/serial.h"
#include "zone/sign_types.h"
#include "zone/zone_text.h"

#include <stdlib.h>
#include <string.h>

enum { SOA_NUMBERS = 20, RDATA_ROOM = 65535 };

/* --- the same name in two versions -------------------------------------------------------- */

/* A record of an image. */
struct seat {
	const struct zone *z;
	const struct zone_node *n;
	const struct zone_rrset *set;
	size_t at;
};

static bool same_record(const struct seat *a, const struct seat *b, uint8_t *room)
{
	const size_t len = image_rdata(a->z, a->n, a->set, a->at, room),
		     other = image_rdata(b->z, b->n, b->set, b->at, room + RDATA_ROOM);

	return same_data_compare(a->set->type, room, len, room + RDATA_ROOM, other) == 0;
}

static size_t next_at(const struct zone_rrset *set, size_t at)
{
	return at + IMAGE_RR_FIXED + be16_get(set->wire + at + 10);
}

static bool has_record(const struct seat *of, struct seat in, uint8_t *room)
{
	for (in.at = 0; in.at < in.set->len; in.at = next_at(in.set, in.at))
		if (same_record(of, &in, room))
			return true;
	return false;
}

/* Mostly in one order, too. */
static bool same_set(struct seat a, struct seat b, uint8_t *room)
{
	if (a.set->count != b.set->count ||
		be32_get(a.set->wire + 6) != be32_get(b.set->wire + 6))
		return false;
	while (a.at < a.set->len) {
		if (!same_record(&a, &b, room) && !has_record(&a, b, room))
			return false;
		a.at = next_at(a.set, a.at);
		b.at = next_at(b.set, b.at);
	}
	return true;
}

/* The SOA has a serial, and what signing makes follows from the rest where it is made here. */
static bool counts(const struct zone *z, const struct zone_node *n, const struct zone_rrset *s)
{
	return s->type != RRTYPE_SOA &&
		!(z->denial && sign_makes(s->type, n == image_first(z)));
}

static unsigned count_sets(const struct zone *z, const struct zone_node *n)
{
	const struct zone_rrset *s = n ? zone_first_rrset(n) : NULL;
	unsigned sets = 0;

	for (unsigned i = 0; n && i < n->rrsets; i++, s = zone_next_rrset(s))
		sets += counts(z, n, s);
	return sets;
}

/* One RRset of each type, but for signatures: those have one for each type that they cover. */
static const struct zone_rrset *find_like(
	const struct zone_node *n, const struct zone_rrset *like)
{
	const struct zone_rrset *s = zone_first_rrset(n);

	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s))
		if (s->type == like->type && (s->type != RRTYPE_RRSIG || s->aux == like->aux))
			return s;
	return NULL;
}

bool change_onto_same(
	const struct zone *a, const struct zone *b, struct hash_key key, const uint8_t *name)
{
	struct zone_name found;

	zone_name_set(&found, key, name);
	const struct zone_node *x = zone_find_node(a, &found, 0),
			       *y = zone_find_node(b, &found, 0);
	if (count_sets(a, x) != count_sets(b, y))
		return false;
	if (!count_sets(a, x))
		return true;
	uint8_t *room = malloc(2 * (size_t)RDATA_ROOM);
	const struct zone_rrset *set = zone_first_rrset(x);
	bool same = room != NULL;
	for (unsigned i = 0; same && i < x->rrsets; i++, set = zone_next_rrset(set)) {
		if (!counts(a, x, set))
			continue;
		const struct zone_rrset *other = find_like(y, set);
		same = other &&
			same_set((struct seat){ a, x, set, 0 }, (struct seat){ b, y, other, 0 },
				room);
	}
	free(room);
	return same;
}

/* --- the SOA ------------------------------------------------------------------------------ */

/* A copy, with room for it. */
struct soa {
	struct change_record rr;
	uint8_t rdata[2 * NAME_MOST + SOA_NUMBERS];
};

static void take_soa(struct soa *to, const struct change_record *rr)
{
	to->rr = *rr;
	memcpy(to->rdata, rr->rdata, rr->rdlen);
	to->rr.rdata = to->rdata;
}

static void soa_of(struct soa *to, const struct zone *z)
{
	const struct zone_node *n = image_first(z);
	const struct zone_rrset *set = zone_find_rrset(n, RRTYPE_SOA);

	to->rr = (struct change_record){ .owner = z->apex,
		.type = RRTYPE_SOA,
		.ttl_s = be32_get(set->wire + 6),
		.rdata = to->rdata };
	to->rr.rdlen = (uint16_t)image_rdata(z, n, set, 0, to->rdata);
}

static uint8_t *serial_of(struct soa *s)
{
	return s->rdata + s->rr.rdlen - SOA_NUMBERS;
}

/* But for the serial. */
static bool same_soa(const struct soa *a, const struct soa *b)
{
	const size_t names = a->rr.rdlen - SOA_NUMBERS;

	return a->rr.ttl_s == b->rr.ttl_s && a->rr.rdlen == b->rr.rdlen &&
		memcmp(a->rdata, b->rdata, names) == 0 &&
		memcmp(a->rdata + names + 4, b->rdata + names + 4, SOA_NUMBERS - 4) == 0;
}

/* What is served goes. What comes is that with another serial, or what the change has made of
 * the SOA; `*news`: which is more than another serial. */
static bool put_soas(const struct change_onto *o, const struct soa pair[2], struct change *c,
	struct fault *why, bool *news)
{
	struct soa now, from = pair[0], to = pair[1], next;

	soa_of(&now, o->now);
	const bool same = same_soa(&from, &to);
	next = same ? now : to;
	const uint32_t wants = be32_get(serial_of(&to));
	const bool chosen = wants != be32_get(serial_of(&from)) &&
		serial_is_newer(wants, o->now->serial);
	next.rr.rdata = next.rdata;
	be32_put(serial_of(&next), chosen ? wants : o->next_serial);
	*news = !same || chosen;
	return change_remove(c, &now.rr, why) && change_add(c, &next.rr, why);
}

/* --- all of it ---------------------------------------------------------------------------- */

/* Others have done the same. */
static bool is_so(const struct change_onto *o, const uint8_t *name)
{
	return o->then && change_onto_same(o->then, o->now, o->key, name);
}

/* Is the line there? */
static bool has_line(const struct text *text, const char *line)
{
	const size_t len = strlen(line);

	for (const char *at = text_get(text); (at = strstr(at, line)); at += len)
		if ((at == text_get(text) || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

/* Each once; what goes stands in front of what comes. Returns how many. */
static size_t find_conflicts(const struct change_onto *o, struct text *to)
{
	struct change_walk walk = change_each(o->change);
	uint8_t last[NAME_MOST] = { 0 };
	char name[NAME_TEXT];
	size_t n = 0;
	bool any = false;

	while (change_next(&walk)) {
		if (walk.rr.type == RRTYPE_SOA || (any && name_equal(last, walk.rr.owner)))
			continue;
		memcpy(last, walk.rr.owner, name_len(walk.rr.owner));
		any = true;
		if (change_onto_same(o->base, o->now, o->key, last) || is_so(o, last))
			continue;
		if (has_line(to, name_text(name, last)))
			continue;
		n++;
		text_addf(to, "%s\n", name);
	}
	return n;
}

/* `*any`: there is more than another serial. */
static bool copy_records(
	const struct change_onto *o, struct change *to, struct fault *why, bool *any)
{
	struct change_walk walk = change_each(o->change);
	struct soa pair[2] = { { .rr = { .owner = NULL } } }; /* that goes, that comes */
	bool ok = true, news;

	*any = false;
	while (ok && change_next(&walk)) {
		if (walk.rr.type == RRTYPE_SOA) {
			take_soa(&pair[walk.rr.comes], &walk.rr);
		} else if (!is_so(o, walk.rr.owner)) {
			*any = true;
			ok = walk.rr.comes ? change_add(to, &walk.rr, why)
					   : change_remove(to, &walk.rr, why);
		}
	}
	ok = ok && put_soas(o, pair, to, why, &news);
	*any = *any || (ok && news);
	return ok;
}

static struct change *sealed(struct change *c, bool ok, struct fault *why)
{
	if (c && ok && change_seal(c, why))
		return c;
	if (!c)
		fault(why, "out of memory");
	change_free(c);
	return NULL;
}

struct change *change_onto(const struct change_onto *o, struct fault *why)
{
	struct text names = { 0 };
	const size_t n = o->base == o->now ? 0 : find_conflicts(o, &names);

	if (o->conflicts)
		text_take(o->conflicts, &names);
	text_fini(&names);
	if (n) {
		fault(why, "%s of the names that are touched %s changed since serial %u",
			n == 1 ? "one" : "some", n == 1 ? "has" : "have", o->base->serial);
		return NULL;
	}
	struct change *c = change_new(zone_id(o->now));
	bool any = true;
	const bool ok = c && copy_records(o, c, why, &any);
	if (ok && !any && o->then) {
		change_free(c);
		*why = (struct fault){ 0 };
		return NULL;
	}
	return sealed(c, ok, why);
}

struct change *change_reversed(const struct change *c, struct fault *why)
{
	struct change *to = change_new(change_id(c));
	struct change_walk walk = change_each(c);
	bool ok = to != NULL;

	while (ok && change_next(&walk))
		ok = walk.rr.comes ? change_remove(to, &walk.rr, why)
				   : change_add(to, &walk.rr, why);
	return sealed(to, ok, why);
}

void change_lines(struct text *to, const struct change *c, bool soa)
{
	struct change_walk walk = change_each(c);

	while (change_next(&walk)) {
		if (walk.rr.type == RRTYPE_SOA && !soa)
			continue;
		text_add(to, walk.rr.comes ? "+ " : "- ");
		zone_text_record(to,
			&(struct zone_text_record){ .owner = walk.rr.owner,
				.rdata = walk.rr.rdata,
				.ttl_s = walk.rr.ttl_s,
				.type = walk.rr.type,
				.rdlen = walk.rr.rdlen },
			RDATA_FOR_US);
		text_add_char(to, '\n');
	}
}
