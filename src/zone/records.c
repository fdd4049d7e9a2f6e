#include "zone/records.h"

#include "dns/name.h"

#include <stdlib.h>
#include <string.h>

void records_init(struct records *r, const uint8_t *origin)
{
	*r = (struct records){ 0 };
	name_lower(r->origin, origin, name_len(origin));
}

void records_fini(struct records *r)
{
	for (size_t i = 0; i < r->n_files; i++) {
		free(r->files[i].path);
		file_free(&r->files[i].content);
	}
	free(r->files);
	free(r->rr);
	free(r->bytes);
	*r = (struct records){ 0 };
}

uint8_t *records_room(struct records *r, size_t len)
{
	if (r->bytes_len + len > r->bytes_room) {
		const size_t room = r->bytes_room * 2 + len + 4096;
		uint8_t *bytes = r->bytes_len + len > UINT32_MAX ? NULL
								 : realloc(r->bytes, room);
		if (!bytes)
			return NULL;
		r->bytes = bytes;
		r->bytes_room = room;
	}
	return r->bytes + r->bytes_len;
}

bool records_add(struct records *r, const struct record *rr)
{
	if (r->n == r->room) {
		const size_t room = r->room ? r->room * 2 : 64;
		struct record *more = realloc(r->rr, room * sizeof *more);
		if (!more)
			return false;
		r->rr = more;
		r->room = room;
	}
	r->rr[r->n++] = *rr;
	return true;
}

struct fault_at records_at(const struct records *r, const struct record *rr)
{
	if (rr->file >= r->n_files)
		return (struct fault_at){ 0 };
	const struct records_file *f = &r->files[rr->file];
	return (struct fault_at){ f->path, f->content.text,
		f->content.text ? f->content.text + f->content.len : NULL, rr->line,
		rr->column };
}
