#include "daemon/fleet_orders_inner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "conf/option.h"
#include "daemon/fleet_change.h"
#include "steer/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ORDERS_MOST = 256,
	KEPT_S = 7 * 86400 /* what nobody can need any more is forgotten */
};

/* --- telling ------------------------------------------------------------------------------ */

static json_t *write_all(const struct fleet_orders *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->n; i++)
		json_array_append_new(list, fleet_order_write(&o->of[i]));
	return list;
}

static void say(const struct fleet_orders *o, json_t *list, bool keep)
{
	char *text = json_dumps(list, JSON_COMPACT);

	if (text && keep)
		fleet_keep(o->fleet, FLEET_ORDERS, (const uint8_t *)text, strlen(text));
	else if (text)
		fleet_say(o->fleet, FLEET_ORDERS, (const uint8_t *)text, strlen(text));
	free(text);
	json_decref(list);
}

/* All that is known, for who comes later. */
static void keep_all(const struct fleet_orders *o)
{
	if (o->n)
		say(o, write_all(o), true);
}

/* --- what there is ------------------------------------------------------------------------ */

struct fleet_order *fleet_orders_find(struct fleet_orders *o, const char *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->of[i].key, key) == 0)
			return &o->of[i];
	return NULL;
}

static void forget_old(struct fleet_orders *o)
{
	const int64_t now_ms = fleet_now_ms(o->fleet), since_ms = now_ms - KEPT_S * INT64_C(1000);
	size_t left = 0;

	for (size_t i = 0; i < o->n; i++)
		if (fleet_order_said_ms(&o->of[i]) >= since_ms || o->of[i].until_ms > now_ms)
			o->of[left++] = o->of[i];
	o->n = left;
}

/* Of that key; in the place of the oldest when there are too many. */
static struct fleet_order *need(struct fleet_orders *o, const char *key)
{
	struct fleet_order *x = fleet_orders_find(o, key);

	if (x)
		return x;
	if (o->n < ORDERS_MOST) {
		o->of = memory_grow(o->of, (o->n + 1) * sizeof *o->of);
		x = &o->of[o->n++];
	} else {
		x = o->of;
		for (size_t i = 1; i < o->n; i++)
			x = o->of[i].at < x->at ? &o->of[i] : x;
	}
	*x = (struct fleet_order){ .at = 0 };
	snprintf(x->key, sizeof x->key, "%s", key);
	return x;
}

static int64_t until_of(const struct fleet_orders *o, const char *words)
{
	uint64_t ms = 3600 * 1000;
	const char *at = strstr(words, " --for ");

	if (strncmp(words, "watch ", 6) != 0 || strstr(words, " --stop"))
		return 0;
	if (at)
		option_duration(at + 7, at + 7 + strcspn(at + 7, " "), &ms);
	return fleet_now_ms(o->fleet) + (int64_t)ms;
}

static bool is_for_us(const struct fleet_orders *o, const struct fleet_order *x)
{
	return !*x->to || strcmp(x->to, o->server) == 0;
}

void fleet_orders_settle(struct fleet_orders *o, const struct fleet_order *by)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->of[i].at <= by->at && fleet_order_same_matter(&o->of[i], by))
			*o->of[i].fault = 0;
}

/* Said by an operator here: its key, words, who, why and to whom. */
static struct fleet_order *add_own(struct fleet_orders *o, const struct fleet_order *said)
{
	forget_old(o);
	struct fleet_order *x = need(o, said->key);
	const uint64_t before = x->at;
	*x = *said;
	x->before = before;
	x->at = o->last = fleet_change_next(o->fleet, o->server, o->last);
	x->until_ms = until_of(o, x->words);
	snprintf(x->by, sizeof x->by, "%s", o->server);
	fleet_orders_settle(o, x);
	return x;
}

/* The list is taken. All that is known is kept once for all of it: it may be much. */
static void tell(const struct fleet_orders *o, json_t *list)
{
	say(o, list, false);
	keep_all(o);
	fleet_hello_soon(o->fleet);
}

static void tell_one(const struct fleet_orders *o, const struct fleet_order *x)
{
	json_t *list = json_array();

	json_array_append_new(list, fleet_order_write(x));
	tell(o, list);
}

