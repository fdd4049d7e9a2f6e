/* What belongs together, and what does not, key by key. */
#include "unit/conf/told.h"
#include "unit/unit.h"

#define EDGES	"edges: { ams: { a: 192.0.2.1, at: [ 52, 5 ] }, fra: { a: 192.0.2.2, at: [ 50, 9 ] } }\n"
#define POOL(text) SERVER ZONES EDGES "pools: { w: { edges: [ ams, fra ], " text " } }\n"
#define STORE "store: { file: s }\n"
#define SECRET	"\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\""
#define PROBE(text) SERVER ZONES EDGES "probes: { p: { " text " } }\n"
#define FLEET(text) SERVER ZONES "fleet: { secret: " SECRET ", name: prod, redis: redis://192.0.2.9, server: ns1, " text " }\n"

static void what_does_not_go_together_is_told(void)
{
	static const struct told_case row[] = {
		{ "staging alone", SERVER ZONES "cookies: { staging: 000102030405060708090a0b0c0d0e0f }\n", 
			"3:12: error: \"staging\" is a second secret that is taken while servers change to it; it needs \"secret\" beside it\n" },
		{ "who vouches", SERVER "zones: [ { name: a.example, file: z, query: { certificate: a.example.net } } ]\n", 
			"2:60: error: nobody vouches for clients' certificates; write in \"server\": tls-clients: ca.pem\n" },
		{ "a net that is none", SERVER "zones: [ { name: a.example, file: z, transfer: { key: k, from: 192.0.2.0/33 } } ]\nkeys: { k: { secret: " SECRET " } }\n", 
			"2:64: error: \"192.0.2.0/33\": a prefix length here is a number from 0 to 32\n" },
		{ "nobody", SERVER "zones: [ { name: a.example, file: z, transfer: { from: 192.0.2.0/24 } } ]\n", 
			"2:48: error: an entry of \"transfer\" names a key, a certificate, or TLS; write for example: { key: xfr }\n" },
		{ "load alone", SERVER ZONES "edges: { ams: { a: 192.0.2.1, load: { low: 80%, high: 90% } } }\n", 
			"3:31: error: \"load\" needs \"capacity\" beside it\n" },
		{ "the wrong way round", SERVER ZONES "edges: { ams: { a: 192.0.2.1, capacity: 9, load: { low: 90%, high: 80% } } }\n", 
			"3:10: error: edge ams sheds from 90% of its capacity on, and from 80% on all that is new: the first must be less\n" },
		{ "a flattened name with fields", SERVER ZONES "edges: { ams: { flatten: \"%{country}.example.net\" } }\n", 
			"3:26: error: a name that is flattened is the same for all clients: it has no fields\n" },
		{ "a long name", SERVER ZONES "edges: { aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg: { a: 192.0.2.1 } }\n", 
			"3:10: error: the name of an edge has 1 to 64 characters\n" },
		{ "an edge twice", SERVER ZONES EDGES "pools: { w: { edges: [ ams, fra ], default: [ ams, ams ] } }\n", 
			"4:52: error: edge ams is here twice; take one out\n" },
		{ "affinity in order", POOL("policy: ordered, affinity: client"), 
			"4:53: error: affinity and ordered both say which edge comes first; take one out\n" },
		{ "spread", POOL("spread: 5"), 
			"4:44: error: \"spread\" needs a unit; write 5ms or 5%\n" },
		{ "no prefix", POOL("pin: { net: { 192.0.2: ams } }"), 
			"4:50: error: \"192.0.2\" is not an address or prefix (write 192.0.2.0/24 or 2001:db8::/32)\n" },
		{ "no city", POOL("pin: { city: { \"\": ams } }"), 
			"4:51: error: \"\" is not a city (its English name, as the GeoIP file has it)\n" },
		{ "a probe of pools", SERVER ZONES EDGES "probes: { p: { kind: icmp } }\npools: { in: { edges: ams }, w: { edges: [ in ], probe: p } }\n", 
			"5:50: error: this probe asks nobody: all members are pools, which are up by their own probes; write it in those\n" },
		{ "md5", SERVER ZONES "keys: { k: { algorithm: hmac-md5, secret: " SECRET " } }\n", 
			"3:25: error: hmac-md5 is weak: use hmac-sha256, or write \"md5: on\" beside it for a client that knows nothing else\n" },
		{ "a short secret", SERVER ZONES "keys: { k: { secret: \"MTIzNDU2Nzg=\" } }\n", 
			"3:9: warning: the secret has 8 bytes: it is the weakest part of this key (\"openssl rand -base64 32\" makes a longer one)\n" },
		{ "whose certificate", SERVER ZONES "peers: { p: { at: 192.0.2.1, tls: { ca: ca.pem } } }\n", 
			"3:30: error: whose certificate it has to be is missing; write for example: name: ns2.example.org, or verify: off to take any\n" },
		{ "half a certificate", SERVER ZONES "peers: { p: { at: 192.0.2.1, tls: { name: a.example, cert: c.pem } } }\n", 
			"3:30: error: \"cert\" and \"key\" belong together\n" },
		{ "header and body", PROBE("kind: http, load-from: { header: X-Load, body: load }"), 
			"4:63: error: load comes from a \"header\" or from the \"body\", not from both\n" },
		{ "two places of a value", PROBE("kind: http, values: { header: X, json: a.b, below: 3 }"), 
			"4:55: error: a value is in one \"header\", in the \"body\" or at a path of \"json\"; make two\n" },
		{ "no place of a value", PROBE("kind: http, values: [ { below: 3 } ]"), 
			"4:38: error: where is it? Write { header: NAME, ... }, { body: NAME, ... }, { json: PATH, ... } or { matches: EXPRESSION }\n" },
		{ "headers in no map", PROBE("kind: http, headers: [ a ]"), 
			"4:39: error: \"a\" is no header: its name is of letters, digits and \"-\", and \": \" and a value stand behind it\n" },
		{ "a fleet's quorum", FLEET("quorum: 50"), 
			"3:125: error: \"quorum\" must be a share such as 2/3 or 60%, or { share: 2/3, by: region }, not \"50\"\n" },
		{ "a fleet's certificate", FLEET("tls: { cert: c.pem }"), 
			"3:117: error: \"cert\" and \"key\" belong together\n" },
		{ "a file for two", SERVER ZONES "latency: { resolver-clients: r.csv, learned-resolvers: r.csv }\n", 
			"3:56: error: the server writes this file, and \"resolver-clients\" is yours; name another one\n" },
		{ "nowhere to keep", POOL("resolver-pairs: on"), 
			"4:36: warning: nothing is learned by it: say where that is kept; add to \"latency\": learned-resolvers: FILE\n" },
		{ "a window of both", SERVER ZONES EDGES "maintenance: [ { edges: ams, from: 2026-12-01T00:00Z, until: 2026-12-02T00:00Z, weight: 10, state: drain } ]\n", 
			"4:81: error: \"weight\" and \"state\" are two windows\n" },
		{ "a comma in a name", SERVER ZONES EDGES "maintenance: [ { edges: \"ams, fra\", from: 2026-12-01T00:00Z, until: 2026-12-02T00:00Z } ]\n", 
			"4:25: error: one name or pattern each, without a comma\n" },
		{ "windows in a word", SERVER ZONES EDGES "maintenance: tomorrow\n", 
			"4:14: error: \"maintenance\" must be a list of { edges: [ ... ], from: ..., until: ... }, not \"tomorrow\"\n" },
		{ "a digest", SERVER STORE "zones: [ { name: a.example, file: z, dnssec: p } ]\ndnssec: { p: { cds-digest: md5 } }\n", 
			"4:28: error: \"cds-digest\" must be sha256 or sha384, not \"md5\"\n" },
		{ "parents", SERVER STORE "zones: [ { name: a.example, file: z, dnssec: p } ]\ndnssec: { p: { parent: [ \"192.0.2.1:x\" ] } }\n", 
			"4:26: error: \"192.0.2.1:x\": the port is a number from 1 to 65535\n" },
		{ "a class's net", SERVER ZONES "clients: { c: { nets: [ 10.0.0 ] } }\n", 
			"3:25: error: \"10.0.0\" is not an address or prefix (write 192.0.2.0/24 or 2001:db8::/32)\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

void suite_schema_rest(void);
void suite_schema_rest(void)
{
	static const struct unit_case cases[] = {
		{ "what does not go together is told", what_does_not_go_together_is_told },
	};

	unit_suite("conf/schema_rest", cases, UNIT_COUNT(cases));
}
