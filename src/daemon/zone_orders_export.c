/* zone_orders_export.c - "zone export NAME [--generic] [--unsigned]": a zone as a master file,
 * sent as it is made.
 */
#include "daemon/parts_read.h"
#include "daemon/zone_orders_inner.h"
#include "daemon/zone_pools.h"
#include "zone/sign.h"
#include "zone/zone_text.h"

#include <stdlib.h>
#include <string.h>

struct exporting {
	struct command_call *call; /* NULL: nobody waits any more */
	struct parts held;         /* the registry with the zone */
	struct publisher *publisher;
	const struct zone *zone; /* of it */
	enum rdata_reader reader;
	bool strips; /* what signing has made is left out */
	struct hash_key key;
	struct job *job;
	struct text out;
};

static bool send_on(void *ctx, const char *s, size_t len)
{
	struct exporting *x = ctx;

	return !job_is_cancelled(x->job) && x->call->stream(x->call, s, len);
}

static void put_text(struct exporting *x)
{
	const struct compile_opts opts = zone_pools_compile_opts(parts_conf(&x->held), x->key);
	struct zone *own = NULL;
	struct faults f;

	faults_init(&f);
	if (x->strips)
		own = sign_strip(x->zone, &opts, &f);
	if (own || !x->strips)
		zone_text(&x->out, own ? own : x->zone, x->reader);
	else
		text_add(&x->out, text_get(&f.text));
	if (own)
		zone_drop(own);
	faults_fini(&f);
}

static void work(void *ctx, struct job *job)
{
	struct exporting *x = ctx;

	x->job = job;
	if (x->call && x->call->stream) {
		x->out.drain = send_on;
		x->out.drain_ctx = x;
	}
	put_text(x);
	x->out.drain = NULL;
}

static void done(void *ctx, enum job_end end)
{
	struct exporting *x = ctx;

	x->out.drain = NULL;
	if (end == JOB_NO_MEMORY) {
		text_fini(&x->out);
		text_add(&x->out, "out of memory: try again\n");
	}
	if (x->call) {
		if (end != JOB_CANCELLED)
			text_take(x->call->out, &x->out);
		x->call->done(x->call, end == JOB_DONE ? 0 : 1);
	}
	text_fini(&x->out);
	publisher_let_go(x->publisher, &x->held);
	free(x);
}

/* The session ends at a stop only, while it runs. */
static void forget(struct command_call *c)
{
	((struct exporting *)c->pending)->call = NULL;
}

int zone_orders_export(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;
	const bool generic = command_take_word(words, &n, "--generic"),
		   strips = command_take_word(words, &n, "--unsigned");

	if (n != 2)
		return 2;
	const struct registry_zone *z = zone_orders_served(o, words[1], c->out);

	if (!z)
		return 1;
	struct exporting *x = calloc(1, sizeof *x);
	if (x) {
		*x = (struct exporting){ .call = c,
			.publisher = o->opts.publisher,
			.zone = z->load.zone,
			.reader = generic ? RDATA_FOR_ALL : RDATA_FOR_US };
		x->strips = strips && z->load.zone->denial;
		x->key = o->opts.key;
		x->held.zones = registry_hold(publisher_live(o->opts.publisher)->zones);
		x->held.conf = part_hold(publisher_live(o->opts.publisher)->conf);
		c->pending = x;
		c->forget = forget;
	}
	if (x &&
		jobs_start(o->opts.jobs,
			&(struct job_opts){ .lane = o->export_lane,
				.name = "zone",
				.about = words[1],
				.ctx = x,
				.work = work,
				.done = done }))
		return COMMAND_LATER;
	if (x)
		publisher_let_go(o->opts.publisher, &x->held);
	free(x);
	text_add(c->out, "out of memory\n");
	return 1;
}
