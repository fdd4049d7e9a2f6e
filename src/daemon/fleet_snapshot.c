#include "daemon/fleet_snapshot.h"

#include "base/memory.h"
#include "base/scope.h"
#include "store/store_records.h"
#include "zone/records.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 80, ABOUT_MOST = 240, PIECES_MOST = 4096 };

/* --- versions ----------------------------------------------------------------------------- */

struct fleet_version fleet_version_of(const struct zone *z)
{
	struct fleet_version v = { z->serial, 0 };
	struct store_records r = store_records(z);
	uint8_t *bytes = memory_zeroed(1, FLEET_SNAPSHOT_CHUNK + STORE_RECORD_MOST);
	size_t n;

	while ((n = store_records_fill(&r, bytes, FLEET_SNAPSHOT_CHUNK)) > 0)
		v.sum += fleet_version_sum(bytes, n);
	memory_free(bytes);
	return v;
}

const char *fleet_snapshot_key(char to[static FLEET_SNAPSHOT_KEY], const struct fleet_keys *keys)
{
	uint8_t hash[16];

	crypto_generichash(hash, sizeof hash, (const uint8_t *)"snapshot", 8, keys->key[0], FLEET_SECRET);
	return sodium_bin2hex(to, FLEET_SNAPSHOT_KEY, hash, FLEET_SNAPSHOT_KEY / 2);
}

bool fleet_snapshot_head(struct fleet_snapshot_head *to, const char *text)
{
	return fleet_version_parse(&to->version, text, strlen(text)) &&
		sscanf(text + FLEET_VERSION_TEXT - 1, " %u %16[0-9a-f]", &to->n, to->key) == 2 && to->n &&
		to->n <= PIECES_MOST;
}

/* --- putting ------------------------------------------------------------------------------ */

/* KEYS[1], and ARGV: version, how many pieces, which secret. The pieces must be there still. */
#define PIECES                                                                                              \
	"for i = 0, ARGV[2] - 1 do "                                                                        \
	"if not redis.call('HGET', KEYS[1], 'snap:' .. ARGV[1] .. ':' .. i) then return {'none'} end end "  \
	"local now = ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] "

static const char begin_script[] =
	"local h = redis.call('HGET', KEYS[1], 'last') "
	"if h then return {h == ARGV[1] and 'done' or 'apart'} end " PIECES
	"redis.call('HSET', KEYS[1], 'last', ARGV[1], 'first', ARGV[1], 'snap', now, 'steps', 0, 'since', 0, 'bytes', 0) "
	"return {'done'}";

/* The pieces of the one before go, and steps beyond 1,024. */
static const char put_script[] =
	"local h = redis.call('HGET', KEYS[1], 'last') "
	"if not h then return {'none'} end "
	"if h ~= ARGV[1] and not redis.call('HGET', KEYS[1], ARGV[1]) then return {'apart'} end " PIECES
	"local s = redis.call('HGET', KEYS[1], 'snap') "
	"local was, n = string.match(s or '', '^(%S+) (%d+) ') "
	"if was and was ~= ARGV[1] then for i = 0, n - 1 do redis.call('HDEL', KEYS[1], 'snap:' .. was .. ':' .. i) end end "
	"local steps, p = tonumber(redis.call('HGET', KEYS[1], 'steps')), redis.call('HGET', KEYS[1], 'first') "
	"while steps > 1024 and p ~= ARGV[1] do "
	"local v = redis.call('HGET', KEYS[1], p) if not v then break end "
	"redis.call('HDEL', KEYS[1], p) p = string.sub(v, 1, 27) steps = steps - 1 end "
	"redis.call('HSET', KEYS[1], 'snap', now, 'since', 0, 'bytes', 0, 'steps', steps, 'first', p) "
	"return {'done'}";

struct piece {
	char name[PIECE], about[ABOUT_MOST];
};

static void name_piece(struct piece *p, const struct fleet_journal *j, struct fleet_version v, unsigned i)
{
	char key[FLEET_JOURNAL_KEY], at[FLEET_VERSION_TEXT];

	fleet_journal_key(j, key);
	snprintf(p->name, sizeof p->name, "snap:%s:%u", fleet_version_text(at, v), i);
	snprintf(p->about, sizeof p->about, "%s %s", p->name, key + strlen("waymark:"));
}

static bool put_piece(const struct fleet_journal *j, const struct piece *p, const uint8_t *bytes, size_t len,
	struct fault *why)
{
	uint8_t *sealed = memory_zeroed(1, len + FLEET_SEAL);
	const size_t n = fleet_seal(&j->who.keys, p->about, bytes, len, sealed);
	char key[FLEET_JOURNAL_KEY];
	struct fleet_answer a = { 0 };

	fleet_journal_key(j, key);
	const struct redis_word words[] = { { "HSET", 4 }, { key, strlen(key) }, { p->name, strlen(p->name) }, { sealed, n } };
	const bool ok = fleet_ask(j->ask, words, 4, &a, why);
	memory_free(sealed);
	fleet_answer_fini(&a);
	return ok;
}

