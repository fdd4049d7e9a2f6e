#include "answer/note.h"

#include <string.h>

void note_client(const struct answerer *a, const struct choose_ask *who)
{
	if (a->samples && a->samples->due)
		samples_put(a->samples,
			&(struct sample){ who->has_subnet ? who->subnet : who->source,
				who->pool, who->has_subnet });
}

void note_one_time(const struct answerer *a, const struct choose_ask *who)
{
	if (a->samples && !who->has_subnet)
		one_times_put(&a->samples->names,
			&(struct one_time){ one_time_name(who->name, who->name_len), who->source });
}

void note_choice(const struct answerer *a, const struct choose_ask *who, const struct choice *c)
{
	const struct steer *s = who->steer;

	for (unsigned i = 0; i < c->n; i++)
		tally_keep(&a->counts->reasons,
			choice_counts_reason(
				s->pools[c->pool].hash, s->edges[c->edges[i]].hash, c->why),
			a->world->standing->tick);
	if (c->demand)
		tally_add(s == a->world->steer ? &a->counts->demand : &a->counts->staged,
			c->demand, a->world->standing->tick);
}

static void put_cut(char to[static CHOICE_COUNTS_TEXT], const char *text)
{
	const size_t len = strnlen(text, CHOICE_COUNTS_TEXT - 1);

	memcpy(to, text, len);
	to[len] = 0;
}

static bool is_watched(const struct policy *p, const struct choose_ask *who)
{
	for (unsigned i = 0; i < p->n_watched; i++)
		if (prefix_has(&p->watched[i].net, &who->source) ||
			(who->has_subnet &&
				prefix_has(&p->watched[i].subnets, &who->subnet)))
			return true;
	return false;
}

/* Is it the turn of a sample? */
static bool is_sampled(const struct answerer *a)
{
	struct choice_counts *b = a->counts;

	if (!a->world->policy.sample_every)
		return false;
	if (b->until_sample) {
		b->until_sample--;
		return false;
	}
	b->until_sample = a->world->policy.sample_every - 1;
	return true;
}

void note_decision(const struct answerer *a, const struct choose_ask *who,
	const struct choice *c, const struct note_answer *is)
{
	const struct steer *s = who->steer;
	struct choice_counts *b = a->counts;

	const bool watched = is_watched(&a->world->policy, who);

	if (!is_sampled(a) && !watched)
		return;
	if (b->written - __atomic_load_n(&b->read, __ATOMIC_ACQUIRE) == CHOICE_COUNTS_RING) {
		__atomic_store_n(&b->missed, b->missed + 1, __ATOMIC_RELAXED);
		return;
	}
	struct decision *d = &b->ring[b->written % CHOICE_COUNTS_RING];
	d->time_s = a->now_s;
	d->generation = a->world->generation;
	d->source = who->source;
	d->who = c->who;
	d->name_len = (uint8_t)who->name_len;
	memcpy(d->name, who->name, who->name_len);
	d->scope = (uint8_t)c->scope;
	d->why = (uint8_t)c->why;
	d->type = is->type;
	d->v6 = is->v6;
	d->by_subnet = c->by_subnet;
	d->ttl_s = is->ttl_s;
	put_cut(d->pool, s->pools[c->pool].name);
	put_cut(d->edge, c->n ? s->edges[c->edges[0]].name : "");
	d->watched = watched;
	__atomic_store_n(&b->written, b->written + 1, __ATOMIC_RELEASE);
}
