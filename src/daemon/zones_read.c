#include "daemon/zones_read.h"

#include "base/crew.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scope.h"
#include "daemon/key_ring.h"
#include "daemon/zone_files.h"
#include "daemon/zone_pools.h"
#include "daemon/zone_signing.h"
#include "dns/rrtype.h"
#include "daemon/zone_verify.h"
#include "jobs/jobs.h"
#include "xfr/stored.h"
#include "zone/history.h"
#include "zone/serial.h"
#include "zone/zonemd_make.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A zone of the configuration, and what became of it. */
struct listed {
	const uint8_t *origin; /* wire, lower case */
	const char *path;
	const struct conf_zone *at;   /* the entry that named it; or stands for what added it */
	struct registry_added *added; /* borrowed; NULL: the configuration names it */
	struct registry_zone *before; /* borrowed; NULL: it is new */
	struct registry_zone *entry;  /* `before` itself, not held; or a new one */
	struct keyset *keys;          /* held; NULL: it is not signed here */
	struct faults *faults;        /* NULL: none */
};

struct reading {
	const struct zones_read_opts *o;
	struct arena mem; /* of the names */
	struct listed *list;
	size_t n, room;
	size_t done; /* atomic */
	int64_t now_s;
};

static struct fault_at at_entry(const struct reading *r, const struct conf_zone *z)
{
	const struct conf *c = r->o->conf;

	return conf_place(c, z->source, z->line, z->column);
}

/* --- which zones -------------------------------------------------------------------------- */

/* NULL: with the class of clients that it is for, its name is too long. */
static struct listed *add_zone(
	struct reading *r, const struct conf_zone *at, const uint8_t *origin, const char *path)
{
	uint8_t lower[NAME_MOST];
	const size_t len = name_len(origin);

	if (r->n == r->room) {
		r->room = r->room ? r->room * 2 : 64;
		r->list = memory_grow(r->list, r->room * sizeof *r->list);
	}
	name_lower(lower, origin, len);
	if (!view_id(lower, lower, at->view))
		return NULL;
	r->list[r->n] = (struct listed){ .at = at,
		.origin = arena_memdup(&r->mem, lower, name_len(lower)),
		.path = path };
	return &r->list[r->n++];
}

static bool too_long(
	const struct reading *r, const struct conf_zone *entry, const uint8_t *origin, struct faults *f)
{
	const struct fault_at at = at_entry(r, entry);
	char name[NAME_TEXT];

	return faults_error(f, &at,
		"zone %s for %s: both names together are too long: give the class a shorter one",
		name_text(name, origin), entry->view);
}

