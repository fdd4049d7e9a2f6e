/* key_ring_load.c - keys and states come from the disk, and go to it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/key_ring_inner.h"
#include "jobs/jobs.h"
#include "store/store.h"
#include "store/store_keys.h"
#include "zone/key_life_text.h"
#include "zone/signing_key_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- what is stored ----------------------------------------------------------------------- */

/* The private halves take their places. */
static bool read_secrets(
	struct key_ring *r, struct ring_zone *z, struct key_life *l, struct fault *why)
{
	for (size_t i = 0; i < l->n; i++) {
		struct life_key *k = &l->keys[i];
		if (k->foreign)
			continue;
		struct signing_key *whole = key_files_read(r->files, z->apex, k->key, why);
		if (!whole)
			return false;
		signing_key_keep(whole);
		signing_key_drop(whole);
		signing_key_release(k->key);
		k->key = whole;
	}
	return true;
}

static int64_t wall_less(int64_t now_s)
{
	return now_s * 1000000 - (int64_t)clock_us();
}

static bool read_stored(struct key_ring *r, struct ring_zone *z, struct fault *why)
{
	const int64_t now_s = time(NULL);
	char name[NAME_TEXT];
	struct key_life l;
	struct fault own;

	if (!key_life_read(&l, z->states, &own))
		return fault(why, "%s: zone %s: %s", store_path(r->store),
			name_text(name, z->apex), own.text);
	if (!read_secrets(r, z, &l, why)) {
		key_life_fini(&l);
		return false;
	}
	z->down_s = now_s <= z->saved_s               ? 0
		: now_s - z->saved_s > UINT32_MAX / 2 ? UINT32_MAX / 2
						      : (uint32_t)(now_s - z->saved_s);
	key_life_wait(&l, z->down_s);
	if (z->shared)
		shared_keys_read_lines(&z->by, z->states);
	z->life = l;
	free(z->states);
	z->states = NULL;
	return true;
}

/* --- what was left there ------------------------------------------------------------------ */

static bool life_has_file(const struct key_life *l, const uint8_t *apex, const char *name)
{
	char own[SIGNING_FILE_NAME];

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(signing_text_file(own, l->keys[i].key, apex), name) == 0)
			return true;
	return false;
}

static bool zone_has_file(struct ring_zone *z, const char *name)
{
	struct key_life l = { 0 };
	struct fault none;
	bool has;

	pthread_mutex_lock(&z->lock);
	if (z->states && !key_life_read(&l, z->states, &none))
		has = true; /* they cannot be read: nothing of theirs is dropped */
	else
		has = life_has_file(z->states ? &l : &z->life, z->apex, name);
	key_life_fini(&l);
	pthread_mutex_unlock(&z->lock);
	return has;
}

struct sweeping {
	struct key_ring *ring;
	const struct job *job; /* NULL */
};

/* What we do not name so is not ours to drop. */
static bool is_wanted(void *ctx, const char *name)
{
	const struct sweeping *s = ctx;
	uint8_t apex[NAME_MOST];

	if (!signing_text_file_apex(apex, name))
		return true;
	struct ring_zone *z = key_ring_zone(s->ring, apex, false);
	return (z && zone_has_file(z, name)) || (s->job && job_is_cancelled(s->job));
}

void key_ring_sweep(struct key_ring *r, bool all, const struct job *job)
{
	key_files_sweep(r->files, all, is_wanted, &(struct sweeping){ r, job });
}

/* --- what is in the folder ---------------------------------------------------------------- */

static uint8_t role_of(const struct signing_key *k, const struct key_policy *p)
{
	return !(signing_key_flags(k) & SIGNING_SEP) ? KEY_ZSK : p->split ? KEY_KSK : KEY_CSK;
}

/* A KSK alone, of a policy that splits, gets a ZSK; and a CSK signs all by itself. */
static bool take_files(struct key_ring *r, struct ring_zone *z, const struct key_policy *policy,
	struct fault *why)
{
	const int64_t now_s = time(NULL);
	struct key_file found[KEY_LIFE_MOST];
	struct key_life l = { 0 };
	char name[NAME_TEXT];
	bool ok;

