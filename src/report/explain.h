/* explain.h - why does this client get this answer?
 *
 * Asks the server's own answer() with a real query and a trace to fill, so that what is told is
 * what happens. A pool that takes turns is asked out of turn: the workers' turns stay.
 */
#ifndef REPORT_EXPLAIN_H
#define REPORT_EXPLAIN_H

#include "base/addr.h"
#include "base/fault.h"
#include "base/text.h"
#include "report/report_view.h"
#include "dns/name.h"

#include <stdbool.h>

struct explain_ask {
	uint8_t name[NAME_MOST];
	uint16_t type; /* A unless given */
	bool has_client;
	struct prefix client; /* bits of 128 */
	bool client_v4;
	struct addr resolver; /* source of the query; the client's address unless given */
	uint8_t via;          /* enum pool_via */
};

/* NAME [TYPE] --client IP[/LEN] [--resolver IP] [--via udp|tcp|tls|https|quic] */
bool explain_parse(struct explain_ask *ask, const char **words, size_t n, struct fault *why);

void explain_run(const struct report_view *view, const struct explain_ask *ask, bool json,
	struct text *out);

#endif
