/* zone_orders_inner.h - what the files of orders about zones share.
 */
#ifndef DAEMON_ZONE_ORDERS_INNER_H
#define DAEMON_ZONE_ORDERS_INNER_H

#include "daemon/zone_orders.h"
#include "dns/name.h"
#include "report/report.h"

struct zone_orders {
	struct zone_orders_opts opts;
	unsigned lane; /* of what is large */
	unsigned export_lane; /* of what waits for its reader */
	struct zone_draft *drafts;
};

/* The id of a zone by its name, in lower case; of a view by "NAME for CLASS". False: told. */
bool zone_orders_name(const char *text, uint8_t to[static NAME_MOST], struct text *out);

/* The zone of that name, borrowed until the turn of the loop ends; NULL: told. */
const struct registry_zone *zone_orders_find(
	const struct zone_orders *o, const char *text, struct text *out);

/* The same, of a zone of which something is served. */
const struct registry_zone *zone_orders_served(
	const struct zone_orders *o, const char *text, struct text *out);

/* Begins the job of an order about a zone, of what is said of the job its `ctx`, `work` and `done`. False: no memory. */
bool zone_orders_start(
	const struct zone_orders *o, const char *zone, const struct job_opts *job);

/* Of the words behind "zone", the first being the order's own. */
command_fn zone_orders_add, zone_orders_promote, zone_orders_demote, zone_orders_remove,
	zone_orders_export, zone_orders_purge, zone_orders_freeze, zone_orders_thaw,
	zone_orders_notify, zone_orders_begin, zone_orders_set, zone_orders_unset,
	zone_orders_diff, zone_orders_commit, zone_orders_abort, zone_orders_edit,
	zone_orders_sync, zone_orders_status, zone_orders_history;

/* Lines of "zone status", or a list in its JSON, where that is not NULL; and when all ends. */
void zone_orders_show_drafts(const struct zone_orders *o, const uint8_t *apex, struct text *out,
	json_t *json);
void zone_orders_drop_drafts(struct zone_orders *o);

#endif
