#include "zone/key_life.h"
#include "zone/key_life_text.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a world ------------------------------------------------------------------------------ */

enum {
	HOUR_S = 3600,
	HOURS = 366 * 24,
	IDS = 60, /* keys in all */
	DNSKEY_TTL = 6,
	ZONE_TTL = 12,
	DS_TTL = 24,
	PROPAGATION = 2,
	VERSIONS = 4096
};

/* What is served, by key: bits. */
struct version {
	uint64_t published, signs_keys, signs_zone, cds;
	uint64_t cds_delete;
};

struct world {
	struct key_life life, saved;
	struct key_policy policy;
	bool off;
	struct signing_key *ids[IDS];
	size_t n_ids;
	uint64_t of_algorithm[17];
	struct version versions[VERSIONS]; /* one after the other */
	size_t n_versions;
	size_t whole;        /* number of what all data was last signed by */
	int until[VERSIONS]; /* the last hour in which somebody serves it */
	int signer_ready;    /* hour */
	uint64_t ds[HOURS];
	int hour, parent_acts;
	int64_t saved_hour;
	unsigned seed, bogus, kills, rolls;
};

static unsigned draw(struct world *w, unsigned below)
{
	w->seed = w->seed * 1103515245u + 12345u;
	return (w->seed >> 8) % below;
}

static uint64_t bit_of(struct world *w, struct signing_key *k)
{
	for (size_t i = 0; i < w->n_ids; i++)
		if (w->ids[i] == k)
			return (uint64_t)1 << i;
	CU_ASSERT_FATAL(w->n_ids < IDS);
	w->of_algorithm[signing_key_algorithm(k)] |= (uint64_t)1 << w->n_ids;
	w->ids[w->n_ids++] = signing_key_keep(k);
	return (uint64_t)1 << (w->n_ids - 1);
}

static struct version version_of(struct world *w, const struct keyset *s)
{
	struct version v = { 0 };

	for (size_t i = 0; s && i < s->n; i++) {
		const uint64_t bit = bit_of(w, s->keys[i].key);
		v.published |= s->keys[i].published ? bit : 0;
		v.signs_keys |= s->keys[i].published && s->keys[i].signs_keys ? bit : 0;
		v.signs_zone |= s->keys[i].signs_zone ? bit : 0;
		v.cds |= s->keys[i].cds ? bit : 0;
	}
	v.cds_delete = s && s->policy.cds_delete;
	return v;
}

/* Of every algorithm of `of` there is a key in `in`. */
static bool has_all(const struct world *w, uint64_t of, uint64_t in)
{
	for (size_t a = 0; a < 17; a++)
		if ((of & w->of_algorithm[a]) && !(in & w->of_algorithm[a]))
			return false;
	return true;
}

/* What a strict validator says, who has those three in his cache. */
static bool validates(const struct world *w, uint64_t ds, const struct version *keys,
	const struct version *zone)
{
	return has_all(w, ds, ds & keys->signs_keys) &&
		has_all(w, ds, keys->published & zone->signs_zone) &&
		has_all(w, keys->published, keys->published & zone->signs_zone);
}

/* Every validator, whatever he has cached. */
static void ask_everybody(struct world *w)
{
	uint64_t ds = 0;

	for (int h = w->hour; h >= 0 && h >= w->hour - DS_TTL; h--) {
		if (!w->ds[h] || (h < w->hour && w->ds[h] == ds))
			continue;
		ds = w->ds[h];
		for (size_t k = w->n_versions; k--;) {
			if (w->until[k] < w->hour - DNSKEY_TTL)
				break;
			for (size_t z = w->n_versions; z--;) {
				if (w->until[z] < w->hour - ZONE_TTL)
					break;
				if (validates(w, ds, &w->versions[k], &w->versions[z]))
					continue;
				if (!w->bogus++)
					printf("\n    hour %d: DS %jx, version %zu of keys and "
					       "%zu of data\n",
						w->hour, (uintmax_t)ds, k, z);
			}
		}
	}
}

