#include "net/quic.h"

#include "unit/certs.h"
#include "unit/net/quic_client.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include "base/clock.h"
#include "net/quic_inner.h"
#include "net/tls.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A thread of QUIC that turns when the test says so, and its clients. */
enum { PATIENCE_US = 20000000, HOUR_MS = 3600000 };

static struct serving s;
static struct net_address at;
static struct certs certs;
static struct tls *tls;
static struct quic *quic;
static struct quic_client client;

static int open_world(void)
{
	struct fault why;

	static const struct policy_allow anybody;
	static const struct policy_zone rules = { .transfer = { &anybody, 1 } };

	serving_open(&s);
	s.x.policy.zones = &rules;
	asking_again(&s.x);
	epoch_publish(&s.epoch, world_hold(s.x.world));
	epoch_join();
	certs_open(&certs);
	certs_make(&certs, "ns1", "ns1.example", -60, 3600);
	tls = tls_new(&(struct tls_opts){ .pairs = &(struct tls_pair){ certs.cert, certs.key },
			      .n = 1,
			      .quic = true },
		&why);
	return tls == NULL;
}

static int close_world(void)
{
	tls_drop(tls);
	certs_close(&certs);
	epoch_leave();
	serving_close(&s);
	return 0;
}

static void start(const struct quic_opts *more)
{
	struct quic_opts opts = { .clients = 100,
		.clients_per_net = 100,
		.idle_ms = HOUR_MS,
		.handshake_ms = HOUR_MS,
		.handshakes = 100,
		.handshakes_per_net = 1000 };
	struct fault why;

	at = serving_address("127.0.0.1");
	at.kind = NET_QUIC;
	const int fd = listen_udp(&at, &(struct net_opts){ 0 }, 0, &why);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	quic = quic_new(&(struct quic_listener){ fd, &at }, 1, &s.epoch, more ? more : &opts);
	CU_ASSERT_PTR_NOT_NULL_FATAL(quic);
	quic_set_tls(quic, tls);
	quic_turn(quic);
}

static void stop(void)
{
	quic_client_close(&client);
	quic_turn(quic);
	quic_free(quic);
}

static void turn(void)
{
	quic_client_turn(&client);
	quic_turn(quic);
	usleep(50);
}

#define UNTIL(holds)                                              \
	do {                                                      \
		const uint64_t end_us = clock_us() + PATIENCE_US; \
		while (!(holds) && clock_us() < end_us)           \
			turn();                                   \
		CU_ASSERT_TRUE(holds);                            \
	} while (0)

/* A query as it goes on a stream; its length. */
static size_t put(uint8_t *to, const char *question)
{
	const size_t len = asking_packet(to + 2, question);

	be16_put(to, (unsigned)len);
	to[2] = to[3] = 0;
	return len + 2;
}

static size_t ask(const char *question)
{
	uint8_t b[ASKING_PACKET + 2];

	return quic_client_ask(&client, b, put(b, question), true);
}

static const char *answered(size_t i)
{
	struct quic_client_stream *of = &client.streams[i];

	UNTIL(of->ended || of->reset != QUIC_CLIENT_NONE || client.closed);
	if (!of->ended || of->in_len < 2 || of->in_len != 2u + be16_get(of->in))
		return "none";
	s.x.len = of->in_len - 2;
	return asking_text(&s.x, of->in + 2, s.x.len);
}

static void each_query_has_a_stream_of_its_own(void)
{
	start(NULL);
	quic_client_open(&client, &at, NULL);
	for (unsigned i = 0; i < 50; i++)
		ask(i & 1 ? "mail A" : "nowhere A");
	UNTIL(client.streams[49].ended);
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(1), "NOERROR"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(48), "NXDOMAIN"));
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT_TRUE(
			client.streams[i].ended && be16_get(client.streams[i].in + 2) == 0);
	CU_ASSERT_EQUAL(quic_stats(quic)->queries[VIA_QUIC], 50);
	CU_ASSERT_EQUAL(quic_stats(quic)->quic_connections, 1);
	CU_ASSERT_EQUAL(quic_clients(quic), 1);
	stop();
}

