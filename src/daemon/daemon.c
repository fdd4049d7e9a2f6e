#include "daemon/daemon.h"

#include "base/log.h"
#include "config.h"
#include "daemon/balancer.h"
#include "daemon/rebuild.h"
#include "daemon/rollout.h"

#include <malloc.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static void put_text(struct policy_text *to, const char *text)
{
	to->len = (uint8_t)strnlen(text, POLICY_TEXT);
	memcpy(to->text, text, to->len);
}

/* What the configuration says about answers, with what it leaves to us filled in. */
static void make_policy(const struct daemon *d, struct policy *p)
{
	const struct conf *c = &d->loaded.conf;
	char host[POLICY_TEXT + 1] = "";

	*p = c->policy;
	gethostname(host, sizeof host - 1);
	put_text(&p->identity, c->identity ? c->identity : host);
	put_text(&p->version, c->version ? c->version : "Waymark " PACKAGE_VERSION);
	if (!c->cookies)
		p->cookie_secrets = 0;
	else if (!p->cookie_secrets) {
		memcpy(p->cookie_secret[0], d->cookie_secret, POLICY_SECRET);
		p->cookie_secrets = 1;
	}
}

void daemon_publish(struct daemon *d)
{
	struct loaded *staged = rollout_loaded(d->rollout);
	struct policy policy;

	make_policy(d, &policy);
	probes_plan(d->probes);
	struct standing *standing = probes_standing(d->probes);
	epoch_publish(&d->epoch,
		world_new(&(struct world_opts){ d->loaded.set, d->loaded.steer, &policy,
			standing, rollout_share(d->rollout), staged ? staged->steer : NULL,
			probes_staged_standing(d->probes, standing) }));
	malloc_trim(0); /* what loading needed is a multiple of what serving does */
}

bool daemon_start(
	struct daemon *d, struct ev_loop *loop, const char *conf_path, struct faults *f)
{
	const struct hash_key key = loaded_key();

	*d = (struct daemon){ .conf_path = conf_path };
	randombytes_buf(d->cookie_secret, sizeof d->cookie_secret);
	if (!loaded_read(&d->loaded,
		    &(struct loaded_opts){ .path = conf_path, .key = key, .forgiving = true },
		    f))
		return false;
	d->probes = probes_new(d, loop);
	d->rollout = rollout_new(d, loop);
	d->balancer = balancer_new(d, loop);
	probes_plan(d->probes);
	probes_recall(d->probes, f);
	daemon_publish(d);
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* What only a restart can change. */
static bool check_unchanged(const struct conf *now, const struct conf *then, struct faults *f)
{
	const struct net_opts *a = &now->net, *b = &then->net;
	const struct fault_at at = { now->path, NULL, NULL, 0, 0 };
	bool same = a->n == b->n && a->workers == b->workers && a->pin == b->pin &&
		a->n_cpus == b->n_cpus && a->batch == b->batch &&
		a->receive_buffer == b->receive_buffer && a->send_buffer == b->send_buffer &&
		a->tcp_clients == b->tcp_clients &&
		a->tcp_clients_per_net == b->tcp_clients_per_net &&
		a->tcp_idle_ms == b->tcp_idle_ms;

	for (size_t i = 0; same && i < a->n; i++)
		same = a->listen[i].len == b->listen[i].len &&
			memcmp(&a->listen[i].sa, &b->listen[i].sa, a->listen[i].len) == 0;
	for (size_t i = 0; same && i < a->n_cpus; i++)
		same = a->cpus[i] == b->cpus[i];
	if (!same)
		return faults_error(f, &at,
			"server: listen, workers, cpus, batch, buffers and tcp settings change "
			"with a restart only");
	if (now->management_len != then->management_len ||
		memcmp(&now->management, &then->management, now->management_len) != 0)
		return faults_error(f, &at, "management: listen changes with a restart only");
	if (!same_text(now->user, then->user) ||
		!same_text(now->control_socket, then->control_socket))
		return faults_error(
			f, &at, "server: user and control: socket change with a restart only");
	return true;
}

bool daemon_reload(struct daemon *d, struct faults *f)
{
	struct loaded next;

	if (rollout_loaded(d->rollout))
		return faults_error(f, &(struct fault_at){ .path = d->conf_path },
			"a stage is on: \"reload --promote\" or \"reload --rollback\" comes "
			"first, or \"reload --stage SHARE\" to stage what the file has now");
	rebuild_settle(d->rebuild);
	if (!loaded_read(&next,
		    &(struct loaded_opts){
			    .path = d->conf_path, .key = d->loaded.key, .before = &d->loaded },
		    f))
		return false;
	if (!daemon_may_take(d, &next, f)) {
		loaded_fini(&next);
		return false;
	}
	daemon_replace(d, &next);
	return true;
}

bool daemon_may_take(const struct daemon *d, const struct loaded *next, struct faults *f)
{
	return check_unchanged(&next->conf, &d->loaded.conf, f);
}

void daemon_replace(struct daemon *d, struct loaded *next)
{
	struct loaded before = d->loaded;

	d->loaded = *next;
	d->reloads++;
	daemon_publish(d);
	loaded_fini(&before);
	malloc_trim(0);
}

bool daemon_refresh_geo(struct daemon *d, struct fault *why)
{
	rebuild_settle(d->rebuild);
	if (!loaded_refresh_geo(&d->loaded, why))
		return false;
	rollout_refresh_geo(d->rollout);
	daemon_publish(d);
	return true;
}

void daemon_take_steer(struct daemon *d, struct steer *s, const struct rollout_made *staged)
{
	const struct loaded *stage = rollout_loaded(d->rollout);
	struct steer *before = d->loaded.steer,
		     *staged_before = stage && staged->steer ? stage->steer : NULL;

	d->loaded.steer = s;
	rollout_take(d->rollout, staged);
	daemon_publish(d);
	steer_drop(before);
	steer_drop(staged_before);
}

void daemon_stop(struct daemon *d)
{
	if (d->workers)
		workers_stop(d->workers);
	balancer_free(d->balancer);
	epoch_publish(&d->epoch, NULL);
	loaded_fini(&d->loaded);
}
