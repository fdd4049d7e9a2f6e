/* lint.h - what is doubtful in a zone that is served all the same.
 *
 * Warnings only, of what surely is not meant: names that lead to nothing, or to an alias where
 * none may be; mail policies that nobody takes; names that no host can have. What may be right
 * elsewhere (a target in another zone, below a cut) is not told. Control thread; part of
 * zone_compile(), for zones without errors.
 */
#ifndef ZONE_LINT_H
#define ZONE_LINT_H

#include "zone/verify.h"

void lint_zone(const struct verify_zone *v, struct faults *f);

/* The part about one name's TXT records; `owner` is relative to the apex. For zone/lint.c. */
void lint_texts(const struct verify_zone *v, const struct names_entry *e, struct faults *f);

#endif