static bool is_folder(const struct dirent *d, const char *path)
{
	struct stat st;

	return d->d_type != DT_REG && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* One file of a folder. One whose name cannot be a zone's is told, and keeps nobody else from
 * being served. */
static void add_file(struct reading *r, const struct conf_zone *entry, const struct dirent *d,
	struct faults *f)
{
	static const uint8_t root[1];
	const struct fault_at at = at_entry(r, entry);
	uint8_t origin[NAME_MOST];
	const size_t dir = strlen(entry->dir), whole = strlen(d->d_name);
	size_t len;
	char *path = arena_alloc(&r->mem, dir + whole + 2);

	memcpy(path, entry->dir, dir);
	path[dir] = '/';
	memcpy(path + dir + 1, d->d_name, whole + 1);
	if (is_folder(d, path))
		return;
	const char *name = zone_files_origin(entry->files, d->d_name, &len);
	const enum name_result result = name_parse(origin, NULL, name, len, root);
	if (result == NAME_OK && view_is(origin))
		faults_error(f, &at, "%s: a zone's name does not begin with \\000", path);
	else if (result == NAME_OK && !add_zone(r, entry, origin, path))
		too_long(r, entry, origin, f);
	else if (result != NAME_OK)
		faults_error(f, &at, "%s: as the name of a zone this %s", path,
			name_result_text(result));
}

static void close_folder(void *dir)
{
	closedir(dir);
}

/* What editors and packages have left in a folder, in a sentence. */
struct leftovers {
	size_t n;
	char named[256]; /* the first of them */
};

static void add_leftover(struct leftovers *to, const char *file)
{
	const size_t at = strlen(to->named);

	if (to->n++ < 3)
		snprintf(
			to->named + at, sizeof to->named - at, "%s%.70s", at ? ", " : "", file);
}

/* Returns how many files were taken or passed over. */
static size_t add_files(
	struct reading *r, const struct conf_zone *entry, DIR *dir, struct faults *f)
{
	const struct fault_at at = at_entry(r, entry);
	struct leftovers left = { 0, "" };
	const struct dirent *d;
	size_t n = 0;

	for (errno = 0; (d = readdir(dir)); errno = 0) {
		if (d->d_type == DT_DIR || !zone_files_match(entry->files, d->d_name))
			continue;
		n++;
		if (zone_files_leftover(d->d_name))
			add_leftover(&left, d->d_name);
		else
			add_file(r, entry, d, f);
	}
	const int failed = errno;
	if (left.n)
		faults_warning(f, &at,
			"%s: %zu file%s passed over as what editors and packages leave behind: "
			"%s%s (give one that is a zone an entry of its own)",
			entry->dir, left.n, left.n == 1 ? " is" : "s are", left.named,
			left.n > 3 ? ", ..." : "");
	errno = failed;
	return n;
}

static bool add_folder(struct reading *r, const struct conf_zone *entry, struct faults *f)
{
	const struct fault_at at = at_entry(r, entry);
	DIR *dir = opendir(entry->dir);

	if (!dir)
		return faults_error(f, &at, "%s: %s", entry->dir, strerror(errno));
	scope_hold(dir, close_folder);
	const size_t n = add_files(r, entry, dir, f);
	const int failed = errno;
	scope_forget(dir, close_folder);
	closedir(dir);
	if (failed)
		return faults_error(f, &at, "%s: %s", entry->dir, strerror(failed));
	if (!n && entry->files)
		faults_warning(
			f, &at, "%s: no file is called like \"%s\"", entry->dir, entry->files);
	return true;
}

/* Its number in a registry, quickly; r->n when it has none. */
static size_t find_number(const struct registry *r, struct hash_key key, const uint8_t *id)
{
	struct zone_name name;
	size_t at;

	if (view_is(id))
		return registry_index(r, id);
	zone_name_set(&name, key, id);
	const struct zone *z = zone_set_find(r->set, &name, name.labels, &at);
	if (!z || z->apex_labels != name.labels)
		return r->n;
	return z->view_len ? registry_index(r, id) : at;
}

/* A folder that was only added to or changed inside names the zones that there are: each goes
 * to the place of its own there, and nothing needs to be sorted. False when that is not so. */
static bool order_as_before(struct reading *r)
{
	const struct registry *before = r->o->before;

	if (!before || r->n != before->n)
		return false;
	struct listed *list = memory_zeroed(r->n, sizeof *list);
	for (size_t i = 0; i < r->n; i++) {
		const size_t at = find_number(before, r->o->key, r->list[i].origin);
		if (at == before->n || list[at].origin) {
			memory_free(list);
			return false;
		}
		list[at] = r->list[i];
		list[at].before = before->zones[at];
	}
	memory_free(r->list);
	r->list = list;
	return true;
}

static int compare_listed(const void *va, const void *vb)
{
	const struct listed *a = va, *b = vb;
	const int d = registry_compare(a->origin, b->origin);

	/* What stands first in the configuration is first, and what was added is last. */
	if (!d && !a->added != !b->added)
		return a->added ? 1 : -1;
	if (d || a->at != b->at)
		return d ? d : a->at < b->at ? -1 : 1;
	return a->path && b->path ? strcmp(a->path, b->path) : 0;
}

/* Both lists ascend. */
static void find_before(struct reading *r)
{
	const struct registry *before = r->o->before;
	size_t k = 0;

	for (size_t i = 0; before && i < r->n; i++) {
		while (k < before->n &&
			registry_compare(before->zones[k]->origin, r->list[i].origin) < 0)
			k++;
		if (k < before->n &&
			registry_compare(before->zones[k]->origin, r->list[i].origin) == 0)
			r->list[i].before = before->zones[k];
	}
}

static bool is_secondary(const struct reading *r, const struct listed *z)
{
	return r->o->conf->rules[z->at->rule].n_primaries != 0;
}

/* Of zones that are there twice the first is looked at, so that they hide no other fault. */
static bool drop_doubles(struct reading *r, struct faults *f)
{
	char name[NAME_TEXT];
	size_t kept = 0, shadowed = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct listed *z = &r->list[i], *first = kept ? &r->list[kept - 1] : NULL;
		if (!first || registry_compare(first->origin, z->origin) != 0) {
			r->list[kept++] = *z;
			continue;
		}
		const struct fault_at at = at_entry(r, z->at), was = at_entry(r, first->at);
		if (z->added && z->added->promoted && is_secondary(r, first)) {
			r->list[kept - 1] = *z;
			shadowed++;
			continue;
		}
		if (z->added && z->added->catalog) {
			char catalog[NAME_TEXT];
			faults_warning(f, &was,
				"zone %s is a member of the catalog %s, too: what the configuration "
				"says is served",
				view_text(name, z->origin), name_text(catalog, z->added->catalog));
			shadowed++;
			continue;
		}
		if (z->added) {
			faults_warning(f, &was,
				"zone %s was also added while the server ran: what the "
				"configuration says is served (\"zone remove %s\" forgets the "
				"other)",
				view_text(name, z->origin), name);
			shadowed++;
			continue;
		}
		faults_error(f, &at,
			"zone %s is there twice: as %s (first at %s:%u) and as %s (keep one)",
			view_text(name, z->origin), first->path ? first->path : "a secondary",
			was.path, was.line, z->path ? z->path : "a secondary");
	}
	const bool ok = kept + shadowed == r->n;
	r->n = kept;
	return ok;
}

