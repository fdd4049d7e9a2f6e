/* report_why.h - what was answered to a client some time ago, and why: as text, or JSON.
 */
#ifndef REPORT_REPORT_WHY_H
#define REPORT_REPORT_WHY_H

#include "base/text.h"
#include "store/store_decisions.h"

/* What is asked. */
struct report_why_ask {
	struct addr client; /* plain */
	struct prefix net;  /* what resolvers send of it: whose answers are looked for */
	int64_t at_s;       /* UNIX time */
	const uint8_t *name; /* NULL: any */
	uint32_t conf;      /* the digest of what is served now */
};

/* The answers to tell of: its maker's, for report_why_free(). */
struct report_why_rows;
struct report_why_rows *report_why_new(void);
void report_why_add(
	struct report_why_rows *rows, const struct report_why_ask *ask, const struct store_decision *d);
void report_why_free(struct report_why_rows *rows);

/* Added the newest first. */
void report_why_tell(const struct report_why_rows *rows, const struct report_why_ask *ask, bool json,
	struct text *out);

/* Who is watched. */
void report_watched(const struct store_watch *list, unsigned n, bool json, struct text *out);

#endif
