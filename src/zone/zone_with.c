#include "zone/zone_with.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/delta.h"
#include "zone/delta_build.h"
#include "zone/denial_link.h"
#include "zone/image.h"
#include "zone/order.h"
#include "zone/touched.h"

/* --- anew --------------------------------------------------------------------------------- */

static int compare_names(const struct touched_name *a, const struct zone_node *b)
{
	return b ? order_names(a->name, a->len, b->name, b->name_len) : -1;
}

/* All records of the zone, those of the touched names as they are after the change. */
static bool put_all(struct touched *t, struct records *to)
{
	const struct zone_node *n = image_first(t->z);
	size_t i = 0;

	while (n || i < t->n) {
		const int d = i < t->n ? compare_names(&t->name[i], n) : 1;
		if (d > 0) {
			if (!touched_copy(t, n, to))
				return false;
			n = image_next(t->z, n);
			continue;
		}
		const struct zone_node *was[2] = { NULL, NULL };
		uint32_t group;
		for (; n && compare_names(&t->name[i], n) == 0; n = image_next(t->z, n))
			was[(n->flags & NODE_NSEC3) != 0] = n;
		if (!touched_put(t, i++, was, to, &group))
			return false;
	}
	return true;
}

static struct zone *compile_anew(
	struct touched *t, const struct compile_opts *compile, struct faults *f)
{
	struct compile_opts opts = *compile;
	struct zone *z = NULL;
	struct records r;

	opts.before = NULL;
	opts.quiet = true;
	records_init(&r, zone_id(t->z));
	if (put_all(t, &r))
		z = zone_compile(&r, &opts, f);
	records_fini(&r);
	return z;
}

/* --- all together ------------------------------------------------------------------------- */

/* NSEC3 or what tells of it. */
static bool is_of_nsec3(const struct change_record *rr)
{
	return rr->type == RRTYPE_NSEC3 || rr->type == RRTYPE_NSEC3PARAM ||
		(rr->type == RRTYPE_RRSIG && be16_get(rr->rdata) == RRTYPE_NSEC3);
}

/* Of a zone with NSEC3: is it something else than a link of its chain, right below the apex? */
static bool is_odd(const struct zone *z, const struct change_record *rr)
{
	uint8_t hash[NSEC3_HASH];

	if (!is_of_nsec3(rr))
		return rr->type == RRTYPE_NSEC;
	return rr->type == RRTYPE_NSEC3PARAM || !nsec3_label(hash, rr->owner) ||
		!name_equal(rr->owner + 1 + NSEC3_LABEL, z->apex) ||
		(rr->type == RRTYPE_NSEC3 &&
			!denial_in_chain(&z->denial->params, rr->rdata));
}

/* Where there is no chain, what is known of signatures is of all names; and a chain of hashes is beside the image
 * only as far as it is nothing but that. */
static bool is_tied(const struct zone *z, const struct touched *t)
{
	bool tied = !z->denial && z->signatures_end_s != 0;

	if (z->denial && z->denial->nsec3) {
		tied = z->denial->mixed;
		for (size_t i = 0; !tied && i < t->n_ops; i++)
			tied = is_odd(z, &t->op[i]);
		return tied;
	}

	for (size_t i = 0; !tied && i < t->n_ops; i++)
		tied = is_of_nsec3(&t->op[i]) ||
			(!z->denial &&
				(t->op[i].type == RRTYPE_RRSIG ||
					t->op[i].type == RRTYPE_NSEC));
	return tied;
}

struct zone *zone_with(const struct zone *z, const struct change *c,
	const struct zone_with_opts *opts, struct faults *f)
{
	enum delta_result result = DELTA_TOO_MUCH;
	struct zone *to = NULL;
	struct touched t;

	if (!touched_init(&t, z, c, opts->tolerant, f))
		return NULL;
	if (!is_tied(z, &t))
		result = delta_build(&to, z, &t, &opts->compile, f);
	if (result == DELTA_TOO_MUCH)
		to = compile_anew(&t, &opts->compile, f);
	touched_fini(&t);
	return to;
}

bool zone_merges_now(const struct zone *z)
{
	enum { SMALL = 50000, LATE = 8192 };

	return delta_is_large(z) && (z->nodes < SMALL || z->delta->n > LATE);
}

bool zone_wants_merge(const struct zone *z)
{
	return delta_is_large(z);
}
