/* houses.h - two servers in one test, that know each other.
 */
#ifndef UNIT_DAEMON_HOUSES_H
#define UNIT_DAEMON_HOUSES_H

#include "unit/daemon/house.h"

struct houses {
	struct house one, two;
};

/* The loops of those that run, once. */
void houses_turn(struct houses *hs);

/* Turns both until the command's answer has `what` ("!what": has it not any more); one that never comes is a failure. */
void houses_wait(struct houses *hs, struct house *h, const char *words, const char *what);

/* The same of the addresses of a name: "192.0.2.1 192.0.2.2", "rcode 2". */
void houses_wait_address(struct houses *hs, struct house *h, const char *name, const char *what);

/* A command's answer is so now. */
void houses_told(struct house *h, const char *words, int status, const char *what);

/* Of both it is the same. */
void houses_agree(struct houses *hs, const char *words);

#endif