/* As many as come, for as long as it lives: each that ends lets another one begin. */
static void streams_that_end_make_room_for_others(void)
{
	start(NULL);
	quic_client_open(&client, &at, NULL);
	for (unsigned i = 0; i < QUIC_CLIENT_STREAMS; i++)
		ask("mail A");
	UNTIL(client.streams[QUIC_CLIENT_STREAMS - 1].ended);
	CU_ASSERT_EQUAL(quic_stats(quic)->queries[VIA_QUIC], QUIC_CLIENT_STREAMS);
	UNTIL(!((struct quic_connection *)quic->connected.all.oldest)->streams);
	CU_ASSERT_EQUAL(((struct quic_connection *)quic->connected.all.oldest)->held, 0);
	stop();
}

static void a_query_in_pieces_is_answered_at_its_end(void)
{
	uint8_t b[ASKING_PACKET + 2];

	start(NULL);
	quic_client_open(&client, &at, NULL);
	const size_t len = put(b, "mail A"), i = quic_client_ask(&client, b, 1, false);
	struct quic_client_stream *of = &client.streams[i];
	of->out = realloc(of->out, len);
	memcpy(of->out, b, len);
	while (of->out_len < len) {
		UNTIL(of->out_at == of->out_len);
		of->out_len++;
	}
	UNTIL(of->out_at == len);
	for (unsigned k = 0; k < 20; k++)
		turn();
	CU_ASSERT_EQUAL(quic_stats(quic)->queries[VIA_QUIC], 0);
	of->end = true;
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(i), "NOERROR"));
	stop();
}

/* RFC 9250 section 4.3.3. */
static void what_breaks_the_protocol_ends_the_connection(void)
{
	static const uint8_t keepalive[] = { 0, 29, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1,
		0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 11, 0, 0 };
	uint8_t b[3][2 * ASKING_PACKET];
	const size_t len = put(b[0], "mail A");
	struct {
		const char *say;
		const uint8_t *bytes;
		size_t len;
	} row[] = { { "an ID", b[1], len }, { "two queries", b[2], 2 * len },
		{ "half a query", b[0], len - 1 }, { "a byte", b[0], 1 },
		{ "nothing", b[0], 0 }, { "no header", (const uint8_t *)"\0\3abc", 5 },
		{ "keepalive of TCP", keepalive, sizeof keepalive } };

	memcpy(b[1], b[0], len);
	b[1][3] = 1;
	memcpy(b[2], b[0], len);
	memcpy(b[2] + len, b[0], len);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		uint8_t copy[2 * ASKING_PACKET];
		memcpy(copy, row[i].bytes, row[i].len);
		if (row[i].bytes == keepalive)
			be16_put(copy, (unsigned)row[i].len - 2);
		start(NULL);
		quic_client_open(&client, &at, NULL);
		quic_client_ask(&client, copy, row[i].len, true);
		UNTIL(client.closed);
		if (client.error != QUIC_PROTOCOL || client.transport)
			CU_FAIL(row[i].say);
		CU_ASSERT_EQUAL(quic_clients(quic), 0);
		stop();
	}
}

static void a_query_that_is_too_long_is_reset_alone(void)
{
	uint8_t *b = calloc(1, QUIC_QUERY_MOST + 3);

	start(NULL);
	quic_client_open(&client, &at, NULL);
	be16_put(b, QUIC_QUERY_MOST + 1);
	quic_client_ask(&client, b, QUIC_QUERY_MOST + 3, true);
	UNTIL(client.streams[0].reset != QUIC_CLIENT_NONE);
	CU_ASSERT_EQUAL(client.streams[0].reset, QUIC_EXCESSIVE);
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(ask("mail A")), "NOERROR"));
	CU_ASSERT_EQUAL(quic_stats(quic)->quic_reset, 1);
	free(b);
	stop();
}

