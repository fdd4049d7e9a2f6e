/* ctl_keygen.c - "waymarkctl keygen": a key to sign with (TSIG), for both sides.
 */
#include "dns/name.h"
#include "dns/tsig.h"
#include "tools/ctl_inner.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

const char ctl_keygen_usage[] = "  keygen   [NAME] [ALGORITHM] [--bind]\n           a new key, as it "
				"stands in \"keys\" (default: xfr hmac-sha256), and as a clause "
				"of named.conf\n";

/* As long as its hash (RFC 8945 section 8). */
static void print_key(
	const char *name, const char *algorithm, enum tsig_algorithm a, bool bind)
{
	uint8_t secret[TSIG_SECRET_MOST];
	const size_t len = tsig_mac_whole(a);
	char text[sodium_base64_ENCODED_LEN(TSIG_SECRET_MOST, sodium_base64_VARIANT_ORIGINAL)];

	randombytes_buf(secret, len);
	sodium_bin2base64(text, sizeof text, secret, len, sodium_base64_VARIANT_ORIGINAL);
	printf("keys:\n  %s: { algorithm: %s, secret: \"%s\"%s }\n", name, algorithm, text,
		a == TSIG_MD5 ? ", md5: on" : "");
	if (bind)
		printf("\n# named.conf:\nkey \"%s\" {\n\talgorithm %s;\n\tsecret \"%s\";\n};\n",
			name, algorithm, text);
	sodium_memzero(secret, sizeof secret);
	sodium_memzero(text, sizeof text);
}

/* A domain name that needs no quotes in YAML, nor anywhere else. */
static bool is_plain_name(const char *text)
{
	static const uint8_t root[1] = { 0 };
	uint8_t wire[NAME_MOST];
	size_t len;

	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-._")] == 0 &&
		(text[0] | 32) >= 'a' && (text[0] | 32) <= 'z' &&
		name_parse(wire, &len, text, strlen(text), root) == NAME_OK;
}

enum ctl_status ctl_keygen(char **words, int n)
{
	const char *plain[2] = { "xfr", "hmac-sha256" };
	enum tsig_algorithm algorithm;
	uint8_t mac_len;
	bool bind = false;
	int k = 0;

	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], "--bind") == 0)
			bind = true;
		else if (words[i][0] == '-' || k == 2)
			return (enum ctl_status)ctl_help_one("keygen", stderr, WRONG_USE);
		else
			plain[k++] = words[i];
	}
	if (!is_plain_name(plain[0])) {
		fprintf(stderr, "waymarkctl: keygen: \"%s\" is no name for a key: a domain name of "
				"letters, digits, \"-\", \"_\" and dots that begins with a letter\n",
			plain[0]);
		return WRONG_USE;
	}
	if (!tsig_algorithm_parse(plain[1], &algorithm, &mac_len)) {
		fprintf(stderr, "waymarkctl: keygen: \"%s\" is no algorithm: hmac-sha256, hmac-sha512, "
				"hmac-sha384, hmac-sha224, hmac-sha1 or hmac-md5\n",
			plain[1]);
		return WRONG_USE;
	}
	if (sodium_init() < 0) {
		fprintf(stderr, "waymarkctl: keygen: no random numbers are to be had\n");
		return NOT_DONE;
	}
	print_key(plain[0], plain[1], algorithm, bind);
	return DONE;
}
