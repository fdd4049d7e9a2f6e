/* keep.h - what survives a restart, as text: forced states, and the probes' last verdicts.
 *
 * JSON. Times are kept as spans and counted on by the kernel's clock since boot, or by the time
 * of day after a reboot, so that setting the time of day changes nothing while the machine
 * runs. Verdicts from before are hints: they have an age. Control thread.
 */
#ifndef CTL_KEEP_H
#define CTL_KEEP_H

#include "base/fault.h"
#include "base/text.h"
#include "probe/round.h"
#include "steer/forced.h"

enum { KEEP_MOST = 256 << 20 };

struct keep_clock {
	char boot[40]; /* which boot of the kernel; "" when it does not tell */
	int64_t boot_ms, wall_ms;
	uint64_t now_us; /* monotonic */
};
struct keep_clock keep_now(void);

struct keep_verdict {
	const char *probe, *edge; /* names */
	struct addr addr;
	bool up;
	int64_t since_us; /* monotonic, as in a round_view */
};

struct keep {
	struct forced_list forced;
	struct keep_verdict *verdicts; /* borrow from `tree` */
	size_t n;
	int64_t age_ms;   /* of the verdicts */
	unsigned strange; /* entries that were passed over */
	void *tree;
};

void keep_write(struct text *to, const struct round *round, const struct forced_list *forced,
	const struct keep_clock *now);

/* Any bytes may come. False, with the place in the file `path`, when it is no such text; `k` is
 * empty then. */
bool keep_read(struct keep *k, const char *path, const char *text, size_t len,
	const struct keep_clock *now, struct fault *why);
void keep_fini(struct keep *k);

#endif
