#include "daemon/shared_keys.h"

#include "base/memory.h"
#include "daemon/fleet_snapshot.h"
#include "zone/key_life_text.h"
#include "zone/signing_key_text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ABOUT_MOST = 240,
	LIFE_MOST = KEY_LIFE_MOST * 4096, /* the lines of as many keys */
	RECORD_MOST = LIFE_MOST + KEY_LIFE_MOST * SIGNING_SECRET_TEXT
};
/* The private halves of the keys of ours, in their order, each with a NUL behind it; behind the NUL of the lines. */

/* --- lines -------------------------------------------------------------------------------- */

void shared_keys_lines(const struct shared_keys *k, struct text *to)
{
	const struct keyset_policy *p = &k->sign;
	char salt[2 * sizeof p->salt + 1], version[FLEET_VERSION_TEXT];

	sodium_bin2hex(salt, sizeof salt, p->salt, p->salt_len);
	text_addf(to, "fleet %s %d\nsign %u %u %u %u %u %u %d %u %d %d %u %u %s.\n", fleet_version_text(version, k->version), k->off,
		p->lifetime_s, p->refresh_s, p->jitter_s, p->backdate_s, p->dnskey_ttl_s, p->denial, p->opt_out, p->iterations,
		p->cds, p->cdnskey, p->cds_digest, p->zonemd, salt);
}

static bool read_sign(struct keyset_policy *to, const char *line)
{
	struct keyset_policy p = { .lifetime_s = 0 };
	unsigned denial, opt_out, iterations, cds, cdnskey, digest, zonemd;
	char salt[2 * sizeof p.salt + 2];
	size_t len;

	if (sscanf(line,
		    "sign %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %u %u %u %u %u %u %u %65[0-9a-f.]", &p.lifetime_s,
		    &p.refresh_s, &p.jitter_s, &p.backdate_s, &p.dnskey_ttl_s, &denial, &opt_out, &iterations, &cds, &cdnskey,
		    &digest, &zonemd, salt) != 13)
		return false;
	if (sodium_hex2bin(p.salt, sizeof p.salt, salt, strcspn(salt, "."), NULL, &len, NULL) != 0 || denial > KEYSET_NSEC3 ||
		p.lifetime_s <= p.refresh_s || !p.refresh_s || !p.backdate_s || !p.dnskey_ttl_s || iterations > UINT16_MAX ||
		digest > UINT8_MAX || zonemd > UINT8_MAX)
		return false;
	p.salt_len = (uint8_t)len;
	p.denial = (enum keyset_denial)denial;
	p.opt_out = opt_out != 0;
	p.iterations = (uint16_t)iterations;
	p.cds = cds != 0;
	p.cdnskey = cdnskey != 0;
	p.cds_digest = (uint8_t)digest;
	p.zonemd = (uint8_t)zonemd;
	*to = p;
	return true;
}

bool shared_keys_read_lines(struct shared_keys *to, const char *text)
{
	bool is = false, signs = false;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, "fleet ", 6) == 0) {
			is = fleet_version_parse(&to->version, line + 6, strcspn(line + 6, "\n"));
			to->off = is && line[6 + FLEET_VERSION_TEXT - 1] && line[6 + FLEET_VERSION_TEXT] == '1';
		} else if (strncmp(line, "sign ", 5) == 0) {
			signs = read_sign(&to->sign, line);
		}
	}
	return is && signs;
}

bool shared_keys_same_way(const struct shared_keys *a, const struct shared_keys *b)
{
	struct shared_keys x = { .sign = a->sign, .off = a->off }, y = { .sign = b->sign, .off = b->off };
	struct text of_x = { 0 }, of_y = { 0 };

	shared_keys_lines(&x, &of_x);
	shared_keys_lines(&y, &of_y);
	const bool same = !of_x.lost && !of_y.lost && strcmp(text_get(&of_x), text_get(&of_y)) == 0;
	text_fini(&of_x);
	text_fini(&of_y);
	return same;
}

struct fleet_version shared_keys_next(struct fleet_version v)
{
	struct fleet_version next = { .serial = v.serial + 1 };

	randombytes_buf(&next.sum, sizeof next.sum);
	return next;
}

/* --- the record --------------------------------------------------------------------------- */

/* 0: `why`. `to` has room for RECORD_MOST bytes. */
static size_t write_record(const struct shared_keys *k, char *to, struct fault *why)
{
	struct signing_text secret;
	struct text lines = { 0 };
	size_t len = 0;
	bool ok = true;

	shared_keys_lines(k, &lines);
	key_life_write(&k->life, &lines);
	ok = (!lines.lost && lines.len < LIFE_MOST) || fault(why, "out of memory");
	if (ok)
		memcpy(to, text_get(&lines), len = lines.len + 1);
	text_fini(&lines);
	for (size_t i = 0; ok && i < k->life.n; i++) {
		const struct life_key *key = &k->life.keys[i];
		if (key->foreign)
			continue;
		ok = signing_text_private(key->key, key->created_s, &secret) ||
			fault(why, "the private half of the key %u is not here", signing_key_tag(key->key));
		if (ok)
			memcpy(to + len, secret.s, secret.len + 1);
		len += ok ? secret.len + 1 : 0;
		signing_text_wipe(&secret);
	}
	return ok ? len : 0;
}

