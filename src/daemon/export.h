/* export.h - all that a simulation needs of a running server, as one JSON document.
 *
 *     format      "waymark-export 1"
 *     version, config, generation, time (UNIX)
 *     secret_key  the key that secrets are hashed with: another one each time
 *     tree        the configuration as it is loaded (tree.h)
 *     forced      [ { edge, state } ]: what the operator has forced
 *     verdicts    [ { probe, edge, addr, up, rtt_ms, load } ]: what probes last said, where
 *                 they have said something
 *     failed_over [ { pool, member } ]: where pools in order stay that have failed over
 *     sources     [ { edge, taken, impossible } ]: what came of each edge of late (latency_source())
 *     measured    all that is measured, and
 *     learned     of it, what no file of the configuration told: CSV (latency_csv.h)
 *
 * Written piece by piece, so that it is never whole in memory. Any thread.
 */
#ifndef DAEMON_EXPORT_H
#define DAEMON_EXPORT_H

#include "report/report_view.h"

#include <stdbool.h>

#define EXPORT_FORMAT "waymark-export 1"

enum { EXPORT_MOST = 1 << 30 }; /* bytes that a reader takes */

/* With `config_only`, nothing behind the tree. */
void export_write(const struct report_view *v, bool config_only, struct text *out);

#endif
