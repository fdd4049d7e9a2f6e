/* to_octodns.h - what the writers of octoDNS' YAML share.
 */
#ifndef IMPORT_TO_OCTODNS_H
#define IMPORT_TO_OCTODNS_H

#include "import/export_config.h"

struct to_octodns {
	struct plan *p;
	const struct export_from *from;
	const char *zone;  /* its name, with its dot */
	struct out *names; /* of the zone: what is at each */
	const char *owner; /* the last of them; NULL */
	struct out *at_owner;
};

/* A record at a name, to be filled. */
struct out *octodns_record(struct to_octodns *o, const char *owner, const char *type, uint32_t ttl_s);

/* The records of a name that a pool answers for. */
void octodns_put_pool(struct to_octodns *o, const struct export_rrset *set, const struct export_pool *pool);

/* A type with its values, as zone files have them. False: octoDNS has no such type. */
bool octodns_put_values(struct to_octodns *o, const char *owner, uint16_t type, uint32_t ttl_s, const struct words *data);

#endif