/* The same folder with the same pattern, in an entry before this. */
static bool folder_is_new(struct reading *r, const struct conf_zone *z, struct faults *f)
{
	const struct fault_at at = at_entry(r, z);

	for (const struct conf_zone *a = r->o->conf->zones; a < z; a++)
		if (a->dir && strcmp(a->dir, z->dir) == 0 && !a->view == !z->view &&
			(!a->view || strcmp(a->view, z->view) == 0) && !a->files == !z->files &&
			(!a->files || strcmp(a->files, z->files) == 0)) {
			const struct fault_at was = at_entry(r, a);
			return faults_error(f, &at,
				"this folder is here twice (first at %s:%u); take one out",
				was.path, was.line);
		}
	return true;
}

/* A zone that is signed has one DS at its parent: so all views of it are signed with the same keys. */
static bool check_signing(
	struct reading *r, const struct listed *first, const struct listed *z, struct faults *f)
{
	const struct conf_rule *rules = r->o->conf->rules;
	const struct fault_at at = at_entry(r, z->at), was = at_entry(r, first->at);
	char name[NAME_TEXT], other[NAME_TEXT];

	if (rules[first->at->rule].dnssec == rules[z->at->rule].dnssec)
		return true;
	return faults_error(f, &at,
		"zone %s has another \"dnssec\" than zone %s (%s:%u): the parent has one DS for all "
		"views of a zone; sign all of them by one policy, or none",
		view_text(name, z->origin), view_text(other, first->origin), was.path, was.line);
}

/* Zones of one apex, which stand together, against the first of them. */
static bool check_views(struct reading *r, struct faults *f)
{
	bool ok = true;

	for (size_t i = 1, first = 0; i < r->n; i++) {
		const struct listed *z = &r->list[i];
		if (!view_is(r->list[first].origin) ||
			!name_equal(view_apex(z->origin), view_apex(r->list[first].origin)))
			first = i;
		else
			ok = check_signing(r, &r->list[first], z, f) && ok;
	}
	return ok;
}

/* An entry as the configuration would have it. */
static void add_added(struct reading *r, const struct zones_read_added *of)
{
	const struct conf *c = r->o->conf;
	struct conf_zone *at = arena_zalloc(&r->mem, sizeof *at);

	at->rule = zones_read_rule(c, of->added);
	at->name = of->apex;
	/* Of one that the store alone has, the file was where it began. */
	const struct conf_rule *rule = &c->rules[at->rule];
	at->file = *of->added->file && (!rule->stored || rule->synced) ? of->added->file : NULL;
	add_zone(r, at, of->apex, at->file)->added = of->added; /* no view: it is not too long */
}

/* False when the list is wrong; what it has then can be looked at all the same. */
static bool list_zones(struct reading *r, struct faults *f)
{
	const struct conf *c = r->o->conf;
	bool ok = true;

	for (size_t i = 0; i < c->n_zones; i++) {
		const struct conf_zone *z = &c->zones[i];
		if (z->dir)
			ok = folder_is_new(r, z, f) && add_folder(r, z, f) && ok;
		else if (!add_zone(r, z, z->name, z->file))
			ok = too_long(r, z, z->name, f);
	}
	for (size_t i = 0; i < r->o->n_added; i++)
		add_added(r, &r->o->added[i]);
	if (ok && order_as_before(r))
		return check_views(r, f);
	if (r->n)
		qsort(r->list, r->n, sizeof *r->list, compare_listed);
	ok = drop_doubles(r, f) && ok;
	ok = check_views(r, f) && ok;
	find_before(r);
	return ok;
}

/* --- each of them ------------------------------------------------------------------------- */

/* --- signing ------------------------------------------------------------------------------ */

/* Of what has a policy, or keys still. False: it is to be signed, and cannot be. */
static bool find_keys(const struct reading *r, struct listed *z, struct fault *why)
{
	const unsigned number = r->o->conf->rules[z->at->rule].dnssec;

	*why = (struct fault){ 0 };
	if (!r->o->ring)
		z->keys = z->before ? keyset_hold(z->before->keys) : NULL;
	else if (number || key_ring_knows(r->o->ring, z->origin))
		z->keys = key_ring_get(r->o->ring, z->origin,
			number ? &r->o->conf->dnssec[number - 1].keys : NULL, why);
	return z->keys || !*why->text;
}

/* Is what is served signed here, or not, as it is to be? */
static bool same_signing(const struct listed *z)
{
	return !z->before || !z->before->keys == !z->keys;
}

