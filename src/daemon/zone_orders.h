/* zone_orders.h - what an operator orders about one zone: "zone status|refresh|... NAME".
 */
#ifndef DAEMON_ZONE_ORDERS_H
#define DAEMON_ZONE_ORDERS_H

#include "console/command.h"
#include "daemon/frozen.h"
#include "daemon/notifying.h"
#include "daemon/publish.h"
#include "daemon/updates.h"
#include "daemon/write_back.h"
#include "daemon/zones_added.h"
#include "xfr/refresh.h"

struct zone_orders;

struct zone_orders_opts {
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
	struct refresher *refresher;
	struct zones_added *added;
	struct notifying *notifying;
	struct frozen *frozen;
	struct updates *updates;
	struct write_back *write_back;
	struct hash_key key; /* of the zones */
	struct store *store; /* NULL: none */
};

/* Never NULL. Binds itself to its command. */
struct zone_orders *zone_orders_new(
	const struct zone_orders_opts *opts, struct commands *commands);
void zone_orders_free(struct zone_orders *o);

#endif