/* The signer takes its time, and so do secondaries: old and new are served side by side. */
static void serve_on(struct world *w)
{
	if (w->hour >= w->signer_ready)
		w->whole = w->n_versions - 1;
	for (size_t i = w->whole; i < w->n_versions; i++)
		w->until[i] = w->hour + PROPAGATION;
}

static bool serve(struct world *w)
{
	bool ok;
	struct keyset *s = key_life_keyset(&w->life, w->off ? NULL : &w->policy, &ok);
	const struct version v = version_of(w, s);
	const size_t last = w->n_versions - 1;

	CU_ASSERT(ok);
	keyset_drop(s);
	if (memcmp(&v, &w->versions[last], sizeof v) != 0) {
		CU_ASSERT_FATAL(w->n_versions < VERSIONS);
		w->versions[w->n_versions++] = v;
		w->signer_ready = w->hour + (int)draw(w, 6);
	}
	serve_on(w);
	return w->whole == w->n_versions - 1;
}

static void parent(struct world *w)
{
	const struct version *v = &w->versions[w->n_versions - 1];

	w->ds[w->hour] = w->hour ? w->ds[w->hour - 1] : 0;
	if (w->hour < w->parent_acts || w->hour < w->signer_ready)
		return;
	if (v->cds_delete)
		w->ds[w->hour] = 0;
	else if (v->cds)
		w->ds[w->hour] = v->cds;
	w->parent_acts = w->hour + 1 + (int)draw(w, 48);
}

static void look_at_parent(struct world *w)
{
	uint32_t present = 0;

	for (size_t i = 0; i < w->life.n; i++)
		if (w->ds[w->hour] & bit_of(w, w->life.keys[i].key))
			present |= 1u << i;
	if (key_life_parent(&w->life, present, present, DS_TTL * HOUR_S, w->hour * HOUR_S)) {
		w->saved = w->life;
		w->saved_hour = w->hour;
	}
}

static void step(struct world *w, uint32_t elapsed_s, bool served)
{
	for (;;) {
		const struct key_facts facts = { .now_s = (int64_t)w->hour * HOUR_S,
			.elapsed_s = elapsed_s,
			.served = served,
			.zone_ttl_s = ZONE_TTL * HOUR_S,
			.settled = true };
		size_t n;
		const struct key_wish wish = key_life_step(
			&w->life, w->off ? NULL : &w->policy, &facts, &n);
		if (wish.save && draw(w, 20) == 0 && w->saved_hour == w->hour) {
			/* Killed before it was written down. */
			w->kills++;
			w->life = w->saved;
			return;
		}
		if (wish.save) {
			w->saved = w->life;
			w->saved_hour = w->hour;
		}
		if (!wish.role)
			return;
		struct signing_key *k = signing_key_new(w->policy.algorithm, 0,
			wish.role & KEY_SIGNS_KEYS ? SIGNING_KSK : SIGNING_ZSK, NULL);
		bit_of(w, k);
		CU_ASSERT_FATAL(key_life_add(&w->life, k, wish.role, facts.now_s));
		w->saved = w->life;
		w->saved_hour = w->hour;
		w->rolls++;
		signing_key_drop(k);
		elapsed_s = 0;
		served = false;
	}
}

/* Down for a while: what was written down goes on. */
static void kill(struct world *w)
{
	const int down = (int)draw(w, 30);

	w->kills++;
	w->life = w->saved;
	for (int i = 0; i < down && w->hour + 1 < HOURS; i++) {
		parent(w);
		serve_on(w);
		ask_everybody(w);
		w->hour++;
	}
	parent(w);
	key_life_wait(&w->life, (uint32_t)(w->hour - w->saved_hour) * HOUR_S);
	w->saved = w->life;
	w->saved_hour = w->hour;
}

static void pass_hours(struct world *w, int until)
{
	for (; w->hour < until && w->hour < HOURS; w->hour++) {
		parent(w);
		const bool killed = draw(w, 200) == 0;
		if (killed)
			kill(w);
		const bool served = serve(w);
		if (draw(w, 3) == 0)
			look_at_parent(w);
		step(w, killed ? 0 : HOUR_S, served);
		serve(w);
		ask_everybody(w);
	}
}

