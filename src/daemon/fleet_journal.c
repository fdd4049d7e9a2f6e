#include "daemon/fleet_journal.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "daemon/fleet_snapshot.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VERSION = FLEET_VERSION_TEXT - 1,
	ABOUT_MOST = 240,
	STEPS_MANY = 512,       /* since the snapshot: time for another */
	BYTES_LEAST = 256 << 10 /* ... or so many bytes, and half of what the snapshot takes */
};

/* --- versions ----------------------------------------------------------------------------- */

bool fleet_version_same(struct fleet_version a, struct fleet_version b)
{
	return a.serial == b.serial && a.sum == b.sum;
}

const char *fleet_version_text(char to[static FLEET_VERSION_TEXT], struct fleet_version v)
{
	snprintf(to, FLEET_VERSION_TEXT, "%010u-%016llx", v.serial, (unsigned long long)v.sum);
	return to;
}

bool fleet_version_parse(struct fleet_version *to, const char *s, size_t len)
{
	char text[FLEET_VERSION_TEXT], again[FLEET_VERSION_TEXT];

	if (len < VERSION)
		return false;
	memcpy(text, s, VERSION);
	text[VERSION] = 0;
	*to = (struct fleet_version){ (uint32_t)strtoull(text, NULL, 10), strtoull(text + 11, NULL, 16) };
	return strcmp(fleet_version_text(again, *to), text) == 0;
}

