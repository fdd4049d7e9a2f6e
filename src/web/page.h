/* page.h - the console in the browser: its files, which are built into this program.
 *
 * What is in page/ is made into a table of bytes when npm is there (contrib/page.sh); without it the table is empty,
 * and who asks for the page is told so. All that is shown comes from the API: nothing here knows who looks.
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include <stdbool.h>
#include <stddef.h>

struct MHD_Response;

/* One that browsers may keep for good has a digest of what is in it in its name. */
struct page_file {
	const char *path, *type;
	const unsigned char *body; /* compressed (RFC 1952) */
	size_t len;
	const char *tag; /* a digest in quotes (RFC 9110 section 8.8.3); NULL: it may be kept for good */
};

/* Made at build time; the last has no path. */
extern const struct page_file page_files[];

/* By its path up to the query; NULL: there is none. */
const struct page_file *page_find(const char *target);

/* `kept`: whoever asks has it already, and is told so (RFC 9110 section 15.4.5). NULL: no memory. */
struct MHD_Response *page_response(const struct page_file *file, bool kept);

#endif