/* A hundred streams, and none has its end: they wait for each other. */
static void half_queries_are_kept_up_to_a_window(void)
{
	uint8_t *b = calloc(1, QUIC_QUERY_MOST + 2);
	size_t kept = 0;

	start(NULL);
	quic_client_open(&client, &at, NULL);
	be16_put(b, QUIC_QUERY_MOST);
	for (unsigned i = 0; i < QUIC_STREAMS - 1; i++)
		quic_client_ask(&client, b, QUIC_QUERY_MOST, false);
	const struct quic_connection *c = NULL;
	for (unsigned i = 0; i < 1000 && kept < 60000; i++) {
		turn();
		kept = 0;
		c = (struct quic_connection *)quic->connected.all.oldest;
		for (const struct quic_stream *of = c ? c->streams : NULL; of; of = of->next)
			kept += of->in_len;
	}
	for (unsigned i = 0; i < 50; i++)
		turn();
	kept = 0;
	for (const struct quic_stream *of = c->streams; of; of = of->next)
		kept += of->in_len;
	CU_ASSERT_TRUE(kept >= 60000 && kept <= 65536);
	CU_ASSERT_EQUAL(quic_clients(quic), 1);
	free(b);
	stop();
}

/* He takes no bytes: answers wait, each whole, up to a limit. */
static void who_does_not_take_answers_gets_no_more(void)
{
	start(NULL);
	quic_client_open(&client, &at, &(struct quic_client_opts){ .window = 1 });
	quic->opts.handshakes = 100;
	ask("mail A");
	UNTIL(quic_stats(quic)->queries[VIA_QUIC] == 1);
	struct quic_connection *c = (struct quic_connection *)quic->connected.all.oldest;
	CU_ASSERT_TRUE(c->held > 0);
	c->held += QUIC_HELD;
	const size_t i = ask("mail A");
	UNTIL(client.streams[i].reset == QUIC_EXCESSIVE);
	c->held -= QUIC_HELD;
	stop();
}

static bool same_as(const char *path)
{
	gnutls_datum_t pem, *seen;
	unsigned n;
	bool same = false;

	UNTIL(client.shaken);
	CU_ASSERT_EQUAL_FATAL(gnutls_load_file(path, &pem), 0);
	gnutls_x509_crt_t cert;
	gnutls_x509_crt_init(&cert);
	CU_ASSERT_EQUAL(gnutls_x509_crt_import(cert, &pem, GNUTLS_X509_FMT_PEM), 0);
	seen = (gnutls_datum_t *)(uintptr_t)gnutls_certificate_get_peers(client.session, &n);
	gnutls_datum_t der;
	CU_ASSERT_EQUAL(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der), 0);
	same = seen && n && seen->size == der.size &&
		memcmp(seen->data, der.data, der.size) == 0;
	gnutls_free(der.data);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(cert);
	return same;
}

/* And who is connected loses nothing by it. */
static void a_certificate_that_is_new_is_shown_to_who_comes_then(void)
{
	struct certs next;
	struct quic_client old;
	struct fault why;

	start(NULL);
	quic_client_open(&client, &at, NULL);
	CU_ASSERT_TRUE(same_as(certs.cert));
	certs_open(&next);
	certs_make(&next, "next", "ns1.example", -60, 3600);
	struct tls *t = tls_new(
		&(struct tls_opts){ .pairs = &(struct tls_pair){ next.cert, next.key },
			.n = 1,
			.quic = true },
		&why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	quic_set_tls(quic, t);
	tls_drop(t);
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(ask("mail A")), "NOERROR"));
	old = client;
	old.ref.user_data = &old;
	gnutls_session_set_ptr(old.session, &old.ref);
	quic_client_open(&client, &at, NULL);
	CU_ASSERT_TRUE(same_as(next.cert));
	CU_ASSERT_EQUAL(quic_clients(quic), 2);
	quic_client_close(&old);
	certs_close(&next);
	stop();
}

