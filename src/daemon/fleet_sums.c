#include "daemon/fleet_sums.h"

#include "base/bytes.h"
#include "conf/conf_sums.h"
#include "daemon/parts_read.h"

#include <stdio.h>
#include <string.h>

enum { ZONES_MOST = 50000 }; /* that are looked at */

uint64_t fleet_sums_zones(const struct registry *r)
{
	const struct hash_key key = { 1, 2 };
	uint64_t sum = r->n;

	for (size_t i = 0; i < zone_set_count(r->set) && r->n <= ZONES_MOST; i++) {
		const struct zone *z = zone_set_get(r->set, i);
		sum += hash_pair(hash_bytes(key, z->apex, z->apex_len), z->serial);
	}
	return sum;
}

/* Files are known by what they are and when they were made, wherever they are kept. */
static uint64_t sum_of_databases(const struct mmdb_told *told, size_t n)
{
	const struct hash_key key = { 5, 6 };
	uint64_t sum = n;

	for (size_t i = 0; i < n; i++) {
		sum = hash_pair(sum, hash_bytes(key, (const uint8_t *)told[i].type, strlen(told[i].type)));
		sum = hash_pair(hash_pair(sum, told[i].built_s), hash_pair(told[i].nets, told[i].placed));
	}
	return sum;
}

uint64_t fleet_sums_config(const struct parts *p, json_t *sections)
{
	const struct hash_key key = { 7, 8 };
	const struct atlas *a = p->atlas;
	struct conf_sums s = parts_conf(p)->sums;
	uint64_t sum = 0;
	char text[12];

	if (a && a->cities.n_told + a->asns.n_told)
		conf_sums_add(&s, "geoip",
			hash_pair(sum_of_databases(a->cities.told, a->cities.n_told), sum_of_databases(a->asns.told, a->asns.n_told)));
	/* In whatever order sections are written. */
	for (unsigned i = 0; i < s.n; i++) {
		sum += hash_pair(hash_bytes(key, (const uint8_t *)s.of[i].section, strlen(s.of[i].section)), s.of[i].sum);
		snprintf(text, sizeof text, "%08x", (unsigned)(s.of[i].sum >> 32));
		if (sections)
			json_object_set_new(sections, s.of[i].section, json_string(text));
	}
	return sum;
}

uint64_t fleet_sums_standing(const struct standing *s)
{
	const struct hash_key key = { 3, 4 };

	return hash_bytes(key, s->marks, (size_t)s->n_rows * s->n_edges) ^
		hash_bytes(key, (const uint8_t *)s->alive, (size_t)s->n_rows * s->words * sizeof *s->alive);
}

void fleet_sums_say(json_t *o, const char *key, uint64_t sum)
{
	char text[20];

	snprintf(text, sizeof text, "%016llx", (unsigned long long)sum);
	json_object_set_new(o, key, json_string(text));
}
