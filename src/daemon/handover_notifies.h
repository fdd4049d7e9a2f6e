/* handover_notifies.h - NOTIFYs that came while another process gets ready in our place, until it has heard of them.
 *
 * A zone and who has told it are here once, however often it comes. The new process hears them when it serves: before
 * that it does not read, and what is more than its socket holds would be lost, and the words behind it. Loop.
 */
#ifndef DAEMON_HANDOVER_NOTIFIES_H
#define DAEMON_HANDOVER_NOTIFIES_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handover_notifies;

/* Never NULL. */
struct handover_notifies *handover_notifies_new(void);
void handover_notifies_free(struct handover_notifies *n); /* NULL is fine */

/* `name` as answer/news.h has it. */
void handover_notifies_add(struct handover_notifies *n, const uint8_t *name, const struct addr *from);

/* As many as the socket takes now. True: none is left. */
bool handover_notifies_send(struct handover_notifies *n, int to);

size_t handover_notifies_count(const struct handover_notifies *n);

/* Those that are left are heard by nobody. */
void handover_notifies_drop(struct handover_notifies *n);

#endif
