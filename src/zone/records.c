#include "zone/records.h"

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A group is
 *     the next group of the same name, or 0   4 bytes
 *     its kind: 1 for NSEC3's                 1 byte
 *     its name
 *     records
 *     a zero byte
 * and each record is a byte of flags, what they announce, the length of the RDATA, and this.
 * Numbers are in the machine's order.
 */
enum { GROUP_HEAD = 5, GROUP_KIND = 4 };

enum {
	HERE = 1,
	HAS_TYPE = 2,
	HAS_TTL = 4,
	HAS_LINE = 8, /* else it is the next line */
	SAME_LINE = 16,
	HAS_COLUMN = 32,
	HAS_FILE = 64,
	LONG = 128 /* RDLENGTH has two bytes */
};

enum { RECORD_HEAD_MOST = 1 + 2 + 4 + 4 + 2 + 2 + 2, FIRST = 4 };

void records_init(struct records *r, const uint8_t *id)
{
	const uint8_t *apex = view_apex(id);

	*r = (struct records){ .len = FIRST };
	r->origin_len = (uint8_t)name_len(apex);
	name_lower(r->origin, apex, r->origin_len);
	name_lower(r->id, id, name_len(id));
}

void records_fini(struct records *r)
{
	for (size_t i = 0; i < r->n_files; i++)
		free(r->files[i].path);
	free(r->files);
	free(r->bytes);
	*r = (struct records){ 0 };
}

/* --- adding ------------------------------------------------------------------------------- */

/* Room for `len` bytes and the zero that ends a group. */
static uint8_t *room_for(struct records *r, size_t len)
{
	const size_t wanted = r->len + len + 1;

	if (wanted > r->room) {
		size_t room = r->room + r->room / 2 + len + 4096;
		if (wanted > UINT32_MAX)
			return NULL;
		uint8_t *bytes = realloc(r->bytes, room);
		if (!bytes)
			return NULL;
		r->bytes = bytes;
		r->room = room;
	}
	return r->bytes + r->len;
}

/* `name` is relative. A group that got no record gives its place away. */
static uint32_t open_group(struct records *r, const uint8_t *name, size_t len, uint8_t kind)
{
	if (!r->n)
		r->file = r->n_files ? 0 : UINT16_MAX;
	if (r->group && !r->has_record) {
		r->len = r->group;
		r->groups--;
	} else if (r->group) {
		r->len++;
	}
	r->group = RECORDS_NONE;
	uint8_t *p = room_for(r, GROUP_HEAD + len + 1);
	if (!p)
		return RECORDS_NONE;
	memset(p, 0, GROUP_KIND);
	p[GROUP_KIND] = kind;
	name_lower(p + GROUP_HEAD, name, len);
	p[GROUP_HEAD + len] = 0;
	p[GROUP_HEAD + len + 1] = 0;
	r->group = (uint32_t)r->len;
	r->last = (struct record){ .file = r->file };
	r->has_record = false;
	r->len += GROUP_HEAD + len + 1;
	r->groups++;
	return r->group;
}

uint32_t records_owner(struct records *r, const uint8_t *name, size_t len)
{
	return open_group(r, name, len - r->origin_len, 0);
}

/* NSEC3, or an RRSIG over it? */
static uint8_t kind_of(const struct record *rr)
{
	const uint16_t type = rr->type == RRTYPE_RRSIG && rr->rdlen >= 2
		? (uint16_t)be16_get(rr->rdata)
		: rr->type;

	return type == RRTYPE_NSEC3;
}

/* The last group is one of the same name as `group`, and of `kind`. */
static bool reopen(struct records *r, uint32_t group, uint8_t kind)
{
	uint8_t name[NAME_MOST];

	if (group == r->group && !r->has_record)
		r->bytes[group + GROUP_KIND] = kind;
	if (group == r->group && r->bytes[group + GROUP_KIND] == kind)
		return true;
	const size_t len = name_len(r->bytes + group + GROUP_HEAD);
	memcpy(name, r->bytes + group + GROUP_HEAD, len);
	return open_group(r, name, len - 1, kind) != RECORDS_NONE;
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, 2);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
	return p + 4;
}