static void on_ran(void *ctx, const struct command_call *c, const char *const *words, size_t n, int status)
{
	struct fleet_orders *o = ctx;
	struct fleet_order said = { .at = UINT64_MAX };

	if (!o->fleet || status || c->uid == WHO_FLEET || !fleet_order_key(words, n, said.key))
		return;
	if (fleet_order_has_word(words, n, "--here")) {
		fleet_orders_settle(o, &said);
		return;
	}
	if (!fleet_order_join(words, n, said.words))
		return;
	who_text(said.who, c->uid);
	tell_one(o, add_own(o, &said));
	if (!fleet_is_up(o->fleet) && !fleet_order_has_word(words, n, "--json"))
		text_add(c->out, "the fleet's Redis is not reached: its other servers follow when it is\n");
}

bool fleet_orders_on(struct fleet_orders *o, const struct fleet_orders_said *said, struct fault *why)
{
	struct fleet_order wanted = { .at = 0 };

	if (!o->fleet)
		return fault(why, "this server is of no fleet");
	for (size_t i = 0; i < said->n_servers; i++) /* all of them, or none */
		if (!fleet_order_key_at(said->words, said->n, said->servers[i], wanted.key) ||
			!fleet_order_join(said->words, said->n, wanted.words))
			return fault(why, "only \"reload\", \"watch\", \"fail-back\" and \"latency forget\" can be said to some servers, without \"--here\"");
	json_t *list = json_array();
	snprintf(wanted.who, sizeof wanted.who, "%s", said->who);
	for (size_t i = 0; i < said->n_servers; i++) {
		fleet_order_key_at(said->words, said->n, said->servers[i], wanted.key);
		snprintf(wanted.to, sizeof wanted.to, "%s", said->servers[i]);
		struct fleet_order *x = add_own(o, &wanted);
		x->due = is_for_us(o, x);
		json_array_append_new(list, fleet_order_write(x));
	}
	tell(o, list);
	fleet_orders_look(o);
	return true;
}

void fleet_orders_taken_back(struct fleet_orders *o, const char *why)
{
	struct fleet_order said = { .key = "stage", .words = "reload --rollback", .who = "the server itself" };

	snprintf(said.why, sizeof said.why, "%s", why);
	if (o->fleet)
		tell_one(o, add_own(o, &said));
}

/* --- hearing ------------------------------------------------------------------------------ */

/* A later one of the same matter was heard of first: what it wanted holds. */
static bool is_late(const struct fleet_orders *o, const struct fleet_order *x)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->of[i].at > x->at && is_for_us(o, &o->of[i]) && fleet_order_same_matter(&o->of[i], x))
			return true;
	return false;
}

/* What a server that starts has by reading its configuration is not to be done once more. */
static bool is_due(const struct fleet_orders *o, const struct fleet_order *x)
{
	if (!is_for_us(o, x) || is_late(o, x))
		return false;
	return x->until_ms ? x->until_ms > fleet_now_ms(o->fleet) : fleet_order_stops_watch(x) || fleet_order_said_ms(x) >= o->since_ms;
}

/* Who wanted the later one had not heard of the earlier. Each such pair is told once. */
static void look_at_odds(struct fleet_orders *o, struct fleet_order *had, struct fleet_order *x)
{
	const struct fleet_order *later = x->at > had->at ? x : had, *earlier = later == x ? had : x;

	x->odd = had->odd && later == had; /* whoever said that knew of what was decided */
	x->odd_at = had->odd_at;
	if (later->before >= earlier->at || earlier->at == had->odd_at || strcmp(later->words, earlier->words) == 0)
		return;
	o->conflicts++;
	x->odd = had->odd = true;
	x->odd_at = had->odd_at = earlier->at;
	log_line(LOG_WARNING,
		"fleet: \"%s\" of %s at %s does not hold, since %s at %s wanted \"%s\" later without having heard of it",
		earlier->words, earlier->who, earlier->by, later->who, later->by, later->words);
}

static void merge(struct fleet_orders *o, struct fleet_order *x)
{
	struct fleet_order *had = fleet_orders_find(o, x->key);

	if (had && had->at == x->at)
		return;
	if (had)
		look_at_odds(o, had, x);
	if (had && had->at > x->at)
		return;
	o->last = x->at > o->last ? x->at : o->last;
	x->due = is_due(o, x);
	had = need(o, x->key);
	*had = *x;
}