/* Letters count as one in both cases, everywhere: what names in RDATA differ in so is no change. */
static uint64_t sum_of_rdata(struct hash_key key, const uint8_t *rdata, size_t len)
{
	uint8_t run[256];
	uint64_t sum = len;

	for (size_t at = 0; at < len; at += sizeof run) {
		const size_t n = len - at < sizeof run ? len - at : sizeof run;
		for (size_t i = 0; i < n; i++) {
			const uint8_t c = rdata[at + i];
			run[i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
		}
		sum = hash_pair(sum, hash_bytes(key, run, n));
	}
	return sum;
}

/* The same on all servers; who reads the engine knows it too, and learns of a zone only whether he guesses all of it. */
static uint64_t sum_of(const struct change_record *rr)
{
	static const struct hash_key key = { 0x7761796d61726b00, 0x666c6565747a6f6e };
	uint8_t lower[NAME_MOST];
	const size_t len = name_len(rr->owner);

	name_lower(lower, rr->owner, len);
	return hash_pair(hash_pair(hash_bytes(key, lower, len), (uint64_t)rr->type << 32 | rr->ttl_s),
		sum_of_rdata(key, rr->rdata, rr->rdlen));
}

uint64_t fleet_version_sum(const uint8_t *records, size_t len)
{
	const struct store_picture p = { .records = (uint8_t *)(uintptr_t)records, .len = len };
	struct store_record rr = { .owner = NULL };
	uint64_t sum = 0;

	for (size_t at = 0; store_next_record(&p, &at, &rr);)
		sum += sum_of(&(struct change_record){ .owner = rr.owner,
			.rdata = rr.rdata,
			.ttl_s = rr.ttl_s,
			.type = rr.type,
			.rdlen = rr.rdlen });
	return sum;
}

struct fleet_version fleet_version_after(struct fleet_version v, const struct change *c)
{
	struct change_walk w = change_each(c);

	v.serial = change_to(c);
	while (change_next(&w))
		v.sum += w.rr.comes ? sum_of(&w.rr) : -sum_of(&w.rr);
	return v;
}

/* --- the engine --------------------------------------------------------------------------- */

/* Where the steps begin that lead from `p` to the last version. */
#define MISSED                                                                                              \
	"local function missed(p, h) "                                                                      \
	"local out, bytes = {'behind', h}, 0 "                                                              \
	"while p ~= h and #out < 256 and bytes < 4194304 do "                                               \
	"local v = redis.call('HGET', KEYS[1], p) "                                                         \
	"if not v then return {'apart', h} end "                                                            \
	"out[#out + 1] = v bytes = bytes + #v p = string.sub(v, 1, 27) end "                                \
	"return out end "                                                                                   \
	"local h = redis.call('HGET', KEYS[1], 'last') "                                                    \
	"if not h then return {'none'} end "

static const char read_script[] = MISSED
	"if h == ARGV[1] then return {'done', redis.call('HGET', KEYS[1], 'keys') or ''} end "
	"return missed(ARGV[1], h)";

/* ARGV: which follows which, sealed, and the version of the keys that it was signed with; "*": whichever. */
static const char commit_script[] = MISSED
	"if h ~= ARGV[1] then return missed(ARGV[1], h) end "
	"local k = redis.call('HGET', KEYS[1], 'keys') or '' "
	"if ARGV[4] ~= '*' and ARGV[4] ~= k then return {'keys', k} end "
	"local n = tonumber(redis.call('HGET', KEYS[1], 'steps')) + 1 "
	"local since = tonumber(redis.call('HGET', KEYS[1], 'since')) + 1 "
	"local bytes = tonumber(redis.call('HGET', KEYS[1], 'bytes')) + #ARGV[3] "
	"redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ARGV[3], 'last', ARGV[2], 'steps', n, 'since', since, 'bytes', bytes) "
	"local s = redis.call('HGET', KEYS[1], 'snap') "
	"return {'done', since, bytes, s}";

bool fleet_journal_open(struct fleet_journal *j, struct fleet_ask *ask, const uint8_t *id)
{
	*j = (struct fleet_journal){ .ask = ask, .id = id };
	return fleet_ask_who(ask, &j->who);
}

void fleet_journal_key(const struct fleet_journal *j, char to[static FLEET_JOURNAL_KEY])
{
	uint8_t hash[16];
	char hex[33];

	/* Not by the secret: that may be changed while servers run. */
	crypto_generichash(hash, sizeof hash, j->id, name_len(j->id), NULL, 0);
	snprintf(to, FLEET_JOURNAL_KEY, "waymark:{%s}:zone:%s", j->who.name,
		sodium_bin2hex(hex, sizeof hex, hash, sizeof hash));
}

static bool run(const struct fleet_journal *j, const char *script, const struct redis_word *args, unsigned n,
	struct fleet_answer *to, struct fault *why)
{
	char key[FLEET_JOURNAL_KEY];
	struct redis_word words[4 + FLEET_JOURNAL_ARGS] = { { "EVAL", 4 }, { script, strlen(script) }, { "1", 1 }, { key, 0 } };

	fleet_journal_key(j, key);
	words[3].len = strlen(key);
	if (n)
		memcpy(words + 4, args, n * sizeof *args);
	return fleet_ask(j->ask, words, 4 + n, to, why);
}

static enum fleet_journal_result result_of(const struct fleet_answer *a, struct fault *why)
{
	static const struct {
		const char *word;
		enum fleet_journal_result is;
	} words[] = { { "done", FLEET_JOURNAL_DONE }, { "behind", FLEET_JOURNAL_BEHIND },
		{ "apart", FLEET_JOURNAL_APART }, { "none", FLEET_JOURNAL_NONE }, { "keys", FLEET_JOURNAL_KEYS } };

	for (unsigned i = 0; a->n && i < sizeof words / sizeof *words; i++)
		if (a->items[0].kind == REDIS_TEXT && strcmp(a->items[0].s, words[i].word) == 0)
			return words[i].is;
	fault(why, "the fleet's Redis says something else than was asked");
	return FLEET_JOURNAL_FAILED;
}

bool fleet_journal_ask(const struct fleet_journal *j, const char *script, struct fleet_answer *to, struct fault *why)
{
	return run(j, script, NULL, 0, to, why);
}

enum fleet_journal_result fleet_journal_run(const struct fleet_journal *j, const char *script,
	const struct redis_word *args, unsigned n, struct fault *why)
{
	struct fleet_answer a = { 0 };

	if (!run(j, script, args, n, &a, why))
		return FLEET_JOURNAL_FAILED;
	const enum fleet_journal_result is = result_of(&a, why);
	fleet_answer_fini(&a);
	return is;
}

/* --- steps -------------------------------------------------------------------------------- */

static const char *about_step(char to[static ABOUT_MOST], const struct fleet_journal *j, const char *from, const char *step)
{
	char key[FLEET_JOURNAL_KEY];

	fleet_journal_key(j, key);
	snprintf(to, ABOUT_MOST, "%.*s %.*s %s", VERSION, from, VERSION, step, key + strlen("waymark:"));
	return to;
}

void fleet_steps_fini(struct fleet_steps *s)
{
	for (size_t i = 0; i < s->n; i++)
		change_free(s->of[i]);
	memory_free(s->of);
	memory_free(s->to);
	*s = (struct fleet_steps){ .of = NULL };
}

/* NULL: `why`. */
static struct change *open_step(const struct fleet_journal *j, const char *from,
	const struct fleet_answer_item *it, struct fault *why)
{
	char about[ABOUT_MOST];
	size_t n;
	uint8_t *plain = memory_zeroed(1, it->len + 1);
	struct change *c = NULL;

	if (fleet_open(&j->who.keys, about_step(about, j, from, it->s), (const uint8_t *)it->s + VERSION, it->len - VERSION,
		    plain, &n))
		c = change_open(plain, n, why);
	else
		fault(why, "a step of the fleet's journal cannot be opened (another \"secret\"?)");
	memory_free(plain);
	if (c && !name_equal(change_id(c), j->id)) {
		fault(why, "a step of the fleet's journal is of another zone");
		change_free(c);
		c = NULL;
	}
	return c;
}

/* They lead on from one to the next, as the engine has put them. */
static bool take_steps(const struct fleet_journal *j, struct fleet_version from, const struct fleet_answer *a,
	struct fleet_steps *to, struct fault *why)
{
	char at[FLEET_VERSION_TEXT];

	if (a->n < 3 || !fleet_version_parse(&to->last, a->items[1].s, a->items[1].len))
		return fault(why, "the fleet's journal is damaged");
	to->of = memory_zeroed(a->n, sizeof(*to->of));
	to->to = memory_zeroed(a->n, sizeof *to->to);
	fleet_version_text(at, from);
	for (size_t i = 2; i < a->n; i++) {
		const struct fleet_answer_item *it = &a->items[i];
		if (it->kind != REDIS_TEXT || !fleet_version_parse(&to->to[to->n], it->s, it->len))
			return fault(why, "the fleet's journal is damaged");
		to->of[to->n] = open_step(j, at, it, why);
		if (!to->of[to->n])
			return false;
		memcpy(at, it->s, VERSION);
		from = fleet_version_after(from, to->of[to->n]);
		if (!fleet_version_same(from, to->to[to->n++]))
			return fault(why, "a step of the fleet's journal does not fit");
	}
	return true;
}

static enum fleet_journal_result ask_steps(const struct fleet_journal *j, const char *script,
	const struct redis_word *args, unsigned n, struct fleet_answer *a, struct fleet_steps *steps, struct fault *why)
{
	struct fleet_version from;

	*steps = (struct fleet_steps){ .of = NULL };
	if (!run(j, script, args, n, a, why))
		return FLEET_JOURNAL_FAILED;
	enum fleet_journal_result is = result_of(a, why);
	if ((is == FLEET_JOURNAL_DONE || is == FLEET_JOURNAL_KEYS) &&
		(a->n < 2 || a->items[1].kind != REDIS_TEXT || !fleet_version_parse(&steps->keys, a->items[1].s, a->items[1].len)))
		steps->keys = (struct fleet_version){ 0 };
	if (is == FLEET_JOURNAL_APART && (a->n < 2 || !fleet_version_parse(&steps->last, a->items[1].s, a->items[1].len)))
		steps->last = (struct fleet_version){ 0 };
	if (is == FLEET_JOURNAL_BEHIND && fleet_version_parse(&from, args[0].s, args[0].len) &&
		!take_steps(j, from, a, steps, why)) {
		fleet_steps_fini(steps);
		is = FLEET_JOURNAL_APART; /* the snapshot may do */
	}
	return is;
}

enum fleet_journal_result fleet_journal_read(const struct fleet_journal *j, struct fleet_version from,
	struct fleet_steps *steps, struct fault *why)
{
	char at[FLEET_VERSION_TEXT];
	const struct redis_word args[] = { { fleet_version_text(at, from), VERSION } };
	struct fleet_answer a = { 0 };

	const enum fleet_journal_result is = ask_steps(j, read_script, args, 1, &a, steps, why);
	fleet_answer_fini(&a);
	return is;
}

bool fleet_journal_is_safe(const struct fleet_journal *j, struct fault *why)
{
	char n[12];
	struct fleet_answer a = { 0 };

	if (!j->who.replicas)
		return true;
	snprintf(n, sizeof n, "%u", j->who.replicas);
	const struct redis_word words[] = { { "WAIT", 4 }, { n, strlen(n) }, { "1000", 4 } };
	if (!fleet_ask(j->ask, words, 3, &a, why))
		return false;
	const int64_t have = a.n ? a.items[0].number : 0;
	fleet_answer_fini(&a);
	return have >= j->who.replicas ||
		fault(why, "only %lld of %u replicas of the fleet's Redis have it (fleet: replicas)", (long long)have,
			j->who.replicas);
}

static bool wants_snapshot(const struct fleet_journal *j, const struct fleet_answer *a)
{
	char id[FLEET_SNAPSHOT_KEY];
	struct fleet_snapshot_head s;

	if (a->n < 4 || a->items[3].kind != REDIS_TEXT || !fleet_snapshot_head(&s, a->items[3].s))
		return true;
	return a->items[1].number >= STEPS_MANY ||
		a->items[2].number >= BYTES_LEAST + (int64_t)s.n * (FLEET_SNAPSHOT_CHUNK / 2) ||
		strcmp(s.key, fleet_snapshot_key(id, &j->who.keys)) != 0;
}

enum fleet_journal_result fleet_journal_commit(const struct fleet_journal *j, struct fleet_commit *c,
	struct fleet_steps *steps, struct fault *why)
{
	char from[FLEET_VERSION_TEXT], to[FLEET_VERSION_TEXT], keys[FLEET_VERSION_TEXT] = "*", about[ABOUT_MOST];
	struct fleet_answer a = { 0 };
	size_t len;
	const uint8_t *bytes = change_bytes(c->change, &len);
	uint8_t *sealed = memory_zeroed(1, len + FLEET_SEAL);

	fleet_version_text(from, c->from);
	fleet_version_text(to, c->to);
	const size_t n = fleet_seal(&j->who.keys, about_step(about, j, from, to), bytes, len, sealed);
	if (c->keys)
		fleet_version_text(keys, *c->keys);
	const struct redis_word args[] = { { from, VERSION }, { to, VERSION }, { sealed, n },
		{ keys, c->keys && !c->keys->serial ? 0 : strlen(keys) } };
	enum fleet_journal_result is = ask_steps(j, commit_script, args, 4, &a, steps, why);
	memory_free(sealed);
	if (is == FLEET_JOURNAL_DONE)
		c->wants_snapshot = wants_snapshot(j, &a);
	fleet_answer_fini(&a);
	if (is == FLEET_JOURNAL_DONE && !fleet_journal_is_safe(j, why))
		is = FLEET_JOURNAL_FAILED;
	return is;
}
