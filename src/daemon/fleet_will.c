#include "daemon/fleet_will_inner.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/fleet_change.h"
#include "fleet/fields.h"
#include "report/report.h"

#include <ev.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ENTRIES_MOST = 4096,
	LOOK_S = 30 /* what the engine keeps is read again */
};

static uint64_t next_version(struct fleet_will *w)
{
	w->last = fleet_change_next(w->opts.fleet, w->server, w->last);
	return w->last;
}

/* --- keys --------------------------------------------------------------------------------- */

/* Of the change at that place of the list. Borrowed until the list changes. */
static const char *listed_field(struct fleet_will *w, const struct forced_list *l, size_t i)
{
	if (l->n > w->n_listed) {
		w->listed = memory_grow(w->listed, l->n * sizeof *w->listed);
		memset(w->listed + w->n_listed, 0, (l->n - w->n_listed) * sizeof *w->listed);
		w->n_listed = l->n;
	}
	if (w->listed[i].id != l->of[i].id || !w->listed[i].id) {
		fleet_change_field(fleet_keys(w->opts.fleet), &l->of[i], w->listed[i].field);
		w->listed[i].id = l->of[i].id;
	}
	return w->listed[i].field;
}

struct will_entry *fleet_will_find(const struct fleet_will *w, const char *field)
{
	const size_t i = fields_get(&w->by_field, field);

	return i != FIELDS_NONE && strcmp(w->of[i].field, field) == 0 ? &w->of[i] : NULL;
}

static bool is_ours(const struct forced *f)
{
	return !f->configured && !f->here;
}

static bool is_one_of(const struct forced *f, bool here)
{
	return !f->configured && (here || !f->here);
}

/* Many are looked up in the list as it is now. */
static void index_list(struct fleet_will *w)
{
	const struct forced_list *l = forcing_list(w->opts.forcing);

	fields_clear(&w->by_listed);
	for (size_t i = 0; i < l->n; i++)
		if (!l->of[i].configured)
			fields_put(&w->by_listed, listed_field(w, l, i), i);
	w->by_n = l->n;
	w->by_last = l->last_id;
}

/* The change of that key here; NULL: there is none. `here`: one that is for this server alone, too. */
static const struct forced *forced_here(struct fleet_will *w, const char *field, bool here)
{
	const struct forced_list *l = forcing_list(w->opts.forcing);
	const size_t at = fields_get(&w->by_listed, field);

	if (at == FIELDS_NONE && l->n == w->by_n && l->last_id == w->by_last)
		return NULL;
	if (at < l->n && is_one_of(&l->of[at], here) && memcmp(listed_field(w, l, at), field, FLEET_CHANGE_FIELD) == 0)
		return &l->of[at];
	for (size_t i = 0; i < l->n; i++) {
		if (!is_one_of(&l->of[i], here))
			continue;
		if (memcmp(listed_field(w, l, i), field, FLEET_CHANGE_FIELD) == 0)
			return &l->of[i];
	}
	return NULL;
}

/* --- telling ------------------------------------------------------------------------------ */

static void on_told(void *ctx, const struct redisReply *reply)
{
	struct fleet_will *w = ctx;
	const struct redis_value v = redis_value(reply);

	if (v.kind != REDIS_FAULT && v.kind != REDIS_NUMBER) /* nor is there a `w` any more, maybe */
		return;
	if (v.kind == REDIS_FAULT && !w->refused_told)
		log_line(LOG_WARNING,
			"fleet: the Redis does not keep what operators want (%s): servers hear of it all the same, but "
			"who starts anew does not",
			v.s);
	w->refused_told = v.kind == REDIS_FAULT;
}

/* Into the engine, unless that has a later version; and to all. */
void fleet_will_tell(struct fleet_will *w, const struct will_entry *e)
{
	static const char script[] =
		"local c = redis.call('HGET', KEYS[1], ARGV[1]) "
		"if c and string.sub(c, 1, 16) >= string.sub(ARGV[2], 1, 16) then return 0 end "
		"redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return 1";
	char *text = json_dumps(e->o, JSON_COMPACT);
	const size_t len = text ? strlen(text) : 0;
	char *value = text ? malloc(FLEET_WILL_VERSION + 1 + len + FLEET_SEAL) : NULL;

	if (value) {
		const char *key = fleet_key(w->opts.fleet, FLEET_WILL);
		snprintf(value, FLEET_WILL_VERSION + 1, "%016llx", (unsigned long long)e->at);
		const size_t n = fleet_seal(fleet_keys(w->opts.fleet), "will", (const uint8_t *)text, len,
			(uint8_t *)value + FLEET_WILL_VERSION);
		const struct redis_word words[] = { { "EVAL", 4 }, { script, sizeof script - 1 }, { "1", 1 },
			{ key, strlen(key) }, { e->field, FLEET_CHANGE_FIELD - 1 }, { value, FLEET_WILL_VERSION + n } };
		fleet_send(w->opts.fleet, words, 6, on_told, w);
		fleet_say(w->opts.fleet, FLEET_WILL, (const uint8_t *)text, len);
	}
	free(value);
	free(text);
}

