/* dnssec_show.h - the keys of a zone as an operator reads them.
 */
#ifndef DAEMON_DNSSEC_SHOW_H
#define DAEMON_DNSSEC_SHOW_H

#include "base/text.h"
#include "daemon/key_ring.h"

/* The DS records that the parent should have. */
void dnssec_show_ds(const struct key_ring_view *v, const uint8_t *apex, struct text *out);

/* A line a key. */
void dnssec_show_keys(const struct key_ring_view *v, struct text *out);

/* What is waited for, and how long. */
void dnssec_show_status(const struct key_ring_view *v, const uint8_t *apex, struct text *out);

/* All of it as JSON. */
void dnssec_show_json(const struct key_ring_view *v, const uint8_t *apex, struct text *out);

#endif
