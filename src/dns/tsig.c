#include "dns/tsig.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "dns/writer.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	FIXED = 10,           /* bytes of a record: type, class, TTL, RDLENGTH */
	TIMES = 8,            /* time signed and fudge */
	TAIL = 2 + 2 + 2 + 2, /* MAC size, original ID, error, other length */
	OTHER = 6,            /* our time, when the request's was wrong */
	MAC_LEAST = 10
};

static const struct algorithm {
	const char *text;
	const uint8_t *name; /* RFC 8945 section 6 */
	const struct nettle_hash *hash;
} algorithms[TSIG_ALGORITHMS] = {
	[TSIG_MD5] = { "hmac-md5", (const uint8_t *)"\010hmac-md5\007sig-alg\003reg\003int",
		&nettle_md5 },
	[TSIG_SHA1] = { "hmac-sha1", (const uint8_t *)"\011hmac-sha1", &nettle_sha1 },
	[TSIG_SHA224] = { "hmac-sha224", (const uint8_t *)"\013hmac-sha224", &nettle_sha224 },
	[TSIG_SHA256] = { "hmac-sha256", (const uint8_t *)"\013hmac-sha256", &nettle_sha256 },
	[TSIG_SHA384] = { "hmac-sha384", (const uint8_t *)"\013hmac-sha384", &nettle_sha384 },
	[TSIG_SHA512] = { "hmac-sha512", (const uint8_t *)"\013hmac-sha512", &nettle_sha512 },
};

/* --- algorithms --------------------------------------------------------------------------- */

const char *tsig_algorithm_text(enum tsig_algorithm a)
{
	return algorithms[a].text;
}

const uint8_t *tsig_algorithm_name(enum tsig_algorithm a)
{
	return algorithms[a].name;
}

unsigned tsig_mac_whole(enum tsig_algorithm a)
{
	return algorithms[a].hash->digest_size;
}

static unsigned mac_least(enum tsig_algorithm a)
{
	const unsigned half = algorithms[a].hash->digest_size / 2;

	return half > MAC_LEAST ? half : MAC_LEAST;
}

bool tsig_algorithm_parse(const char *text, enum tsig_algorithm *to, uint8_t *mac_len)
{
	for (unsigned a = 0; a < TSIG_ALGORITHMS; a++) {
		const size_t len = strlen(algorithms[a].text);
		const unsigned whole = algorithms[a].hash->digest_size;
		char *end;
		if (strncasecmp(text, algorithms[a].text, len) != 0)
			continue;
		if (text[len] && strcasecmp(text + len, ".sig-alg.reg.int") != 0) {
			if (text[len] != '-' || text[len + 1] < '1' || text[len + 1] > '9')
				continue;
			const unsigned long bits = strtoul(text + len + 1, &end, 10);
			if (*end || bits % 8 || bits / 8 < mac_least(a) || bits / 8 > whole)
				return false;
			*mac_len = (uint8_t)(bits / 8);
		} else {
			*mac_len = (uint8_t)whole;
		}
		*to = a;
		return true;
	}
	return false;
}

/* --- the MAC ------------------------------------------------------------------------------ */

/* Of the largest hash. */
union context {
	struct sha512_ctx sha512;
	struct sha256_ctx sha256;
	struct sha1_ctx sha1;
	struct md5_ctx md5;
};

struct hmac {
	union context outer, inner, state;
	const struct nettle_hash *hash;
};

static void start(struct hmac *h, const struct tsig_key *key)
{
	h->hash = algorithms[key->algorithm].hash;
	hmac_set_key(&h->outer, &h->inner, &h->state, h->hash, key->secret_len, key->secret);
}

static void add(struct hmac *h, const void *bytes, size_t len)
{
	hmac_update(&h->state, h->hash, len, bytes);
}

