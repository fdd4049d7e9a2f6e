/* steer_tree.h - what a pool of pools is to the choice: its members, their shares, and the edges
 * that they lead to.
 *
 * Part of steer_new(). Pools in pools make no circle.
 */
#ifndef STEER_STEER_TREE_H
#define STEER_STEER_TREE_H

#include "steer/steer.h"

/* Is that a tree, or a pool of edges that are a bit different in it? */
bool steer_tree_is(const struct pool_opts *o);

/* Fills `tree`, `edges` and `n` of pool `number`. All of it is in the arena of `s`. */
void steer_tree_fill(struct steer *s, const struct steer_opts *all, unsigned number);

/* Once all pools have their pins and ranks: fills `looks` and `draws`. */
void steer_tree_look(struct steer *s);

/* The pool by whose probe an edge of a pool of pools is up. */
uint16_t steer_tree_holder(const struct pool *p, uint16_t edge);

#endif
