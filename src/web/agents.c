#include "web/manage_inner.h"
#include "web/route.h"

#include "base/memory.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *header_field(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->at, MHD_HEADER_KIND, name);
}

static bool read_seal(struct request *r)
{
	uint64_t *counter = &manage_own_counts(r->manage)->malformed;
	const char *agent = header_field(r, SEAL_AGENT), *time = header_field(r, SEAL_TIME);
	const char *sequence = header_field(r, SEAL_SEQUENCE);

	r->signature = header_field(r, SEAL_SIGNATURE);
	r->seal.agent = agent;
	if (!agent || !time || !sequence || (!r->signature && !manage_is_certified(r->manage, r)))
		return manage_refuse(r, MHD_HTTP_UNAUTHORIZED, counter,
			"a request needs " SEAL_AGENT ", " SEAL_TIME ", " SEAL_SEQUENCE
			" and " SEAL_SIGNATURE ", or over TLS the agent's certificate for the last");
	if (!seal_number(time, &r->seal.time_s) || !seal_number(sequence, &r->seal.sequence))
		return manage_refuse(r, MHD_HTTP_BAD_REQUEST, counter,
			SEAL_TIME " is UNIX time in seconds, " SEAL_SEQUENCE
				  " in microseconds, and both are whole");
	return true;
}

static bool check_when(struct request *r)
{
	uint64_t *counter = &manage_own_counts(r->manage)->untimely;
	const uint64_t now = (uint64_t)time(NULL), sent = r->seal.time_s;

	switch (seal_when(&r->seal, now, manage_started_s(r->manage))) {
	case SEAL_LATE:
		return manage_refuse(r, MHD_HTTP_UNAUTHORIZED, counter,
			"late: it was sent %llu s ago, and %d s are allowed (are both clocks "
			"right?)",
			(unsigned long long)(now - sent), SEAL_PAST_S);
	case SEAL_EARLY:
		return manage_refuse(r, MHD_HTTP_UNAUTHORIZED, counter,
			"early: its time is %llu s ahead of ours, and %d s are allowed (are "
			"both clocks right?)",
			(unsigned long long)(sent - now), SEAL_FUTURE_S);
	case SEAL_AHEAD:
		return manage_refuse(
			r, MHD_HTTP_UNAUTHORIZED, counter, "its sequence is ahead of its time");
	case SEAL_STARTING:
		r->again_s = SEAL_FUTURE_S + 1;
		return manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, counter,
			"the server has just started; come again");
	case SEAL_SEEN:
	case SEAL_GOOD: break;
	}
	return true;
}

/* An agent speaks for its own edge only. */
static bool check_edge(struct request *r)
{
	const char *edge = MHD_lookup_connection_value(r->at, MHD_GET_ARGUMENT_KIND, "edge");

	if (r->kind != MANAGE_ASSIGNMENTS)
		return true;
	if (!edge)
		return manage_refuse(r, MHD_HTTP_BAD_REQUEST,
			&manage_own_counts(r->manage)->malformed,
			"which edge? (/v1/targets?edge=NAME)");
	return strcmp(edge, r->seal.agent) == 0 ||
		manage_refuse(r, MHD_HTTP_FORBIDDEN, &manage_own_counts(r->manage)->forged,
			"an agent may ask for its own edge only");
}

/* What agents may ask, when the header has come. */
static bool begin(struct request *r, enum manage_kind kind)
{
	r->kind = kind;
	r->seal.method = r->route->method;
	r->seal.target = r->target;
	return read_seal(r) && check_when(r) && check_edge(r);
}

static bool begin_report(struct request *r)
{
	return begin(r, MANAGE_REPORT);
}

static bool begin_assignments(struct request *r)
{
	return begin(r, MANAGE_ASSIGNMENTS);
}

/* --- all of it is there ------------------------------------------------------------------- */

/* One answer to whoever has no key, whatever else is wrong. Who has shown the agent's certificate may leave the
 * signature away; a wrong one is wrong. */
