/* seal.h - requests of agents: signed, of now, and taken once.
 *
 * A request says who sends it (an agent has the name of its edge), when, and its sequence; the
 * signature is the HMAC-SHA-256, by the agent's key, of all of that and of what is asked:
 *
 *     waymark-1 LF method LF target LF agent LF time LF sequence LF body
 *
 * The answer to GET is signed alike, with ANSWER for the method and the rest as it was asked.
 *
 * `time` is UNIX time in seconds when it is sent, `sequence` UNIX time in microseconds when it
 * was made, or more so that each is over the one before. Time makes a captured request useless
 * soon, the sequence makes it useless at once: whoever takes requests keeps the last one of
 * each agent. Pure, any thread.
 */
#ifndef AGENT_SEAL_H
#define AGENT_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SEAL_KEY = 32,       /* bytes of a key */
	SEAL_HEX = 64 + 1,   /* a signature as text, lower case, with its NUL */
	SEAL_PAST_S = 60,    /* a request may be so old */
	SEAL_FUTURE_S = 5,   /* ... or so far ahead: two clocks never agree */
	SEAL_NUMBER = 20 + 1 /* a time or sequence as text */
};

/* The names of the header fields. */
#define SEAL_AGENT     "Waymark-Agent"
#define SEAL_TIME      "Waymark-Time"
#define SEAL_SEQUENCE  "Waymark-Sequence"
#define SEAL_SIGNATURE "Waymark-Signature"

struct seal {
	const char *method, *target; /* "POST", "/v1/latency"; with the query, as it is sent */
	const char *agent;
	uint64_t time_s, sequence;
};

void seal_sign(char hex[static SEAL_HEX], const uint8_t key[static SEAL_KEY],
	const struct seal *s, const void *body, size_t len);

/* In a time that tells nothing about the right signature. */
bool seal_is_signed(const char *hex, const uint8_t key[static SEAL_KEY], const struct seal *s,
	const void *body, size_t len);

/* Digits only, no more than 2^53. */
bool seal_number(const char *text, uint64_t *to);

enum seal_verdict {
	SEAL_GOOD,
	SEAL_LATE,     /* over SEAL_PAST_S old */
	SEAL_EARLY,    /* over SEAL_FUTURE_S ahead */
	SEAL_AHEAD,    /* its sequence is over a second ahead of its own time */
	SEAL_STARTING, /* might have been taken before we started: come again in a moment */
	SEAL_SEEN      /* its sequence is not over the last one's */
};

/* Is it of now? What was taken before a restart cannot be taken again: it was at most
 * SEAL_FUTURE_S ahead of a clock that stood before `started_s`, and nothing that old is good.
 * That costs honest agents the first SEAL_FUTURE_S after a start, and needs nothing on disk;
 * it rests on a clock that is not set back over a restart (struct seal_clock). A sequence is not ahead of its
 * time either, so that an agent whose clock was ahead once is not shut out for longer than
 * that. */
enum seal_verdict seal_when(const struct seal *s, uint64_t now_s, uint64_t started_s);

/* From when on requests are taken. A clock that is set back by two seconds or more is as a new
 * start: what was taken before, by a server that ran while the clock was right, is refused once
 * more, and a server whose clock was ahead when it started takes requests SEAL_FUTURE_S after
 * it was set right. Agents that have reported since the start are guarded by their sequences,
 * whatever the clock does. Requests of an agent that was silent since the start can be repeated
 * when a clock that was right is set back to before the start: keep clocks right. */
struct seal_clock {
	uint64_t started_s; /* 0: not seen yet */
	int64_t ahead_s;    /* the time of day, less the time since the machine started */
};

/* To be called often, with the time of day and the time since the machine started. */
void seal_clock_see(struct seal_clock *c, uint64_t now_s, uint64_t boot_s);

/* The last sequence that was taken; 0: none. */
struct seal_guard {
	uint64_t last;
};

/* Of a request that is signed and of now: takes its sequence, or tells that it is SEAL_SEEN. */
enum seal_verdict seal_take(struct seal_guard *g, const struct seal *s);

#endif
