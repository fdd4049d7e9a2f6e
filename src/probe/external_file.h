/* external_file.h - verdicts out of a file that somebody else writes. Any thread.
 */
#ifndef PROBE_EXTERNAL_FILE_H
#define PROBE_EXTERNAL_FILE_H

#include "base/fault.h"
#include "steer/external.h"

enum { EXTERNAL_FILE_MOST = 8 << 20 };

/* A file of verdicts: a line each, and "#" begins a remark.
 *
 *     EDGE|ADDRESS up|down [for 90s] [load 0.7] [reason ...]
 *
 * Of an address it is of all edges that have it: `edge` is "" then. Any bytes may come. False,
 * with line and column, and `to` is empty; `why` names the file `about->path`. */
struct external_file {
	const char *path, *probe;
	int64_t told_us; /* monotonic, when it was written: from then on verdicts are good. Before 0: before the machine
			  * was started */
	int64_t when_s;   /* the same by the time of day */
	uint64_t for_ms;  /* ... so long, unless it says otherwise; 0: for good */
};
bool external_read(struct externals *to, const char *text, size_t len,
	const struct external_file *about, struct fault *why);

#endif
