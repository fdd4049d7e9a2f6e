/* keeper.h - writes the state file, so that the control thread never waits for a disk.
 *
 * A thread of its own, which writes the newest text that it was given; older ones that it did
 * not get to are passed over. Control thread, all of these.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "base/fault.h"
#include "base/text.h"

struct keeper;

/* Starts the thread. */
struct keeper *keeper_new(void);

/* Takes the text; `path` is copied. */
void keeper_save(struct keeper *k, const char *path, struct text *text);

/* Waits until all that was given is written, or could not be. */
void keeper_wait(struct keeper *k);

/* True when the last write went well (or none was tried); else one sentence. */
bool keeper_well(struct keeper *k, struct fault *why);

/* Writes what is left, and ends the thread. Fine for NULL. */
void keeper_free(struct keeper *k);

#endif