static struct zone_signing_of signing_of(const struct reading *r, const struct listed *z)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];
	const struct registry_zone *old = z->before;
	const bool is_served = old && zone_is_ready(old->load.zone);

	return (struct zone_signing_of){ .keys = z->keys,
		.before = is_served && old->keys ? old->load.zone : NULL,
		.served = is_served && !old->keys ? old->load.zone : NULL,
		.which = rule->stored && !rule->n_primaries ? STORE_ZONE : STORE_SIGNED,
		.serial = rule->access.serial };
}

static bool goes_on(void *ctx, uint64_t n, uint64_t of)
{
	(void)n;
	(void)of;
	return !job_is_cancelled(ctx);
}

/* `late`: of a zone that is served, which is changed meanwhile: that goes before, and until it is served, too, the entry
 * is the one before. */
static struct zone_signing signing(const struct reading *r, const struct listed *z,
	const struct compile_opts *opts, bool *late)
{
	return (struct zone_signing){ .compile = opts,
		.store = r->o->ring ? r->o->store : NULL,
		.now_s = r->now_s,
		.politely = r->o->job != NULL,
		.goes_on = r->o->job ? goes_on : NULL,
		.ctx = r->o->job,
		.late = z->before ? late : NULL };
}

/* What `to` serves as it came (`*was`, the caller's, then) becomes what is served signed, where it is signed here;
 * false after a fault. */
static bool sign_entry(const struct reading *r, const struct listed *z,
	struct registry_zone *to, const struct zone **was, bool *late, struct faults *f)
{
	struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct zone_signing how = signing(r, z, &opts, late);
	const struct zone_signing_of of = signing_of(r, z);
	struct zone *plain = to->load.zone;

	if (!z->keys || !zone_is_ready(plain))
		return true;
	to->load.zone = zone_signing_make(&how, &of, plain, &to->keys_due, f);
	to->keys = z->keys;
	if (z->before && !z->before->keys_due && keyset_same(z->before->keys, z->keys))
		to->keys_due = false;
	*was = plain;
	to->plain = to->source == REGISTRY_PRIMARY ? plain : NULL;
	return to->load.zone != NULL;
}

/* The entry of `to`, whose zone is taken, signed where it is signed here. NULL after a fault. */
static struct registry_zone *entry_new(const struct reading *r, const struct listed *z,
	struct registry_zone *to, struct faults *f)
{
	const struct zone *plain = NULL;
	struct registry_zone *made = NULL;
	bool late = false;

	if (sign_entry(r, z, to, &plain, &late, f) && !late)
		made = registry_zone_new(to);
	else
		load_fini(&to->load);
	if (late)
		made = z->before;
	if (plain)
		zone_drop(plain);
	return made;
}

/* Has what is served a digest of itself as it is to have? What is signed here has that of its policy. One of its file's own
 * is not told from one that was made. */
static bool same_digest(const struct reading *r, const struct listed *z)
{
	return z->keys ||
		zonemd_hash_of(z->before->load.zone) == r->o->conf->rules[z->at->rule].zonemd;
}

/* The same as before, when its files are the same and the pools it names are still there, and
 * still do for where it names them; not held, since mostly all are. */
static struct registry_zone *same_as_before(const struct reading *r, const struct listed *z)
{
	struct registry_zone *old = z->before;

	if (!old || old->state != REGISTRY_READY || old->source != REGISTRY_FILE || !z->path ||
		!same_signing(z) ||
		strcmp(old->path, z->path) != 0 || !load_is_fresh(&old->load) ||
		!registry_added_same(old->added, z->added) || !same_digest(r, z))
		return NULL;
	const struct zone *was = old->load.zone;
	for (unsigned i = 0; i < was->pools_n; i++)
		if (!zone_pools_suit(r->o->conf, was, i))
			return NULL;
	return old;
}

/* Who follows this zone asks for what has changed. */
static void keep_history(const struct reading *r, const struct listed *z, struct zone *now)
{
	const struct zone *was = z->before ? z->before->load.zone : NULL;
	struct fault why;

	if (!was || !zone_is_ready(was) || !serial_is_newer(now->serial, was->serial) ||
		!r->o->conf->rules[z->at->rule].access.transfer.n)
		return;
	struct change *c = change_between(was, now, &why);
	if (c)
		history_give(now, was, c);
}

/* What was made of it when it was signed here is not needed any more. */
static void forget_signed(const struct reading *r, const struct listed *z)
{
	struct fault why;

	if (z->before && z->before->keys && !z->keys && r->o->ring && r->o->store &&
		!store_forget_signed(r->o->store, z->origin, &why))
		log_line(LOG_WARNING, "%s", why.text);
}

static enum registry_source source_of(const struct reading *r, const struct listed *z)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];

	if (z->at->catalog && z->at->catalog->produces)
		return REGISTRY_MADE;
	if (rule->n_primaries)
		return REGISTRY_PRIMARY;
	return rule->stored ? REGISTRY_STORE : REGISTRY_FILE;
}

