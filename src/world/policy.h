/* policy.h - what the operator has decided about answers, apart from zones and edges.
 *
 * Part of a world: a reload brings a new one.
 */
#ifndef WORLD_POLICY_H
#define WORLD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POLICY_TEXT = 255, POLICY_SECRET = 16, POLICY_SECRETS = 2 };

/* One character-string. */
struct policy_text {
	uint8_t len; /* 0: there is none, and who asks is refused */
	char text[POLICY_TEXT];
};

struct policy {
	bool ecs;     /* client subnets are heeded and echoed */
	bool minimal; /* additional sections hold glue only */

	/* CHAOS TXT: version.bind and version.server; id.server, hostname.bind and NSID (RFC
	 * 4892, RFC 5001). */
	struct policy_text version, identity;

	/* DNS cookies (RFC 9018): server cookies are made with the first secret and taken when
	 * made with any. */
	unsigned cookie_secrets; /* 0: cookies are passed over */
	uint8_t cookie_secret[POLICY_SECRETS][POLICY_SECRET];
};

#endif
