/* api_door.c - requests of the API as they come: paths, queries, bodies. In the listener's thread, but for the last
 * step.
 */
#include "web/api_rows.h"
#include "web/api_spec.h"
#include "web/manage_inner.h"
#include "web/route.h"

#include "base/who.h"
#include "net/unix_listen.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define ROOT "/api/v1"

enum { BODY_MOST = 1 << 20 };
static const char bearer[] = "Bearer ";

static bool unauthorized(struct request *r)
{
	return manage_refuse(r, MHD_HTTP_UNAUTHORIZED, NULL,
		"a token is wanted (\"waymarkctl token add\"), as: Authorization: Bearer TOKEN");
}

static bool is_spec(const struct request *r)
{
	return strcmp(r->target, ROOT "/openapi.json") == 0;
}

/* Who asks without a token at the Unix socket is whom the kernel says; not a user whose number the audit would take
 * for a token's. */
static bool has_peer(struct request *r)
{
	return unix_peer(MHD_get_connection_info(r->at, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, &r->uid) &&
		r->uid < WHO_TOKEN;
}

static bool begin(struct request *r, const char *method)
{
	const char *auth = MHD_lookup_connection_value(r->at, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	const size_t len = strcspn(r->target, "?");
	const struct api_row *other;
	char path[2048];

	if (is_spec(r))
		return true;
	if (auth && strncmp(auth, bearer, sizeof bearer - 1) == 0)
		r->bearer = auth + sizeof bearer - 1;
	else if (auth || !r->is_local || !has_peer(r))
		return unauthorized(r);
	if (len >= sizeof path)
		return manage_refuse(r, MHD_HTTP_URI_TOO_LONG, NULL, "the path is too long");
	memcpy(path, r->target, len);
	path[len] = 0;
	r->api = calloc(1, sizeof *r->api);
	if (!r->api)
		return manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "out of memory");
	if (api_row_find(r->api, method, path + strlen(ROOT), &other))
		return true;
	r->allow = other ? other->method : NULL;
	return other ? manage_refuse(r, MHD_HTTP_METHOD_NOT_ALLOWED, NULL, "%s takes %s", other->path, other->method)
		     : manage_refuse(r, MHD_HTTP_NOT_FOUND, NULL, "there is nothing here (" ROOT "/openapi.json has all paths)");
}

static bool begin_get(struct request *r)
{
	return begin(r, "GET");
}

static bool begin_post(struct request *r)
{
	return begin(r, "POST");
}

static bool begin_delete(struct request *r)
{
	return begin(r, "DELETE");
}

struct adding {
	struct api_call *call;
	struct fault *why;
	bool ok;
};

static enum MHD_Result add(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct adding *a = ctx;

	(void)kind;
	a->ok = a->ok && api_add(a->call, name, value ? value : "", a->why);
	return a->ok ? MHD_YES : MHD_NO;
}

static bool take_members(struct request *r)
{
	struct fault why = { 0 };
	struct adding adding = { r->api, &why, true };

	if (is_spec(r))
		return true;
	if (strcmp(r->api->row->method, "POST") == 0)
		adding.ok = api_add_body(r->api, text_get(&r->body), r->body.len, &why);
	else
		MHD_get_connection_values(r->at, MHD_GET_ARGUMENT_KIND, add, &adding);
	if (adding.ok && r->api->row->words)
		adding.ok = api_words(r->api, &why);
	return adding.ok || manage_refuse(r, MHD_HTTP_BAD_REQUEST, NULL, "%s", why.text);
}

static bool act(struct request *r, const struct manage_hooks *hooks)
{
	if (is_spec(r)) {
		api_spec(&r->answer);
		r->status = MHD_HTTP_OK;
		return true;
	}
	switch (hooks->api ? hooks->api(hooks->ctx, r) : MANAGE_OFF) {
	case MANAGE_LATER: return false;
	case MANAGE_OFF:
		manage_refuse(r, MHD_HTTP_NOT_FOUND, NULL, "there is no API here (management: { api: on } has it)");
		return true;
	case MANAGE_BUSY: break;
	}
	manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "too much is going on; try again");
	return true;
}

const struct route api_routes[] = {
	{ "GET", ROOT "/", begin_get, take_members, act, 0 },
	{ "POST", ROOT "/", begin_post, take_members, act, BODY_MOST },
	{ "DELETE", ROOT "/", begin_delete, take_members, act, 0 },
	{ 0 },
};