/* The digest that the zone has to have of itself, where it is not signed here. False after a fault. */
static bool put_digest(
	const struct reading *r, const struct listed *z, struct load *load, struct faults *f)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];

	if (!rule->zonemd || z->keys)
		return true;
	load->zone = zonemd_put(load->zone,
		&(struct zonemd_opts){ .hash = rule->zonemd,
			.with = { .compile = zone_pools_compile_opts(r->o->conf, r->o->key),
				.tolerant = true } },
		f);
	if (!load->zone)
		load_fini(load);
	return load->zone != NULL;
}

/* Takes `load`. NULL after a fault. */
static struct registry_zone *ready(const struct reading *r, const struct listed *z,
	const struct load *load, struct faults *f)
{
	const bool was = z->before && z->before->state == REGISTRY_READY;

	if (!z->keys)
		keep_history(r, z, load->zone);
	forget_signed(r, z);
	struct registry_zone to = { .origin = z->origin,
		.added = z->added,
		.source = source_of(r, z),
		.path = z->path,
		.load = *load,
		.state = REGISTRY_READY,
		.since_s = was ? z->before->since_s : r->now_s,
		.loaded_s = r->now_s };
	return entry_new(r, z, &to, f);
}

/* What it had is served on, and changed on as it was, unless it is to come from elsewhere now; who had nothing answers
 * SERVFAIL. NULL when there is no memory. */
static struct registry_zone *faulty(
	const struct reading *r, const struct listed *z, const struct faults *f)
{
	const struct registry_zone *old = z->before;
	const bool has = old && zone_is_ready(old->load.zone);
	struct registry_zone to = { .origin = z->origin,
		.added = z->added,
		.source = old && old->source == source_of(r, z) ? old->source : REGISTRY_FILE,
		.path = z->path ? z->path : "",
		.state = has ? REGISTRY_FAULTY : REGISTRY_EMPTY,
		.since_s = old && old->state != REGISTRY_READY ? old->since_s : r->now_s,
		.loaded_s = has ? old->loaded_s : 0 };
	const char *first = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);
	char line[512];

	snprintf(line, sizeof line, "%.*s", (int)strcspn(first, "\n"), first);
	to.fault = line;
	to.load.zone = has ? old->load.zone : zone_placeholder(r->o->key, z->origin);
	if (!to.load.zone)
		return NULL;
	if (has) {
		zone_hold(to.load.zone);
		to.keys = old->keys;
		to.keys_due = old->keys_due;
		to.plain = old->plain;
		to.plain_due = old->plain_due;
		to.checked_s = old->checked_s;
		to.expire_s = old->expire_s;
	}
	return registry_zone_new(&to);
}

/* The faults of a zone stay with it until all have been read. */
static void keep_faults(struct listed *z, struct faults *f)
{
	if (!f->errors && !f->warnings) {
		faults_fini(f);
		return;
	}
	z->faults = memory_zeroed(1, sizeof *z->faults);
	*z->faults = *f;
}

/* The first fault, as a sentence. */
static void take_first(struct faults *f, struct fault *why)
{
	const char *text = text_get(&f->text) + (f->errors ? f->error_at[0] : 0);

	fault(why, "%.*s", (int)strcspn(text, "\n"), text);
}

/* sign_entry() where there is no file; NULL: `why`. */
static struct registry_zone *signed_entry(const struct reading *r, const struct listed *z,
	struct registry_zone *to, struct fault *why)
{
	struct registry_zone *made = NULL;
	struct faults f;

	faults_init(&f);
	forget_signed(r, z);
	made = entry_new(r, z, to, &f);
	if (!made)
		take_first(&f, why);
	faults_fini(&f);
	return made;
}

/* Of other nameservers: what there is goes on until they have something newer. */
static struct registry_zone *of_primary(
	const struct reading *r, const struct listed *z, struct fault *lost)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct registry_zone *old = z->before;
	struct registry_zone to = { .origin = z->origin,
		.added = z->added,
		.source = REGISTRY_PRIMARY,
		.path = "",
		.state = REGISTRY_WAITS,
		.since_s = r->now_s };
	struct fault why = { 0 };
	char name[NAME_TEXT];

	if (old && old->source == REGISTRY_PRIMARY && old->state != REGISTRY_FAULTY &&
		same_signing(z) && registry_added_same(old->added, z->added))
		return z->before;
	if (old && old->source == REGISTRY_PRIMARY) {
		part_copy(&to, old, sizeof to); /* it has no files */
		to.added = z->added;
		to.load.zone = old->plain ? (struct zone *)(uintptr_t)old->plain : old->load.zone;
		if (zone_is_ready(to.load.zone) && old->state != REGISTRY_READY) {
			to.state = REGISTRY_READY;
			to.since_s = r->now_s;
			to.fault = NULL;
		}
		to.plain = NULL;
		to.keys = NULL;
		to.keys_due = to.plain_due = false;
		zone_hold(to.load.zone);
	} else if (old && zone_is_ready(old->load.zone)) {
		to.state = REGISTRY_READY;
		to.loaded_s = old->loaded_s;
		to.load.zone = old->load.zone;
		zone_hold(to.load.zone);
	} else if (r->o->stored &&
		(to.load.zone = r->o->stored(r->o->stored_ctx, z->origin, z->path, &opts, &to.checked_s,
			 &to.expire_s, &why))) {
		to.state = REGISTRY_READY;
		to.loaded_s = r->now_s;
	} else {
		if (*why.text)
			log_line(LOG_ERROR, "zone %s: %s; it is fetched anew",
				view_text(name, z->origin), why.text);
		to.load.zone = zone_placeholder(r->o->key, z->origin);
	}
	return signed_entry(r, z, &to, lost);
}

