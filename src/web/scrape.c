/* scrape.c - what machines that watch over servers ask: numbers for Prometheus, and whether it
 * lives and may have queries.
 */
#include "web/manage_inner.h"
#include "web/route.h"

#include "report/metrics_text.h"

#include <microhttpd.h>

static bool take_form(struct request *r)
{
	r->open = metrics_accept_open(
		MHD_lookup_connection_value(r->at, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
	return true;
}

static bool give_metrics(struct request *r, const struct manage_hooks *hooks)
{
	switch (hooks->metrics ? hooks->metrics(hooks->ctx, r, r->open) : MANAGE_BUSY) {
	case MANAGE_LATER: return false;
	case MANAGE_OFF:
		manage_refuse(r, MHD_HTTP_NOT_FOUND, NULL,
			"numbers are not given here (management: { metrics: on } has them)");
		return true;
	case MANAGE_BUSY: break;
	}
	manage_refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "too much is going on; try again");
	return true;
}

/* It lives when the control thread says so: that of HTTP may live longer. */
static bool give_health(struct request *r, const struct manage_hooks *hooks)
{
	(void)hooks;
	text_add(&r->answer, "lives\n");
	r->type = "text/plain; charset=utf-8";
	r->status = MHD_HTTP_OK;
	return true;
}

static bool give_ready(struct request *r, const struct manage_hooks *hooks)
{
	const bool ready = hooks->ready && hooks->ready(hooks->ctx, &r->answer);

	r->type = "text/plain; charset=utf-8";
	r->status = ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	return true;
}

const struct route scrape_routes[] = {
	{ "GET", "/metrics", take_form, NULL, give_metrics, 0 },
	{ "GET", "/healthz", NULL, NULL, give_health, 0 },
	{ "GET", "/readyz", NULL, NULL, give_ready, 0 },
	{ 0 },
};