static bool check_signature(struct request *r)
{
	uint8_t key[SEAL_KEY];

	return (!r->signature && manage_is_certified(r->manage, r)) ||
		(r->signature && manage_key(r->manage, r->seal.agent, key) &&
		       seal_is_signed(r->signature, key, &r->seal, r->body.s, r->body.len)) ||
		manage_refuse(r, MHD_HTTP_UNAUTHORIZED, &manage_own_counts(r->manage)->forged,
			"there is no such agent (the nameserver's latency: agents), or this is not its signature or certificate");
}

/* Ages count back from when it was sent: agent's clock against agent's clock. */
static void age_rows(struct request *r)
{
	struct agent_report *s = &r->report;
	const uint64_t ago = r->seal.time_s > s->taken_s ? r->seal.time_s - s->taken_s : 0;

	for (size_t i = 0; i < s->n; i++) {
		const uint64_t age = s->rows[i].age_s + ago;
		s->rows[i].age_s = age < AGENT_REPORT_AGE_MOST_S ? (uint32_t)age
								 : AGENT_REPORT_AGE_MOST_S;
	}
}

static bool read_report(struct request *r)
{
	struct agent_counts *counts = manage_own_counts(r->manage);
	bool too_many;
	struct fault why;

	if (agent_report_decode(&r->report, text_get(&r->body), r->body.len, &too_many, &why)) {
		age_rows(r);
		return true;
	}
	return too_many
		? manage_refuse(
			  r, MHD_HTTP_CONTENT_TOO_LARGE, &counts->oversized, "%s", why.text)
		: manage_refuse(r, MHD_HTTP_BAD_REQUEST, &counts->malformed, "%s", why.text);
}

static bool check_all(struct request *r)
{
	struct agent_counts *counts = manage_own_counts(r->manage);

	if (!check_signature(r) || !check_when(r))
		return false;
	if (r->kind == MANAGE_REPORT && !read_report(r))
		return false;
	return manage_take(r->manage, r) != SEAL_SEEN ||
		manage_refuse(r, MHD_HTTP_CONFLICT, &counts->replayed,
			"a request with this sequence or a later one was taken before");
}

/* So that nobody on the way can have an agent send packets where he likes. */
static void sign_answer(struct request *r)
{
	struct seal s = r->seal;
	uint8_t key[SEAL_KEY];

	s.method = "ANSWER";
	if (manage_key(r->manage, s.agent, key))
		seal_sign(r->answer_signature, key, &s, r->answer.s, r->answer.len);
}

static bool act(struct request *r, const struct manage_hooks *hooks)
{
	struct agent_counts *counts = manage_own_counts(r->manage);

	if (r->kind == MANAGE_REPORT) {
		const size_t used = hooks->report(hooks->ctx, r->seal.agent, &r->report);
		__atomic_add_fetch(&counts->reports, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&counts->last_s, (uint64_t)time(NULL), __ATOMIC_RELAXED);
		__atomic_add_fetch(&counts->rows, used, __ATOMIC_RELAXED);
		text_addf(&r->answer, "{\"rows\": %zu, \"used\": %zu}\n", r->report.n + r->report.n_clients, used);
	} else {
		struct assignments e = { 0 };
		hooks->assignments(hooks->ctx, r->seal.agent, &e);
		char *text = assignments_encode(&e);
		if (!text) {
			manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "out of memory");
			return true;
		}
		__atomic_add_fetch(&counts->assignments, 1, __ATOMIC_RELAXED);
		text_addf(&r->answer, "%s\n", text);
		memory_free(text);
		sign_answer(r);
	}
	r->status = MHD_HTTP_OK;
	return true;
}

const struct route agents_routes[] = {
	{ "POST", "/v1/latency", begin_report, check_all, act, AGENT_REPORT_BYTES_MOST },
	{ "GET", "/v1/targets", begin_assignments, check_all, act, AGENT_REPORT_BYTES_MOST },
	{ 0 },
};
