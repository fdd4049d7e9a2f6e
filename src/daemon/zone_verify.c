#include "daemon/zone_verify.h"

#include "base/memory.h"
#include "base/spawn.h"
#include "jobs/jobs.h"
#include "zone/zone_text.h"
#include "zone/zonemd.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 60000 };

static bool check_zonemd(
	enum conf_zonemd how, const struct zone *z, struct fault *doubt, struct fault *why)
{
	struct fault wrong;

	if (how == CONF_ZONEMD_OFF)
		return true;
	const enum zonemd_result is = zonemd_check(z, &wrong);
	if (is == ZONEMD_RIGHT || (is == ZONEMD_NONE && how != CONF_ZONEMD_REQUIRE))
		return true;
	/* Who cannot be held against anything is no worse than one without. */
	if (how == CONF_ZONEMD_WARN || (is == ZONEMD_UNKNOWN && how == CONF_ZONEMD_ON)) {
		*doubt = wrong;
		return true;
	}
	return fault(why, "verify: zonemd: %s", wrong.text);
}

static bool is_wanted(void *job)
{
	return !job || !job_is_cancelled(job);
}

static bool run_program(const struct conf_verify *how, const struct zone *z,
	const struct job *job, struct fault *why)
{
	struct text name = { 0 }, serial = { 0 }, text = { 0 };
	char shown[NAME_TEXT];
	struct fault wrong;

	text_addf(&name, "WAYMARK_ZONE=%s", view_text(shown, zone_id(z)));
	text_addf(&serial, "WAYMARK_SERIAL=%u", z->serial);
	zone_text(&text, z, RDATA_FOR_US);
	const bool whole = !name.lost && !serial.lost && !text.lost;
	char *words[] = { name.s, serial.s };
	fault(&wrong, "out of memory");
	const bool ok = whole && spawn_run(&(struct spawn_run){ .command = how->program,
					  .words = words,
					  .n_words = 2,
					  .input = text_get(&text),
					  .len = text.len,
					  .most_ms = how->timeout_ms ? how->timeout_ms : TIMEOUT_MS,
					  .wanted = is_wanted,
					  .ctx = (void *)(uintptr_t)job },
		&wrong);
	text_fini(&name);
	text_fini(&serial);
	text_fini(&text);
	return ok || fault(why, "verify: %s", wrong.text);
}

bool zone_verify(const struct conf_verify *how, const struct zone *z, const struct job *job,
	struct fault *doubt, struct fault *why)
{
	*doubt = (struct fault){ 0 };
	return check_zonemd(how->zonemd, z, doubt, why) &&
		(!how->program || run_program(how, z, job, why));
}

struct conf_verify *zone_verify_copy(const struct conf_verify *how, bool *ok)
{
	size_t n = 0, bytes = 0;

	*ok = true;
	if (how->zonemd == CONF_ZONEMD_OFF && !how->program)
		return NULL;
	for (; how->program && how->program[n]; n++)
		bytes += strlen(how->program[n]) + 1;
	struct conf_verify *to = malloc(sizeof *to + (n + 1) * sizeof(char *) + bytes);
	*ok = to != NULL;
	if (!to)
		return NULL;
	*to = *how;
	if (!how->program)
		return to;
	char **words = (char **)(to + 1), *at = (char *)(words + n + 1);
	for (size_t i = 0; i < n; i++) {
		words[i] = at;
		at = stpcpy(at, how->program[i]) + 1;
	}
	words[n] = NULL;
	to->program = (const char *const *)words;
	return to;
}
