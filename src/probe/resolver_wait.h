/* resolver_wait.h - how long c-ares can be left alone.
 *
 * A file of its own since it hands a `struct timeval` to a library: on processors of 32 bits ours has times of 64, and those of the
 * library are as the distribution has them. The Makefile compiles this one as the compiler does by itself.
 */
#ifndef PROBE_RESOLVER_WAIT_H
#define PROBE_RESOLVER_WAIT_H

#include <ares.h>

/* Seconds until ares_process_fd() has to be called, at most one. */
double resolver_wait_s(ares_channel channel);

#endif
