/* query_log.h - a query and its answer as a line of the log of queries.
 */
#ifndef NET_QUERY_LOG_H
#define NET_QUERY_LOG_H

#include "base/text.h"
#include "net/tap.h"

#include <stdbool.h>

void query_log_line(struct text *out, const struct tap_head *h, bool json);

#endif
