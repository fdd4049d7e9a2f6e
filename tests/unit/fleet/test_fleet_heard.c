#include "fleet/fleet_inner.h"

#include "base/clock.h"
#include "base/memory.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A server that hears, and one that speaks; neither has an engine. */
struct two {
	struct fleet here, there;
	unsigned taken;
	char last[64];
	bool kept;
};

static void take(void *ctx, const struct fleet_news *n)
{
	struct two *t = ctx;

	t->taken++;
	t->kept = n->kept;
	memcpy(t->last, n->bytes, n->len < sizeof t->last - 1 ? n->len : sizeof t->last - 1);
	t->last[n->len < sizeof t->last - 1 ? n->len : sizeof t->last - 1] = 0;
	CU_ASSERT_STRING_EQUAL(n->server, "ns2");
}

static void two_open(struct two *t)
{
	static const uint8_t secret[FLEET_SECRET] = { 1 };

	memset(t, 0, sizeof *t);
	t->here.opts.server = "ns1";
	t->there.opts.server = "ns2";
	t->here.life = t->there.life = 7;
	t->here.opts.name = t->there.opts.name = "test";
	fleet_keys_make(&t->here.keys, "test", secret, NULL);
	fleet_keys_make(&t->there.keys, "test", secret, NULL);
	t->here.mates = memory_zeroed(FLEET_MATES_MOST, sizeof *t->here.mates);
	fleet_follow(&t->here, FLEET_HEALTH, &(struct fleet_follower){ .ctx = t, .take = take });
}

static void two_close(struct two *t)
{
	for (size_t i = 0; i < t->here.n_mates; i++) {
		json_decref(t->here.mates[i]->hello);
		free(t->here.mates[i]);
	}
	memory_free(t->here.mates);
}

/* As it would come from the engine. */
static uint8_t *say(struct two *t, enum fleet_topic topic, const char *text, size_t *len)
{
	return fleet_record_write(&t->there, topic, (const uint8_t *)text, strlen(text), len);
}

static void hear(struct two *t, enum fleet_topic topic, const char *text)
{
	size_t len;
	uint8_t *sealed = say(t, topic, text, &len);

	fleet_heard_take(&t->here, sealed, len, false, NULL);
	free(sealed);
}

static void what_is_said_is_heard_once_and_in_its_order(void)
{
	static struct two t;
	size_t n, m;

	two_open(&t);
	uint8_t *first = say(&t, FLEET_HEALTH, "first", &n), *second = say(&t, FLEET_HEALTH, "second", &m);
	fleet_heard_take(&t.here, second, m, false, NULL);
	CU_ASSERT(t.taken == 1 && strcmp(t.last, "second") == 0 && !t.kept);
	fleet_heard_take(&t.here, second, m, false, NULL);
	fleet_heard_take(&t.here, first, n, false, NULL);
	CU_ASSERT_EQUAL(t.taken, 1);
	/* What is kept may be what was heard, but is nothing older; and of him whose it is. */
	fleet_heard_take(&t.here, second, m, true, "ns2");
	CU_ASSERT(t.taken == 2 && t.kept);
	fleet_heard_take(&t.here, first, n, true, "ns2");
	fleet_heard_take(&t.here, second, m, true, "ns3");
	CU_ASSERT_EQUAL(t.taken, 2);
	/* A later life begins to count anew. */
	t.there.life++;
	t.there.number = 0;
	hear(&t, FLEET_HEALTH, "third");
	CU_ASSERT(t.taken == 3 && strcmp(t.last, "third") == 0);
	free(first);
	free(second);
	two_close(&t);
}

/* Servers of one version and the next are in one fleet while they are upgraded. */
static void a_newer_server_is_understood_as_far_as_we_know_it(void)
{
	static struct two t;

	two_open(&t);
	hear(&t, (enum fleet_topic)FLEET_TOPICS, "of a topic that there is not yet");
	hear(&t, (enum fleet_topic)255, "nor this");
	hear(&t, FLEET_ZONES, "which nobody follows here");
	CU_ASSERT(t.taken == 0 && t.here.counts.forged == 0 && t.here.counts.heard == 3);
	/* A sign of life with more in it than we know; and one that is none, which changes nothing. */
	hear(&t, FLEET_HELLO, "{\"every_ms\":2000,\"region\":\"eu\",\"moon\":{\"phase\":[1,2]},\"version\":\"9.0\"}");
	CU_ASSERT(fleet_mates(&t.here) == 1 && fleet_live(&t.here) == 1);
	hear(&t, FLEET_HELLO, "[\"not an object\"]");
	hear(&t, FLEET_HELLO, "nor JSON");
	const struct fleet_mate m = fleet_mate(&t.here, 0);
	CU_ASSERT(m.live && strcmp(m.region, "eu") == 0 && strcmp(m.server, "ns2") == 0);
	hear(&t, FLEET_HEALTH, "and what we know");
	CU_ASSERT_EQUAL(t.taken, 1);
	two_close(&t);
}

