/* schema_dnssec.c - dnssec: how zones are signed, by name.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <netinet/in.h>
#include <string.h>

enum { POLICIES_MOST = 1024, PARENTS_MOST = 16, PORT = 53, MINUTE = 60, DAY = 86400 };

/* --- values ------------------------------------------------------------------------------- */

/* Whole seconds, from `least` to `most`; to a uint32_t. */
static void take_seconds(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);
	uint64_t ms;

	if (!text)
		return;
	if (option_whole(text, &ms) && ms)
		parse_error(r->src, value, "\"%s\" needs a unit (s, m, h, d or w); write %ss",
			key->name, text);
	else if (option_duration(text, text + strlen(text), &ms) && ms % 1000 == 0 &&
		ms / 1000 >= key->least && ms / 1000 <= key->most)
		*(uint32_t *)to = (uint32_t)(ms / 1000);
	else
		option_wrong(r, key, value);
}

static void take_roll(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	if (value->kind == NODE_SCALAR && strcmp(value->text, "never") == 0)
		*(uint32_t *)to = 0;
	else
		take_seconds(r, key, value, to);
}

static void take_algorithm(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value);

	if (text && !signing_algorithm_parse(text, to))
		option_wrong(r, key, value);
}

static void take_keys(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "csk", "split", NULL };
	const int word = option_word(r, key, value, words);

	if (word >= 0)
		*(bool *)to = word == 1;
}

static void take_denial(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "nsec", "nsec3", "nsec3-opt-out", NULL };
	const int word = option_word(r, key, value, words);
	struct keyset_policy *p = to;

	if (word < 0)
		return;
	p->denial = word ? KEYSET_NSEC3 : KEYSET_NSEC;
	p->opt_out = word == 2;
}

static void take_zonemd(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const int word = option_word(r, key, value, schema_zonemd_words);

	if (word >= 0)
		*(uint8_t *)to = (uint8_t)word;
}

static void take_cds(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "none", "cds", "cdnskey", "both", NULL };
	const int word = option_word(r, key, value, words);
	struct keyset_policy *p = to;

	if (word < 0)
		return;
	p->cds = word & 1;
	p->cdnskey = word & 2;
}

static void take_digest(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { "sha256", "sha384", NULL };
	const int word = option_word(r, key, value, words);

	if (word >= 0)
		*(uint8_t *)to = word ? SIGNING_DIGEST_SHA384 : SIGNING_DIGEST_SHA256;
}

/* --- the parent --------------------------------------------------------------------------- */

/* A word with a letter of no address in it is a peer's name. */
static bool is_address(const char *text)
{
	return strchr(text, ':') || text[strspn(text, "0123456789.")] == 0;
}

static void add_parents(struct conf_dnssec *to, const struct conf_peer *peer,
	struct conf_parent *list, size_t room)
{
	for (size_t i = 0; i < peer->n_at && to->n_parents < room; i++)
		list[to->n_parents++] = (struct conf_parent){ peer->name, peer->at[i],
			peer->key };
}

static void take_parent(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf_dnssec *d = to;
	unsigned number;

	d->n_parents = 0;
	if (!option_is_list(r, key, value, PARENTS_MOST))
		return;
	const size_t room = option_count(value) * CONF_PEER_ADDRESSES_MOST;
	struct conf_parent *list = arena_zalloc(r->mem, room * sizeof *list);
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		struct conf_parent *p = &list[d->n_parents];
		if (!text)
			continue;
		if (!is_address(text)) {
			if (schema_peer_find(r, key, i, &number))
				add_parents(d, &r->conf->peers[number], list, room);
		} else if (option_endpoint(r, i, text, PORT, &p->at.sa, &p->at.len)) {
			p->name = arena_strdup(r->mem, text);
			d->n_parents++;
		}
	}
	d->parents = list;
}

/* --- policies ----------------------------------------------------------------------------- */

#define AT(field)      .at = offsetof(struct conf_dnssec, field)
#define SIGN(field)    .at = offsetof(struct conf_dnssec, keys.sign.field)
#define SPAN(from, to) .say = "a duration from " from " to " to ", such as 1h"

