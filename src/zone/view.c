#include "zone/view.h"

#include <stdio.h>
#include <string.h>

bool view_id(uint8_t to[static NAME_MOST], const uint8_t *apex, const char *class)
{
	const size_t len = name_len(apex), more = class ? strlen(class) + 2 : 0;

	if (more > VIEW_CLASS_MOST + 2 || len + more > NAME_MOST)
		return false;
	memmove(to + more, apex, len);
	if (!class)
		return true;
	to[0] = (uint8_t)(more - 1);
	to[1] = 0;
	memcpy(to + 2, class, more - 2);
	name_lower(to, to, len + more);
	return true;
}

bool view_parse(uint8_t to[static NAME_MOST], const char *text, struct fault *why)
{
	static const uint8_t root[1];
	const char *view = strstr(text, VIEW_FOR);
	const size_t len = view ? (size_t)(view - text) : strlen(text);
	const enum name_result is = name_parse(to, NULL, text, len, root);

	if (is != NAME_OK)
		return fault(why, "%s: as the name of a zone this %s", text, name_result_text(is));
	name_lower(to, to, name_len(to));
	return (!view_is(to) && view_id(to, to, view ? view + strlen(VIEW_FOR) : NULL)) ||
		fault(why, "%s: there can be no such zone", text);
}

const char *view_class(char to[static VIEW_CLASS_MOST + 1], const uint8_t *id)
{
	const size_t len = view_is(id) ? *id - 1u : 0;

	memcpy(to, id + 2, len);
	to[len] = 0;
	return to;
}

const char *view_text(char to[static NAME_TEXT], const uint8_t *id)
{
	char class[VIEW_CLASS_MOST + 1], name[NAME_TEXT];

	if (!view_is(id))
		return name_text(to, id);
	snprintf(to, NAME_TEXT, "%s" VIEW_FOR "%s", name_text(name, view_apex(id)), view_class(class, id));
	return to;
}
