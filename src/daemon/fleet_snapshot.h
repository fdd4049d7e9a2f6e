/* fleet_snapshot.h - all of a zone in the journal of a fleet, and the names that both have of things.
 *
 * For fleet_journal.c. Helper threads.
 */
#ifndef DAEMON_FLEET_SNAPSHOT_H
#define DAEMON_FLEET_SNAPSHOT_H

#include "daemon/fleet_journal.h"
#include "store/store.h"

enum {
	FLEET_VERSION_TEXT = 10 + 1 + 16 + 1,
	FLEET_JOURNAL_KEY = 128,
	FLEET_JOURNAL_ARGS = 4,
	FLEET_SNAPSHOT_KEY = 17,
	FLEET_SNAPSHOT_CHUNK = 512 << 10 /* bytes, and a record more */
};

const char *fleet_version_text(char to[static FLEET_VERSION_TEXT], struct fleet_version v);
/* Of the first bytes. */
bool fleet_version_parse(struct fleet_version *to, const char *s, size_t len);
/* Of records as the store has them. */
uint64_t fleet_version_sum(const uint8_t *records, size_t len);

void fleet_journal_key(const struct fleet_journal *j, char to[static FLEET_JOURNAL_KEY]);
/* A script without arguments, and what it says. */
bool fleet_journal_ask(const struct fleet_journal *j, const char *script, struct fleet_answer *to, struct fault *why);
enum fleet_journal_result fleet_journal_run(const struct fleet_journal *j, const char *script,
	const struct redis_word *args, unsigned n, struct fault *why);

/* Which snapshot there is: its version, in how many pieces, and by which secret it is sealed. */
struct fleet_snapshot_head {
	struct fleet_version version;
	unsigned n;
	char key[FLEET_SNAPSHOT_KEY];
};
bool fleet_snapshot_head(struct fleet_snapshot_head *to, const char *text);
/* Tells secrets apart, and nothing of them. */
const char *fleet_snapshot_key(char to[static FLEET_SNAPSHOT_KEY], const struct fleet_keys *keys);

#endif
