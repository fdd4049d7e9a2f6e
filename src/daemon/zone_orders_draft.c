/* zone_orders_draft.c - "zone begin|set|unset|diff|commit|abort NAME", and the change that
 * "zone edit" sends.
 *
 * A draft is of one zone and one user, and in memory: it is gone after a restart, and the zone
 * as it was. What is committed goes the way of updates (daemon/updates): stored, then served,
 * then told.
 */
#include "base/log.h"
#include "base/memory.h"
#include "base/moment.h"
#include "daemon/zone_orders_inner.h"
#include "dns/rrtype.h"
#include "zone/change_onto.h"
#include "zone/draft.h"
#include "zone/head.h"
#include "zone/rdata.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DRAFTS_MOST = 64 };

struct zone_draft {
	struct draft *draft;
	uint8_t apex[NAME_MOST];
	unsigned uid;
	int64_t at_s;
	struct zone_draft *next;
};

/* --- which drafts there are --------------------------------------------------------------- */

static struct zone_draft **find(struct zone_orders *o, const uint8_t *apex, unsigned uid)
{
	struct zone_draft **at = &o->drafts;

	while (*at && !((*at)->uid == uid && name_equal((*at)->apex, apex)))
		at = &(*at)->next;
	return at;
}

static void drop(struct zone_draft **at)
{
	struct zone_draft *d = *at;

	*at = d->next;
	draft_free(d->draft);
	free(d);
}

void zone_orders_drop_drafts(struct zone_orders *o)
{
	while (o->drafts)
		drop(&o->drafts);
}

void zone_orders_show_drafts(const struct zone_orders *o, const uint8_t *apex, struct text *out,
	json_t *json)
{
	json_t *list = NULL;
	char when[MOMENT_TEXT];

	for (const struct zone_draft *d = o->drafts; d; d = d->next) {
		if (!name_equal(d->apex, apex))
			continue;
		moment_text(when, d->at_s);
		if (!json) {
			text_addf(out, "%-14s user %u, since %s\n", "draft of", d->uid, when);
			continue;
		}
		if (!list)
			json_object_set_new(json, "drafts", list = json_array());
		json_array_append_new(list, json_pack("{s:i, s:s}", "by", (int)d->uid, "since", when));
	}
}

/* The draft of who commands; NULL: told. */
static struct zone_draft **mine(struct zone_orders *o, const char *name, struct command_call *c)
{
	uint8_t apex[NAME_MOST];

	if (!zone_orders_name(name, apex, c->out))
		return NULL;
	struct zone_draft **at = find(o, apex, c->uid);
	if (*at)
		return at;
	text_addf(c->out, "there is no draft of zone %s: \"zone begin %s\" makes one\n", name,
		name);
	return NULL;
}

/* May it be changed by commands? NULL: told. */
static const struct registry_zone *changeable(
	const struct zone_orders *o, const char *name, struct text *out)
{
	const struct registry_zone *z = zone_orders_find(o, name, out);

	if (!z)
		return NULL;
	if (z->source == REGISTRY_PRIMARY)
		text_addf(out, "zone %s comes from a primary: change it there\n", name);
	else if (z->source == REGISTRY_MADE)
		text_addf(out, "zone %s is a catalog, made here of the zones that there are\n",
			name);
	else if (z->source != REGISTRY_STORE)
		text_addf(out,
			"zone %s: its file is its writer's: change %s and reload, or write "
			"\"write-back: store\" for the zone\n",
			name, z->path);
	else if (!zone_is_ready(z->load.zone))
		text_addf(out, "zone %s: nothing is served of it yet (%s)\n", name,
			registry_state_text(z->state));
	else if (z->load.zone->denial && !z->keys)
		text_addf(out, "zone %s is signed elsewhere: change it where its keys are\n",
			name);
	else
		return z;
	return NULL;
}

/* --- begin, abort ------------------------------------------------------------------------- */

static bool is_serial(const char *text, uint32_t serial)
{
	char is[16];

	snprintf(is, sizeof is, "%u", serial);
	return strcmp(text, is) == 0;
}

