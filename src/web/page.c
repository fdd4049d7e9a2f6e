#include "web/page.h"

#include "web/manage_inner.h"
#include "web/route.h"

#include <microhttpd.h>
#include <stdint.h>
#include <string.h>

/* Nothing but what is here, nothing in the page itself, in nobody's frame. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
			     "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const struct page_file *page_find(const char *target)
{
	const size_t len = strcspn(target, "?");

	for (const struct page_file *f = page_files; f->path; f++)
		if (strlen(f->path) == len && memcmp(f->path, target, len) == 0)
			return f;
	return NULL;
}

struct MHD_Response *page_response(const struct page_file *file, bool kept)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		kept ? 0 : file->len, (void *)(uintptr_t)file->body, MHD_RESPMEM_PERSISTENT);

	if (!response)
		return NULL;
	if (!kept) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, file->type);
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
		file->tag ? "no-cache" : "public, max-age=31536000, immutable");
	if (file->tag)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, file->tag);
	MHD_add_response_header(response, "Content-Security-Policy", policy);
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	return response;
}

/* All browsers take it; what does not is no browser, and has the API. */
static bool takes_gzip(struct request *r)
{
	const char *accept = MHD_lookup_connection_value(r->at, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING);

	return (accept && strstr(accept, "gzip")) ||
		manage_refuse(r, MHD_HTTP_NOT_ACCEPTABLE, NULL, "this is sent compressed only: Accept-Encoding: gzip");
}

static bool has_tag(struct request *r, const struct page_file *file)
{
	const char *tags = file->tag ? MHD_lookup_connection_value(r->at, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH) : NULL;

	return tags && strstr(tags, file->tag);
}

static bool give(struct request *r, const struct manage_hooks *hooks)
{
	const struct page_file *file = page_find(r->target);

	if (!hooks->page || !hooks->page(hooks->ctx))
		manage_refuse(r, MHD_HTTP_NOT_FOUND, &manage_own_counts(r->manage)->malformed,
			"there is nothing here (management: { console: on } has a console)");
	else if (!page_files->path)
		manage_refuse(r, MHD_HTTP_NOT_FOUND, NULL,
			"this program was built without the console's page, since npm was not there (doc/console.md)");
	else if (!file)
		manage_refuse(r, MHD_HTTP_NOT_FOUND, NULL, "there is no such file");
	else if (has_tag(r, file)) {
		r->page = file;
		r->status = MHD_HTTP_NOT_MODIFIED;
	}
	else if (takes_gzip(r)) {
		r->page = file;
		r->status = MHD_HTTP_OK;
	}
	return true;
}

const struct route page_routes[] = {
	{ "GET", "/", NULL, NULL, give, 0 },
	{ "GET", "/assets/", NULL, NULL, give, 0 },
	{ 0 },
};