/* `*at` is behind it then. */
static bool read_secret(struct life_key *k, const char **at, const char *end, struct fault *why)
{
	const char *nul = memchr(*at, 0, (size_t)(end - *at));

	if (!nul)
		return false;
	struct signing_key *whole = signing_text_read(*at, (size_t)(nul - *at), signing_key_flags(k->key),
		signing_key_algorithm(k->key), why);
	*at = nul + 1;
	if (!whole || !signing_key_same(whole, k->key)) {
		signing_key_drop(whole);
		return false;
	}
	signing_key_release(k->key);
	k->key = signing_key_keep(whole);
	signing_key_drop(whole);
	return true;
}

/* What has a NUL at its end, and was sealed by one of us: but it may be by a later version. */
static bool read_record(struct shared_keys *to, const char *text, size_t len, struct fault *why)
{
	const char *at = memchr(text, 0, len);

	if (!at || !shared_keys_read_lines(to, text) || !key_life_read(&to->life, text, why))
		return fault(why, "the fleet's record of its keys is damaged");
	at++;
	for (size_t i = 0; i < to->life.n; i++) {
		if (to->life.keys[i].foreign || read_secret(&to->life.keys[i], &at, text + len, why))
			continue;
		key_life_fini(&to->life);
		return fault(why, "the fleet's record of its keys is damaged");
	}
	return true;
}

/* --- the engine --------------------------------------------------------------------------- */

static const char get_script[] =
	"local k = redis.call('HGET', KEYS[1], 'keys') "
	"if not k then return {'none'} end "
	"return {'done', k, redis.call('HGET', KEYS[1], 'keys:record'), redis.call('TIME')[1] - redis.call('HGET', KEYS[1], 'keys:at')}";

static const char put_script[] =
	"local now = redis.call('TIME')[1] "
	"local v = redis.call('HGET', KEYS[1], 'keys') or '' "
	"if v ~= ARGV[1] then return {'behind'} end "
	"redis.call('HSET', KEYS[1], 'keys', ARGV[2], 'keys:record', ARGV[3], 'keys:at', now) "
	"return {'done'}";

static const char *about_keys(char to[static ABOUT_MOST], const struct fleet_journal *j, const char *version)
{
	char key[FLEET_JOURNAL_KEY];

	fleet_journal_key(j, key);
	snprintf(to, ABOUT_MOST, "keys %s %s", version, key + strlen("waymark:"));
	return to;
}

enum fleet_journal_result shared_keys_put(const struct fleet_journal *j, struct fleet_version from,
	const struct shared_keys *k, struct fault *why)
{
	char was[FLEET_VERSION_TEXT], is[FLEET_VERSION_TEXT], about[ABOUT_MOST];
	char *plain = memory_zeroed(1, RECORD_MOST);
	uint8_t *sealed = memory_zeroed(1, RECORD_MOST + FLEET_SEAL);
	enum fleet_journal_result result = FLEET_JOURNAL_FAILED;

	fleet_version_text(was, from);
	fleet_version_text(is, k->version);
	const size_t len = write_record(k, plain, why);
	if (len) {
		const size_t n = fleet_seal(&j->who.keys, about_keys(about, j, is), (const uint8_t *)plain, len, sealed);
		const struct redis_word args[] = { { was, from.serial ? strlen(was) : 0 }, { is, strlen(is) }, { sealed, n } };
		result = fleet_journal_run(j, put_script, args, 3, why);
	}
	sodium_memzero(plain, RECORD_MOST);
	memory_free(plain);
	memory_free(sealed);
	if (result == FLEET_JOURNAL_DONE && !fleet_journal_is_safe(j, why))
		result = FLEET_JOURNAL_FAILED;
	return result;
}

static bool open_record(const struct fleet_journal *j, const struct fleet_answer *a, struct shared_keys *to,
	struct fault *why)
{
	const struct fleet_answer_item *version = &a->items[1], *record = &a->items[2];
	char about[ABOUT_MOST];
	size_t n = 0;

	if (version->kind != REDIS_TEXT || record->kind != REDIS_TEXT || record->len > RECORD_MOST + FLEET_SEAL)
		return fault(why, "the fleet's record of its keys is damaged");
	char *plain = memory_zeroed(1, record->len + 1);
	bool ok = fleet_open(&j->who.keys, about_keys(about, j, version->s), (const uint8_t *)record->s, record->len,
			  (uint8_t *)plain, &n) ||
		fault(why, "the fleet's record of its keys cannot be opened (another \"secret\"?)");
	ok = ok && read_record(to, plain, n, why);
	sodium_memzero(plain, record->len);
	memory_free(plain);
	return ok;
}

bool shared_keys_get(const struct fleet_journal *j, struct shared_keys *to, struct fault *why)
{
	struct fleet_answer a = { 0 };

	*to = (struct shared_keys){ .off = false };
	if (!fleet_journal_ask(j, get_script, &a, why))
		return false;
	bool ok = a.n == 4;
	if (!ok)
		fault(why, "%s", "");
	ok = ok && open_record(j, &a, to, why);
	const int64_t age_s = ok ? a.items[3].number : 0;
	fleet_answer_fini(&a);
	if (age_s > 0)
		key_life_wait(&to->life, age_s < UINT32_MAX / 2 ? (uint32_t)age_s : UINT32_MAX / 2);
	return ok;
}
