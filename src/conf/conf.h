/* conf.h - the configuration file, read and checked.
 *
 * conf_read() turns YAML into the option structs of the rooms that obey them, or into faults
 * with file:line:column. All of a configuration lives and dies together. Control thread;
 * only daemon/ and tools/ctl include this.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/part.h"
#include "base/numbers.h"
#include "conf/conf_sums.h"
#include "conf/parse.h"
#include "net/listen.h"
#include "net/redis_at.h"
#include "net/tls.h"
#include "net/tls_client.h"
#include "probe/probe.h"
#include "steer/edge.h"
#include "steer/forced.h"
#include "steer/pool.h"
#include "measure/rank.h"
#include "world/policy.h"
#include "zone/key_life.h"
#include "zone/zonemd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A group of members of a catalog, and the template that they have. */
struct conf_group {
	const char *group, *template;
};

/* A catalog zone (RFC 9432). Templates by their names. */
struct conf_catalog {
	bool produces;              /* it lists the zones of `produced`; else its members are served */
	const char *const *produced; /* [n_produced] */
	size_t n_produced;
	const char *template; /* of members of no group that is known; NULL: those are not served */
	const struct conf_group *groups; /* [n_groups] */
	size_t n_groups;
	uint32_t members_most;
};

/* Where to find zones: one file, or every file of a folder. */
struct conf_zone {
	unsigned rule;         /* number in `rules` */
	bool own_rule;         /* no template's */
	const uint8_t *name;   /* wire, lower case; NULL for `dir` */
	const char *file;      /* NULL for `dir` */
	const char *dir;       /* NULL for `file` */
	const char *files;     /* which of `dir` */
	const char *view;      /* the class of clients that it is for; NULL: all (zone/view.h) */
	const struct conf_catalog *catalog; /* NULL: it is none */
	unsigned source, line, column; /* where `name` or `dir` is written */
};

/* Entries that are catalogs, in the order of the file: few, whatever zones there are. */
struct conf_catalogs {
	const struct conf_zone **of; /* [n] among `zones` */
	size_t n;
};

enum { CONF_PEER_ADDRESSES_MOST = 8 };

struct conf_address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* Another nameserver. */
struct conf_peer {
	const char *name;
	const struct conf_address *at;
	size_t n_at;
	const uint8_t *key; /* the name of what both sign with, as in policy.keys; NULL: none */
	bool plain; /* it gets addresses in the place of EDGE */
	/* How zones are fetched from it over TLS (RFC 9103). */
	bool tls;
	unsigned tls_port;
	struct tls_client_opts tls_opts;
};

/* A nameserver of a parent zone. */
struct conf_parent {
	const char *name; /* as it is written, or a peer's */
	struct conf_address at;
	const uint8_t *key; /* as a peer's */
};

/* How zones are signed. */
struct conf_dnssec {
	const char *name;
	struct key_policy keys;
	const struct conf_parent *parents;
	size_t n_parents;
};

/* What zones have in common: who may do what, and who is told of changes. */
/* verify: what a zone must stand before it is served. */
enum conf_zonemd { CONF_ZONEMD_OFF, CONF_ZONEMD_WARN, CONF_ZONEMD_ON, CONF_ZONEMD_REQUIRE };

struct conf_verify {
	enum conf_zonemd zonemd;
	const char *const *program; /* and its words, NULL at the end; NULL: none */
	unsigned timeout_ms;        /* of the program; 0: 60 s */
};

struct conf_rule {
	struct policy_zone access;
	const unsigned *notify; /* numbers of peers */
	size_t n_notify;
	bool notify_ns; /* the zone's own NS, too */
	const unsigned *primaries; /* numbers of peers: where the zone comes from */
	size_t n_primaries;        /* 0: it has a file */
	bool stored; /* what is in the store goes before its file */
	bool synced; /* ... and changes are written back to the file */
	bool fleet;  /* ... and all servers of the fleet change it */
	struct conf_verify verify;
	enum zonemd_hash zonemd; /* the digest that the zone has of itself is made */
	bool catalog; /* the zone is one, whose members come from elsewhere */
	unsigned template; /* the number of the template that it began with, and one more; 0: none */
	unsigned dnssec; /* number in `dnssec`, and one more; 0: the zone is not signed here */
	/* Of a zone that is added while the server runs and begins with nothing but SOA and NS: names on the
	 * wire, in lower case. */
	const uint8_t *const *nameservers;
	size_t n_nameservers;
	const uint8_t *contact; /* NULL: hostmaster, in the zone itself */
};

/* A file that is opened by who runs, long after the start: "check" looks at it. */
struct conf_file {
	enum { CONF_FILE_CA, CONF_FILE_PAIR, CONF_FILE_TICKETS, CONF_FILE_PROGRAM, CONF_FILE_READ,
		CONF_FILE_APPEND, /* written to as it is; or made */
		CONF_FILE_REPLACE /* made in its folder: what is replaced, a socket */
	} kind;
	const char *path;
	const char *key;       /* of a PAIR: the file with the key; may be the same */
	unsigned source, line, column; /* where it is written */
};

