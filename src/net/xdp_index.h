/* xdp_index.h - which slot is which question's: a table that the program in the kernel reads while we write it.
 *
 * Each slot has a tag of 16 bits, which is written at once. That a question is the one that it was found by is for who finds it to
 * see: two may be alike here. The loop's thread.
 */
#ifndef NET_XDP_INDEX_H
#define NET_XDP_INDEX_H

#include "net/xdp_shared.h"

/* `groups` are XDP_GROUPS; `hash` is the question's, of xdp_question_hash(), and `slot` in one of its groups. False: there is one that is
 * like it. */
bool xdp_index_put(struct xdp_group *groups, __u64 hash, unsigned slot);
/* The slot is no question's any more. */
void xdp_index_forget(struct xdp_group *groups, unsigned slot);

/* XDP_SLOTS: none. */
unsigned xdp_index_find(const struct xdp_group *groups, __u64 hash);

#endif
