#include "daemon/store_orders.h"

#include "base/memory.h"
#include "daemon/confine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct store_orders {
	struct store_orders_opts opts;
	unsigned lane;
};

struct backup {
	struct store_orders *owner;
	struct command_call *call; /* NULL: nobody waits any more */
	bool ok;
	struct fault why;
	struct store_counts counts;
	int64_t bytes;
	char path[]; /* own copy */
};

static void work(void *ctx, struct job *job)
{
	struct backup *b = ctx;
	struct stat st;

	(void)job;
	b->ok = confine_file(b->path, true, &b->why) && store_backup(b->owner->opts.store, b->path, &b->why);
	b->counts = store_counts(b->owner->opts.store);
	b->bytes = b->ok && stat(b->path, &st) == 0 ? st.st_size : 0;
}

static void done(void *ctx, enum job_end end)
{
	struct backup *b = ctx;
	struct command_call *c = b->call;

	if (c && end == JOB_DONE && b->ok)
		text_addf(c->out, "%s: %zu zones, %lld bytes\n", b->path, b->counts.zones,
			(long long)b->bytes);
	else if (c)
		text_addf(c->out, "%s\n",
			end == JOB_DONE             ? b->why.text
				: end == JOB_NO_MEMORY ? "out of memory"
						       : "the server stops");
	if (c)
		c->done(c, end == JOB_DONE && b->ok ? 0 : 1);
	free(b);
}

static void forget(struct command_call *c)
{
	((struct backup *)c->pending)->call = NULL;
}

static int backup(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct store_orders *o = ctx;

	if (n != 1)
		return 2;
	if (words[0][0] != '/') {
		text_addf(c->out, "%s: a whole path is wanted, from / on\n", words[0]);
		return 1;
	}
	if (!o->opts.store) {
		text_add(c->out, "there is no store (the configuration has no store: file), so all there "
				 "is to keep is files\n");
		return 1;
	}
	struct backup *b = calloc(1, sizeof *b + strlen(words[0]) + 1);
	if (b) {
		b->owner = o;
		b->call = c;
		strcpy(b->path, words[0]);
	}
	if (!b || !jobs_start(o->opts.jobs,
			  &(struct job_opts){ .lane = o->lane,
				  .name = "backup",
				  .about = b->path,
				  .ctx = b,
				  .work = work,
				  .done = done })) {
		free(b);
		text_add(c->out, "out of memory\n");
		return 1;
	}
	c->pending = b;
	c->forget = forget;
	return COMMAND_LATER;
}

struct store_orders *store_orders_new(
	const struct store_orders_opts *opts, struct commands *commands)
{
	struct store_orders *o = memory_zeroed(1, sizeof *o);

	o->opts = *opts;
	o->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	commands_bind(commands, "backup", backup, o);
	return o;
}

void store_orders_free(struct store_orders *o)
{
	memory_free(o);
}
