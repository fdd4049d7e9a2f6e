/* process_memory.h - how this process asks for memory, and what it keeps for when there is none.
 */
#ifndef DAEMON_PROCESS_MEMORY_H
#define DAEMON_PROCESS_MEMORY_H

struct ev_loop;

/* At the start, while there is enough of it. */
void process_memory(void);

/* A reserve that was used is made anew by that loop. */
void process_memory_refill(struct ev_loop *loop);

#endif
