/* dnstap.h - a query or an answer as a frame of dnstap (dnstap.info), and the control frames of
 * the stream that carries them (Frame Streams).
 *
 * The few fields of protocol buffers that there are, written by hand: nothing is allocated.
 */
#ifndef NET_DNSTAP_H
#define NET_DNSTAP_H

#include "net/tap.h"

#include <stddef.h>
#include <stdint.h>

enum {
	DNSTAP_HEAD_MOST = 1024, /* bytes of a frame besides the message */
	DNSTAP_TEXT_MOST = 255,
	DNSTAP_CONTROL_MOST = 64
};

/* Who tells. Borrowed; at most DNSTAP_TEXT_MOST bytes each. */
struct dnstap_source {
	const char *identity, *version;
};

/* The frame with its length in front: of the answer, or of the query. Returns its bytes; `to` has
 * DNSTAP_HEAD_MOST and those of the message. */
size_t dnstap_frame(uint8_t *to, const struct dnstap_source *s, const struct tap_head *h, bool answer);

enum dnstap_control {
	DNSTAP_ACCEPT = 1,
	DNSTAP_START = 2,
	DNSTAP_STOP = 3,
	DNSTAP_READY = 4,
	DNSTAP_FINISH = 5
};

/* READY and START name what is in the stream. Returns its bytes. */
size_t dnstap_control(uint8_t to[static DNSTAP_CONTROL_MOST], enum dnstap_control type);

/* How many bytes the control frame at `p` has; 0: it is not whole yet. SIZE_MAX: it is none. `type` is
 * what it says, and `ours` whether dnstap is among what it takes (or it names nothing). */
size_t dnstap_read_control(const uint8_t *p, size_t len, unsigned *type, bool *ours);

#endif
