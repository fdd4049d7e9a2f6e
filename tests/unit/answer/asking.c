#include "unit/answer/asking.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include "answer/transfer.h"
#include "dns/rrtype.h"
#include "world/pool_sign.h"
#include "zone/load.h"

#include <ldns/ldns.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct hash_key key = { 5, 6 };

static const char example_zone[] =
	"$TTL 300\n"
	"@ SOA ns1 host 7 7200 900 1209600 60\n"
	"@ NS ns1\n@ NS ns2.sub\n@ MX 10 mail\n@ TXT \"apex\"\n"
	"ns1 A 192.0.2.53\nns1 AAAA 2001:db8::53\nmail A 192.0.2.25\n"
	"www EDGE web\nwww TXT \"beside\"\ntwo EDGE two\nfew EDGE few\ngone 90 EDGE gone\n"
	"alias EDGE alias\nmixed EDGE mixed\nturn EDGE turn\n*.steer EDGE web\n"
	"shop EDGE shop\nshops EDGE shops\n*.shop EDGE shop\nstand EDGE stand\n"
	"calias EDGE calias\nshopmx EDGE shop\nshopmx HTTPS 1 . alpn=own\n"
	"c1 CNAME c2\nc2 CNAME mail\ncsteer CNAME www\ncout CNAME x.other.test.\n"
	"cnx CNAME nope\ncchild CNAME www.child\nloop1 CNAME loop2\nloop2 CNAME loop1\n"
	"self CNAME self\nclate CNAME x.late.test.\n"
	"d DNAME w\nlong DNAME "
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
	"back.dd DNAME dd\n"
	"*.w A 192.0.2.11\nw TXT \"under\"\na.b.ent A 192.0.2.12\n"
	"sub NS ns2.sub\nsub NS ns1\nns2.sub A 192.0.2.54\nother.sub A 192.0.2.55\n"
	"child NS ns.child\nns.child A 192.0.2.56\n"
	"mx MX 1 mail\nmx MX 2 any.w\nmx MX 3 c1\nmx MX 4 other.sub\nmx MX 5 www\n"
	"srv SRV 1 2 3 mail\nkx KX 1 mail\nrt RT 1 mail\nafs AFSDB 1 mail\n"
	"nsx NS ns9.nsx\nns9.nsx A 192.0.2.99\n"
	"na NAPTR 1 2 \"A\" \"\" \"\" mail\nns NAPTR 1 2 \"s\" \"\" \"\" srv\n"
	"nu NAPTR 1 2 \"u\" \"x\" \"\" mail\n"
	"svcb SVCB 1 mail\nown HTTPS 1 .\nown A 192.0.2.61\nali HTTPS 0 own\n"
	"*.wild HTTPS 1 .\n*.wild A 192.0.2.62\n"
	"many A 10.0.0.1\n$GENERATE 2-90 many A 10.0.0.$\n"
	"mixedmx MX 1 mail\nmixedmx A 192.0.2.63\nmixedmx AAAA 2001:db8::63\n"
	"chain1 CNAME chain2\n$GENERATE 2-20 chain$ CNAME chain${1}\nchain21 A 192.0.2.64\n"
	"$GENERATE 1-30 big NS ns$.big\n$GENERATE 1-30 ns$.big A 10.1.0.$\n"
	"out NS ns.elsewhere.test.\nout NS ns1\n"
	/* 512 bytes and 513. */
	"$GENERATE 1-30 exact6 A 10.2.0.$\n$GENERATE 1-30 exactly A 10.2.0.$\n"
	/* 1232 bytes with an OPT record, and 1233. */
	"$GENERATE 1-74 elevenbytes A 10.4.0.$\n$GENERATE 1-74 twelve-bytes A 10.4.0.$\n"
	"$GENERATE 1-90 many MX $ mx$\n$GENERATE 1-90 mx$ A 10.3.0.$\n"
	"round DNAME y.round\n"
	/* More than a socket takes at once. */
	"$GENERATE 1-3000 huge TXT \"$\"\n"
	"far CNAME mxs\nmxs MX 1 a.mail.other.test.\nmxs MX 2 b.mail.other.test.\n"
	"srv A 192.0.2.65\n$GENERATE 1-70 seventy NS ns$.seventy\n"
	"$GENERATE 1-70 ns$.seventy A 10.5.0.$\nwildns NS any.w\nnone HTTPS 0 .\n";

