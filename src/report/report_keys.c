#include "report/report_keys.h"

#include "base/moment.h"
#include "dns/name.h"

#include <stdio.h>

static json_t *time_json(int64_t at_s)
{
	char shown[MOMENT_TEXT];

	return json_string(moment_text(shown, at_s));
}

static json_t *part_json(const struct report_keys_of *of, size_t i, enum key_which which)
{
	const struct life_key *k = &of->life->keys[i];
	const struct key_part *p = which == KEY_DNSKEY ? &k->dnskey
		: which == KEY_ZONE                    ? &k->zone
						       : &k->ds;
	json_t *o = json_pack("{s:s}", "state", key_state_text(p->state));

	if (p->state == KEY_RUMOURED || p->state == KEY_UNRETENTIVE) {
		json_object_set_new(o, "served", json_boolean(p->served));
		json_object_set_new(o, "left_s",
			json_integer(key_life_left_s(of->life, of->policy, i, which)));
	}
	return o;
}

/* As the text of its RDATA. */
static json_t *ds_json(const struct report_keys_of *of, const struct life_key *k)
{
	uint8_t ds[SIGNING_DS_MOST];
	char text[2 * SIGNING_DS_MOST + 32];
	const size_t len = signing_key_ds(k->key, of->apex, of->policy->sign.cds_digest, ds);
	int at = snprintf(text, sizeof text, "%u %u %u ", signing_key_tag(k->key),
		signing_key_algorithm(k->key), of->policy->sign.cds_digest);

	for (size_t i = 4; i < len; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, "%02x", ds[i]);
	return json_string(text);
}

static json_t *key_json(const struct report_keys_of *of, size_t i)
{
	const struct life_key *k = &of->life->keys[i];
	char algorithm[SIGNING_TEXT];
	json_t *o = json_pack("{s:s, s:i, s:s, s:o, s:b, s:b}", "role", key_role_text(k->role),
		"tag", signing_key_tag(k->key), "algorithm",
		signing_algorithm_text(algorithm, signing_key_algorithm(k->key)), "created",
		time_json(k->created_s), "stays", k->wanted, "foreign", k->foreign);

	if (k->foreign)
		return o;
	json_object_set_new(o, "dnskey", part_json(of, i, KEY_DNSKEY));
	if (k->role & KEY_SIGNS_ZONE)
		json_object_set_new(o, "signatures", part_json(of, i, KEY_ZONE));
	if (k->role & KEY_SIGNS_KEYS) {
		json_object_set_new(o, "ds", part_json(of, i, KEY_DS));
		json_object_set_new(o, "ds_record", ds_json(of, k));
	}
	return o;
}

json_t *report_keys(const struct report_keys_of *of)
{
	char name[NAME_TEXT];
	json_t *list = json_array();

	for (size_t i = 0; i < of->life->n; i++)
		json_array_append_new(list, key_json(of, i));
	json_t *o = json_pack("{s:s, s:s, s:b, s:o}", "zone", name_text(name, of->apex),
		"state", of->state, "waits_for_parent",
		key_life_waits_for_parent(of->life, of->policy), "keys", list);
	if (*of->fault)
		json_object_set_new(o, "fault", json_string(of->fault));
	if (*of->parent)
		json_object_set_new(o, "parent_asked", json_string(of->parent));
	if (of->life->ds_seen_s)
		json_object_set_new(o, "parent_told", time_json(of->life->ds_seen_s));
	return o;
}
