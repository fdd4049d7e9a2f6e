/* policy.h - what the operator has decided about answers, apart from zones and edges.
 *
 * Part of a world: a reload brings a new one.
 */
#ifndef WORLD_POLICY_H
#define WORLD_POLICY_H

#include "base/addr.h"
#include "dns/edns.h"
#include "dns/tsig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netmap;

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

/* One of those who may: from that net, and with that key, that certificate and over TLS where these are asked
 * for. */
struct policy_allow {
	struct prefix net;  /* all of IPv4 and IPv6 are ::/0 */
	const uint8_t *key; /* the name in a struct tsig_key; NULL: signed or not */
	const char *certificate; /* a name of the client's, lower case; NULL: any or none */
	bool secret;             /* what nobody between can read */
};

struct policy_access {
	const struct policy_allow *allow;
	size_t n;
};

/* Who may change what of a zone (RFC 2136). */
struct policy_update {
	struct policy_access who;
	const uint8_t *const *names; /* patterns of labels below the apex, "*" being any labels */
	size_t n_names;              /* 0: all */
	const uint16_t *types;
	size_t n_types; /* 0: all */
};

/* How a change of ours makes the next serial. */
enum policy_serial { SERIAL_INCREMENT, SERIAL_UNIXTIME, SERIAL_DATE };

/* What may be done with a zone, and by whom. */
struct policy_zone {
	struct policy_access query; /* nobody named: everybody */
	struct policy_access transfer;
	struct policy_access notify; /* of a secondary: who may say that there is something new */
	bool is_secondary;
	bool plain; /* some peer may have it that is to get addresses in the place of EDGE */
	struct policy_access forward; /* ... whose updates go on to its primary */
	const struct policy_update *update;
	size_t n_update; /* 0: it cannot be changed */
	enum policy_serial serial;
	/* Of a view (zone/view.h): whose clients have the value 1 here, and whether a client is who the subnet (ECS) says. */
	const struct netmap *clients; /* NULL: it is none */
	bool by_subnet;
};

enum { POLICY_WATCHED = 16 };

/* A client of whom all answers go to the log of decisions. */
struct policy_watch {
	struct prefix net;
	struct prefix subnets; /* the same, no longer than what resolvers send: /24 and /56 */
};

struct policy {
	bool ecs;              /* client subnets are heeded and echoed */
	uint32_t sample_every; /* so many answers from pools are one in the log of decisions; 0:
				  none */
	uint32_t dnstap_every, log_every; /* so many queries are one for dnstap, one in the log of queries; 0:
					   * none */
	uint32_t sampled_every; /* ... and one that is looked at for who asks most; 0: nobody looks */
	unsigned n_watched;    /* of `watched` */
	bool counts_more;      /* queries are counted by zone, and answers by their time */
	bool minimal;          /* additional sections hold glue only */
	/* Bytes of a message over UDP that we say we take, and of answers, over IPv4 and IPv6: EDNS_PAYLOAD_LEAST to
	 * EDNS_PAYLOAD; 0: that. */
	uint32_t udp_size[2];

	/* CHAOS TXT: version.bind and version.server; id.server, hostname.bind and NSID (RFC
	 * 4892, RFC 5001). */
	struct policy_text version, identity;

	/* DNS cookies (RFC 9018): server cookies are made with the first secret and taken when
	 * made with any. */
	unsigned cookie_secrets; /* 0: cookies are passed over */
	uint8_t cookie_secret[POLICY_SECRETS][POLICY_SECRET];

	struct policy_limits limits;

	/* Who hands queries on in others' names, by a header of PROXY; borrowed likewise. */
	const struct prefix *proxies;
	size_t n_proxies;

	/* Borrowed, as those of the limits are. */
	const struct tsig_key *keys; /* [n_keys] */
	size_t n_keys;
	const struct policy_zone *zones; /* by zone_set_rule(); [0] is that of zones without */
	bool query_limited;              /* of some zone */
	struct policy_access plain; /* peers that get addresses in the place of EDGE */
	struct policy_watch watched[POLICY_WATCHED]; /* all their answers are logged */
};

/* ... for who asks from there. */
static inline unsigned policy_udp_size(const struct policy *policy, const struct addr *from)
{
	const uint32_t size = policy->udp_size[!addr_is_v4(from)];

	return size ? size : EDNS_PAYLOAD;
}

/* Does somebody look on at what is asked and answered? */
static inline bool policy_is_tapped(const struct policy *policy)
{
	return policy->dnstap_every | policy->log_every | policy->sampled_every;
}

/* Does it hand on what others ask? As it came, not plain. */
bool policy_is_proxy(const struct policy *policy, const struct addr *from);

/* Who asks. */
struct policy_asker {
	struct addr source;         /* plain */
	const struct tsig_key *key; /* what the request was signed with; NULL: not at all */
	const char *names; /* of the client's certificate, lower case, each with a NUL, and one more; NULL */
	bool secret;
};

/* Is it one of those? */
bool policy_allows(const struct policy_access *access, const struct policy_asker *who);

/* Does any of a zone's lists name the key or the certificate of who asks, and let it in by that? */
bool policy_knows(const struct policy_zone *zone, const struct policy_asker *who);

#endif
