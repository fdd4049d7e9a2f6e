#include "zone/load.h"

#include "base/memory.h"
#include "base/scope.h"
#include "zone/master.h"

#include <inttypes.h>
#include <string.h>

/* Their paths stand behind them. */
static void copy_sources(struct load *to, const struct load_source *of, unsigned n)
{
	size_t paths = 0;

	for (unsigned i = 0; i < n; i++)
		paths += strlen(of[i].path) + 1;
	to->n = n;
	to->sources = memory_zeroed(1, n * sizeof *of + paths);
	char *room = (char *)(to->sources + n);
	for (unsigned i = 0; i < n; i++) {
		to->sources[i] = (struct load_source){ room, of[i].stamp };
		room = stpcpy(room, of[i].path) + 1;
	}
}

static void keep_sources(struct load *to, const struct records *r)
{
	struct load_source *of = memory_zeroed(r->n_files, sizeof *of);

	for (size_t i = 0; i < r->n_files; i++)
		of[i] = (struct load_source){ r->files[i].path, r->files[i].stamp };
	copy_sources(to, of, (unsigned)r->n_files);
	to->listed = r->listed;
	memory_free(of);
}

/* Of a zone that was read without an error. */
static void keep_doubts(struct load *to, const struct faults *f, const struct faults_mark *since)
{
	to->n_doubts = f->warnings - since->warnings;
	if (to->n_doubts)
		to->doubts = memory_strdup(text_get(&f->text) + since->len);
}

/* For a scope. */
static void let_go(void *r)
{
	records_fini(r);
}

bool load_zone(struct load *to, const char *path, const uint8_t *origin,
	const struct compile_opts *opts, struct faults *f)
{
	struct records r;
	const struct faults_mark mark = faults_mark(f);

	*to = (struct load){ 0 };
	records_init(&r, origin);
	scope_hold(&r, let_go);
	/* What the records mean together is looked at even when some lines are wrong only if
	 * all of them could be read: else every second fault would be one that follows from the
	 * first. */
	if (master_read(&r, path, &(struct master_pools){ opts->pool_edges, opts->ctx }, f))
		to->zone = zone_compile(&r, opts, f);
	if (to->zone) {
		keep_sources(to, &r);
		keep_doubts(to, f, &mark);
	}
	scope_forget(&r, let_go);
	records_fini(&r);
	return to->zone != NULL;
}

struct load load_with(const struct load *l, struct zone *z)
{
	struct load to = { .zone = z, .listed = l->listed }; /* what there was to say of it was of another zone */

	copy_sources(&to, l->sources, l->n);
	return to;
}

void load_fini(struct load *l)
{
	zone_drop(l->zone);
	memory_free(l->sources);
	memory_free(l->doubts);
	*l = (struct load){ 0 };
}

bool load_is_fresh(const struct load *l)
{
	struct file_stamp now;

	for (size_t i = 0; i < l->n; i++)
		if (!file_stamp(l->sources[i].path, &now) ||
			!file_stamp_same(&now, &l->sources[i].stamp))
			return false;
	return l->n > 0;
}

void load_sources_text(const struct load *l, struct text *to)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct file_stamp *at = &l->sources[i].stamp;
		text_addf(to, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 "\n",
			l->sources[i].path, at->device, at->inode, at->size, at->mtime_ns);
	}
}
