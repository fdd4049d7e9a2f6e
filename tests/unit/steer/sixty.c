#include "unit/steer/sixty.h"

#include "base/bytes.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double sixty_draw(struct sixty *w)
{
	w->random = w->random * 1664525u + 1013904223u;
	return (w->random >> 8) / 16777216.0;
}

static double km(double lat, double lon, double lat2, double lon2)
{
	const double r = M_PI / 180,
		     h = pow(sin((lat2 - lat) * r / 2), 2) +
		cos(lat * r) * cos(lat2 * r) * pow(sin((lon2 - lon) * r / 2), 2);

	return 2 * 6371 * asin(sqrt(h));
}

double sixty_ms(const struct sixty *w, unsigned city, unsigned edge)
{
	return 5 +
		0.016 * km(w->lat[city], w->lon[city], w->edges[edge].lat, w->edges[edge].lon);
}

/* To the nearest that is up. */
static double sixty_least_ms(const struct sixty *w, unsigned city)
{
	double best = INFINITY;

	for (unsigned e = 0; e < EDGES; e++)
		if (w->states[e] == EDGE_UP)
			best = fmin(best, sixty_ms(w, city, e));
	return best;
}

static void add_cities(struct sixty *w)
{
	struct places *p = places_new();
	struct netmap *map = netmap_new(false), *asn = netmap_new(false);

	for (unsigned i = 0; i < CITIES; i++) {
		struct place place = {
			.lat = w->lat[i], .lon = w->lon[i], .region = places_intern(p, "", 0)
		};
		struct prefix net = { .bits = 96 + 15 };
		net.addr = (struct addr){
			{ [10] = 255, 255, (uint8_t)(11 + i / 128), (uint8_t)(i * 2) }
		};
		memcpy(place.country, "DE", 2);
		memcpy(place.continent, "EU", 2);
		CU_ASSERT_TRUE_FATAL(netmap_append(map, &net, places_add(p, &place)));
	}
	netmap_seal(map);
	netmap_seal(asn);
	places_seal(p);
	w->atlas = calloc(1, sizeof *w->atlas);
	w->atlas->refs = 1;
	w->atlas->cities = (struct mmdb_cities){ .map = map, .places = p };
	w->atlas->asns = (struct mmdb_asns){ .map = asn,
		.n = 1,
		.asn = calloc(1, sizeof(struct mmdb_asn)),
		.names = calloc(1, 1) };
}

void sixty_open(struct sixty *w, uint32_t seed, unsigned answers)
{
	struct pool_opts pool = small_pool();
	double sum = 0, room = 0;

	memset(w, 0, sizeof *w);
	w->random = seed;
	for (unsigned i = 0; i < CITIES; i++) {
		w->lat[i] = asin(sixty_draw(w) * 1.5 - 0.6) * 180 / M_PI;
		w->lon[i] = sixty_draw(w) * 360 - 180;
		sum += w->demand[i] = pow(1 + i, -0.6);
	}
	for (unsigned i = 0; i < EDGES; i++) {
		const unsigned near = (unsigned)(pow(sixty_draw(w), 2) * CITIES);
		snprintf(w->names[i], sizeof w->names[i], "e%u", i);
		w->addrs[i] = (struct addr){ { [10] = 255, 255, 192, 0, 2, (uint8_t)i } };
		w->numbers[i] = (uint16_t)i;
		w->edges[i] = (struct edge_opts){ .name = w->names[i],
			.placed = true,
			.lat = w->lat[near] + sixty_draw(w) * 2 - 1,
			.lon = w->lon[near],
			.a = &w->addrs[i],
			.n_a = 1,
			.weight = 1,
			.low = SIXTY_LOW,
			.high = SIXTY_HIGH,
			.capacity = 0.4 + sixty_draw(w) + (i % 10 == 0 ? 2 : 0) };
		room += w->edges[i].capacity;
		if (w->edges[i].capacity > w->edges[w->largest].capacity)
			w->largest = i;
	}
	for (unsigned i = 0; i < EDGES; i++)
		w->edges[i].capacity *= 100000 / room;
	for (unsigned i = 0; i < GROUPS; i++) {
		w->groups[i] = (struct shed_demand){ .rate = w->demand[i / SPLIT] / sum *
				80000 / SPLIT };
		w->groups[i].addr = (struct addr){ { [10] = 255,
			255,
			(uint8_t)(11 + i / 4096),
			(uint8_t)(i / 16),
			(uint8_t)(i % 16 * 16) } };
	}
	for (unsigned i = 0; i < CITIES; i++)
		w->demand[i] *= 80000 / sum;
	add_cities(w);
	pool.edges = w->numbers;
	pool.n = EDGES;
	pool.answers = answers;
	w->steer = steer_new(
		&(struct steer_opts){ w->edges, EDGES, &pool, 1, NULL, NULL }, w->atlas, NULL);
}