const struct key schema_dnssec_keys[] = {
	{ "algorithm", take_algorithm, AT(keys.algorithm),
		.say = "ecdsap256sha256, ecdsap384sha384, ed25519, ed448, rsasha256 or "
		       "rsasha512",
		.about = "What keys sign with. Another one than before is rolled to.",
		.otherwise = "ecdsap256sha256" },
	{ "bits", option_number, .say = "a number from 2048 to 4096", AT(keys.bits),
		.least = SIGNING_RSA_BITS_LEAST, .most = SIGNING_RSA_BITS_MOST,
		.about = "The length of keys of rsasha256 and rsasha512.",
		.otherwise = "2048" },
	{ "keys", take_keys, .say = "csk or split", AT(keys.split),
		.about = "csk: one key signs all. split: a KSK signs the DNSKEY RRset, and a "
			 "ZSK "
			 "the rest.",
		.otherwise = "csk" },
	{ "denial", take_denial, .say = "nsec, nsec3 or nsec3-opt-out", AT(keys.sign),
		.about = "How it is proven that a name is not there. NSEC3 has no salt and no "
			 "further iterations (RFC 9276).",
		.otherwise = "nsec" },
	{ "lifetime", take_seconds, SPAN("1m", "365d"), SIGN(lifetime_s), .least = MINUTE,
		.most = 365 * DAY, .about = "How long a signature is good.",
		.otherwise = "14d" },
	{ "refresh", take_seconds, SPAN("10s", "365d"), SIGN(refresh_s), .least = 10,
		.most = 365 * DAY,
		.about = "So long before its end a signature is made anew: the time that is "
			 "left "
			 "to mend what keeps it from being so.",
		.otherwise = "7d" },
	{ "jitter", take_seconds, SPAN("0s", "365d"), SIGN(jitter_s), .most = 365 * DAY,
		.about = "Signatures are good for up to so much less, at random, so that they "
			 "do "
			 "not all end at once.",
		.otherwise = "1d" },
	{ "backdate", take_seconds, SPAN("0s", "30d"), SIGN(backdate_s), .most = 30 * DAY,
		.about = "Signatures begin so long ago, for validators whose clock is slow.",
		.otherwise = "1h" },
	{ "dnskey-ttl", take_seconds, SPAN("1s", "7d"), SIGN(dnskey_ttl_s), .least = 1,
		.most = 7 * DAY, .about = "The TTL of DNSKEY, CDS and CDNSKEY records.",
		.otherwise = "1h" },
	{ "ksk-roll", take_roll, .say = "a duration from 1m to 3650d, or never",
		AT(keys.ksk_roll_s), .least = MINUTE, .most = 3650 * DAY,
		.about = "So old a KSK, or a CSK, gets a successor.", .otherwise = "never" },
	{ "zsk-roll", take_roll, .say = "a duration from 1m to 3650d, or never",
		AT(keys.zsk_roll_s), .least = MINUTE, .most = 3650 * DAY,
		.about = "So old a ZSK gets a successor.", .otherwise = "90d" },
	{ "propagation", take_seconds, SPAN("0s", "30d"), AT(keys.propagation_s),
		.most = 30 * DAY,
		.about = "How long it takes, at most, until all nameservers of the zone have "
			 "what "
			 "this one has. Each step of a roll waits so much longer.",
		.otherwise = "1h" },
	{ "parent", take_parent, .say = "a peer or an address, or a list of them", .at = 0,
		.about = "Nameservers of the parent zone, which are asked over TCP whether the "
			 "DS "
			 "is there. All of them must have it.",
		.otherwise = "none: \"waymarkctl dnssec ds-seen\" says so" },
	{ "ds-ttl", take_seconds, SPAN("1s", "30d"), AT(keys.ds_ttl_s), .least = 1,
		.most = 30 * DAY,
		.about = "The TTL of DS records at the parent, as long as it has not been "
			 "asked.",
		.otherwise = "1d" },
	{ "ds-check", take_seconds, SPAN("1s", "7d"), AT(keys.ds_check_s), .least = 1,
		.most = 7 * DAY,
		.about = "How often the parent is asked while it is waited for.",
		.otherwise = "10m" },
	{ "cds", take_cds, .say = "both, cds, cdnskey or none", AT(keys.sign),
		.about = "By which records the parent is asked for a DS (RFC 7344, RFC 8078).",
		.otherwise = "both" },
	{ "cds-digest", take_digest, .say = "sha256 or sha384", SIGN(cds_digest),
		.about = "The digest of CDS records, and of \"waymarkctl dnssec ds\".",
		.otherwise = "sha256" },
	{ "zonemd", take_zonemd, .say = SCHEMA_ZONEMD_HASH, SIGN(zonemd),
		.about = "The digest of the whole signed zone (ZONEMD, RFC 8976), right after each change. Each "
			 "change then costs a reading of the whole zone.",
		.otherwise = "off" },
	{ 0 },
};

/* Where a key is written, or the policy. */
static const struct node *at(const struct node *policy, const char *key)
{
	const struct node *n = policy->kind == NODE_MAP ? parse_get(policy, key) : NULL;

	return n ? n : policy->key;
}

