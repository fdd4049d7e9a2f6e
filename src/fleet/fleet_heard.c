#include "fleet/fleet_inner.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OLD_S = 600 /* what was said so long ago is not heard as news */ };

static bool is_newer(struct fleet_place a, struct fleet_place b)
{
	return a.life != b.life ? a.life > b.life : a.number > b.number;
}

static bool is_same(struct fleet_place a, struct fleet_place b)
{
	return a.life == b.life && a.number == b.number;
}

static void take_hello(struct fleet *f, struct mate *m, const struct fleet_record *r)
{
	json_t *o = json_loadb((const char *)r->bytes, r->len, JSON_REJECT_DUPLICATES, NULL);
	const int64_t every = json_integer_value(json_object_get(o, "every_ms"));
	const bool leaves = json_is_true(json_object_get(o, "leaves"));

	if (!json_is_object(o)) {
		json_decref(o);
		return;
	}
	/* Who was killed and comes back at once may stand elsewhere. */
	const bool moves = m->live && !leaves && !json_equal(json_object_get(m->hello, "region"), json_object_get(o, "region"));
	json_decref(m->hello);
	m->hello = o;
	m->lease_us = (uint64_t)(every > 100 && every < 600000 ? every : FLEET_HELLO_MS) * 1000 * FLEET_LEASE;
	if (leaves == m->live) {
		m->live = !leaves;
		log_line(LOG_NOTICE, "fleet: server %s %s", m->server, leaves ? "leaves" : "is there");
		fleet_mates_tell(f, m->server, m->live);
		fleet_hello_soon(f); /* he does not know us yet */
	} else if (moves) {
		fleet_mates_tell(f, m->server, true);
	}
}

/* Of ourselves: it is how we know that we hear. */
static void take_own(struct fleet *f, const struct fleet_record *r)
{
	if (r->place.life == f->life) {
		f->echo_us = clock_us();
		return;
	}
	if (!f->twin_us)
		log_line(LOG_ERROR,
			"fleet: another server calls itself %s, too: each needs a name of its own "
			"(fleet: server)",
			f->opts.server);
	f->twin_us = clock_us();
}

/* Who controls the engine may say again what a server has said that is gone, or that we have not heard since our
 * start. The engine's clock is his; so that is old which is so by our own clock, and by what others have said since. Where
 * one of these goes wrong nobody becomes deaf. */
static bool is_old(struct fleet *f, const struct fleet_record *r)
{
	const int64_t here_us = (int64_t)clock_us(), said_us = r->said_ms * 1000 - here_us,
		      old_ms = (int64_t)time(NULL) * 1000 - OLD_S * INT64_C(1000);
	const bool is = f->said_us && r->said_ms < old_ms && said_us < f->said_us - OLD_S * INT64_C(1000000);

	if (is && !f->old_told)
		log_line(LOG_WARNING, "fleet: what server %s said over %d minutes ago is said again, by somebody else; passed over",
			r->server, OLD_S / 60);
	f->old_told = f->old_told || is;
	f->counts.old += is;
	if (!is && (!f->said_us || said_us > f->said_us))
		f->said_us = said_us;
	return is;
}

static void take_record(struct fleet *f, const struct fleet_record *r, bool kept)
{
	if (strcmp(r->server, f->opts.server) == 0) {
		if (!kept)
			take_own(f, r);
		return;
	}
	struct mate *m = !kept && is_old(f, r) ? NULL : fleet_mates_need(f, r->server);
	if (!m)
		return;
	struct fleet_place *last = &m->last[r->topic];
	/* One that was gone may come back with an earlier clock. */
	if (!is_newer(r->place, *last) && !(kept && is_same(r->place, *last)) &&
		(m->live || kept || r->place.life == last->life))
		return;
	*last = r->place;
	m->said_ms = r->said_ms > m->said_ms ? r->said_ms : m->said_ms;
	if (!kept) {
		m->heard_us = clock_us();
		fleet_mates_take_lag(m, (double)(fleet_now_ms(f) - r->said_ms));
	}
	if (r->topic == FLEET_HELLO && !kept)
		take_hello(f, m, r);
	const struct fleet_follower *by = &f->followers[r->topic];
	if (f->follows[r->topic] && by->take)
		by->take(by->ctx,
			&(struct fleet_news){ r->topic, m->server, kept, r->bytes, r->len, r->said_ms });
}

void fleet_heard_take(struct fleet *f, const uint8_t *sealed, size_t len, bool kept,
	const char *server)
{
	struct fleet_record r;
	uint8_t *plain = len && len <= FLEET_SAY_MOST + 256 ? malloc(len) : NULL;

	if (plain && fleet_record_read(f, &r, sealed, len, plain) && (!server || strcmp(server, r.server) == 0)) {
		f->counts.heard++;
		if (r.topic < FLEET_TOPICS) /* else a newer version speaks of what we do not know */
			take_record(f, &r, kept);
	} else if (!f->counts.forged++) {
		log_line(LOG_WARNING,
			"fleet: what is said in fleet %s cannot be opened: another \"secret\", or somebody "
			"else writes there; passed over",
			f->opts.name);
	}
	free(plain);
}
