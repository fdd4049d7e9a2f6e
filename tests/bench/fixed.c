#include "bench/fixed.h"

#include "base/bytes.h"

#include <stdbool.h>

enum { OPT = 11 /* without options */ };

static const uint8_t record[FIXED_RECORD] = { 0xc0, FIXED_HEADER, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1 };

size_t fixed_answer(const struct fixed *f, uint8_t *m, size_t len)
{
	size_t at = FIXED_HEADER;
	uint8_t opt[OPT];

	if (len < FIXED_HEADER + 5 || m[2] & 0x80)
		return 0;
	while (at < len && m[at])
		at += m[at] + 1u;
	at += 5; /* the root, type and class */
	if (at > len)
		return 0;
	const bool edns = m[11] && len >= at + OPT && !m[at] && be16_get(m + at + 1) == 41;
	if (edns)
		memcpy(opt, m + at, OPT);
	for (unsigned i = 0; i < f->records; i++, at += FIXED_RECORD)
		memcpy(m + at, record, FIXED_RECORD);
	if (edns) {
		opt[9] = opt[10] = 0;
		memcpy(m + at, opt, OPT);
		at += OPT;
	}
	m[2] = (uint8_t)(0x84 | (m[2] & 1)); /* QR, AA, RD as it came */
	m[3] = (uint8_t)f->rcode;
	be16_put(m + 6, f->records);
	be16_put(m + 8, 0);
	be16_put(m + 10, edns);
	return at;
}
