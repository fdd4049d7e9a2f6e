/* polite.h - a thread that gives way to all others of the machine, but not while others wait for it.
 *
 * Nice 10: beside one that is busy it still has a tenth of a processor, so that a command ends
 * under a flood, too (at 19 it is a seventieth). What it holds, nobody else gets while it waits: so
 * it is as urgent as others for as long as it holds a lock that they wait for. All of it is of
 * the thread that calls; one that is not polite may call, too, and nothing happens.
 */
#ifndef BASE_POLITE_H
#define BASE_POLITE_H

/* From now on. */
void polite_begin(void);

/* Before it waits for the lock, and when it has given it back; not one within the other. Where
 * the limits forbid to become urgent again (polite_allow()) it stays polite. */
void polite_pause(void);
void polite_resume(void);

/* Threads may become as urgent again as the process is now, also when it is root no more: where
 * that can be had, since it is root still, or its limits say so (RLIMIT_NICE). */
void polite_allow(void);

#endif
