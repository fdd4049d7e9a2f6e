/* export.h - all that a simulation needs of a running server, as one JSON document.
 *
 *     format      "waymark-export 1"
 *     version, config, generation, time (UNIX)
 *     secret_key  the key that secrets are hashed with: another one each time
 *     tree        the configuration as it is loaded (tree.h)
 *     forced      [ { edge, state } ]: what the operator has forced
 *     verdicts    [ { probe, edge, addr, up, rtt_ms, load } ]: what probes last said, where
 *                 they have said something
 *     measured    all that is measured, and
 *     learned     of it, what no file of the configuration told: CSV (latency_csv.h)
 *
 * Control thread.
 */
#ifndef DAEMON_EXPORT_H
#define DAEMON_EXPORT_H

#include "base/fault.h"
#include "console/command.h"

#include <stdbool.h>

#define EXPORT_FORMAT "waymark-export 1"

enum { EXPORT_MOST = 256 << 20 }; /* bytes */

struct daemon;

/* With `config_only`, nothing behind the tree. False and one sentence when it is too large. */
bool export_write(const struct daemon *d, const struct report_health *health, bool config_only,
	struct text *out, struct fault *why);

#endif
