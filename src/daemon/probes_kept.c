/* probes_kept.c - what probes know and operators have said outlives a restart.
 */
#include "daemon/probes_inner.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "daemon/forcing.h"
#include "daemon/state_saver.h"
#include "store/state_file.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define SAVE_US     1000000u   /* between two writes of the state file */
#define FRESHEN_US  300000000u /* it is written even when nothing has changed */
#define HINT_AGE_MS 3600000    /* older verdicts say nothing */

bool probes_are_kept(const struct probes *p)
{
	return probes_conf(p)->state_file || p->opts.store;
}

void probes_save_soon(struct probes *p)
{
	if (probes_conf(p)->state_file)
		probes_set_timer(p, &p->save, p->saved_us + SAVE_US);
}

struct state_picture probes_picture(const struct probes *p)
{
	const char *path = probes_conf(p)->state_file;
	char *copy = path ? strdup(path) : NULL;

	return (struct state_picture){ .path = copy,
		.lost = path && !copy,
		.store = p->forced_changed ? p->opts.store : NULL,
		.still = still_take(p->round, false),
		.forced = forced_copy(forcing_list(p->forcing)),
		.failed = fail_overs_copy(fail_back_list(p->fail_back)),
		.told = externals_copy(round_externals(p->round), clock_us()),
		.conf = part_hold(p->planned.conf) };
}

void probes_save(struct probes *p, void (*told)(void *ctx, const struct fault *why), void *ctx)
{
	struct state_picture now = probes_picture(p);

	p->forced_changed = false;
	p->saved_us = clock_us();
	if (probes_conf(p)->state_file)
		probes_set_timer(p, &p->save, p->saved_us + FRESHEN_US);
	state_saver_save(p->saver, &now, told, ctx);
}

void probes_on_save(struct ev_loop *loop, ev_timer *t, int events)
{
	struct probes *p = t->data;

	(void)loop;
	(void)events;
	if (probes_conf(p)->state_file || p->opts.store)
		probes_save(p, NULL, NULL);
}

void probes_state(const struct probes *p, struct text *to)
{
	struct state_picture now = probes_picture(p);

	state_picture_text(&now, to);
	state_picture_drop(&now);
}

static bool same_target(const struct round_view *v, const struct state_file_verdict *k)
{
	return memcmp(&v->addr, &k->addr, sizeof k->addr) == 0 &&
		strcmp(v->probe->name, k->probe) == 0 &&
		((!probe_is_of_edge(v->probe) && !v->name) || strcmp(v->edge, k->edge) == 0);
}

static int compare_kept(const void *a, const void *b)
{
	return memcmp(&((const struct state_file_verdict *)a)->addr,
		&((const struct state_file_verdict *)b)->addr, sizeof(struct addr));
}

/* The old verdicts of a target's address stand together. */
static void hint(struct probes *p, struct state_file *k, uint32_t target)
{
	const struct round_view v = round_view(p->round, target);
	const struct state_file_verdict want = { .addr = v.addr };
	struct state_file_verdict *at = k->n
		? bsearch(&want, k->verdicts, k->n, sizeof want, compare_kept)
		: NULL;

	if (!at || v.probe->kind == PROBE_EXTERNAL)
		return;
	while (at > k->verdicts && compare_kept(at - 1, &want) == 0)
		at--;
	for (; at < k->verdicts + k->n && compare_kept(at, &want) == 0; at++)
		if (same_target(&v, at)) {
			round_hint(p->round, target, at->up, at->since_us);
			return;
		}
}

static void recall(struct probes *p, struct state_file *k, const char *path, struct faults *f)
{
	const struct fault_at at = { .path = path };

	p->kept_ms = k->age_ms;
	forcing_recall(p->forcing, &k->forced);
	fail_back_recall(p->fail_back, &k->failed);
	round_recall(p->round, &k->told);
	if (k->strange)
		faults_warning(
			f, &at, "%u entries that make no sense were passed over", k->strange);
	if (k->age_ms > HINT_AGE_MS || !k->n)
		return;
	qsort(k->verdicts, k->n, sizeof *k->verdicts, compare_kept);
	for (uint32_t i = 0; i < round_targets(p->round); i++)
		hint(p, k, i);
}

void probes_read_given(struct probes *p, struct faults *f)
{
	const struct state_file_clock now = state_file_now();
	const char *path = "the state of the server before";
	struct fault why;
	struct state_file k;

	if (state_file_read(&k, path, p->opts.given, strlen(p->opts.given), &now, &why)) {
		recall(p, &k, path, f);
		p->forced_changed = true;
		state_file_fini(&k);
	} else {
		faults_warning(f, &(struct fault_at){ .path = path }, "%s", why.text);
	}
}

/* What operators have said, as the store has it; or the file, when that is newer. */
void probes_read_store(struct probes *p, struct faults *f)
{
	const struct state_file_clock now = state_file_now();
	struct fault why = { "" };
	struct state_file k;

	char *text = p->opts.store ? store_get_forced(p->opts.store, &why) : NULL;
	if (text && state_file_read(&k, store_path(p->opts.store), text, strlen(text), &now, &why)) {
		if (k.age_ms <= p->kept_ms) {
			forcing_recall(p->forcing, &k.forced);
			fail_back_recall(p->fail_back, &k.failed);
			round_recall(p->round, &k.told);
		}
		state_file_fini(&k);
	} else if (*why.text) {
		faults_warning(f, &(struct fault_at){ .path = store_path(p->opts.store) },
			"%s; starting without what was forced", why.text);
	} else {
		p->forced_changed = true; /* what the file has goes there once */
	}
	free(text);
}

void probes_read_file(struct probes *p, struct faults *f)
{
	const char *path = probes_conf(p)->state_file;
	const struct state_file_clock now = state_file_now();
	struct file_stamp stamp;
	struct fault why;
	struct file file;
	struct state_file k;

	if (!path || !file_stamp(path, &stamp))
		return; /* the first start */
	if (!file_read(&file, path, STATE_FILE_MOST, &why)) {
		faults_warning(f, &(struct fault_at){ .path = path },
			"%s; starting without what was kept", why.text);
		return;
	}
	if (state_file_read(&k, path, file.text, file.len, &now, &why)) {
		recall(p, &k, path, f);
		state_file_fini(&k);
	} else {
		faults_warning(f, &(struct fault_at){ .path = path },
			"%s; starting without what was kept", why.text);
	}
	file_free(&file);
}
