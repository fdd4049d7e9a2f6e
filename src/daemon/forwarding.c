#include "daemon/forwarding.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/parts_read.h"
#include "daemon/update_reply.h"
#include "dns/message.h"
#include "xfr/forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNDERWAY_MOST = 256 };

struct sent_on {
	struct forwarding *of;
	struct request *request;
	struct forward *forward;
	struct sent_on *next;
	uint8_t apex[NAME_MOST];
};

struct forwarding {
	struct ev_loop *loop;
	struct publisher *publisher;
	struct sent_on *first;
	size_t n;
	double told; /* clock_seconds() */
	struct forwarding_counts counts;
};

/* --- answers ------------------------------------------------------------------------------ */

static void servfail(struct forwarding *f, struct request *r)
{
	f->counts.failed++;
	update_reply(r, RCODE_SERVFAIL, parts_conf(publisher_live(f->publisher)));
}

/* One line a second at most. */
static void tell(struct forwarding *f, const struct sent_on *s, const char *why)
{
	char zone[NAME_TEXT], from[ADDR_TEXT];
	const double now = clock_seconds();

	if (f->told > 0 && now - f->told < 1)
		return;
	f->told = now;
	log_line(LOG_WARNING, "update of zone %s from %s is not sent on: %s",
		name_text(zone, s->apex), addr_text(from, &s->request->source), why);
}

static void done(void *ctx, const uint8_t *packet, size_t len, const char *why)
{
	struct sent_on *s = ctx, **at = &s->of->first;
	struct forwarding *f = s->of;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	f->n--;
	if (packet) {
		f->counts.answered++;
		request_answer(s->request, packet, len);
	} else {
		tell(f, s, why);
		servfail(f, s->request);
	}
	free(s);
}

/* --- requests ----------------------------------------------------------------------------- */

/* Who has no answer yet asks again: with the same bytes, from the same port. */
static bool is_underway(const struct forwarding *f, const struct request *r)
{
	for (const struct sent_on *s = f->first; s && r->fd >= 0; s = s->next) {
		const struct request *q = s->request;
		if (q->fd >= 0 && q->len == r->len && q->from_len == r->from_len &&
			memcmp(&q->from, &r->from, r->from_len) == 0 &&
			memcmp(q->packet, r->packet, r->len) == 0)
			return true;
	}
	return false;
}

/* All addresses of its primaries, in their order. Returns how many; `to` is the caller's, of the heap. */
static size_t primaries_of(
	const struct conf *c, const struct conf_rule *rule, struct forward_to **to)
{
	size_t n = 0, room = 0;

	for (size_t i = 0; i < rule->n_primaries; i++)
		room += c->peers[rule->primaries[i]].n_at;
	*to = calloc(room ? room : 1, sizeof(**to));
	for (size_t i = 0; *to && i < rule->n_primaries; i++) {
		const struct conf_peer *p = &c->peers[rule->primaries[i]];
		for (size_t a = 0; a < p->n_at; a++, n++) {
			snprintf((*to)[n].name, FORWARD_NAME, "%s", p->name);
			(*to)[n].at = p->at[a].sa;
			(*to)[n].len = p->at[a].len;
		}
	}
	return n;
}

static void send_on(
	struct forwarding *f, struct request *r, const uint8_t *apex, const struct conf_rule *rule)
{
	struct sent_on *s = f->n < UNDERWAY_MOST ? calloc(1, sizeof *s) : NULL;
	struct forward_to *to = NULL;
	const size_t n = s ? primaries_of(parts_conf(publisher_live(f->publisher)), rule, &to)
			   : 0;

	if (s && to)
		s->forward = forward_start(&(struct forward_opts){ .loop = f->loop,
			.message = r->packet,
			.len = r->len,
			.to = to,
			.n = n,
			.ctx = s,
			.done = done });
	free(to);
	if (!s || !s->forward) {
		free(s);
		servfail(f, r);
		return;
	}
	s->of = f;
	s->request = r;
	memcpy(s->apex, apex, name_len(apex));
	s->next = f->first;
	f->first = s;
	f->n++;
}

bool forwarding_take(struct forwarding *f, struct request *r)
{
	const struct parts *live = publisher_live(f->publisher);
	struct message m;
	struct zone_name name;
	uint8_t apex[NAME_MOST];
	size_t index;

	if (!message_open(&m, r->packet, r->len) || !m.qtype)
		return false;
	name_lower(apex, m.qname, name_len(m.qname));
	zone_name_set(&name, zone_set_key(live->zones->set), apex);
	const struct zone *z = zone_set_find(live->zones->set, &name, name.labels, &index);
	if (!z || z->apex_labels != name.labels)
		return false;
	const struct conf_rule *rule =
		&parts_conf(live)->rules[zone_set_rule(live->zones->set, index)];
	if (!rule->n_primaries)
		return false;
	if (is_underway(f, r)) {
		request_answer(r, NULL, 0);
		return true;
	}
	f->counts.asked++;
	send_on(f, r, apex, rule);
	return true;
}

/* --- the rest ----------------------------------------------------------------------------- */

struct forwarding *forwarding_new(struct ev_loop *loop, struct publisher *publisher)
{
	struct forwarding *f = memory_zeroed(1, sizeof *f);

	f->loop = loop;
	f->publisher = publisher;
	return f;
}

void forwarding_free(struct forwarding *f)
{
	while (f->first) {
		struct sent_on *s = f->first;
		f->first = s->next;
		forward_cancel(s->forward);
		free(s->request);
		free(s);
	}
	memory_free(f);
}

struct forwarding_counts forwarding_counts(const struct forwarding *f)
{
	return f->counts;
}
