#include "zone/signing_key_text.h"

#include "base/bytes.h"
#include "zone/signing_key_inner.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <ctype.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { NUMBER_MOST = SIGNING_RSA_BITS_MOST / 8, BASE64 = sodium_base64_VARIANT_ORIGINAL };

void signing_text_wipe(struct signing_text *t)
{
	sodium_memzero(t, sizeof *t);
}

/* --- writing ------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void add(
	struct signing_text *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const int n = vsnprintf(to->s + to->len, sizeof to->s - to->len, fmt, ap);
	va_end(ap);
	to->len += (size_t)n;
}

static void add_base64(
	struct signing_text *to, const char *name, const uint8_t *bytes, size_t len)
{
	add(to, "%s: ", name);
	sodium_bin2base64(to->s + to->len, sizeof to->s - to->len, bytes, len, BASE64);
	to->len += strlen(to->s + to->len);
	add(to, "\n");
}

/* As many bytes as it has, or as `len` says. */
static bool add_number(struct signing_text *to, const struct signing_key *k, const char *name,
	const char *param, size_t len)
{
	uint8_t bytes[NUMBER_MOST];
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(k->pkey, param, &n) == 1 &&
		BN_num_bytes(n) <= NUMBER_MOST;

	if (ok && !len)
		len = (size_t)BN_num_bytes(n);
	ok = ok && BN_bn2binpad(n, bytes, (int)len) == (int)len;
	if (ok)
		add_base64(to, name, bytes, len);
	BN_clear_free(n);
	sodium_memzero(bytes, sizeof bytes);
	return ok;
}

