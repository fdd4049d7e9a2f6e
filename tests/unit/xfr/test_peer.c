#include "xfr/peer.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "net/tls_client.h"
#include "unit/unit.h"
#include "unit/xfr/nameserver.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_MS = 300, DRIP_MS = 20, DRIPS = 1000 };

/* A nameserver that begins a record of TLS and sends a byte of it now and then, until the other
 * side has gone. */
static void *drip(void *arg)
{
	static const uint8_t head[] = { 0x16, 3, 3, 0x40, 0 };
	const int fd = accept(*(int *)arg, NULL, NULL);
	struct pollfd hello = { .fd = fd, .events = POLLIN };

	poll(&hello, 1, 10000);
	for (unsigned i = 0; i < DRIPS; i++) {
		if (send(fd, i < sizeof head ? head + i : head, 1, MSG_NOSIGNAL) != 1)
			break;
		usleep(DRIP_MS * 1000);
	}
	close(fd);
	return NULL;
}

static void bytes_that_drip_are_no_more_time(void)
{
	const struct peer_limits limits = { .connect_ms = 10000,
		.silence_ms = 10000,
		.most_ms = MOST_MS,
		.most_bytes = 1 << 20 };
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread = 0;
	struct peer peer;
	struct fault why;

	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
		listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
		pthread_create(&thread, NULL, drip, &fd) == 0);
	struct tls_client *tls = tls_client_new(&(struct tls_client_opts){ .verify = false });
	peer_set(&peer, "slow", (struct sockaddr *)&at, sizeof at, NULL);
	peer_set_tls(&peer, tls, ntohs(at.sin_port));
	CU_ASSERT_PTR_NULL(talk_open(&peer, &limits, NULL, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "takes longer than a transfer may"));
	pthread_join(thread, NULL);
	peer_fini(&peer);
	tls_client_drop(tls);
	close(fd);
}

/* --- conversations ------------------------------------------------------------------------ */

enum says { GOOD, UNSIGNED, OTHER_KEY, LATE, CHANGED, OTHER_ID, NO_ANSWER, NO_MESSAGE, SHORT_FRAME, TWO };

/* What it says, and what it was asked with. */
struct other {
	enum says says;
	struct tsig_key key;
	bool was_signed;
};

static const uint8_t secret[32] = { 7 }, wrong_secret[32] = { 8 };

static struct tsig_key key_of(const uint8_t *bytes)
{
	struct tsig_key k = { .name = (const uint8_t *)"\3key", .secret = bytes, .secret_len = sizeof secret };

	tsig_algorithm_parse("hmac-sha256", &k.algorithm, &k.mac_len);
	return k;
}

static size_t say(void *ctx, const uint8_t *query, size_t len, uint8_t *to)
{
	struct other *o = ctx;
	struct query q;
	struct tsig t = { .key = NULL };
	const uint64_t now = (uint64_t)time(NULL);

	query_parse(&q, query, len);
	o->was_signed = q.tsig.key_len && tsig_verify(&t, &q.tsig, query, &o->key, 1, now) == TSIG_GOOD;
	size_t at = nameserver_begin(to, query, len, FLAG_QR | FLAG_AA);
	at = nameserver_add(to, at, 0, "example.", RRTYPE_A, 60, "\300\0\2\1", 4);
	const struct tsig_key other = key_of(wrong_secret);
	if (o->says == OTHER_KEY)
		t.key = &other;
	if (o->was_signed && o->says != UNSIGNED)
		at = tsig_sign(&t, to + 2, at, o->says == LATE ? now - 1000 : now);
	switch (o->says) {
	case OTHER_ID: to[2] ^= 1; break;
	case NO_ANSWER: to[4] &= 0x7f; break;
	case CHANGED: to[2 + QUERY_HEADER + 9 + 4 + 9 + 10] ^= 1; break;
	case NO_MESSAGE: at = 11; break;
	default: break;
	}
	at = nameserver_end(to, at);
	if (o->says == TWO) {
		memcpy(to + at, to, at);
		at *= 2;
	}
	return o->says == SHORT_FRAME ? at - 1 : at;
}

static const struct peer_limits usual = { .connect_ms = 10000, .silence_ms = 10000, .most_ms = 20000, .most_bytes = 1000 };