void sixty_close(struct sixty *w)
{
	steer_drop(w->steer);
	atlas_drop(w->atlas);
}


void sixty_play(const struct sixty *w, const uint32_t *price, struct sixty_outcome *o)
{
	struct shed_cut cuts[EDGES];
	struct standing *st = small_standing(w->steer, w->states);
	double sum = 0, best = 0;

	memset(o, 0, sizeof *o);
	for (unsigned i = 0; i < EDGES; i++)
		cuts[i] = (struct shed_cut){ price[i], SHED_ALL };
	st->cuts = cuts;
	for (unsigned i = 0; i < GROUPS; i++) {
		struct choose_ask ask = { .steer = w->steer,
			.standing = st,
			.has_subnet = true,
			.subnet = w->groups[i].addr };
		const struct choice c = choose(&ask, NULL);
		for (unsigned k = 0; k < c.n; k++)
			o->load[c.edges[k]] += w->groups[i].rate / c.n;
		o->went[i] = c.edges[0];
		if (i % SPLIT == 0)
			best = sixty_least_ms(w, i / SPLIT);
		o->extra_ms += w->groups[i].rate * (sixty_ms(w, i / SPLIT, c.edges[0]) - best);
		sum += w->groups[i].rate;
	}
	o->extra_ms /= sum;
	standing_free(st);
}

double sixty_optimum(const struct sixty *w)
{
	char lp[] = "/tmp/waymark-lp.XXXXXX", out[] = "/tmp/waymark-lp.XXXXXX", line[512];
	double nearest = 0, sum = 0, found = NAN;
	const int fd = mkstemp(lp), fd2 = mkstemp(out);
	FILE *f = fdopen(fd, "w");

	close(fd2);
	fprintf(f, "Minimize\n ms:");
	for (unsigned c = 0; c < CITIES; c++)
		for (unsigned e = 0; e < EDGES; e++)
			if (w->states[e] == EDGE_UP)
				fprintf(f, "\n + %.6f x%u_%u", sixty_ms(w, c, e), c, e);
	fprintf(f, "\nSubject To\n");
	for (unsigned c = 0; c < CITIES; c++) {
		for (unsigned e = 0; e < EDGES; e++)
			if (w->states[e] == EDGE_UP)
				fprintf(f, " + x%u_%u\n", c, e);
		fprintf(f, " = %.6f\n", w->demand[c]);
		nearest += w->demand[c] * sixty_least_ms(w, c);
		sum += w->demand[c];
	}
	for (unsigned e = 0; e < EDGES; e++) {
		for (unsigned c = 0; w->states[e] == EDGE_UP && c < CITIES; c++)
			fprintf(f, " + x%u_%u\n", c, e);
		if (w->states[e] == EDGE_UP)
			fprintf(f, " <= %.6f\n", w->edges[e].capacity * SIXTY_HIGH);
	}
	fprintf(f, "End\n");
	fclose(f);
	snprintf(line, sizeof line, "glpsol --lp %s -o %s >/dev/null 2>&1", lp, out);
	if (system(line) == 0 && (f = fopen(out, "r"))) {
		while (fgets(line, sizeof line, f))
			sscanf(line, "Objective: ms = %lf", &found);
		fclose(f);
	}
	unlink(lp);
	unlink(out);
	return (found - nearest) / sum;
}