static const char child_zone[] =
	"$TTL 200\n@ SOA ns host 1 2 3 4 50\n@ NS ns\nns A 192.0.2.56\n"
	"www A 192.0.2.57\n";

/* The chain is what is looked at; its own signatures are not. */
static const char pools_zone[] =
	"$TTL 300\n@ SOA ns host 1 2 3 4 60\n@ NS ns.example.\n"
	"alias EDGE alias\ncgone EDGE cgone\n*.dev EDGE shop\ngone 90 EDGE gone\nshop EDGE shop\ntwo EDGE two\nwhere EDGE made\n"
	"$TTL 60\n@ NSEC alias NS SOA RRSIG NSEC DNSKEY\nalias NSEC cgone CNAME RRSIG NSEC\ncgone NSEC *.dev CNAME RRSIG NSEC\n"
	"*.dev NSEC gone A AAAA RRSIG NSEC SVCB HTTPS\ngone NSEC shop A AAAA RRSIG NSEC\n"
	"shop NSEC two A AAAA RRSIG NSEC SVCB HTTPS\ntwo NSEC where A AAAA RRSIG NSEC\n"
	"where NSEC @ CNAME RRSIG NSEC\n";

static bool any_pool(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return true;
}

static struct zone *load(const char *path, const char *origin)
{
	static const uint8_t root[1];
	const struct compile_opts opts = { .key = key, .pool_known = any_pool };
	uint8_t wire[NAME_MOST];
	struct faults f = { 0 };
	struct load l;

	if (name_parse(wire, NULL, origin, strlen(origin), root) != NAME_OK ||
		!load_zone(&l, path, wire, &opts, &f)) {
		fputs(text_get(&f.text), stderr);
		abort();
	}
	zone_hold(l.zone);
	struct zone *z = l.zone;
	load_fini(&l);
	faults_fini(&f);
	return z;
}

static struct zone *load_text(const char *text, const char *origin)
{
	char path[] = "/tmp/unit_asking.XXXXXX";
	const int fd = mkstemp(path);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
	struct zone *z = load(path, origin);
	unlink(path);
	return z;
}

enum { CDN = 4, MADE, EDGES };

static struct steer *make_steer(struct atlas *atlas, unsigned answers)
{
	static const struct addr ams[] = { { { [10] = 255, 255, 192, 0, 2, 1 } },
		{ { [10] = 255, 255, 192, 0, 2, 101 } } };
	static const uint16_t all[] = { AMS, ROM, NYC, SFO }, west[] = { SFO }, cdn[] = { CDN },
			      mixed[] = { SFO, CDN }, east[] = { AMS, ROM }, made[] = { MADE };
	struct edge_opts edges[EDGES];
	static const uint16_t ny[] = { NYC };
	struct pool_opts pools[14];
	static const struct {
		const char *name;
		const uint16_t *edges;
		size_t n;
	} of[] = { { "web", all, 4 }, { "two", all, 4 }, { "few", west, 1 },
		{ "gone", east, 2 }, { "alias", cdn, 1 }, { "mixed", mixed, 2 },
		{ "turn", east, 2 }, { "shop", all, 4 }, { "shops", all, 4 },
		{ "stand", east, 2 }, { "calias", cdn, 1 }, { "ny", ny, 1 }, { "cgone", cdn, 1 },
		{ "made", made, 1 } };