/* BIND's names of the numbers of an RSA key, and OpenSSL's. */
static const struct rsa_number {
	const char *name, *param;
} rsa_numbers[] = {
	{ "Modulus", OSSL_PKEY_PARAM_RSA_N },
	{ "PublicExponent", OSSL_PKEY_PARAM_RSA_E },
	{ "PrivateExponent", OSSL_PKEY_PARAM_RSA_D },
	{ "Prime1", OSSL_PKEY_PARAM_RSA_FACTOR1 },
	{ "Prime2", OSSL_PKEY_PARAM_RSA_FACTOR2 },
	{ "Exponent1", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
	{ "Exponent2", OSSL_PKEY_PARAM_RSA_EXPONENT2 },
	{ "Coefficient", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};

enum { RSA_NUMBERS = sizeof rsa_numbers / sizeof *rsa_numbers };

static bool add_rsa(struct signing_text *to, const struct signing_key *k)
{
	for (size_t i = 0; i < RSA_NUMBERS; i++)
		if (!add_number(to, k, rsa_numbers[i].name, rsa_numbers[i].param, 0))
			return false;
	return true;
}

static bool add_raw(struct signing_text *to, const struct signing_key *k)
{
	uint8_t raw[64];
	size_t len = sizeof raw;
	const bool ok = EVP_PKEY_get_raw_private_key(k->pkey, raw, &len) == 1;

	if (ok)
		add_base64(to, "PrivateKey", raw, len);
	sodium_memzero(raw, sizeof raw);
	return ok;
}

static void upper(char *text)
{
	for (; *text; text++)
		*text = (char)toupper((unsigned char)*text);
}

bool signing_text_private(
	const struct signing_key *k, int64_t created_s, struct signing_text *to)
{
	const time_t t = (time_t)created_s;
	char name[SIGNING_TEXT], created[32];
	struct tm tm;
	bool ok;

	to->len = 0;
	if (!signing_key_can_sign(k))
		return false;
	signing_algorithm_text(name, k->algorithm);
	upper(name);
	add(to, "Private-key-format: v1.3\nAlgorithm: %u (%s)\n", k->algorithm, name);
	switch ((enum signing_algorithm)k->algorithm) {
	case SIGNING_ECDSAP256SHA256:
		ok = add_number(to, k, "PrivateKey", OSSL_PKEY_PARAM_PRIV_KEY, 32);
		break;
	case SIGNING_ECDSAP384SHA384:
		ok = add_number(to, k, "PrivateKey", OSSL_PKEY_PARAM_PRIV_KEY, 48);
		break;
	case SIGNING_ED25519:
		add_base64(to, "PrivateKey", k->secret, ED25519_SEED);
		ok = true;
		break;
	case SIGNING_ED448: ok = add_raw(to, k); break;
	default: ok = add_rsa(to, k); break;
	}
	strftime(created, sizeof created, "%Y%m%d%H%M%S", gmtime_r(&t, &tm));
	add(to, "Created: %s\nPublish: %s\nActivate: %s\n", created, created, created);
	return ok;
}

/* RFC 8410 section 7: all but the key itself is the same. */
static bool pem_of_seed(const uint8_t *seed, struct signing_text *to)
{
	static const uint8_t front[] = { 0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70,
		4, 0x22, 4, 0x20 };
	uint8_t der[sizeof front + ED25519_SEED];

	memcpy(der, front, sizeof front);
	memcpy(der + sizeof front, seed, ED25519_SEED);
	to->len = 0;
	add(to, "-----BEGIN PRIVATE KEY-----\n");
	sodium_bin2base64(to->s + to->len, sizeof to->s - to->len, der, sizeof der, BASE64);
	to->len += strlen(to->s + to->len);
	add(to, "\n-----END PRIVATE KEY-----\n");
	sodium_memzero(der, sizeof der);
	return true;
}

bool signing_text_pem(const struct signing_key *k, struct signing_text *to)
{
	if (k->secret)
		return pem_of_seed(k->secret, to);
	BIO *b = signing_key_can_sign(k) ? BIO_new(BIO_s_secmem()) : NULL;
	bool ok = b &&
		PEM_write_bio_PKCS8PrivateKey(b, k->pkey, NULL, NULL, 0, NULL, NULL) == 1;
	char *bytes;
	const long len = ok ? BIO_get_mem_data(b, &bytes) : -1;

	ok = len > 0 && (size_t)len < sizeof to->s;
	to->len = ok ? (size_t)len : 0;
	if (ok)
		memcpy(to->s, bytes, to->len);
	to->s[to->len] = 0;
	BIO_free(b);
	ERR_clear_error();
	return ok;
}

void signing_text_public(
	const struct signing_key *k, const uint8_t *apex, uint32_t ttl_s, struct text *to)
{
	char base64[sodium_base64_ENCODED_LEN(SIGNING_DNSKEY_MOST, BASE64)];
	char name[NAME_TEXT];

	sodium_bin2base64(base64, sizeof base64, k->dnskey + 4, k->dnskey_len - 4u, BASE64);
	text_addf(to, "%s %u IN DNSKEY %u 3 %u %s\n", name_text(name, apex), ttl_s, k->flags,
		k->algorithm, base64);
}

/* --- reading ------------------------------------------------------------------------------ */

/* Behind "NAME:" at the start of a line; NULL. */
static const char *find_field(const char *text, const char *name)
{
	const size_t len = strlen(name);

	for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL)
		if (strncasecmp(text, name, len) == 0 && text[len] == ':')
			return text + len + 1 + strspn(text + len + 1, " \t");
	return NULL;
}

/* In secure memory. NULL: it is not there, or no number. */
static BIGNUM *read_number(const char *text, const char *name)
{
	uint8_t bytes[NUMBER_MOST + 1];
	const char *value = find_field(text, name);
	size_t len;
	BIGNUM *n = NULL;

	if (value &&
		sodium_base642bin(bytes, sizeof bytes, value, strcspn(value, "\r\n"), " \t",
			&len, NULL, BASE64) == 0 &&
		len && (n = BN_secure_new()))
		n = BN_bin2bn(bytes, (int)len, n);
	sodium_memzero(bytes, sizeof bytes);
	return n;
}

static EVP_PKEY *from_data(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *c = params ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
	EVP_PKEY *pkey = NULL;

	if (!c || EVP_PKEY_fromdata_init(c) != 1 ||
		EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *read_rsa(const char *text)
{
	BIGNUM *numbers[RSA_NUMBERS] = { NULL };
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	bool ok = build != NULL;

	for (size_t i = 0; ok && i < RSA_NUMBERS; i++) {
		numbers[i] = read_number(text, rsa_numbers[i].name);
		ok = numbers[i] &&
			OSSL_PARAM_BLD_push_BN(build, rsa_numbers[i].param, numbers[i]) == 1;
	}
	EVP_PKEY *pkey = ok ? from_data("RSA", build) : NULL;
	OSSL_PARAM_BLD_free(build);
	for (size_t i = 0; i < RSA_NUMBERS; i++)
		BN_clear_free(numbers[i]);
	return pkey;
}

/* The public half is not in the file. */
static size_t point_of(int nid, const BIGNUM *d, uint8_t *to, size_t room)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
	EC_POINT *point = group ? EC_POINT_new(group) : NULL;
	size_t len = 0;

	if (point && !BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(group)) < 0 &&
		EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1)
		len = EC_POINT_point2oct(
			group, point, POINT_CONVERSION_UNCOMPRESSED, to, room, NULL);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return len;
}

static EVP_PKEY *read_ec(const char *text, int nid, const char *group)
{
	uint8_t point[1 + 2 * 48];
	BIGNUM *d = read_number(text, "PrivateKey");
	OSSL_PARAM_BLD *build = d ? OSSL_PARAM_BLD_new() : NULL;
	const size_t len = build ? point_of(nid, d, point, sizeof point) : 0;
	EVP_PKEY *pkey = NULL;

	if (len &&
		OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) ==
			1 &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len) ==
			1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1)
		pkey = from_data("EC", build);
	OSSL_PARAM_BLD_free(build);
	BN_clear_free(d);
	return pkey;
}

