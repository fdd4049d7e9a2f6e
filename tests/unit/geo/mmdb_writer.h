/* mmdb_writer.h - small MaxMind DB files for the tests, good ones and broken ones.
 *
 * Values are written one after the other, a map or an array before its entries, and are
 * known by their offset in the data. Everything else is put together by mmdb_writer_file().
 *
 */
#ifndef UNIT_GEO_MMDB_WRITER_H
#define UNIT_GEO_MMDB_WRITER_H

#include <stddef.h>
#include <stdint.h>

enum { MMDB_WRITER_MOST = 1 << 16, MMDB_WRITER_NODES = 4096 };

struct mmdb_writer {
	unsigned record_bits, ip_version;
	const char *type;
	uint8_t data[MMDB_WRITER_MOST];
	uint32_t len;
	uint32_t node[MMDB_WRITER_NODES][2]; /* a node, WRITER_EMPTY, or WRITER_DATA | offset */
	uint32_t nodes;
	uint32_t claim_nodes; /* what the metadata say instead, unless 0 */

	uint8_t file[2 * MMDB_WRITER_MOST + MMDB_WRITER_NODES * 8];
	size_t file_len;
	int fd;
	char path[64];
};

#define WRITER_EMPTY 0xffffffffu
#define WRITER_DATA  0x80000000u

struct mmdb_writer *mmdb_writer_new(
	unsigned record_bits, unsigned ip_version, const char *type);
void mmdb_writer_free(struct mmdb_writer *w);

/* Each returns the value's offset. */
uint32_t mmdb_writer_head(struct mmdb_writer *w, unsigned type, uint32_t size);
uint32_t mmdb_writer_map(struct mmdb_writer *w, uint32_t entries);
uint32_t mmdb_writer_array(struct mmdb_writer *w, uint32_t entries);
uint32_t mmdb_writer_text(struct mmdb_writer *w, const char *text);
uint32_t mmdb_writer_double(struct mmdb_writer *w, double d);
uint32_t mmdb_writer_float(struct mmdb_writer *w, float f);
uint32_t mmdb_writer_u32(struct mmdb_writer *w, uint32_t v);
uint32_t mmdb_writer_pointer(struct mmdb_writer *w, uint32_t to);

/* Whole records, ready for mmdb_writer_net(): MaxMind's nested layout (without what is
 * NULL), the flat one (with coordinates as text), MaxMind's for AS numbers, and a map of one
 * text. */
uint32_t mmdb_writer_nested(struct mmdb_writer *w, const char *country, const char *region,
	const char *city, double lat, double lon);
uint32_t mmdb_writer_flat(struct mmdb_writer *w, const char *country, const char *region,
	const char *city, const char *lat, const char *lon);
uint32_t mmdb_writer_asn(struct mmdb_writer *w, uint32_t number, const char *name);
uint32_t mmdb_writer_one(struct mmdb_writer *w, const char *key, const char *text);

/* Gives a net a record; `record` may be a node too. Wider nets first. */
void mmdb_writer_net(struct mmdb_writer *w, const char *prefix, uint32_t record);

/* A path under which the file can be opened while `w` lives; writes `w->file` too. */
const char *mmdb_writer_file(struct mmdb_writer *w);

/* The same for `len` bytes of the caller's. */
const char *mmdb_writer_bytes(struct mmdb_writer *w, const uint8_t *p, size_t len);

#endif
