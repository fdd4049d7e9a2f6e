/* rrl_log.h - whose responses are limited is in the log: when it begins, and when it has ended.
 *
 * One line a second at most, so that a flood from everywhere does not fill the disk: of more
 * that begin at once than can be told soon, one is told and the others are counted. Loop.
 */
#ifndef DAEMON_RRL_LOG_H
#define DAEMON_RRL_LOG_H

#include "answer/rrl_nets.h"
#include "base/text.h"
#include "world/policy.h"

struct ev_loop;
struct rrl_log;
struct publisher;
struct workers;

struct rrl_log_opts {
	struct ev_loop *loop;
	struct publisher *publisher;
	struct workers *workers; /* borrowed for good */
};

struct rrl_log *rrl_log_new(const struct rrl_log_opts *opts);
void rrl_log_free(struct rrl_log *l);

/* --- the choice of what to say, without a clock ------------------------------------------- */

enum { RRL_LOG_LINED_UP = 5 }; /* of more that have just begun, the rest is only counted */

/* What was told of the nets, by their places. Zeroed: nothing. */
struct rrl_told {
	enum rrl_telling { RRL_UNTOLD, RRL_NAMED, RRL_COUNTED } of[RRL_NETS];
	uint64_t lost;
};

/* The line of this second; false when there is nothing to say. Frees the places of nets that
 * have not been limited for a window and a second. */
bool rrl_log_line(struct rrl_told *told, struct rrl_nets *nets,
	const struct policy_limits *limits, uint64_t now_us, struct text *line);

#endif
