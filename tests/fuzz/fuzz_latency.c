/* fuzz_latency.c - any bytes as a file of measurements: no crash, and what comes out is in
 * bounds, fits a model, and reads back as it was written.
 */
#include "base/memory.h"
#include "measure/latency_csv.h"
#include "measure/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const names[] = { "a", "b", "c" };
static const struct model_site sites[] = { { true, 50, 8 }, { true, 40, -74 },
	{ false, 0, 0 } };
enum { EDGES = 3, NOW = 1u << 30 };

static char path[64];

static void leave(void)
{
	unlink(path);
}

static struct latency *read_bytes(const void *data, size_t len, bool *ok)
{
	struct latency_csv from = { path, NOW, 1700000000, CSV_SAMPLES, NULL };
	struct latency *t = latency_new(
		&(struct latency_opts){ names, EDGES, 0.3, 60, 1 << 16, { 1, 2 } });
	struct faults f;

	if (!*path) {
		snprintf(path, sizeof path, "/dev/shm/waymark-fuzz-%d", (int)getpid());
		atexit(leave);
	}
	FILE *file = fopen(path, "we");
	if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0)
		abort();
	faults_init(&f);
	*ok = latency_csv_read(t, &from, NULL, &f);
	if (*ok != (f.errors == 0))
		abort();
	faults_fini(&f);
	return t;
}

static void check_row(const struct latency_row *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->cell[i].edge >= EDGES || !r->cell[i].n || !(r->cell[i].rtt_ms > 0) ||
			r->cell[i].rtt_ms > LATENCY_RTT_MOST_MS || r->cell[i].at_s > NOW)
			abort();
}

/* A world of one place, where every prefix is. */
static void fit(const struct latency *t)
{
	struct atlas *atlas = memory_zeroed(1, sizeof *atlas);
	struct places *places = places_new();
	float ms[EDGES];

	places_add(places, &(struct place){ .lat = 52, .lon = 5, .country = { 'N', 'L' } });
	places_seal(places);
	struct netmap *map = netmap_new(true), *none = netmap_new(true);
	netmap_append_range(map, false, U128_ZERO, U128_MOST, 1);
	netmap_append_range(map, true, U128_ZERO, U128_MOST, 1);
	netmap_seal(map);
	netmap_seal(none);
	*atlas = (struct atlas){ .refs = 1,
		.cities = { .map = map, .places = places },
		.asns = { .map = none,
			.n = 1,
			.asn = memory_zeroed(1, sizeof(struct mmdb_asn)),
			.names = memory_zeroed(1, 1) } };
	struct model *m = model_new(&(struct model_opts){ atlas, sites, EDGES, t, NOW });
	model_estimate(m, 1, ms);
	if (!isfinite(ms[0]) || !isfinite(ms[1]) || !isnan(ms[2]))
		abort();
	model_drop(m);
	atlas_drop(atlas);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct text first = { 0 }, second = { 0 };
	const struct latency_csv now = { NULL, NOW, 1700000000, CSV_STATE, NULL };
	bool ok;
	size_t n;

	struct latency *t = read_bytes(data, len, &ok);
	const struct latency_row *rows = latency_rows(t, &n);
	for (size_t i = 0; i < n; i++)
		check_row(&rows[i]);
	for (unsigned e = 0; e < EDGES; e++)
		check_row(latency_mesh(t, e));
	fit(t);
	latency_csv_write(t, &now, true, &first);
	latency_drop(t);
	if (len < 4096) { /* so that nothing had to make room, which would go by order */
		t = read_bytes(text_get(&first), first.len, &ok);
		latency_csv_write(t, &now, true, &second);
		/* Times under half a microsecond are written as 0, which is none. */
		if (ok && strcmp(text_get(&first), text_get(&second)) != 0)
			abort();
		latency_drop(t);
	}
	text_fini(&first);
	text_fini(&second);
	return 0;
}
