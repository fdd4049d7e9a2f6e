#include "xfr/dsync.h"

#include "base/bytes.h"
#include "base/scope.h"
#include "dns/rrtype.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { SCHEME_NOTIFY = 1, FIXED = 5 };

static const uint8_t dsync_label[] = { 6, '_', 'd', 's', 'y', 'n', 'c' };

static const struct peer_limits limits = {
	.connect_ms = 3000, .silence_ms = 3000, .most_ms = 6000, .most_bytes = 128 << 10
};

static size_t write_question(uint8_t *to, unsigned flags, const uint8_t *name, uint16_t type)
{
	const size_t len = name_len(name);

	memset(to, 0, QUERY_HEADER);
	be16_put(to + 2, flags);
	be16_put(to + 4, 1);
	memcpy(to + QUERY_HEADER, name, len);
	be16_put(to + QUERY_HEADER + len, type);
	be16_put(to + QUERY_HEADER + len + 2, RRCLASS_IN);
	return QUERY_HEADER + len + 4;
}

static void let_go(void *t)
{
	talk_close(t);
}

/* What is done with the answer; borrowed for the call. */
typedef bool take_fn(void *ctx, struct message *m, struct fault *why);

static bool ask(const struct peer *peer, uint8_t query[static PEER_QUERY_ROOM], size_t len,
	struct job *job, take_fn *take, void *ctx, struct fault *why)
{
	struct talk *t = talk_open(peer, &limits, job, why);
	struct message m;

	if (!t)
		return false;
	scope_hold(t, let_go);
	const bool ok = talk_ask(t, query, len, why) && talk_next(t, &m, why) &&
		take(ctx, &m, why);
	scope_forget(t, let_go);
	talk_close(t);
	return ok;
}

/* --- where the parent wants to hear ------------------------------------------------------- */

struct found {
	struct dsync *to;
	uint8_t parent[NAME_MOST]; /* the apex of the zone that says that there is none */
	bool has_parent;
};

/* RDATA: the type that it is for, a scheme, a port, and the target (RFC 9859 section 2.1). */
static bool take_records(void *ctx, struct message *m, struct fault *why)
{
	struct found *f = ctx;
	struct message_rr rr;
	unsigned section;
	const unsigned rcode = m->flags & RCODE_BITS;
	char name[RCODE_TEXT];

	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		return fault(why, "the parent answers %s", rcode_text(name, rcode));
	while (message_next(m, &rr, &section)) {
		if (rr.type == RRTYPE_SOA && section == 1) {
			memcpy(f->parent, rr.owner, name_len(rr.owner));
			f->has_parent = true;
		}
		if (section || rr.type != RRTYPE_DSYNC || rr.rdlen <= FIXED ||
			be16_get(rr.rdata) != RRTYPE_CDS || rr.rdata[2] != SCHEME_NOTIFY ||
			name_check(rr.rdata + FIXED, rr.rdata + rr.rdlen) == 0)
			continue;
		f->to->port = be16_get(rr.rdata + 3);
		memcpy(f->to->target, rr.rdata + FIXED, name_len(rr.rdata + FIXED));
	}
	return !m->wrong || fault(why, "%s", m->wrong);
}

/* `front` labels of the child's name, "_dsync", and the rest. False: it is too long. */
static bool name_of(uint8_t to[static NAME_MOST], const uint8_t *apex, unsigned front)
{
	const size_t len = name_len(apex);
	size_t at = 0;

	for (unsigned i = 0; i < front; i++)
		at += apex[at] + 1u;
	if (len + sizeof dsync_label > NAME_MOST)
		return false;
	memcpy(to, apex, at);
	memcpy(to + at, dsync_label, sizeof dsync_label);
	memcpy(to + at + sizeof dsync_label, apex + at, len - at);
	return true;
}

static bool look_up(const struct peer *parent, const uint8_t *name, struct job *job,
	struct found *f, struct fault *why)
{
	uint8_t query[PEER_QUERY_ROOM];

	return ask(parent, query, write_question(query, 0, name, RRTYPE_DSYNC), job,
		take_records, f, why);
}

bool dsync_find(const struct peer *parent, const uint8_t *apex, struct job *job,
	struct dsync *to, struct fault *why)
{
	struct found f = { .to = to };
	uint8_t name[NAME_MOST];

	*to = (struct dsync){ .port = 0 };
	if (!*apex || !name_of(name, apex, 1))
		return true;
	if (!look_up(parent, name, job, &f, why) || *to->target || !f.has_parent)
		return !*why->text;
	/* For the child alone, where the parent is not the name above; then for all children.
	 */
	const unsigned labels = name_labels(apex), above = name_labels(f.parent);
	if (!name_is_under(apex, f.parent) || above >= labels)
		return true;
	if (labels - above > 1 && name_of(name, apex, labels - above) &&
		(!look_up(parent, name, job, &f, why) || *to->target))
		return !*why->text;
	return !name_of(name, f.parent, 0) || look_up(parent, name, job, &f, why);
}

/* --- telling ------------------------------------------------------------------------------ */

static bool take_reply(void *ctx, struct message *m, struct fault *why)
{
	const unsigned rcode = m->flags & RCODE_BITS;
	char name[RCODE_TEXT];

	(void)ctx;
	return rcode == RCODE_NOERROR ||
		fault(why, "NOTIFY(CDS) is answered with %s", rcode_text(name, rcode));
}

static void let_go_addresses(void *list)
{
	freeaddrinfo(list);
}

bool dsync_notify(
	const struct dsync *d, const uint8_t *apex, struct job *job, struct fault *why)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	uint8_t query[PEER_QUERY_ROOM];
	char name[NAME_TEXT], port[8];
	struct addrinfo *list;
	struct peer peer;
	bool ok = false;

	snprintf(port, sizeof port, "%u", d->port);
	/* Without the dot at its end: /etc/hosts has none. */
	name_text(name, d->target);
	name[strlen(name) - 1] = 0;
	const int code = getaddrinfo(name, port, &want, &list);
	if (code)
		return fault(why, "%s: %s", name, gai_strerror(code));
	scope_hold(list, let_go_addresses);
	for (const struct addrinfo *a = list; a && !ok; a = a->ai_next) {
		peer_set(&peer, name, a->ai_addr, a->ai_addrlen, NULL);
		ok = ask(&peer, query,
			write_question(query, OPCODE_NOTIFY << 11 | FLAG_AA, apex, RRTYPE_CDS),
			job, take_reply, NULL, why);
		peer_fini(&peer);
	}
	scope_forget(list, let_go_addresses);
	freeaddrinfo(list);
	return ok;
}
