#include "web/api_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE true
#define ALL false

const struct api_row api_rows[] = {
	{ "GET", "/token", API_ANY, ALL, "token self --json", true, NULL, "what this token is, and may" },
	{ "GET", "/tokens", API_ADMIN, ALL, "token list --json", true, NULL, "who may use the API, and what for" },
	{ "POST", "/tokens", API_ADMIN, ALL, "token add {name} --role {role} [--zones zones] [--for for]", false, NULL,
		"another token: the first line of what is said, shown once; `role` is read, operate, zones (with `zones`) or admin" },
	{ "DELETE", "/tokens/{name}", API_ADMIN, ALL, "token revoke {name}", false, NULL, "a token is none any more" },
	{ "GET", "/status", API_READ, ALL, "status --json", true, NULL, "what is served, and how much" },
	{ "GET", "/ready", API_READ, ALL, "ready --json", true, NULL, "whether queries may come" },
	{ "GET", "/jobs", API_READ, ALL, "jobs --json", true, NULL, "what runs beside answering, and how far it is" },
	{ "GET", "/jobs/events", API_READ, ALL, "jobs --json", true, API_EVENTS,
		"a stream: /jobs, each second that something is other" },
	{ "GET", "/rates", API_READ, ALL, "rates --json", true, NULL, "queries, answers, edges and pools as they are counted this moment" },
	{ "GET", "/rates/events", API_READ, ALL, "rates --json", true, API_EVENTS, "a stream: /rates, each second" },
	{ "GET", "/busiest", API_READ, ALL, "busiest --json", true, NULL,
		"which names are asked for most, by which nets and for which clients' subnets, since somebody looks" },
	{ "GET", "/fleet", API_READ, ALL, "fleet --json", true, NULL, "the servers of the fleet, and how it stands with each" },
	{ "POST", "/fleet/accept", API_OPERATE, ALL, "fleet --accept", false, NULL, "of changes by operators that were at odds, what holds is right" },
	{ "POST", "/fleet/reload", API_ADMIN, ALL, "fleet on {servers} reload [--force?force] [--stage stage]", false, NULL,
		"some of its servers read their configuration anew, or stage it: by name, with commas between, or a share (25%) of those that are there" },
	{ "POST", "/fleet/stage/promote", API_ADMIN, ALL, "fleet on {servers} reload --promote", false, NULL, "what these have staged is for all" },
	{ "POST", "/fleet/stage/rollback", API_ADMIN, ALL, "fleet on {servers} reload --rollback", false, NULL, "what these have staged is for nobody" },
	{ "GET", "/edges", API_READ, ALL, "edges --json", true, NULL, "the edges, their states, and what their probes say" },
	{ "GET", "/pools", API_READ, ALL, "pools --json", true, NULL, "the pools, and which of their edges may answer" },
	{ "GET", "/pools/{pool}", API_READ, ALL, "pools {pool} --json", true, NULL, "one of them; as a list, for it may also be staged" },
	{ "GET", "/changes", API_READ, ALL, "changes --json", true, NULL, "what is forced, and what is planned" },
	{ "GET", "/history", API_READ, ALL, "history [of] [--last last] --json", true, NULL,
		"what has become of edges and pools, by whom and why" },
	{ "GET", "/explain", API_READ, ALL, "explain {name} [type] --client {client} [--resolver resolver] --json", true, NULL,
		"why this client gets the answer it gets" },
	{ "GET", "/regions", API_READ, ALL, "regions {pool} [--stage?stage] [--drain drain] [--down down] [--up up] [--ipv6?ipv6] --json", true, NULL,
		"whose clients get which edge of a pool, of IPv4 or of IPv6; against what is staged, or an edge that is drained, down or up" },
	{ "GET", "/why", API_READ, ALL, "why --client {client} [--at at] [name] --json", true, NULL,
		"why this client got an edge some time ago" },
	{ "GET", "/geo/{address}", API_READ, ALL, "geo {address} --json", true, NULL,
		"where an address is, and what was measured there" },
	{ "GET", "/latency", API_READ, ALL, "latency show [--prefix prefix] [--country country] [--edge edge] --json", true, NULL,
		"what is measured" },
	{ "GET", "/latency/export", API_READ, ALL, "latency export", false, "text/csv", "all that is measured, as `latency: files` takes it" },
	{ "POST", "/latency/forget", API_ADMIN, ALL, "latency forget {what}", false, NULL, "what is measured of an edge, or of a prefix, is not known any more" },
	{ "GET", "/export", API_READ, ALL, "export [--config?config]", true, NULL,
		"what is loaded, forced, probed and measured, without secrets: for `simulate --from`" },
	{ "GET", "/watch", API_READ, ALL, "watch --json", true, NULL, "clients of whom all answers are kept" },
	{ "POST", "/watch", API_OPERATE, ALL, "watch {net} [--for for] [--here?here]", false, NULL, "keep all answers of these clients" },
	{ "DELETE", "/watch/{net}", API_OPERATE, ALL, "watch {net} --stop [--here?here]", false, NULL, "... no longer" },
	{ "POST", "/edges/{edge}/force", API_OPERATE, ALL,
		"force {edge} {state} [weight] [--pool pool] [--at at] [--for for] [--until until] [--why why] [--here?here]", false, NULL,
		"the state of an edge (up, down, drain, disable, auto, or weight with a number), whatever its probes say" },
	{ "GET", "/fail-back", API_READ, ALL, "fail-back --json", true, NULL, "pools that have failed over, since when and where to" },
	{ "POST", "/pools/{pool}/fail-back", API_OPERATE, ALL, "fail-back {pool} [--here?here]", false, NULL, "a pool goes back to its first member" },
	{ "DELETE", "/changes/{number}", API_OPERATE, ALL, "revoke {number}", false, NULL, "what is forced or planned is so no more" },
	{ "POST", "/edges/{edge}/probe", API_OPERATE, ALL, "probe {edge} --json", true, NULL, "probe an edge now" },
	{ "GET", "/verdicts", API_READ, ALL, "verdict --json", true, NULL, "what is told of edges for probes of kind external" },
	{ "POST", "/edges/{edge}/verdict", API_OPERATE, ALL,
		"verdict {edge} {state} [--probe probe] [--address address] [--for for] [--load load] [--why why]", false, NULL,
		"how an edge is (up, down, or none: told no more), for probes of kind external" },
	{ "POST", "/reload", API_ADMIN, ALL, "reload [--force?force] [--stage stage] [--here?here] --json", true, NULL,
		"read configuration, zones and databases anew" },
	{ "POST", "/stage/promote", API_ADMIN, ALL, "reload --promote [--here?here] --json", true, NULL, "what is staged is for all" },
	{ "POST", "/stage/rollback", API_ADMIN, ALL, "reload --rollback [--here?here] --json", true, NULL, "what is staged is for nobody" },
	{ "GET", "/zones", API_READ, ALL, "zones [--match match] [--faulty?faulty] [--after after] [--limit limit] --json", true, NULL,
		"the zones, and how they are; `limit` of them, behind `after`, with `match` in their names" },
	{ "POST", "/zones", API_ADMIN, ALL, "zone add {name} [template] [--stored?stored]", false, NULL, "serve another zone" },
	{ "GET", "/zones/{zone}", API_READ, ZONE, "zones {zone} --json", true, NULL, "one zone" },
	{ "GET", "/zones/{zone}/status", API_READ, ZONE, "zone status {zone} --json", true, NULL,
		"its primary and its timers, what is frozen and drafted" },
	{ "GET", "/zones/{zone}/history", API_READ, ZONE, "zone history {zone} [--last last] --json", true, NULL,
		"its last changes, record by record, as the store keeps them" },
	{ "DELETE", "/zones/{zone}", API_ADMIN, ALL, "zone remove {zone} [--purge?purge]", false, NULL, "serve it no more" },
	{ "GET", "/zones/{zone}/records", API_READ, ZONE, "zone export {zone} [--generic?generic] [--unsigned?unsigned]", false,
		"text/dns", "its records, as a zone file (RFC 4027)" },
	{ "POST", "/zones/{zone}/changes", API_ADMIN, ZONE, NULL, false, NULL,
		"records that go and come, all at once: as an update, it is answered when it is on the disk and served" },
	{ "POST", "/zones/{zone}/refresh", API_OPERATE, ZONE, "zone refresh {zone}", false, NULL, "ask its primary now" },
	{ "POST", "/zones/{zone}/retransfer", API_OPERATE, ZONE, "zone retransfer {zone}", false, NULL, "fetch it whole" },
	{ "POST", "/zones/{zone}/notify", API_OPERATE, ZONE, "zone notify {zone}", false, NULL, "tell its secondaries" },
	{ "POST", "/zones/{zone}/freeze", API_ADMIN, ZONE, "zone freeze {zone}", false, NULL, "take no updates of it" },
	{ "POST", "/zones/{zone}/thaw", API_ADMIN, ZONE, "zone thaw {zone} [--discard?discard]", false, NULL, "take updates again" },
	{ "POST", "/zones/{zone}/sync", API_ADMIN, ZONE, "zone sync {zone} [--discard?discard]", false, NULL, "write its file now" },
	{ "POST", "/zones/{zone}/purge", API_ADMIN, ALL, "zone purge {zone}", false, NULL, "forget what is stored of it" },
	{ "POST", "/zones/{zone}/promote", API_ADMIN, ALL, "zone promote {zone} {template}", false, NULL, "a secondary becomes a primary here" },
	{ "POST", "/zones/{zone}/demote", API_ADMIN, ALL, "zone demote {zone}", false, NULL, "... and a secondary again" },
	{ "GET", "/zones/{zone}/dnssec", API_READ, ZONE, "dnssec status {zone} --json", true, NULL, "how it stands with its keys" },
	{ "GET", "/zones/{zone}/dnssec/ds", API_READ, ZONE, "dnssec ds {zone} --json", true, NULL, "the DS that its parent should have" },
	{ "GET", "/zones/{zone}/dnssec/keys", API_READ, ZONE, "dnssec keys {zone} --json", true, NULL, "its keys" },
	{ "POST", "/zones/{zone}/dnssec/ds-seen", API_ADMIN, ALL, "dnssec ds-seen {zone}", false, NULL, "its parent has the DS" },
	{ "POST", "/zones/{zone}/dnssec/ds-gone", API_ADMIN, ALL, "dnssec ds-gone {zone}", false, NULL, "its parent has no DS" },
	{ "POST", "/zones/{zone}/dnssec/roll", API_ADMIN, ALL, "dnssec roll {zone} [--ksk?ksk] [--zsk?zsk] [--now?now]", false, NULL,
		"new keys in the place of those that it has" },
	{ "GET", "/audit", API_ADMIN, ALL, "audit [--last last] --json", true, NULL, "what has been changed by whom" },
	{ 0 },
};

