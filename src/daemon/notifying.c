#include "daemon/notifying.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "dns/rrtype.h"
#include "xfr/sockets.h"
#include "zone/image.h"
#include "zone/lookup.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A batch, and all that it points to. */
struct told {
	struct notify_batch batch; /* first */
	struct publisher *publisher;
	struct parts held; /* conf, zones and plain */
	const struct conf *conf; /* of those */
	size_t room;
	struct told_server {
		struct notify_server server;
		struct sockaddr_storage at;
		char name[NAME_TEXT];
		struct told_server *next;
	} *ns; /* servers that are in no configuration */
	struct notify_server **peers; /* of each peer of the configuration, by address */
};

struct notifying {
	struct notifying_opts opts;
	struct notifier *notifier;
	unsigned lane;
	/* Held: what was served when the last job began; NULL: nothing. */
	struct registry *known;
	struct plain_zones *known_plain;
	bool runs, again;
	struct {
		struct parts before; /* zones and plain, held; NULL: nothing */
		struct parts now;    /* those and conf, held */
		struct told *told;
	} job;
};

/* --- batches ------------------------------------------------------------------------------ */

static void free_told(struct notify_batch *b)
{
	struct told *t = (struct told *)b; /* its first member */
	const struct conf *c = parts_conf(&t->held);

	for (struct told_server *s = t->ns, *next; s; s = next) {
		next = s->next;
		memory_free(s);
	}
	for (size_t i = 0; t->peers && i < c->n_peers; i++)
		memory_free(t->peers[i]);
	memory_free(t->peers);
	memory_free(t->batch.entries);
	publisher_let_go(t->publisher, &t->held);
	memory_free(t);
}

/* Those of one zone stand side by side. */
static bool is_told(const struct notify_batch *b, const struct zone *z, const struct notify_server *s)
{
	for (size_t i = b->n; i-- && b->entries[i].zone == z;)
		if (sockets_same_address(b->entries[i].server->at, s->at))
			return true;
	return false;
}

/* A peer may be one of the zone's NS, too, or two NS may have one address. */
static void add(struct told *t, const struct zone *z, const struct notify_server *s)
{
	struct notify_batch *b = &t->batch;

	if (is_told(b, z, s))
		return;
	if (b->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		b->entries = memory_grow(b->entries, t->room * sizeof *b->entries);
	}
	b->entries[b->n++] = (struct notify_entry){ z, s };
}

/* --- peers -------------------------------------------------------------------------------- */

/* The addresses of peer `i`, made once. */
static const struct notify_server *servers_of(struct told *t, const struct conf *c, size_t i)
{
	const struct conf_peer *p = &c->peers[i];

	if (t->peers[i])
		return t->peers[i];
	t->peers[i] = memory_zeroed(p->n_at, sizeof *t->peers[i]);
	for (size_t k = 0; k < p->n_at; k++)
		t->peers[i][k] = (struct notify_server){ .name = p->name,
			.at = (const struct sockaddr *)&p->at[k].sa,
			.len = p->at[k].len,
			.key = parts_tsig_key(c, p->key) };
	return t->peers[i];
}

/* --- the zone's own NS -------------------------------------------------------------------- */

static bool is_any(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

	return sa->sa_family == AF_INET6
		? IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr)
		: ((const struct sockaddr_in *)sa)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* An address of this machine is one that a socket can be bound to. */
static bool is_of_machine(const struct notify_server *s)
{
	struct sockaddr_storage any_port = { 0 };
	const int fd = socket(s->at->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&any_port, s->at, s->len);
	((struct sockaddr_in *)&any_port)->sin_port = 0; /* where IPv6 has it, too */
	const bool is = fd >= 0 && bind(fd, (struct sockaddr *)&any_port, s->len) == 0;
	if (fd >= 0)
		close(fd);
	return is;
}

