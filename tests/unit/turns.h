/* turns.h - a loop of a test's own, which turns until something has become true.
 */
#ifndef UNIT_TURNS_H
#define UNIT_TURNS_H

#include <stdbool.h>

struct ev_loop;

/* Runs the loop until is(ctx). It sleeps until it is woken, so whoever forgets to wake it fails
 * the test: false after TURNS_PATIENCE_S. */
enum { TURNS_PATIENCE_S = 30 };
bool turns_until(struct ev_loop *loop, bool (*is)(void *ctx), void *ctx);

/* What is there to be done now, and no sleep. */
void turns_now(struct ev_loop *loop);

#endif
