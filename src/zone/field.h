/* field.h - one field of a record's data, text to wire.
 *
 * Each function takes the current token (some take several), appends what it means to `at`, and
 * moves on to the next token. `what` names the field for a person ("the mail server's name").
 * False after a fault has been told at the exact place. Control thread.
 */
#ifndef ZONE_FIELD_H
#define ZONE_FIELD_H

#include "zone/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FIELD_TTL_MOST = 0x7fffffff }; /* RFC 2181 section 8 */

struct fields {
	struct tokens *in;
	const uint8_t *origin;     /* wire, for relative names */
	const char *type;          /* the record's, for messages */
	uint8_t *start, *at, *end; /* room for the data, what is written next, its end */
};

/* Room for `n` more bytes, or a fault: RDATA has at most 65535. */
bool field_room(struct fields *f, size_t n);
bool field_bytes(struct fields *f, const void *p, size_t n);

/* Does not move on: true when there is a word that stands for itself, else "... is missing". */
bool field_word(struct fields *f, const char *what);

bool field_name(struct fields *f, const char *what);
bool field_a(struct fields *f, const char *what);
bool field_aaaa(struct fields *f, const char *what);

/* A decimal number of `bytes` (1, 2 or 4) bytes. */
bool field_number(struct fields *f, unsigned bytes, const char *what);

/* Seconds, or with units; at most `most`. */
bool field_period(struct fields *f, uint32_t most, const char *what);

/* A character-string, quoted or not: its length and at most 255 bytes. */
bool field_string(struct fields *f, const char *what);

/* The bytes of a string without a length, to the end of the data. */
bool field_long_string(struct fields *f, const char *what);

/* A CAA tag: letters and digits, led by their number. */
bool field_tag(struct fields *f, const char *what);

/* Hexadecimal, in one word or (`rest`) in all that follow. A rest has at least one byte. */
bool field_hex(struct fields *f, bool rest, const char *what);

/* `groups` numbers of `digits` hexadecimal digits with `between` in between (EUI48, NID).
 * Shorter groups are for those that may leave out zeros in front. */
bool field_hex_groups(
	struct fields *f, unsigned groups, unsigned digits, char between, const char *what);

/* A record type by name. */
bool field_type(struct fields *f, const char *what);

/* All that follow are record types: a type bitmap (RFC 4034 section 4.1.2). Empty when there
 * are none. */
bool field_bitmap(struct fields *f);

/* Base64 (RFC 4648 section 4), in one word or in all that follow; at least one byte. */
bool field_base64(struct fields *f, bool rest, const char *what);

/* Base32 with the extended hex alphabet and no padding (RFC 5155 section 3.3), its length in
 * front, in one word. */
bool field_base32(struct fields *f, const char *what);

#endif
