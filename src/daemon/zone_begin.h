/* zone_begin.h - a zone that is added without any records begins with a SOA and the nameservers of its template.
 */
#ifndef DAEMON_ZONE_BEGIN_H
#define DAEMON_ZONE_BEGIN_H

#include "base/fault.h"
#include "conf/conf.h"
#include "zone/compile.h"

/* The caller's: zone_drop(). Any thread. NULL: a fault, or there is no memory. */
struct zone *zone_begin(const uint8_t *apex, const struct conf_rule *rule,
	const struct compile_opts *opts, struct faults *f);

#endif