	const size_t n = key_files_find(
		r->files, z->apex, now_s, found, KEY_LIFE_MOST, &ok, why);
	if (!ok)
		return false;
	for (size_t i = 0; i < n; i++) {
		key_life_add_known(&l, found[i].key, role_of(found[i].key, policy),
			found[i].created_s ? found[i].created_s : now_s);
		log_line(LOG_NOTICE, "zone %s: the %s %u is in %s, and is used",
			name_text(name, z->apex), key_role_text(l.keys[i].role),
			signing_key_tag(found[i].key), key_files_dir(r->files));
		signing_key_drop(found[i].key);
	}
	ok = !n || key_ring_save(r, z, &l, why);
	if (ok)
		z->life = l;
	else
		key_life_fini(&l);
	return ok;
}

/* --- new ones ----------------------------------------------------------------------------- */

enum { KEYS_TRIED = 100 };

static bool has_tag(const struct key_life *l, const struct signing_key *k)
{
	for (size_t i = 0; i < l->n; i++)
		if (signing_key_tag(l->keys[i].key) == signing_key_tag(k))
			return true;
	return false;
}

/* A new key of a process that does not serve yet. */
struct key_made {
	struct key_made *next;
	const struct ring_zone *zone;
	struct signing_key *key; /* held */
};

/* The ring's lock: the store may be released meanwhile. */
static bool remember_made(struct key_ring *r, const struct ring_zone *z, struct signing_key *k, struct fault *why)
{
	bool ok = true;

	pthread_mutex_lock(&r->lock);
	if (store_is_unreleased(r->store)) {
		struct key_made *m = malloc(sizeof *m);
		ok = m || fault(why, "out of memory");
		if (m)
			*m = (struct key_made){ r->made, z, signing_key_hold(k) };
		r->made = m ? m : r->made;
	}
	pthread_mutex_unlock(&r->lock);
	return ok;
}

/* As many at most. */
static struct key_made *take_made(struct key_ring *r, size_t most)
{
	pthread_mutex_lock(&r->lock);
	struct key_made *list = r->made, **end = &r->made;
	while (*end && most-- > 0)
		end = &(*end)->next;
	r->made = *end;
	*end = NULL;
	pthread_mutex_unlock(&r->lock);
	return list;
}

/* The first of the list, after `m`, which goes. */
static struct key_made *end_made(struct key_made *m)
{
	struct key_made *next = m->next;

	signing_key_drop(m->key);
	free(m);
	return next;
}

void key_ring_settle_key(struct key_ring *r, const struct ring_zone *z, const struct signing_key *k)
{
	char name[NAME_TEXT];
	struct fault why;

	if (!key_files_settle(r->files, z->apex, k, &why))
		log_line(LOG_WARNING, "zone %s: %s (the key's file is at that path with \".new\" behind it, and is put in its place at the next start)",
			name_text(name, z->apex), why.text);
}

/* All at the cost of one; or where that fails, as when somebody has settled one of them meanwhile, each by itself. */
static void settle_made(struct key_ring *r, const struct key_made *list)
{
	struct key_files_batch b = { .paths = NULL };
	struct fault why;
	bool ok = true;

	for (const struct key_made *m = list; ok && m; m = m->next)
		ok = key_files_note(r->files, &b, m->zone->apex, m->key, &why);
	ok = ok && key_files_place(&b, &why);
	key_files_end(&b, true);
	for (const struct key_made *m = list; !ok && m; m = m->next)
		key_ring_settle_key(r, m->zone, m->key);
}

bool key_ring_keep_made(struct key_ring *r)
{
	if (store_is_unreleased(r->store))
		return false;
	struct key_made *list = take_made(r, KEY_RING_PORTION);
	const bool any = list;
	settle_made(r, list);
	while (list)
		list = end_made(list);
	return any;
}

