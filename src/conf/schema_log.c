/* schema_log.c - the section log: decisions.
 */
#include "conf/option.h"
#include "conf/schema.h"

#include <string.h>

/* A share of the answers becomes "every so many". */
static void take_sample(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	const char *text = option_scalar(r, key, value), *unit;
	double v;

	if (!text)
		return;
	if (option_decimal(text, false, &v, &unit) && strcmp(unit, "%") == 0 && v >= 0.0001 &&
		v <= 100)
		*(uint32_t *)to = (uint32_t)(100 / v + 0.5);
	else
		option_wrong(r, key, value);
}

#define AT(field) .at = offsetof(struct conf, field)

static const struct key decision_keys[] = {
	{ "file", option_path, .say = "the path of a file", AT(decisions_file),
		.needed = "file: decisions.json",
		.about = "Where to. A file that is moved away is opened anew." },
	{ "sample", take_sample, .say = "a share of the answers from 0.0001% to 100%",
		AT(policy.sample_every),
		.about = "The share of the answers from pools that is logged.",
		.otherwise = "0.1%" },
	{ "size", option_size, .say = "a size from 64k to 4G", AT(decisions_most),
		.least = 65536, .most = UINT32_MAX,
		.about = "A file that is larger becomes FILE.1.", .otherwise = "100M" },
	{ 0 },
};

static void take_decisions(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!keys_is_map(r, value, key->name))
		return;
	c->policy.sample_every = 1000;
	c->decisions_most = 100u << 20;
	keys_read(r, decision_keys, value, key->name, to);
}

const struct key schema_log_keys[] = {
	{ "decisions", take_decisions,
		.say = "a mapping: { file: decisions.json, sample: 0.1% }",
		.about = "A share of the answers from pools, one JSON object a line.",
		.otherwise = "none", .keys = decision_keys },
	{ 0 },
};
