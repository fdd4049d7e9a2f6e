/* certificates.h - what listeners show to clients of TLS: read at the start, and anew when the files or
 * the configuration change.
 *
 * A pair that is wrong is told of, and what was shown before stays. Keys of session tickets come from a
 * file, or are random and a new one each hour. When a certificate nears its end that is told. The loop's
 * thread; files are read by jobs.
 */
#ifndef DAEMON_CERTIFICATES_H
#define DAEMON_CERTIFICATES_H

#include "base/fault.h"
#include "daemon/publish.h"
#include "report/report_tls.h"

struct certificates;
struct workers;

struct certificates_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
};

/* Reads what the first configuration names, at once: who starts may read what the server's user may not.
 * NULL and a sentence: something is wrong with it. */
struct certificates *certificates_new(const struct certificates_opts *opts, struct fault *why);
/* After jobs_stop(). Fine for NULL. */
void certificates_free(struct certificates *c);

/* From now on those get what is read. */
void certificates_give(struct certificates *c, struct workers *w);

/* So does one more: `take` is called in the loop's thread, now and whenever there is something else to show; it
 * holds what it keeps. NULL: nothing is shown any more. */
struct tls;
void certificates_follow(struct certificates *c, void (*take)(void *ctx, struct tls *shown), void *ctx);

/* What is shown. The caller drops its hold, `shown`. */
struct report_tls certificates_report(const struct certificates *c);

#endif
