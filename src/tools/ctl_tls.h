/* ctl_tls.h - do the certificates that listeners show fit the names they are asked for by?
 */
#ifndef TOOLS_CTL_TLS_H
#define TOOLS_CTL_TLS_H

#include "base/fault.h"
#include "daemon/parts_read.h"

/* Warnings: of certificates that have ended, or nearly, or are to come; and of nameservers that our zones tell to speak
 * TLS (an SVCB record at _dns, RFC 9461), and that no certificate is for. What cannot be read is told elsewhere. */
void ctl_tls_check(const struct parts *p, struct faults *f);

#endif