/* The private half of EdDSA; false: it is not there. */
static bool read_raw(const char *text, uint8_t *to, size_t want)
{
	const char *value = find_field(text, "PrivateKey");
	size_t len;

	return value &&
		sodium_base642bin(to, want, value, strcspn(value, "\r\n"), " \t", &len, NULL,
			BASE64) == 0 &&
		len == want;
}

static EVP_PKEY *read_ed448(const char *text)
{
	uint8_t raw[57];
	EVP_PKEY *pkey = read_raw(text, raw, sizeof raw)
		? EVP_PKEY_new_raw_private_key_ex(NULL, "ED448", NULL, raw, sizeof raw)
		: NULL;

	sodium_memzero(raw, sizeof raw);
	return pkey;
}

static struct signing_key *read_ed25519(const char *text, uint16_t flags, struct fault *why)
{
	uint8_t seed[ED25519_SEED];
	struct signing_key *k = NULL;

	if (read_raw(text, seed, sizeof seed))
		k = signing_key_of_seed(seed, flags, why);
	else
		fault(why, "the private key of ed25519 is missing, or wrong");
	sodium_memzero(seed, sizeof seed);
	return k;
}

static EVP_PKEY *read_fields(const char *text, unsigned algorithm)
{
	switch (algorithm) {
	case SIGNING_RSASHA256:
	case SIGNING_RSASHA512: return read_rsa(text);
	case SIGNING_ECDSAP256SHA256: return read_ec(text, NID_X9_62_prime256v1, "P-256");
	case SIGNING_ECDSAP384SHA384: return read_ec(text, NID_secp384r1, "P-384");
	case SIGNING_ED448: return read_ed448(text);
	default: return NULL;
	}
}

static struct signing_key *read_private(const char *text, uint16_t flags, struct fault *why)
{
	const char *value = find_field(text, "Algorithm");
	const unsigned long algorithm = value ? strtoul(value, NULL, 10) : 0;
	char name[SIGNING_TEXT];

	if (algorithm > UINT8_MAX || !signing_algorithm_known((uint8_t)algorithm)) {
		fault(why, "a private key of %s, which is none that zones are signed with here",
			signing_algorithm_text(name, (uint8_t)algorithm));
		return NULL;
	}
	if (algorithm == SIGNING_ED25519)
		return read_ed25519(text, flags, why);
	EVP_PKEY *pkey = read_fields(text, (unsigned)algorithm);
	ERR_clear_error();
	if (!pkey) {
		fault(why, "the numbers of a private key of %s are missing, or wrong",
			signing_algorithm_text(name, (uint8_t)algorithm));
		return NULL;
	}
	return signing_key_of(pkey, (uint8_t)algorithm, flags, why);
}

/* The algorithm that a key of that kind is for; 0: none. */
static uint8_t algorithm_of(const EVP_PKEY *pkey, uint8_t wanted)
{
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return wanted ? wanted : SIGNING_RSASHA256;
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return SIGNING_ED25519;
	if (EVP_PKEY_is_a(pkey, "ED448"))
		return SIGNING_ED448;
	if (EVP_PKEY_is_a(pkey, "EC"))
		return EVP_PKEY_get_bits(pkey) == 384 ? SIGNING_ECDSAP384SHA384
						      : SIGNING_ECDSAP256SHA256;
	return 0;
}

