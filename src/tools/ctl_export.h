/* ctl_export.h - the kind of export that is done here.
 */
#ifndef TOOLS_CTL_EXPORT_H
#define TOOLS_CTL_EXPORT_H

#include "base/bytes.h"
#include "import/export_config.h"
#include "world/parts.h"

/* Zone files for any nameserver, with what pools answer clients of no known place. `from` is of `parts`; `key`: of the
 * zones' tables. */
void ctl_export_zones(struct plan *p, const struct export_from *from, const struct parts *parts, struct hash_key key);

#endif
