/* export_config.h - a configuration of ours, told in the words of other programs.
 *
 * The way back of an import: each writer turns zones and pools into files of its kind, and tells line by line
 * what those cannot say. A plan has the files and the report. Writers change nothing. For tools.
 */
#ifndef IMPORT_EXPORT_CONFIG_H
#define IMPORT_EXPORT_CONFIG_H

#include "conf/conf.h"
#include "import/import_plan.h"
#include "zone/registry.h"

/* Borrowed for as long as the writer runs. */
struct export_from {
	const struct conf *conf;
	const struct registry *zones;
	struct conf_places *places; /* of `conf` */
};

/* Fill the files of a plan and its notes. */
void to_route53(struct plan *p, const struct export_from *from);
void to_octodns(struct plan *p, const struct export_from *from);

/* --- zones, as all writers go through them ------------------------------------------------ */

/* The RRset of a name. */
struct export_rrset {
	const struct zone *zone;
	const char *owner; /* whole, with its dot */
	uint16_t type;
	uint32_t ttl_s;
	struct words data; /* as in zone files; of an EDGE none */
	struct edge_rr edge; /* of an EDGE */
	const uint32_t *beside; /* types of the name's other RRsets, 0 at the end */
};

/* Where a zone's are told: without those of signing, which who signs makes anew. */
struct export_sink {
	void *ctx;
	/* A zone begins; false: it is not wanted, and why has been told. `name` with its dot. */
	bool (*zone)(void *ctx, const char *name, const struct zone *z);
	void (*rrset)(void *ctx, const struct export_rrset *set);
	void (*end)(void *ctx); /* of a zone */
};

/* Every zone of which something is here; of the others it is told. */
void export_zones(struct plan *p, const struct export_from *from, const struct export_sink *to);

/* What is here is what files say: where that is not all of it, it is told. */
void export_source(struct plan *p, const struct export_from *from, const struct registry_zone *z);

/* What is said of a zone that is no hosted zone by itself: it is for a class of clients. True: told. */
bool export_is_view(struct plan *p, const struct export_from *from, const struct zone *z);

/* --- pools -------------------------------------------------------------------------------- */

/* An edge or a pool. */
struct export_member {
	const struct edge_opts *edge; /* NULL: a pool */
	const struct pool_opts *pool;
	const struct probe_opts *probe; /* of an edge; NULL: none */
	double weight; /* its part; 1 where weights do not count */
	int bias;
};

struct export_members {
	const struct export_member *of;
	size_t n;
};

/* Whom a pin is for. */
enum export_place { EXPORT_NET, EXPORT_REGION, EXPORT_COUNTRY, EXPORT_CONTINENT, EXPORT_ALL };

struct export_pin {
	enum export_place place;
	struct words of; /* nets, "US-CA", "NO", "EU" */
	struct export_members to; /* in their order */
};

/* A pool in the words that writers share. */
struct export_pool {
	const struct pool_opts *opts;
	enum pool_policy policy;
	struct export_members members; /* without those that the configuration has down or drained */
	const struct export_pin *pins; /* [n_pins] of small places first */
	size_t n_pins;
	unsigned answers;
	uint32_t ttl_least_s, ttl_most_s;
};

/* What an EDGE says; `opts` NULL: its pool is not there, which was told. */
struct export_pool export_pool_of_edge(struct plan *p, const struct export_from *from, const struct export_rrset *set);
/* A pool in another. */
struct export_pool export_pool_of(struct plan *p, const struct export_from *from, const struct pool_opts *opts);

/* What such a pool has that no other program can say, a line each, once a pool. */
void export_note(struct plan *p, enum note kind, const struct export_from *from, const struct pool_opts *pool, const char *what);
__attribute__((format(printf, 5, 6))) void export_notef(
	struct plan *p, enum note kind, const struct export_from *from, const struct pool_opts *pool, const char *fmt, ...);
void export_notes(struct plan *p, const struct export_from *from);

/* The addresses of an edge, as text. */
struct words export_addresses(struct plan *p, const struct edge_opts *e, bool v6);

/* All edges of it, those of pools in it among them, each once, up to `room`. */
size_t export_edges(const struct conf *c, const struct pool_opts *pool, const struct edge_opts **to, size_t room);

/* The continent of a country, as "EU"; NULL: it is not known. */
const char *export_continent(const char *country);

/* Numbers from 0 to `most` in the proportions of the members' weights; a weight that is more than 0 stays so. True: they
 * are rounded. */
bool export_weights(const struct export_members *m, unsigned most, unsigned *to);

#endif
