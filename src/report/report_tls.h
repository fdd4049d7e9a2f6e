/* report_tls.h - how it stands with the certificates that listeners show.
 */
#ifndef REPORT_REPORT_TLS_H
#define REPORT_REPORT_TLS_H

#include "base/text.h"
#include "net/tls.h"

#include <jansson.h>
#include <stdint.h>

struct report_tls {
	struct tls *shown; /* held; NULL: none is configured */
	char fault[512];   /* why files as they are now are not taken; "" */
};

/* Of a certificate, by how much of its life is left: under a tenth it had better be renewed. */
enum report_tls_age { REPORT_TLS_EARLY, REPORT_TLS_GOOD, REPORT_TLS_SOON, REPORT_TLS_ENDED };
enum report_tls_age report_tls_age(const struct tls_about *a, int64_t now_s);

/* "ns1.example.org and 2 more names, until 2027-02-25T23:30:00Z". */
enum { REPORT_TLS_TEXT = 384 };
const char *report_tls_text(char to[static REPORT_TLS_TEXT], const struct tls_about *a);

/* Those that are shown: a list of objects, and lines. */
json_t *report_tls_json(const struct report_tls *t, int64_t now_s);
void report_tls_lines(const struct report_tls *t, int64_t now_s, const char *indent, struct text *out);

#endif
