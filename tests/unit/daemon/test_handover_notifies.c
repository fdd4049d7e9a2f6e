#include "daemon/handover_notifies.h"

#include "unit/unit.h"

#include "base/fd_pass.h"
#include "daemon/handover.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ZONES = 3000 };

/* "zNNNN." */
static void name_of(unsigned i, uint8_t to[static 8])
{
	snprintf((char *)to + 1, 7, "z%04u", i);
	to[0] = 5;
	to[6] = 0;
}

static void more_than_the_socket_holds_all_arrive_once_and_in_their_order(void)
{
	struct handover_notifies *n = handover_notifies_new();
	const struct addr from = addr_from_v4((const uint8_t[]){ 192, 0, 2, 1 });
	struct handover m;
	uint8_t name[8];
	unsigned heard = 0, blocked = 0, wrong = 0;
	int ends[2];

	CU_ASSERT_FATAL(fd_pass_pair(ends));
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	for (unsigned i = 0; i < 2 * ZONES; i++) { /* each twice */
		name_of(i % ZONES, name);
		handover_notifies_add(n, name, &from);
	}
	CU_ASSERT_EQUAL(handover_notifies_count(n), ZONES);
	for (bool done = false; !done;) {
		done = handover_notifies_send(n, ends[0]);
		blocked += !done;
		while (fd_pass_hear(ends[1], &m, sizeof m) == sizeof m) {
			name_of(heard++, name);
			wrong += m.word != HANDOVER_NOTIFY || memcmp(m.of.notify.name, name, 7) != 0 ||
				memcmp(&m.of.notify.from, &from, sizeof from) != 0;
		}
	}
	CU_ASSERT(blocked > 0);
	CU_ASSERT_EQUAL(heard, ZONES);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(handover_notifies_count(n), 0);
	close(ends[0]);
	close(ends[1]);
	handover_notifies_free(n);
}

static void two_who_tell_of_one_zone_are_two_and_what_is_dropped_is_gone(void)
{
	struct handover_notifies *n = handover_notifies_new();
	const struct addr a = addr_from_v4((const uint8_t[]){ 192, 0, 2, 1 }), b = addr_from_v4((const uint8_t[]){ 192, 0, 2, 2 });
	uint8_t name[8];

	name_of(1, name);
	handover_notifies_add(n, name, &a);
	handover_notifies_add(n, name, &b);
	CU_ASSERT_EQUAL(handover_notifies_count(n), 2);
	CU_ASSERT(!handover_notifies_send(n, -1));
	CU_ASSERT_EQUAL(handover_notifies_count(n), 2);
	handover_notifies_drop(n);
	CU_ASSERT(handover_notifies_send(n, -1));
	handover_notifies_add(n, name, &a);
	CU_ASSERT_EQUAL(handover_notifies_count(n), 1);
	handover_notifies_free(n);
}

void suite_handover_notifies(void)
{
	static const struct unit_case cases[] = {
		{ "more than the socket holds all arrive once and in their order", more_than_the_socket_holds_all_arrive_once_and_in_their_order },
		{ "two who tell of one zone are two, and what is dropped is gone", two_who_tell_of_one_zone_are_two_and_what_is_dropped_is_gone },
	};

	unit_suite("daemon/handover_notifies", cases, UNIT_COUNT(cases));
}
