/* schema_reload.c - reload: what a reload may not do unless it is forced to.
 */
#include "conf/option.h"
#include "conf/schema.h"

const struct key schema_reload_keys[] = {
	{ "zones-lost", option_share, .most = 100, .say = "a share of the zones from 0% to 100% (100%: any)",
		.at = offsetof(struct conf, zones_lost),
		.about = "A reload that would take a larger share of the zones away is refused, "
			 "as when a folder was emptied by a copy that failed, unless "
			 "--force says that it is meant. So are the members of a catalog kept, "
			 "where it has ten of them no more. 100%: never.",
		.otherwise = "50%" },
	{ 0 },
};
