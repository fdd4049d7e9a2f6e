#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct hash_key zone_of_key = { 0x0123456789abcdefu, 0xfedcba9876543210u };

static bool pool_known(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "web") == 0;
}

struct zone *zone_of(const char *origin, const char *text, struct faults *f)
{
	return zone_of_after(origin, text, NULL, f);
}

static struct zone *load_text(
	const uint8_t *id, const char *text, const struct zone *before, struct faults *f)
{
	const struct compile_opts opts = {
		.key = zone_of_key, .pool_known = pool_known, .before = before
	};
	char path[] = "/tmp/zone_of.XXXXXX";
	struct load l;

	const int fd = mkstemp(path);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
	const bool ok = load_zone(&l, path, id, &opts, f);
	unlink(path);
	if (!ok)
		return NULL;
	struct zone *z = l.zone;
	zone_hold(z);
	load_fini(&l);
	return z;
}

struct zone *zone_of_after(
	const char *origin, const char *text, const struct zone *before, struct faults *f)
{
	static const uint8_t root[1];
	uint8_t wire[NAME_MOST];

	if (name_parse(wire, NULL, origin, strlen(origin), root) != NAME_OK)
		abort();
	return load_text(wire, text, before, f);
}

struct zone *zone_of_id(const uint8_t *id, const char *text, struct faults *f)
{
	return load_text(id, text, NULL, f);
}
