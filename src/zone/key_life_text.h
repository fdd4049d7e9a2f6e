/* key_life_text.h - the states of a zone's keys as the lines that are stored.
 */
#ifndef ZONE_KEY_LIFE_TEXT_H
#define ZONE_KEY_LIFE_TEXT_H

#include "base/text.h"
#include "zone/key_life.h"

#include <stdbool.h>

void key_life_write(const struct key_life *l, struct text *to);

/* Into an empty one. Keys come without their private halves: whoever has those puts them in
 * their places. False: it was not written by us, and `to` is empty. */
bool key_life_read(struct key_life *to, const char *text, struct fault *why);

#endif
