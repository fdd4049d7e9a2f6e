/* json_path.h - one value of a JSON text that may be anything. Any thread.
 */
#ifndef PROBE_JSON_PATH_H
#define PROBE_JSON_PATH_H

#include "base/fault.h"

#include <stddef.h>

enum { JSON_PATH_MOST = 255, JSON_PATH_VALUE = 1024 };

/* "checks.db[0].state", with "$." before it or without. False: it is no path; one sentence. */
bool json_path_is(const char *path, struct fault *why);

enum json_path_got {
	JSON_PATH_FOUND,
	JSON_PATH_NONE,   /* there is nothing, or a list or mapping */
	JSON_PATH_NO_JSON /* the text is no JSON (RFC 8259) */
};

/* The value as text, cut at JSON_PATH_VALUE - 1 bytes: a string's own, a number, true, false or null. */
enum json_path_got json_path_find(
	const char *path, const char *text, size_t len, char to[static JSON_PATH_VALUE]);

#endif
