/* schema_stage.c - stage: when what is tried out on some clients is taken back by itself.
 */
#include "conf/option.h"
#include "conf/schema.h"

#define AT(field) .at = offsetof(struct conf_stage, field)
#define SHARE     .most = 100, .say = "a share from 0% to 100% (100%: never)"

const struct key schema_stage_keys[] = {
	{ "servfail", option_share, SHARE, AT(servfail),
		.about = "Take the stage back when so many more of all answers are "
			 "SERVFAIL than before it began.",
		.otherwise = "1%" },
	{ "empty", option_share, SHARE, AT(empty),
		.about = "... when so many more of its answers have no edge than of the "
			 "others.",
		.otherwise = "1%" },
	{ "failures", option_share, SHARE, AT(failures),
		.about = "... when so many more of its edges are down by their probes "
			 "than of the others, twice in a row.",
		.otherwise = "10%" },
	{ "every", option_duration_ms, .say = "a duration from 100ms to 1h, such as 5s",
		AT(every_ms), .least = 100, .most = 3600000,
		.about = "How often that is looked at. Fewer than 100 answers say "
			 "nothing.",
		.otherwise = "5s" },
	{ 0 },
};

void schema_stage_defaults(struct conf_stage *to)
{
	*to = (struct conf_stage){ 0.01, 0.01, 0.1, 5000 };
}

void schema_stage(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	if (keys_is_map(r, value, key->name))
		keys_read(r, schema_stage_keys, value, key->name, &((struct conf *)to)->stage);
}
