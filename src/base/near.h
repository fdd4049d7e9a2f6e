/* near.h - which word was meant?
 *
 * The hint behind "unknown key". Any thread.
 */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

/* The best offer so far; { .word = ... } is how to begin. */
struct near_word {
	const char *word;
	const char *best; /* NULL: nothing was near enough to be meant */
	unsigned distance;
};

/* Offers one name. Near is within a third of the word in letters put in, left out, changed or
 * swapped (the distance of Damerau, restricted), whatever the case. */
void near_offer(struct near_word *near, const char *name);

#endif
