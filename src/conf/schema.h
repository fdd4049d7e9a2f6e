/* schema.h - the tree of a configuration becomes option structs.
 *
 * The tables of keys (keys.h): schema.c has the whole file and its small sections, the
 * others one section each. Control thread.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "conf/keys.h"
#include "dns/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills `c`, whose `path`, `text` and `mem` are set, from the tree. All faults go to `src`. */
void schema_read(struct conf *c, const struct node *top, const struct parse_source *src,
	struct arena *scratch);

/* The whole file: to a struct conf. */
extern const struct key schema_keys[];

/* server: to a struct conf. */
extern const struct key schema_server_keys[];
/* What it means together, once all is read. */
void schema_server_end(const struct reader *r);
#define SCHEMA_LISTEN "listen: [ \"0.0.0.0:53\", \"[::]:53\" ]"

/* management: to a struct conf. */
extern const struct key schema_management_keys[];
/* What it means together, once all is read. */
void schema_management_end(const struct reader *r, const struct node *top);

/* The sections with names of the operator's own in them; pools come after edges and probes. */
key_take schema_socket;  /* to a const char *: the path of a socket */
key_take schema_limits;  /* rrl: to a struct conf */
key_take schema_latency; /* latency: to a struct conf */
/* Of the whole configuration. */
void schema_latency_end(struct reader *r, const struct node *top);
void schema_latency_defaults(struct conf_latency *to);
key_take schema_fleet; /* fleet: to a struct conf */
extern const struct key schema_fleet_keys[];
key_take schema_stage; /* stage: to a struct conf */
void schema_stage_defaults(struct conf_stage *to);
key_take schema_edges, schema_probes, schema_pools, schema_zones;
key_take schema_edge_groups, schema_maintenance; /* to a struct conf */
extern const struct key schema_window_keys[];

/* keys, peers, templates; and the keys of a template that a zone's entry may have itself: to a
 * struct conf, and to a struct conf_zone. Rule 0 is that of zones that say nothing. */
key_take schema_secrets, schema_peers, schema_templates, schema_rule;
void schema_rules_begin(struct reader *r);
void schema_rules_end(struct reader *r);

/* Of a zone's entry, to its struct conf_zone: catalog, produce, groups, members; and `template` of a catalog. */
/* Whom a zone is for: to a struct conf_zone. */
#define SCHEMA_VIEW "the name of one of the \"clients\", or { clients: NAME, by: ecs }"
key_take schema_view;
extern const struct key schema_view_keys[];

key_take schema_catalog, schema_produce, schema_groups, schema_members;
void schema_catalog_template(
	struct reader *r, const struct key *key, const struct node *value, struct conf_zone *z);
/* Do its keys fit together? False: told. And who is answered where nothing says it. */
bool schema_check_catalog(
	const struct reader *r, const struct node *entry, const struct conf_zone *z);
void schema_close_catalog(struct reader *r, struct conf_rule *rule);
/* The rule of a zone, its own from now on. */
struct conf_rule *schema_own_rule(struct reader *r, struct conf_zone *z);

#define SCHEMA_WHO                                                                             \
	"a list of peers, addresses, nets, { key: NAME } and { key: NAME, from: NET }, or any " \
	"or none"
#define SCHEMA_NOTIFY_WHOM "a list of peers and ns, or none"
#define SCHEMA_QUERY       "Who is answered. Others are refused."
#define SCHEMA_TRANSFER    "Who may have the zone whole (AXFR, IXFR)."
#define SCHEMA_NOTIFY                                                                   \
	"Who is told when the zone has a new serial, and when the server starts. ns: the " \
	"zone's own nameservers, as far as their addresses stand in our zones."

#define SCHEMA_PRIMARY_WHOM "a peer, or a list of peers"
#define SCHEMA_PRIMARY                                                                  \
	"Where the zone comes from: other nameservers, whose secondary we are. The first is " \
	"asked first."
#define SCHEMA_UPDATE_WHO "a list of { key: NAME, names: [ ... ], types: [ ... ] }, or none"
#define SCHEMA_UPDATE                                                                   \
	"Who may change the zone while it is served (UPDATE, RFC 2136), and what of it. Needs " \
	"write-back: store or sync."
#define SCHEMA_SERIAL                                                                   \
	"How the serial goes on with a change that does not say it: by one, the UNIX time, or " \
	"YYYYMMDDnn; never back."
#define SCHEMA_WRITE_BACK                                                               \
	"What becomes of changes. keep: the file is its writer's, and the zone cannot be " \
	"changed otherwise. store: the file is where the zone begins; from then on the store " \
	"has it, and the file is not read again. sync: the server writes the file, too, after "  \
	"changes; what a person changes in it is taken by a reload, or between \"zone freeze\" "  \
	"and \"zone thaw\"."
