/* asking.h - a small world of zones and pools, questions to it as text, and answers as text.
 *
 * Answers are taken apart by ldns, which shares no code with what wrote them.
 */
#ifndef UNIT_ANSWER_ASKING_H
#define UNIT_ANSWER_ASKING_H

#include "answer/answer.h"
#include "zone/keyset.h"

/* Zones: "example." (in asking.c), "child.example." below it, "late.test." which is not there
 * yet, and, with `sign`, nsec.test., nsec3.test. and optout.test. of tests/serve/signed, and
 * pools.test., whose answers from pools are signed by `keys`, those of edges by themselves ahead.
 *
 * Pools: web (ams, rom, nyc, sfo: nearest, all-down all), two (the same, two answers), few (sfo
 * alone, which has no AAAA), gone (all of its edges down, all-down empty), alias (cdn, a
 * CNAME), mixed (sfo and then cdn), turn (ams, rom: round-robin, TTL 40 to 50), shop (ams, rom, nyc,
 * sfo, with HTTPS and SVCB), shops (the same, in turn) and stand (ams and rom, with HTTPS; nyc without
 * it stands in). Edges as in
 * small_world.h; ams has two A addresses. */
struct asking {
	struct world *world;
	struct stats stats;
	struct choose_turn *turns;
	struct choose_trace *trace;
	struct answerer a;
	struct samples samples;
	struct policy policy; /* of the world; take care to call asking_again() */
	uint8_t states[8];    /* enum edge_state; the same */
	uint64_t share;       /* of clients that a stage has; the same */
	bool waits;           /* nothing is known of any edge yet; the same */
	bool second_dead;     /* the probe of pool shop has the second A address of ams down; the same */
	struct zone_set *zones;
	struct keyset *keys;                /* that sign; the same */
	struct pool_signatures *signatures; /* the same */
	struct pool_unsigned wanted;        /* what was asked for last */
	unsigned n_wanted;                  /* how often */
	struct steer *steer, *staged;
	struct atlas *atlas;
	uint8_t reply[ANSWER_TCP_MOST];
	size_t len; /* of the last reply */
	char text[20000];
};

void asking_open(struct asking *x, bool sign);
void asking_close(struct asking *x);

/* Signs what was asked for last. */
void asking_sign_wanted(struct asking *x);

/* A world anew: of this policy, states, share. */
void asking_again(struct asking *x);

/* "www A do tcp": a name (relative to example.), a type, and words: do, tcp, tls, pad, expire, zoneversion, rd, ad, cd, nsid,
 * keepalive, edns, size=512, ecs=1.0.1.0/24, cookie=0011223344556677, class=3, opcode=2, v=1,
 * from=2001:db8::1. Some of them make it a query with an OPT record.
 *
 * The answer as "NOERROR aa | answer | authority | additional | OPT"; records are "owner ttl
 * type rdata", in the order in which they stand, with "," between them, names without
 * ".example." at their end, signatures by what they cover; what is empty is "-". "nothing" when
 * none was to be sent. */
const char *asking(struct asking *x, const char *question);

/* The question's packet, its ID 0x1234; returns its length. */
enum { ASKING_PACKET = 700 };
size_t asking_packet(uint8_t to[static ASKING_PACKET], const char *question);

/* A message as that text. */
const char *asking_text(struct asking *x, const uint8_t *message, size_t len);

/* What is answered to a packet as it is. */
const char *asking_bytes(struct asking *x, const uint8_t *packet, size_t len, bool tcp);

/* A row of a table of questions. The length is that of the message with every name in it as
 * short as RFC 1035 section 4.1.4 lets it be. */
struct asking_row {
	const char *say, *question, *answer;
	size_t len;
};
void asking_rows(struct asking *x, const struct asking_row *rows, size_t n);

#endif