	memcpy(edges, small_edges, 4 * sizeof *edges);
	edges[AMS].a = ams;
	edges[AMS].n_a = 2;
	edges[CDN] = (struct edge_opts){ .name = "cdn",
		.placed = true,
		.cname = (const uint8_t *)"\2to\3cdn\4test",
		.weight = 1 };
	edges[MADE] = (struct edge_opts){ .name = "made",
		.placed = true,
		.cname = (const uint8_t *)"\x13%{country}-as%{asn}\3cdn\4test",
		.weight = 1 };
	for (unsigned i = 0; i < UNIT_COUNT(pools); i++) {
		pools[i] = small_pool();
		pools[i].name = of[i].name;
		pools[i].edges = of[i].edges;
		pools[i].n = of[i].n;
	}
	pools[0].answers = answers;
	pools[1].answers = 2;
	pools[3].all_down = POOL_EMPTY;
	pools[12].all_down = POOL_EMPTY;
	pools[6].policy = POOL_ROUND_ROBIN;
	pools[6].ttl_min_s = 40;
	pools[6].ttl_max_s = 50;
	pools[8].policy = POOL_ROUND_ROBIN;
	pools[9].all_down = POOL_OTHER;
	pools[9].other = 11;
	pools[9].ttl_max_s = 70;
	for (unsigned i = 7; i < 11; i++)
		pools[i].forms[POOL_HTTPS] = (struct pool_form){
			(const uint8_t *)"\0\1\0\0\1\0\3\2h3", (const uint8_t *)"\0\5\0\4\0\2\7\7",
			(const uint8_t *)"", 10, 8, 0
		};
	pools[7].forms[POOL_SVCB] = (struct pool_form){ (const uint8_t *)"\0\2\0",
		(const uint8_t *)"", (const uint8_t *)"\0\7\0\1/", 3, 0, 5 };
	return steer_new(&(struct steer_opts){ edges, EDGES, pools, UNIT_COUNT(pools), NULL, NULL },
		atlas, NULL);
}

/* With a probe of pool shop, which finds one address down. */
static struct standing *probed_standing(const struct asking *x)
{
	static const struct verdict down = { .known = true, .changes_us = UINT64_MAX, .rtt_ms = NAN, .load = NAN };
	uint32_t *targets = calloc(x->steer->n_addresses, sizeof *targets);
	uint16_t *row_of = calloc(x->steer->n_pools, sizeof *row_of);

	if (!targets || !row_of)
		abort();
	for (uint32_t i = 0; i < x->steer->n_addresses; i++)
		targets[i] = STANDING_NO_TARGET;
	targets[x->steer->edges[AMS].first_address + 1] = 0;
	row_of[steer_pool(x->steer, "shop")] = 1;
	struct standing *s = standing_new(&(struct standing_opts){ .steer = x->steer,
		.states = x->states,
		.verdicts = &down,
		.rows = &(struct standing_row){ 1, targets },
		.n_rows = 1,
		.row_of = row_of });
	free(targets);
	free(row_of);
	return s;
}

void asking_again(struct asking *x)
{
	struct pool_numbers *numbers = pool_numbers_new(x->zones, x->steer, NULL),
			    *staged = pool_numbers_new(x->zones, x->staged, NULL);

	if (!numbers || !staged)
		abort();
	if (x->world)
		world_drop(x->world);
	x->world = world_new(&(struct world_opts){ .zones = x->zones,
		.steer = x->steer,
		.numbers = numbers,
		.policy = &x->policy,
		.standing = x->second_dead ? probed_standing(x) : small_standing(x->steer, x->states),
		.share = x->share,
		.signatures = x->signatures,
		.staged = x->share ? x->staged : NULL,
		.staged_numbers = x->share ? staged : NULL,
		.staged_standing = x->share ? small_standing(x->staged, x->states) : NULL });
	pool_numbers_drop(numbers);
	pool_numbers_drop(staged);
	x->a.world = x->world;
}

/* --- pools that are signed ---------------------------------------------------------------- */

static bool take_wanted(void *ctx, const struct pool_unsigned *ask)
{
	struct asking *x = ctx;

	x->wanted = *ask;
	x->n_wanted++;
	return true;
}