static void forget_odds(struct fleet_orders *o)
{
	for (size_t i = 0; i < o->n; i++)
		o->of[i].odd = false;
}

static void on_take(void *ctx, const struct fleet_news *n)
{
	struct fleet_orders *o = ctx;
	json_t *list = json_loadb((const char *)n->bytes, n->len, JSON_REJECT_DUPLICATES, NULL), *j;
	struct fleet_order x;
	size_t i;

	if (!o->since_ms)
		o->since_ms = fleet_now_ms(o->fleet) - (int64_t)((clock_us() - o->began_us) / 1000);
	json_array_foreach (list, i, j)
		if (json_is_true(json_object_get(j, "accepted")))
			forget_odds(o);
		else if (fleet_order_read(j, &x))
			merge(o, &x);
	json_decref(list);
	fleet_orders_look(o);
}

/* What was told while the engine could not be reached is heard by who is there, and who comes. */
static void on_caught_up(void *ctx)
{
	const struct fleet_orders *o = ctx;

	keep_all(o);
	if (o->n)
		say(o, write_all(o), false);
}

/* --- looking ------------------------------------------------------------------------------ */

static const struct fleet_order *failed(const struct fleet_orders *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (*o->of[i].fault)
			return &o->of[i];
	return NULL;
}

struct fleet_orders_sum fleet_orders_sum(const struct fleet_orders *o)
{
	struct fleet_orders_sum s = { .known = (unsigned)o->n, .conflicts = o->conflicts };
	const struct fleet_order *x = failed(o);

	for (size_t i = 0; i < o->n; i++) {
		s.failed += *o->of[i].fault != 0;
		s.odd += o->of[i].odd;
	}
	if (x)
		snprintf(s.fault, sizeof s.fault, "\"%s\": %s", x->words, x->fault);
	return s;
}

unsigned fleet_orders_accept(struct fleet_orders *o)
{
	const unsigned n = fleet_orders_sum(o).odd;

	forget_odds(o);
	if (o->fleet)
		say(o, json_pack("[{s:b}]", "accepted", 1), false);
	return n;
}

void fleet_orders_hello(const struct fleet_orders *o, void *json)
{
	const struct world *w = publisher_world(o->opts.publisher);
	const struct fleet_order *x = failed(o);

	if (publisher_staged(o->opts.publisher) && w)
		json_object_set_new(json, "stage_percent",
			json_real(100 * (double)w->stage.share / (double)STAGE_ALL));
	if (x)
		json_object_set_new(json, "order_failed", json_sprintf("%s: %s", x->words, x->fault));
}

/* --- beginning and end -------------------------------------------------------------------- */

/* What was said in another fleet is nothing to this one, nor is what was said in this one before we read what it is configured to be. */
static void forget_other(struct fleet_orders *o, const char *fleet)
{
	if (strcmp(o->of_fleet, fleet) == 0)
		return;
	if (*o->of_fleet) {
		o->n = 0;
		o->since_ms = 0;
		o->began_us = clock_us();
	}
	snprintf(o->of_fleet, sizeof o->of_fleet, "%s", fleet);
}

void fleet_orders_set(struct fleet_orders *o, struct fleet *f, const char *server)
{
	o->fleet = f;
	snprintf(o->server, sizeof o->server, "%s", f ? server : "");
	if (!f)
		return;
	forget_other(o, fleet_key(f, FLEET_ORDERS));
	fleet_follow(f, FLEET_ORDERS, &(struct fleet_follower){ o, on_take, on_caught_up, on_caught_up, NULL, NULL });
}

struct fleet_orders *fleet_orders_new(const struct fleet_orders_opts *opts)
{
	struct fleet_orders *o = memory_zeroed(1, sizeof *o);

	o->opts = *opts;
	o->began_us = clock_us();
	commands_follow(opts->commands, on_ran, o);
	return o;
}

void fleet_orders_free(struct fleet_orders *o)
{
	if (o)
		fleet_orders_stop(o);
	if (o)
		memory_free(o->of);
	memory_free(o);
}
