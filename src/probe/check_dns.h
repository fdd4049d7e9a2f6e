/* check_dns.h - does this server answer this question, and as it should?
 */
#ifndef PROBE_CHECK_DNS_H
#define PROBE_CHECK_DNS_H

#include "probe/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum check_dns_verdict {
	CHECK_DNS_PASSED,
	CHECK_DNS_FAILED, /* it is the answer, and not the one expected: `say` */
	CHECK_DNS_FOREIGN, /* not an answer to our question: wait on */
	CHECK_DNS_SHORT    /* it is truncated, and what is looked for may be in what is missing */
};

/* Looks at a reply to `p`'s query with that id. Bytes may be any. */
enum check_dns_verdict check_dns_judge(const struct probe_opts *p, uint16_t id,
	const uint8_t *reply, size_t len, char say[static 200]);

#endif