static struct keyset *make_keys(void)
{
	struct fault why;
	struct signing_key *k =
		signing_key_new(SIGNING_ECDSAP256SHA256, 0, SIGNING_KSK, &why);
	struct keyset *s = keyset_new(
		&(struct keyset_policy){ .lifetime_s = 1000000, .refresh_s = 500000, .backdate_s = 3600 },
		&(struct keyset_key){ k, true, true, true, true }, 1);

	signing_key_drop(k);
	return s;
}

static struct pool_sign signer(struct asking *x, const struct zone *z)
{
	return (struct pool_sign){
		.to = x->signatures, .zone = z, .keys = x->keys, .now_s = x->a.now_s
	};
}

static void sign_ahead(struct asking *x, const struct zone *z)
{
	const size_t n = zone_set_count(x->zones);
	struct pool_numbers *numbers = pool_numbers_new(x->zones, x->steer, NULL);
	const struct pool_sign s = signer(x, z);
	struct pool_sign_ahead how = { .most = SIZE_MAX };

	for (size_t i = 0; i < n; i++)
		if (zone_set_get(x->zones, i) == z)
			pool_sign_ahead(&s,
				&(struct pool_sign_pools){ x->steer,
					numbers->pools + numbers->first_pool[i] },
				&how);
	pool_numbers_drop(numbers);
	if (!pool_signatures_mark(x->signatures, z, true) || how.no_memory || !how.made)
		abort();
}

static const struct zone *pools_of(const struct asking *x)
{
	struct zone_name name;

	zone_name_set(&name, key, (const uint8_t *)"\5pools\4test");
	return zone_set_find(x->zones, &name, name.labels, NULL);
}

void asking_sign_wanted(struct asking *x)
{
	struct sign_desk desk = { 0 };
	const struct pool_sign s = signer(x, pools_of(x));

	if (!pool_sign_wanted(&s, &desk, &x->wanted))
		abort();
	sign_desk_fini(&desk);
}

void asking_open(struct asking *x, bool sign)
{
	const struct zone *zones[7];
	unsigned n = 0;

	memset(x, 0, sizeof *x);
	zones[n++] = load_text(example_zone, "example");
	zones[n++] = load_text(child_zone, "child.example");
	zones[n++] = zone_placeholder(key, (const uint8_t *)"\4late\4test");
	if (sign) {
		zones[n++] = load("tests/serve/signed/nsec.test.zone", "nsec.test");
		zones[n++] = load("tests/serve/signed/nsec3.test.zone", "nsec3.test");
		zones[n++] = load("tests/serve/signed/optout.test.zone", "optout.test");
		zones[n++] = load_text(pools_zone, "pools.test");
	}
	x->zones = zone_set_new(key, zones, NULL, n);
	while (n--)
		zone_drop(zones[n]);
	x->atlas = small_atlas();
	x->steer = make_steer(x->atlas, 1);
	x->staged = make_steer(x->atlas, 3);
	x->policy = (struct policy){ .ecs = true,
		.identity = { 4, "here" },
		.version = { 7, "Waymark" },
		.cookie_secrets = 2,
		.cookie_secret = { { 1 }, { 2 } } };
	x->turns = calloc(ANSWER_TURNS, sizeof *x->turns);
	x->trace = calloc(1, sizeof *x->trace);
	x->a = (struct answerer){ .stats = &x->stats,
		.turns = x->turns,
		.now_s = 1700000000,
		.now_us = 1000000,
		.keepalive_100ms = 100 };
	if (sign) {
		x->keys = make_keys();
		x->signatures = pool_signatures_new(key, take_wanted, x);
		sign_ahead(x, pools_of(x));
	}
	asking_again(x);
}

void asking_close(struct asking *x)
{
	pool_signatures_drop(x->signatures);
	keyset_drop(x->keys);
	world_drop(x->world);
	zone_set_drop(x->zones);
	steer_drop(x->steer);
	steer_drop(x->staged);
	atlas_drop(x->atlas);
	free(x->turns);
	free(x->trace);
}

