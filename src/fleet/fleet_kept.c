#include "fleet/fleet_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fetch {
	struct fleet *fleet;
	uint64_t catching; /* which catching up it is part of; 0: of none */
	char server[FLEET_NAME_MOST + 1];
	enum fleet_topic topic;
};

static void caught_up(struct fleet *f)
{
	f->caught_up = true;
	for (unsigned i = 0; i < FLEET_TOPICS; i++)
		if (f->follows[i] && f->followers[i].caught_up)
			f->followers[i].caught_up(f->followers[i].ctx);
}

static void end_fetch(struct fleet *f, uint64_t catching)
{
	if (catching == f->catching && f->fetching && --f->fetching == 0 && fleet_is_up(f) && !f->caught_up)
		caught_up(f);
}

static void take_kept(void *ctx, const struct redisReply *reply)
{
	struct fetch *x = ctx;
	const struct redis_value v = redis_value(reply);

	if (v.kind == REDIS_TEXT)
		fleet_heard_take(x->fleet, (const uint8_t *)v.s, v.len, true, x->server);
	if (x->catching)
		end_fetch(x->fleet, x->catching);
	free(x);
}

static bool fetch_one(struct fleet *f, enum fleet_topic topic, const char *server, uint64_t catching)
{
	struct fetch *x = malloc(sizeof *x);

	if (!x)
		return false;
	*x = (struct fetch){ .fleet = f, .catching = catching, .topic = topic };
	snprintf(x->server, sizeof x->server, "%s", server);
	const struct redis_word words[] = { { "HGET", 4 }, { f->key[topic], strlen(f->key[topic]) },
		{ server, strlen(server) } };
	if (redis_send(f->redis, words, 3, take_kept, x))
		return true;
	free(x);
	return false;
}

static void take_names(void *ctx, const struct redisReply *reply)
{
	struct fetch *x = ctx;
	struct fleet *f = x->fleet;
	const struct redis_value all = redis_value(reply);

	for (size_t i = 0; all.kind == REDIS_LIST && i < all.len && i < FLEET_MATES_MOST; i++) {
		const struct redis_value v = redis_item(reply, i);
		if (x->catching == f->catching && v.kind == REDIS_TEXT && v.len &&
			v.len <= FLEET_NAME_MOST && strcmp(v.s, f->opts.server) != 0 && fetch_one(f, x->topic, v.s, x->catching))
			f->fetching++;
	}
	end_fetch(f, x->catching);
	free(x);
}

bool fleet_fetch(struct fleet *f, enum fleet_topic topic, const char *server)
{
	return fetch_one(f, topic, server, 0);
}

static bool is_caught_up_with(const struct fleet *f, unsigned topic)
{
	return topic == FLEET_HELLO ||
		(f->follows[topic] && topic != FLEET_WILL && topic != FLEET_ZONES && topic != FLEET_DEMAND);
}

void fleet_kept_catch_up(struct fleet *f)
{
	f->caught_up = false;
	f->fetching = 1;
	f->catching++;
	for (unsigned i = 0; i < FLEET_TOPICS; i++) {
		struct fetch *x = is_caught_up_with(f, i) ? calloc(1, sizeof *x) : NULL;
		const struct redis_word words[] = { { "HKEYS", 5 }, { f->key[i], strlen(f->key[i]) } };
		if (!x)
			continue;
		x->fleet = f;
		x->topic = i;
		x->catching = f->catching;
		if (redis_send(f->redis, words, 2, take_names, x))
			f->fetching++;
		else
			free(x);
	}
	end_fetch(f, f->catching);
}
