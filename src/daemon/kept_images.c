#include "daemon/kept_images.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/publish.h"
#include "daemon/successor.h"
#include "geo/atlas_kept.h"
#include "jobs/jobs.h"
#include "steer/steer_kept.h"
#include "store/store.h"
#include "zone/keyset.h"
#include "zone/registry.h"
#include "zone/zone_kept.h"
#include "zone/zone_with.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AFTER_S 2.0 /* a start is busy, and changes come in flocks */

enum {
	STEPS = 8, /* steps of what is signed that are an eighth of it take as long as reading it */
	HASH = 16,
	NAME = 2 * HASH + 8,
	LARGE = 256 << 10 /* bytes of an image: smaller ones are read as fast from their files */
};

static const char geo_name[] = "geoip.kept", ranks_name[] = "rankings.kept";

struct kept_images {
	struct kept_images_opts opts;
	unsigned lane;
	ev_timer timer;
	bool runs, again;
	/* The job's. */
	struct parts parts; /* held */
	struct fault why;   /* "": nothing was wrong */
	char told[sizeof(struct fault)]; /* what was wrong the last time */
};

/* --- names -------------------------------------------------------------------------------- */

/* Of its id and its file's path: names of zones are longer than those of files may be. */
static void zone_name(char to[static NAME], const uint8_t *id, const char *file)
{
	crypto_generichash_state s;
	uint8_t hash[HASH];
	char hex[2 * HASH + 1];

	crypto_generichash_init(&s, NULL, 0, sizeof hash);
	crypto_generichash_update(&s, id, (size_t)(view_apex(id) - id) + name_len(view_apex(id)));
	crypto_generichash_update(&s, (const uint8_t *)file, strlen(file));
	crypto_generichash_final(&s, hash, sizeof hash);
	snprintf(to, NAME, "%s.kept", sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
}

static bool in_folder(char to[static KEPT_PATH], const char *dir, const char *name)
{
	return snprintf(to, KEPT_PATH, "%s/%s", dir, name) < KEPT_PATH;
}

bool kept_images_zone(char to[static KEPT_PATH], const char *dir, const uint8_t *id, const char *file)
{
	char name[NAME];

	zone_name(name, id, file);
	return in_folder(to, dir, name);
}

bool kept_images_geo(char to[static KEPT_PATH], const char *dir)
{
	return in_folder(to, dir, geo_name);
}

bool kept_images_ranks(char to[static KEPT_PATH], const char *dir)
{
	return in_folder(to, dir, ranks_name);
}

/* --- the job ------------------------------------------------------------------------------ */

static bool is_kept(const struct registry_zone *z)
{
	return z->source == REGISTRY_FILE && z->state == REGISTRY_READY && *z->path && zone_kept_suits(&z->load) &&
		(z->keys || (!z->load.zone->delta && !z->load.zone->base)) && z->load.zone->image_len >= LARGE;
}

bool kept_images_signed(const struct conf_rule *rule, const struct keyset *keys)
{
	return !rule->stored && !rule->n_primaries && !rule->fleet && !rule->zonemd && !keys->policy.zonemd && !rule->verify.program && !rule->verify.zonemd;
}

/* What a digest was put into is not what its file says. */
static bool is_plain(const struct conf *c, const struct registry *r, size_t i)
{
	return !c->rules[zone_set_rule(r->set, i)].zonemd && (!r->zones[i]->keys || kept_images_signed(&c->rules[zone_set_rule(r->set, i)], r->zones[i]->keys));
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A name that one of the above makes, or that of one that is being written. */
static bool is_ours(const char *name)
{
	const size_t hex = strspn(name, "0123456789abcdef");
	const char *end = strchr(name, '.');
	const bool known = hex == 2 * HASH || strncmp(name, geo_name, sizeof geo_name - 1) == 0 || strncmp(name, ranks_name, sizeof ranks_name - 1) == 0;

	return known && end && (strcmp(end, ".kept") == 0 || strcmp(end, ".kept.new") == 0);
}

/* Files of ours that are none of these names. */
static void sweep(const char *dir, char **names, size_t n)
{
	char path[KEPT_PATH];
	const struct dirent *e;
	DIR *d = opendir(dir);

	if (n)
		qsort(names, n, sizeof *names, compare_words);
	while (d && (e = readdir(d))) {
		const char *word = e->d_name;
		if (is_ours(word) && (!n || !bsearch(&word, names, n, sizeof *names, compare_words)) && in_folder(path, dir, word))
			unlink(path);
	}
	if (d)
		closedir(d);
}

static void write_zone(struct kept_images *k, const char *path, const struct load *l, const struct zone_kept_signed *s)
{
	struct faults none;

	if (!l->zone->delta && !l->zone->base) {
		zone_kept_write(path, l, s, &k->why);
		return;
	}
	faults_init(&none);
	struct zone *whole = zone_merge(l->zone, zone_set_key(k->parts.zones->set), &none);
	faults_fini(&none);
	if (!whole)
		return; /* the next start reads it */
	struct load as = *l;
	as.zone = whole;
	zone_kept_write(path, &as, s, &k->why);
	zone_drop(whole);
}

/* What is served is what is stored, or the next time is soon enough; and what is kept may have some steps behind it. */
static void keep_signed(struct kept_images *k, const char *path, const struct registry_zone *z)
{
	struct zone_kept_signed is;
	struct store_base now;

	if (z->keys_due || !k->opts.store || !store_get_base(k->opts.store, z->origin, STORE_SIGNED, &now) || now.serial != z->load.zone->serial)
		return;
	if (zone_kept_is(path, &z->load, &is) && is.base == now.base && is.generation == z->keys->generation && now.since >= is.since &&
		now.since - is.since < now.whole / STEPS)
		return;
	write_zone(k, path, &z->load, &(struct zone_kept_signed){ z->keys->generation, now.base, now.since });
}

static void keep_zone(struct kept_images *k, const char *dir, const struct registry_zone *z)
{
	char path[KEPT_PATH];

	if (!kept_images_zone(path, dir, z->origin, z->path))
		return;
	if (z->keys)
		keep_signed(k, path, z);
	else if (!zone_kept_is(path, &z->load, NULL))
		write_zone(k, path, &z->load, NULL);
}

static void keep_geo(struct kept_images *k, const char *dir)
{
	char path[KEPT_PATH];

	if (!kept_images_geo(path, dir) || atlas_kept_is(path, k->parts.atlas, k->parts.geo_files))
		return;
	atlas_kept_write(path, k->parts.atlas, k->parts.geo_files, &k->why);
}

static void keep_ranks(struct kept_images *k, const char *dir)
{
	const struct conf *c = parts_conf(&k->parts);
	struct text files = { 0 };
	char path[KEPT_PATH];
	const struct steer_kept kept = { path, &files, 0 };

	atlas_kept_of(&(struct atlas_opts){ .n_city_files = c->n_city_files, .n_asn_files = c->n_asn_files }, k->parts.geo_files, &files);
	if (kept_images_ranks(path, dir) && !steer_kept_is(&kept, k->parts.steer))
		steer_kept_write(&kept, k->parts.steer, &k->why);
	text_fini(&files);
}

static void keep_all(struct kept_images *k, const char *dir, struct job *job)
{
	const struct registry *r = k->parts.zones;
	char **names = memory_zeroed(r->n + 2, sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < r->n && !job_is_cancelled(job); i++) {
		char name[NAME];
		if (!is_kept(r->zones[i]) || !is_plain(parts_conf(&k->parts), r, i))
			continue;
		zone_name(name, r->zones[i]->origin, r->zones[i]->path);
		names[n++] = memory_strdup(name);
		keep_zone(k, dir, r->zones[i]);
	}
	if (atlas_kept_suits(k->parts.atlas, k->parts.geo_files)) {
		names[n++] = memory_strdup(geo_name);
		keep_geo(k, dir);
	}
	if (atlas_kept_settled(k->parts.geo_files) && steer_kept_suits(k->parts.steer)) {
		names[n++] = memory_strdup(ranks_name);
		keep_ranks(k, dir);
	}
	if (!job_is_cancelled(job))
		sweep(dir, names, n);
	while (n)
		memory_free(names[--n]);
	memory_free(names);
}

static void work(void *ctx, struct job *job)
{
	struct kept_images *k = ctx;
	const char *dir = parts_conf(&k->parts)->images_dir;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		fault(&k->why, "%s: %s", dir, strerror(errno));
	else
		keep_all(k, dir, job);
}

static void done(void *ctx, enum job_end end)
{
	struct kept_images *k = ctx;

	publisher_let_go(k->opts.publisher, &k->parts);
	k->runs = false;
	if (end == JOB_DONE && strcmp(k->told, k->why.text) != 0) {
		snprintf(k->told, sizeof k->told, "%s", k->why.text);
		if (*k->told)
			log_line(LOG_WARNING, "images of zones and databases are not kept, and the next start takes longer: %s", k->told);
	}
	if (k->again)
		ev_timer_again(k->opts.loop, &k->timer);
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct kept_images *k = t->data;

	(void)events;
	if (successor_waits(k->opts.successor)) {
		ev_timer_again(loop, t); /* they are of who serves, and may be wanted yet */
		return;
	}
	ev_timer_stop(loop, t);
	k->again = false;
	if (!parts_conf(publisher_live(k->opts.publisher))->images_dir)
		return;
	k->parts = parts_hold(publisher_live(k->opts.publisher));
	k->why.text[0] = 0;
	k->runs = jobs_start(k->opts.jobs, &(struct job_opts){ .lane = k->lane, .name = "keep images", .ctx = k, .work = work, .done = done });
	if (!k->runs)
		publisher_let_go(k->opts.publisher, &k->parts); /* the next change wants it again */
}

static void follow(void *ctx, unsigned what)
{
	struct kept_images *k = ctx;

	/* Rankings of what is measured come every few seconds, and are not kept. */
	if (client_map_is_measured(publisher_live(k->opts.publisher)->steer->clients))
		what &= ~(unsigned)PUBLISH_STEER;
	if (!(what & (PUBLISH_CONF | PUBLISH_ZONES | PUBLISH_GEO | PUBLISH_STEER)))
		return;
	if (k->runs)
		k->again = true;
	else if (!ev_is_active(&k->timer))
		ev_timer_again(k->opts.loop, &k->timer);
}

struct kept_images *kept_images_new(const struct kept_images_opts *opts)
{
	struct kept_images *k = memory_zeroed(1, sizeof *k);

	k->opts = *opts;
	k->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	ev_timer_init(&k->timer, on_time, 0, AFTER_S);
	k->timer.data = k;
	ev_timer_again(opts->loop, &k->timer);
	publisher_follow(opts->publisher, follow, k);
	return k;
}

void kept_images_free(struct kept_images *k)
{
	if (!k)
		return;
	ev_timer_stop(k->opts.loop, &k->timer);
	memory_free(k);
}
