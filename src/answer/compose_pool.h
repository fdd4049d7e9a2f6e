/* compose_pool.h - the records that are made of edges, at the name at work.
 */
#ifndef ANSWER_COMPOSE_POOL_H
#define ANSWER_COMPOSE_POOL_H

#include "answer/compose.h"

/* All: false when TC was set instead. */

/* The chosen edges' addresses; or the CNAME, where it is not NULL. */
bool compose_pool_edges(struct compose *c, const struct steer *s, const struct choice *choice,
	const uint8_t *cname, uint32_t ttl_s);

/* The chosen edges' records of a type, each once; there is one at least. */
bool compose_pool_records(struct compose *c, const struct steer *s, const struct choice *choice,
	uint16_t type, uint32_t ttl_s);

/* HTTPS or SVCB, as `form` has it; the addresses of both choices are its hints. A choice of
 * nothing has none. */
struct compose_service {
	const struct pool_form *form;
	const struct choice *a, *aaaa;
};
bool compose_pool_service(struct compose *c, const struct steer *s,
	const struct compose_service *service, uint32_t ttl_s);

#endif
