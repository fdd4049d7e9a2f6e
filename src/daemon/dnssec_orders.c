#include "daemon/dnssec_orders.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/confine.h"
#include "daemon/dnssec_show.h"
#include "daemon/key_files.h"
#include "daemon/parts_read.h"
#include "zone/signing_key_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct dnssec_orders {
	struct dnssec_orders_opts opts;
	unsigned lane;
};

/* One order; its job works with copies. */
struct order {
	struct dnssec_orders *owner;
	struct command_call *call; /* NULL: nobody waits any more */
	const struct verb *verb;
	uint8_t apex[NAME_MOST];
	char name[NAME_TEXT];
	unsigned uid;
	bool ksk, zsk, now, pem, json;
	char file[4096];
	struct text out;
	struct fault why;
	bool ok;
};

struct verb {
	const char *word;
	size_t words; /* with the zone's name */
	bool (*run)(struct order *o, struct key_ring *ring);
	bool changes; /* and is written down in the log */
};

/* --- what they do, on a helper thread ------------------------------------------------------ */

static bool show(struct order *o, struct key_ring *ring)
{
	struct key_ring_view v;

	if (!key_ring_look(ring, o->apex, &v))
		return fault(&o->why,
			"zone %s is not signed here (\"dnssec: auto\" of its entry signs it)",
			o->name);
	if (o->json)
		dnssec_show_json(&v, o->apex, &o->out);
	else if (strcmp(o->verb->word, "ds") == 0)
		dnssec_show_ds(&v, o->apex, &o->out);
	else if (strcmp(o->verb->word, "keys") == 0)
		dnssec_show_keys(&v, &o->out);
	else
		dnssec_show_status(&v, o->apex, &o->out);
	key_ring_view_fini(&v);
	return true;
}

static bool roll(struct order *o, struct key_ring *ring)
{
	const uint8_t roles = o->ksk == o->zsk ? KEY_CSK
		: o->ksk                       ? KEY_SIGNS_KEYS
					       : KEY_SIGNS_ZONE;

	if (!key_ring_roll(ring, o->apex, roles, o->now, &o->why))
		return false;
	text_addf(
		&o->out, "%s: a roll begins (\"dnssec status\" shows how it goes)\n", o->name);
	return true;
}

static bool ds_seen(struct order *o, struct key_ring *ring)
{
	const bool seen = strcmp(o->verb->word, "ds-seen") == 0;

	if (!key_ring_ds_seen(ring, o->apex, seen, &o->why))
		return false;
	text_addf(&o->out, "%s: the parent has %s\n", o->name,
		seen ? "the DS that it was asked for" : "no DS of it any more");
	return true;
}

static bool import(struct order *o, struct key_ring *ring)
{
	uint8_t owner[256];
	int64_t created_s;
	char file[SIGNING_FILE_NAME];

	if (!confine_file(o->file, false, &o->why))
		return false;
	struct signing_key *k = key_files_take(
		o->file, o->zsk ? SIGNING_ZSK : SIGNING_KSK, 0, owner, &created_s, &o->why);
	if (!k)
		return false;
	if (*owner && !name_equal(owner, o->apex)) {
		char name[NAME_TEXT];
		fault(&o->why, "%s: this is a key of %s", o->file, name_text(name, owner));
		signing_key_drop(k);
		return false;
	}
	const bool ok = key_ring_import(ring, o->apex, k, created_s, &o->why);
	if (ok)
		text_addf(&o->out, "%s: %s is %s\n", o->name,
			signing_text_file(file, k, o->apex),
			signing_key_can_sign(k) ? "taken" : "published");
	signing_key_drop(k);
	return ok;
}

static bool write_pem(struct order *o, const char *path, const struct signing_key *k)
{
	struct signing_text t;
	bool ok = signing_text_pem(k, &t) || fault(&o->why, "out of memory");

	ok = ok && file_replace(path, &(struct text){ .s = t.s, .len = t.len }, 0600, &o->why);
	signing_text_wipe(&t);
	return ok;
}