/* A file that cannot be opened is told where the configuration names it. */
static bool may_read(const struct reading *r, const struct listed *z, struct faults *f)
{
	const struct fault_at at = at_entry(r, z->at);

	return access(z->path, R_OK) == 0 ||
		faults_error(f, &at, "%s: %s", z->path, strerror(errno));
}

/* What it has in the store is signed, and is to be so no more. */
static struct registry_zone *unsigned_entry(const struct reading *r, const struct listed *z,
	struct registry_zone *to, struct fault *why)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	bool late = false;
	const struct zone_signing how = signing(r, z, &opts, &late);
	const struct zone_signing_of of = signing_of(r, z);
	struct faults f;

	faults_init(&f);
	to->load.zone = zone_signing_undo(&how, &of, &f);
	if (!to->load.zone)
		take_first(&f, why);
	faults_fini(&f);
	if (late && to->load.zone)
		zone_drop(to->load.zone);
	if (late)
		return z->before;
	return to->load.zone ? registry_zone_new(to) : NULL;
}

/* Until all of it is stored, what is stored is upon a file that may be another by now. What is served has all of it. */
static bool has_more_than_store(const struct reading *r, const struct listed *z)
{
	const struct registry_zone *old = z->before;

	return old && old->source == REGISTRY_STORE && zone_is_ready(old->load.zone) && r->o->store &&
		store_is_of_file(r->o->store, z->origin);
}

/* Of the store, once it is there. NULL: the file is where it begins; or `why` says that it is there and cannot be
 * had: then what the file says is older than what was confirmed, and must not be told. */
static struct registry_zone *of_store(
	const struct reading *r, const struct listed *z, struct fault *why)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct registry_zone *old = z->before;
	struct registry_zone to = { .origin = z->origin,
		.added = z->added,
		.source = REGISTRY_STORE,
		.path = z->path ? z->path : "",
		.state = REGISTRY_READY,
		.since_s = r->now_s,
		.loaded_s = r->now_s };

	/* As long as nothing has changed it, it is still its file. */
	if (old && old->source == REGISTRY_STORE && old->state == REGISTRY_READY && same_signing(z) &&
		registry_added_same(old->added, z->added) && (old->load.n == 0 || load_is_fresh(&old->load)))
		return z->before;
	if (old && old->source == REGISTRY_STORE && old->keys && !z->keys)
		return unsigned_entry(r, z, &to, why);
	if (has_more_than_store(r, z))
		zone_hold(to.load.zone = old->load.zone);
	else if (r->o->stored)
		to.load.zone = r->o->stored(
			r->o->stored_ctx, z->origin, z->path, &opts, &to.checked_s, &to.expire_s, why);
	return to.load.zone ? signed_entry(r, z, &to, why) : NULL;
}

uint32_t zones_read_rule(const struct conf *c, const struct registry_added *added)
{
	const int rule = *added->template ? conf_template(c, added->template) : 0;

	return rule < 0 ? 0 : (uint32_t)rule;
}

/* Its template is not there any more: what is known of it is served on, and it is told. NULL: no memory. */
static struct registry_zone *orphan(
	const struct reading *r, const struct listed *z, struct faults *f)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct fault_at at = { .path = r->o->conf->path };
	struct listed as = *z;
	struct registry_zone stored = { .state = REGISTRY_READY };
	struct fault why;
	char name[NAME_TEXT];

	faults_error(f, &at,
		"zone %s was added with the template \"%s\", which is not there any more: write it "
		"anew, or take the zone out (\"zone remove %s\")",
		view_text(name, z->origin), z->added->template, name);
	if (!z->before && r->o->stored) {
		stored.load.zone = r->o->stored(r->o->stored_ctx, z->origin, z->path, &opts,
			&stored.checked_s, &stored.expire_s, &why);
		if (stored.load.zone) {
			stored.loaded_s = r->now_s;
			as.before = &stored;
		}
	}
	struct registry_zone *made = faulty(r, &as, f);
	if (stored.load.zone)
		zone_drop(stored.load.zone);
	return made;
}

