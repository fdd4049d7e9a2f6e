/* state_saver.h - writes the state file, and what is forced to the store, so that the loop never
 * waits for a disk.
 *
 * One job at a time writes the newest state that it was given; who relies on it is told once it
 * is on the disk, or why it is not. Loop.
 */
#ifndef DAEMON_STATE_SAVER_H
#define DAEMON_STATE_SAVER_H

#include "base/fault.h"
#include "base/part.h"
#include "jobs/jobs.h"
#include "probe/still.h"
#include "steer/fail_over.h"
#include "steer/forced.h"

struct state_saver;
struct store;

/* What is to be written: taken by who saves it. */
struct state_picture {
	char *path;                /* own copy; NULL: no file */
	bool lost;                 /* there is no memory for the path */
	struct store *store;       /* borrowed for good: what is forced goes there, too; NULL */
	struct still *still;
	struct forced_list forced; /* own copy */
	struct fail_overs failed;  /* own copy */
	struct externals told;     /* own copy */
	struct part *conf;         /* held: of the probes' options */
};

/* As a state file has it (store/state_file.h). */
struct text;
void state_picture_text(const struct state_picture *p, struct text *to);
void state_picture_drop(struct state_picture *p);

struct state_saver *state_saver_new(struct jobs *jobs);
/* After jobs_stop(). */
void state_saver_free(struct state_saver *s);

/* Takes what `p` has. `told` (or NULL) is called on the loop when a state at least as new has
 * been written; with a sentence when it could not be, else with NULL. */
void state_saver_save(struct state_saver *s, struct state_picture *p,
	void (*told)(void *ctx, const struct fault *why), void *ctx);

/* At once, in this thread: at the end, after jobs_stop(). */
bool state_saver_save_now(struct state_saver *s, struct state_picture *p, struct fault *why);

/* Why the last write went wrong; "" when it did not. Borrowed until the loop runs again. */
const char *state_saver_fault(const struct state_saver *s);

#endif
