/* compress.h - an RRset is written name by name, each as short as the message makes it.
 *
 * An image's RRset goes into a message as it is: its names share all that they can with each
 * other and with their owner. Where the message has more names than the question, or the
 * question goes below the owner, there may be more to share: then this is asked for, and looks
 * through all names of the message. Any worker; nothing is allocated.
 */
#ifndef ANSWER_COMPRESS_H
#define ANSWER_COMPRESS_H

#include "answer/compose.h"

/* Whether more than the image knows may be shared. `set` has names; its owner is the name at
 * work from its label `skip` on. */
bool compress_may_help(const struct compose *c, const struct zone_rrset *set, unsigned skip);

/* Writes such an RRset, without its signatures, for the owner at `owner_at`. False when it does
 * not fit; nothing is written then. */
bool compress_rrset(struct compose *c, enum writer_section s, const struct zone_rrset *set,
	size_t owner_at);

/* Writes a CNAME record of the name at work. False when it does not fit. */
bool compress_cname(struct compose *c, const uint8_t *target, uint32_t ttl_s);

/* Writes the name of a proof's node, for which there is room without any pointer but that to
 * its apex. Returns where it stands. */
size_t compress_owner(struct compose *c, const struct compose_link *link);

#endif