#define SCHEMA_FLEET_ZONE                                                               \
	"on: any server of the fleet changes the zone, and all have it; its file, if it has one, is where the zone begins when " \
	"the fleet has nothing of it. Needs a store. As \"write-back: store\"; \"sync\" may be said."
#define SCHEMA_VERIFY                                                                    \
	"What a zone must stand when its file is read or it comes from a primary, before it is " \
	"served."
#define SCHEMA_ZONEMD                                                                    \
	"The digest that the zone has in itself (ZONEMD, RFC 8976) is made here, right after each " \
	"change. Each change then costs a reading of the whole zone. Of a zone that is signed here " \
	"it is a word of its policy."
#define SCHEMA_ZONEMD_HASH "sha384, sha512 or off"
#define SCHEMA_FORWARD                                                                  \
	"Of a zone with a primary: whose updates (RFC 2136) are sent on to the primary, which "  \
	"decides about them. They go as they are, with the signature of who asks, whose key need " \
	"not be known here."
#define SCHEMA_NOTIFY_FROM                                                              \
	"Who, beside the primaries, may say that the zone has changed (NOTIFY)."

/* Who may: query, transfer and others to a struct policy_access; update to a struct conf_rule; from and certificate
 * of one to a struct policy_allow. */
key_take schema_access, schema_query_access, schema_update, schema_who_from, schema_who_certificate;
/* A peer: known by its key, or by its addresses. */
void schema_allow_peer(const struct conf_peer *peer, struct policy_allow *list, size_t *n);
extern const struct key schema_secret_keys[], schema_peer_keys[], schema_rule_keys[], schema_update_keys[],
	schema_verify_keys[];
extern const char *const schema_zonemd_words[]; /* [enum zonemd_hash] */
/* An own key of a rule: of a struct conf_rule. */
void schema_zonemd(
	struct reader *r, const struct key *key, const struct node *value, void *to);
/* Why "zonemd" cannot stand in that rule. NULL: it can, or does not. */
const char *schema_zonemd_fault(const struct conf_rule *rule);
/* What is wrong with a zone of the fleet; NULL: it is none, or nothing is. */
const char *schema_fleet_fault(const struct conf *c, const struct conf_rule *rule);

/* The name of a key of `keys`; NULL for a faulty one. */
bool schema_key_find(const struct reader *r, const struct key *key, const struct node *name,
	const uint8_t **to);

/* The number of a peer. */
bool schema_peer_find(const struct reader *r, const struct key *key, const struct node *name,
	unsigned *number);

/* --- within the sections ------------------------------------------------------------------ */

/* An absolute domain name, with or without its dot at the end, in the case it is written in.
 * Its length with the root; 0 when it is none, and told. */
size_t schema_name(const struct reader *r, const struct key *key, const struct node *value,
	uint8_t to[static NAME_MOST]);

/* One path or a list of them, none twice, joined to the folder of the configuration. */
struct schema_files {
	const char *const **list;
	size_t *n;
};
void schema_files(struct reader *r, const struct key *key, const struct node *value,
	struct schema_files to);

/* Names of the operator's own, and what they are called in faults. */
struct schema_names {
	const struct key *key; /* where one is asked for */
	const struct known *known;
	const char *one, *section; /* "edge", "edges" */
};

/* The number of one of them; false, and told with the nearest name, when there is none such. */
bool schema_find(const struct reader *r, const struct schema_names *names,
	const struct node *name, unsigned *number);

/* The number of an edge; false, and told with the nearest name, when there is none such. */
bool schema_edge_find(const struct reader *r, const struct key *key, const struct node *name,
	unsigned *number);

/* What says how to probe, as the number of a probe: the name of one, a kind, or several of them
 * (which become a probe of their own). False: told, or of a probe that has a fault itself. */
bool schema_probe_find(struct reader *r, const struct key *key, const struct node *value,
	unsigned *number);
#define SCHEMA_PROBE_WHICH \
	"the name of a probe, a kind, { all: [ ... ] }, { any: [ ... ] } or { at-least: 2, of: [ ... ] }"
extern const struct key schema_parts_keys[];

