/* check_http.h - HTTP and HTTPS probes: made by threads beside the loop.
 *
 * A request goes to the target's address, whatever its host is called: nothing is looked up. A
 * probe proves a new connection unless it may keep one alive. A target is always probed by the
 * same thread.
 */
#ifndef PROBE_CHECK_HTTP_H
#define PROBE_CHECK_HTTP_H

#include <stdbool.h>

struct ev_loop;
struct check_http;

/* Costs nothing until the first check. `room` is called when check_http_is_full() is over.
 * Never NULL. */
struct check_http *check_http_new(struct ev_loop *loop, void (*room)(void *ctx), void *ctx);

/* When no check runs, and all were forgotten. */
void check_http_free(struct check_http *h);

/* So many wait for the threads that more would only grow old. */
bool check_http_is_full(const struct check_http *h);

#endif
