#include "net/books_new.h"

#include "answer/answer.h"
#include "base/log.h"

#include <stddef.h>
#include <sys/mman.h>

/* All of it in one piece. */
struct room {
	struct books books;
	struct choose_turn turns[ANSWER_TURNS];
	_Alignas(64) struct tally_cell demand[BOOKS_DEMAND];
	_Alignas(64) struct tally_cell reasons[BOOKS_REASONS];
	struct decision ring[BOOKS_RING];
};

struct books *books_new(void)
{
	struct room *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (r == MAP_FAILED)
		die("out of memory");
	r->books = (struct books){ .turns = r->turns,
		.demand = { r->demand, BOOKS_DEMAND / TALLY_LINE, 0 },
		.reasons = { r->reasons, BOOKS_REASONS / TALLY_LINE, 0 },
		.ring = r->ring };
	return &r->books;
}

void books_free(struct books *b)
{
	munmap(b, sizeof(struct room));
}
