#include "zone/sign.h"

#include "base/bytes.h"
#include "zone/image.h"

#include <stdlib.h>

static bool has_made(const struct zone_node *n)
{
	const struct zone_rrset *s = zone_first_rrset(n);

	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s))
		if (sign_makes(s->type, n->name_len == 0))
			return true;
	return (n->flags & NODE_NSEC3) != 0;
}

static bool is_plain(const struct zone *z)
{
	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n))
		if (has_made(n))
			return false;
	return true;
}

static bool put_set(const struct zone *z, const struct zone_node *n,
	const struct zone_rrset *set, struct records *to, uint32_t group, uint8_t *rdata)
{
	for (size_t at = 0; at < set->len; at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10))
		if (!records_add(to, group,
			    &(struct record){ .rdata = rdata,
				    .ttl_s = be32_get(set->wire + at + 6),
				    .type = set->type,
				    .rdlen = (uint16_t)image_rdata(z, n, set, at, rdata),
				    .file = UINT16_MAX }))
			return false;
	return true;
}

static bool put_node(
	const struct zone *z, const struct zone_node *n, struct records *to, uint8_t *rdata)
{
	const struct zone_rrset *s = zone_first_rrset(n);
	uint8_t owner[NAME_MOST];
	uint32_t group = RECORDS_NONE;

	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s)) {
		if (sign_makes(s->type, n->name_len == 0))
			continue;
		if (!group && !(group = records_owner(to, owner, image_owner(z, n, owner))))
			return false;
		if (!put_set(z, n, s, to, group, rdata))
			return false;
	}
	return true;
}

struct zone *sign_strip(
	const struct zone *z, const struct compile_opts *compile, struct faults *f)
{
	struct compile_opts opts = *compile;
	struct zone *to = NULL;
	struct records r;

	if (is_plain(z)) {
		zone_hold(z);
		return (struct zone *)(uintptr_t)z;
	}
	opts.before = NULL;
	opts.quiet = true;
	records_init(&r, zone_id(z));
	uint8_t *rdata = malloc(UINT16_MAX);
	bool ok = rdata != NULL;
	for (const struct zone_node *n = image_first(z); ok && n; n = image_next(z, n))
		ok = put_node(z, n, &r, rdata);
	free(rdata);
	if (ok)
		to = zone_compile(&r, &opts, f);
	else
		faults_error(f, &(struct fault_at){ 0 }, "out of memory");
	records_fini(&r);
	return to;
}
