/* schema_probe_parts.c - which probe is meant: one with a name, a kind, or several of them together.
 */
#include "base/near.h"
#include "conf/option.h"
#include "conf/schema.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* --- a probe that has no name ------------------------------------------------------------- */

static size_t named(const struct reader *r)
{
	return r->probes_read ? r->probes_read->n : 0;
}

/* Its number; the same for all that are called so, which say the same. */
static bool add(struct reader *r, const struct node *at, const struct probe_opts *p, unsigned *number)
{
	struct conf *c = r->conf;
	size_t i = named(r);

	while (i < c->n_probes && strcmp(c->probes[i].name, p->name) != 0)
		i++;
	*number = (unsigned)i;
	if (i < c->n_probes)
		return true;
	if (i >= SCHEMA_PROBES_MOST)
		return parse_error(r->src, at, "more than %d ways to probe", SCHEMA_PROBES_MOST);
	if (!r->probes_read)
		r->probes_read = arena_zalloc(r->scratch, sizeof *r->probes_read);
	if (i >= r->probes_read->room) {
		const size_t room = 2 * i + 8;
		struct probe_opts *probes = arena_alloc(r->mem, room * sizeof *probes);
		if (i)
			memcpy(probes, c->probes, i * sizeof *probes);
		c->probes = probes;
		r->probes_read->room = room;
	}
	c->probes[c->n_probes++] = *p;
	return true;
}

/* A word that is no probe's name. */
static bool find_kind(struct reader *r, const struct key *key, const struct node *value,
	const char *text, unsigned *number)
{
	char shown[OPTION_SHOWN];
	enum probe_kind kind;

	option_shown(shown, text);
	if (!probe_kind_parse(&kind, text)) {
		struct near_word near = { .word = text };
		for (size_t i = 0; i < r->probes.n; i++)
			near_offer(&near, r->probes.names[i].name);
		for (unsigned i = 0; i < PROBE_SEVERAL; i++)
			near_offer(&near, probe_kind_text((enum probe_kind)i));
		return near.best
			? parse_error(r->src, value,
				  "there is no probe \"%s\"; did you mean \"%s\"?", shown, near.best)
			: parse_error(r->src, value,
				  "there is no probe \"%s\"; write it under \"probes\" first", shown);
	}
	if (kind == PROBE_DNS || kind == PROBE_EXEC)
		return parse_error(r->src, value,
			"a probe of kind %s needs to be told more; write one under \"probes\", and its "
			"name for \"%s\"",
			shown, key->name);
	struct probe_opts p = schema_probe_plain(kind);
	p.name = probe_kind_text(kind);
	return add(r, value, &p, number);
}

/* --- several ------------------------------------------------------------------------------ */

struct several {
	const struct node *list; /* NULL: none was written, or it is wrong */
	enum { OF_ALL, OF_ANY, OF_SOME } which;
	unsigned written;
	uint32_t least;
};

static void take_list(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct several *s = to;

	s->written++;
	s->which = strcmp(key->name, "all") == 0 ? OF_ALL
		: strcmp(key->name, "any") == 0  ? OF_ANY
						 : OF_SOME;
	s->list = option_is_list(r, key, value, PROBE_PARTS_MOST) ? value : NULL;
}

#define PARTS "a list of up to 16 probes: names, kinds, or several again"

const struct key schema_parts_keys[] = {
	{ "all", take_list, .say = PARTS, .about = "An address is up while all of these have it up." },
	{ "any", take_list, .say = PARTS, .about = "... while one of these has it up." },
	{ "at-least", option_number, .say = "a number from 1 to 16",
		.at = offsetof(struct several, least), .least = 1, .most = PROBE_PARTS_MOST,
		.about = "... while so many have it up of those that \"of\" lists." },
	{ "of", take_list, .say = PARTS, .about = "Which probes at-least counts." },
	{ 0 },
};

bool schema_probe_is_made(const struct node *node)
{
	if (node->kind == NODE_LIST)
		return true;
	for (const struct key *k = schema_parts_keys; node->kind == NODE_MAP && k->name; k++)
		if (parse_get(node, k->name))
			return true;
	return false;
}

static unsigned depth_of(const struct probe_opts *p)
{
	unsigned deepest = 0;

	for (unsigned i = 0; i < p->n_parts; i++) {
		const unsigned deep = depth_of(&p->parts[i]);
		deepest = deep > deepest ? deep : deepest;
	}
	return p->n_parts ? deepest + 1 : 0;
}

/* One of a list; false: told, or it has a fault itself. */
static bool take_part(struct reader *r, const struct key *key, const struct node *item,
	struct probe_opts *parts, unsigned n)
{
	char shown[OPTION_SHOWN];
	unsigned number;

	if (!schema_probe_find(r, key, item, &number))
		return false;
	const struct probe_opts *p = &r->conf->probes[number];
	option_shown(shown, p->name);
	if (p->kind == PROBE_NONE)
		return parse_error(r->src, item, "%s passes always; take it out", shown);
	for (unsigned i = 0; i < n; i++)
		if (probe_same(&parts[i], p))
			return parse_error(r->src, item, "%s asks what %s asks; take one out", shown,
				parts[i].name);
	parts[n] = *p;
	return true;
}