static void what_nobody_with_the_secret_has_said_is_passed_over(void)
{
	static struct two t;
	uint8_t bytes[200];
	uint64_t rng = 5;
	size_t len;

	two_open(&t);
	uint8_t *sealed = say(&t, FLEET_HEALTH, "text", &len);
	for (size_t i = 0; i < len; i++) {
		fleet_heard_take(&t.here, sealed, i, false, NULL); /* cut off */
		sealed[i] ^= 0x20;
		fleet_heard_take(&t.here, sealed, len, false, NULL);
		sealed[i] ^= 0x20;
	}
	for (unsigned i = 0; i < 2000; i++) {
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)((rng = rng * 6364136223846793005u + 1442695040888963407u) >> 56);
		fleet_heard_take(&t.here, bytes, i % sizeof bytes, i % 2, NULL);
	}
	CU_ASSERT(t.taken == 0 && t.here.counts.heard == 0 && fleet_mates(&t.here) == 0);
	CU_ASSERT_EQUAL(t.here.counts.forged, 2 * len + 2000);
	/* Sealed by who knows it, and yet no record: random bytes inside. */
	for (unsigned i = 0; i < 2000; i++) {
		uint8_t out[sizeof bytes + FLEET_SEAL];
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)((rng = rng * 6364136223846793005u + 1442695040888963407u) >> 56);
		bytes[25] = (uint8_t)(i % 70); /* length of a name */
		const size_t n = fleet_seal(&t.there.keys, "record", bytes, i % sizeof bytes, out);
		fleet_heard_take(&t.here, out, n, true, "ns2");
	}
	CU_ASSERT_EQUAL(t.taken, 0);
	fleet_heard_take(&t.here, sealed, len, false, NULL);
	CU_ASSERT_EQUAL(t.taken, 1);
	free(sealed);
	two_close(&t);
}

/* The clock of who speaks goes wrong by so many seconds. */
static void set_clock(struct two *t, int64_t wrong_s)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	t->there.looks[0].offset_us = ((int64_t)now.tv_sec + wrong_s) * 1000000 + now.tv_nsec / 1000 - (int64_t)clock_us();
	t->there.looks[0].took_us = 1;
	t->there.n_looks = 1;
}

/* Old is what is so by our own clock, and by what others have said since: 10 minutes. */
static void what_was_said_long_ago_is_not_heard_as_news(void)
{
	static struct two t;
	size_t n;

	two_open(&t);
	set_clock(&t, -3600);
	/* Nobody has said anything yet: whoever is an hour late may be right. */
	hear(&t, FLEET_HEALTH, "late");
	CU_ASSERT(t.taken == 1 && t.here.counts.old == 0);
	uint8_t *long_ago = say(&t, FLEET_HEALTH, "long ago", &n);
	set_clock(&t, 0);
	hear(&t, FLEET_HEALTH, "now");
	CU_ASSERT_EQUAL(t.taken, 2);
	t.there.life++; /* as if of another life, which nothing else knows for old */
	set_clock(&t, -700);
	hear(&t, FLEET_HEALTH, "too old");
	CU_ASSERT(t.taken == 2 && t.here.counts.old == 1);
	fleet_heard_take(&t.here, long_ago, n, false, NULL);
	CU_ASSERT(t.taken == 2 && t.here.counts.old == 2);
	/* What is kept may be as old as it is. */
	uint8_t *kept = say(&t, FLEET_HEALTH, "kept", &n);
	fleet_heard_take(&t.here, kept, n, true, "ns2");
	CU_ASSERT_EQUAL(t.taken, 3);
	set_clock(&t, -500);
	hear(&t, FLEET_HEALTH, "recent");
	CU_ASSERT_EQUAL(t.taken, 4);
	/* Somebody's clock is an hour ahead: nobody becomes deaf by it to who is right. */
	set_clock(&t, 3600);
	hear(&t, FLEET_HEALTH, "ahead");
	CU_ASSERT_EQUAL(t.taken, 5);
	set_clock(&t, -5);
	hear(&t, FLEET_HEALTH, "right");
	CU_ASSERT(t.taken == 6 && t.here.counts.old == 2);
	free(long_ago);
	free(kept);
	two_close(&t);
}

void suite_fleet_heard(void);
void suite_fleet_heard(void)
{
	static const struct unit_case cases[] = {
		{ "what is said is heard once, and in its order", what_is_said_is_heard_once_and_in_its_order },
		{ "a newer server is understood as far as we know it", a_newer_server_is_understood_as_far_as_we_know_it },
		{ "what was said long ago is not heard as news", what_was_said_long_ago_is_not_heard_as_news },
		{ "what nobody with the secret has said is passed over",
			what_nobody_with_the_secret_has_said_is_passed_over },
	};

	unit_suite("fleet/fleet_heard", cases, UNIT_COUNT(cases));
}
