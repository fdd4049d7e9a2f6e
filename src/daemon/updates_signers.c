#include "daemon/updates_inner.h"

#include "base/memory.h"
#include "daemon/key_ring.h"
#include "daemon/parts_read.h"
#include "zone/sign.h"

#include <string.h>

bool updates_parts_of_fleet(const struct parts *p, const uint8_t *apex)
{
	const struct registry *r = p->zones;
	const size_t at = registry_index(r, apex);

	return at < r->n && r->zones[at]->source == REGISTRY_STORE &&
		parts_conf(p)->rules[zone_set_rule(r->set, at)].fleet;
}

bool updates_of_fleet(const struct updates *u, const uint8_t *apex)
{
	return updates_parts_of_fleet(&u->made.v.live, apex);
}

static struct signer *find(const struct updates *u, const uint8_t *apex)
{
	for (size_t i = 0; i < u->made.n_signers; i++)
		if (name_equal(u->made.signers[i].apex, apex))
			return &u->made.signers[i];
	return NULL;
}

static bool knows(const struct updates *u, const uint8_t *apex)
{
	return u->opts.ring && key_ring_knows(u->opts.ring, apex);
}

const struct signer *updates_signer(struct updates *u, const uint8_t *apex)
{
	struct signer *s = find(u, apex);
	struct fault why;

	if (!s) {
		u->made.signers = memory_grow(u->made.signers, (u->made.n_signers + 1) * sizeof *u->made.signers);
		s = &u->made.signers[u->made.n_signers++];
		*s = (struct signer){ .keys = NULL };
		memcpy(s->apex, apex, name_len(apex));
	}
	if (!s->is_known && knows(u, apex))
		s->keys = key_ring_get_shared(u->opts.ring, apex, &s->version, &why);
	s->is_known = true;
	return s;
}

const struct keyset *updates_keys(struct updates *u, const struct zone *z)
{
	const uint8_t *id = zone_id(z);
	const struct registry_zone *is = registry_find(u->made.v.live.zones, id);

	if (!updates_of_fleet(u, id))
		return is->keys;
	const struct keyset *keys = z->denial ? updates_signer(u, id)->keys : NULL;
	return keys && sign_chain_fits(z, keys) ? keys : NULL;
}

bool updates_sync_keys(struct updates *u, const uint8_t *apex, struct fleet_version there, struct fault *why)
{
	struct signer *s = find(u, apex);

	if (!knows(u, apex))
		return true;
	const uint64_t before = key_ring_changes(u->opts.ring);
	if (!key_ring_sync(u->opts.ring, apex, there, why))
		return false;
	u->made.keys_changed = u->made.keys_changed || key_ring_changes(u->opts.ring) != before;
	if (s) {
		keyset_drop(s->keys);
		s->keys = NULL;
		s->is_known = false;
	}
	return true;
}

void updates_signers_fini(struct updates *u)
{
	for (size_t i = 0; i < u->made.n_signers; i++)
		keyset_drop(u->made.signers[i].keys);
	memory_free(u->made.signers);
	u->made.signers = NULL;
	u->made.n_signers = 0;
}
