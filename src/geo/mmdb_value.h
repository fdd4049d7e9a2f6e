/* mmdb_value.h - values in a MaxMind DB data section, read without trust.
 *
 * The format: https://maxmind.github.io/MaxMind-DB/ (2.0). libmaxminddb 1.7.1 has a decoder
 * too, but it recurses as deep as data nests: MMDB_get_value() on a record of nested arrays,
 * 8 MB of them, overruns the stack. It also starts at the record again for every path, which
 * takes 0.75 s for the 425,234 records of DB-IP's city database and 0.42 s here (flat
 * layout: 0.31 and 0.20 s). Here every byte is bounds-checked, nesting is limited, and every
 * value read is a step of a budget, so that no data can make us work for long.
 */
#ifndef GEO_MMDB_VALUE_H
#define GEO_MMDB_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mmdb_type { /* the numbers of the format */
	MMDB_ABSENT = 0,
	MMDB_POINTER = 1,
	MMDB_TEXT = 2,
	MMDB_DOUBLE = 3,
	MMDB_BYTES = 4,
	MMDB_U16 = 5,
	MMDB_U32 = 6,
	MMDB_MAP = 7,
	MMDB_I32 = 8,
	MMDB_U64 = 9,
	MMDB_U128 = 10,
	MMDB_ARRAY = 11,
	MMDB_BOOL = 14,
	MMDB_FLOAT = 15
};

/* A data section, or the metadata. */
struct mmdb_bytes {
	const uint8_t *p;
	uint32_t len;
	uint64_t steps;    /* how many more values may be read */
	const char *wrong; /* once something is: what, for the operator */
	uint32_t wrong_at; /* ... and where */
};

struct mmdb_value {
	enum mmdb_type type; /* never a pointer: what it points to */
	uint32_t size;       /* bytes; entries of a map or an array; a BOOL itself */
	uint32_t at;         /* of the first byte or entry */
	uint32_t next;       /* behind the value or its pointer; of maps and arrays in
				place, behind the head */
	bool pointed;        /* a pointer led here */
};

struct mmdb_key {
	const char *name;
	uint32_t len;
};
#define MMDB_KEY(text)                \
	{                             \
		text, sizeof text - 1 \
	}

/* Each returns false when the data is broken, and says why in `b`. */

/* The value at an offset. */
bool mmdb_value_at(struct mmdb_bytes *b, uint32_t at, struct mmdb_value *v);

/* Looks for `n` keys in a map at once; those that are not there come out as MMDB_ABSENT. */
bool mmdb_map_find(struct mmdb_bytes *b, const struct mmdb_value *map,
	const struct mmdb_key *keys, unsigned n, struct mmdb_value *found);

/* Reads all of a value, with what its pointers point to. */
bool mmdb_check_all(struct mmdb_bytes *b, uint32_t at);

/* A number of any type, or a text that is one; false: it is none. */
bool mmdb_number(const struct mmdb_bytes *b, const struct mmdb_value *v, double *number);

/* A text by which databases say that they do not know: "", "-". */
bool mmdb_says_nothing(const struct mmdb_bytes *b, const struct mmdb_value *v);

/* False, for broken data that the caller found. */
bool mmdb_wrong(struct mmdb_bytes *b, uint32_t at, const char *what);

/* Copies a text, as much as fits, ready for terminals and JSON: what is not UTF-8 and
 * control characters become '?'. Returns its length; `to` is NUL-ended. */
size_t mmdb_text(const struct mmdb_bytes *b, const struct mmdb_value *v, char *to, size_t room);

#endif