/* --- from here ---------------------------------------------------------------------------- */

static struct will_entry *add_entry(struct fleet_will *w, const char *field)
{
	struct will_entry *e = fleet_will_find(w, field);

	if (e || w->n == ENTRIES_MOST)
		return e;
	w->of = memory_grow(w->of, (w->n + 1) * sizeof *w->of);
	e = &w->of[w->n++];
	*e = (struct will_entry){ .at = 0 };
	memcpy(e->field, field, FLEET_CHANGE_FIELD);
	fields_put(&w->by_field, field, w->n - 1);
	return e;
}

static void put(struct fleet_will *w, const struct forced *f, uint64_t at)
{
	char field[FLEET_CHANGE_FIELD];

	fleet_change_field(fleet_keys(w->opts.fleet), f, field);
	struct will_entry *e = add_entry(w, field);
	if (!e)
		return;
	json_t *o = fleet_change_write(w->opts.fleet, f, &(struct fleet_change_at){ w->server, at, e->at });
	json_decref(e->o);
	e->o = o;
	e->at = at;
	e->gone = e->odd = false; /* who says it here sees what holds */
	e->until_ms = json_integer_value(json_object_get(o, "until_ms"));
	forcing_mark(w->opts.forcing, f->id, at);
	fleet_will_tell(w, e);
}

static bool is_over(const struct fleet_will *w, const struct will_entry *e)
{
	const int64_t until_s = json_integer_value(json_object_get(e->o, "until_s"));

	return (e->until_ms && e->until_ms <= fleet_now_ms(w->opts.fleet)) || (until_s && until_s <= time(NULL));
}

static void end(struct fleet_will *w, struct will_entry *e)
{
	const uint64_t before = e->at;
	char version[20], was[20];

	e->gone = true;
	e->odd = false;
	if (is_over(w, e))
		return; /* all know that by themselves */
	e->at = next_version(w);
	snprintf(version, sizeof version, "%016llx", (unsigned long long)e->at);
	snprintf(was, sizeof was, "%016llx", (unsigned long long)before);
	json_object_set_new(e->o, "at", json_string(version));
	json_object_set_new(e->o, "before", json_string(was));
	json_object_set_new(e->o, "by", json_string(w->server));
	json_object_set_new(e->o, "gone", json_true());
	fleet_will_tell(w, e);
}

void fleet_will_take_list(struct fleet_will *w)
{
	const struct forced_list *l = forcing_list(w->opts.forcing);

	index_list(w);
	/* In a full list some that are wanted may be missing. */
	for (size_t i = 0; i < w->n && l->n < FORCED_MOST; i++)
		if (!w->of[i].gone && !forced_here(w, w->of[i].field, true))
			end(w, &w->of[i]);
	for (size_t i = 0; i < l->n; i++) {
		if (!is_ours(&l->of[i]))
			continue;
		const struct will_entry *e = fleet_will_find(w, listed_field(w, l, i));
		if (!l->of[i].fleet_at)
			put(w, &l->of[i], next_version(w));
		else if (!e) /* the engine has lost it, and we have it still */
			put(w, &l->of[i], l->of[i].fleet_at);
	}
}

void fleet_will_follow(struct fleet_will *w)
{
	if (w->known)
		fleet_will_take_list(w);
}

static void take_accepted(struct fleet_will *w, const json_t *o);

/* --- from others -------------------------------------------------------------------------- */

/* Who wanted it had not heard of what we have, or the other way. */
static void look_at_odds(struct fleet_will *w, struct will_entry *e, const json_t *o)
{
	const uint64_t at = fleet_change_version(o, "at"), before = fleet_change_version(o, "before");
	const json_t *later = at > e->at ? o : e->o, *earlier = at > e->at ? e->o : o;

	if (!e->o || (at > e->at ? before >= e->at : fleet_change_version(e->o, "before") >= at)) {
		e->odd = e->odd && at < e->at; /* whoever said that knew of what was decided */
		return;
	}
	e->odd = true;
	w->conflicts++;
	log_line(LOG_WARNING,
		"fleet: edge %s: what %s wanted at %s%s does not hold, since %s at %s wanted something else later "
		"without having heard of it",
		fleet_change_text(o, "edge"), fleet_change_text(earlier, "who"), fleet_change_text(earlier, "by"),
		json_is_true(json_object_get(earlier, "gone")) ? " (no longer to force it)" : "",
		fleet_change_text(later, "who"), fleet_change_text(later, "by"));
}

