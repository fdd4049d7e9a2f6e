/* ctl_restore.c - "waymarkctl restore": a copy of the store takes its place, while no server runs.
 *
 * Not by the server: that would have to throw away what it serves, and secondaries would see serials go
 * back in the middle of a transfer. So it is stopped first, and who does it sees what will be served.
 */
#include "base/memory.h"
#include "conf/conf.h"
#include "dns/name.h"
#include "store/store.h"
#include "tools/ctl_inner.h"
#include "zone/serial.h"

#include <stdlib.h>
#include <string.h>

enum { NAMED = 10 };

const char ctl_restore_usage[] =
	"  restore  FILE [--look]\n           put a copy that \"backup\" made in the place of the store, "
	"while no server runs; --look: what is in it\n";

struct zones {
	struct {
		uint8_t apex[NAME_MOST];
		uint32_t serial;
	} *list;
	size_t n;
};

static void add(void *ctx, const uint8_t *apex, uint32_t serial)
{
	struct zones *z = ctx;

	if ((z->n & (z->n - 1)) == 0)
		z->list = memory_grow(z->list, (z->n ? 2 * z->n : 1) * sizeof *z->list);
	memcpy(z->list[z->n].apex, apex, name_len(apex));
	z->list[z->n++].serial = serial;
}

static int compare_apex(const uint8_t *a, const uint8_t *b)
{
	const size_t la = name_len(a), lb = name_len(b);
	const int d = memcmp(a, b, la < lb ? la : lb);

	return d ? d : (la > lb) - (la < lb);
}

/* Both ascend. Secondaries that have heard of a later serial do not come back from it by themselves. */
static void tell_serials_that_go_back(const struct zones *now, const struct zones *next)
{
	char name[NAME_TEXT];
	size_t n = 0;

	for (size_t i = 0, k = 0; i < now->n && k < next->n;) {
		const int d = compare_apex(now->list[i].apex, next->list[k].apex);
		const uint32_t is = now->list[i].serial, will = next->list[k].serial;
		if (d == 0 && serial_is_newer(is, will) && n++ < NAMED)
			printf("%s goes back from serial %u to %u: its secondaries stay where they are until "
			       "it has a later one\n",
				view_text(name, now->list[i].apex), is, will);
		i += d <= 0;
		k += d >= 0;
	}
	if (n > NAMED)
		printf("... and so do %zu more\n", n - NAMED);
}

static void tell_zones(const char *path, const struct zones *z)
{
	char name[NAME_TEXT];

	printf("%s: %zu zone%s\n", path, z->n, z->n == 1 ? "" : "s");
	for (size_t i = 0; i < z->n; i++)
		printf("  %s serial %u\n", view_text(name, z->list[i].apex), z->list[i].serial);
}

static enum ctl_status complain(const char *text)
{
	fprintf(stderr, "waymarkctl: %s\n", text);
	return NOT_DONE;
}

/* Of the configuration; NULL and told. The caller frees. */
static char *store_of(const struct ctl *c)
{
	struct faults f;
	char *path = NULL;

	faults_init(&f);
	struct conf *conf = conf_open(c->conf_path, NULL, &f);
	if (!conf)
		fputs(text_get(&f.text), stderr);
	else if (!conf->store_file)
		complain("the configuration has no store: file");
	else
		path = strdup(conf->store_file);
	if (conf)
		part_drop(&conf->part);
	faults_fini(&f);
	return path;
}

static enum ctl_status restore(const char *store, const char *copy, const struct zones *next)
{
	struct zones now = { 0 };
	struct fault why;

	if (!store_restore(store, copy, &why))
		return complain(why.text);
	printf("%s: %zu zone%s of %s; what was there is %s.before\n", store, next->n,
		next->n == 1 ? "" : "s", copy, store);
	char old[4096];
	snprintf(old, sizeof old, "%s.before", store);
	if (store_look(old, add, &now, &why))
		tell_serials_that_go_back(&now, next);
	memory_free(now.list);
	return DONE;
}

enum ctl_status ctl_restore(const struct ctl *c, char **words, int n)
{
	const bool look = n == 2 && strcmp(words[1], "--look") == 0;
	struct zones next = { 0 };
	enum ctl_status status = NOT_DONE;
	struct fault why;

	if ((n != 1 && !look) || words[0][0] == '-')
		return (enum ctl_status)ctl_help_one("restore", stderr, WRONG_USE);
	char *store = look ? NULL : store_of(c);
	if (!look && !store)
		return NOT_DONE;
	if (!store_look(words[0], add, &next, &why)) {
		complain(why.text);
	} else if (look) {
		tell_zones(words[0], &next);
		status = DONE;
	} else {
		status = restore(store, words[0], &next);
	}
	memory_free(next.list);
	free(store);
	return status;
}
