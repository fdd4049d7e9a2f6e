/* server_sockets.c - sockets, also those of the process in whose place we come, and how we take over from it.
 */
#include "daemon/server.h"

#include "base/log.h"
#include "base/part.h"
#include "base/text.h"
#include "conf/conf.h"
#include "daemon/activation.h"
#include "daemon/certificates.h"
#include "daemon/fleet_member.h"
#include "daemon/signing_keys.h"
#include "daemon/measuring.h"
#include "daemon/publish.h"
#include "daemon/successor.h"
#include "daemon/worker_news.h"
#include "net/given.h"
#include "net/worker.h"
#include "store/store.h"
#include "zone/registry.h"

bool server_look_at_conf(const struct server *s, struct fault *why)
{
	struct faults f;

	faults_init(&f);
	struct conf *c = conf_open(s->conf_path, NULL, &f);
	if (!c)
		successor_fail(s->successor, text_get(&f.text));
	log_text(c ? "" : text_get(&f.text));
	faults_fini(&f);
	part_drop(c ? &c->part : NULL);
	return c || fault(why, "%s: not started", s->conf_path);
}

/* Sockets that are open: that one's, or the service manager's. */
static bool get_sockets(struct server *s, struct net_opts *net, struct fault *why)
{
	if (!s->successor)
		return activation_sockets(&net->given, why);
	net->given = successor_sockets(s->successor);
	net->quic_secret = successor_quic(s->successor);
	return true;
}

bool server_open_sockets(struct server *s, struct fault *why)
{
	const struct conf *c = parts_conf(publisher_live(s->publisher));
	struct net_opts net = c->net;

	s->certificates = certificates_new(
		&(struct certificates_opts){ s->loop, s->jobs, s->publisher }, why);
	if (!s->certificates || !get_sockets(s, &net, why))
		return false;
	s->workers = workers_open(&net, &s->epoch, worker_news_box(s->news), why);
	s->control_socket = c->control_socket && s->successor ? given_take_path(net.given, c->control_socket) : -1;
	s->manage_socket = c->management_len
		? given_take(net.given, SOCK_STREAM, (const struct sockaddr *)&c->management, c->management_len, 0)
		: -1;
	s->manage_local = c->management_socket && s->successor ? given_take_path(net.given, c->management_socket) : -1;
	struct fault left;
	if (!given_end(net.given, s->workers ? why : &left) || !s->workers)
		return false;
	certificates_give(s->certificates, s->workers);
	return true;
}

bool server_start(struct server *s, struct fault *why)
{
	if (!measuring_listen(s->measuring, s->manage_socket, s->manage_local, why) || !workers_start(s->workers, why))
		return false;
	server_say(s, "answering");
	return true;
}

/* Does that one know more than we do yet? */
static bool waits(void *ctx)
{
	const struct server *s = ctx;
	const struct steer *steer = publisher_live(s->publisher)->steer;

	const struct registry *r = publisher_live(s->publisher)->zones;

	for (unsigned i = 0; i < steer->n_edges; i++)
		if (steer->edges[i].unresolved)
			return true;
	for (size_t i = 0; i < r->n; i++) /* a secondary without a store transfers its zones anew */
		if (r->zones[i]->state == REGISTRY_WAITS && r->zones[i]->source == REGISTRY_PRIMARY)
			return true;
	return !s->is_ready;
}

static void tell_empty(void *ctx, struct successor *to)
{
	const struct registry *r = publisher_live(((struct server *)ctx)->publisher)->zones;

	/* What is made here is made in a moment. */
	for (size_t i = 0; i < r->n; i++)
		if (!zone_is_ready(r->zones[i]->load.zone) && r->zones[i]->source != REGISTRY_MADE)
			successor_empty(to, r->zones[i]->origin);
}

static bool serve_now(void *ctx, struct fault *why)
{
	struct server *s = ctx;

	if (!server_start(s, why) || (s->store && !store_release(s->store, why))) /* until then nothing of ours is in the file */
		return false;
	signing_keys_soon(s->signing_keys); /* keys that were made before get their files into place */
	fleet_member_away(s->fleet, false);
	control_listen(s->control, true);
	return true;
}

static void on_notified(void *ctx, const uint8_t *apex, const struct addr *from)
{
	worker_news_notified(((struct server *)ctx)->news, apex, from);
}

void server_follow_other(struct server *s)
{
	control_listen(s->control, false);
	successor_follow(s->successor,
		&(struct successor_opts){ .loop = s->loop, .waits = waits, .tell = tell_empty, .serve = serve_now, .notified = on_notified, .ctx = s });
}
