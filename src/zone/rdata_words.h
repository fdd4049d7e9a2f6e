/* rdata_words.h - the words that BIND reads for numbers of DNSSEC's records.
 *
 * What is no such word may still be one of ldns'. Pure functions.
 */
#ifndef ZONE_RDATA_WORDS_H
#define ZONE_RDATA_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes the field `i` of a record of that type has whose number the word stands for, or 0: it stands for none. */
unsigned rdata_word(uint16_t type, size_t i, const char *s, size_t len, uint16_t *number);

#endif
