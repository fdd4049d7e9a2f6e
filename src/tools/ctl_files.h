/* ctl_files.h - may the server open what its configuration names, as the user that it will be?
 */
#ifndef TOOLS_CTL_FILES_H
#define TOOLS_CTL_FILES_H

#include "base/fault.h"
#include "daemon/parts_read.h"

/* What cannot be opened later on is told in `f`: of probes' files, which are opened while it
 * runs, as errors; of what is read at the start, perhaps as root, and again by a reload, as
 * warnings. */
void ctl_files_check(const struct parts *p, struct faults *f);

#endif
