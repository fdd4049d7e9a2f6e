/* rdata_rules_text.h - the rules of types whose data is text; for zone/rdata_rules.c.
 */
#ifndef ZONE_RDATA_RULES_TEXT_H
#define ZONE_RDATA_RULES_TEXT_H

#include "zone/rdata_rules.h"

enum rdata_verdict rdata_rules_caa(const uint8_t *d, size_t len, struct fault *why);
enum rdata_verdict rdata_rules_naptr(const uint8_t *d, size_t len, struct fault *why);
enum rdata_verdict rdata_rules_x25(const uint8_t *d, size_t len, struct fault *why);
enum rdata_verdict rdata_rules_gpos(const uint8_t *d, struct fault *why);

#endif
