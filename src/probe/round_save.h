/* round_save.h - what a restart should find of the probes' verdicts.
 */
#ifndef PROBE_ROUND_SAVE_H
#define PROBE_ROUND_SAVE_H

#include "probe/round.h"
#include "store/state_file.h"

/* Adds the text of a state file: the verdicts of all targets that have one, and what is forced.
 * Control thread. */
void round_save(struct text *to, const struct round *round, const struct forced_list *forced,
	const struct state_file_clock *now);

#endif
