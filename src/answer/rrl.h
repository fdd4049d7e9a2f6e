/* rrl.h - response rate limiting: what a spoofed net is sent stays small.
 *
 * A token bucket for each net that answers go to, at three widths (IPv4 /32, /24, /16; IPv6
 * /64, /56, /48) and for each class of response: a net may have four times, the widest sixteen
 * times the responses of one address. As with BIND and NSD (Vixie, "DNS Response Rate
 * Limiting"), a flood that goes on runs into debt and then gets slips only: truncated answers
 * no longer than the query, which an honest asker takes up over TCP. A narrow net that is
 * limited takes nothing from the wide ones around it.
 *
 * Fixed memory, drawn once; all workers share it without a lock: a race miscounts a response at
 * worst. No allocation, lock or system call but in rrl_new().
 */
#ifndef ANSWER_RRL_H
#define ANSWER_RRL_H

#include "answer/rrl_nets.h"
#include "base/addr.h"
#include "world/policy.h"

enum { RRL_BUCKETS = 1 << 18, RRL_BYTES = RRL_BUCKETS * 16 }; /* 4 MiB */

struct rrl;

/* With a random key, so that nobody can choose addresses that share a bucket. NULL:
 * no memory. */
struct rrl *rrl_new(void);
void rrl_free(struct rrl *r);

enum rrl_verdict {
	RRL_SEND,
	RRL_SLIP, /* limited: send it truncated */
	RRL_DROP
};

/* Accounts for a response of a class to `to` (plain) and tells what to do with it. `now_us` is
 * monotonic time; a little going back is fine. Any thread. */
enum rrl_verdict rrl_account(struct rrl *r, const struct policy_limits *limits,
	const struct addr *to, enum policy_class class, uint64_t now_us);

/* The nets that are being limited, exempt ones left out. */
struct rrl_nets *rrl_limited(struct rrl *r);

#endif
