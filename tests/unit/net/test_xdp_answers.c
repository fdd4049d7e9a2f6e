#include "net/xdp_answers.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include "base/clock.h"
#include "net/xdp_index.h"
#include "net/xdp_question.h"
#include "net/xdp_slots.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tables of our own, which no program reads: what it would give is looked up as it does. */
enum { CPUS = 2, WORKERS = 2, UNTIL_US = 60 * 1000 * 1000 };

static struct {
	struct asking x;
	struct epoch epoch;
	struct ev_loop *loop;
	struct xdp_maps maps;
	struct xdp_answers *answers;
	struct xdp_hot *hot[WORKERS];
} t;

static void *zeroed(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

static void start(void)
{
	struct fault why;

	asking_open(&t.x, false);
	CU_ASSERT_TRUE_FATAL(epoch_open(&t.epoch, &why));
	epoch_publish(&t.epoch, world_hold(t.x.world));
	t.loop = ev_loop_new(EVFLAG_AUTO);
	t.maps = (struct xdp_maps){ .questions = zeroed(XDP_GROUPS, sizeof(struct xdp_group)),
		.held = zeroed(2 * XDP_SLOTS, sizeof(struct xdp_held)),
		.held_long = zeroed(2 * XDP_SLOTS, sizeof(struct xdp_held_long)),
		.clients = zeroed(XDP_LINES, sizeof(struct xdp_line)),
		.given = zeroed((size_t)CPUS * XDP_SLOTS, sizeof(struct xdp_given)),
		.state = zeroed(1, sizeof(struct xdp_state)),
		.cpus = CPUS };
	t.answers = xdp_answers_new(&t.epoch);
	xdp_answers_add(t.answers, &t.maps);
	for (unsigned i = 0; i < WORKERS; i++)
		t.hot[i] = xdp_answers_hot(t.answers);
	xdp_answers_start(t.answers, t.loop);
}

static void stop(void)
{
	xdp_answers_free(t.answers);
	CU_ASSERT_EQUAL(t.maps.state->generation, 0);
	free(t.maps.questions);
	free(t.maps.held);
	free(t.maps.held_long);
	free(t.maps.clients);
	free(t.maps.given);
	free(t.maps.state);
	ev_loop_destroy(t.loop);
	epoch_close(&t.epoch);
	asking_close(&t.x);
}

/* --- what happens ------------------------------------------------------------------------- */

static void show_by(unsigned worker, const char *question)
{
	uint8_t packet[ASKING_PACKET];
	struct addr from;
	const size_t len = asking_packet(packet, question);

	addr_parse(&from, "9.9.9.9");
	xdp_hot_put(t.hot[worker], packet, len, &from);
}

static void show(const char *question, unsigned times)
{
	while (times--)
		show_by(0, question);
}

static bool is_read(void)
{
	return t.hot[0]->read == t.hot[0]->written && t.hot[1]->read == t.hot[1]->written;
}

static bool is_begun(void)
{
	return t.hot[0]->read > 0;
}

/* The loop runs until that is so. */
static bool until(bool (*is_so)(void))
{
	const uint64_t end = clock_us() + UNTIL_US;

	while (!is_so() && clock_us() < end)
		ev_run(t.loop, EVRUN_ONCE);
	return is_so();
}

/* A world of what was changed in `t.x` follows; `done` is called when it is about to. */
static void publish(void (*about)(void))
{
	asking_again(&t.x);
	xdp_answers_withdraw(t.answers, t.x.world);
	if (about)
		about();
	epoch_publish(&t.epoch, world_hold(t.x.world));
	xdp_answers_published(t.answers);
}

/* --- what the program would give ---------------------------------------------------------- */

static const struct xdp_held *current(uint32_t slot)
{
	const uint32_t generation = t.maps.state->generation;
	const struct xdp_held *h = &t.maps.held[(generation & 1) * XDP_SLOTS + slot];

	return generation && h->generation == generation ? h : NULL;
}

static const uint8_t *bytes_of(uint32_t slot)
{
	const struct xdp_held *h = current(slot);

	return h->len > XDP_SHORT ? t.maps.held_long[(h->generation & 1) * XDP_SLOTS + slot].bytes : h->bytes;
}

static uint64_t steered_to(uint32_t client, uint32_t set)
{
	const uint64_t is = xdp_client(client, set);
	const struct xdp_line *line = &t.maps.clients[xdp_client_line(is, t.maps.state->lines_bits)];

	for (unsigned i = 0; i < XDP_LINE; i++)
		if (xdp_client_is(line->of[i], is))
			return line->of[i];
	return 0;
}

/* The slot of the answer; XDP_NO_SLOT: the query goes up. */
static uint32_t gives(const char *question)
{
	uint8_t packet[ASKING_PACKET];
	struct xdp_question q;
	const size_t len = asking_packet(packet, question);

	if (!xdp_question_read(&q, packet, len))
		return XDP_NO_SLOT;
	uint32_t slot = xdp_index_find(t.maps.questions, xdp_question_hash(&q, t.maps.state->seed));
	const struct xdp_held *h = slot < XDP_SLOTS ? current(slot) : NULL;
	if (h && (h->rest != q.rest || memcmp(h->words, q.words, sizeof h->words) != 0))
		h = NULL;
	if (h && h->set) {
		const uint64_t is = steered_to(q.says & XDP_ECS ? xdp_question_subnet(packet, len) : 0x09090909, h->set);
		slot = xdp_client_slot(is);
		h = is ? current(slot) : NULL;
	}
	return h ? slot : XDP_NO_SLOT;
}

static bool is_as_answered(const char *question)
{
	uint8_t packet[ASKING_PACKET], subnet[4] = { 0 };
	const uint32_t slot = gives(question);
	const size_t len = asking_packet(packet, question);
	struct xdp_question q;

	if (slot == XDP_NO_SLOT || !xdp_question_read(&q, packet, len))
		return false;
	const struct xdp_held *h = current(slot);
	const size_t at = 12 + xdp_question_len(&q);
	uint8_t bytes[XDP_BYTES_MOST];

	asking_bytes(&t.x, packet, len, false);
	memcpy(bytes, bytes_of(slot), h->len);
	if (h->subnet_at) {
		memcpy(subnet, t.x.reply + h->subnet_at - 1, sizeof subnet);
		memcpy(bytes + (h->subnet_at - 1 - at), subnet, sizeof subnet);
	}
	return t.x.len == at + h->len && memcmp(t.x.reply + at, bytes, h->len) == 0;
}

#define MAIL "mail A edns"
#define WWW  "www A ecs=1.0.1.0/24"
#define FAR  "www A ecs=2.0.1.0/24"

static bool gives_mail(void)
{
	return gives(MAIL) != XDP_NO_SLOT;
}

static bool gives_www(void)
{
	return gives(WWW) != XDP_NO_SLOT;
}

static bool gives_far(void)
{
	return gives(FAR) != XDP_NO_SLOT;
}

/* --- claims ------------------------------------------------------------------------------- */

static void what_is_asked_more_than_once_is_held(void)
{
	show(MAIL, 1);
	CU_ASSERT_TRUE(until(is_read));
	CU_ASSERT_FALSE(gives_mail());
	CU_ASSERT_EQUAL(xdp_answers_held(t.answers), 0);
	show(MAIL, 2);
	CU_ASSERT_TRUE(until(gives_mail));
	CU_ASSERT_EQUAL(xdp_answers_held(t.answers), 1);
	CU_ASSERT_TRUE(is_as_answered(MAIL));
	/* Other questions are others. */
	CU_ASSERT_EQUAL(gives("mail A"), XDP_NO_SLOT);
	CU_ASSERT_EQUAL(gives("mail AAAA edns"), XDP_NO_SLOT);
}

static void what_nobody_may_have_is_not_held_however_often_it_is_asked(void)
{
	static const char *const never[] = { "many A edns", "turn A ecs=1.0.1.0/24", "example. AXFR", "mail A nsid",
		"mail A cookie=0011223344556677", "mail A class=3" };

	for (unsigned i = 0; i < UNIT_COUNT(never); i++)
		show(never[i], 5);
	show(MAIL, 2);
	CU_ASSERT_TRUE(until(gives_mail));
	CU_ASSERT_TRUE(until(is_read));
	for (unsigned i = 0; i < UNIT_COUNT(never); i++)
		CU_ASSERT_EQUAL(gives(never[i]), XDP_NO_SLOT);
	CU_ASSERT_EQUAL(xdp_answers_held(t.answers), 1);
}

static void each_client_of_a_pool_has_its_own(void)
{
	show(WWW, 2);
	CU_ASSERT_TRUE(until(gives_www));
	CU_ASSERT_FALSE(gives_far());
	show(FAR, 1);
	CU_ASSERT_TRUE(until(gives_far));
	CU_ASSERT_NOT_EQUAL(gives(WWW), gives(FAR));
	CU_ASSERT_TRUE(is_as_answered(WWW));
	CU_ASSERT_TRUE(is_as_answered(FAR));
	CU_ASSERT_EQUAL(xdp_answers_held(t.answers), 2);
	/* Of who gets the same one is held. */
	show("www A ecs=1.0.2.0/24", 1);
	CU_ASSERT_TRUE(until(is_read));
	CU_ASSERT_EQUAL(gives("www A ecs=1.0.2.0/24"), gives(WWW));
	CU_ASSERT_EQUAL(xdp_answers_held(t.answers), 2);
}

static void nothing_is_given(void)
{
	CU_ASSERT_FALSE(gives_mail());
	CU_ASSERT_FALSE(gives_www());
	CU_ASSERT_FALSE(gives_far());
}

static void hold_three(void)
{
	show(MAIL, 2);
	show(WWW, 2);
	show(FAR, 1);
	CU_ASSERT_TRUE_FATAL(until(gives_mail) && until(gives_www) && until(gives_far));
}

static void news_of_health_withdraw_all_before_anybody_has_them(void)
{
	hold_three();
	uint8_t was[XDP_BYTES_MOST];
	const uint16_t len = current(gives(WWW))->len;
	memcpy(was, bytes_of(gives(WWW)), len);
	/* ams, which has it. */
	t.x.states[0] = EDGE_DOWN;
	publish(nothing_is_given);
	nothing_is_given();
	CU_ASSERT_TRUE(until(gives_mail) && until(gives_www));
	CU_ASSERT_TRUE(is_as_answered(MAIL));
	CU_ASSERT_TRUE(is_as_answered(WWW));
	CU_ASSERT_NOT_EQUAL(memcmp(was, bytes_of(gives(WWW)), len), 0);
	/* Who else is steered anew comes in by asking. */
	CU_ASSERT_FALSE(gives_far());
	show(FAR, 1);
	CU_ASSERT_TRUE(until(gives_far));
	CU_ASSERT_TRUE(is_as_answered(FAR));
}

static void clients_stay_where_all_are_steered_as_before(void)
{
	hold_three();
	const uint32_t www = gives(WWW), far = gives(FAR);
	publish(nothing_is_given);
	CU_ASSERT_TRUE(until(gives_mail) && until(gives_www) && until(gives_far));
	CU_ASSERT_EQUAL(gives(WWW), www);
	CU_ASSERT_EQUAL(gives(FAR), far);
	CU_ASSERT_EQUAL(xdp_answers_held(t.answers), 3);
}

/* The second comes before what is held was made for the first. */
static void of_two_publications_at_once_the_second_counts(void)
{
	hold_three();
	t.x.states[0] = EDGE_DOWN;
	publish(nothing_is_given);
	t.x.states[0] = EDGE_UP;
	publish(nothing_is_given);
	CU_ASSERT_TRUE(until(gives_mail) && until(gives_www));
	CU_ASSERT_TRUE(is_as_answered(WWW));
	CU_ASSERT_FALSE(gives_far());
}

static void what_looks_at_each_query_ends_it(void)
{
	hold_three();
	t.x.policy.log_every = 1;
	publish(nothing_is_given);
	CU_ASSERT_STRING_EQUAL(xdp_answers_why_not(t.answers), "all queries are logged");
	show(MAIL, 5);
	CU_ASSERT_TRUE(until(is_read));
	nothing_is_given();
	CU_ASSERT_EQUAL(t.maps.state->generation, 0);
	t.x.policy.log_every = 0;
	publish(nothing_is_given);
	CU_ASSERT_STRING_EQUAL(xdp_answers_why_not(t.answers), "");
	CU_ASSERT_TRUE(until(gives_mail));
	CU_ASSERT_TRUE(is_as_answered(MAIL));
}

static void many_publications_never_have_a_generation_of_none(void)
{
	hold_three();
	for (unsigned i = 0; i < 5; i++) {
		const uint32_t was = t.maps.state->generation;
		publish(nothing_is_given);
		CU_ASSERT_TRUE(until(gives_mail));
		CU_ASSERT_NOT_EQUAL(t.maps.state->generation, was);
	}
}

static bool is_counted(void)
{
	return xdp_answers_stats(t.answers)->in_kernel == 12;
}

static void give(unsigned cpu, bool is_v6, uint32_t slot, unsigned times)
{
	t.maps.given[(size_t)cpu * XDP_SLOTS + slot].n[is_v6] += times;
}

static void what_was_given_is_counted_once(void)
{
	const struct stats *s = xdp_answers_stats(t.answers);

	/* From where it was left on, which soon begins anew at 0. */
	memset(t.maps.given, 0xff, (size_t)CPUS * XDP_SLOTS * sizeof *t.maps.given);
	hold_three();
	give(0, false, gives(MAIL), 4);
	give(1, true, gives(MAIL), 3);
	give(1, false, gives(WWW), 5);
	CU_ASSERT_TRUE(until(is_counted));
	CU_ASSERT_EQUAL(s->queries[VIA_UDP], 12);
	CU_ASSERT_EQUAL(s->queries_v6[VIA_UDP], 3);
	CU_ASSERT_EQUAL(s->steered, 5);
	/* By a publication, too, which counts what it ends. */
	give(0, false, gives(FAR), 2);
	t.x.states[0] = EDGE_DOWN;
	publish(NULL);
	CU_ASSERT_TRUE(until(gives_mail) && until(gives_www));
	CU_ASSERT_EQUAL(s->in_kernel, 14);
	CU_ASSERT_EQUAL(s->steered, 7);
}

/* So that none of what is held is idle, however long the test takes. */
static void all_are_asked(void)
{
	for (unsigned i = 0; i < XDP_SLOTS; i++)
		t.maps.given[i].n[0]++;
}

/* As many as there are slots, but for a place here and there in groups that none of the last questions has. */
static void so_many_are_held_and_no_more(void)
{
	char question[40], none[40] = "";
	unsigned held = 0;

	for (unsigned i = 0; i < XDP_SLOTS + 200; i++) {
		snprintf(question, sizeof question, "none%u A edns", i);
		show(question, 2);
		if (i % 20 == 19) {
			CU_ASSERT_TRUE(until(is_read));
			all_are_asked();
		}
	}
	CU_ASSERT_TRUE(until(is_read));
	for (unsigned i = 0; i < XDP_SLOTS + 200; i++) {
		snprintf(question, sizeof question, "none%u A edns", i);
		const bool is_held = gives(question) != XDP_NO_SLOT;
		held += is_held;
		if (!is_held)
			memcpy(none, question, sizeof none);
	}
	CU_ASSERT_EQUAL(xdp_answers_held(t.answers), held);
	CU_ASSERT_TRUE(held <= XDP_SLOTS && held > XDP_SLOTS / 100 * 98);
	show(none, 5);
	CU_ASSERT_TRUE(until(is_read));
	CU_ASSERT_EQUAL(gives(none), XDP_NO_SLOT);
	CU_ASSERT_EQUAL(xdp_answers_held(t.answers), held);
}

static void all_workers_are_looked_at(void)
{
	char question[40];

	for (unsigned i = 0; i < XDP_HOT_RING; i++) {
		snprintf(question, sizeof question, "none%u A edns", i);
		show_by(0, question);
	}
	for (unsigned i = 0; i < 2; i++)
		show_by(1, MAIL);
	/* A ring that was full, of little use, is shown less of; a turn may have no time for all of it. */
	CU_ASSERT_TRUE(until(is_begun));
	CU_ASSERT_EQUAL(t.hot[0]->every, 2);
	CU_ASSERT_TRUE(until(is_read));
	CU_ASSERT_TRUE(gives_mail());
	CU_ASSERT_EQUAL(t.hot[1]->every, 1);
}

/* Each begins with nothing. */
#define CASE(name) \
	static void run_##name(void) \
	{ \
		start(); \
		name(); \
		stop(); \
	}
CASE(what_is_asked_more_than_once_is_held)
CASE(what_nobody_may_have_is_not_held_however_often_it_is_asked)
CASE(each_client_of_a_pool_has_its_own)
CASE(news_of_health_withdraw_all_before_anybody_has_them)
CASE(clients_stay_where_all_are_steered_as_before)
CASE(of_two_publications_at_once_the_second_counts)
CASE(what_looks_at_each_query_ends_it)
CASE(many_publications_never_have_a_generation_of_none)
CASE(what_was_given_is_counted_once)
CASE(so_many_are_held_and_no_more)
CASE(all_workers_are_looked_at)

static const struct unit_case cases[] = {
	{ "what is asked more than once is held", run_what_is_asked_more_than_once_is_held },
	{ "what nobody may have is not held, however often it is asked",
		run_what_nobody_may_have_is_not_held_however_often_it_is_asked },
	{ "each client of a pool has its own", run_each_client_of_a_pool_has_its_own },
	{ "news of health withdraw all before anybody has them",
		run_news_of_health_withdraw_all_before_anybody_has_them },
	{ "clients stay where all are steered as before", run_clients_stay_where_all_are_steered_as_before },
	{ "of two publications at once the second counts", run_of_two_publications_at_once_the_second_counts },
	{ "what looks at each query ends it", run_what_looks_at_each_query_ends_it },
	{ "many publications never have a generation of none", run_many_publications_never_have_a_generation_of_none },
	{ "what was given is counted once", run_what_was_given_is_counted_once },
	{ "so many are held and no more", run_so_many_are_held_and_no_more },
	{ "all workers are looked at", run_all_workers_are_looked_at },
};

void suite_xdp_answers(void);
void suite_xdp_answers(void)
{
	unit_suite("net/xdp_answers", cases, UNIT_COUNT(cases));
}
