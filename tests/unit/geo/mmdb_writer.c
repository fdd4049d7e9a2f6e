#include "unit/geo/mmdb_writer.h"

#include "base/addr.h"
#include "base/bytes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TEXT = 2, DOUBLE = 3, U16 = 5, U32 = 6, MAP = 7, U64 = 9, ARRAY = 11, FLOAT = 15 };

struct mmdb_writer *mmdb_writer_new(unsigned record_bits, unsigned ip_version, const char *type)
{
	struct mmdb_writer *w = calloc(1, sizeof *w);

	w->record_bits = record_bits;
	w->ip_version = ip_version;
	w->type = type;
	w->nodes = 1;
	w->node[0][0] = w->node[0][1] = WRITER_EMPTY;
	w->fd = -1;
	return w;
}

void mmdb_writer_free(struct mmdb_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

static void byte(struct mmdb_writer *w, unsigned b)
{
	if (w->len < MMDB_WRITER_MOST)
		w->data[w->len++] = (uint8_t)b;
}

static void number(struct mmdb_writer *w, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		byte(w, (unsigned)(v >> 8 * bytes) & 0xff);
}

uint32_t mmdb_writer_head(struct mmdb_writer *w, unsigned type, uint32_t size)
{
	const uint32_t at = w->len;
	const unsigned small = size < 29 ? size : size < 285 ? 29 : size < 65821 ? 30 : 31;

	byte(w, (type < 8 ? type << 5 : 0) | small);
	if (type >= 8)
		byte(w, type - 7);
	if (small == 29)
		number(w, size - 29, 1);
	else if (small == 30)
		number(w, size - 285, 2);
	else if (small == 31)
		number(w, size - 65821, 3);
	return at;
}

uint32_t mmdb_writer_map(struct mmdb_writer *w, uint32_t entries)
{
	return mmdb_writer_head(w, MAP, entries);
}

uint32_t mmdb_writer_array(struct mmdb_writer *w, uint32_t entries)
{
	return mmdb_writer_head(w, ARRAY, entries);
}

uint32_t mmdb_writer_text(struct mmdb_writer *w, const char *text)
{
	const uint32_t at = mmdb_writer_head(w, TEXT, (uint32_t)strlen(text));

	for (; *text; text++)
		byte(w, (unsigned char)*text);
	return at;
}

uint32_t mmdb_writer_double(struct mmdb_writer *w, double d)
{
	const uint32_t at = mmdb_writer_head(w, DOUBLE, 8);
	uint64_t bits;

	memcpy(&bits, &d, 8);
	number(w, bits, 8);
	return at;
}

uint32_t mmdb_writer_float(struct mmdb_writer *w, float f)
{
	const uint32_t at = mmdb_writer_head(w, FLOAT, 4);
	uint32_t bits;

	memcpy(&bits, &f, 4);
	number(w, bits, 4);
	return at;
}

uint32_t mmdb_writer_u32(struct mmdb_writer *w, uint32_t v)
{
	const uint32_t at = mmdb_writer_head(w, U32, 4);

	number(w, v, 4);
	return at;
}

uint32_t mmdb_writer_pointer(struct mmdb_writer *w, uint32_t to)
{
	const uint32_t at = w->len;

	if (to < 2048) {
		byte(w, 1 << 5 | to >> 8);
		byte(w, to & 0xff);
	} else {
		byte(w, 1 << 5 | 3 << 3);
		number(w, to, 4);
	}
	return at;
}

/* --- records ------------------------------------------------------------------------------ */

uint32_t mmdb_writer_nested(struct mmdb_writer *w, const char *country, const char *region,
	const char *city, double lat, double lon)
{
	const uint32_t at = mmdb_writer_map(w, 2u + !!region + !!city);

	mmdb_writer_text(w, "country");
	mmdb_writer_map(w, 2);
	mmdb_writer_text(w, "geoname_id");
	mmdb_writer_u32(w, 2750405);
	mmdb_writer_text(w, "iso_code");
	mmdb_writer_text(w, country);
	mmdb_writer_text(w, "location");
	mmdb_writer_map(w, 2);
	mmdb_writer_text(w, "latitude");
	mmdb_writer_double(w, lat);
	mmdb_writer_text(w, "longitude");
	mmdb_writer_double(w, lon);
	if (city) {
		mmdb_writer_text(w, "city");
		mmdb_writer_map(w, 1);
		mmdb_writer_text(w, "names");
		mmdb_writer_map(w, 2);
		mmdb_writer_text(w, "de");
		mmdb_writer_text(w, "anders");
		mmdb_writer_text(w, "en");
		mmdb_writer_text(w, city);
	}
	if (region) {
		mmdb_writer_text(w, "subdivisions");
		mmdb_writer_array(w, 1);
		mmdb_writer_map(w, 1);
		mmdb_writer_text(w, "iso_code");
		mmdb_writer_text(w, region);
	}
	return at | WRITER_DATA;
}

uint32_t mmdb_writer_flat(struct mmdb_writer *w, const char *country, const char *region,
	const char *city, const char *lat, const char *lon)
{
	const uint32_t at = mmdb_writer_map(w, 5);

	mmdb_writer_text(w, "city");
	mmdb_writer_text(w, city);
	mmdb_writer_text(w, "country_code");
	mmdb_writer_text(w, country);
	mmdb_writer_text(w, "latitude");
	mmdb_writer_text(w, lat);
	mmdb_writer_text(w, "longitude");
	mmdb_writer_text(w, lon);
	mmdb_writer_text(w, "state1");
	mmdb_writer_text(w, region);
	return at | WRITER_DATA;
}

uint32_t mmdb_writer_asn(struct mmdb_writer *w, uint32_t number, const char *name)
{
	const uint32_t at = mmdb_writer_map(w, 2);

	mmdb_writer_text(w, "autonomous_system_number");
	mmdb_writer_u32(w, number);
	mmdb_writer_text(w, "autonomous_system_organization");
	mmdb_writer_text(w, name);
	return at | WRITER_DATA;
}

uint32_t mmdb_writer_one(struct mmdb_writer *w, const char *key, const char *text)
{
	const uint32_t at = mmdb_writer_map(w, 1);

	mmdb_writer_text(w, key);
	mmdb_writer_text(w, text);
	return at | WRITER_DATA;
}

/* --- the tree ----------------------------------------------------------------------------- */

/* The node behind a record, made when there is none; what the record said goes into both
 * halves. */
static uint32_t open_record(struct mmdb_writer *w, uint32_t *record)
{
	if (*record < WRITER_DATA)
		return *record;
	const uint32_t node = w->nodes++;
	w->node[node][0] = w->node[node][1] = *record;
	*record = node;
	return node;
}

void mmdb_writer_net(struct mmdb_writer *w, const char *text, uint32_t record)
{
	struct prefix p;
	struct fault why;

	const bool good = prefix_parse(&p, text, &why);
	assert(good);
	(void)good;
	unsigned from = 0;
	if (addr_is_v4(&p.addr) && p.bits >= ADDR_V4_BITS) {
		memset(p.addr.b, 0, 12);
		from = w->ip_version == 4 ? ADDR_V4_BITS : 0;
	}
	uint32_t node = 0;
	for (unsigned i = from; i < p.bits; i++) {
		uint32_t *half = &w->node[node][p.addr.b[i / 8] >> (7 - i % 8) & 1];
		assert(w->nodes < MMDB_WRITER_NODES);
		if (i + 1u == p.bits)
			*half = record;
		else
			node = open_record(w, half);
	}
}

/* --- the file ----------------------------------------------------------------------------- */

static void put_node(uint8_t *to, unsigned bits, uint32_t left, uint32_t right)
{
	if (bits == 24) {
		to[0] = (uint8_t)(left >> 16);
		be16_put(to + 1, left & 0xffff);
		to[3] = (uint8_t)(right >> 16);
		be16_put(to + 4, right & 0xffff);
	} else if (bits == 28) {
		be32_put(to, left << 8);
		to[3] = (uint8_t)((left >> 24 & 15) << 4 | (right >> 24 & 15));
		to[4] = (uint8_t)(right >> 16);
		be16_put(to + 5, right & 0xffff);
	} else {
		be32_put(to, left);
		be32_put(to + 4, right);
	}
}

static uint32_t on_file(const struct mmdb_writer *w, uint32_t record)
{
	const uint32_t nodes = w->claim_nodes ? w->claim_nodes : w->nodes;

	if (record == WRITER_EMPTY)
		return nodes;
	return record & WRITER_DATA ? nodes + 16 + (record & ~WRITER_DATA) : record;
}

static void put_metadata(struct mmdb_writer *w)
{
	mmdb_writer_map(w, 9);
	mmdb_writer_text(w, "binary_format_major_version");
	mmdb_writer_head(w, U16, 1);
	byte(w, 2);
	mmdb_writer_text(w, "binary_format_minor_version");
	mmdb_writer_head(w, U16, 0);
	mmdb_writer_text(w, "build_epoch");
	mmdb_writer_head(w, U64, 4);
	number(w, 1780666922, 4);
	mmdb_writer_text(w, "database_type");
	mmdb_writer_text(w, w->type);
	mmdb_writer_text(w, "description");
	mmdb_writer_map(w, 1);
	mmdb_writer_text(w, "en");
	mmdb_writer_text(w, "made by a test");
	mmdb_writer_text(w, "ip_version");
	mmdb_writer_head(w, U16, 1);
	byte(w, w->ip_version);
	mmdb_writer_text(w, "languages");
	mmdb_writer_array(w, 1);
	mmdb_writer_text(w, "en");
	mmdb_writer_text(w, "node_count");
	mmdb_writer_u32(w, w->claim_nodes ? w->claim_nodes : w->nodes);
	mmdb_writer_text(w, "record_size");
	mmdb_writer_head(w, U16, 1);
	byte(w, w->record_bits);
}

const char *mmdb_writer_bytes(struct mmdb_writer *w, const uint8_t *p, size_t len)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = memfd_create("test", MFD_CLOEXEC);
	const bool written = w->fd >= 0 && write(w->fd, p, len) == (ssize_t)len;
	assert(written);
	(void)written;
	snprintf(w->path, sizeof w->path, "/proc/self/fd/%d", w->fd);
	return w->path;
}

const char *mmdb_writer_file(struct mmdb_writer *w)
{
	const unsigned bytes = w->record_bits / 4;
	uint8_t *to = w->file;
	const uint32_t len = w->len;

	for (uint32_t i = 0; i < w->nodes; i++, to += bytes)
		put_node(to, w->record_bits, on_file(w, w->node[i][0]),
			on_file(w, w->node[i][1]));
	memset(to, 0, 16);
	to += 16;
	memcpy(to, w->data, len);
	to += len;
	memcpy(to, "\xab\xcd\xefMaxMind.com", 14);
	to += 14;
	put_metadata(w); /* behind the data, and taken away again */
	memcpy(to, w->data + len, w->len - len);
	to += w->len - len;
	w->len = len;
	w->file_len = (size_t)(to - w->file);
	return mmdb_writer_bytes(w, w->file, w->file_len);
}