static enum fleet_journal_result put(const struct fleet_journal *j, const struct zone *z, struct fleet_version v,
	const char *script, struct fault *why)
{
	struct store_records r = store_records(z);
	uint8_t *bytes = memory_zeroed(1, FLEET_SNAPSHOT_CHUNK + STORE_RECORD_MOST);
	char at[FLEET_VERSION_TEXT], count[12], id[FLEET_SNAPSHOT_KEY];
	struct piece p;
	unsigned n = 0;
	size_t len;
	bool ok = true;

	while (ok && (len = store_records_fill(&r, bytes, FLEET_SNAPSHOT_CHUNK)) > 0) {
		name_piece(&p, j, v, n++);
		ok = n <= PIECES_MOST ? put_piece(j, &p, bytes, len, why) : fault(why, "it is too large for a fleet");
	}
	memory_free(bytes);
	if (!ok)
		return FLEET_JOURNAL_FAILED;
	snprintf(count, sizeof count, "%u", n);
	fleet_snapshot_key(id, &j->who.keys);
	const struct redis_word args[] = { { fleet_version_text(at, v), FLEET_VERSION_TEXT - 1 }, { count, strlen(count) },
		{ id, strlen(id) } };
	return fleet_journal_run(j, script, args, 3, why);
}

enum fleet_journal_result fleet_journal_begin(const struct fleet_journal *j, const struct zone *z,
	struct fleet_version v, struct fault *why)
{
	return put(j, z, v, begin_script, why);
}

enum fleet_journal_result fleet_journal_put(const struct fleet_journal *j, const struct zone *z,
	struct fleet_version v, struct fault *why)
{
	return put(j, z, v, put_script, why);
}

/* --- getting ------------------------------------------------------------------------------ */

struct getting {
	struct records records;
};

static void let_go(void *getting)
{
	records_fini(&((struct getting *)getting)->records);
}

/* One field. False: `why`; or it is not there, and that is empty. */
static bool get_field(const struct fleet_journal *j, const char *field, struct fleet_answer *to, struct fault *why)
{
	char key[FLEET_JOURNAL_KEY];

	fleet_journal_key(j, key);
	const struct redis_word words[] = { { "HGET", 4 }, { key, strlen(key) }, { field, strlen(field) } };
	if (!fleet_ask(j->ask, words, 3, to, why))
		return false;
	if (to->n == 1 && to->items[0].kind == REDIS_TEXT)
		return true;
	fleet_answer_fini(to);
	return fault(why, "%s", "");
}

static bool get_piece(const struct fleet_journal *j, const struct piece *p, struct getting *g, struct fault *why)
{
	struct fleet_answer a = { 0 };
	size_t n = 0;

	if (!get_field(j, p->name, &a, why))
		return *why->text ? false : fault(why, "the snapshot was replaced meanwhile");
	uint8_t *plain = memory_zeroed(1, a.items[0].len + 1);
	const bool ok = fleet_open(&j->who.keys, p->about, (const uint8_t *)a.items[0].s, a.items[0].len, plain, &n)
		? store_records_read(&g->records, plain, n) || fault(why, "the fleet's snapshot of it is damaged")
		: fault(why, "the fleet's snapshot of it cannot be opened (another \"secret\"?)");
	memory_free(plain);
	fleet_answer_fini(&a);
	return ok;
}

static struct zone *compile_records(struct getting *g, const struct compile_opts *opts, struct fault *why)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_compile(&g->records, opts, &f);
	if (!z) {
		const char *text = text_get(&f.text) + (f.errors ? f.error_at[0] : 0);
		fault(why, "what the fleet has of it is not taken here: %.*s", (int)strcspn(text, "\n"), text);
	}
	faults_fini(&f);
	return z;
}

struct zone *fleet_journal_get(const struct fleet_journal *j, const struct compile_opts *opts,
	struct fleet_version *is, struct fault *why)
{
	struct fleet_answer a = { 0 };
	struct fleet_snapshot_head head;
	struct getting g;
	struct piece p;
	bool ok = true;

	if (!get_field(j, "snap", &a, why)) {
		if (!*why->text)
			fault(why, "the fleet has no snapshot of it");
		return NULL;
	}
	ok = fleet_snapshot_head(&head, a.items[0].s) || fault(why, "the fleet's snapshot of it is damaged");
	fleet_answer_fini(&a);
	records_init(&g.records, j->id);
	scope_hold(&g, let_go);
	for (unsigned i = 0; ok && i < head.n; i++) {
		name_piece(&p, j, head.version, i);
		ok = get_piece(j, &p, &g, why);
	}
	struct zone *z = ok ? compile_records(&g, opts, why) : NULL;
	scope_forget(&g, let_go);
	let_go(&g);
	if (!z)
		return NULL;
	*is = fleet_version_of(z);
	if (fleet_version_same(*is, head.version))
		return z;
	fault(why, "the fleet's snapshot of it is not the version that it says");
	zone_drop(z);
	return NULL;
}