int zone_orders_begin(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;
	const char *serial = NULL;
	size_t have = 0;

	command_take_value(words, &n, "--serial", &serial);
	if (n != 2)
		return 2;
	const struct registry_zone *z = changeable(o, words[1], c->out);
	if (!z)
		return 1;
	if (serial && !is_serial(serial, z->load.zone->serial)) {
		text_addf(c->out, "zone %s has serial %u by now, not %s: look at it again\n", words[1],
			z->load.zone->serial, serial);
		return 1;
	}
	for (const struct zone_draft *d = o->drafts; d; d = d->next)
		have++;
	if (*find(o, z->origin, c->uid) || have == DRAFTS_MOST) {
		text_addf(c->out,
			have == DRAFTS_MOST ? "zone %s: there are as many drafts as there may "
					      "be: end others first\n"
					    : "you have a draft of zone %s already: \"zone "
					      "diff\" shows it, \"zone commit\" "
					      "and \"zone abort\" end it\n",
			words[1]);
		return 1;
	}
	struct zone_draft *d = calloc(1, sizeof *d);
	if (d)
		d->draft = draft_new(z->load.zone, o->opts.key);
	if (!d || !d->draft) {
		free(d);
		text_add(c->out, "out of memory\n");
		return 1;
	}
	memcpy(d->apex, z->origin, name_len(z->origin));
	d->uid = c->uid;
	d->at_s = time(NULL);
	d->next = o->drafts;
	o->drafts = d;
	text_addf(c->out, "%s: a draft of serial %u\n", words[1], z->load.zone->serial);
	return 0;
}

int zone_orders_abort(void *ctx, const char **words, size_t n, struct command_call *c)
{
	if (n != 2)
		return 2;
	struct zone_draft **at = mine(ctx, words[1], c);
	if (!at)
		return 1;
	drop(at);
	text_addf(c->out, "%s: the draft is gone, and nothing has changed\n", words[1]);
	return 0;
}

/* --- set, unset --------------------------------------------------------------------------- */

/* "OWNER [TTL] TYPE DATA", as in a zone file. */
struct line {
	uint8_t owner[NAME_MOST];
	struct head head;
	uint8_t *rdata; /* [RDATA_MOST] own */
	int rdlen;      /* -1: there is none */
};

static bool read_owner(struct tokens *t, const uint8_t *apex, uint8_t to[static NAME_MOST])
{
	size_t len;
	const enum name_result is = name_parse(to, &len, t->tok.s, t->tok.len, view_apex(apex));

	if (is != NAME_OK)
		return token_fault(t, t->tok.s, "as a name this %s", name_result_text(is));
	name_lower(to, to, len);
	token_next(t);
	return true;
}

static bool read_data(struct tokens *t, const uint8_t *apex, struct line *to)
{
	if (rrtype_is_meta(to->head.type))
		return token_fault(t, to->head.type_at, "this type stands in no zone");
	to->rdlen = rdata_read(t, to->head.type, view_apex(apex), to->rdata);
	return to->rdlen >= 0;
}

/* With `parts` what is behind the owner may be missing. */
static bool read_line(struct tokens *t, const uint8_t *apex, bool parts, struct line *to)
{
	bool indented;

	to->rdlen = -1;
	if (!token_entry(t, &indented))
		return false;
	if (indented)
		return token_fault(t, t->tok.s, "the name is missing in front of this");
	if (!read_owner(t, apex, to->owner))
		return false;
	if (parts && t->tok.kind == TOKEN_END)
		return true;
	if (!head_read(t, &to->head, false))
		return false;
	if (parts && t->tok.kind == TOKEN_END)
		return !rrtype_is_meta(to->head.type) ||
			token_fault(t, to->head.type_at, "this type stands in no zone");
	return read_data(t, apex, to);
}

/* The words as a line of a zone file. False: told. */
static bool take_line(
	const uint8_t *apex, const char **words, size_t n, struct line *to, struct text *out)
{
	const bool parts = strcmp(words[0], "unset") == 0;
	struct text text = { 0 };
	struct tokens t;
	struct faults f;

	for (size_t i = 2; i < n; i++)
		text_addf(&text, "%s%s", i == 2 ? "" : " ", words[i]);
	*to = (struct line){ .rdata = malloc(RDATA_MOST) };
	faults_init(&f);
	token_init(&t, "record", text_get(&text), text.len, &f);
	bool ok = to->rdata && read_line(&t, apex, parts, to);
	if (!to->rdata)
		text_add(out, "out of memory\n");
	text_add(out, text_get(&f.text));
	if (!ok && !f.errors && to->rdata)
		text_add(out, "this is no record: write for example: www 300 A 192.0.2.1\n");
	ok = ok && !f.errors;
	faults_fini(&f);
	text_fini(&text);
	return ok;
}

