#include "unit/daemon/houses.h"

#include "unit/unit.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_S = 20 };

void houses_turn(struct houses *hs)
{
	if (hs->one.runs)
		ev_run(hs->one.server.loop, EVRUN_NOWAIT);
	if (hs->two.runs)
		ev_run(hs->two.server.loop, EVRUN_NOWAIT);
	ev_sleep(0.002);
}

static bool says(struct house *h, const char *words, const char *what)
{
	const char *said = house_tell(h, words);

	return *what == '!' ? !strstr(said, what + 1) : strstr(said, what) != NULL;
}

void houses_wait(struct houses *hs, struct house *h, const char *words, const char *what)
{
	const ev_tstamp until = ev_time() + PATIENCE_S;

	while (ev_time() < until && !says(h, words, what))
		houses_turn(hs);
	if (says(h, words, what))
		return;
	printf("%s: waited for %s, got\n%s", words, what, text_get(&h->out));
	CU_FAIL("it does not come");
}

void houses_wait_address(struct houses *hs, struct house *h, const char *name, const char *what)
{
	const ev_tstamp until = ev_time() + PATIENCE_S;

	while (ev_time() < until && strcmp(house_ask(h, name), what) != 0)
		houses_turn(hs);
	CU_ASSERT_STRING_EQUAL(house_ask(h, name), what);
}

void houses_told(struct house *h, const char *words, int status, const char *what)
{
	if (says(h, words, what) && h->status == status)
		return;
	printf("%s: %d, wanted %s, got\n%s", words, h->status, what, text_get(&h->out));
	CU_FAIL("another answer");
}

void houses_agree(struct houses *hs, const char *words)
{
	char first[4000];

	snprintf(first, sizeof first, "%s", house_tell(&hs->one, words));
	CU_ASSERT_STRING_EQUAL(house_tell(&hs->two, words), first);
	CU_ASSERT_EQUAL(hs->two.status, 0);
}
