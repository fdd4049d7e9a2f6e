/* agent_loss.h - how many of the packets that an edge sends to each network are lost.
 *
 * From what the kernel counts of its TCP connections: segments with data that were sent, and those of them that were sent again, less
 * those that the peer says it had twice (RFC 2883), for these were late and not lost. Of a connection that is seen again only what is
 * new counts; what was there at the first look does not, since nobody knows when that was.
 *
 * Networks are those of agent_tally.h, and one is told when PACKETS_LEAST were sent to it within an hour. Bounded memory: past
 * CONNECTIONS_MOST and NETS_MOST, others are passed over. One thread.
 */
#ifndef TOOLS_AGENT_LOSS_H
#define TOOLS_AGENT_LOSS_H

#include "agent/agent_report.h"
#include "tools/agent_diag.h"

enum { AGENT_LOSS_PACKETS_LEAST = 100, AGENT_LOSS_CONNECTIONS_MOST = 1 << 16, AGENT_LOSS_NETS_MOST = 20000, AGENT_LOSS_KEPT_S = 3600 };

struct agent_loss;

struct agent_loss *agent_loss_new(void);
void agent_loss_free(struct agent_loss *l);

/* Of one look at all connections: each, then that it has ended. `whole` false: it failed, and the next one goes on from the one before. */
void agent_loss_seen(struct agent_loss *l, const struct diag_connection *c, double now_s);
void agent_loss_looked(struct agent_loss *l, bool whole);

/* Networks of which there is enough to be told. */
size_t agent_loss_count(const struct agent_loss *l);

/* Makes rows of these, and forgets them. The caller's agent_report_fini(). */
void agent_loss_take(struct agent_loss *l, struct agent_report *s, double now_s);

#endif