/* --- pieces ------------------------------------------------------------------------------- */

static bool copy_to(char *to, size_t room, const char *from, size_t len)
{
	snprintf(to, room, "%.*s", (int)len, from);
	return len < room;
}

bool api_next_piece(const char **at, struct api_piece *to)
{
	const char *p = *at + strspn(*at, " ");
	size_t len = strcspn(p, " ");

	*to = (struct api_piece){ .kind = API_WORD };
	if (!*p)
		return false;
	if (*p == '{') {
		to->kind = API_MUST;
		copy_to(to->member, sizeof to->member, p + 1, len - 2);
	} else if (*p == '[') {
		len = strcspn(p, "]") + 1;
		const char *in = p + 1, *end = p + len - 1;
		const char *flag = memchr(in, '?', (size_t)(end - in)), *blank = memchr(in, ' ', (size_t)(end - in));
		const char *cut = flag ? flag : blank;
		to->kind = flag ? API_FLAG : blank ? API_OPTION : API_MAY;
		if (cut)
			copy_to(to->word, sizeof to->word, in, (size_t)(cut - in));
		const char *member = cut ? cut + 1 : in;
		copy_to(to->member, sizeof to->member, member, (size_t)(end - member));
	} else {
		copy_to(to->word, sizeof to->word, p, len);
	}
	*at = p + len;
	return true;
}