/* Probes with names, while they are read: those that are made of others need these first. */
enum { SCHEMA_PROBES_MOST = 60000 }; /* with those that have no name: edges and pools have their numbers in 16 bits */
struct schema_probes_read {
	const struct node **nodes;
	enum { PROBE_UNREAD, PROBE_READING, PROBE_READ, PROBE_FAULTY } *states;
	unsigned *within; /* of one that is being read: 1 + the one that wants it; 0: nobody does */
	size_t n;
	unsigned reading; /* 1 + the one that is being read; 0 */
	size_t room;      /* of all in the configuration */
};
/* A probe that is not made of others, of its kind, with nothing said. */
struct probe_opts schema_probe_plain(enum probe_kind kind);
bool schema_probe_is_made(const struct node *node);
/* Reads one with a name that is made of others. False: told. */
bool schema_probe_make(struct reader *r, unsigned number);

/* -99 to 99, to an int32_t. */
key_take schema_bias;

/* A member while its pool is read. */
struct schema_member {
	struct pool_member m;
	const struct node *node;
	const struct node *weighed; /* where it has a weight that is no share; or NULL */
	const struct node *probed;  /* where it has a probe of its own; or NULL */
	unsigned priority;          /* the least goes first */
	bool skip;
};

enum { SCHEMA_PRIORITY = 1, SCHEMA_PRIORITY_MOST = 65535 }; /* of members that say nothing */

/* a, aaaa, probe-address: to a struct edge_opts; cname: to a wire name; and how they fit together. */
key_take schema_a, schema_aaaa, schema_cname, schema_points;
void schema_check_points(
	const struct reader *r, const struct node *node, const struct edge_opts *edge);
void schema_check_template(
	const struct reader *r, const struct node *node, const struct edge_opts *edge);

/* What a member has of its own as an edge makes it one, a role of that edge, behind all others. Room
 * for them first, before the pools are read. Then of a member that names an edge, whose mapping says
 * `own`: false, and told, when it cannot be. And the edge by which a pool has `edge`, as a role of
 * it or itself. */
void schema_roles_room(struct reader *r, const struct node *pools);
bool schema_is_role(const struct node *member);
struct schema_pool;
bool schema_role_make(struct reader *r, const struct schema_pool *p, struct schema_member *m,
	const struct edge_opts *own);
unsigned schema_edge_in(
	const struct reader *r, const struct schema_pool *p, unsigned edge);
unsigned schema_origin(const struct reader *r, unsigned edge);
key_take schema_role_capacity; /* to a struct edge_opts */

/* records: to a struct edge_opts; how they fit together with its other keys; and with other edges. */
key_take schema_records;
void schema_check_records(
	const struct reader *r, const struct node *node, const struct edge_opts *e);
void schema_check_record_types(const struct reader *r);
/* Are all hints among its records addresses of it? */
bool schema_hints_agree(const struct edge_opts *e);

/* A pool while it is read. */
struct schema_pool {
	struct pool_opts opts;
	const struct node *node;
	struct schema_member *members; /* all of them, of plain edges too */
	size_t n_all;
	struct pool_member *skipped; /* `opts.n_skipped` of them */
	bool has_pools, is_tree; /* some member is a pool; ... or has a share */
	bool edges_whole;  /* `edges` had no fault, so that others can be held against it */
	bool policy_wrong; /* told; nothing is asked of the edges */
	bool probe_wrong;  /* told; nothing is asked of the probe */
	const struct node *other; /* where `all-down` names another pool */
	struct pool_pin *pins;    /* room for all of them; `opts.n_pins` are taken */
	const struct node **pin_nodes;
	struct pool_rule *rules;  /* likewise */
	const struct node **rule_nodes;
};

struct schema_edges {
	const struct schema_pool *pool;
	uint16_t *edges; /* in the order they are written in */
	size_t n;        /* 0: none was left */
	size_t skipped;  /* so many are skipped in the pool, and left out */
	bool whole;      /* none was wrong */
};

/* One edge or a list of edges, none twice, all of them of `pool` unless that is NULL. Wrong
 * ones are told and left out. */
struct schema_edges schema_edge_list(struct reader *r, const struct key *key,
	const struct node *value, const struct schema_pool *pool);

/* Tells that an edge is none of a pool's, and what to do. Always false. */
bool schema_not_of_pool(
	const struct reader *r, const struct node *at, unsigned edge, const char *pool);

/* needs: to a struct edge_opts; and whether edges need each other in a circle, once all are read. */
key_take schema_needs;
void schema_check_needs(struct reader *r);
/* Has the edge something to answer with? Else it is there to be needed. */
bool schema_answers(const struct reader *r, unsigned edge);

/* edges: to a struct schema_pool; how they fit together with its other keys; and how all pools that
 * have others in them do. */
key_take schema_pool_members;
extern const struct key schema_member_keys[];
void schema_check_members(const struct reader *r, const struct schema_pool *p);
void schema_check_trees(struct reader *r, struct schema_pool *pools, size_t n);

