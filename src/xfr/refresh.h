/* refresh.h - zones whose source is other nameservers: when their primaries are asked for something newer,
 * and when what they have said is too old to be told on (RFC 1034 section 4.3.5, RFC 1996).
 *
 * Each zone has its timers, by its SOA, with some chance in them so that many zones do not come at once.
 * Primaries are asked for the SOA over UDP, those that are talked to over TLS for IXFR at once; what is newer, and a zone that we have not got, is fetched
 * by a job (fetch.h), some at a time. Who fails to answer is followed by the next. The loop's thread.
 */
#ifndef XFR_REFRESH_H
#define XFR_REFRESH_H

#include "xfr/fetch.h"

#include "base/part.h"
#include "jobs/jobs.h"
#include "store/store.h"

struct ev_loop;
struct refresher;

/* A zone and where it comes from. All borrowed during the call. */
struct refresh_zone {
	const uint8_t *apex;      /* wire, lower case */
	const struct peer *peers; /* [n], the first is asked first */
	size_t n;
	const struct zone *zone; /* what there is; NULL: nothing */
	/* UNIX times, of a zone that was stored; 0: never. */
	int64_t checked_s; /* when a primary last said that there is nothing newer */
	uint32_t expire_s; /* from then on */
	bool first; /* it is fetched before those that wait: others follow from it */
};

/* What has become of a zone. */
struct refresh_news {
	const uint8_t *apex;
	struct zone *zone; /* another version: count 1, the taker's; NULL: see below */
	bool expired;      /* it is not to be answered from any more */
	const char *fault; /* what came was not taken, in one line; NULL */
	const struct fetched *how; /* of `zone`; NULL */
};

struct refresher_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	void *ctx;
	/* What a fetched zone is compiled with; `hold` is dropped when that has ended. */
	struct compile_opts (*compile)(void *ctx, struct part **hold);
	/* What a fetched zone must stand, when that begins: for free(); NULL: nothing, or `*ok` is false: no
	 * memory. And, on a helper thread, whether it does. Both or none. */
	void *(*verifies)(void *ctx, const uint8_t *apex, bool *ok);
	bool (*verify)(void *ctx, const void *how, const struct zone *z, const struct job *job,
		struct fault *why);
	/* Does it come from others still? It may have become ours, and refresher_drop() is yet to come. */
	bool (*follows)(void *ctx, const uint8_t *apex);
	/* On a helper thread: what is stored of it when its transfer begins. And, when the zone has been taken: writes it
	 * where it outlives a crash, in the place of that and of nothing else: meanwhile it may become ours. `change` is
	 * what led to it, or NULL. NULL: nobody stores it. Both or none. */
	bool (*mark)(void *ctx, const uint8_t *apex, struct store_mark *to, struct fault *why);
	bool (*store)(void *ctx, const struct store_mark *upon, const struct zone *z, const struct change *change,
		uint32_t expire_s, struct fault *why);
	void (*take)(void *ctx, const struct refresh_news *news);
	/* A primary says that there is nothing newer: for who writes timers down. Or NULL. */
	void (*checked)(void *ctx, const uint8_t *apex, int64_t at_s, uint32_t expire_s);
};

struct refresher *refresher_new(const struct refresher_opts *opts);
/* After jobs_stop(). */
void refresher_free(struct refresher *r);

/* Adds it, or takes other peers for it. False: no memory. */
bool refresher_put(struct refresher *r, const struct refresh_zone *z);
void refresher_drop(struct refresher *r, const uint8_t *apex);

/* A NOTIFY that was allowed has come; `from` may be the address of a peer, which is then asked first. */
void refresher_notified(struct refresher *r, const uint8_t *apex, const struct sockaddr *from);

/* Asks now; `whole`: fetches all of it, whatever its serial. False: there is no such zone. */
bool refresher_ask(struct refresher *r, const uint8_t *apex, bool whole);

/* A zone was merged: changes are made upon `now` when it has `was`, which is the same version. */
void refresher_merged(struct refresher *r, const struct zone *was, const struct zone *now);

struct refresh_view {
	const char *doing;      /* "waits", "asks", "is about to fetch", "fetches", "stores" */
	int64_t checked_s;      /* UNIX times; 0: never */
	int64_t transferred_s;
	int64_t next_s, expires_s;
	unsigned failures;      /* in a row */
	bool incremental;       /* the last transfer */
	uint64_t bytes, records; /* ... of it */
	char primary[PEER_TEXT]; /* that is asked next, or has been heard last */
	char fault[256];        /* why the last try failed; "" */
};
/* False: there is no such zone. */
bool refresher_look(const struct refresher *r, const uint8_t *apex, struct refresh_view *to);

struct refresher_counts {
	size_t zones, expired, asking, fetching, waiting;
	uint64_t asked, fetched, failed;
};
struct refresher_counts refresher_counts(const struct refresher *r);

#endif
