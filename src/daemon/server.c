/* server.c - the boot order.
 */
#include "daemon/server.h"

#include "base/launcher.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon/builder.h"
#include "daemon/confine.h"
#include "daemon/key_ring.h"
#include "daemon/pool_signing.h"
#include "daemon/privs.h"
#include "daemon/probes.h"
#include "daemon/publish.h"
#include "daemon/readable.h"
#include "daemon/readiness.h"
#include "daemon/successor.h"
#include "daemon/timeline.h"
#include "daemon/watchdog.h"
#include "daemon/worker_news.h"
#include "jobs/jobs.h"
#include "net/worker.h"
#include "report/report_geo.h"
#include "store/store.h"
#include "world/pool_signatures.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void server_say(const struct server *s, const char *what)
{
	const struct parts *p = publisher_live(s->publisher);

	log_line(LOG_NOTICE, "%s: %zu zones, %u pools, %u edges", what, p->zones->n,
		p->steer->n_named, p->steer->n_origins);
	if (p->zones->n_empty)
		log_line(LOG_WARNING,
			"%zu of them could not be read and are answered with SERVFAIL; mend "
			"them and reload",
			p->zones->n_empty);
}

static void on_ready(void *ctx)
{
	struct server *s = ctx;

	s->is_ready = true;
	server_say(s, "ready");
	readiness_started(s->readiness);
	privs_notify("READY=1");
}

/* Everything that the configuration names. A zone that is wrong holds up no other. */
static bool read_parts(struct server *s, struct parts *first, struct faults *f)
{
	return parts_read(first,
		&(struct parts_read_opts){ .path = s->conf_path, .key = s->key, .store = &s->store, .ring = &s->ring, .kept = true,
			.unreleased = s->successor }, f);
}

static void follow_log(void *ctx, unsigned what)
{
	if (what & PUBLISH_CONF)
		log_as_json(parts_conf(publisher_live(((struct server *)ctx)->publisher))->log_json);
}

static void make_publisher(struct server *s, struct parts *first)
{
	struct publisher_opts opts = { .loop = s->loop, .jobs = s->jobs, .epoch = &s->epoch };

	if (s->successor)
		memcpy(s->cookies, successor_cookies(s->successor), sizeof s->cookies);
	else
		randombytes_buf(s->cookies, sizeof s->cookies);
	memcpy(opts.cookie_secret, s->cookies, sizeof opts.cookie_secret);
	s->publisher = publisher_new(&opts, first);
	publisher_follow(s->publisher, follow_log, s);
	follow_log(s, PUBLISH_CONF);
}

/* The store and the two files beside it were made by root, and are the server's; so are keys that were made at
 * the start. */
static bool give_store(const struct server *s, const char *user, struct fault *why)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[4096];

	for (unsigned i = 0; s->store && i < sizeof ends / sizeof *ends; i++) {
		snprintf(path, sizeof path, "%s%s", store_path(s->store), ends[i]);
		if (!privs_give(path, user, why))
			return false;
	}
	return !s->ring || privs_give_folder(key_ring_dir(s->ring), user, why);
}

/* Before anybody is answered. */
static void sign_pools(struct server *s)
{
	const struct parts *p = publisher_live(s->publisher);
	struct pool_signatures *to = pool_signing_hold(s->pool_signing);
	struct pool_signing_sum sum = { 0 };

	pool_signing_ahead(to,
		&(struct pool_signing_of){ p->zones, NULL, p->steer, p->numbers, NULL }, &sum);
	pool_signatures_drop(to);
}

static void take_back(void *ctx)
{
	struct server *s = ctx;

	if (s->ring)
		key_ring_take_back(s->ring);
}

bool server_read(struct server *s, struct fault *why)
{
	struct parts first;
	struct faults f;

	faults_init(&f);
	s->key = parts_key();
	if (s->successor)
		successor_on_failing(s->successor, take_back, s);
	bool ok = read_parts(s, &first, &f);
	if (ok) {
		if (s->successor && s->store)
			store_hold(s->store);
		s->watchdog = watchdog_new(s->loop);
		s->jobs = jobs_new(s->loop);
		s->news = worker_news_new(s->loop);
		confine(&first);
		ok = epoch_open(&s->epoch, why);
		make_publisher(s, &first);
		s->timeline = timeline_new(s->loop, s->jobs, s->store, &f);
		s->probes = probes_new(&(struct probes_opts){ s->loop, s->jobs, s->publisher,
					       on_ready, s, s->store, s->timeline,
					       s->successor ? successor_state(s->successor) : NULL },
			&f);
	}
	log_text(text_get(&f.text));
	if (!ok && s->successor)
		successor_fail(s->successor, text_get(&f.text));
	faults_fini(&f);
	return ok || fault(why, "%s: not started", s->conf_path);
}

bool server_serve(struct server *s, struct fault *why)
{
	jobs_stay_ready(s->jobs);
	s->builder = builder_new(s->jobs);
	if (!server_follow(s, why))
		return false;
	sign_pools(s);
	publisher_now(s->publisher);
	if (!server_open_commands(s, why))
		return false;
	report_geo_log(publisher_live(s->publisher)->atlas);
	if (s->successor)
		server_follow_other(s);
	else if (!server_start(s, why))
		return false;
	workers_follow(s->workers, s->loop);
	probes_begin(s->probes);
	return true;
}

bool server_boot(struct server *s, struct fault *why)
{
	if (s->successor && (!server_look_at_conf(s, why) || !successor_load(s->successor, why)))
		return false;
	if (!server_read(s, why) || !server_open_sockets(s, why))
		return false;
	const char *user = parts_conf(publisher_live(s->publisher))->user;
	const bool root = geteuid() == 0;
	launcher_become(s->launcher, privs_user(user));
	if (!give_store(s, user, why) || !privs_drop(user, why))
		return false;
	if (root && geteuid() != 0)
		readable_tell(publisher_live(s->publisher));
	return server_serve(s, why);
}