/* Into a folder, under the names that BIND gives. */
static bool export_key(struct order *o, const struct signing_key *k, int64_t created_s)
{
	char name[SIGNING_FILE_NAME], path[5000];
	bool ok = true;

	signing_text_file(name, k, o->apex);
	if (o->pem) {
		snprintf(path, sizeof path, "%s/%s.pem", o->file, name);
		ok = write_pem(o, path, k);
	} else {
		struct key_files *to = key_files_open(o->file, &o->why);
		ok = to && key_files_write(to, o->apex, k, created_s, &o->why);
		key_files_close(to);
	}
	if (ok)
		text_addf(&o->out, "%s/%s%s\n", o->file, name, o->pem ? ".pem" : ".private");
	return ok;
}

static bool export(struct order *o, struct key_ring *ring)
{
	struct key_ring_view v;
	size_t n = 0;

	if (!confine_file(o->file, true, &o->why))
		return false;
	if (!key_ring_look(ring, o->apex, &v))
		return fault(&o->why, "zone %s has no keys here", o->name);
	bool ok = mkdir(o->file, S_IRWXU) == 0 || errno == EEXIST ||
		fault(&o->why, "%s: %s", o->file, strerror(errno));
	for (size_t i = 0; ok && i < v.life.n; i++) {
		if (!signing_key_can_sign(v.life.keys[i].key))
			continue;
		ok = export_key(o, v.life.keys[i].key, v.life.keys[i].created_s);
		n += ok;
	}
	if (ok && !n)
		ok = fault(&o->why, "zone %s has no keys here", o->name);
	key_ring_view_fini(&v);
	return ok;
}

static bool remove_key(struct order *o, struct key_ring *ring)
{
	char *end;
	const unsigned long tag = strtoul(o->file, &end, 10);

	if (*end || tag > 0xffff)
		return fault(&o->why, "\"%s\" is not a key's tag", o->file);
	if (!key_ring_remove(ring, o->apex, (uint16_t)tag, &o->why))
		return false;
	text_addf(&o->out, "%s: the key %lu is published no more\n", o->name, tag);
	return true;
}

static const struct verb verbs[] = {
	{ "ds", 1, show, false },
	{ "keys", 1, show, false },
	{ "status", 1, show, false },
	{ "roll", 1, roll, true },
	{ "ds-seen", 1, ds_seen, true },
	{ "ds-gone", 1, ds_seen, true },
	{ "import", 2, import, true },
	{ "export", 2, export, true },
	{ "remove", 2, remove_key, true },
};

/* --- the loop ----------------------------------------------------------------------------- */

static void forget(struct command_call *c)
{
	((struct order *)c->pending)->call = NULL;
}

static void work(void *ctx, struct job *job)
{
	struct order *o = ctx;

	(void)job;
	o->ok = o->verb->run(o, o->owner->opts.ring);
}

static void done(void *ctx, enum job_end end)
{
	struct order *o = ctx;
	const bool ok = end == JOB_DONE && o->ok;

	if (ok && o->verb->changes) {
		log_line(LOG_NOTICE, "zone %s: dnssec %s, by the user %u", o->name,
			o->verb->word, o->uid);
		signing_keys_soon(o->owner->opts.keys);
		o->owner->opts.changed(o->owner->opts.ctx, o->apex);
	}
	if (o->call) {
		if (end == JOB_DONE)
			text_add(o->call->out, text_get(&o->out));
		if (!ok)
			text_addf(o->call->out, "%s\n",
				end == JOB_DONE                ? o->why.text
					: end == JOB_NO_MEMORY ? "out of memory"
							       : "the server stops");
		o->call->done(o->call, ok ? 0 : 1);
	}
	text_fini(&o->out);
	free(o);
}

static const struct verb *find(const char *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].word, word) == 0)
			return &verbs[i];
	return NULL;
}