static void add16(struct hmac *h, unsigned v)
{
	const uint8_t bytes[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	add(h, bytes, sizeof bytes);
}

static void finish(struct hmac *h, uint8_t mac[static TSIG_MAC_MOST])
{
	hmac_digest(&h->outer, &h->inner, &h->state, h->hash, h->hash->digest_size, mac);
}

/* The MAC before, where there is one. */
static void add_before(struct hmac *h, const uint8_t *mac, size_t len)
{
	if (!len)
		return;
	add16(h, (unsigned)len);
	add(h, mac, len);
}

static void put_time(uint8_t to[static TIMES], uint64_t s, unsigned fudge_s)
{
	be16_put(to, (unsigned)(s >> 32) & 0xffffu);
	be32_put(to + 2, (uint32_t)s);
	be16_put(to + 6, fudge_s);
}

static uint64_t get_time(const uint8_t *p)
{
	return (uint64_t)be16_get(p) << 32 | be32_get(p + 2);
}

/* The variables that all but the later messages of an answer are signed with (RFC 8945 section
 * 4.3.3). `tail`: error, other length, other data. */
static void add_variables(struct hmac *h, const struct tsig_key *key,
	const uint8_t times[static TIMES], const uint8_t *tail, size_t tail_len)
{
	static const uint8_t class_and_ttl[6] = { 0, RRCLASS_ANY };
	const uint8_t *algorithm = algorithms[key->algorithm].name;

	add(h, key->name, name_len(key->name));
	add(h, class_and_ttl, sizeof class_and_ttl);
	add(h, algorithm, name_len(algorithm));
	add(h, times, TIMES);
	add(h, tail, tail_len);
}

/* --- requests ----------------------------------------------------------------------------- */

/* A key has one algorithm: under another it is not known. */
static const struct tsig_key *find_key(
	const struct query_tsig *t, const struct tsig_key *keys, size_t n)
{
	uint8_t name[NAME_MOST];

	query_tsig_key(t, name);
	for (size_t i = 0; i < n; i++)
		if (name_equal(keys[i].name, name) &&
			name_equal(algorithms[keys[i].algorithm].name, t->algorithm))
			return &keys[i];
	return NULL;
}

/* The message as it was before it was signed. */
static void add_message(struct hmac *h, const struct query_tsig *t, const uint8_t *packet)
{
	uint8_t header[QUERY_HEADER];

	memcpy(header, packet, sizeof header);
	memcpy(header, t->id, 2);
	be16_put(header + 10, be16_get(header + 10) - 1u);
	add(h, header, sizeof header);
	add(h, packet + QUERY_HEADER, (size_t)(t->key - packet) - QUERY_HEADER);
}

/* Is it the MAC of the request, as long as that is? */
static bool is_signed_by(const struct query_tsig *t, const uint8_t *packet,
	const struct tsig_key *key, const uint8_t *mac, size_t mac_len)
{
	uint8_t own[TSIG_MAC_MOST];
	const uint8_t *times = t->algorithm + t->algorithm_len, *tail = t->id + 2;
	struct hmac h;

	start(&h, key);
	add_message(&h, t, packet);
	add_variables(&h, key, times, tail, 4u + be16_get(tail + 2));
	finish(&h, own);
	return memeql_sec(own, mac, mac_len);
}

enum tsig_verdict tsig_verify(struct tsig *to, const struct query_tsig *t,
	const uint8_t *packet, const struct tsig_key *keys, size_t n, uint64_t now_s)
{
	const uint8_t *times = t->algorithm + t->algorithm_len, *mac = times + TIMES + 2;
	const size_t mac_len = be16_get(times + TIMES);
	const struct tsig_key *key = find_key(t, keys, n);
	const uint64_t asked_s = get_time(times), fudge_s = be16_get(times + 6);

	*to = (struct tsig){ .asked_s = asked_s, .error = TSIG_BADKEY };
	if (!key)
		return TSIG_WRONG;
	if (mac_len > algorithms[key->algorithm].hash->digest_size ||
		mac_len < mac_least(key->algorithm))
		return TSIG_MALFORMED;
	to->error = TSIG_BADSIG;
	if (!is_signed_by(t, packet, key, mac, mac_len))
		return TSIG_WRONG;
	to->key = key;
	to->mac_len = (uint8_t)mac_len;
	memcpy(to->mac, mac, mac_len);
	if (mac_len < key->mac_len)
		to->error = TSIG_BADTRUNC;
	else if (now_s + fudge_s < asked_s || asked_s + fudge_s < now_s)
		to->error = TSIG_BADTIME;
	else
		to->error = 0;
	return to->error ? TSIG_WRONG : TSIG_GOOD;
}

/* --- answers ------------------------------------------------------------------------------ */

size_t tsig_len(const struct tsig *t)
{
	if (!t->key)
		return 0;
	return name_len(t->key->name) + FIXED + name_len(algorithms[t->key->algorithm].name) +
		TIMES + TAIL + t->key->mac_len + (t->error == TSIG_BADTIME ? OTHER : 0);
}

/* Error, other length, other data; returns how long that is. */
static size_t put_tail(const struct tsig *t, uint8_t to[static 4 + OTHER], uint64_t now_s)
{
	uint8_t time[TIMES];

	be16_put(to, t->error);
	be16_put(to + 2, t->error == TSIG_BADTIME ? OTHER : 0);
	if (t->error != TSIG_BADTIME)
		return 4;
	put_time(time, now_s, 0);
	memcpy(to + 4, time, OTHER);
	return 4 + OTHER;
}

static void make_mac(struct tsig *t, const uint8_t *message, size_t len,
	const uint8_t times[static TIMES], const uint8_t *tail, size_t tail_len)
{
	struct hmac h;

	start(&h, t->key);
	add_before(&h, t->mac, t->mac_len);
	add(&h, message, len);
	if (t->sent)
		add(&h, times, TIMES);
	else
		add_variables(&h, t->key, times, tail, tail_len);
	finish(&h, t->mac);
	t->mac_len = t->key->mac_len;
	t->sent++;
}

size_t tsig_sign(struct tsig *t, uint8_t *message, size_t len, uint64_t now_s)
{
	const struct tsig_key *key = t->key;
	const uint8_t *algorithm = algorithms[key->algorithm].name;
	const size_t name = name_len(key->name), alg = name_len(algorithm);
	uint8_t times[TIMES], tail[4 + OTHER], *p = message + len;

	/* The time of a request that was wrong goes back, so that it can be told apart (RFC
	 * 8945 section 5.2.3). */
	put_time(times, t->error == TSIG_BADTIME ? t->asked_s : now_s, TSIG_FUDGE_S);
	const size_t tail_len = put_tail(t, tail, now_s);
	make_mac(t, message, len, times, tail, tail_len);
	memcpy(p, key->name, name);
	p += name;
	be16_put(p, RRTYPE_TSIG);
	be16_put(p + 2, RRCLASS_ANY);
	be32_put(p + 4, 0);
	be16_put(p + 8, (unsigned)(alg + TIMES + 4 + t->mac_len + tail_len));
	p += FIXED;
	memcpy(p, algorithm, alg);
	memcpy(p + alg, times, TIMES);
	p += alg + TIMES;
	be16_put(p, t->mac_len);
	memcpy(p + 2, t->mac, t->mac_len);
	p += 2 + t->mac_len;
	memcpy(p, message, 2);
	memcpy(p + 2, tail, tail_len);
	p += 2 + tail_len;
	be16_put(message + WRITER_ADDITIONAL, be16_get(message + WRITER_ADDITIONAL) + 1u);
	return (size_t)(p - message);
}

/* --- the other side ----------------------------------------------------------------------- */

size_t tsig_ask(struct tsig *t, const struct tsig_key *key, uint8_t *message, size_t len,
	uint64_t now_s)
{
	*t = (struct tsig){ .key = key };
	len = tsig_sign(t, message, len, now_s);
	t->sent = 0; /* no answer has come yet */
	return len;
}

enum tsig_verdict tsig_check_answer(struct tsig *t, const struct query_tsig *q,
	const uint8_t *packet, uint64_t now_s)
{
	const struct tsig_key *key = t->key;
	const uint8_t *times = q->algorithm + q->algorithm_len, *mac = times + TIMES + 2,
		      *tail = q->id + 2;
	const size_t mac_len = be16_get(times + TIMES);
	const uint64_t at_s = get_time(times), fudge_s = be16_get(times + 6);
	uint8_t own[TSIG_MAC_MOST];
	struct hmac h;

	t->error = TSIG_BADKEY;
	if (!name_equal(key->name, q->key) ||
		!name_equal(algorithms[key->algorithm].name, q->algorithm))
		return TSIG_WRONG;
	t->error = be16_get(tail);
	if (t->error && !mac_len)
		return TSIG_WRONG; /* they do not know our key, or not our signature */
	if (mac_len > algorithms[key->algorithm].hash->digest_size ||
		mac_len < mac_least(key->algorithm))
		return TSIG_MALFORMED;
	start(&h, key);
	add_before(&h, t->mac, t->mac_len);
	add_message(&h, q, packet);
	if (t->sent)
		add(&h, times, TIMES);
	else
		add_variables(&h, key, times, tail, 4u + be16_get(tail + 2));
	finish(&h, own);
	if (!memeql_sec(own, mac, mac_len))
		t->error = TSIG_BADSIG;
	else if (!t->error && mac_len < key->mac_len)
		t->error = TSIG_BADTRUNC;
	else if (!t->error && (now_s + fudge_s < at_s || at_s + fudge_s < now_s))
		t->error = TSIG_BADTIME;
	memcpy(t->mac, mac, mac_len);
	t->mac_len = (uint8_t)mac_len;
	t->sent++;
	return t->error ? TSIG_WRONG : TSIG_GOOD;
}

const char *tsig_error_text(unsigned error)
{
	switch (error) {
	case TSIG_BADSIG: return "BADSIG";
	case TSIG_BADKEY: return "BADKEY";
	case TSIG_BADTIME: return "BADTIME";
	case TSIG_BADTRUNC: return "BADTRUNC";
	default: return "an unknown TSIG error";
	}
}

size_t tsig_refuse(const struct query *q, unsigned error, uint8_t *to, size_t len, size_t most)
{
	const struct query_tsig *t = &q->tsig;
	const size_t rdlen = t->algorithm_len + (size_t)TIMES + TAIL;
	struct writer w = { to, len, most };
	uint8_t *p = to + len, name[NAME_MOST];

	if (!writer_fits(&w, t->key_len + FIXED + rdlen))
		return len;
	query_tsig_key(t, name);
	memcpy(p, name, t->key_len);
	p += t->key_len;
	be16_put(p, RRTYPE_TSIG);
	be16_put(p + 2, RRCLASS_ANY);
	be32_put(p + 4, 0);
	be16_put(p + 8, (unsigned)rdlen);
	memcpy(p + FIXED, t->algorithm, t->algorithm_len + (size_t)TIMES);
	p += FIXED + t->algorithm_len + TIMES;
	be16_put(p, 0); /* no MAC */
	memcpy(p + 2, t->id, 2);
	be16_put(p + 4, error);
	be16_put(p + 6, 0);
	writer_count(&w, WRITER_ADDITIONAL, 1);
	return len + t->key_len + FIXED + rdlen;
}