/* Numbers that cannot work. */
static void check_times(
	const struct reader *r, const struct node *n, const struct key_policy *p)
{
	const struct keyset_policy *s = &p->sign;
	const uint64_t cached_s = (uint64_t)s->dnskey_ttl_s + p->propagation_s;

	if ((uint64_t)s->refresh_s + s->jitter_s >= s->lifetime_s)
		parse_error(r->src, at(n, "refresh"),
			"refresh and jitter together (%us) must be less than lifetime (%us), "
			"or "
			"signatures are made anew as soon as they are made",
			s->refresh_s + s->jitter_s, s->lifetime_s);
	if (s->refresh_s <= cached_s)
		parse_error(r->src, at(n, "refresh"),
			"refresh (%us) must be more than dnskey-ttl and propagation together "
			"(%us), or caches have signatures that have ended",
			s->refresh_s, (unsigned)cached_s);
	if (p->ksk_roll_s && p->ksk_roll_s <= 2 * cached_s + p->ds_ttl_s)
		parse_error(r->src, at(n, "ksk-roll"),
			"a roll takes longer than that: at least twice dnskey-ttl and "
			"propagation, and the TTL of the DS (%us)",
			(unsigned)(2 * cached_s + p->ds_ttl_s));
	if (p->split && p->zsk_roll_s && p->zsk_roll_s <= 2 * cached_s)
		parse_error(r->src, at(n, "zsk-roll"),
			"a roll takes longer than that: at least twice dnskey-ttl and "
			"propagation (%us)",
			(unsigned)(2 * cached_s));
}

static void check_keys(const struct reader *r, const struct node *n, const struct key_policy *p)
{
	const bool rsa = p->algorithm == SIGNING_RSASHA256 || p->algorithm == SIGNING_RSASHA512;

	if (n->kind != NODE_MAP)
		return;
	if (!rsa && parse_get(n, "bits"))
		parse_error(r->src, parse_get(n, "bits")->key,
			"\"bits\" is for rsasha256 and rsasha512; keys of this algorithm have "
			"one "
			"length");
	if (!p->split && parse_get(n, "zsk-roll"))
		parse_error(r->src, parse_get(n, "zsk-roll")->key,
			"there is no ZSK without \"keys: split\"; \"ksk-roll\" is for a CSK");
}

static void read_policy(struct reader *r, const struct node *n, struct conf_dnssec *to)
{
	const unsigned before = r->src->faults->errors;

	if (n->kind == NODE_BAD || !keys_is_map(r, n, n->key->text))
		return;
	keys_read(r, schema_dnssec_keys, n, n->key->text, to);
	if (r->src->faults->errors != before)
		return;
	check_times(r, n, &to->keys);
	check_keys(r, n, &to->keys);
}

void schema_dnssec_defaults(struct reader *r, size_t room)
{
	static const char *const names[] = { "auto" };
	struct conf *c = r->conf;

	c->dnssec = arena_zalloc(r->mem, (room + 1) * sizeof *c->dnssec);
	c->dnssec[0] = (struct conf_dnssec){ .name = names[0], .keys = key_policy_auto() };
	c->n_dnssec = 1;
	r->policies = known_new(r->scratch, names, 1);
}

void schema_dnssec(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!keys_is_map(r, value, key->name))
		return;
	if (value->n > POLICIES_MOST) {
		parse_error(r->src, value->key, "%zu policies; %d are allowed", value->n,
			POLICIES_MOST);
		return;
	}
	schema_dnssec_defaults(r, value->n);
	const char **names = arena_alloc(r->scratch, (value->n + 1) * sizeof *names);
	names[0] = c->dnssec[0].name;
	for (const struct node *n = value->first; n && !faults_full(r->src->faults);
		n = n->next) {
		const char *name = n->key->text;
		if (strcmp(name, "off") == 0) {
			parse_error(r->src, n->key,
				"\"off\" is no name for a policy: it is what a zone says that "
				"is "
				"not signed");
			continue;
		}
		const bool is_auto = strcmp(name, names[0]) == 0;
		struct conf_dnssec *d = &c->dnssec[is_auto ? 0 : c->n_dnssec];
		*d = (struct conf_dnssec){ .name = arena_strdup(r->mem, name),
			.keys = key_policy_auto() };
		if (!is_auto)
			names[c->n_dnssec++] = name;
		read_policy(r, n, d);
	}
	r->policies = known_new(r->scratch, names, c->n_dnssec);
}

/* --- of a zone ---------------------------------------------------------------------------- */

void schema_dnssec_of(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	unsigned number;

	if (value->kind == NODE_SCALAR && strcmp(value->text, "off") == 0)
		*(unsigned *)to = 0;
	else if (schema_find(r, &(struct schema_names){ key, &r->policies, "policy", "dnssec" },
			 value, &number))
		*(unsigned *)to = number + 1;
}
