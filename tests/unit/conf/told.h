/* told.h - what reading a configuration tells, one line a fault.
 */
#ifndef UNIT_CONF_TOLD_H
#define UNIT_CONF_TOLD_H

#include "base/text.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct told_case {
	const char *say; /* what the case is about */
	const char *yaml;
	const char *want; /* "line:column: error: sentence\n" of each fault; without line and
			     column when of the file */
};

/* The configuration at /etc/waymark/t.yaml with this text. True when it was taken; `c` is then
 * the caller's to finish, else empty. `*lines` has the faults without the path, the shown line
 * and its caret; the caller lets go of it. */
bool told_read(struct conf *c, const char *yaml, struct text *lines);

/* A configuration in which every key is used, and no fault is told. */
void told_complete(struct conf *c);

/* Fails the test where a wire name is not the one of this text. */
void told_name(const uint8_t *wire, const char *want);

/* What every configuration needs, for the faults of the rest: lines 1 and 2. */
#define SERVER "server: { listen: 192.0.2.1 }\n"
#define ZONES  "zones: [ { dir: z } ]\n"

/* Fails the test where a case does not tell exactly what it should. */
void told_check(const struct told_case *cases, size_t n);

#endif
