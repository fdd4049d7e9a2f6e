/* route53_text.h - escapes in names and data of Route 53: octal ("\052" is a star), where those of zone files are decimal.
 */
#ifndef IMPORT_ROUTE53_TEXT_H
#define IMPORT_ROUTE53_TEXT_H

#include "import/import_plan.h"

/* What Route 53 tells, as zone files have it; and back. They live in the plan. */
const char *route53_decimals(struct plan *p, const char *s);
const char *route53_octals(struct plan *p, const char *s);

#endif
