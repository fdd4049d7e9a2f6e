/* long_answer.h - an answer that goes out while it is made, so that a large one is never whole in memory.
 *
 * Whoever makes it, a job, hands over a piece and waits until the connection has taken all of it: so it goes as fast as
 * its reader reads, and what there is in memory is that piece. Whoever takes longer than LONG_ANSWER_SLOW_S for one
 * (TEXT_DRAIN bytes) is hung up on, and so is everybody when the server stops.
 *
 * The maker and the connection hold it; the later of both frees it.
 */
#ifndef WEB_LONG_ANSWER_H
#define WEB_LONG_ANSWER_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct long_answer;
struct long_answers;
struct MHD_Connection;

enum { LONG_ANSWER_SLOW_S = 5 };

/* Never NULL. Control thread. */
struct long_answers *long_answers_new(void);
/* All end, and who begins another is told at once that nobody reads it: before jobs_stop(). */
void long_answers_close(struct long_answers *all);
/* When nobody has one any more. */
void long_answers_free(struct long_answers *all);

/* Held twice, by the maker and the connection `at`, which is awake, or will be. NULL: no memory. */
struct long_answer *long_answer_new(struct long_answers *all, struct MHD_Connection *at);

/* The maker's thread. Waits. False: nobody reads it any more. */
bool long_answer_put(struct long_answer *s, const char *bytes, size_t len);
/* The maker's last word, the rest of it, which is taken. Not `whole`: what has gone is not all, and the connection is
 * broken off where the reader can see it (RFC 9112 section 8). */
void long_answer_end(struct long_answer *s, struct text *rest, bool whole);

/* The listener's thread, as libmicrohttpd wants them: more bytes; and it is gone. */
ssize_t long_answer_read(void *stream, uint64_t pos, char *to, size_t room);
void long_answer_leave(void *stream);

#endif