/* Nobody is asked for a passphrase. */
static int no_passphrase(char *buf, int size, int rwflag, void *u)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)u;
	return -1;
}

static struct signing_key *read_pem(
	const char *text, size_t len, uint16_t flags, uint8_t algorithm, struct fault *why)
{
	BIO *b = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *pkey = b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL) : NULL;

	BIO_free(b);
	ERR_clear_error();
	if (!pkey) {
		fault(why,
			"no private key in PEM that can be read (an encrypted one is decrypted "
			"by \"openssl pkey\")");
		return NULL;
	}
	return signing_key_of(pkey, algorithm_of(pkey, algorithm), flags, why);
}

/* Files may have numbers that do not belong together, and signatures of such a key are wrong.
 * Takes `k`, or NULL. */
static struct signing_key *try_out(struct signing_key *k, struct fault *why)
{
	static const uint8_t data[] = "is it right?";
	uint8_t signature[SIGNING_SIGNATURE_MOST];
	size_t len;

	if (!k ||
		(signing_key_sign(k, data, sizeof data, signature, &len) &&
			signing_key_verify(k, data, sizeof data, signature, len)))
		return k;
	signing_key_drop(k);
	fault(why, "the numbers of the key do not belong together");
	return NULL;
}

struct signing_key *signing_text_read(
	const char *text, size_t len, uint16_t flags, uint8_t algorithm, struct fault *why)
{
	signing_key_heap();
	if (memchr(text, 0, len)) {
		fault(why, "it is no text");
		return NULL;
	}
	if (find_field(text, "Private-key-format"))
		return try_out(read_private(text, flags, why), why);
	return try_out(read_pem(text, len, flags, algorithm, why), why);
}

/* --- the public half ---------------------------------------------------------------------- */

/* A number up to `most`; -1. `*p` is behind it and what blanks follow. */
static long number(const char **p, long most)
{
	char *end;
	const long v = strtol(*p, &end, 10);

	if (end == *p || v < 0 || v > most || !isspace((unsigned char)*end))
		return -1;
	*p = end + strspn(end, " \t");
	return v;
}

/* Behind "DNSKEY" in a line that is no comment; `*line` is its start. NULL. */
static const char *find_dnskey(const char *text, const char **line)
{
	while (text && *text) {
		const size_t len = strcspn(text, "\n");
		const char *at = text + strcspn(text, " \t;\n");
		for (; *text != ';' && at < text + len; at++)
			if (strncasecmp(at, "DNSKEY", 6) == 0 &&
				isspace((unsigned char)at[-1]) &&
				isblank((unsigned char)at[6])) {
				*line = text;
				return at + 6 + strspn(at + 6, " \t");
			}
		text = text[len] ? text + len + 1 : NULL;
	}
	return NULL;
}

static bool read_owner(const char *line, uint8_t *owner)
{
	static const uint8_t root[1];
	size_t len;

	if (name_parse(owner, &len, line, strcspn(line, " \t"), root) != NAME_OK)
		return false;
	name_lower(owner, owner, len);
	return true;
}

size_t signing_text_read_public(const char *text, uint8_t *owner,
	uint8_t to[static SIGNING_DNSKEY_MOST], struct fault *why)
{
	const char *line = NULL, *p = find_dnskey(text, &line);
	const long flags = p ? number(&p, 0xffff) : -1, protocol = p ? number(&p, 255) : -1,
		   algorithm = p ? number(&p, 255) : -1;
	size_t len = 0;

	if (!p || flags < 0 || protocol != 3 || algorithm < 0 ||
		sodium_base642bin(to + 4, SIGNING_DNSKEY_MOST - 4, p, strcspn(p, "\r\n;()"),
			" \t", &len, NULL, BASE64) != 0 ||
		!len) {
		fault(why, "no DNSKEY record that can be read");
		return 0;
	}
	if (owner && !read_owner(line, owner)) {
		fault(why, "the DNSKEY record has no owner that is a name");
		return 0;
	}
	be16_put(to, (unsigned)flags);
	to[2] = (uint8_t)protocol;
	to[3] = (uint8_t)algorithm;
	return len + 4;
}
