/* fleet_will_kept.c - what the engine keeps of operators' will.
 */
#include "daemon/fleet_will_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GONE_KEPT_S = 7 * 86400 }; /* what has ended is remembered so long */

static bool merge_sealed(struct fleet_will *w, const char *s, size_t len)
{
	char *plain = len > FLEET_WILL_VERSION ? malloc(len) : NULL;
	size_t n;
	const bool is = plain &&
		fleet_open(fleet_keys(w->opts.fleet), "will", (const uint8_t *)s + FLEET_WILL_VERSION, len - FLEET_WILL_VERSION,
			(uint8_t *)plain, &n) &&
		fleet_will_merge(w, plain, n);

	free(plain);
	return is;
}

/* It has these; what it has of no such version or none is news to it, and to others. */
static void take_kept(struct fleet_will *w, const struct redisReply *reply, size_t n)
{
	char version[FLEET_WILL_VERSION + 1];

	for (size_t i = 0; i < w->n; i++)
		w->of[i].kept = false;
	for (size_t i = 0; i + 1 < n; i += 2) {
		const struct redis_value field = redis_item(reply, i), v = redis_item(reply, i + 1);
		struct will_entry *e = field.kind == REDIS_TEXT && v.kind == REDIS_TEXT && v.len > FLEET_WILL_VERSION ? fleet_will_find(w, field.s)
												   : NULL;
		if (!e)
			continue;
		snprintf(version, sizeof version, "%016llx", (unsigned long long)e->at);
		e->kept = memcmp(version, v.s, FLEET_WILL_VERSION) == 0;
	}
	for (size_t i = 0; i < w->n; i++)
		if (!w->of[i].kept)
			fleet_will_tell(w, &w->of[i]);
}

/* What nobody can bring back any more is forgotten. */
static void forget_old(struct fleet_will *w)
{
	const uint64_t now_ms = (uint64_t)fleet_now_ms(w->opts.fleet);
	const char *key = fleet_key(w->opts.fleet, FLEET_WILL);
	bool any = false;

	for (size_t i = 0; i < w->n;) {
		struct will_entry *e = &w->of[i];
		const struct redis_word words[] = { { "HDEL", 4 }, { key, strlen(key) }, { e->field, FLEET_CHANGE_FIELD - 1 } };
		if (!e->gone || e->at / FLEET_CHANGE_SERVERS + GONE_KEPT_S * UINT64_C(1000) > now_ms) {
			i++;
			continue;
		}
		fleet_send(w->opts.fleet, words, 3, NULL, NULL);
		json_decref(e->o);
		memmove(e, e + 1, (--w->n - i) * sizeof *e);
		any = true;
	}
	if (!any)
		return;
	fields_clear(&w->by_field);
	for (size_t i = 0; i < w->n; i++)
		fields_put(&w->by_field, w->of[i].field, i);
}

static void take_all(void *ctx, const struct redisReply *reply)
{
	struct fleet_will *w = ctx;
	const struct redis_value all = redis_value(reply);
	bool changed = false;

	if (all.kind != REDIS_LIST) /* a connection that is lost may have outlived us */
		return;
	const bool first = !w->known;
	for (size_t i = 1; i < all.len; i += 2) {
		const struct redis_value v = redis_item(reply, i);
		changed = (v.kind == REDIS_TEXT && merge_sealed(w, v.s, v.len)) || changed;
	}
	w->known = true;
	fleet_will_take_list(w);
	take_kept(w, reply, all.len);
	forget_old(w);
	if (changed)
		w->opts.changed(w->opts.ctx);
	if (first)
		w->opts.caught_up(w->opts.ctx);
}

void fleet_will_read(struct fleet_will *w)
{
	const char *key = fleet_key(w->opts.fleet, FLEET_WILL);
	const struct redis_word words[] = { { "HGETALL", 7 }, { key, strlen(key) } };

	fleet_send(w->opts.fleet, words, 2, take_all, w);
}
