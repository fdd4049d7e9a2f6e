#include "dns/tsig.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "dns/writer.h"

#include <string.h>

enum { FIXED = 10, TIMES = 8, TAIL = 2 + 2 + 2 + 2 }; /* MAC size, ID, error, other size */

size_t tsig_refuse(const struct query *q, uint8_t *to, size_t len, size_t most)
{
	const struct query_tsig *t = &q->tsig;
	const size_t rdlen = t->algorithm_len + (size_t)TIMES + TAIL;
	struct writer w = { to, len, most };
	uint8_t *p = to + len;

	if (!writer_fits(&w, t->key_len + FIXED + rdlen))
		return len;
	memcpy(p, t->key, t->key_len);
	p += t->key_len;
	be16_put(p, RRTYPE_TSIG);
	be16_put(p + 2, RRCLASS_ANY);
	be32_put(p + 4, 0);
	be16_put(p + 8, (unsigned)rdlen);
	memcpy(p + FIXED, t->algorithm, t->algorithm_len + (size_t)TIMES);
	p += FIXED + t->algorithm_len + TIMES;
	be16_put(p, 0); /* no MAC */
	memcpy(p + 2, t->id, 2);
	be16_put(p + 4, TSIG_BADKEY);
	be16_put(p + 6, 0);
	writer_count(&w, WRITER_ADDITIONAL, 1);
	return len + t->key_len + FIXED + rdlen;
}
