#include "daemon/dnssec_show.h"

#include "base/moment.h"
#include "dns/name.h"
#include "report/report.h"
#include "report/report_keys.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const struct key_policy *policy_of(const struct key_ring_view *v)
{
	return &v->policy;
}

static bool asks(const struct life_key *k)
{
	return !k->foreign && k->wanted && k->ds.state >= KEY_ASKED &&
		k->ds.state <= KEY_OMNIPRESENT;
}

/* "2d 3h", "3h 20m", "45s" */
enum { SPAN_TEXT = 32 };
static const char *span(char to[static SPAN_TEXT], uint32_t s)
{
	const uint32_t d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;

	if (d)
		snprintf(to, SPAN_TEXT, "%ud %uh", d, h);
	else if (h)
		snprintf(to, SPAN_TEXT, "%uh %um", h, m);
	else if (m)
		snprintf(to, SPAN_TEXT, "%um %us", m, s % 60);
	else
		snprintf(to, SPAN_TEXT, "%us", s);
	return to;
}

static void add_time(struct text *out, int64_t at_s)
{
	char shown[MOMENT_TEXT];

	text_add(out, moment_text(shown, at_s));
}

/* "CSK 44880 ecdsap256sha256" */
static void add_key(struct text *out, const struct life_key *k)
{
	char algorithm[SIGNING_TEXT];

	text_addf(out, "%s %u %s", key_role_text(k->role), signing_key_tag(k->key),
		signing_algorithm_text(algorithm, signing_key_algorithm(k->key)));
}

/* --- ds ----------------------------------------------------------------------------------- */

static void add_ds(
	struct text *out, const struct signing_key *k, const uint8_t *apex, uint8_t digest)
{
	uint8_t ds[SIGNING_DS_MOST];
	char hex[2 * SIGNING_DS_MOST + 1], name[NAME_TEXT];
	const size_t len = signing_key_ds(k, apex, digest, ds);

	sodium_bin2hex(hex, sizeof hex, ds + 4, len - 4);
	text_addf(out, "%s IN DS %u %u %u %s\n", name_text(name, apex), signing_key_tag(k),
		signing_key_algorithm(k), digest, hex);
}

static const char *ds_words(const struct life_key *k)
{
	if (!k->wanted)
		return "is on its way out: its DS goes when the new one is there";
	switch (k->ds.state) {
	case KEY_HIDDEN: return "is not ready yet: do not give this DS to the parent";
	case KEY_ASKED: return "is ready: the parent should have this DS";
	case KEY_UNRETENTIVE: return "had its DS at the parent, which has taken it away";
	default: return "has its DS at the parent";
	}
}

void dnssec_show_ds(const struct key_ring_view *v, const uint8_t *apex, struct text *out)
{
	bool any = false;

	for (size_t i = 0; i < v->life.n; i++) {
		const struct life_key *k = &v->life.keys[i];
		if (!(k->role & KEY_SIGNS_KEYS) || (!k->wanted && k->ds.state == KEY_HIDDEN))
			continue;
		any = true;
		text_add(out, "; ");
		add_key(out, k);
		text_addf(out, " %s\n",
			k->foreign ? "is another signer's: its DS belongs there, too"
				   : ds_words(k));
		if (k->wanted || k->ds.state != KEY_UNRETENTIVE)
			add_ds(out, k->key, apex, v->policy.sign.cds_digest);
	}
	if (!any)
		text_add(out, "; it has no key that the parent could have a DS of\n");
}

/* --- keys --------------------------------------------------------------------------------- */

static void add_state(struct text *out, const char *what, const struct key_part *p, bool has)
{
	text_addf(out, "  %s %-11s", what, has ? key_state_text(p->state) : "-");
}

