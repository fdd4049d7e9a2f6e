#include "unit/zone/random_rdata.h"

#include "unit/unit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static unsigned pick(unsigned n)
{
	return (unsigned)random() % n;
}

/* --- random text of each kind of field ---------------------------------------------------- */

static void add_name(struct text *to)
{
	static const char *const names[] = {
		"@",
		".",
		"a",
		"Ns1.Example.NET.",
		"x.y.z",
		"a\\.b",
		"*.w",
		"\\065\\255.c.",
		"_25._tcp",
		"1",
	};

	text_add(to, names[pick(UNIT_COUNT(names))]);
}

static void add_string(struct text *to, unsigned most)
{
	static const char plain[] = "abcXYZ019 ;()@.,-_=/+";
	const unsigned len = pick(4) ? pick(12) : pick(most + 1);

	text_add_char(to, '"');
	for (unsigned i = 0; i < len; i++)
		switch (pick(8)) {
		case 0: text_addf(to, "\\%03u", 1 + pick(255)); break;
		case 1: text_add(to, pick(2) ? "\\\"" : "\\\\"); break;
		default: text_add_char(to, plain[pick(sizeof plain - 1)]); break;
		}
	text_add_char(to, '"');
}

static void add_digits(struct text *to, const char *alphabet, unsigned n)
{
	while (n-- > 0)
		text_add_char(to, alphabet[pick((unsigned)strlen(alphabet))]);
}

static void add_base64(struct text *to)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	add_digits(to, alphabet, 4 * (1 + pick(20)));
	switch (pick(3)) {
	case 0: text_add(to, "AAA="); break;
	case 1: text_add(to, "Zg=="); break;
	default: break;
	}
}

static void add_address(struct text *to, bool v6)
{
	uint8_t bytes[16];
	char buf[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < 16; i++)
		bytes[i] = pick(3) ? (uint8_t)random() : 0;
	text_add(to, inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, buf, sizeof buf));
}

static void add_types(struct text *to)
{
	static const char *const names[] = { "A", "NS", "AAAA", "RRSIG", "NSEC", "TYPE1234",
		"CAA", "TYPE65000", "MX", "TXT" };

	for (unsigned i = 1 + pick(6); i; i--)
		text_addf(to, "%s ", names[pick(UNIT_COUNT(names))]);
}

static void add_loc(struct text *to)
{
	text_addf(to, "%u %u %u.%03u %c %u %u %u.%03u %c %s%u.%02um", pick(90), pick(60),
		pick(60), pick(1000), "NS"[pick(2)], pick(180), pick(60), pick(60), pick(1000),
		"EW"[pick(2)], pick(2) ? "-" : "", pick(9999), pick(100));
	if (pick(2))
		text_addf(to, " %um %um %um", pick(100000), pick(90000), pick(10));
}

static void add_svcparams(struct text *to)
{
	if (pick(2))
		text_addf(to, "key%u=\"a\\\"b c\" ", 1000 + pick(60000));
	if (pick(2)) {
		text_add(to, "ipv6hint=");
		add_address(to, true);
		text_add(to, ",::1 ");
	}
	if (pick(2))
		text_addf(to, "port=\"%u\" ", pick(65536));
	if (pick(2))
		text_add(to, "ipv4hint=192.0.2.1,192.0.2.2 ");
	if (pick(2))
		text_add(to, "ech=AEP+DQA= ");
	if (pick(2))
		text_add(to,
			pick(2) ? "no-default-alpn alpn=\"h2,h3\" mandatory=alpn"
				: "alpn=h3 dohpath=/q{?dns}");
}

static void add_gateway(struct text *to, unsigned type)
{
	switch (type) {
	case 0: text_add(to, "."); break;
	case 1: add_address(to, false); break;
	case 2: add_address(to, true); break;
	default:
		text_add(to, "gate.example.net.");
		break; /* ldns knows no relative names here */
	}
}

static void add_odd_field(struct text *to, ldns_rdf_type kind)
{
	const unsigned gateway = pick(4);

	switch (kind) {
	case LDNS_RDF_TYPE_IPSECKEY:
		text_addf(to, "%u %u %u ", pick(256), gateway, pick(256));
		add_gateway(to, gateway);
		text_add_char(to, ' ');
		add_base64(to);
		break;
	case LDNS_RDF_TYPE_HIP:
		text_addf(to, "%u ", 1 + pick(255));
		add_digits(to, "0123456789abcdefABCDEF", 2 + 2 * pick(20));
		text_add_char(to, ' ');
		add_base64(to);
		break;
	case LDNS_RDF_TYPE_LOC: add_loc(to); break;
	case LDNS_RDF_TYPE_APL:
		text_addf(to, "%s%u:", pick(2) ? "!" : "", 1 + gateway / 2);
		add_address(to, gateway / 2);
		text_addf(to, "/%u", pick(33));
		break;
	case LDNS_RDF_TYPE_WKS:
		text_addf(to, "%u %u %u", pick(256), pick(65536), pick(1000));
		break;
	case LDNS_RDF_TYPE_NSAP:
		text_add(to, "0x47.0005.80.005a00.0000.0001.e133.ffffff000162.00");
		break;
	case LDNS_RDF_TYPE_SVCPARAMS: add_svcparams(to); break;
	default: CU_FAIL("a kind of field without a generator"); break;
	}
}

