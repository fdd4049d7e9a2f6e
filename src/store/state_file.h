/* state_file.h - what survives a restart, as text: forced states, and the probes' last
 * verdicts.
 *
 * JSON. Times are kept as spans and counted on by the kernel's clock since boot, or by the time
 * of day after a reboot, so that setting the time of day changes nothing while the machine
 * runs. Verdicts from before are hints: they have an age. Control thread.
 */
#ifndef STORE_STATE_FILE_H
#define STORE_STATE_FILE_H

#include "base/addr.h"
#include "base/fault.h"
#include "base/text.h"
#include "steer/external.h"
#include "steer/fail_over.h"
#include "steer/forced.h"

enum { STATE_FILE_MOST = 256 << 20 };

struct state_file_clock {
	char boot[40]; /* which boot of the kernel; "" when it does not tell */
	int64_t boot_ms, wall_ms;
	uint64_t now_us; /* monotonic */
};
struct state_file_clock state_file_now(void);

struct state_file_verdict {
	const char *probe, *edge; /* names */
	struct addr addr;
	bool up;
	int64_t since_us; /* monotonic, as the probes tell it */
};

struct state_file {
	struct forced_list forced;
	struct fail_overs failed;
	struct externals told;
	struct state_file_verdict *verdicts; /* of one that was read: borrow from `tree` */
	size_t n;
	int64_t age_ms;   /* of the verdicts */
	unsigned strange; /* entries that were passed over */
	void *tree;
};

/* Of `s`, `forced`, `failed`, `told` and `verdicts` are written; all are borrowed for the call. */
void state_file_write(
	struct text *to, const struct state_file *s, const struct state_file_clock *now);

/* Any bytes may come. False, with the place in the file `path`, when it is no such text; `s` is
 * empty then. */
bool state_file_read(struct state_file *s, const char *path, const char *text, size_t len,
	const struct state_file_clock *now, struct fault *why);
void state_file_fini(struct state_file *s);

#endif
