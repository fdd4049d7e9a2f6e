/* token_orders.h - "token": who may use the API, and what for. Control thread.
 */
#ifndef WEB_TOKEN_ORDERS_H
#define WEB_TOKEN_ORDERS_H

#include "console/command.h"

struct store_askers;
struct token_orders;
struct tokens;

/* Binds "token". Never NULL; copies `askers`, borrows `tokens`. */
struct token_orders *token_orders_new(
	const struct store_askers *askers, struct tokens *tokens, struct commands *commands);
/* After jobs_stop(). */
void token_orders_free(struct token_orders *a);

#endif
