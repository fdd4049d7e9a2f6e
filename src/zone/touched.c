#include "zone/touched.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/order.h"
#include "zone/same_data.h"

#include <stdlib.h>
#include <string.h>

/* A record of the name at work. */
struct touched_record {
	const uint8_t *rdata;
	uint32_t ttl_s;
	uint16_t type, rdlen;
	bool gone;
};

static bool no_memory(struct touched *t)
{
	return faults_error(t->f, &(struct fault_at){ 0 }, "out of memory");
}

/* --- names -------------------------------------------------------------------------------- */

static int compare_ops(const void *va, const void *vb)
{
	const struct change_record *a = va, *b = vb;
	const int d = a->owner == b->owner ? 0 : name_compare(a->owner, b->owner);

	if (d || a->comes != b->comes)
		return d ? d : a->comes - b->comes;
	return a->rdata < b->rdata ? -1 : a->rdata > b->rdata; /* as they stand there */
}

static void find_names(struct touched *t, size_t apex_len)
{
	for (uint32_t i = 0; i < t->n_ops; i++) {
		struct touched_name *last = t->n ? &t->name[t->n - 1] : NULL;
		const uint8_t *owner = t->op[i].owner;
		if (last && (owner == last->name || name_equal(owner, last->name))) {
			last->to = i + 1;
			continue;
		}
		t->name[t->n++] = (struct touched_name){ owner,
			(uint8_t)(name_len(owner) - apex_len), i, i + 1 };
	}
}

bool touched_init(struct touched *t, const struct zone *z, const struct change *c,
	bool tolerant, struct faults *f)
{
	const size_t n = change_goes(c) + (size_t)change_comes(c);
	struct change_walk walk = change_each(c);

	*t = (struct touched){ .z = z, .tolerant = tolerant, .f = f };
	if (!name_equal(zone_id(z), change_id(c)))
		return faults_error(f, &(struct fault_at){ 0 },
			"not exact: the change is for another zone");
	if (!tolerant && change_from(c) != z->serial)
		return faults_error(f, &(struct fault_at){ 0 },
			"not exact: the change starts at serial %u, and the zone has %u",
			change_from(c), z->serial);
	t->op = malloc(n * sizeof *t->op);
	t->name = malloc(n * sizeof *t->name);
	if (!t->op || !t->name) {
		touched_fini(t);
		return no_memory(&(struct touched){ .f = f });
	}
	while (change_next(&walk))
		t->op[t->n_ops++] = walk.rr;
	qsort(t->op, n, sizeof *t->op, compare_ops);
	find_names(t, z->apex_len);
	return true;
}

void touched_fini(struct touched *t)
{
	free(t->op);
	free(t->name);
	free(t->record);
	free(t->bytes);
	*t = (struct touched){ 0 };
}

/* --- records of one name ------------------------------------------------------------------ */

/* Room for all of the nodes' records and for `more`; nothing is in it. */
static bool make_room(struct touched *t, const struct zone_node *const was[2], size_t more)
{
	size_t n = more, len = 0;

	t->n_records = t->len = 0;
	for (unsigned k = 0; k < 2; k++) {
		const struct zone_rrset *set = was[k] ? zone_first_rrset(was[k]) : NULL;
		for (unsigned i = 0; was[k] && i < was[k]->rrsets; i++) {
			n += set->count;
			len += set->len + (size_t)set->count * set->names * NAME_MOST;
			set = zone_next_rrset(set);
		}
	}
	if (n > t->room) {
		free(t->record);
		t->record = malloc(n * 2 * sizeof *t->record);
		t->room = t->record ? n * 2 : 0;
	}
	if (len > t->bytes_room) {
		free(t->bytes);
		t->bytes = malloc(len * 2);
		t->bytes_room = t->bytes ? len * 2 : 0;
	}
	return (n <= t->room && len <= t->bytes_room) || no_memory(t);
}

static void take_set(struct touched *t, const struct zone_node *n, const struct zone_rrset *set)
{
	for (size_t at = 0; at < set->len;
		at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
		const uint8_t *rr = set->wire + at;
		struct touched_record *to = &t->record[t->n_records++];
		*to = (struct touched_record){ .type = set->type, .ttl_s = be32_get(rr + 6) };
		if (!set->patches) {
			to->rdata = rr + IMAGE_RR_FIXED;
			to->rdlen = be16_get(rr + 10);
			continue;
		}
		uint8_t *rdata = t->bytes + t->len;
		to->rdlen = (uint16_t)image_rdata(t->z, n, set, at, rdata);
		to->rdata = rdata;
		t->len += to->rdlen;
	}
}