int zone_orders_set(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct fault why;
	struct line line;

	if (n < 3)
		return 2;
	struct zone_draft **at = mine(ctx, words[1], c);
	if (!at)
		return 1;
	struct draft *d = (*at)->draft;
	bool ok = take_line((*at)->apex, words, n, &line, c->out);
	if (ok) {
		struct change_record rr = { .owner = line.owner,
			.type = line.head.type,
			.rdata = line.rdata,
			.rdlen = (uint16_t)line.rdlen,
			.ttl_s = line.head.ttl_s };
		if (!line.head.has_ttl)
			rr.ttl_s = draft_ttl(d, rr.owner, rr.type);
		ok = draft_set(d, &rr, &why);
		if (!ok)
			text_addf(c->out, "%s\n", why.text);
	}
	free(line.rdata);
	return ok ? 0 : 1;
}

int zone_orders_unset(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct fault why;
	struct line line;

	if (n < 3)
		return 2;
	struct zone_draft **at = mine(ctx, words[1], c);
	if (!at)
		return 1;
	bool ok = take_line((*at)->apex, words, n, &line, c->out);
	if (ok) {
		ok = draft_unset((*at)->draft,
			&(struct draft_unset){ .owner = line.owner,
				.type = line.head.type,
				.rdata = line.rdlen < 0 ? NULL : line.rdata,
				.rdlen = line.rdlen < 0 ? 0 : (uint16_t)line.rdlen },
			&why);
		if (!ok)
			text_addf(c->out, "%s\n", why.text);
	}
	free(line.rdata);
	return ok ? 0 : 1;
}

int zone_orders_diff(void *ctx, const char **words, size_t n, struct command_call *c)
{
	const struct zone_orders *o = ctx;
	struct fault why;

	if (n != 2)
		return 2;
	struct zone_draft **at = mine(ctx, words[1], c);
	if (!at)
		return 1;
	struct change *change = draft_change((*at)->draft, &why);
	if (!change && *why.text) {
		text_addf(c->out, "%s\n", why.text);
		return 1;
	}
	if (change)
		change_lines(c->out, change, false);
	else
		text_add(c->out, "nothing is different\n");
	change_free(change);
	const struct registry_zone *z = registry_find(
		publisher_live(o->opts.publisher)->zones, (*at)->apex);
	const uint32_t base = draft_base((*at)->draft)->serial;
	if (z && zone_is_ready(z->load.zone) && z->load.zone->serial != base)
		text_addf(c->out, "the draft is of serial %u; by now %u is served\n", base,
			z->load.zone->serial);
	return 0;
}

/* --- commit ------------------------------------------------------------------------------- */

/* A change on its way. */
struct committing {
	struct updates_own own;
	struct command_call *call; /* NULL: nobody waits any more */
	struct zone_orders *owner;
	unsigned uid;
	const struct zone *base; /* held; NULL: it fits to what is there, or not at all */
	struct change *change;   /* of the base */
	struct text conflicts;
};

static void forget(struct command_call *c)
{
	((struct committing *)c->pending)->call = NULL;
}

static struct change *make(
	void *ctx, const struct zone *now, uint32_t next_serial, struct fault *why)
{
	struct committing *x = ctx;

	return change_onto(&(struct change_onto){ .change = x->change,
				   .base = x->base ? x->base : now,
				   .now = now,
				   .key = x->owner->opts.key,
				   .next_serial = next_serial,
				   .conflicts = &x->conflicts },
		why);
}

static void say(const struct committing *x, const char *name, struct text *out)
{
	const struct updates_own *own = &x->own;

	if (own->ok) {
		text_add(out, text_get(&own->told));
		text_addf(out, "%s: serial %u\n", name, own->serial);
		return;
	}
	text_add(out, own->told.len ? text_get(&own->told) : own->why.text);
	text_add(out, own->told.len ? "" : "\n");
	for (const char *at = text_get(&x->conflicts); *at; at += strcspn(at, "\n") + 1) {
		text_add(out, "    ");
		text_add_bytes(out, at, strcspn(at, "\n") + 1);
	}
	if (x->base)
		text_addf(out,
			"%s: nothing has changed, and the draft is as it was (\"zone diff\", "
			"\"zone abort\")\n",
			name);
	else
		text_addf(out, "%s: nothing has changed\n", name);
}

