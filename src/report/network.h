/* network.h - what is known of an address: where it is, who routes it, what was measured there.
 */
#ifndef REPORT_NETWORK_H
#define REPORT_NETWORK_H

#include "base/text.h"
#include "report/report_view.h"

#include <jansson.h>

json_t *network_json(const struct world *w, const struct addr *who);
void network_as_text(const json_t *network, struct text *out);

void network_report(
	const struct report_view *view, const struct addr *who, bool json, struct text *out);

#endif