static void take_node(struct touched *t, const struct zone_node *n)
{
	const struct zone_rrset *set = n ? zone_first_rrset(n) : NULL;

	for (unsigned i = 0; n && i < n->rrsets; i++, set = zone_next_rrset(set))
		take_set(t, n, set);
}

static struct touched_record *find(struct touched *t, const struct change_record *op)
{
	for (size_t i = 0; i < t->n_records; i++) {
		struct touched_record *rr = &t->record[i];
		if (rr->type == op->type && !rr->gone &&
			same_data_compare(
				rr->type, rr->rdata, rr->rdlen, op->rdata, op->rdlen) == 0)
			return rr;
	}
	return NULL;
}

static bool not_exact(struct touched *t, const struct change_record *op)
{
	char name[NAME_TEXT], type[RRTYPE_TEXT];

	return faults_error(t->f, &(struct fault_at){ 0 }, "not exact: %s %s %s",
		name_text(name, op->owner), rrtype_text(type, op->type),
		op->comes ? "comes, and is there already" : "goes, and is not there");
}

static bool remove_one(struct touched *t, const struct change_record *op)
{
	struct touched_record *rr = find(t, op);

	if (rr)
		rr->gone = true;
	else if (t->tolerant && op->type == RRTYPE_SOA)
		for (size_t i = 0; i < t->n_records; i++)
			t->record[i].gone |= t->record[i].type == RRTYPE_SOA;
	else if (!t->tolerant)
		return not_exact(t, op);
	return true;
}

/* Of one RRset; signatures are of that of the type that they cover. */
static bool same_set(const struct touched_record *rr, const struct change_record *op)
{
	return rr->type == op->type &&
		(rr->type != RRTYPE_RRSIG || memcmp(rr->rdata, op->rdata, 2) == 0);
}

static bool add_one(struct touched *t, const struct change_record *op)
{
	struct touched_record *rr = find(t, op);

	if (rr && !t->tolerant)
		return not_exact(t, op);
	if (!rr)
		rr = &t->record[t->n_records++];
	*rr = (struct touched_record){
		.rdata = op->rdata, .ttl_s = op->ttl_s, .type = op->type, .rdlen = op->rdlen
	};
	for (size_t i = 0; i < t->n_records; i++)
		if (same_set(&t->record[i], op))
			t->record[i].ttl_s = op->ttl_s;
	return true;
}

static bool put_records(struct touched *t, const uint8_t *owner, size_t len, struct records *to,
	uint32_t *group)
{
	*group = RECORDS_NONE;
	for (size_t i = 0; i < t->n_records; i++) {
		const struct touched_record *rr = &t->record[i];
		const struct record record = { .rdata = rr->rdata,
			.ttl_s = rr->ttl_s,
			.type = rr->type,
			.rdlen = rr->rdlen };
		if (rr->gone)
			continue;
		if (!*group && !(*group = records_owner(to, owner, len)))
			return no_memory(t);
		if (!records_add(to, *group, &record))
			return no_memory(t);
	}
	return true;
}

bool touched_put(struct touched *t, size_t i, const struct zone_node *const was[2],
	struct records *to, uint32_t *group)
{
	const struct touched_name *name = &t->name[i];

	if (!make_room(t, was, name->to - name->from))
		return false;
	take_node(t, was[0]);
	take_node(t, was[1]);
	for (uint32_t k = name->from; k < name->to; k++)
		if (!(t->op[k].comes ? add_one : remove_one)(t, &t->op[k]))
			return false;
	return put_records(t, name->name, name->len + (size_t)t->z->apex_len, to, group);
}

bool touched_copy(struct touched *t, const struct zone_node *n, struct records *to)
{
	const struct zone_node *const was[2] = { n };
	uint8_t owner[NAME_MOST];
	uint32_t group;

	if (!make_room(t, was, 0))
		return false;
	take_node(t, n);
	return put_records(t, owner, image_owner(t->z, n, owner), to, &group);
}