/* Is it one of the row? */
static bool has_member(const struct api_row *r, const char *name, bool *is_flag)
{
	struct api_piece piece;
	const char *at = r->words;

	while (at && api_next_piece(&at, &piece))
		if (piece.kind != API_WORD && strcmp(piece.member, name) == 0) {
			*is_flag = piece.kind == API_FLAG;
			return true;
		}
	return false;
}

bool api_may_be_word(const char *text)
{
	if (!*text || *text == '-')
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* --- paths -------------------------------------------------------------------------------- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One piece of a path, "%2F" decoded. False: it is none. */
static bool decode(char *to, size_t room, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = from[i];
		if (c == '%') {
			if (i + 2 >= len || hex(from[i + 1]) < 0 || hex(from[i + 2]) < 0)
				return false;
			c = (char)(hex(from[i + 1]) * 16 + hex(from[i + 2]));
			i += 2;
		}
		if (n + 1 >= room || !c)
			return false;
		to[n++] = c;
	}
	to[n] = 0;
	return n != 0;
}

/* Does the path fit? Its members are added. */
static bool fits(const char *form, const char *path, json_t *members)
{
	char value[1100], name[32];

	while (*form && *path) {
		if (*form != '{') {
			if (*form++ != *path++)
				return false;
			continue;
		}
		const size_t len = strcspn(form, "}"), own = strcspn(path, "/");
		copy_to(name, sizeof name, form + 1, len - 1);
		if (!decode(value, sizeof value, path, own) || !api_may_be_word(value) ||
			json_object_set_new(members, name, json_string(value)) != 0)
			return false;
		form += len + 1;
		path += own;
	}
	return !*form && !*path;
}

