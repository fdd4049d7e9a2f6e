#include "daemon/certificates.h"

#include "unit/certs.h"
#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct house h;
static struct certs certs;
static struct net_address door;

/* The pair that the server has, made anew: for that name. */
static void make(const char *dns, int from_s, int until_s)
{
	char to[2][100];

	certs_make(&certs, "made", dns, from_s, until_s);
	snprintf(to[0], sizeof to[0], "%s/own.pem", certs.dir);
	snprintf(to[1], sizeof to[1], "%s/own.key", certs.dir);
	CU_ASSERT_TRUE(rename(certs.key, to[1]) == 0 && rename(certs.cert, to[0]) == 0);
}

static void configure(void)
{
	char conf[700];

	snprintf(conf, sizeof conf,
		"server: { listen: [ \"127.0.0.1:%u\", \"tls:127.0.0.1:%u\" ], workers: 1, folders: any, tls: [ { cert: %s/own.pem, key: %s/own.key } ] }\n"
		"zones: [ { dir: zones } ]\n" SITE_EDGES SITE_POOLS,
		serving_port(&h.at), serving_port(&door), certs.dir, certs.dir);
	site_put(&h.site, "t.yaml", conf);
}

static void open_house(void)
{
	certs_open(&certs);
	door = serving_address("127.0.0.1");
	house_open(&h, "");
	configure();
}

static void close_house(void)
{
	char path[100];

	house_close(&h);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/own.%s", certs.dir, i ? "key" : "pem");
		unlink(path);
	}
	certs_close(&certs);
}

/* The name of the certificate that a client is shown now. */
static const char *shown(void)
{
	static char name[256];
	struct pollfd p = { .fd = serving_connect(&door, SOCK_STREAM, NULL) };
	int n;

	name[0] = 0;
	SSL *ssl = certs_client(p.fd, &(struct certs_client){ .dns = NULL });
	while ((n = SSL_connect(ssl)) != 1) {
		const int wants = SSL_get_error(ssl, n);
		p.events = wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		if ((wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE) || poll(&p, 1, 20000) != 1)
			break;
	}
	if (n == 1)
		certs_shown(ssl, name);
	SSL_free(ssl);
	close(p.fd);
	return name;
}

static void a_pair_that_is_renewed_is_shown(void)
{
	open_house();
	make("ns1.example", -60, 3600);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_log(&h), "TLS: certificate for ns1.example"));
	CU_ASSERT_STRING_EQUAL(shown(), "ns1.example");
	make("ns2.example", -60, 3600);
	CU_ASSERT_TRUE(house_logs(&h, "TLS: certificate for ns2.example"));
	CU_ASSERT_STRING_EQUAL(shown(), "ns2.example");
	/* What is wrong is told when it stays so, once, and nothing else is shown. */
	char path[100];
	snprintf(path, sizeof path, "%s/own.pem", certs.dir);
	FILE *f = fopen(path, "we");
	fputs("no certificate\n", f);
	fclose(f);
	house_pass(&h, 0.7);
	CU_ASSERT_PTR_NULL(strstr(house_log(&h), "shown on"));
	CU_ASSERT_TRUE(house_logs(&h, "what was shown before is shown on"));
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "own.pem"));
	CU_ASSERT_STRING_EQUAL(shown(), "ns2.example");
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "status"), "own.pem"));
	/* One whose end is near is told of. */
	make("ns3.example", -36000, 600);
	CU_ASSERT_TRUE(house_logs(&h, "less than a tenth of its life is left"));
	CU_ASSERT_PTR_NOT_NULL(strstr(h.said, "ns3.example"));
	CU_ASSERT_STRING_EQUAL(shown(), "ns3.example");
	CU_ASSERT_PTR_NULL(strstr(house_tell(&h, "status"), "no certificate"));
	house_stop(&h);
	close_house();
}

static void a_certificate_that_has_ended_is_told_as_that(void)
{
	open_house();
	make("ns1.example", -7200, -60);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_TRUE(house_logs(&h, "it has ended"));
	CU_ASSERT_STRING_EQUAL(shown(), "ns1.example");
	house_stop(&h);
	close_house();
}

void suite_certificates(void);
void suite_certificates(void)
{
	static const struct unit_case cases[] = {
		{ "a pair that is renewed is shown", a_pair_that_is_renewed_is_shown },
		{ "a certificate that has ended is told as that", a_certificate_that_has_ended_is_told_as_that },
	};

	unit_suite("daemon/certificates", cases, UNIT_COUNT(cases));
}
