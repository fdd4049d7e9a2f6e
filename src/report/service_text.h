/* service_text.h - the data of an HTTPS or SVCB record of ours, as zone files have it.
 */
#ifndef REPORT_SERVICE_TEXT_H
#define REPORT_SERVICE_TEXT_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

/* Adds "1 . alpn=h3,h2 ipv4hint=192.0.2.10". The data is whole and in ServiceMode of the name
 * itself, as pools answer it; false for any other: nothing is added. */
bool service_text(struct text *to, const uint8_t *rdata, size_t len);

#endif
