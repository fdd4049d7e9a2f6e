#include "daemon/secondaries.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/secondaries_inner.h"
#include "daemon/zone_pools.h"
#include "daemon/zone_verify.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOTE_S = 10 };

static struct compile_opts compile_with(void *ctx, struct part **hold)
{
	const struct secondaries *s = ctx;
	struct part *conf = publisher_live(s->opts.publisher)->conf;

	*hold = part_hold(conf);
	return zone_pools_compile_opts((const struct conf *)conf, s->opts.key); /* its first member */
}

/* --- what it must stand ------------------------------------------------------------------- */

static void *verifies(void *ctx, const uint8_t *apex, bool *ok)
{
	const struct secondaries *s = ctx;
	const struct parts *live = publisher_live(s->opts.publisher);
	const size_t at = registry_index(live->zones, apex);

	*ok = true;
	if (at == live->zones->n)
		return NULL;
	const uint32_t rule = zone_set_rule(live->zones->set, at);
	return zone_verify_copy(&parts_conf(live)->rules[rule].verify, ok);
}

static bool stands_what_it_must(void *ctx, const void *how, const struct zone *z, const struct job *job,
	struct fault *why)
{
	struct fault doubt;
	char name[NAME_TEXT];
	const bool ok = zone_verify(how, z, job, &doubt, why);

	(void)ctx;
	if (*doubt.text)
		log_line(LOG_WARNING, "zone %s: serial %u: %s", view_text(name, zone_id(z)), z->serial,
			doubt.text);
	return ok;
}

/* --- what is stored ----------------------------------------------------------------------- */

static bool follows(void *ctx, const uint8_t *apex)
{
	const struct secondaries *s = ctx;
	const struct registry_zone *z =
		registry_find(publisher_live(s->opts.publisher)->zones, apex);

	return z && z->source != REGISTRY_STORE;
}

/* On a helper thread. */
static bool mark_stored(
	void *ctx, const uint8_t *apex, struct store_mark *to, struct fault *why)
{
	const struct secondaries *s = ctx;

	return store_mark(s->opts.store, apex, to, why);
}

/* On a helper thread. */
static bool store_fetched(void *ctx, const struct store_mark *upon, const struct zone *z,
	const struct change *change, uint32_t expire_s, struct fault *why)
{
	const struct secondaries *s = ctx;
	const struct store_timers timers = { time(NULL), expire_s };

	enum store_result result = change
		? store_add(s->opts.store, &(struct store_step){ .change = change,
			.timers = timers,
			.has_timers = true }, 1,
			  why)
		: STORE_APART;
	if (result == STORE_APART)
		result = store_put_upon(s->opts.store, z, &timers, upon, why);
	return result == STORE_DONE;
}

static void note_work(void *ctx, struct job *job)
{
	struct secondaries *s = ctx;
	struct store_checked *list = memory_zeroed(s->noting.n, sizeof *list);
	struct fault why;

	(void)job;
	for (size_t i = 0; i < s->noting.n; i++)
		list[i] = (struct store_checked){ s->noting.list[i].apex,
			s->noting.list[i].timers };
	if (!store_check(s->opts.store, list, s->noting.n, &why))
		log_line(LOG_WARNING, "%s", why.text);
	memory_free(list);
}

static void note_done(void *ctx, enum job_end end)
{
	struct secondaries *s = ctx;

	(void)end;
	free(s->noting.list);
	s->noting = (struct notes){ 0 };
}

/* Timers are written some at a time: what is lost of them costs a question more. */
static void on_note(struct ev_loop *loop, ev_timer *t, int events)
{
	struct secondaries *s = t->data;

	(void)loop;
	(void)events;
	if (!s->notes.n || s->noting.list)
		return;
	s->noting = s->notes;
	s->notes = (struct notes){ 0 };
	if (!jobs_start(s->opts.jobs,
		    &(struct job_opts){ .lane = s->lane,
			    .name = "timers",
			    .about = "of zones of other nameservers are stored",
			    .ctx = s,
			    .work = note_work,
			    .done = note_done }))
		note_done(s, JOB_CANCELLED);
}

static void checked(void *ctx, const uint8_t *apex, int64_t at_s, uint32_t expire_s)
{
	struct secondaries *s = ctx;
	struct notes *n = &s->notes;

	if (n->n == n->room) {
		const size_t room = n->room ? 2 * n->room : 64;
		struct note *list = realloc(n->list, room * sizeof *list);
		if (!list)
			return;
		n->list = list;
		n->room = room;
	}
	n->list[n->n].timers = (struct store_timers){ at_s, expire_s };
	memcpy(n->list[n->n++].apex, apex, name_len(apex));
}

/* --- the rest ----------------------------------------------------------------------------- */

static void on_notify(void *ctx, const uint8_t *apex, const struct addr *from)
{
	struct secondaries *s = ctx;
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };

	memcpy(&sa.sin6_addr, from->b, 16); /* IPv4 stands mapped in it */
	refresher_notified(s->refresher, apex, (const struct sockaddr *)&sa);
}

static void follow(void *ctx, unsigned what)
{
	struct secondaries *s = ctx;

	/* Other versions of zones change nothing in which there are. */
	if (what & (PUBLISH_CONF | PUBLISH_ZONES) && !s->publishes)
		secondaries_look(s);
}

struct secondaries *secondaries_new(const struct secondaries_opts *opts)
{
	struct secondaries *s = memory_zeroed(1, sizeof *s);

	s->opts = *opts;
	s->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	s->refresher = refresher_new(&(struct refresher_opts){ .loop = opts->loop,
		.jobs = opts->jobs,
		.ctx = s,
		.compile = compile_with,
		.verifies = verifies,
		.verify = stands_what_it_must,
		.follows = follows,
		.mark = opts->store ? mark_stored : NULL,
		.store = opts->store ? store_fetched : NULL,
		.checked = opts->store ? checked : NULL,
		.take = secondaries_take });
	secondaries_versions_init(s);
	secondaries_list_init(s);
	ev_timer_init(&s->note, on_note, NOTE_S, NOTE_S);
	s->note.data = s;
	ev_timer_start(opts->loop, &s->note);
	worker_news_follow(opts->news, on_notify, s);
	publisher_follow(opts->publisher, follow, s);
	secondaries_look(s);
	return s;
}

void secondaries_free(struct secondaries *s)
{
	ev_timer_stop(s->opts.loop, &s->note);
	free(s->notes.list);
	refresher_free(s->refresher);
	secondaries_versions_fini(s);
	secondaries_list_fini(s);
	memory_free(s);
}

struct refresher *secondaries_refresher(struct secondaries *s)
{
	return s->refresher;
}