static void world_init(struct world *w, unsigned seed)
{
	memset(w, 0, sizeof *w);
	w->seed = seed;
	w->policy = key_policy_auto();
	w->policy.algorithm = SIGNING_ED25519;
	w->policy.sign.dnskey_ttl_s = DNSKEY_TTL * HOUR_S;
	w->policy.propagation_s = PROPAGATION * HOUR_S;
	w->policy.ds_ttl_s = DS_TTL * HOUR_S;
	w->n_versions = 1; /* unsigned */
}

static void world_fini(struct world *w)
{
	/* Our hold of each, and the one that the life got with it. */
	for (size_t i = 0; i < w->n_ids; i++) {
		signing_key_release(w->ids[i]);
		signing_key_release(w->ids[i]);
	}
}

/* In the tests nobody lets go of a key before the world ends, whatever the lives hold. */
static const struct life_key *only(struct world *w, uint8_t role)
{
	const struct life_key *found = NULL;

	for (size_t i = 0; i < w->life.n; i++)
		if (w->life.keys[i].role & role) {
			CU_ASSERT_PTR_NULL(found);
			found = &w->life.keys[i];
		}
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	return found;
}

/* --- claims ------------------------------------------------------------------------------- */

static void a_year_of_rolls_is_never_bogus(void)
{
	static struct world w;

	for (unsigned seed = 1; seed <= 40; seed++) {
		world_init(&w, seed);
		pass_hours(&w, 20 * 24);
		CU_ASSERT_EQUAL(only(&w, KEY_SIGNS_KEYS)->ds.state, KEY_OMNIPRESENT);
		w.life.roll = KEY_CSK; /* the CSK gets a successor */
		pass_hours(&w, 45 * 24);
		CU_ASSERT_EQUAL(only(&w, KEY_SIGNS_KEYS)->ds.state, KEY_OMNIPRESENT);
		w.policy.split = true;
		w.policy.zsk_roll_s = 20 * 24 * HOUR_S;
		w.policy.ksk_roll_s = 60 * 24 * HOUR_S;
		pass_hours(&w, 120 * 24);
		CU_ASSERT(w.life.n >= 2);
		w.policy.algorithm = SIGNING_ECDSAP256SHA256;
		pass_hours(&w, 160 * 24);
		for (size_t i = 0; i < w.life.n; i++)
			CU_ASSERT_EQUAL(signing_key_algorithm(w.life.keys[i].key),
				SIGNING_ECDSAP256SHA256);
		w.policy.split = false;
		pass_hours(&w, 190 * 24);
		/* Whatever is asked for in the middle of something. */
		for (int day = 190; day < 290; day += 1 + (int)draw(&w, 6)) {
			w.policy.algorithm = draw(&w, 3) ? w.policy.algorithm
				: draw(&w, 2)            ? SIGNING_ED25519
							 : SIGNING_ECDSAP256SHA256;
			w.policy.split = draw(&w, 4) == 0;
			w.life.roll = w.life.n < 8 ? (uint8_t)draw(&w, 4) : 0;
			pass_hours(&w, day * 24);
		}
		w.policy.ksk_roll_s = w.policy.zsk_roll_s = 0;
		w.policy.split = false;
		w.life.roll = 0;
		pass_hours(&w, 330 * 24);
		CU_ASSERT_EQUAL(only(&w, KEY_SIGNS_KEYS)->ds.state, KEY_OMNIPRESENT);
		w.off = true;
		pass_hours(&w, HOURS);
		CU_ASSERT_EQUAL(w.life.n, 0);
		CU_ASSERT_EQUAL(w.ds[HOURS - 1], 0);
		CU_ASSERT_EQUAL(w.bogus, 0);
		CU_ASSERT(w.kills > 10);
		CU_ASSERT(w.rolls > 8);
		world_fini(&w);
	}
}