/* The first message of the answer, "" or what was wrong with it. */
static const char *talk(enum says says, const struct tsig_key *key, const struct peer_limits *limits, struct fault *why)
{
	struct other o = { says, key_of(secret), false };
	struct nameserver s;
	uint8_t query[PEER_QUERY_ROOM] = "\0\0\0\0\0\1\0\0\0\0\0\0\7example\0\0\1\0\1";
	struct peer peer;
	struct message m;

	*why = (struct fault){ 0 };
	nameserver_open(&s, say, &o);
	peer_set(&s.peer, "ns2", (struct sockaddr *)&s.at, sizeof s.at, key);
	/* A copy's key is its own. */
	peer_copy(&peer, &s.peer);
	memset(&s.peer.key_bytes, 0, sizeof s.peer.key_bytes);
	struct talk *t = talk_open(&peer, limits, NULL, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	const size_t len = QUERY_HEADER + 9 + 4;
	if (talk_ask(t, query, len, why) && talk_next(t, &m, why)) {
		CU_ASSERT_EQUAL(m.id, be16_get(query));
		CU_ASSERT_EQUAL(m.left[0], 1);
		CU_ASSERT_EQUAL(talk_bytes(t), m.len + 2 + (says == TWO ? m.len + 2 : 0));
		if (says == TWO)
			CU_ASSERT_TRUE(talk_next(t, &m, why) && m.left[0] == 1);
	}
	talk_close(t);
	nameserver_close(&s);
	CU_ASSERT_EQUAL(o.was_signed, key != NULL && key->secret[0] == 7);
	peer_fini(&peer);
	return why->text;
}

static void an_answer_is_taken_whose_signature_is_good(void)
{
	static const struct {
		enum says says;
		bool is_signed;
		const char *because; /* "": it is taken */
	} row[] = {
		{ GOOD, false, "" },
		{ GOOD, true, "" },
		{ UNSIGNED, false, "" },
		{ UNSIGNED, true, ": answers without a signature" },
		{ OTHER_KEY, true, ": BADSIG (TSIG)" },
		{ CHANGED, true, ": BADSIG (TSIG)" },
		{ CHANGED, false, "" },
		{ LATE, true, ": BADTIME (TSIG): the clocks differ by over 5 minutes" },
		{ OTHER_ID, false, ": sends a message that is no answer to ours" },
		{ NO_ANSWER, false, ": sends a message that is no answer to ours" },
		{ NO_MESSAGE, false, ": " },
	};
	const struct tsig_key key = key_of(secret);
	struct fault why;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *said = talk(row[i].says, row[i].is_signed ? &key : NULL, &usual, &why);
		const bool right = *row[i].because ? strncmp(said, "ns2 (127.0.0.1:", 15) == 0 && strstr(said, row[i].because) : !*said;
		if (!right)
			printf("%u %d: %s\n", row[i].says, row[i].is_signed, said);
		CU_ASSERT_TRUE(right);
	}
}

static void limits_are_kept(void)
{
	struct peer_limits few = usual, soon = usual;
	struct fault why;

	CU_ASSERT_STRING_EQUAL(talk(TWO, NULL, &usual, &why), "");
	/* A message of 48 bytes and its length. */
	few.most_bytes = 49;
	CU_ASSERT_PTR_NOT_NULL(strstr(talk(GOOD, NULL, &few, &why), ": sends more than a transfer may have"));
	few.most_bytes = 50;
	CU_ASSERT_STRING_EQUAL(talk(GOOD, NULL, &few, &why), "");
	soon.silence_ms = 1;
	CU_ASSERT_PTR_NOT_NULL(strstr(talk(SHORT_FRAME, NULL, &soon, &why), ": does not answer"));
}

static void a_peer_is_told_with_its_address(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct peer p;
	char text[PEER_TEXT];

	peer_set(&p, "ns2", (struct sockaddr *)&at, sizeof at, NULL);
	CU_ASSERT_FALSE(p.is_signed);
	CU_ASSERT_STRING_EQUAL(peer_text(text, &p), "ns2 (127.0.0.1:53)");
	struct tls_client *tls = tls_client_new(&(struct tls_client_opts){ .verify = false });
	peer_set_tls(&p, tls, 853);
	tls_client_drop(tls);
	CU_ASSERT_STRING_EQUAL(peer_text(text, &p), "ns2 (127.0.0.1:853, TLS)");
	peer_fini(&p);
	CU_ASSERT_PTR_NULL(p.tls);
}

void suite_peer(void);
void suite_peer(void)
{
	static const struct unit_case cases[] = {
		{ "an answer is taken whose signature is good", an_answer_is_taken_whose_signature_is_good },
		{ "limits are kept", limits_are_kept },
		{ "a peer is told with its address", a_peer_is_told_with_its_address },
		{ "bytes that drip are no more time", bytes_that_drip_are_no_more_time },
	};

	unit_suite("xfr/peer", cases, UNIT_COUNT(cases));
}
