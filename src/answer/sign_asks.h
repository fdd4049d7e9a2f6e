/* sign_asks.h - how often one worker asks for what is not signed yet.
 *
 * Whoever asks questions makes us sign; so nobody is let to do so for long. An RRset is asked for once
 * a second at most, for one net some a second, for all who may have forged their address half of
 * what there is for those who have not. What they ask for, and in whose name, counts against
 * nobody who has shown his address. One writer, the worker; zeroed it is ready.
 */
#ifndef ANSWER_SIGN_ASKS_H
#define ANSWER_SIGN_ASKS_H

#include "base/addr.h"
#include "world/pool_signatures.h"

#include <stdbool.h>
#include <stdint.h>

enum { SIGN_ASKS_KEYS = 128, SIGN_ASKS_NETS = 256, SIGN_ASKS_NET_MOST = 16, SIGN_ASKS_MOST = 256 };

struct sign_asks {
	uint32_t now_s; /* of what follows */
	struct sign_asks_of {
		unsigned n;
		uint64_t keys[SIGN_ASKS_KEYS]; /* that were asked for */
		uint8_t nets[SIGN_ASKS_NETS];  /* how often for each, by hash */
	} of[2]; /* [proven] */
};

/* May the RRset with that key be asked for, for who is at `source` (plain)? It counts. */
bool sign_asks_may(struct sign_asks *a, uint64_t key, const struct addr *source, bool proven,
	uint32_t now_s);

#endif