static void another_protocol_is_refused(void)
{
	start(NULL);
	quic_client_open(&client, &at, &(struct quic_client_opts){ .alpn = "h3" });
	UNTIL(client.closed);
	CU_ASSERT_EQUAL(
		client.error, 0x100 + 120); /* no_application_protocol (RFC 9001 section 4.8) */
	CU_ASSERT_TRUE(client.transport);
	CU_ASSERT_EQUAL(quic_stats(quic)->tls_failed, 1);
	stop();
}

static const struct quic_opts few = { .clients = 2,
	.clients_per_net = 2,
	.idle_ms = HOUR_MS,
	.handshake_ms = HOUR_MS,
	.handshakes = 3,
	.handshakes_per_net = 2 };

/* Three at once are so few that the first is one of many. */
static void where_many_come_addresses_are_proven(void)
{
	start(&few);
	quic_client_open(&client, &at, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(ask("mail A")), "NOERROR"));
	CU_ASSERT_EQUAL(client.retries, 1);
	CU_ASSERT_EQUAL(quic_stats(quic)->quic_retries, 1);
	quic_client_close(&client);
	/* Of a net two a second may begin. */
	for (unsigned i = 0; i < 3; i++) {
		quic_client_open(&client, &at, NULL);
		UNTIL(client.shaken || (client.retries && quic_stats(quic)->tls_limited));
		if (i < 2)
			quic_client_close(&client);
	}
	CU_ASSERT_TRUE(quic_stats(quic)->tls_limited >= 1);
	stop();
}

static void who_has_been_idle_longest_makes_room(void)
{
	struct quic_opts opts = few;
	struct quic_client first;

	opts.clients = 1;
	opts.handshakes = 100;
	start(&opts);
	quic_client_open(&client, &at, NULL);
	UNTIL(client.shaken);
	first = client;
	first.ref.user_data = &first;
	gnutls_session_set_ptr(first.session, &first.ref);
	quic_client_open(&client, &at, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(ask("mail A")), "NOERROR"));
	CU_ASSERT_EQUAL(quic_clients(quic), 1);
	for (unsigned i = 0; i < 100 && !first.closed; i++)
		quic_client_turn(&first);
	CU_ASSERT_TRUE(first.closed && first.error == QUIC_FINE);
	quic_client_close(&first);
	stop();
}

static void who_asks_nothing_is_sent_away(void)
{
	struct quic_opts opts = few;

	opts.handshakes = 100;
	opts.idle_ms = 300;
	start(&opts);
	quic_client_open(&client, &at, NULL);
	UNTIL(client.shaken);
	UNTIL(quic_clients(quic) == 0);
	stop();
}

/* What the server sends to who is none of its clients: into `to`; its length. */
static ssize_t replied(const uint8_t *bytes, size_t len, uint8_t to[static 2048])
{
	const int fd = serving_connect(&at, SOCK_DGRAM, NULL);
	ssize_t n = -1;

	CU_ASSERT_EQUAL(send(fd, bytes, len, 0), (ssize_t)len);
	for (unsigned i = 0; i < 100 && n < 0; i++) {
		quic_turn(quic);
		n = recv(fd, to, 2048, MSG_DONTWAIT);
		usleep(200);
	}
	close(fd);
	return n;
}