/* Returns what is behind it. */
static uint8_t *put_head(
	uint8_t *p, const struct record *rr, const struct record *last, bool first)
{
	uint8_t *flags = p++, has = HERE;

	if (rr->type != last->type) {
		has |= HAS_TYPE;
		p = put16(p, rr->type);
	}
	if (rr->ttl_s != last->ttl_s || first) {
		has |= HAS_TTL;
		p = put32(p, rr->ttl_s);
	}
	if (rr->line == last->line) {
		has |= SAME_LINE;
	} else if (rr->line != last->line + 1) {
		has |= HAS_LINE;
		p = put32(p, rr->line);
	}
	if (rr->column != last->column) {
		has |= HAS_COLUMN;
		p = put16(p, rr->column);
	}
	if (rr->file != last->file) {
		has |= HAS_FILE;
		p = put16(p, rr->file);
	}
	if (rr->rdlen > UINT8_MAX) {
		has |= LONG;
		p = put16(p, rr->rdlen);
	} else {
		*p++ = (uint8_t)rr->rdlen;
	}
	*flags = has;
	return p;
}

static void count(struct records *r, const struct record *rr)
{
	const bool sig = rr->type == RRTYPE_RRSIG;

	r->n++;
	r->rdata_len += rr->rdlen;
	r->soas += rr->type == RRTYPE_SOA;
	r->denials += sig || rr->type == RRTYPE_NSEC || rr->type == RRTYPE_NSEC3 ||
		rr->type == RRTYPE_NSEC3PARAM;
	if (rr->type == RRTYPE_SOA ||
		(sig && rr->rdlen >= 2 && be16_get(rr->rdata) == RRTYPE_SOA)) {
		r->soa_rrs++;
		r->soa_len += rr->rdlen;
	}
}

bool records_add(struct records *r, uint32_t group, const struct record *rr)
{
	if (!reopen(r, group, kind_of(rr)))
		return false;
	uint8_t *p = room_for(r, RECORD_HEAD_MOST + rr->rdlen);
	if (!p)
		return false;
	p = put_head(p, rr, &r->last, !r->has_record);
	memcpy(p, rr->rdata, rr->rdlen);
	p += rr->rdlen;
	*p = 0;
	r->len = (size_t)(p - r->bytes);
	r->last = *rr;
	r->has_record = true;
	count(r, rr);
	return true;
}

/* --- walking ------------------------------------------------------------------------------ */

static uint16_t get16(const uint8_t **p)
{
	uint16_t v;

	memcpy(&v, *p, 2);
	*p += 2;
	return v;
}

static uint32_t get32(const uint8_t **p)
{
	uint32_t v;

	memcpy(&v, *p, 4);
	*p += 4;
	return v;
}

/* Returns what is behind the record, or NULL at the group's end. */
static const uint8_t *get_record(struct record *rr, const uint8_t *p, uint32_t at)
{
	const uint8_t has = *p++;

	if (!has)
		return NULL;
	rr->at = at;
	if (has & HAS_TYPE)
		rr->type = get16(&p);
	if (has & HAS_TTL)
		rr->ttl_s = get32(&p);
	if (has & HAS_LINE)
		rr->line = get32(&p);
	else if (!(has & SAME_LINE))
		rr->line++;
	if (has & HAS_COLUMN)
		rr->column = get16(&p);
	if (has & HAS_FILE)
		rr->file = get16(&p);
	rr->rdlen = has & LONG ? get16(&p) : *p++;
	rr->rdata = p;
	return p + rr->rdlen;
}

struct records_walk records_all(const struct records *r)
{
	return (struct records_walk){
		.r = r, .all = true, .then = r->group ? FIRST : RECORDS_NONE
	};
}

struct records_walk records_each(const struct records *r, uint32_t group)
{
	return (struct records_walk){ .r = r, .then = group };
}

static void enter_group(struct records_walk *walk)
{
	const uint8_t *group = walk->r->bytes + walk->then, *p = group;
	const uint8_t *name = group + GROUP_HEAD;

	walk->rr = (struct record){ .owner = name, .file = walk->r->file };
	walk->at = (uint32_t)(name + name_len(name) - walk->r->bytes);
	walk->then = get32(&p);
}