/* Who may report measurements: the agent at an edge. */
struct conf_agent {
	unsigned edge; /* number */
	uint8_t key[32]; /* where `has_key` */
	bool has_key;
	const char *certificate; /* a name of the certificate that may stand for the key, lower case; or NULL */
};

/* What is measured, and what is made of it. */
struct conf_latency {
	bool on; /* there is such a section */
	const char *const *files;
	size_t n_files;
	const char *mesh;  /* or NULL */
	const char *resolver_clients; /* the path of a table; or NULL */
	const char *learned_resolvers; /* the path of a table that we write; or NULL */
	const char *state; /* or NULL: nothing is kept over a restart */
	unsigned half_life_ms;
	double smoothing; /* share of a new sample */
	size_t memory;    /* bytes */
	struct rank_switch change;
	double explore_share; /* of a group's intervals; 0: none */
	double explore_extra_ms;
	unsigned explore_every_ms;
	struct conf_agent *agents;
	size_t n_agents;
};

/* When a configuration that is tried out on some clients is taken back by itself: shares. */
struct conf_stage {
	double servfail; /* so many more of all answers are SERVFAIL than before */
	double empty;    /* so many more of its answers have no edge than of the others */
	double failures; /* so many more of its edges are down by their probes */
	unsigned every_ms;
};

/* How load is balanced; edges have the watermarks and slow-start themselves too. */
struct conf_balance {
	unsigned every_ms;
	double low, high; /* of capacity */
	unsigned slow_start_ms;
	unsigned drain_ms; /* UINT_MAX: as long as answers live */
};

/* Other servers that share what they know, and the Redis that they share it by. */
struct conf_fleet {
	const char *name, *server, *region; /* region: "" */
	const struct redis_at *redis;
	size_t n_redis;
	struct tls_client_opts tls;
	uint8_t secret[32], staging[32];
	bool has_staging;
	double quorum;  /* a share of the servers that count */
	bool by_region; /* ... in each region, and then of the regions */
	unsigned wait_ms;
	uint32_t replicas; /* of the engine: so many must have a change of a zone */
};
/* Do both say the same? Either may be NULL. */
bool conf_fleet_same(const struct conf_fleet *a, const struct conf_fleet *b);

/* Where a path is written. */
struct conf_path {
	const char *path; /* joined to the folder of the configuration */
	unsigned source, line, column;
};

/* A class of clients: who is in its map has value 1. */
struct conf_class {
	const char *name;
	struct netmap *map; /* held */
	size_t n;           /* nets */
	uint64_t hash;      /* of the files */
	bool from_file;
};

/* A name for several edges. */
struct conf_edge_group {
	const char *name;
	const char *edges; /* as forced_matches() takes them */
};

struct conf {
	struct part part; /* first; of conf_open() */
	struct arena mem;
	const char *path;
	const char *text, *text_end; /* the file's content, for faults found later */
	struct parse_files sources;  /* that file, and those it includes */
	struct conf_path *paths;     /* all that are named */
	size_t n_paths, room_paths;

	struct net_opts net;  /* server: listen, workers, tcp-clients, tcp-idle */
	const struct tls_pair *tls; /* server: tls */
	size_t n_tls;
	const char *tls_tickets; /* server: tls-tickets; NULL: random ones */
	const char *tls_clients; /* server: tls-clients; NULL: none is asked for a certificate */
	const char *user;     /* server: user; NULL stays who we are */
	const char *const *folders; /* server: folders; besides those of all paths */
	size_t n_folders;
	bool folders_any; /* ... any at all */
	struct policy policy; /* server: ecs, minimal-responses; cookies: secret, staging */
	const char *identity, *version;     /* server: NULL is "auto", "" is "off" */
	bool cookies;                       /* cookies: answer; without secrets: random ones */
	const char *control_socket;         /* control: socket; NULL: none */
	const char *state_file;             /* control: state; NULL: none */
	const char *store_file;             /* store: file; NULL: none */
	const char *images_dir;             /* store: images; NULL: none */
	bool images_off;                    /* ... that was said */
	const char *keys_dir;               /* store: keys; NULL: none, as there is no store */
	unsigned store_history_bytes, store_history_ms; /* store: history-size, history-age */
	struct sockaddr_storage management; /* management: listen */
	socklen_t management_len;           /* 0: none */
	const char *management_socket;      /* ... its unix:PATH; NULL: none */
	const char *management_group;       /* management: socket-group; NULL: none */
	bool api;                           /* management: api */
	bool web_console;                   /* management: console */
	unsigned metrics_zones;             /* management: metrics-zones */
	bool management_tls;                /* management: tls */

	const char *const *city_files; /* geoip: city: file */
	size_t n_city_files;
	const char *const *asn_files; /* geoip: asn: file */
	size_t n_asn_files;

