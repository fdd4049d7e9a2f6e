/* template.h - a CNAME that is made for each client: "%{country}.cdn.example".
 *
 * Any thread; nothing allocates.
 */
#ifndef STEER_TEMPLATE_H
#define STEER_TEMPLATE_H

#include "base/fault.h"
#include "dns/name.h"
#include "geo/place.h"

/* What fields stand for. */
struct template_of {
	const char *edge;
	const struct place *place; /* of the client; NULL: nobody knows */
	const struct places *places; /* that it is one of; NULL without one */
	uint32_t asn; /* of the client; 0: nobody knows */
};

/* Has the name (wire) a field in it? */
bool template_is(const uint8_t *name);

/* Does it look at who routes the client? */
bool template_looks_at_asn(const uint8_t *name);

/* How closely does it look at where the client is? */
enum template_look { TEMPLATE_NOWHERE, TEMPLATE_COUNTRY, TEMPLATE_REGION, TEMPLATE_CITY };
enum template_look template_looks(const uint8_t *name);

/* Writes the name, whole and in wire form; returns its length. 0, and why: a field is none, or the name
 * may get too long. */
size_t template_expand(const uint8_t *name, const struct template_of *of,
	uint8_t to[static NAME_MOST], struct fault *why);

#endif
