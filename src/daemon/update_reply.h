/* update_reply.h - the answer to an UPDATE, of our own: an RCODE, signed as the request was.
 *
 * Loop.
 */
#ifndef DAEMON_UPDATE_REPLY_H
#define DAEMON_UPDATE_REPLY_H

#include "conf/conf.h"
#include "net/request.h"

/* What the request is signed with, if that is one of the keys of `c`; NULL. */
const struct tsig_key *update_reply_key(const struct conf *c, const struct request *r);

/* Sends it, and lets go of the request. */
void update_reply(struct request *r, unsigned rcode, const struct conf *c);

#endif
