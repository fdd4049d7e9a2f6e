/* suffixes.h - what names in the RDATA of an RRset can share with each other and with their
 * owner, so that they go on the wire as pointers (RFC 1035 section 4.1.4).
 *
 * While a zone is compiled; one RRset at a time. Offsets are into the RRset's wire.
 */
#ifndef ZONE_SUFFIXES_H
#define ZONE_SUFFIXES_H

#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SUFFIXES_MOST = 256 };

struct suffixes {
	uint8_t owner[NAME_MOST];
	struct name_marks marks; /* of the owner */
	unsigned own_most;       /* so many of its labels, from the root, may be pointed to */
	uint16_t below;          /* zone_label_bit() of labels right below the owner, or what
				    a wildcard is below */
	unsigned n;
	struct suffixes_entry {
		const uint8_t *name; /* borrowed; a suffix of a name that was written */
		uint16_t at;
		uint8_t len;
	} entry[SUFFIXES_MOST];
};

/* How a name goes on the wire: its first `len` bytes, and behind them a pointer (else the root
 * is the last of them). */
struct suffixes_form {
	unsigned len;
	bool to_owner; /* the pointer is to the owner's last `labels` labels */
	bool to_name;  /* ... or to `at` */
	unsigned labels;
	uint16_t at;
};

/* The owner is a full name; of a wildcard, whose first label is another in each answer. */
void suffixes_start(struct suffixes *s, const uint8_t *owner);

/* The shortest form of the next name of the RRset, which is to be written at `at`. `name` is
 * borrowed until the next start. */
struct suffixes_form suffixes_add(struct suffixes *s, const uint8_t *name, size_t at);

#endif