/* --- questions ---------------------------------------------------------------------------- */

struct packet {
	uint8_t b[ASKING_PACKET], options[300];
	size_t len, options_len;
	unsigned flags, size, version, edns_flags, class;
	bool has_opt, tcp, secret;
	struct addr from;
};

static void add_option(struct packet *p, unsigned code, const uint8_t *body, size_t len)
{
	uint8_t *to = p->options + p->options_len;

	be16_put(to, code);
	be16_put(to + 2, (unsigned)len);
	if (len)
		memcpy(to + 4, body, len);
	p->options_len += 4 + len;
	p->has_opt = true;
}

static void add_subnet(struct packet *p, const char *text)
{
	struct prefix net;
	uint8_t body[20] = { 0, 1 };

	if (!prefix_parse(&net, text, NULL))
		abort();
	const bool v4 = addr_is_v4(&net.addr) && net.bits >= 96;
	body[1] = v4 ? 1 : 2;
	body[2] = (uint8_t)(v4 ? net.bits - 96 : net.bits);
	memcpy(body + 4, net.addr.b + (v4 ? 12 : 0), v4 ? 4 : 16);
	add_option(p, EDNS_ECS, body, 4 + (body[2] + 7u) / 8);
}

static void add_cookie(struct packet *p, const char *hex)
{
	uint8_t body[40];
	size_t len = 0;
	unsigned byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		body[len++] = (uint8_t)byte;
	add_option(p, EDNS_COOKIE, body, len);
}

static void take_word(struct packet *p, const char *word)
{
	const char *value = strchr(word, '=');
	const unsigned number = value ? (unsigned)strtoul(value + 1, NULL, 10) : 0;

	if (strcmp(word, "do") == 0)
		p->edns_flags = EDNS_DO;
	else if (strcmp(word, "tcp") == 0)
		p->tcp = true;
	else if (strcmp(word, "tls") == 0)
		p->tcp = p->secret = true;
	else if (strcmp(word, "expire") == 0)
		add_option(p, EDNS_EXPIRE, NULL, 0);
	else if (strcmp(word, "zoneversion") == 0)
		add_option(p, EDNS_ZONEVERSION, NULL, 0);
	else if (strcmp(word, "pad") == 0)
		add_option(p, EDNS_PADDING, NULL, 0);
	else if (strcmp(word, "rd") == 0)
		p->flags |= FLAG_RD;
	else if (strcmp(word, "cd") == 0)
		p->flags |= 0x10;
	else if (strcmp(word, "nsid") == 0)
		add_option(p, EDNS_NSID, NULL, 0);
	else if (strcmp(word, "keepalive") == 0)
		add_option(p, EDNS_KEEPALIVE, NULL, 0);
	else if (strncmp(word, "size=", 5) == 0)
		p->size = number;
	else if (strncmp(word, "ecs=", 4) == 0)
		add_subnet(p, value + 1);
	else if (strncmp(word, "cookie=", 7) == 0)
		add_cookie(p, value + 1);
	else if (strncmp(word, "class=", 6) == 0)
		p->class = number;
	else if (strncmp(word, "opcode=", 7) == 0)
		p->flags |= number << 11;
	else if (strncmp(word, "v=", 2) == 0)
		p->version = number;
	else if (strncmp(word, "from=", 5) == 0)
		addr_parse(&p->from, value + 1);
	else if (strcmp(word, "edns") != 0)
		abort();
	if (strcmp(word, "do") == 0 || strcmp(word, "edns") == 0 ||
		strncmp(word, "size=", 5) == 0 || strncmp(word, "v=", 2) == 0)
		p->has_opt = true;
}

