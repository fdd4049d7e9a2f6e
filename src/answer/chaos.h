/* chaos.h - who are you? Questions of class CHAOS about the server itself (RFC 4892).
 */
#ifndef ANSWER_CHAOS_H
#define ANSWER_CHAOS_H

#include "answer/compose.h"
#include "world/policy.h"

/* Answers version.bind, version.server, id.server and hostname.bind TXT as the policy allows;
 * everything else is refused. */
void chaos_answer(struct compose *c, const struct policy *policy);

#endif
