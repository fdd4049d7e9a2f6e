/* api_spec.h - the API described for programs (OpenAPI 3.1), made of its rows (api_rows.h).
 */
#ifndef WEB_API_SPEC_H
#define WEB_API_SPEC_H

#include "base/text.h"

/* Any thread. */
void api_spec(struct text *out);

#endif