static void put_packet(struct packet *p, const char *name, const char *type)
{
	uint8_t wire[NAME_MOST];
	uint16_t number;

	if (!rrtype_parse(&number, type, strlen(type)) ||
		name_parse(wire, NULL, name, strlen(name), (const uint8_t *)"\7example") !=
			NAME_OK)
		abort();
	memset(p->b, 0, QUERY_HEADER);
	be16_put(p->b, 0x1234);
	be16_put(p->b + 2, p->flags);
	p->b[5] = 1;
	p->len = QUERY_HEADER + name_len(wire);
	memcpy(p->b + QUERY_HEADER, wire, name_len(wire));
	be16_put(p->b + p->len, number);
	be16_put(p->b + p->len + 2, p->class);
	p->len += 4;
	if (!p->has_opt)
		return;
	uint8_t *opt = p->b + p->len;
	p->b[11] = 1;
	opt[0] = 0;
	be16_put(opt + 1, RRTYPE_OPT);
	be16_put(opt + 3, p->size);
	opt[5] = 0;
	opt[6] = (uint8_t)p->version;
	be16_put(opt + 7, p->edns_flags);
	be16_put(opt + 9, (unsigned)p->options_len);
	memcpy(opt + 11, p->options, p->options_len);
	p->len += 11 + p->options_len;
}

/* --- answers ------------------------------------------------------------------------------ */

/* What ldns writes, shorter: no class, no "example." at an end, of a signature what it covers,
 * no comments. */
static void shorten(char *s)
{
	char *to = s, *cut;

	for (char *p = s; *p; p++)
		if (*p == '\t' || *p == '\n')
			*p = ' ';
	if ((cut = strstr(s, " IN RRSIG ")) != NULL)
		*strchr(cut + 10, ' ') = 0;
	if ((cut = strstr(s, " ;{")) != NULL)
		*cut = 0;
	for (; *s; s++) {
		if (strncmp(s, " IN ", 4) == 0)
			s += 3;
		else if (strncmp(s, ".example. ", 10) == 0 || strcmp(s, ".example.") == 0)
			s += 9;
		if (*s)
			*to++ = *s;
		else
			break;
	}
	while (to[-1] == ' ')
		to--;
	*to = 0;
}

static void put_section(struct asking *x, const ldns_rr_list *list)
{
	const size_t n = ldns_rr_list_rr_count(list);

	strcat(x->text, n ? " | " : " | -");
	for (size_t i = 0; i < n; i++) {
		char *s = ldns_rr2str(ldns_rr_list_rr(list, i));
		const size_t len = strlen(x->text);
		shorten(s);
		snprintf(x->text + len, sizeof x->text - len, "%s%s", i ? ", " : "", s);
		free(s);
	}
}

static void put_opt(struct asking *x, const ldns_pkt *pkt)
{
	size_t len = strlen(x->text);
	const ldns_rdf *data = ldns_pkt_edns_data(pkt);
	const uint8_t *p = data ? ldns_rdf_data(data) : NULL,
		      *end = p ? p + ldns_rdf_size(data) : NULL;

	if (!ldns_pkt_edns(pkt)) {
		strcat(x->text, " | -");
		return;
	}
	len += (size_t)snprintf(x->text + len, sizeof x->text - len, " | %u%s",
		ldns_pkt_edns_udp_size(pkt), ldns_pkt_edns_do(pkt) ? " do" : "");
	for (; p && p < end; p += 4 + be16_get(p + 2)) {
		const unsigned code = be16_get(p), n = be16_get(p + 2);
		char *to = x->text + len;
		const size_t room = sizeof x->text - len;
		if (code == EDNS_ECS)
			len += (size_t)snprintf(to, room, " ecs%u/%u/%u", p[5], p[6], p[7]);
		else if (code == EDNS_EDE)
			len += (size_t)snprintf(to, room, " ede%u", be16_get(p + 4));
		else if (code == EDNS_KEEPALIVE)
			len += (size_t)snprintf(to, room, " keepalive%u", be16_get(p + 4));
		else if (code == EDNS_NSID)
			len += (size_t)snprintf(to, room, " nsid=%.*s", (int)n, p + 4);
		else
			len += (size_t)snprintf(to, room, " option%u:%u", code, n);
	}
}