/* True when something is another here. */
static bool apply(struct fleet_will *w, const struct will_entry *e)
{
	const struct forced *own = forced_here(w, e->field, false);
	struct forced f;

	if (own && own->fleet_at == e->at && !e->gone)
		return false;
	if (e->gone || is_over(w, e)) {
		if (!own)
			return false;
		forcing_unshare(w->opts.forcing, own->id, fleet_change_text(e->o, "by"));
		return true;
	}
	if (!fleet_change_read(w->opts.fleet, e->o, &f))
		return false;
	forcing_share(w->opts.forcing, own ? own->id : 0, &f, fleet_change_text(e->o, "by"));
	return true;
}

bool fleet_will_merge(struct fleet_will *w, const char *text, size_t len)
{
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const uint64_t at = fleet_change_version(o, "at");
	char field[FLEET_CHANGE_FIELD];
	struct forced f;

	if (json_is_true(json_object_get(o, "accepted")))
		take_accepted(w, o);
	if (!at || !fleet_change_read(w->opts.fleet, o, &f)) {
		json_decref(o);
		return false;
	}
	fleet_change_field(fleet_keys(w->opts.fleet), &f, field);
	struct will_entry *e = add_entry(w, field);
	if (!e || e->at == at) {
		json_decref(o);
		return false;
	}
	look_at_odds(w, e, o);
	if (at < e->at) {
		json_decref(o);
		return false;
	}
	w->last = at > w->last ? at : w->last;
	json_decref(e->o);
	e->o = o;
	e->at = at;
	e->gone = json_is_true(json_object_get(o, "gone"));
	e->until_ms = json_integer_value(json_object_get(o, "until_ms"));
	return apply(w, e);
}

static void on_take(void *ctx, const struct fleet_news *n)
{
	struct fleet_will *w = ctx;

	if (w->known && fleet_will_merge(w, (const char *)n->bytes, n->len))
		w->opts.changed(w->opts.ctx);
}

static void on_caught_up(void *ctx)
{
	fleet_will_read(ctx);
}

static void on_lost(void *ctx)
{
	fleet_will_read(ctx);
}

static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct fleet_will *w = t->data;

	(void)loop;
	(void)events;
	if (fleet_is_caught_up(w->opts.fleet))
		fleet_will_read(w);
}

/* --- beginning and end -------------------------------------------------------------------- */

struct fleet_will *fleet_will_new(const struct fleet_will_opts *opts)
{
	struct fleet_will *w = memory_zeroed(1, sizeof *w);

	w->opts = *opts;
	w->opts.server = NULL; /* borrowed, and not needed any more */
	snprintf(w->server, sizeof w->server, "%s", opts->server);
	ev_timer_init(&w->look, on_look, LOOK_S, LOOK_S);
	w->look.data = w;
	ev_timer_start(opts->loop, &w->look);
	fleet_follow(opts->fleet, FLEET_WILL, &(struct fleet_follower){ w, on_take, on_caught_up, on_lost, NULL, NULL });
	return w;
}

void fleet_will_free(struct fleet_will *w)
{
	if (!w)
		return;
	ev_timer_stop(w->opts.loop, &w->look);
	for (size_t i = 0; i < w->n; i++)
		json_decref(w->of[i].o);
	memory_free(w->of);
	memory_free(w->listed);
	fields_fini(&w->by_field);
	fields_fini(&w->by_listed);
	memory_free(w);
}

uint64_t fleet_will_digest(const struct fleet_will *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n; i++)
		if (!w->of[i].gone)
			sum += hash_pair(hash_bytes((struct hash_key){ 9, 10 }, (const uint8_t *)w->of[i].field, FLEET_CHANGE_FIELD),
				w->of[i].at);
	return sum;
}

unsigned fleet_will_count(const struct fleet_will *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += !w->of[i].gone;
	return n;
}

uint64_t fleet_will_conflicts(const struct fleet_will *w)
{
	return w->conflicts;
}

unsigned fleet_will_odd(const struct fleet_will *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += w->of[i].odd && !(w->of[i].until_ms && is_over(w, &w->of[i]));
	return n;
}

/* True: there was something. */
static bool forget_odds(struct fleet_will *w, const char *who, const char *server)
{
	const unsigned n = fleet_will_odd(w);

	for (size_t i = 0; i < w->n; i++)
		w->of[i].odd = false;
	if (n)
		log_line(LOG_NOTICE, "fleet: what holds of %u change%s that were at odds is accepted by %s at server %s", n,
			n == 1 ? "" : "s", who, server);
	return n > 0;
}

static void take_accepted(struct fleet_will *w, const json_t *o)
{
	if (forget_odds(w, fleet_change_text(o, "who"), fleet_change_text(o, "by")))
		w->opts.changed(w->opts.ctx);
}

unsigned fleet_will_accept(struct fleet_will *w, const char *who)
{
	const unsigned n = fleet_will_odd(w);
	json_t *o = json_pack("{s:b, s:s, s:s}", "accepted", 1, "who", who, "by", w->server);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	forget_odds(w, who, w->server);
	if (text)
		fleet_say(w->opts.fleet, FLEET_WILL, (const uint8_t *)text, strlen(text));
	free(text);
	json_decref(o);
	return n;
}
