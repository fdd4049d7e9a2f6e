/* report_busiest.h - which names are asked for most, and by whom, as text and JSON.
 */
#ifndef REPORT_REPORT_BUSIEST_H
#define REPORT_REPORT_BUSIEST_H

#include "base/frequent.h"
#include "base/text.h"

#include <stdbool.h>

/* Keys are wire names, or an address of 16 bytes and the length of its prefix. */
enum report_busiest_kind { REPORT_BUSIEST_NAMES, REPORT_BUSIEST_SOURCES, REPORT_BUSIEST_SUBNETS, REPORT_BUSIEST_KINDS };

enum { REPORT_BUSIEST_MOST = 20 };

struct report_busiest {
	unsigned every;  /* so many queries are one sample */
	double looked_s; /* since when */
	double mean_s;   /* counts are of so long */
	double queries;  /* all of them, as counted */
	size_t n[REPORT_BUSIEST_KINDS];
	struct frequent_key first[REPORT_BUSIEST_KINDS][REPORT_BUSIEST_MOST];
};

void report_busiest(const struct report_busiest *b, bool json, struct text *out);

#endif
