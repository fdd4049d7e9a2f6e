#include "conf/schema.h"

#include "conf/option.h"

#include <string.h>

static void take_window(
	struct reader *r, const struct key *key, const struct node *value, void *to)
{
	unsigned ms = 0;

	option_duration_ms(r, key, value, &ms);
	if (ms)
		*(unsigned *)to = (ms + 999) / 1000;
}

#define AT(field) .at = offsetof(struct policy_limits, field)
#define RATE                                                              \
	.say = "a number of responses a second, 0 (no limit) to 1000000", \
	.most = POLICY_RATE_MOST

const struct key schema_limit_keys[] = {
	{ "rate", option_number, .say = "a number of responses a second, 1 to 1000000",
		AT(rate[CLASS_ANSWER]), .least = 1, .most = POLICY_RATE_MOST,
		.needed = "rate: 200",
		.about = "Answers a second to one address (IPv4 /32, IPv6 /64)." },
	{ "nodata", option_number, RATE, AT(rate[CLASS_NODATA]),
		.about = "The same for NODATA.", .otherwise = "rate" },
	{ "nxdomain", option_number, RATE, AT(rate[CLASS_NXDOMAIN]),
		.about = "The same for NXDOMAIN.", .otherwise = "rate" },
	{ "referrals", option_number, RATE, AT(rate[CLASS_REFERRAL]),
		.about = "The same for referrals.", .otherwise = "rate" },
	{ "errors", option_number, RATE, AT(rate[CLASS_ERROR]),
		.about = "The same for errors, such as REFUSED.", .otherwise = "rate" },
	{ "slip", option_number, .say = "a number from 0 (never) to 255", AT(slip),
		.most = POLICY_SLIP_MOST,
		.about = "Of the responses over the limit every n-th is sent truncated, "
			 "so that a real client asks again over TCP. Who sends cookies "
			 "gets BADCOOKIE; errors are sent as they are.",
		.otherwise = "2" },
	{ "window", take_window, .say = "a duration from 1s to 1h", AT(window_s), .least = 1000,
		.most = 1000 * POLICY_WINDOW_MOST_S,
		.about = "How long, at most, a flood's debt lasts after it.",
		.otherwise = "5s" },
	{ "exempt", option_nets, .say = "a prefix, or a list of them", AT(exempt),
		.about = "Client nets that are never limited.", .otherwise = "none" },
	{ "dry-run", option_switch, .say = "on or off", AT(dry_run),
		.about = "on: count what would be limited (waymarkctl status), and send "
			 "all the same.",
		.otherwise = "off" },
	{ 0 },
};

void schema_limits(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	static const char *const names[POLICY_CLASSES] = { "rate", "nodata", "nxdomain",
		"referrals", "errors" };
	struct policy_limits *limits = &((struct conf *)to)->policy.limits;

	if (!keys_is_map(r, value, key->name))
		return;
	*limits = (struct policy_limits){ .on = true, .slip = 2, .window_s = 5 };
	keys_read(r, schema_limit_keys, value, key->name, limits);
	for (unsigned i = 1; i < POLICY_CLASSES; i++)
		if (!parse_get(value, names[i]))
			limits->rate[i] = limits->rate[CLASS_ANSWER];
}
