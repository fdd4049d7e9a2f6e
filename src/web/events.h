/* events.h - streams of events: what a command says, again and again while somebody listens.
 *
 * A row of the API whose type is text/event-stream (api_rows.h) is a stream. While it has listeners its command is run
 * once a second, for all of them together; without any it costs nothing. What it says is an event, as the HTML standard
 * has server-sent events: "event: " and the command's first word, then "data: " and the JSON in one line. What is the
 * same as before is not sent again. After 15 s of silence a comment (":") comes, so that everybody sees that the other
 * end lives.
 *
 *     GET /api/v1/rates/events     event: rates   GET /api/v1/rates, each second
 *     GET /api/v1/jobs/events      event: jobs    GET /api/v1/jobs, when something is other
 *
 * Each event is the whole, so nobody misses anything by missing one: whoever reads slowly gets the newest when there
 * is room, and whoever takes over 10 s for one is hung up on. EventSource of browsers cannot send a token; fetch() can,
 * and gives the body as a stream. A stream ends when its token is revoked, expires, or the API is turned off.
 */
#ifndef WEB_EVENTS_H
#define WEB_EVENTS_H

#include "console/command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct api_row;
struct ev_loop;
struct event_stream;
struct events;
struct MHD_Connection;

enum { EVENTS_STREAMS_MOST = 16, EVENTS_QUIET_S = 15, EVENTS_SLOW_S = 10 };

struct events_opts {
	struct ev_loop *loop;
	const struct commands *commands;
	/* May that one (who.h) still listen? */
	bool (*may)(void *ctx, unsigned who);
	void *ctx;
};

/* Never NULL. Control thread; so are those below that do not say otherwise. */
struct events *events_new(const struct events_opts *opts);
/* All streams end, and none begins any more: before what they go out by is closed. */
void events_close(struct events *e);
/* When that is closed. */
void events_free(struct events *e);

/* All that are there end; others may begin. */
void events_end_all(struct events *e);

/* Another listener; `at` is where it goes out. NULL: there are too many, or no memory. */
struct event_stream *events_join(
	struct events *e, const struct api_row *row, unsigned who, struct MHD_Connection *at);

/* The listener's thread, as libmicrohttpd wants them: more bytes; and it is gone. */
ssize_t events_read(void *stream, uint64_t pos, char *to, size_t room);
void events_leave(void *stream);

#endif
