/* cookie.h - DNS cookies (RFC 7873) made as RFC 9018 says, so that servers that share a secret
 * take each other's.
 *
 * A server cookie tells that its bearer has received an answer at its address before: it is no
 * spoofed source. No allocation, lock or system call.
 */
#ifndef ANSWER_COOKIE_H
#define ANSWER_COOKIE_H

#include "base/addr.h"
#include "dns/edns.h"
#include "world/policy.h"

enum cookie_is {
	COOKIE_NONE,  /* only the client's part is there */
	COOKIE_GOOD,  /* ours, of the last hour */
	COOKIE_WRONG, /* not ours, or too old */
};

/* What a query's cookie is worth, and in `to` what goes back with the answer: a good one of the
 * last half hour that the first secret made as it is, else a new one. `source` as it came;
 * `now_s` is UNIX time. The query has a cookie and the policy a secret. */
enum cookie_is cookie_check(uint8_t to[static EDNS_COOKIE_FULL], const struct policy *policy,
	const struct edns *asked, const struct addr *source, uint32_t now_s);

#endif