const char *asking_text(struct asking *x, const uint8_t *message, size_t len)
{
	ldns_pkt *pkt;
	char rcode[24];

	if (ldns_wire2pkt(&pkt, message, len) != LDNS_STATUS_OK)
		return "what ldns cannot read";
	const unsigned all = ldns_pkt_get_rcode(pkt) |
		(unsigned)ldns_pkt_edns_extended_rcode(pkt) << 4;
	char *name = ldns_pkt_rcode2str((ldns_pkt_rcode)all);
	snprintf(rcode, sizeof rcode, "%s",
		all == 16           ? "BADVERS"
			: all == 23 ? "BADCOOKIE"
				    : name);
	free(name);
	snprintf(x->text, sizeof x->text, "%s%s%s%s%s%s%s", rcode,
		ldns_pkt_aa(pkt) ? " aa" : "", ldns_pkt_tc(pkt) ? " tc" : "",
		ldns_pkt_rd(pkt) ? " rd" : "", ldns_pkt_ra(pkt) ? " ra" : "",
		ldns_pkt_ad(pkt) ? " ad" : "", ldns_pkt_cd(pkt) ? " cd" : "");
	put_section(x, ldns_pkt_answer(pkt));
	put_section(x, ldns_pkt_authority(pkt));
	put_section(x, ldns_pkt_additional(pkt));
	put_opt(x, pkt);
	ldns_pkt_free(pkt);
	return x->text;
}

static struct answer_ask ask_of(
	struct asking *x, const uint8_t *packet, size_t len, struct addr from, bool tcp)
{
	static struct transfer begun; /* nobody here may have a zone */

	return (struct answer_ask){ .packet = packet,
		.len = len,
		.source = from,
		.transfer = tcp ? &begun : NULL,
		.via = tcp ? VIA_TCP : VIA_UDP,
		.proven = tcp,
		.room = tcp ? ANSWER_TCP_MOST : ANSWER_UDP_MOST,
		.to = x->reply };
}

const char *asking_bytes(struct asking *x, const uint8_t *packet, size_t len, bool tcp)
{
	struct addr from;

	addr_parse(&from, "9.9.9.9");
	memset(x->reply, 0xee, sizeof x->reply);
	const struct answer_ask ask = ask_of(x, packet, len, from, tcp);
	x->len = answer(&x->a, &ask);
	return x->len ? asking_text(x, x->reply, x->len) : "nothing";
}

/* Takes the question apart; its packet is in `p`. */
static void read_question(struct packet *p, const char *question)
{
	char words[600], *rest = words;

	*p = (struct packet){ .size = 1232, .class = 1 };
	addr_parse(&p->from, "9.9.9.9");
	snprintf(words, sizeof words, "%s", question);
	const char *name = strsep(&rest, " "), *type = strsep(&rest, " "), *word;
	while ((word = strsep(&rest, " ")))
		take_word(p, word);
	put_packet(p, name, type);
}

size_t asking_packet(uint8_t to[static ASKING_PACKET], const char *question)
{
	struct packet p;

	read_question(&p, question);
	memcpy(to, p.b, p.len);
	return p.len;
}

const char *asking(struct asking *x, const char *question)
{
	struct packet p;

	read_question(&p, question);
	memset(x->reply, 0xee, sizeof x->reply);
	struct answer_ask ask = ask_of(x, p.b, p.len, p.from, p.tcp);
	if (p.secret) {
		ask.via = VIA_TLS;
		ask.secret = true;
	}
	x->len = answer(&x->a, &ask);
	return x->len ? asking_text(x, x->reply, x->len) : "nothing";
}

void asking_rows(struct asking *x, const struct asking_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = asking(x, rows[i].question);
		if (strcmp(got, rows[i].answer) == 0 && x->len == rows[i].len)
			continue;
		printf("%s: \"%s\"\ngot    %s (%zu bytes)\nwanted %s (%zu bytes)\n",
			rows[i].say, rows[i].question, got, x->len, rows[i].answer,
			rows[i].len);
		CU_FAIL(rows[i].say);
	}
}
