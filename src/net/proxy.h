/* proxy.h - the header in which a proxy tells whose bytes it hands on (the PROXY protocol of HAProxy, versions
 * 1 and 2).
 *
 * Only from whom the operator has named: whoever may write such a header may be anybody.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROXY_FIRST = 12, /* bytes that tell what it is */
	PROXY_MOST = 1024 /* of a header with all that stands in it */
};

enum proxy_result {
	PROXY_WHOLE,
	PROXY_MORE, /* so far it is one */
	PROXY_WRONG /* it is none */
};

struct proxy_header {
	size_t len;         /* of it; of PROXY_MORE: so many bytes are to be there before the next call, and no
			       more are its own for sure */
	bool told;          /* `client` is; else it is who has sent this, as of the proxy's own checks */
	struct addr client; /* IPv4 mapped */
	bool datagram;      /* the client came to the proxy over UDP: its address may be forged */
};

/* Reads what is there. Version 1, which is text, only with `text`: it is for streams. */
enum proxy_result proxy_read(
	struct proxy_header *to, const uint8_t *bytes, size_t len, bool text);

#endif
