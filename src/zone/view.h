/* view.h - several zones of one apex, each for a class of clients, and how they are told apart.
 *
 * A zone's *id* is what it is known by wherever zones are kept: its apex; or, of a view, the apex
 * below a label that begins with a NUL and has the name of the class behind it, lower case. So an id is a name as
 * any other to who only keeps and compares it. No zone that anybody names has such an apex
 * (view_is()), and none goes on the wire. Any thread.
 */
#ifndef ZONE_VIEW_H
#define ZONE_VIEW_H

#include "base/fault.h"
#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VIEW_CLASS_MOST = 62 };

/* The id of the zone at `apex` (wire, lower case) for clients of that class (NULL: of all). `to` may be `apex`. False: both together
 * are too long. */
bool view_id(uint8_t to[static NAME_MOST], const uint8_t *apex, const char *class);

/* Is it the id of a view? */
static inline bool view_is(const uint8_t *id)
{
	return *id && !id[1];
}

/* The apex, which stands in the id. */
static inline const uint8_t *view_apex(const uint8_t *id)
{
	return view_is(id) ? id + 1 + *id : id;
}

#define VIEW_FOR " for "

/* The id by what people write: "example.org" or "example.org for office". False: it is none. */
bool view_parse(uint8_t to[static NAME_MOST], const char *text, struct fault *why);

/* "example.org." or "example.org. for office". */
const char *view_text(char to[static NAME_TEXT], const uint8_t *id);

/* The name of the class; "": it is no view's. */
const char *view_class(char to[static VIEW_CLASS_MOST + 1], const uint8_t *id);

#endif
