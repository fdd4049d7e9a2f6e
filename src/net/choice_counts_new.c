#include "net/choice_counts_new.h"

#include "answer/answer.h"
#include "base/log.h"

#include <stddef.h>
#include <sys/mman.h>

/* All of it in one piece. */
struct room {
	struct choice_counts counts;
	struct choose_turn turns[ANSWER_TURNS];
	_Alignas(64) struct tally_cell demand[CHOICE_COUNTS_DEMAND];
	_Alignas(64) struct tally_cell
		staged[CHOICE_COUNTS_STAGED]; /* not touched without one */
	_Alignas(64) struct tally_cell reasons[CHOICE_COUNTS_REASONS];
	_Alignas(64) struct tally_cell zones[CHOICE_COUNTS_ZONES]; /* likewise, unless they are counted */
	struct decision ring[CHOICE_COUNTS_RING];
};

struct choice_counts *choice_counts_new(void)
{
	struct room *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (r == MAP_FAILED)
		die("out of memory");
	r->counts = (struct choice_counts){ .turns = r->turns,
		.demand = { r->demand, CHOICE_COUNTS_DEMAND / TALLY_LINE, 0 },
		.staged = { r->staged, CHOICE_COUNTS_STAGED / TALLY_LINE, 0 },
		.reasons = { r->reasons, CHOICE_COUNTS_REASONS / TALLY_LINE, 0 },
		.zones = { r->zones, CHOICE_COUNTS_ZONES / TALLY_LINE, 0 },
		.ring = r->ring };
	return &r->counts;
}

void choice_counts_free(struct choice_counts *b)
{
	munmap(b, sizeof(struct room));
}