const struct api_row *api_row_find(
	struct api_call *c, const char *method, const char *path, const struct api_row **other)
{
	*other = NULL;
	c->members = json_object();
	for (const struct api_row *r = api_rows; c->members && r->path; r++) {
		json_object_clear(c->members);
		if (!fits(r->path, path, c->members))
			continue;
		if (strcmp(r->method, method) == 0)
			return c->row = r;
		*other = r;
	}
	return NULL;
}

void api_call_fini(struct api_call *c)
{
	json_decref(c->members);
	c->members = NULL;
}

/* --- members ------------------------------------------------------------------------------ */

static bool add_value(struct api_call *c, const char *name, json_t *value, struct fault *why)
{
	const char *text = json_string_value(value);
	bool is_flag;

	if (!has_member(c->row, name, &is_flag))
		return fault(why, "%s is nothing that this takes", name);
	if (json_object_get(c->members, name))
		return fault(why, "%s is there twice", name);
	if (is_flag && !json_is_boolean(value))
		return fault(why, "%s is true or false", name);
	if (!is_flag && (!text || !api_may_be_word(text)))
		return fault(why, "%s is a text that does not begin with \"-\" and has no control character in it", name);
	return json_object_set(c->members, name, value) == 0 || fault(why, "out of memory");
}

bool api_add(struct api_call *c, const char *name, const char *value, struct fault *why)
{
	bool is_flag = false;

	has_member(c->row, name, &is_flag);
	json_t *v = !is_flag                                     ? json_string(value)
		: !*value || strcmp(value, "true") == 0 ? json_true()
		: strcmp(value, "false") == 0           ? json_false()
							: json_string(value);
	if (!v)
		return fault(why, "%s is no text in UTF-8", name);
	const bool ok = add_value(c, name, v, why);
	json_decref(v);
	return ok;
}

/* Whole numbers are taken as they are written. */
static json_t *as_text(json_t *value)
{
	char text[32];

	if (!json_is_integer(value))
		return json_incref(value);
	snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
	return json_string(text);
}

bool api_add_body(struct api_call *c, const char *text, size_t len, struct fault *why)
{
	json_error_t error;
	json_t *o = len ? json_loadb(text, len, JSON_REJECT_DUPLICATES, &error) : json_object();
	const char *name;
	json_t *value;
	bool ok = true;

	if (!o || !json_is_object(o)) {
		json_decref(o);
		return o ? fault(why, "the body is no JSON object")
			 : fault(why, "the body is no JSON: line %d, column %d: %s", error.line,
				   error.column, error.text);
	}
	json_object_foreach (o, name, value) {
		json_t *v = as_text(value);
		if (ok && !c->row->words && json_object_get(c->members, name))
			ok = fault(why, "%s is there twice", name);
		ok = ok && v &&
			(c->row->words ? add_value(c, name, v, why)
				       : json_object_set(c->members, name, value) == 0);
		json_decref(v);
	}
	json_decref(o);
	return ok;
}

/* --- words -------------------------------------------------------------------------------- */

static bool add_word(struct api_call *c, const char *word, struct fault *why)
{
	if (c->n == COMMAND_WORDS_MOST)
		return fault(why, "too many words");
	c->words[c->n++] = word;
	return true;
}

/* Of the row: it lives as long as the call. */
static bool add_own(struct api_call *c, const char *word, struct fault *why)
{
	const size_t len = strlen(word) + 1;
	char *to = c->own + c->used;

	if (c->used + len > sizeof c->own)
		return fault(why, "too many words");
	memcpy(to, word, len);
	c->used += len;
	return add_word(c, to, why);
}

bool api_words(struct api_call *c, struct fault *why)
{
	struct api_piece p;
	const char *at = c->row->words;
	bool ok = true;

	while (ok && api_next_piece(&at, &p)) {
		const json_t *value = *p.member ? json_object_get(c->members, p.member) : NULL;
		const char *text = json_string_value(value);
		if (p.kind == API_WORD)
			ok = add_own(c, p.word, why);
		else if (p.kind == API_FLAG)
			ok = !json_is_true(value) || add_own(c, p.word, why);
		else if (!text)
			ok = p.kind != API_MUST || fault(why, "%s is missing", p.member);
		else
			ok = (p.kind != API_OPTION || add_own(c, p.word, why)) && add_word(c, text, why);
	}
	return ok;
}
