/* report_faults.h - what is wrong with files, as JSON.
 */
#ifndef REPORT_REPORT_FAULTS_H
#define REPORT_REPORT_FAULTS_H

#include "base/fault.h"

#include <jansson.h>

/* "errors" and "warnings", how many there are, and "faults", those that are shown: each with
 * "severity", "message", and as far as it has a place "file", "line", "column". Into `to`. */
void report_faults(const struct faults *f, json_t *to);

#endif
