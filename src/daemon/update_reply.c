#include "daemon/update_reply.h"

#include "base/bytes.h"
#include "dns/message.h"

#include <string.h>
#include <time.h>

enum { REPLY_ROOM = 1232 };

const struct tsig_key *update_reply_key(const struct conf *c, const struct request *r)
{
	for (size_t i = 0; r->is_signed && i < c->policy.n_keys; i++)
		if (c->policy.keys[i].algorithm == r->algorithm &&
			name_equal(c->policy.keys[i].name, r->key_name))
			return &c->policy.keys[i];
	return NULL;
}

void update_reply(struct request *r, unsigned rcode, const struct conf *c)
{
	uint8_t to[REPLY_ROOM];
	struct message m;
	size_t len = QUERY_HEADER;

	memset(to, 0, QUERY_HEADER);
	memcpy(to, r->packet, 2);
	be16_put(to + 2, FLAG_QR | OPCODE_UPDATE << 11 | (rcode & RCODE_BITS));
	if (message_open(&m, r->packet, r->len) && m.qtype) {
		memcpy(to + len, r->packet + len, m.at - len);
		len = m.at;
		be16_put(to + 4, 1);
	}
	r->tsig.key = update_reply_key(c, r);
	if (r->tsig.key)
		len = tsig_sign(&r->tsig, to, len, (uint64_t)time(NULL));
	request_answer(r, to, len);
}