void key_ring_forget_made(struct key_ring *r)
{
	for (struct key_made *m = take_made(r, SIZE_MAX); m;)
		m = end_made(m);
}

void key_ring_take_back(struct key_ring *r)
{
	const bool theirs = store_is_unreleased(r->store);

	for (struct key_made *m = theirs ? take_made(r, SIZE_MAX) : NULL; m; m = end_made(m))
		key_files_remove(r->files, m->zone->apex, m->key);
}

bool key_ring_add_new(struct key_ring *r, struct ring_zone *z, const struct key_policy *p,
	uint8_t role, struct key_life *l, struct fault *why)
{
	const bool rsa = p->algorithm == SIGNING_RSASHA256 || p->algorithm == SIGNING_RSASHA512;
	const uint16_t flags = role & KEY_SIGNS_KEYS ? SIGNING_KSK : SIGNING_ZSK;
	const int64_t now_s = time(NULL);
	char name[NAME_TEXT], algorithm[SIGNING_TEXT];
	bool ok = true;

	struct signing_key *k = signing_key_new(p->algorithm, rsa ? p->bits : 0, flags, why);
	/* Tags are what people tell keys by, and what their files are named by. */
	for (unsigned i = 0; k && (has_tag(l, k) || key_files_has_other(r->files, z->apex, k, why)); i++) {
		signing_key_drop(k);
		k = i < KEYS_TRIED ? signing_key_new(p->algorithm, rsa ? p->bits : 0, flags, why) : NULL;
	}
	if (!k)
		return false;
	ok = remember_made(r, z, k, why) &&
		(z->batch ? key_batch_file(z->batch, r, z, k, now_s, why)
			  : key_files_write_aside(r->files, z->apex, k, now_s, why));
	if (ok && !key_life_add(l, k, role, now_s))
		ok = fault(why, "zone %s has %d keys already", name_text(name, z->apex),
			KEY_LIFE_MOST);
	if (ok)
		log_line(LOG_NOTICE, "zone %s: a new %s %u (%s)", name_text(name, z->apex),
			key_role_text(role), signing_key_tag(k),
			signing_algorithm_text(algorithm, signing_key_algorithm(k)));
	signing_key_drop(k);
	return ok;
}

/* --- both ways ---------------------------------------------------------------------------- */

bool key_ring_load(struct key_ring *r, struct ring_zone *z, const struct key_policy *policy,
	struct fault *why)
{
	if (z->loaded && (z->life.n || !policy))
		return true;
	if (!z->loaded) {
		if (z->states && !read_stored(r, z, why))
			return false;
		z->stepped_us = clock_us();
		z->wall_less_us = wall_less(time(NULL));
		z->loaded = true;
	}
	return z->life.n || !policy || !key_share_leads(r, z) || take_files(r, z, policy, why);
}

bool key_ring_save(
	struct key_ring *r, struct ring_zone *z, const struct key_life *life, struct fault *why)
{
	const struct shared_keys was = z->by;

	if (z->shared && !key_share_put(r, z, life, why))
		return false;
	if (key_ring_keep(r, z, life, why))
		return true;
	z->by = was; /* what the fleet has now is taken from there at the next look, as of another server */
	return false;
}

bool key_ring_keep(
	struct key_ring *r, struct ring_zone *z, const struct key_life *life, struct fault *why)
{
	struct text states = { 0 };

	if (!life->n && !z->shared)
		return store_drop_keys(r->store, z->apex, why);
	key_life_write(life, &states);
	if (z->shared)
		shared_keys_lines(&z->by, &states);
	const struct store_keys row = { z->apex, time(NULL), text_get(&states) };
	const bool ok = !states.lost &&
		(z->batch ? key_batch_states(z->batch, z, row.states, why)
			  : store_put_keys(r->store, &row, why));
	if (states.lost)
		fault(why, "out of memory");
	text_fini(&states);
	return ok;
}