static void strangers_are_told_and_cost_nothing(void)
{
	uint8_t packet[1200] = { 0 }, got[2048];

	start(NULL);
	quic_client_open(&client, &at, NULL);
	/* A short header, of a connection that is not: a reset, shorter than what it answers.
	 */
	packet[0] = 0x40;
	CU_ASSERT_EQUAL(replied(packet, 1200, got), 60);
	CU_ASSERT_EQUAL(got[0] & 0xc0, 0x40);
	CU_ASSERT_EQUAL(replied(packet, 43, got), 42);
	CU_ASSERT_EQUAL(replied(packet, 42, got), -1);
	/* Another version: ours are told, to who has sent as much. */
	memcpy(packet, "\300\12\12\12\12\10abcdefgh\10ijklmnop", 23);
	CU_ASSERT_EQUAL(replied(packet, 1200, got), 27);
	CU_ASSERT_EQUAL(memcmp(got + 1, "\0\0\0\0\10ijklmnop\10abcdefgh\0\0\0\1", 26), 0);
	CU_ASSERT_EQUAL(replied(packet, 1199, got), -1);
	/* Ours, and then nothing that makes sense. */
	memcpy(packet + 1, "\0\0\0\1", 4);
	CU_ASSERT_EQUAL(replied(packet, 1199, got), -1);
	/* A server's answer to another version, with IDs of any length (RFC 9000 section 17.2.1). */
	memcpy(packet + 1, "\0\0\0\0\377", 5);
	CU_ASSERT_EQUAL(replied(packet, 1200, got), -1);
	for (unsigned i = 0; i < 300; i++) {
		for (size_t k = 23; k < sizeof packet; k++)
			packet[k] = (uint8_t)rand();
		quic_take(quic, 0, (const struct sockaddr *)&at.sa, packet, sizeof packet - i);
	}
	CU_ASSERT_EQUAL(quic_clients(quic), 0);
	stop();
}

static void random_bytes_on_streams_do_no_harm(void)
{
	start(NULL);
	for (unsigned i = 0; i < 10; i++) {
		quic_client_open(&client, &at, NULL);
		UNTIL(client.shaken);
		for (unsigned k = 0; k < 20; k++) {
			uint8_t b[600];
			size_t len = 2 + (unsigned)rand() % 598;
			for (size_t m = 0; m < len; m++)
				b[m] = (uint8_t)rand();
			be16_put(b, (unsigned)(rand() % 3 ? len - 2 : 40));
			b[2] = b[3] = rand() % 9 == 0;
			quic_client_ask(&client, b, len, rand() % 4 != 0);
			turn();
		}
		for (unsigned k = 0; k < 10; k++)
			turn();
		quic_client_close(&client);
	}
	quic_client_open(&client, &at, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(ask("mail A")), "NOERROR"));
	stop();
}

/* The messages that the zone has in this thread; how many. */
static unsigned whole_zone(struct text *to)
{
	static uint8_t message[TRANSFER_ROOM];
	struct quic_client_stream *of = &client.streams[0];
	struct transfer t = { .zone = NULL };
	struct answerer a = s.x.a;
	const struct answer_ask again = { .packet = of->out + 2,
		.len = of->out_len - 2,
		.via = VIA_QUIC,
		.secret = true,
		.proven = true,
		.room = ANSWER_TCP_MOST,
		.to = message,
		.transfer = &t };
	unsigned n = 0;

	a.world = s.x.world;
	CU_ASSERT_EQUAL(answer(&a, &again), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.zone);
	for (size_t len; (len = transfer_next(&t, message, 1)); n++) {
		const char head[] = { (char)(len >> 8), (char)len };
		text_add_bytes(to, head, 2);
		text_add_bytes(to, (const char *)message, len);
	}
	transfer_end(&t);
	return n;
}

/* RFC 9250 section 5.7: the messages of TCP, on one stream. */
static void a_zone_goes_out_on_one_stream(void)
{
	struct text all = { 0 };

	start(NULL);
	quic_client_open(&client, &at, NULL);
	const size_t i = ask("@ AXFR"), other = ask("mail A");
	struct quic_client_stream *of = &client.streams[i];
	CU_ASSERT_PTR_NOT_NULL(strstr(answered(other), "NOERROR"));
	UNTIL(of->ended);
	CU_ASSERT_TRUE(whole_zone(&all) > 3);
	CU_ASSERT_EQUAL_FATAL(of->in_len, all.len);
	CU_ASSERT_EQUAL(memcmp(of->in, text_get(&all), all.len), 0);
	CU_ASSERT_EQUAL(quic_stats(quic)->transfers_done, 1);
	CU_ASSERT_EQUAL(quic_stats(quic)->transfers_broken, 0);
	struct quic_connection *c = (struct quic_connection *)quic->connected.all.oldest;
	UNTIL(!c->streams);
	CU_ASSERT_EQUAL(c->held + c->transfers, 0);
	text_fini(&all);
	stop();
}