void dnssec_show_keys(const struct key_ring_view *v, struct text *out)
{
	for (size_t i = 0; i < v->life.n; i++) {
		const struct life_key *k = &v->life.keys[i];
		char algorithm[SIGNING_TEXT];
		text_addf(out, "%s %5u %-15s ", key_role_text(k->role), signing_key_tag(k->key),
			signing_algorithm_text(algorithm, signing_key_algorithm(k->key)));
		add_time(out, k->created_s);
		if (k->foreign) {
			text_add(out, "  of another signer: published\n");
			continue;
		}
		add_state(out, "dnskey", &k->dnskey, true);
		add_state(out, "signatures", &k->zone, k->role & KEY_SIGNS_ZONE);
		add_state(out, "ds", &k->ds, k->role & KEY_SIGNS_KEYS);
		text_addf(out, "  %s\n", k->wanted ? "stays" : "goes");
	}
}

/* --- status ------------------------------------------------------------------------------- */

static const char *const waits[][2] = {
	[KEY_DNSKEY] = { "until its DNSKEY is in all caches",
		"until its DNSKEY is in no cache" },
	[KEY_ZONE] = { "until its signatures are in all caches",
		"until its signatures are in no cache" },
	[KEY_DS] = { "until its DS is in all caches", "until its DS is in no cache" },
};

static void add_wait(
	const struct key_ring_view *v, size_t i, enum key_which which, struct text *out)
{
	const struct life_key *k = &v->life.keys[i];
	const struct key_part *p = which == KEY_DNSKEY ? &k->dnskey
		: which == KEY_ZONE                    ? &k->zone
						       : &k->ds;
	const uint32_t left_s = key_life_left_s(&v->life, policy_of(v), i, which);
	char text[SPAN_TEXT];

	if (p->state != KEY_RUMOURED && p->state != KEY_UNRETENTIVE)
		return;
	text_add(out, "waits          ");
	add_key(out, k);
	text_addf(out, ": %s", waits[which][p->state == KEY_UNRETENTIVE]);
	if (p->served)
		text_addf(out, ", %s more\n", span(text, left_s));
	else
		text_add(out, ", once what is served is so\n");
}

static const char *what_it_is(const struct key_ring_view *v)
{
	if (*v->fault)
		return "its keys cannot be had: what is served is not signed anew";
	bool leaving = false, asked = false;

	for (size_t i = 0; i < v->life.n; i++) {
		leaving = leaving || (!v->life.keys[i].wanted && !v->life.keys[i].foreign);
		asked = asked || asks(&v->life.keys[i]);
	}
	if (v->is_off && v->life.n && !key_life_is_secure(&v->life))
		return "not signed any more; its keys stay until no cache has them";
	if (v->is_off)
		return v->life.n ? "signed until the parent has no DS of it any more"
				 : "not signed";
	return leaving  ? "a roll is underway"
		: asked ? "signed"
			: "signed; no DS is asked for yet";
}

void dnssec_show_status(const struct key_ring_view *v, const uint8_t *apex, struct text *out)
{
	char name[NAME_TEXT];

	text_addf(out, "%-14s %s\n%-14s %s\n", "zone", name_text(name, apex), "state",
		what_it_is(v));
	if (*v->fault)
		text_addf(out, "%-14s %s\n", "fault", v->fault);
	for (size_t i = 0; i < v->life.n; i++) {
		add_wait(v, i, KEY_DNSKEY, out);
		add_wait(v, i, KEY_ZONE, out);
		add_wait(v, i, KEY_DS, out);
	}
	if (key_life_waits_for_parent(&v->life, policy_of(v)))
		text_addf(out, "%-14s %s\n", "parent",
			v->is_off ? "is waited for: its DS records of this zone are to go"
				  : "is waited for: it is to have the DS that \"dnssec ds\" "
				    "shows");
	if (v->life.ds_seen_s) {
		text_addf(out, "%-14s ", "parent told");
		add_time(out, v->life.ds_seen_s);
		text_add(out, "\n");
	}
	if (*v->parent)
		text_addf(out, "%-14s %s\n", "parent asked", v->parent);
	dnssec_show_keys(v, out);
}

void dnssec_show_json(const struct key_ring_view *v, const uint8_t *apex, struct text *out)
{
	report_json(report_keys(&(struct report_keys_of){
			    apex, &v->life, &v->policy, what_it_is(v), v->fault, v->parent }),
		out);
}
