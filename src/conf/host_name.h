/* host_name.h - the name of a host as people write it, and as DNS, HTTP and TLS have it.
 *
 * Names of other scripts become A-labels (IDNA 2008 as in UTS 46, non-transitional); what DNS
 * could not have as a host's name is refused. Any thread.
 */
#ifndef CONF_HOST_NAME_H
#define CONF_HOST_NAME_H

#include "base/fault.h"

#include <stdbool.h>

enum { HOST_NAME_MOST = 253 };

struct host_name {
	char name[HOST_NAME_MOST + 1]; /* no dot at its end; an address without brackets */
	unsigned port;                 /* 0: none was written */
	bool v6;                       /* it is an IPv6 address */
	bool odd; /* "_" in it: no host is called so (RFC 1123 2.1), but some are */
};

/* "www.example.com", "bücher.example", "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; with
 * `port` perhaps ":8443" behind it (then IPv6 is in brackets). */
bool host_name_parse(struct host_name *h, const char *text, bool port, struct fault *why);

/* Only that: any domain name in A-labels. One in ASCII stays as it is, whatever it is. */
bool host_name_in_ascii(struct host_name *h, const char *name, struct fault *why);

#endif