/* Pools whose members have priorities: each priority is a pool of its own, behind all others, and
 * the pool has those in order. Returns all `*n` pools, with the new ones. */
struct schema_pool *schema_split_priorities(
	struct reader *r, struct schema_pool *pools, size_t *n);

/* A probe while it is read. */
struct schema_probe {
	struct probe_opts opts;
	const struct node *node;
	const char *host_name; /* `opts.host` without a port; or NULL */
	bool kind_wrong;       /* told; nothing is asked of the other keys */
};

/* Its keys of HTTP: to a struct schema_probe, or to the option itself. */
key_take schema_probe_host, schema_probe_tls_name, schema_probe_headers, schema_probe_http2,
	schema_probe_proxy;
/* The others', likewise. */
key_take schema_probe_kind, schema_probe_expires, schema_probe_initial, schema_probe_path, schema_probe_method,
	schema_probe_expect, schema_probe_load_from, schema_probe_query, schema_probe_answer;
key_take schema_probe_values;
extern const struct key schema_probe_load_keys[], schema_probe_value_keys[];
/* What they mean together, once all are read. */
void schema_probe_together(struct reader *r, struct schema_probe *p);
enum { SCHEMA_PROBE_FILES = 3 }; /* that it may note in the configuration */

/* clients: to a struct conf. */
key_take schema_clients;
extern const struct key schema_class_keys[];

/* pin: to a struct schema_pool. As a list: rules. */
key_take schema_pins;
void schema_pin_rules(struct reader *r, const struct node *list, struct schema_pool *pool);
extern const struct key schema_pin_rule_keys[];
/* Whom a pin of that kind is for, as it is written; false: told. */
bool schema_pin_who(struct reader *r, const struct node *said, struct pool_pin *pin);
/* A pool instead of edges; false: it is no pool's name. */
bool schema_pin_pool(struct reader *r, const struct node *value, struct pool_pin *pin);

/* dnssec: to a struct conf; there is one policy before, and room for more. And what a zone says of it: to
 * an unsigned. */
key_take schema_dnssec, schema_dnssec_of;
void schema_dnssec_defaults(struct reader *r, size_t room);
extern const struct key schema_dnssec_keys[];
#define SCHEMA_DNSSEC_WHICH "auto, the name of one of the \"dnssec\" policies, or off"
#define SCHEMA_DNSSEC                                                                    \
	"How the zone is signed here: by a policy of \"dnssec\". off: it is served as it comes. " \
	"Needs a store, where keys and their states are."

extern const struct key schema_log_keys[];    /* log: to a struct conf */
extern const struct key schema_reload_keys[]; /* reload: to a struct conf */
extern const struct key schema_resolver_keys[]; /* resolver: to a struct conf */
void schema_resolver_defaults(struct conf *c);

/* The other tables, by what they describe. */
extern const struct key schema_limit_keys[], schema_latency_keys[], schema_stage_keys[],
	schema_balance_keys[], schema_edge_keys[], schema_probe_keys[], schema_pool_keys[],
	schema_pin_keys[], schema_zone_keys[];

/* balance: to a struct conf; of an edge's keys capacity and load, and when all is read, what
 * holds for edges that say nothing. */
key_take schema_balance, schema_capacity;
extern const struct key schema_load_keys[];
void schema_balance_defaults(struct conf_balance *to);
void schema_check_load(
	const struct reader *r, const struct node *node, const struct edge_opts *edge);
void schema_balance_edges(const struct reader *r);

/* policy, affinity: to a struct schema_pool; and how they fit together with its other keys. */
key_take schema_policy, schema_affinity, schema_hash_balance;
#define SCHEMA_POLICIES                                                                  \
	"nearest, ordered, round-robin, weighted, hash, least-latency or least-load"
void schema_check_policy(const struct reader *r, const struct schema_pool *p);
bool schema_is_nearest(const struct pool_opts *p); /* some link is */

/* spread, ttl: to a struct pool_opts; goal: to an enum latency_kind; cost: to a double. */
key_take schema_spread, schema_ttl, schema_goal, schema_pool_cost;

/* https, svcb: to a struct schema_pool. */
key_take schema_https, schema_svcb;
extern const struct key schema_https_keys[], schema_svcb_keys[];

/* probe, up-when, panic: to a struct schema_pool; and how they fit together with its policy. */
key_take schema_probe, schema_up_when, schema_least_up, schema_families;
extern const struct key schema_least_up_keys[];
void schema_check_standing(const struct reader *r, const struct schema_pool *p);

#endif
