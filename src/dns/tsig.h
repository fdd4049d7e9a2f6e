/* tsig.h - transaction signatures (RFC 8945), as far as a server without keys needs them: to
 * say that it does not know the key.
 */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include "dns/query.h"

enum { TSIG_BADKEY = 17 };

/* Appends to the message `to` of `len` bytes the unsigned TSIG record that says BADKEY (RFC
 * 8945 section 5.3.2), unless that makes it longer than `most`. Returns the length. */
size_t tsig_refuse(const struct query *q, uint8_t *to, size_t len, size_t most);

#endif
