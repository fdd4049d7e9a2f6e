/* http_value.h - is a value in an answer what the probe wants it to be? Any thread.
 */
#ifndef PROBE_HTTP_VALUE_H
#define PROBE_HTTP_VALUE_H

#include "probe/check.h"

/* What has come. */
struct http_seen {
	bool met, equal; /* its header; and it holds */
	float number;    /* of the header; NAN: it is none */
	const char *body; /* NULL: none was kept */
	size_t body_len;
};

/* Is the text what `is` or `matches` wants? */
bool http_value_holds(const struct probe_value *v, const char *text, size_t len);

/* Value `i` of the probe. False: the check has failed, and says why. */
bool http_value_check(struct check *c, unsigned i, const struct http_seen *seen);

#endif