static bool read_words(struct order *o, const char **words, size_t n, struct text *out)
{
	static const uint8_t root[1];

	const enum name_result is = name_parse(o->apex, NULL, words[1], strlen(words[1]), root);
	if (is != NAME_OK) {
		text_addf(out, "%s: as the name of a zone this %s\n", words[1],
			name_result_text(is));
		return false;
	}
	name_lower(o->apex, o->apex, name_len(o->apex));
	name_text(o->name, o->apex);
	if (n < 3)
		return true;
	if (strlen(words[2]) >= sizeof o->file) {
		text_add(out, "this path is too long\n");
		return false;
	}
	strcpy(o->file, words[2]);
	if ((o->verb->run == import || o->verb->run == export) && *o->file != '/') {
		text_addf(out, "%s: the server needs an absolute path\n", o->file);
		return false;
	}
	return true;
}

/* The words but for the switches; false: they are wrong. */
static bool read_switches(struct order *o, const char **words, size_t *n)
{
	const bool rolls = o->verb->run == roll, imports = o->verb->run == import;

	if (rolls || imports) {
		o->ksk = command_take_word(words, n, "--ksk");
		o->zsk = command_take_word(words, n, "--zsk");
	}
	if (rolls)
		o->now = command_take_word(words, n, "--now");
	if (o->verb->run == show)
		o->json = command_take_word(words, n, "--json");
	if (o->verb->run == export)
		o->pem = command_take_word(words, n, "--pem");
	return *n == o->verb->words + 1;
}

static int dnssec(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct dnssec_orders *owner = ctx;
	const struct verb *verb = n ? find(words[0]) : NULL;
	struct order *o = verb ? calloc(1, sizeof *o) : NULL;
	int status = 2;

	if (!o)
		return 2;
	o->owner = owner;
	o->verb = verb;
	o->uid = c->uid;
	if (read_switches(o, words, &n)) {
		status = 1;
		if (!owner->opts.ring)
			text_add(c->out,
				"nothing is signed here: there is no store (\"store: { "
				"file: ... }\" in the configuration)\n");
		else if (read_words(o, words, n, c->out))
			status = COMMAND_LATER;
	}
	if (status == COMMAND_LATER &&
		!jobs_start(owner->opts.jobs,
			&(struct job_opts){ .lane = owner->lane,
				.name = "dnssec",
				.about = o->name,
				.ctx = o,
				.work = work,
				.done = done })) {
		text_add(c->out, "too much is waiting; try again\n");
		status = 1;
	}
	if (status != COMMAND_LATER) {
		free(o);
		return status;
	}
	o->call = c;
	c->pending = o;
	c->forget = forget;
	return status;
}

/* The keys that sign the zone now. */
static void tell_state(void *ctx, const char *const *words, size_t n, char to[static COMMAND_STATE])
{
	const struct dnssec_orders *o = ctx;
	uint8_t id[NAME_MOST];
	struct fault why;
	size_t len = 0;

	if (n < 2 || !view_parse(id, words[1], &why))
		return;
	const struct registry_zone *z = registry_find(publisher_live(o->opts.publisher)->zones, id);
	const struct keyset *keys = z ? z->keys : NULL;
	if (!keys)
		strcpy(to, z ? "not signed here" : "no such zone");
	for (size_t i = 0; keys && i < keys->n && len + 24 < COMMAND_STATE; i++)
		len += (size_t)snprintf(to + len, COMMAND_STATE - len, "%s%u%s%s", i ? ", " : "keys ",
			signing_key_tag(keys->keys[i].key), keys->keys[i].signs_keys ? " ksk" : "",
			keys->keys[i].signs_zone ? " zsk" : "");
}

struct dnssec_orders *dnssec_orders_new(
	const struct dnssec_orders_opts *opts, struct commands *commands)
{
	struct dnssec_orders *o = memory_zeroed(1, sizeof *o);

	o->opts = *opts;
	o->lane = jobs_lane(opts->jobs, 2, JOBS_PROMPT);
	commands_bind(commands, "dnssec", dnssec, o);
	commands_bind_state(commands, "dnssec", tell_state);
	return o;
}

void dnssec_orders_free(struct dnssec_orders *o)
{
	memory_free(o);
}