bool records_walk_next(struct records_walk *walk)
{
	const uint8_t *const bytes = walk->r->bytes;

	for (;;) {
		if (walk->at) {
			const uint8_t *next = get_record(&walk->rr, bytes + walk->at, walk->at);
			if (next) {
				walk->at = (uint32_t)(next - bytes);
				return true;
			}
			if (walk->all)
				walk->then = walk->at < walk->r->len ? walk->at + 1
								     : RECORDS_NONE;
			walk->at = 0;
		}
		if (!walk->then)
			return false;
		enter_group(walk);
	}
}

uint32_t records_next_group(const struct records *r, uint32_t group)
{
	if (!group)
		return r->group ? FIRST : RECORDS_NONE;
	if (group == r->group)
		return RECORDS_NONE;
	const uint8_t *p = records_group_name(r, group);
	struct record rr;
	p += name_len(p);
	for (const uint8_t *next; (next = get_record(&rr, p, 0)); p = next)
		;
	return (uint32_t)(p + 1 - r->bytes);
}

const uint8_t *records_group_name(const struct records *r, uint32_t group)
{
	return r->bytes + group + GROUP_HEAD;
}

bool records_group_nsec3(const struct records *r, uint32_t group)
{
	return r->bytes[group + GROUP_KIND];
}

void records_link(struct records *r, uint32_t group, uint32_t next)
{
	memcpy(r->bytes + group, &next, sizeof next);
}

uint8_t *records_full_name(
	const struct records *r, const uint8_t *relative, uint8_t to[static NAME_MOST])
{
	const size_t len = name_len(relative) - 1;

	memcpy(to, relative, len);
	memcpy(to + len, r->origin, r->origin_len);
	return to;
}

/* --- faults ------------------------------------------------------------------------------- */

enum { BLOCK = 1 << 16, LINE_MOST = 4 * UINT16_MAX };

/* What of line `line` there is in a file that is read from its start. */
static void copy_line(int fd, uint32_t line, struct text *to, char *block)
{
	uint32_t n = 1;
	ssize_t got;

	while ((got = read(fd, block, BLOCK)) > 0) {
		const char *p = block, *const end = block + got;
		for (const char *nl; n < line && (nl = memchr(p, '\n', (size_t)(end - p)));
			p = nl + 1)
			n++;
		if (n < line)
			continue;
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		text_add_bytes(to, p, (size_t)((nl ? nl : end) - p));
		if (nl || to->len > LINE_MOST)
			return;
	}
}

/* Empty when the file is not what it was. */
static void read_line(const struct records_file *file, uint32_t line, struct text *to)
{
	struct file_stamp now;
	char *block = malloc(BLOCK);
	const int fd = block && file_stamp(file->path, &now) &&
			file_stamp_same(&now, &file->stamp)
		? file_open(file->path, UINT64_MAX, NULL)
		: -1;

	if (fd >= 0) {
		copy_line(fd, line, to, block);
		close(fd);
	}
	free(block);
}

/* Where `rr` was written; with its line, which `line` keeps. */
static struct fault_at written_at(
	const struct records *r, const struct record *rr, struct text *line, bool shown)
{
	if (rr->file >= r->n_files)
		return (struct fault_at){ 0 };
	const struct records_file *file = &r->files[rr->file];
	if (shown)
		read_line(file, rr->line, line);
	return (struct fault_at){ .path = file->path,
		.text = line->len ? text_get(line) : NULL,
		.line = rr->line,
		.column = rr->column };
}

bool records_error(const struct records *r, const struct record *rr, struct faults *f,
	const char *fmt, ...)
{
	struct text line = { 0 };
	const struct fault_at at = written_at(r, rr, &line, f->errors < FAULTS_MOST);
	char say[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(say, sizeof say, fmt, ap);
	va_end(ap);
	faults_error(f, &at, "%s", say);
	text_fini(&line);
	return false;
}

void records_warning(const struct records *r, const struct record *rr, struct faults *f,
	const char *fmt, ...)
{
	struct text line = { 0 };
	const struct fault_at at = written_at(r, rr, &line, f->warnings < FAULTS_MOST);
	char say[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(say, sizeof say, fmt, ap);
	va_end(ap);
	faults_warning(f, &at, "%s", say);
	text_fini(&line);
}
