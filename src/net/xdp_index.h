/* xdp_index.h - which slot has a question's answer: a table that the program in the kernel reads while we write it.
 *
 * Each entry is one number and written at once. That a question is the one that it was found by is for who finds it to
 * see: two may be alike here. The loop's thread.
 */
#ifndef NET_XDP_INDEX_H
#define NET_XDP_INDEX_H

#include "net/xdp_shared.h"

/* `lines` are XDP_INDEX; `hash` is the question's, of xdp_question_hash(). False: there is no room, or one that is like it. */
bool xdp_index_put(struct xdp_index_line *lines, __u64 hash, unsigned slot);
void xdp_index_forget(struct xdp_index_line *lines, __u64 hash, unsigned slot);

/* XDP_SLOTS: none. */
unsigned xdp_index_find(const struct xdp_index_line *lines, __u64 hash);

#endif
