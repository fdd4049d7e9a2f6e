/* lint.h - what is doubtful in a zone that is served all the same.
 *
 * Warnings only, of what surely is not meant: names that lead to nothing, or to an alias where
 * none may be; mail policies that nobody takes; names that no host can have. What may be right
 * elsewhere (a target in another zone, below a cut) is not told. Control thread; part of
 * zone_compile(), for zones without errors.
 */
#ifndef ZONE_LINT_H
#define ZONE_LINT_H

#include "zone/lookup.h"
#include "zone/verify.h"

/* Where a name leads. */
enum lint_lead {
	LINT_AWAY,    /* to another zone, below a cut or a DNAME: nobody knows here */
	LINT_NONE,    /* no such name, or one without any data */
	LINT_ALIAS,
	LINT_ADDRESS,
	LINT_OTHER    /* data, but no address */
};

/* `at` is at or below the apex of `z`; `*l` is what is there. */
enum lint_lead lint_lead(
	const struct zone *z, struct hash_key key, const struct zone_name *at, struct lookup *l);

/* The name that a record leads to, where what is there can be looked at; NULL: its type has none. */
const uint8_t *lint_target(uint16_t type, const uint8_t *rdata);

void lint_zone(const struct verify_zone *v, struct faults *f);

/* The part about one name's TXT records; `owner` is relative to the apex. For zone/lint.c. */
void lint_texts(const struct verify_zone *v, const struct names_entry *e, struct faults *f);

#endif
