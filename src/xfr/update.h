/* update.h - what an UPDATE asks for (RFC 2136): prerequisites, and the change that comes of it.
 *
 * Helper threads; one request at a time, against the version of the zone that it would change. Foreign
 * bytes, whose signature has been checked.
 */
#ifndef XFR_UPDATE_H
#define XFR_UPDATE_H

#include "base/fault.h"
#include "dns/rcode.h"
#include "world/policy.h"
#include "zone/change.h"
#include "zone/zone.h"

struct update_opts {
	const struct zone *zone; /* ready; unsigned, or `is_signed`; borrowed */
	struct hash_key key;     /* of the zones */
	const uint8_t *packet;   /* whose zone section names it */
	size_t len;
	/* Who may do what; `who` says which of the rules are for who asks. NULL: all may be done. */
	const struct policy_update *rules;
	size_t n_rules;
	const bool *is_for; /* [n_rules] */
	enum policy_serial serial;
	int64_t now_s;
	bool is_signed; /* here: what signing makes is not for clients to change */
};

/* RCODE_NOERROR and a change, or without one when nothing would be another than it is; any other RCODE, and
 * what is wrong in `why`. */
unsigned update_make(const struct update_opts *o, struct change **to, struct fault *why);

/* The serial after `now`: newer by RFC 1982, whatever the policy and the clock say. */
uint32_t update_serial(uint32_t now, enum policy_serial how, int64_t now_s);

#endif
