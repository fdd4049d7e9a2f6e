/* tsig.h - transaction signatures (RFC 8945): who has sent this message, and was it changed on
 * its way?
 *
 * Any thread. Nothing is allocated: all state is the caller's, and keys are borrowed.
 */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include "dns/query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TSIG errors: what an answer's TSIG record says beside RCODE NOTAUTH. */
enum {
	TSIG_BADSIG = 16,
	TSIG_BADKEY = 17,
	TSIG_BADTIME = 18,
	TSIG_BADTRUNC = 22,

	TSIG_FUDGE_S = 300,
	TSIG_MAC_MOST = 64,    /* bytes */
	TSIG_SECRET_MOST = 128 /* bytes; longer ones would only be hashed first */
};

enum tsig_algorithm {
	TSIG_MD5,
	TSIG_SHA1,
	TSIG_SHA224,
	TSIG_SHA256,
	TSIG_SHA384,
	TSIG_SHA512,
	TSIG_ALGORITHMS
};

/* Borrowed by all who sign with it: it lives as long as they do. */
struct tsig_key {
	const uint8_t *name; /* wire, lower case */
	const uint8_t *secret;
	size_t secret_len;
	enum tsig_algorithm algorithm;
	uint8_t mac_len; /* bytes that are sent, and that are taken at least */
};

/* "hmac-sha256"; the algorithm of such a text, whatever its case, with or without the bits that
 * a MAC is cut to ("hmac-sha256-128"): at least 80 and half of it, a multiple of 8 (RFC 8945
 * section 5.2.2.1). False when there is none such. */
const char *tsig_algorithm_text(enum tsig_algorithm a);
bool tsig_algorithm_parse(const char *text, enum tsig_algorithm *a, uint8_t *mac_len);

/* Bytes of a MAC that is not cut. */
unsigned tsig_mac_whole(enum tsig_algorithm a);

/* The algorithm's wire name. */
const uint8_t *tsig_algorithm_name(enum tsig_algorithm a);

/* One exchange: a request and the messages that answer it, each signed over the one before. */
struct tsig {
	const struct tsig_key *key; /* NULL: nothing is signed */
	unsigned error;             /* TSIG_BAD*; 0: the request was good */
	uint64_t asked_s;           /* the request's time */
	unsigned sent;              /* messages signed so far */
	uint8_t mac_len;
	uint8_t mac[TSIG_MAC_MOST]; /* of the message before */
};

enum tsig_verdict {
	TSIG_GOOD,
	TSIG_WRONG,    /* NOTAUTH; `to->error` says why */
	TSIG_MALFORMED /* FORMERR: a MAC of a length that no rule allows */
};

/* Checks the TSIG record of a request whose bytes start at `packet`, and leaves in `to` what
 * its answers are signed with: a key where the answer of a wrong one is to be signed, too
 * (BADTIME, BADTRUNC: RFC 8945 section 5.3.2), else none. `keys` [n]; `now_s` is UNIX time. */
enum tsig_verdict tsig_verify(struct tsig *to, const struct query_tsig *t,
	const uint8_t *packet, const struct tsig_key *keys, size_t n, uint64_t now_s);

/* Bytes that tsig_sign() appends, at most. */
size_t tsig_len(const struct tsig *t);

/* Appends the TSIG record to a message of `len` bytes, behind which is room for tsig_len().
 * Returns the new length. */
size_t tsig_sign(struct tsig *t, uint8_t *message, size_t len, uint64_t now_s);

/* The other side. Signs our request with `key`, as tsig_sign() signs answers. */
size_t tsig_ask(struct tsig *t, const struct tsig_key *key, uint8_t *message, size_t len,
	uint64_t now_s);

/* Checks the next message that answers it, whose bytes start at `packet`: all of them must be
 * signed. TSIG_WRONG: `t->error` says why; what the other side says is wrong with ours counts
 * there, too. */
enum tsig_verdict tsig_check_answer(struct tsig *t, const struct query_tsig *q,
	const uint8_t *packet, uint64_t now_s);

/* "BADSIG", "BADKEY", "BADTIME", "BADTRUNC". */
const char *tsig_error_text(unsigned error);

/* Appends to the message `to` of `len` bytes the unsigned TSIG record that says `error`
 * (BADKEY, BADSIG: RFC 8945 section 5.3.2), unless that makes it longer than `most`. Returns
 * the length. */
size_t tsig_refuse(
	const struct query *q, unsigned error, uint8_t *to, size_t len, size_t most);

#endif
