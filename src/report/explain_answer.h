/* explain_answer.h - an answer as it was written, read back for people.
 */
#ifndef REPORT_EXPLAIN_ANSWER_H
#define REPORT_EXPLAIN_ANSWER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Of a response of our own: its RCODE, the records of the answer section and the ECS scope. */
json_t *explain_answer(const uint8_t *m, size_t len);

#endif