/* Whether that is where we listen: nobody tells himself. */
static bool is_us(const struct conf *c, const struct notify_server *s)
{
	for (size_t i = 0; i < c->net.n; i++) {
		const struct sockaddr *at = (const struct sockaddr *)&c->net.listen[i].sa;
		if (sockets_same_address(at, s->at))
			return true;
		if (is_any(at) && at->sa_family == s->at->sa_family &&
			((const struct sockaddr_in *)at)->sin_port ==
				((const struct sockaddr_in *)s->at)->sin_port &&
			is_of_machine(s))
			return true;
	}
	return false;
}

static struct sockaddr_storage address_of(const uint8_t *rdata, bool v6, socklen_t *len)
{
	struct sockaddr_storage sa = { 0 };

	if (v6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&sa;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(53);
		memcpy(&in6->sin6_addr, rdata, 16);
		*len = sizeof *in6;
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)&sa;
		in->sin_family = AF_INET;
		in->sin_port = htons(53);
		memcpy(&in->sin_addr, rdata, 4);
		*len = sizeof *in;
	}
	return sa;
}

static void add_addresses(struct told *t, const struct zone *z, const uint8_t *name,
	const struct zone_rrset *set)
{
	const bool v6 = set->type == RRTYPE_AAAA;

	for (size_t at = 0; at < set->len; at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
		struct told_server *s = memory_zeroed(1, sizeof *s);
		s->at = address_of(set->wire + at + IMAGE_RR_FIXED, v6, &s->server.len);
		s->server.at = (const struct sockaddr *)&s->at;
		s->server.name = name_text(s->name, name);
		s->next = t->ns;
		t->ns = s;
		if (!is_us(t->conf, &s->server))
			add(t, z, &s->server);
	}
}

/* The zone that says where a nameserver of `z` is. Of views that of the same class, else the last, which serves
 * whoever has none. */
static const struct zone *home_of(
	const struct registry *r, const struct zone *z, const struct zone_name *name)
{
	size_t at;
	const struct zone *home = zone_set_find(r->set, name, name->labels, &at);

	while (home && home->view_len &&
		(home->view_len != z->view_len || memcmp(zone_id(home), zone_id(z), z->view_len) != 0)) {
		at = zone_set_next(r->set, at);
		if (at == r->n)
			break;
		home = zone_set_get(r->set, at);
	}
	return home;
}

/* What our zones know of a nameserver's addresses, glue included. */
static void add_nameserver(
	struct told *t, const struct registry *r, const struct zone *z, const uint8_t *target)
{
	uint8_t lower[NAME_MOST];
	struct zone_name name;

	name_lower(lower, target, name_len(target));
	zone_name_set(&name, zone_set_key(r->set), lower);
	const struct zone *home = home_of(r, z, &name);
	const struct zone_node *n =
		home && zone_is_ready(home) ? zone_find_node(home, &name, 0) : NULL;
	if (!n)
		return;
	const struct zone_rrset *set = zone_first_rrset(n);
	for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
		if (set->type == RRTYPE_A || set->type == RRTYPE_AAAA)
			add_addresses(t, z, target, set);
}

/* All but the primary that the SOA names (RFC 1996 section 2). */
static void add_nameservers(struct told *t, const struct registry *r, const struct zone *z)
{
	const struct zone_node *apex = image_first(z);
	const struct zone_rrset *ns = zone_find_rrset(apex, RRTYPE_NS),
				*soa = zone_find_rrset(apex, RRTYPE_SOA);
	uint8_t primary[NAME_MOST * 2 + 20], target[NAME_MOST];

	image_rdata(z, apex, soa, 0, primary);
	for (size_t at = 0; ns && at < ns->len;
		at += IMAGE_RR_FIXED + be16_get(ns->wire + at + 10)) {
		image_rdata(z, apex, ns, at, target);
		if (!name_equal(target, primary))
			add_nameserver(t, r, z, target);
	}
}

