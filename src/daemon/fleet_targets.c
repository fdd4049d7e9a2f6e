#include "daemon/fleet_targets.h"

#include <stdlib.h>
#include <string.h>

static bool is_known(const struct fleet *f, const char *self, const char *server)
{
	bool is = strcmp(server, self) == 0;

	for (size_t i = 0; !is && i < fleet_mates(f); i++)
		is = strcmp(server, fleet_mate(f, i).server) == 0;
	return is;
}

static bool is_named(const char *const *to, size_t n, const char *server)
{
	size_t i = 0;

	while (i < n && strcmp(to[i], server) != 0)
		i++;
	return i < n;
}

static size_t by_name(const struct fleet *f, const char *self, char *servers, const char **to, struct fault *why)
{
	size_t n = 0;

	for (char *save, *s = strtok_r(servers, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		if (!is_known(f, self, s)) {
			fault(why, "no server of the fleet is called \"%s\" (\"fleet\" shows them)", s);
			return 0;
		}
		if (is_named(to, n, s))
			continue;
		if (n == FLEET_TARGETS_MOST) {
			fault(why, "more than %d servers; name a share (25%%), or say it to all", FLEET_TARGETS_MOST);
			return 0;
		}
		to[n++] = s;
	}
	if (!n)
		fault(why, "which servers? write ns1,ns2 or 25%%");
	return n;
}

/* The next that is there, by name; NULL: there is none. */
static const char *next_there(const struct fleet *f, const char *self, const char *last)
{
	const char *next = strcmp(self, last) > 0 ? self : NULL;

	for (size_t i = 0; i < fleet_mates(f); i++) {
		const struct fleet_mate m = fleet_mate(f, i);
		if (m.live && strcmp(m.server, last) > 0 && (!next || strcmp(m.server, next) < 0))
			next = m.server;
	}
	return next;
}

static size_t by_share(const struct fleet *f, const char *self, double percent, const char **to, struct fault *why)
{
	const double share = percent / 100 * (double)(fleet_live(f) + 1);
	size_t n = 0;

	if (!(percent > 0 && percent <= 100) || share > FLEET_TARGETS_MOST) {
		fault(why, "a share is over 0%% and up to 100%%, of %d servers at most; to all it is said without \"fleet on\"",
			FLEET_TARGETS_MOST);
		return 0;
	}
	for (const char *s = next_there(f, self, ""); s && (n == 0 || (double)n < share - 1e-9) && n < FLEET_TARGETS_MOST;
		s = next_there(f, self, s))
		to[n++] = s;
	return n;
}

size_t fleet_targets(const struct fleet *f, const char *self, char *servers, const char *to[static FLEET_TARGETS_MOST],
	struct fault *why)
{
	char *end;
	const double percent = strtod(servers, &end);

	return end != servers && strcmp(end, "%") == 0 ? by_share(f, self, percent, to, why) : by_name(f, self, servers, to, why);
}
