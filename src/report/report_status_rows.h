/* report_status_rows.h - the numbers of a status, in sections.
 */
#ifndef REPORT_REPORT_STATUS_ROWS_H
#define REPORT_REPORT_STATUS_ROWS_H

#include <jansson.h>
#include <stddef.h>

struct report_view;

enum { STATUS_ROWS_MOST = 256 };

/* What a status is made of; text and JSON say the same. A row without a key begins a section of
 * the text. Keys and labels are literals. */
struct status_row {
	const char *key, *label;
	json_int_t value;
};

struct status_rows {
	struct status_row list[STATUS_ROWS_MOST];
	size_t n;
};

/* Any thread. */
void report_status_rows(const struct report_view *view, struct status_rows *to);

#endif
