/* fleet_order.h - a command that all servers of a fleet do, as they tell it each other.
 *
 * Pure; the loop's thread.
 */
#ifndef DAEMON_FLEET_ORDER_H
#define DAEMON_FLEET_ORDER_H

#include "base/who.h"
#include "fleet/fleet.h"
#include "report/report.h"

enum {
	FLEET_ORDER_KEY = 96,    /* "watch " and a network, "fail-back " and a pool's name; behind that " @" and a server */
	FLEET_ORDER_WORDS = 160,
	FLEET_ORDER_WORDS_MOST = 8,
	FLEET_ORDER_FAULT = 256
};

struct fleet_order {
	char key[FLEET_ORDER_KEY], words[FLEET_ORDER_WORDS]; /* words: with a space between them */
	uint64_t at, before; /* versions (fleet_change.h) */
	uint64_t odd_at;     /* of what was told without having heard of this, or the other way; 0 */
	int64_t until_ms;    /* of a watch, by the fleet's clock; 0 */
	char who[WHO_TEXT], by[FLEET_NAME_MOST + 1], why[FLEET_ORDER_FAULT];
	char to[FLEET_NAME_MOST + 1]; /* the server that is to do it; "": all */
	bool due;            /* it is to be run here */
	bool odd;            /* ... and nobody has said since what is right */
	char fault[FLEET_ORDER_FAULT]; /* it was run, and could not be done; "" */
};

/* What a command is about. False: no other server has to do with it. */
bool fleet_order_key(const char *const *words, size_t n, char to[static FLEET_ORDER_KEY]);
bool fleet_order_has_word(const char *const *words, size_t n, const char *word);

/* Of a command that server alone is to do, which may be any reload; "": of all. False: it cannot be told, or the names are too long. */
bool fleet_order_key_at(const char *const *words, size_t n, const char *server, char to[static FLEET_ORDER_KEY]);
/* So many bytes of the key are what it is about. */
size_t fleet_order_matter(const struct fleet_order *x);
/* The two are about the same, and a server that did the one would do the other. */
bool fleet_order_same_matter(const struct fleet_order *a, const struct fleet_order *b);

/* Without "--json". False: they are too many, or too long. */
bool fleet_order_join(const char *const *words, size_t n, char to[static FLEET_ORDER_WORDS]);
/* Cuts the text at its spaces; the words borrow from it. */
size_t fleet_order_split(char *text, const char *to[static FLEET_ORDER_WORDS_MOST]);

bool fleet_order_stops_watch(const struct fleet_order *x);
/* By the fleet's clock. */
int64_t fleet_order_said_ms(const struct fleet_order *x);

/* The caller's. */
json_t *fleet_order_write(const struct fleet_order *x);
/* False: it makes no sense here; a newer server may tell what we do not know. */
bool fleet_order_read(const json_t *j, struct fleet_order *x);

#endif