/* What is kept for him is bounded, how many zones he asks for is, and all goes with him. */
static void who_does_not_take_a_zone_holds_little(void)
{
	const struct zone *z = zone_set_get(s.x.zones, 0);
	const unsigned refs = z->refs;
	start(NULL);
	quic_client_open(&client, &at, &(struct quic_client_opts){ .window = 100 });
	ask("mail A");
	UNTIL(client.streams[0].ended);
	struct quic_connection *c = (struct quic_connection *)quic->connected.all.oldest;
	for (unsigned i = 0; i < QUIC_TRANSFERS; i++)
		ask("@ AXFR");
	UNTIL(c->transfers == QUIC_TRANSFERS);
	const size_t i = ask("@ AXFR");
	UNTIL(client.streams[i].reset == QUIC_EXCESSIVE);
	for (unsigned k = 0; k < 100; k++)
		turn();
	/* One message was made, of each of them. */
	CU_ASSERT_TRUE(quic_stats(quic)->transfers_bytes <= QUIC_TRANSFERS * (TRANSFER_ROOM + 2));
	CU_ASSERT_EQUAL(c->transfers, QUIC_TRANSFERS);
	CU_ASSERT_EQUAL(z->refs, refs + QUIC_TRANSFERS);
	stop();
	CU_ASSERT_EQUAL(z->refs, refs);
}

/* He takes none of the first: the second is his all the same. */
static void a_transfer_that_is_not_taken_holds_up_no_other(void)
{
	start(NULL);
	quic_client_open(&client, &at, NULL);
	ask("mail A");
	UNTIL(client.streams[0].ended);
	struct quic_connection *c = (struct quic_connection *)quic->connected.all.oldest;
	const size_t slow = ask("@ AXFR");
	UNTIL(c->transfers == 1);
	struct quic_stream *held = c->streams;
	held->transfer_held += QUIC_TRANSFER_HELD;
	const size_t other = ask("@ AXFR");
	UNTIL(client.streams[other].ended);
	CU_ASSERT_FALSE(client.streams[slow].ended);
	CU_ASSERT_EQUAL(c->transfers, 1);
	held->transfer_held -= QUIC_TRANSFER_HELD;
	ask("mail A"); /* he goes on */
	UNTIL(client.streams[slow].ended);
	stop();
}

static const struct unit_case cases[] = {
	{ "a transfer that is not taken holds up no other", a_transfer_that_is_not_taken_holds_up_no_other },
	{ "a zone goes out on one stream", a_zone_goes_out_on_one_stream },
	{ "who does not take a zone holds little", who_does_not_take_a_zone_holds_little },
	{ "each query has a stream of its own", each_query_has_a_stream_of_its_own },
	{ "streams that end make room for others", streams_that_end_make_room_for_others },
	{ "a query in pieces is answered at its end",
		a_query_in_pieces_is_answered_at_its_end },
	{ "what breaks the protocol ends the connection",
		what_breaks_the_protocol_ends_the_connection },
	{ "a query that is too long is reset alone", a_query_that_is_too_long_is_reset_alone },
	{ "half queries are kept up to a window", half_queries_are_kept_up_to_a_window },
	{ "who does not take answers gets no more", who_does_not_take_answers_gets_no_more },
	{ "a certificate that is new is shown to who comes then",
		a_certificate_that_is_new_is_shown_to_who_comes_then },
	{ "another protocol is refused", another_protocol_is_refused },
	{ "where many come addresses are proven", where_many_come_addresses_are_proven },
	{ "who has been idle longest makes room", who_has_been_idle_longest_makes_room },
	{ "who asks nothing is sent away", who_asks_nothing_is_sent_away },
	{ "strangers are told, and cost nothing", strangers_are_told_and_cost_nothing },
	{ "random bytes on streams do no harm", random_bytes_on_streams_do_no_harm },
};

void suite_quic(void);
void suite_quic(void)
{
	unit_suite_with("net/quic", cases, UNIT_COUNT(cases), open_world, close_world);
}