/* --- the job ------------------------------------------------------------------------------ */

static bool is_news(const struct zone *was, const struct zone *z)
{
	if (z == was || !zone_is_ready(z))
		return false;
	return !was || !zone_is_ready(was) || was->serial != z->serial;
}

/* `plain`: it is for peers that get addresses in the place of EDGE. */
static void add_zone(struct told *t, const struct registry *r, size_t number,
	const struct zone *z, bool plain)
{
	const struct conf *c = t->conf;
	const struct conf_rule *rule = &c->rules[zone_set_rule(r->set, number)];

	for (size_t i = 0; i < rule->n_notify; i++) {
		const size_t peer = rule->notify[i];
		if (c->peers[peer].plain != plain)
			continue;
		const struct notify_server *s = servers_of(t, c, peer);
		for (size_t k = 0; k < c->peers[peer].n_at; k++)
			add(t, z, &s[k]);
	}
	if (rule->notify_ns)
		add_nameservers(t, r, z);
}

static bool tells_anybody(const struct conf *c)
{
	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].n_notify || c->rules[i].notify_ns)
			return true;
	return false;
}

static void add_zones(struct notifying *n, struct told *t);
static void add_plain(struct notifying *n, struct told *t);

static void work(void *ctx, struct job *job)
{
	struct notifying *n = ctx;
	const struct conf *c = parts_conf(&n->job.now);

	(void)job;
	n->job.told = NULL;
	if (!tells_anybody(c))
		return;
	struct told *t = memory_zeroed(1, sizeof *t);
	t->conf = c;
	t->peers = memory_zeroed(c->n_peers, sizeof(*t->peers));
	add_zones(n, t);
	add_plain(n, t);
	n->job.told = t;
}

/* Both ascend. */
static void add_zones(struct notifying *n, struct told *t)
{
	const struct registry *now = n->job.now.zones, *before = n->job.before.zones;
	size_t k = 0;

	for (size_t i = 0; i < now->n; i++) {
		if (before && k < before->n && before->zones[k] == now->zones[i]) {
			k++; /* mostly all; what they point to is in no cache */
			continue;
		}
		const struct zone *z = now->zones[i]->load.zone;
		const uint8_t *origin = now->zones[i]->origin;
		int d = 1;
		while (before && k < before->n &&
			(d = registry_compare(before->zones[k]->origin, origin)) < 0)
			k++;
		const struct zone *was =
			before && k < before->n && d == 0 ? before->zones[k++]->load.zone : NULL;
		if (!is_news(was, z))
			continue;
		add_zone(t, now, i, z, false);
		/* Without EDGE it is what those get, too. */
		if (!plain_zones_find(n->job.now.plain, origin) && !z->pools_n)
			add_zone(t, now, i, z, true);
	}
}

static void add_plain(struct notifying *n, struct told *t)
{
	const struct registry *zones = n->job.now.zones;
	const struct plain_zones *now = n->job.now.plain;

	for (size_t i = 0; now && i < now->n; i++) {
		const struct plain_zone *p = now->list[i],
				    *was = plain_zones_find(n->job.before.plain, zone_id(p->of));
		const struct zone *z = p->zone ? p->zone : p->of;
		if (p == was || !is_news(was ? was->zone ? was->zone : was->of : NULL, z))
			continue;
		const size_t number = registry_index(zones, zone_id(p->of));
		if (number < zones->n)
			add_zone(t, zones, number, z, true);
	}
}

static void begin(struct notifying *n);

static void send_told(struct notifying *n, struct told *t)
{
	t->publisher = n->opts.publisher;
	t->batch.free = free_told;
	notifier_send(n->notifier, &t->batch);
}