	struct conf_latency latency;
	struct conf_stage stage;
	const char *resolvers; /* resolver: at, as c-ares takes them: "IP:PORT,..."; NULL: the system's */
	unsigned resolve_least_s, resolve_most_s; /* resolver: ttl */
	double zones_lost; /* reload: zones-lost; no larger share goes without force */
	struct conf_balance balance;
	const struct conf_fleet *fleet; /* NULL: none */
	bool log_json;              /* log: format */
	const char *decisions_file; /* log: decisions; NULL: none */
	unsigned decisions_most;    /* bytes of it */
	const char *dnstap_socket;  /* log: dnstap; NULL: none */
	const char *queries_file;   /* log: queries; NULL: none */
	unsigned queries_most;      /* bytes of it */
	bool queries_json;
	unsigned decisions_keep_ms;   /* in the store; 0: not at all */
	uint32_t decisions_keep_most; /* so many there */
	uint32_t digest; /* of all its files: the same configuration has the same */
	struct conf_sums sums; /* of what answers depend on */

	struct edge_opts
		*edges; /* in the order of the file; their numbers are what pools name */
	size_t n_edges;
	struct probe_opts *probes; /* their numbers are what pools name */
	size_t n_probes;
	struct conf_file *files; /* that probes name */
	size_t n_files;
	struct conf_class *classes; /* clients */
	size_t n_classes;
	unsigned n_lacking; /* files of theirs that are not read, which is told; in what conf_open() gives 0 */
	struct pool_opts *pools;
	size_t n_pools;
	struct numbers pool_numbers; /* by name */
	struct conf_edge_group *edge_groups;
	size_t n_edge_groups;
	const struct forced *maintenance; /* windows: FORCED_STATE or FORCED_WEIGHT, with both moments */
	size_t n_maintenance;
	const uint8_t **key_names; /* of `keys`, in the order of the file; NULL: a faulty one */
	struct conf_peer *peers;
	size_t n_peers;
	struct conf_dnssec *dnssec; /* [0]: "auto" */
	size_t n_dnssec;
	struct conf_rule *rules; /* [0]: of zones that say nothing; policy.zones is made of them */
	size_t n_rules;
	const char *const *templates; /* [n_templates] their names */
	size_t n_templates;
	unsigned first_template; /* among the rules: the others follow it in their order */
	struct conf_zone *zones;
	size_t n_zones;
	struct conf_catalogs consumed, produced; /* whose members are served; that list zones of ours */
};

/* A probe of kind external, by name; NULL: there is none. Lives as long as `c`. */
const struct probe_opts *conf_external(const struct conf *c, const char *name);

/* The edges of a group; NULL: there is none of that name. Lives as long as `c`. */
const char *conf_edge_group(const struct conf *c, const char *name);

/* Reads the file at `path`. True when there was no error; warnings may be in `f` even so. On
 * false `c` is finished with and needs no conf_fini(). All relative paths in it come out joined
 * to the folder of `path`. */
bool conf_read(struct conf *c, const char *path, struct faults *f);

/* The same for a text in memory, which is copied; `path` names it in faults and says which
 * folder it stands in. */
bool conf_read_text(
	struct conf *c, const char *path, const char *text, size_t len, struct faults *f);

/* The same as values that are shared by count, for as long as anybody borrows from them: NULL
 * when there was an error. A file that says what `before` (or NULL) says is `before` itself. */
struct conf *conf_open(const char *path, const struct conf *before, struct faults *f);
struct conf *conf_open_text(const char *path, const char *text, size_t len, struct faults *f);

/* The same for who wants to know what else is wrong, and serves nothing: files of classes' nets that cannot be read are told, and
 * these classes have what else they have. */
struct conf *conf_open_lacking(const char *path, struct faults *f);

/* The number of a pool by its name; -1 when there is none. */
int conf_pool(const struct conf *c, const char *name);

/* The number of a template's rule by its name; -1 when there is none. */
int conf_template(const struct conf *c, const char *name);

/* A place in one of its files, by the number of that among `sources`. */
struct fault_at conf_place(
	const struct conf *c, unsigned source, unsigned line, unsigned column);

/* Where a path is written that it names; else the whole file. */
struct fault_at conf_path_at(const struct conf *c, const char *path);

/* An error of `why`, at the path that its sentence begins with ("PATH: ..."). Always false. */
bool conf_path_fault(const struct conf *c, const struct fault *why, struct faults *f);

/* Where a key of a section is written, for faults that are found later; borrowed from `c`. Where
 * it is not written: the section, or the file, and false. */
bool conf_at(
	const struct conf *c, const char *section, const char *key, struct fault_at *to);

/* The same for many keys: the files are gone through once, when the first is asked for. Begins as { .conf = c }. */
struct conf_places {
	const struct conf *conf;
	struct arena mem;
	const struct node *top;
	bool read;
};
bool conf_places_at(struct conf_places *p, const char *section, const char *key, struct fault_at *to);
void conf_places_fini(struct conf_places *p);

/* Fine for a zeroed one. */
void conf_fini(struct conf *c);

/* Where the control socket of the server with that configuration is, even when the rest of the
 * file is wrong: so that a server can be told to reload, and say what is wrong, or to stop.
 * Lives in `mem`. NULL and one sentence when there is none. */
const char *conf_find_socket(const char *path, struct arena *mem, struct fault *why);

#endif