/* The chain to one key, step by step; in seconds. */
static struct key_facts after(uint32_t elapsed_s)
{
	return (struct key_facts){ .now_s = 1000000,
		.elapsed_s = elapsed_s,
		.served = true,
		.zone_ttl_s = 300,
		.settled = true };
}

static struct key_life with_csk(const struct key_policy *p)
{
	struct key_life l = { 0 };
	const struct key_facts facts = after(0);
	size_t n;

	CU_ASSERT_EQUAL(key_life_step(&l, p, &facts, &n).role, KEY_CSK);
	struct signing_key *k = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, NULL);
	CU_ASSERT(key_life_add(&l, k, KEY_CSK, facts.now_s));
	signing_key_drop(k);
	CU_ASSERT_EQUAL(key_life_step(&l, p, &facts, &n).role, 0);
	return l;
}

static struct key_policy quick(void)
{
	struct key_policy p = key_policy_auto();

	p.algorithm = SIGNING_ED25519;
	p.sign.dnskey_ttl_s = 100;
	p.propagation_s = 50;
	p.ds_ttl_s = 400;
	return p;
}

static void a_new_zone_is_signed_at_once_and_its_ds_asked_for_later(void)
{
	const struct key_policy p = quick();
	struct key_life l = with_csk(&p);
	const struct life_key *k = &l.keys[0];
	struct key_facts facts = after(1);
	size_t n;
	bool ok;

	CU_ASSERT_EQUAL(k->dnskey.state, KEY_RUMOURED);
	CU_ASSERT_EQUAL(k->zone.state, KEY_RUMOURED);
	key_life_step(&l, &p, &facts, &n); /* it is served from now on */
	facts = after(349);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(k->dnskey.state, KEY_OMNIPRESENT);
	CU_ASSERT_EQUAL(k->zone.state, KEY_RUMOURED);
	CU_ASSERT_EQUAL(key_life_next_s(&l, &p, 1000000), 1);
	facts = after(1);
	CU_ASSERT(key_life_step(&l, &p, &facts, &n).save);
	CU_ASSERT_EQUAL(k->ds.state, KEY_ASKED);
	CU_ASSERT(key_life_waits_for_parent(&l, &p));
	struct keyset *s = key_life_keyset(&l, &p, &ok);
	CU_ASSERT(ok && s && s->n == 1 && s->keys[0].cds && !s->policy.cds_delete);
	keyset_drop(s);
	CU_ASSERT_FALSE(key_life_parent(&l, 0, 1, 86400, 1000000)); /* one of them has it */
	CU_ASSERT(key_life_parent(&l, 1, 1, 86400, 1000000));
	CU_ASSERT_FALSE(key_life_parent(&l, 0, 1, 86400, 1000000));
	CU_ASSERT_FALSE(key_life_parent(&l, 1, 1, 86400, 1000001));
	facts = after(86400 + 50 + 100 - 1);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(k->ds.state, KEY_RUMOURED); /* by the TTL that the parent has */
	facts = after(1);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(k->ds.state, KEY_OMNIPRESENT);
	CU_ASSERT_EQUAL(key_life_next_s(&l, &p, 1000000), UINT32_MAX);
	key_life_fini(&l);
}

static void a_new_zone_of_two_keys_is_signed_at_once(void)
{
	struct key_policy p = quick();
	struct key_life l = { 0 };
	struct key_facts facts = after(0);
	size_t n;
	uint8_t role;

	p.split = true;
	while ((role = key_life_step(&l, &p, &facts, &n).role)) {
		struct signing_key *k = signing_key_new(SIGNING_ED25519, 0,
			role == KEY_KSK ? SIGNING_KSK : SIGNING_ZSK, NULL);
		CU_ASSERT_FATAL(key_life_add(&l, k, role, facts.now_s));
		signing_key_drop(k);
	}
	CU_ASSERT_EQUAL_FATAL(l.n, 2);
	CU_ASSERT_EQUAL(l.keys[0].dnskey.state, KEY_RUMOURED);
	CU_ASSERT_EQUAL(l.keys[1].dnskey.state, KEY_RUMOURED);
	CU_ASSERT_EQUAL(l.keys[1].zone.state, KEY_RUMOURED);
	key_life_fini(&l);
}