static void done(void *ctx, enum job_end end)
{
	struct notifying *n = ctx;

	n->runs = false;
	if (end == JOB_DONE && n->job.told) {
		struct told *t = n->job.told;
		t->held = n->job.now;
		n->job.now = (struct parts){ 0 };
		send_told(n, t);
	} else if (end == JOB_NO_MEMORY) {
		log_line(LOG_ERROR, "out of memory; other nameservers are not told of zones "
				    "that have changed");
	}
	publisher_let_go(n->opts.publisher, &n->job.before);
	publisher_let_go(n->opts.publisher, &n->job.now);
	if (n->again)
		begin(n);
}

static void begin(struct notifying *n)
{
	const struct parts *live = publisher_live(n->opts.publisher);

	n->again = n->runs;
	if (n->runs || (live->zones == n->known && live->plain == n->known_plain))
		return;
	n->job.before = (struct parts){ .zones = n->known, .plain = n->known_plain };
	n->job.now = parts_hold(&(struct parts){
		.conf = live->conf, .zones = live->zones, .plain = live->plain });
	n->runs = jobs_start(n->opts.jobs,
			  &(struct job_opts){ .lane = n->lane,
				  .name = "notify",
				  .about = "who is told of zones that have changed",
				  .ctx = n,
				  .work = work,
				  .done = done }) != NULL;
	if (n->runs) {
		n->known = registry_hold(live->zones);
		n->known_plain = plain_zones_hold(live->plain);
		return;
	}
	n->job.before = (struct parts){ 0 };
	publisher_let_go(n->opts.publisher, &n->job.now);
}

static void follow(void *ctx, unsigned what)
{
	if (what & (PUBLISH_ZONES | PUBLISH_PLAIN))
		begin(ctx);
}

/* One zone is a few lookups. */
size_t notifying_tell(struct notifying *n, const struct registry_zone *z)
{
	const struct parts *live = publisher_live(n->opts.publisher);
	struct told *t = memory_zeroed(1, sizeof *t);
	const size_t at = registry_index(live->zones, z->origin);

	t->held = parts_hold(&(struct parts){
		.conf = live->conf, .zones = live->zones, .plain = live->plain });
	t->conf = parts_conf(&t->held);
	t->peers = memory_zeroed(t->conf->n_peers, sizeof(*t->peers));
	if (at < live->zones->n) {
		const struct plain_zone *plain = plain_zones_find(live->plain, z->origin);
		add_zone(t, live->zones, at, z->load.zone, false);
		if (plain)
			add_zone(t, live->zones, at, plain->zone ? plain->zone : plain->of, true);
		else if (!z->load.zone->pools_n)
			add_zone(t, live->zones, at, z->load.zone, true);
	}
	const size_t told = t->batch.n;
	send_told(n, t);
	return told;
}

/* The same serial may have come again, from a file that was only written anew. */
static bool is_current(void *ctx, const struct zone *z)
{
	const struct notifying *n = ctx;
	const struct parts *live = publisher_live(n->opts.publisher);
	const struct registry_zone *now = registry_find(live->zones, zone_id(z));
	const struct plain_zone *plain = plain_zones_find(live->plain, zone_id(z));

	return (now && zone_is_ready(now->load.zone) && now->load.zone->serial == z->serial) ||
		(plain && plain->zone && plain->zone->serial == z->serial);
}

/* --- the rest ----------------------------------------------------------------------------- */

struct notifying *notifying_new(const struct notifying_opts *opts)
{
	struct notifying *n = memory_zeroed(1, sizeof *n);

	n->opts = *opts;
	n->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	n->notifier = notifier_new(&(struct notifier_opts){ opts->loop, n, is_current });
	publisher_follow(opts->publisher, follow, n);
	begin(n);
	return n;
}

void notifying_free(struct notifying *n)
{
	struct parts known = { .zones = n->known, .plain = n->known_plain };

	notifier_free(n->notifier);
	parts_drop(&known);
	memory_free(n);
}

struct notifier_counts notifying_counts(const struct notifying *n)
{
	return notifier_counts(n->notifier);
}
