/* choice_counts_new.h - room for what a worker keeps (answer/choice_counts.h).
 */
#ifndef NET_CHOICE_COUNTS_NEW_H
#define NET_CHOICE_COUNTS_NEW_H

#include "answer/choice_counts.h"

/* Pages come when they are touched. Never NULL. */
struct choice_counts *choice_counts_new(void);
void choice_counts_free(struct choice_counts *b);

#endif
