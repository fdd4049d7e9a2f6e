/* manage_inner.h - a request on its way; between manage.c and its parts only.
 */
#ifndef WEB_MANAGE_INNER_H
#define WEB_MANAGE_INNER_H

#include "web/manage.h"

#include "base/text.h"

struct long_answer;
struct MHD_Connection;
struct page_file;

enum manage_kind { MANAGE_REPORT, MANAGE_ASSIGNMENTS, MANAGE_KINDS };

struct request {
	struct manage *manage;
	struct MHD_Connection *at;
	struct request *next; /* in the queue of the control thread */
	char *target;         /* as it was sent */
	bool begun;
	const struct route *route; /* NULL: none, and it is refused */
	enum manage_kind kind;     /* of an agent */
	bool open;                 /* of numbers: OpenMetrics */
	struct api_call *api;      /* of the API; own */
	const char *bearer;        /* ... as it was sent; the connection's; NULL: it is `uid` who asks */
	bool is_local;             /* it has come by the Unix socket */
	unsigned uid;              /* ... from that user; where there is no `bearer` */
	struct event_stream *stream; /* of events: the answer; own, until that is sent. NULL: it is none */
	struct long_answer *pieces; /* the answer as it is made; the same */
	struct seal seal; /* `agent` and `method` belong to the connection */
	const char *signature;
	struct text body;
	size_t swallowed;
	struct agent_report report;

	unsigned status;                 /* of the answer; 0: there is none yet */
	unsigned again_s;                /* Retry-After; 0: none */
	char answer_signature[SEAL_HEX]; /* "": none */
	struct text answer;
	const char *type;  /* of the answer, a literal; NULL: JSON */
	const struct page_file *page; /* ... is this file, in the place of `answer`; NULL */
	const char *allow; /* the method that the path takes; NULL */
};

/* The listener's thread. The answer is a refusal, and why; the first one counts. `counter` is
 * one of manage_counts or NULL. Always false. */
__attribute__((format(printf, 4, 5))) bool manage_refuse(
	struct request *r, unsigned status, uint64_t *counter, const char *fmt, ...);

/* The counters; for manage_refuse(). */
struct agent_counts *manage_own_counts(struct manage *m);

/* Copies the key of an agent; false when there is none. */
bool manage_key(struct manage *m, const char *agent, uint8_t key[static SEAL_KEY]);
/* The listener's thread: has it come from who has shown that agent's certificate? */
bool manage_is_certified(struct manage *m, const struct request *r);
/* Takes a signed request's sequence. */
enum seal_verdict manage_take(struct manage *m, const struct request *r);
/* As seal_when() wants it; any thread. */
uint64_t manage_started_s(struct manage *m);

/* Control thread: it comes from who may be here, and is not hung up on before it is answered. */
void manage_welcome(const struct request *r);

/* The answer of a request whose route has said "not yet" is there now, or begins. Control thread, or the one that makes it. */
void manage_answered(struct request *r);

#endif