static void done(struct updates_own *own)
{
	struct committing *x = (struct committing *)own; /* its first member */
	char name[NAME_TEXT];

	view_text(name, own->apex);
	if (own->ok)
		log_line(LOG_NOTICE, "zone %s is changed by the user %u: serial %u", name,
			x->uid, own->serial);
	if (own->ok && x->base) {
		struct zone_draft **at = find(x->owner, own->apex, x->uid);
		if (*at)
			drop(at);
	}
	if (x->call) {
		say(x, name, x->call->out);
		x->call->done(x->call, own->ok ? 0 : 1);
	}
	text_fini(&own->told);
	text_fini(&x->conflicts);
	change_free(x->change);
	if (x->base)
		zone_drop(x->base);
	free(x);
}

/* Takes the change. */
static int commit(struct zone_orders *o, const uint8_t *apex, struct change *change,
	const struct zone *base, struct command_call *c)
{
	struct committing *x = calloc(1, sizeof *x);

	if (!x) {
		change_free(change);
		text_add(c->out, "out of memory\n");
		return 1;
	}
	x->own.ctx = x;
	x->own.make = make;
	x->own.done = done;
	memcpy(x->own.apex, apex, name_len(apex));
	x->call = c;
	x->owner = o;
	x->uid = c->uid;
	x->change = change;
	x->base = base;
	if (base)
		zone_hold(base);
	c->pending = x;
	c->forget = forget;
	updates_change(o->opts.updates, &x->own);
	return COMMAND_LATER;
}

int zone_orders_commit(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct fault why;

	if (n != 2)
		return 2;
	struct zone_draft **at = mine(ctx, words[1], c);
	if (!at || !changeable(ctx, words[1], c->out))
		return 1;
	if (!draft_has_ns((*at)->draft)) {
		text_addf(c->out, "%s: the zone would have no NS at its top; the draft is as it was\n",
			words[1]);
		return 1;
	}
	struct change *change = draft_change((*at)->draft, &why);
	if (change)
		return commit(ctx, (*at)->apex, change, draft_base((*at)->draft), c);
	if (*why.text) {
		text_addf(c->out, "%s\n", why.text);
		return 1;
	}
	drop(at);
	text_addf(c->out, "%s: nothing is different; the draft is gone\n", words[1]);
	return 0;
}

/* --- edit --------------------------------------------------------------------------------- */

/* The change as "waymarkctl zone edit" has made it, in base64; NULL: told. */
static struct change *read_change(const char *text, const uint8_t *apex, struct text *out)
{
	const size_t room = strlen(text) / 4 * 3 + 3;
	uint8_t *bytes = malloc(room);
	struct fault why = { .text = "it is no base64" };
	struct change *c = NULL;
	size_t len;

	if (bytes &&
		sodium_base642bin(bytes, room, text, strlen(text), NULL, &len, NULL,
			sodium_base64_VARIANT_ORIGINAL) == 0)
		c = change_open(bytes, len, &why);
	free(bytes);
	if (c && name_equal(change_id(c), apex))
		return c;
	text_addf(
		out, "this is no change of the zone: %s\n", c ? "it is of another" : why.text);
	change_free(c);
	return NULL;
}

/* Without a change: may it be edited? */
int zone_orders_edit(void *ctx, const char **words, size_t n, struct command_call *c)
{
	struct zone_orders *o = ctx;

	if (n != 2 && n != 3)
		return 2;
	const struct registry_zone *z = changeable(o, words[1], c->out);
	if (!z)
		return 1;
	const struct frozen_zone *f = frozen_find(o->opts.frozen, z->origin);
	if (f) {
		text_addf(c->out,
			"zone %s is frozen by the user %u (\"zone thaw %s\" ends that)\n",
			words[1], f->uid, words[1]);
		return 1;
	}
	if (n == 2)
		return 0;
	struct change *change = read_change(words[2], z->origin, c->out);
	return change ? commit(o, z->origin, change, NULL, c) : 1;
}