/* A catalog that is made here: as it was, or as it is stored; what it lists is looked at by others. */
static struct registry_zone *of_making(
	const struct reading *r, const struct listed *z, struct fault *lost)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	const struct registry_zone *old = z->before;
	struct registry_zone to = { .origin = z->origin,
		.source = REGISTRY_MADE,
		.path = "",
		.state = REGISTRY_READY,
		.since_s = r->now_s,
		.loaded_s = r->now_s };

	if (old && old->source == REGISTRY_MADE)
		return z->before;
	if (r->o->stored)
		to.load.zone = r->o->stored(
			r->o->stored_ctx, z->origin, NULL, &opts, &to.checked_s, &to.expire_s, lost);
	if (*lost->text)
		return NULL;
	if (!to.load.zone) {
		to.state = REGISTRY_WAITS;
		to.loaded_s = 0;
		to.load.zone = zone_placeholder(r->o->key, z->origin);
	}
	return registry_zone_new(&to);
}

/* What is stored of one that is signed here, as it was served; without a zone where there is nothing. */
static struct registry_zone stored_signed(const struct reading *r, const struct listed *z)
{
	const struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	struct registry_zone to = { .source = source_of(r, z),
		.state = REGISTRY_READY,
		.loaded_s = r->now_s };
	struct zone *own = NULL;
	struct fault why = { 0 };

	if (r->o->stored && (to.source == REGISTRY_STORE || to.source == REGISTRY_PRIMARY))
		own = r->o->stored(r->o->stored_ctx, z->origin, z->path, &opts, &to.checked_s,
			&to.expire_s, &why);
	if (to.source == REGISTRY_STORE) {
		to.load.zone = own;
		return to;
	}
	if (r->o->store)
		to.load.zone = stored_signed_zone(r->o->store, z->origin, &opts, &why);
	if (to.load.zone)
		to.plain = own; /* as its primary has it */
	else if (own)
		zone_drop(own);
	return to;
}

/* Its keys cannot be had: what was signed of it is served on, and it is told. NULL: no memory. */
static struct registry_zone *without_keys(const struct reading *r, const struct listed *z,
	const struct fault *lost, struct faults *f)
{
	struct listed as = *z;
	struct registry_zone stored = { .load = { 0 } };

	faults_take(f, lost);
	if (!z->before)
		stored = stored_signed(r, z);
	if (stored.load.zone)
		as.before = &stored;
	struct registry_zone *made = faulty(r, &as, f);
	if (stored.load.zone)
		zone_drop(stored.load.zone);
	if (stored.plain)
		zone_drop((struct zone *)(uintptr_t)stored.plain);
	return made;
}

/* What is not read from a file; or has not changed. NULL: its file is read, or `lost` says why not. */
static struct registry_zone *without_file(
	const struct reading *r, const struct listed *z, struct fault *lost)
{
	const struct conf_rule *rule = &r->o->conf->rules[z->at->rule];
	const struct conf_catalog *catalog = z->at->catalog;
	struct registry_zone *entry = catalog && catalog->produces ? of_making(r, z, lost)
		: rule->n_primaries                             ? of_primary(r, z, lost)
		: rule->stored                          ? of_store(r, z, lost)
							: same_as_before(r, z);
	char name[NAME_TEXT];

	if (!entry && !z->path && !*lost->text)
		fault(lost, "zone %s: %s", view_text(name, z->origin),
			rule->stored ? "nothing of it is in the store"
				     : "it was added without a file, and its template has neither "
				       "\"primary\" nor \"write-back: store\"");
	return entry;
}

static bool has_template(const struct reading *r, const struct listed *z)
{
	return !z->added || !*z->added->template ||
		conf_template(r->o->conf, z->added->template) >= 0;
}

/* What its file says is right; is it what it must be? */
static bool is_verified(
	const struct reading *r, const struct listed *z, struct load *load, struct faults *f)
{
	const struct fault_at at = { .path = z->path };
	struct fault doubt, why;
	const bool ok = zone_verify(
		&r->o->conf->rules[z->at->rule].verify, load->zone, r->o->job, &doubt, &why);

	if (*doubt.text)
		faults_warning(f, &at, "%s", doubt.text);
	if (ok)
		return true;
	load_fini(load);
	return faults_error(f, &at, "%s", why.text);
}

