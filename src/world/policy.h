/* policy.h - what the operator has decided about answers, apart from zones and edges.
 *
 * Part of a world: a reload brings a new one.
 */
#ifndef WORLD_POLICY_H
#define WORLD_POLICY_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POLICY_TEXT = 255, POLICY_SECRET = 16, POLICY_SECRETS = 2 };

/* One character-string. */
struct policy_text {
	uint8_t len; /* 0: there is none, and who asks is refused */
	char text[POLICY_TEXT];
};

/* What a response is to response rate limiting. */
enum policy_class {
	CLASS_ANSWER,
	CLASS_NODATA,
	CLASS_NXDOMAIN,
	CLASS_REFERRAL,
	CLASS_ERROR,
	POLICY_CLASSES
};

enum { POLICY_RATE_MOST = 1000000, POLICY_SLIP_MOST = 255, POLICY_WINDOW_MOST_S = 3600 };

struct policy_limits {
	bool on;
	bool dry_run;                  /* counted, and sent all the same */
	uint32_t rate[POLICY_CLASSES]; /* responses a second to one address; 0: no limit */
	unsigned slip;     /* of limited responses every n-th is sent truncated; 0: none */
	unsigned window_s; /* how long a flood's debt lasts at most */
	const struct prefix *exempt; /* borrowed; lives as long as any world that has it */
	size_t n_exempt;
};

struct policy {
	bool ecs;              /* client subnets are heeded and echoed */
	uint32_t sample_every; /* so many answers from pools are one in the log of decisions; 0:
				  none */
	bool minimal;          /* additional sections hold glue only */

	/* CHAOS TXT: version.bind and version.server; id.server, hostname.bind and NSID (RFC
	 * 4892, RFC 5001). */
	struct policy_text version, identity;

	/* DNS cookies (RFC 9018): server cookies are made with the first secret and taken when
	 * made with any. */
	unsigned cookie_secrets; /* 0: cookies are passed over */
	uint8_t cookie_secret[POLICY_SECRETS][POLICY_SECRET];

	struct policy_limits limits;
};

#endif