static void add_field(struct text *to, ldns_rdf_type kind)
{
	switch (kind) {
	case LDNS_RDF_TYPE_DNAME: add_name(to); break;
	case LDNS_RDF_TYPE_INT8: text_addf(to, "%u", pick(256)); break;
	case LDNS_RDF_TYPE_INT16: text_addf(to, "%u", pick(65536)); break;
	case LDNS_RDF_TYPE_INT32: text_addf(to, "%u", (unsigned)random() * 2u); break;
	case LDNS_RDF_TYPE_PERIOD: text_add(to, pick(2) ? "1w2d3h4m5s" : "86400"); break;
	case LDNS_RDF_TYPE_A: add_address(to, false); break;
	case LDNS_RDF_TYPE_AAAA: add_address(to, true); break;
	case LDNS_RDF_TYPE_STR: add_string(to, 255); break;
	case LDNS_RDF_TYPE_LONG_STR: add_string(to, 1000); break;
	case LDNS_RDF_TYPE_TAG: text_add(to, pick(2) ? "issue" : "ioDEF7"); break;
	case LDNS_RDF_TYPE_HEX:
		add_digits(to, "0123456789abcdefABCDEF", 2 + 2 * pick(40));
		break;
	case LDNS_RDF_TYPE_B64: add_base64(to); break;
	case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
		add_digits(to, "0123456789abcdefghijklmnopqrstuv", 32);
		break;
	case LDNS_RDF_TYPE_NSEC3_SALT:
		add_digits(to, pick(2) ? "0123456789abcdef" : "-", 1);
		if (to->s[to->len - 1] != '-')
			add_digits(to, "0123456789ABCDEF", 1 + 2 * pick(30));
		break;
	case LDNS_RDF_TYPE_TYPE: text_add(to, pick(2) ? "MX" : "TYPE4711"); break;
	case LDNS_RDF_TYPE_NSEC: add_types(to); break;
	case LDNS_RDF_TYPE_TIME:
		if (pick(4))
			text_addf(to, "20%02u%02u%02u%02u%02u%02u", pick(100), 1 + pick(12),
				1 + pick(28), pick(24), pick(60), pick(60));
		else
			text_addf(to, "%u", (unsigned)random());
		break;
	case LDNS_RDF_TYPE_ALG: text_add(to, pick(2) ? "RSASHA256" : "13"); break;
	case LDNS_RDF_TYPE_CERT_ALG: text_add(to, pick(2) ? "PGP" : "65535"); break;
	case LDNS_RDF_TYPE_CERTIFICATE_USAGE: text_add(to, pick(2) ? "DANE-EE" : "3"); break;
	case LDNS_RDF_TYPE_SELECTOR: text_add(to, pick(2) ? "SPKI" : "1"); break;
	case LDNS_RDF_TYPE_MATCHING_TYPE: text_add(to, pick(2) ? "SHA2-256" : "255"); break;
	case LDNS_RDF_TYPE_ILNP64:
		text_addf(to, "%x:%x:%04x:0", pick(65536), pick(256), pick(65536));
		break;
	case LDNS_RDF_TYPE_EUI48: text_add(to, "00-00-5e-Ab-53-2a"); break;
	case LDNS_RDF_TYPE_EUI64: text_add(to, "00-00-5e-ef-10-00-cD-2a"); break;
	default: add_odd_field(to, kind); break;
	}
}

void random_rdata(const ldns_rr_descriptor *d, struct text *to)
{
	const size_t least = ldns_rr_descriptor_minimum(d);
	size_t fields = ldns_rr_descriptor_maximum(d);

	if (fields > 16)
		fields = least + pick(4);
	else if (fields > least && pick(2))
		fields = least;
	for (size_t i = 0; i < fields; i++) {
		const ldns_rdf_type kind = ldns_rr_descriptor_field_type(d, i);
		if (i)
			text_add_char(to, ' ');
		add_field(to, kind);
	}
}