static void what_is_not_served_yet_is_not_waited_for(void)
{
	const struct key_policy p = quick();
	struct key_life l = with_csk(&p);
	struct key_facts facts = after(100000);
	size_t n;

	facts.served = false;
	key_life_step(&l, &p, &facts, &n);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(l.keys[0].dnskey.state, KEY_RUMOURED);
	key_life_fini(&l);
}

static void clocks_that_were_ahead_make_waits_longer(void)
{
	const struct key_policy p = quick();
	struct key_life l = with_csk(&p);
	struct key_facts facts = after(0);
	size_t n;

	key_life_step(&l, &p, &facts, &n);
	facts = after(1000000);
	facts.settled = false; /* for as long as the clock may still be wrong */
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(l.keys[0].dnskey.state, KEY_RUMOURED);
	key_life_unwait(&l, 1000000);
	facts = after(149);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(l.keys[0].dnskey.state, KEY_RUMOURED);
	facts = after(1);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(l.keys[0].dnskey.state, KEY_OMNIPRESENT);
	key_life_fini(&l);
}

/* The records that are in caches have the TTL that they had. */
static void ttls_that_become_shorter_are_waited_for_as_they_were(void)
{
	struct key_policy p = quick();
	struct key_life l = with_csk(&p);
	struct key_facts facts = after(0);
	size_t n;

	key_life_step(&l, &p, &facts, &n);
	p.sign.dnskey_ttl_s = 10;
	facts = after(99);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(l.dnskey_ttl.ttl_s, 100);
	facts = after(1);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT_EQUAL(l.dnskey_ttl.ttl_s, 10);
	key_life_fini(&l);
}

static void keys_of_other_signers_are_published_while_they_are_wanted(void)
{
	static const uint8_t rdata[] = { 1, 1, 3, 253, 1, 2, 3 };
	const struct key_policy p = quick();
	struct key_life l = with_csk(&p);
	struct signing_key *k = signing_key_foreign(rdata, sizeof rdata, NULL);
	struct key_facts facts = after(0);
	size_t n;
	bool ok;

	CU_ASSERT(key_life_add(&l, k, KEY_KSK, 0));
	signing_key_drop(k);
	for (unsigned i = 0; i < 5; i++) {
		facts = after(1000);
		key_life_step(&l, &p, &facts, &n);
		CU_ASSERT_EQUAL(l.n, 2);
	}
	struct keyset *s = key_life_keyset(&l, &p, &ok);
	CU_ASSERT(s && s->n == 2);
	CU_ASSERT(s->keys[1].published && !s->keys[1].signs_keys && !s->keys[1].signs_zone);
	CU_ASSERT(s->keys[0].cds && s->keys[1].cds);
	keyset_drop(s);
	l.keys[1].wanted = false;
	facts = after(0);
	key_life_step(&l, &p, &facts, &n);
	CU_ASSERT(l.n == 1 && n == 2);
	signing_key_release(l.keys[1].key);
	key_life_fini(&l);
}

/* The one that signed it before us: nobody may lose it. */
static void a_known_key_is_not_replaced(void)
{
	const struct key_policy p = quick();
	struct signing_key *k = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, NULL);
	struct key_life l = { 0 };
	struct key_facts facts = after(0);
	size_t n;
	bool ok;

	CU_ASSERT(key_life_add_known(&l, k, KEY_CSK, 1000));
	signing_key_drop(k);
	CU_ASSERT_EQUAL(key_life_step(&l, &p, &facts, &n).role, 0);
	struct keyset *s = key_life_keyset(&l, &p, &ok);
	CU_ASSERT(s && s->n == 1 && s->keys[0].signs_keys && s->keys[0].signs_zone);
	keyset_drop(s);
	CU_ASSERT(key_life_is_secure(&l));
	/* It is unsigned only when the parent has no DS of it any more. */
	for (unsigned i = 0; i < 3; i++) {
		facts = after(1000000);
		key_life_step(&l, NULL, &facts, &n);
		s = key_life_keyset(&l, NULL, &ok);
		CU_ASSERT(s && s->policy.cds_delete && s->keys[0].signs_zone);
		keyset_drop(s);
	}
	CU_ASSERT(key_life_parent(&l, 0, 0, 0, 5));
	facts = after(1000000);
	key_life_step(&l, NULL, &facts, &n);
	CU_ASSERT_PTR_NULL(key_life_keyset(&l, NULL, &ok));
	CU_ASSERT(ok);
	key_life_fini(&l);
}

