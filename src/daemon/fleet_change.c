#include "daemon/fleet_change.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t fleet_change_next(const struct fleet *fleet, const char *server, uint64_t last)
{
	const uint64_t mine = hash_bytes((struct hash_key){ 7, 8 }, (const uint8_t *)server, strlen(server)) %
		FLEET_CHANGE_SERVERS,
		       at = (uint64_t)fleet_now_ms(fleet) * FLEET_CHANGE_SERVERS + mine;

	return at > last ? at : (last / FLEET_CHANGE_SERVERS + 1) * FLEET_CHANGE_SERVERS + mine;
}

void fleet_change_field(const struct fleet_keys *keys, const struct forced *f, char to[static FLEET_CHANGE_FIELD])
{
	uint8_t hash[16];
	crypto_generichash_state s;
	const int64_t when[] = { f->what, f->from_s };

	crypto_generichash_init(&s, keys->key[0], FLEET_SECRET, sizeof hash);
	crypto_generichash_update(&s, (const uint8_t *)f->edge, strlen(f->edge) + 1);
	crypto_generichash_update(&s, (const uint8_t *)f->pool, strlen(f->pool) + 1);
	crypto_generichash_update(&s, (const uint8_t *)when, sizeof when);
	crypto_generichash_final(&s, hash, sizeof hash);
	sodium_bin2hex(to, FLEET_CHANGE_FIELD, hash, sizeof hash);
}

json_t *fleet_change_write(const struct fleet *fleet, const struct forced *f, const struct fleet_change_at *at)
{
	char version[20], was[20];

	snprintf(version, sizeof version, "%016llx", (unsigned long long)at->at);
	snprintf(was, sizeof was, "%016llx", (unsigned long long)at->before);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "at", version, "before", was, "by",
		at->server, "edge", f->edge, "pool", f->pool, "who", f->who, "why", f->why, "when_s",
		(json_int_t)f->when_s, "from_s", (json_int_t)f->from_s, "until_s", (json_int_t)f->until_s);
	if (f->what == FORCED_WEIGHT)
		json_object_set_new(o, "weight", json_integer(f->weight));
	else
		json_object_set_new(o, "state", json_string(edge_state_text(f->state)));
	if (f->until_us != UINT64_MAX)
		json_object_set_new(o, "until_ms",
			json_integer((json_int_t)(fleet_now_ms(fleet) +
				((int64_t)f->until_us - (int64_t)clock_us()) / 1000)));
	return o;
}

const char *fleet_change_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

uint64_t fleet_change_version(const json_t *o, const char *key)
{
	return strtoull(fleet_change_text(o, key), NULL, 16);
}

bool fleet_change_read(const struct fleet *fleet, const json_t *o, struct forced *to)
{
	const json_t *weight = json_object_get(o, "weight");
	const int64_t until_ms = json_integer_value(json_object_get(o, "until_ms")),
		      left_ms = until_ms - fleet_now_ms(fleet);

	*to = (struct forced){ .edge = (char *)(uintptr_t)fleet_change_text(o, "edge"),
		.pool = (char *)(uintptr_t)fleet_change_text(o, "pool"),
		.what = weight ? FORCED_WEIGHT : FORCED_STATE,
		.weight = (unsigned)json_integer_value(weight),
		.who = (char *)(uintptr_t)fleet_change_text(o, "who"),
		.why = (char *)(uintptr_t)fleet_change_text(o, "why"),
		.when_s = json_integer_value(json_object_get(o, "when_s")),
		.from_s = json_integer_value(json_object_get(o, "from_s")),
		.until_s = json_integer_value(json_object_get(o, "until_s")),
		.until_us = until_ms ? clock_us() + (uint64_t)(left_ms > 0 ? left_ms : 0) * 1000 : UINT64_MAX,
		.fleet_at = fleet_change_version(o, "at") };
	to->begun = to->from_s <= time(NULL);
	to->begun_s = to->from_s ? to->from_s : to->when_s;
	return *to->edge && to->weight <= EDGE_WEIGHT_MOST && (weight || edge_state_parse(&to->state, fleet_change_text(o, "state")));
}