static const char *name_of(struct reader *r, const struct several *s, const struct probe_opts *p)
{
	struct text name = { 0 };

	if (s->which == OF_SOME)
		text_addf(&name, "%u-of(", p->least);
	else
		text_add(&name, s->which == OF_ALL ? "all(" : "any(");
	for (unsigned i = 0; i < p->n_parts; i++)
		text_addf(&name, "%s%s", i ? ", " : "", p->parts[i].name);
	text_add_char(&name, ')');
	const char *made = arena_strdup(r->mem, text_get(&name));
	text_fini(&name);
	return made;
}

static bool read_keys(struct reader *r, const struct key *key, const struct node *value, struct several *s)
{
	const struct node *least = parse_get(value, "at-least"), *of = parse_get(value, "of");

	if (value->kind == NODE_LIST)
		return parse_error(r->src, value,
			"must all of these pass, or one? Write { all: [ ... ] } or { any: [ ... ] }");
	keys_read(r, schema_parts_keys, value, key->name, s);
	if (s->written > 1)
		return parse_error(r->src, value->first->key,
			"one of \"all\", \"any\" and \"of\" goes in one mapping; write one into the "
			"other's list, as { all: [ ... ] }");
	if (of && !least)
		return parse_error(r->src, of->key,
			"\"of\" needs \"at-least\" beside it, such as at-least: 2");
	if (least && !of)
		return parse_error(r->src, least->key,
			"\"at-least\" needs \"of\" beside it, such as of: [ tcp, https ]");
	return s->list && (s->which != OF_SOME || s->least);
}

/* False: told. `to` has no name. */
static bool read_several(struct reader *r, const struct key *key, const struct node *value,
	struct probe_opts *to)
{
	const size_t errors = r->src->faults->errors;
	struct several s = { 0 };
	bool whole = true;

	if (!read_keys(r, key, value, &s))
		return false;
	struct probe_opts *parts = arena_zalloc(r->mem, option_count(s.list) * sizeof *parts);
	*to = (struct probe_opts){ .kind = PROBE_SEVERAL,
		.rise = 1,
		.fall = 1,
		.initial = PROBE_DOWN,
		.parts = parts };
	for (const struct node *i = option_first(s.list); i; i = option_next(s.list, i))
		if (i->kind == NODE_BAD || !take_part(r, key, i, parts, to->n_parts))
			whole = false;
		else
			to->n_parts++;
	to->least = s.which == OF_ALL ? to->n_parts : s.which == OF_ANY ? 1 : s.least;
	if (whole && to->least > to->n_parts)
		parse_error(r->src, parse_get(value, "at-least"),
			"at least %u of %u can never be up", to->least, to->n_parts);
	if (whole && depth_of(to) > PROBE_DEPTH_MOST)
		parse_error(r->src, s.list->key, "probes are %u deep in each other here; %d are allowed",
			depth_of(to), PROBE_DEPTH_MOST);
	to->name = name_of(r, &s, to);
	return whole && r->src->faults->errors == errors;
}

/* --- with names --------------------------------------------------------------------------- */

static bool tell_circle(struct reader *r, unsigned number, const struct node *at)
{
	const struct schema_probes_read *read = r->probes_read;
	struct text way = { 0 };
	char shown[OPTION_SHOWN];
	unsigned i = read->reading - 1;

	/* From who wants it back to it: the way is told in that order. */
	text_add(&way, option_shown(shown, r->conf->probes[number].name));
	while (i != number) {
		struct text more = { 0 };
		text_addf(&more, "%s -> %s", option_shown(shown, r->conf->probes[i].name), text_get(&way));
		text_fini(&way);
		way = more;
		i = read->within[i] - 1;
	}
	parse_error(r->src, at, "probes that are made of each other in a circle: %s -> %s",
		option_shown(shown, r->conf->probes[number].name), text_get(&way));
	text_fini(&way);
	return false;
}

bool schema_probe_make(struct reader *r, unsigned number)
{
	struct schema_probes_read *read = r->probes_read;
	const struct node *node = read->nodes[number];
	const char *name = r->conf->probes[number].name;
	char shown[OPTION_SHOWN], where[OPTION_SHOWN + 8] = "probe ";
	const struct key key = { .name = strcat(where, option_shown(shown, name)) };
	struct probe_opts p;

	read->within[number] = read->reading;
	read->reading = number + 1;
	read->states[number] = PROBE_READING;
	const bool ok = read_several(r, &key, node, &p);
	read->reading = read->within[number];
	read->states[number] = ok ? PROBE_READ : PROBE_FAULTY;
	if (!ok)
		return false;
	p.name = name;
	r->conf->probes[number] = p;
	return true;
}

bool schema_probe_find(struct reader *r, const struct key *key, const struct node *value,
	unsigned *number)
{
	struct probe_opts p;

	if (value->kind == NODE_MAP && parse_get(value, "kind"))
		return parse_error(r->src, value,
			"write this probe under \"probes\", and its name for \"%s\"", key->name);
	if (schema_probe_is_made(value) || (value->kind == NODE_MAP && value->n))
		return read_several(r, key, value, &p) && add(r, value, &p, number);
	const char *text = option_scalar(r, key, value);
	if (!text)
		return false;
	if (!known_find(&r->probes, text, number))
		return find_kind(r, key, value, text, number);
	switch (r->probes_read->states[*number]) {
	case PROBE_UNREAD: return schema_probe_make(r, *number);
	case PROBE_READING: return tell_circle(r, *number, value);
	case PROBE_READ: return true;
	case PROBE_FAULTY: return false;
	}
	return false;
}