static void states_are_written_and_read(void)
{
	struct key_policy p = quick();
	struct key_life l = with_csk(&p), again;
	struct key_facts facts = after(0);
	struct text text = { 0 }, second = { 0 };
	struct fault why;
	size_t n;

	key_life_step(&l, &p, &facts, &n);
	facts = after(350);
	key_life_step(&l, &p, &facts, &n);
	key_life_parent(&l, 1, 1, 60, 77);
	l.roll = KEY_ZSK;
	l.dnskey_ttl = (struct key_ttl){ 7201, 3 };
	l.zone_ttl = (struct key_ttl){ 301, 0 };
	l.ds_ttl = (struct key_ttl){ 86401, 86400 };
	key_life_write(&l, &text);
	/* How long what was served before may be remembered goes over a restart. */
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&text), "ttl dnskey 7201 3\nttl zone 301 0\nttl ds 86401 86400\n"));
	CU_ASSERT_FATAL(key_life_read(&again, text_get(&text), &why));
	key_life_write(&again, &second);
	CU_ASSERT_STRING_EQUAL(text_get(&text), text_get(&second));
	CU_ASSERT_EQUAL(again.ds_ttl.left_s, 86400);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&text),
		"parent 77\nroll 2\nkey CSK own wanted 1000000 omnipresent 1 0 omnipresent 1 0 "
		"rumoured 1 0 "));
	key_life_fini(&again);
	/* Nothing that was cut or damaged is taken for something. */
	static const char *const wrong[] = { "key \n", "key CSK own wanted 1 omnipresent 0 0\n",
		"ttl dnskey x\n",
		"key XSK own wanted 1 hidden 0 0 hidden 0 0 hidden 0 0 AAAA\n",
		"key CSK own wanted 1 hidden 0 0 hidden 0 0 hidden 0 0 AAAA\n",
		"key CSK own wanted 1 lost 0 0 hidden 0 0 hidden 0 0 AQEDDQE=\n" };
	for (size_t i = 0; i < UNIT_COUNT(wrong); i++) {
		CU_ASSERT_FALSE(key_life_read(&again, wrong[i], &why));
		CU_ASSERT_EQUAL(again.n, 0);
	}
	text_fini(&text);
	text_fini(&second);
	key_life_fini(&l);
}

void suite_key_life(void);
void suite_key_life(void)
{
	static const struct unit_case cases[] = {
		{ "a year of rolls is never bogus", a_year_of_rolls_is_never_bogus },
		{ "a new zone is signed at once, and its DS asked for later",
			a_new_zone_is_signed_at_once_and_its_ds_asked_for_later },
		{ "a new zone of two keys is signed at once",
			a_new_zone_of_two_keys_is_signed_at_once },
		{ "what is not served yet is not waited for",
			what_is_not_served_yet_is_not_waited_for },
		{ "clocks that were ahead make waits longer",
			clocks_that_were_ahead_make_waits_longer },
		{ "TTLs that become shorter are waited for as they were",
			ttls_that_become_shorter_are_waited_for_as_they_were },
		{ "keys of other signers are published while they are wanted",
			keys_of_other_signers_are_published_while_they_are_wanted },
		{ "states are written and read", states_are_written_and_read },
		{ "a known key is not replaced", a_known_key_is_not_replaced },
	};

	unit_suite("zone/key_life", cases, UNIT_COUNT(cases));
}
