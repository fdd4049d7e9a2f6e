/* ixfr.h - the records of an incremental transfer become change sets (RFC 1995 section 4).
 *
 * What goes stands behind the old SOA and what comes behind the new one, step by step, until the SOA
 * that opened it comes again. Helper threads; one transfer.
 */
#ifndef XFR_IXFR_H
#define XFR_IXFR_H

#include "base/fault.h"
#include "zone/change.h"

struct ixfr {
	const uint8_t *apex; /* borrowed */
	uint32_t last;       /* the serial that it leads to */
	struct change **steps;
	size_t n, room;
	struct change *step; /* that is being read; NULL: none */
	bool comes;          /* ... and its second half is */
	bool ended;          /* the SOA that closes it has come */
};

/* Records behind the first one. False, and a sentence without the peer's name: it is no incremental transfer.
 * `is_soa`: of the apex, with that serial. */
bool ixfr_take(struct ixfr *x, const struct change_record *rr, bool is_soa, uint32_t serial,
	struct fault *why);

/* All steps as one. NULL: there is none, or they are not in a row. */
struct change *ixfr_change(const struct ixfr *x, struct fault *why);

/* Fine for a zeroed one. */
void ixfr_fini(struct ixfr *x);

#endif
