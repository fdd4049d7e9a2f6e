/* schema_verify.c - what a zone must stand before it is served: in a zone's entry, or in a template.
 */
#include "conf/option.h"
#include "conf/schema.h"

static void take_zonemd(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const words[] = { [CONF_ZONEMD_OFF] = "off", [CONF_ZONEMD_WARN] = "warn",
		[CONF_ZONEMD_ON] = "on", [CONF_ZONEMD_REQUIRE] = "require", NULL };
	const int word = option_word(r, key, value, words);

	if (word >= 0)
		((struct conf_rule *)to)->verify.zonemd = (enum conf_zonemd)word;
}

const char *const schema_zonemd_words[] = { [ZONEMD_NO_HASH] = "off", [ZONEMD_SHA384] = "sha384",
	[ZONEMD_SHA512] = "sha512", NULL };

void schema_zonemd(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const int word = option_word(r, key, value, schema_zonemd_words);

	if (word >= 0)
		((struct conf_rule *)to)->zonemd = (enum zonemd_hash)word;
}

const char *schema_zonemd_fault(const struct conf_rule *rule)
{
	return !rule->zonemd ? NULL
		: rule->dnssec
		? "\"zonemd\" of zones that are signed here is a word of their policy; write for example: dnssec: { "
		  "auto: { zonemd: sha384 } }"
		: rule->n_primaries
		? "what comes from a \"primary\" has the digest that is made there; \"verify: { zonemd: on }\" looks "
		  "whether it is right"
		: NULL;
}

const struct key schema_verify_keys[] = {
	{ "zonemd", take_zonemd, .say = "off, warn, on or require",
		.about = "The digest that the zone has in itself (ZONEMD, RFC 8976). on: where "
			 "there is one it must be right. require: there must be one. warn: what "
			 "is wrong is told, and the zone is served.",
		.otherwise = "off" },
	{ "program", option_program, .say = "the path of a program, or a list of it and its words",
		.at = offsetof(struct conf_rule, verify.program),
		.about = "What gets the zone as text at its standard input, with WAYMARK_ZONE and "
			 "WAYMARK_SERIAL in its environment. Exit status 0 takes the zone; all "
			 "else keeps what was served, and is told with the first line that it "
			 "printed. No shell is asked.",
		.otherwise = "none" },
	{ "timeout", option_duration_ms, .say = "a duration from 100ms to 1h", .least = 100,
		.most = 3600 * 1000, .at = offsetof(struct conf_rule, verify.timeout_ms),
		.about = "How long the program may take.", .otherwise = "60s" },
	{ 0 },
};
