/* choose_pins.c - clients that are sent to certain edges before all others.
 */
#include "steer/choose_inner.h"

/* The pool that clients are pinned to, if it may answer. */
static bool take_pinned_pool(struct choose_walk *w, const struct pool_pin *pin)
{
	struct choose_step *step = choose_step(w, BY_PIN);

	if (step)
		step->pin = pin;
	if (!choose_in_pool(w, &(struct choose_inside){ pin->pool, false, false }))
		return false;
	w->choice->why = WHY_PINNED;
	return true;
}

static bool take_pin(struct choose_walk *w, uint32_t pin)
{
	if (pin == 0)
		return false;
	const struct pool_pinned *p = &w->pool->pins[pin - 1];
	if (p->from->to_pool)
		return take_pinned_pool(w, p->from);
	return choose_take(w,
		&(struct choose_list){
			.edges = p->edges,
			.holders = p->holders,
			.n = p->n,
			.by = BY_PIN,
			.pin = p->from });
}

bool choose_by_net(struct choose_walk *w)
{
	const struct pool *p = w->pool;

	const struct netmap_hit hit = netmap_find(p->nets, &w->who);
	choose_consult(w, netmap_scope(p->nets, NULL, &w->who, hit));
	return take_pin(w, hit.value);
}

bool choose_by_default(struct choose_walk *w)
{
	return take_pin(w, w->pool->pin_default);
}

bool choose_by_asn(struct choose_walk *w)
{
	const struct pool *p = w->pool;
	const uint32_t asn = choose_asn(w, p->asn_seams);

	return asn < w->ask->steer->atlas->asns.n && take_pin(w, p->pin_of_asn[asn]);
}

bool choose_by_place(struct choose_walk *w)
{
	const struct pool *p = w->pool;
	const struct atlas *atlas = w->ask->steer->atlas;

	choose_find_place(w);
	choose_consult(w, netmap_scope(atlas->cities.map, p->place_seams, &w->who, w->place));
	return w->place.value <= places_count(atlas->cities.places) &&
		take_pin(w, p->pin_of_place[w->place.value]);
}