static bool read_zone(void *ctx, size_t i)
{
	struct reading *r = ctx;
	struct listed *z = &r->list[i];
	struct compile_opts opts = zone_pools_compile_opts(r->o->conf, r->o->key);
	struct faults f;
	struct load load;
	struct fault lost = { 0 };

	if (r->o->job && job_is_cancelled(r->o->job))
		return false;
	if (!has_template(r, z)) {
		faults_init(&f);
		z->entry = orphan(r, z, &f);
		keep_faults(z, &f);
	} else if (find_keys(r, z, &lost)) {
		z->entry = without_file(r, z, &lost);
	} else {
		faults_init(&f);
		z->entry = without_keys(r, z, &lost, &f);
		keep_faults(z, &f);
	}
	/* One that is signed here has a serial of its own. */
	if (z->before && z->before->state != REGISTRY_EMPTY && !z->keys)
		opts.before = z->before->load.zone;
	if (!z->entry) {
		faults_init(&f);
		if (*lost.text)
			faults_take(&f, &lost);
		const bool ok = !f.errors && may_read(r, z, &f) &&
			load_zone(&load, z->path, z->origin, &opts, &f) &&
			is_verified(r, z, &load, &f) && put_digest(r, z, &load, &f);
		z->entry = ok ? ready(r, z, &load, &f) : NULL;
		if (!z->entry)
			z->entry = faulty(r, z, &f);
		keep_faults(z, &f);
	}
	keyset_drop(z->keys);
	const size_t done = __atomic_add_fetch(&r->done, 1, __ATOMIC_RELAXED);
	if (r->o->job && (done & 63) == 0)
		job_progress(r->o->job, done, r->n);
	return z->entry != NULL;
}

/* In the order of the zones: as many as one run shows in full, of all others the first line of
 * what is wrong, and how many doubts there are. */
static void tell_faults(struct reading *r, struct faults *f)
{
	unsigned shown = f->warnings, hidden = 0, zones = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct faults *of = r->list[i].faults;
		if (!of)
			continue;
		if (of->errors || shown < FAULTS_MOST) {
			faults_add_each(f, of);
			shown += of->warnings;
		} else {
			f->warnings += of->warnings;
			hidden += of->warnings;
			zones++;
		}
		faults_fini(of);
		memory_free(of);
	}
	if (hidden)
		text_addf(&f->text, "... and %u more warnings, of %u zones\n", hidden, zones);
}

/* Takes the entries. */
static struct registry *make_registry(struct reading *r)
{
	const struct registry *before = r->o->before;
	bool same = before && before->n == r->n;

	for (size_t i = 0; same && i < r->n; i++)
		same = r->list[i].entry == before->zones[i] &&
			r->list[i].at->rule == zone_set_rule(before->set, i);
	if (same)
		return registry_hold((struct registry *)(uintptr_t)before);
	struct registry_zone **zones = memory_zeroed(r->n, sizeof *zones);
	uint32_t *rules = memory_zeroed(r->n, sizeof *rules);
	for (size_t i = 0; i < r->n; i++) {
		rules[i] = r->list[i].at->rule;
		zones[i] = r->list[i].entry;
		if (zones[i] == r->list[i].before)
			part_hold(&zones[i]->part);
	}
	struct registry *made = registry_new(r->o->key, zones, rules, r->n);
	memory_free(rules);
	return made;
}

static void drop_new(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].entry != r->list[i].before)
			registry_zone_drop(r->list[i].entry);
}

/* What the list has is read, whether it is right or not: one fault hides no other. */
static struct registry *read_list(struct reading *r, bool right, struct faults *f)
{
	struct registry *made = NULL;
	bool all = true;

	crew_run(r->n, r->o->job != NULL, read_zone, r);
	tell_faults(r, f);
	for (size_t i = 0; i < r->n; i++)
		all = all && r->list[i].entry;
	if (all && right)
		made = make_registry(r);
	else
		drop_new(r);
	if (!made && right)
		faults_error(f, &(struct fault_at){ .path = r->o->conf->path },
			r->o->job && job_is_cancelled(r->o->job) ? "given up"
								 : "out of memory");
	return made;
}

struct registry *zones_read(const struct zones_read_opts *o, struct faults *f)
{
	struct reading r = { .o = o, .now_s = time(NULL) };

	arena_init(&r.mem);
	const bool right = list_zones(&r, f);
	struct registry *made = read_list(&r, right, f);
	memory_free(r.list);
	arena_fini(&r.mem);
	return made;
}

struct registry_zone *zones_read_one(const struct zones_read_opts *o,
	const struct zones_read_added *of, struct faults *f)
{
	struct reading r = { .o = o, .now_s = time(NULL) };

	arena_init(&r.mem);
	add_added(&r, of);
	const bool made = read_zone(&r, 0);
	struct listed *z = r.list;
	const bool ok = made && (!z->faults || !z->faults->errors) && z->entry->state != REGISTRY_EMPTY;
	struct registry_zone *entry = z->entry;
	tell_faults(&r, f);
	if (!ok) {
		registry_zone_drop(entry);
		entry = NULL;
	}
	memory_free(r.list);
	arena_fini(&r.mem);
	return entry;
}
