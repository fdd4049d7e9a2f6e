/* check_http.h - HTTP and HTTPS probes: libcurl's multi interface on our loop.
 *
 * A request goes to the target's address, whatever its host is called: nothing is looked up. A
 * probe proves a new connection unless it may keep one alive.
 */
#ifndef PROBE_CHECK_HTTP_H
#define PROBE_CHECK_HTTP_H

#include <stdint.h>

struct ev_loop;
struct check_http;

/* Costs nothing until the first check. `asking` counts as in struct checks. Never NULL. */
struct check_http *check_http_new(struct ev_loop *loop, uint32_t *asking);
void check_http_free(struct check_http *h);

#endif
