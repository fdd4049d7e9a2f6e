#include "net/tls.h"

#include "unit/certs.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void put(const struct certs *c, const char *name, size_t len, char *path, size_t room)
{
	snprintf(path, room, "%s/%s", c->dir, name);
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (len--)
		fputc((int)(len / TLS_TICKET_KEY) + 'a', f);
	fclose(f);
}

static void the_first_certificate_for_a_name_is_shown(void)
{
	static const struct {
		const char *name;
		size_t is;
	} row[] = { { "a.example", 0 }, { "x.a.example", 0 }, { "b.example", 1 },
		{ "B.Example", 1 }, { "y.b.example", 1 }, { "x.y.b.example", SIZE_MAX },
		{ "c.example", SIZE_MAX }, { "", SIZE_MAX } };
	struct certs a, b;
	struct fault why;

	certs_open(&a);
	certs_open(&b);
	certs_make(&a, "a", "a.example", -3600, 3600);
	certs_make(&b, "b", "b.example", 60, 7200);
	const struct tls_pair pairs[] = { { a.cert, a.key }, { b.cert, b.key }, { a.cert, a.key } };
	struct tls *t = tls_new(&(struct tls_opts){ .pairs = pairs, .n = 3 }, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(tls_find(t, row[i].name), row[i].is);
	CU_ASSERT_EQUAL(tls_count(t), 3);
	const struct tls_about about = tls_about(t, 1);
	CU_ASSERT_STRING_EQUAL(about.name, "b.example");
	CU_ASSERT_EQUAL(about.names, 2);
	CU_ASSERT_EQUAL(about.until_s - about.from_s, 7200 - 60);
	CU_ASSERT_TRUE(about.from_s > time(NULL) && about.from_s <= time(NULL) + 60);
	tls_drop(t);
	certs_close(&a);
	certs_close(&b);
}

static void what_is_wrong_with_a_file_is_told_by_its_name(void)
{
	struct certs a, b;
	struct fault why;
	char path[64], none[64];

	certs_open(&a);
	certs_open(&b);
	certs_make(&a, "a", "a.example", -60, 60);
	certs_make(&b, "b", "b.example", -60, 60);
	put(&a, "text", 10, path, sizeof path);
	snprintf(none, sizeof none, "%s/none", a.dir);
	const struct {
		const char *cert, *key, *clients, *say;
	} row[] = { { a.cert, b.key, NULL, "b.key: this key does not belong to the certificate" },
		{ path, a.key, NULL, "text: there is no certificate in it" },
		{ a.cert, path, NULL, "text: there is no private key in it" },
		{ none, a.key, NULL, "none: No such file" },
		{ a.cert, a.key, path, "text: there is no certificate in it" },
		{ a.cert, a.key, b.cert, NULL } };
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct tls *t = tls_new(
			&(struct tls_opts){ .pairs = &(struct tls_pair){ row[i].cert, row[i].key },
				.n = 1,
				.clients = row[i].clients },
			&why);
		CU_ASSERT_EQUAL(t == NULL, row[i].say != NULL);
		if (row[i].say)
			CU_ASSERT_PTR_NOT_NULL(strstr(why.text, row[i].say));
		tls_drop(t);
	}
	certs_close(&a);
	certs_close(&b);
}

static void keys_of_tickets_are_80_bytes_each(void)
{
	static const struct {
		size_t len, n;
	} row[] = { { 0, 0 }, { 79, 0 }, { 80, 1 }, { 81, 0 }, { 160, 2 }, { 640, 8 }, { 720, 0 } };
	struct certs c;
	struct fault why;
	char path[64];

	certs_open(&c);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct tls_tickets t;
		put(&c, "keys", row[i].len, path, sizeof path);
		CU_ASSERT_EQUAL(tls_tickets_read(&t, path, &why), row[i].n > 0);
		if (row[i].n)
			CU_ASSERT_EQUAL(t.n, row[i].n);
	}
	certs_close(&c);
}

static void a_new_key_comes_in_front_and_the_oldest_goes(void)
{
	struct tls_tickets t = { 0 };
	uint8_t names[5][16];

	for (unsigned i = 0; i < 5; i++) {
		tls_tickets_rotate(&t, 2);
		memcpy(names[i], t.keys[0].name, 16);
		CU_ASSERT_EQUAL(t.n, i < 2 ? i + 1 : 3);
		for (unsigned k = 0; k < t.n; k++)
			CU_ASSERT_EQUAL(memcmp(t.keys[k].name, names[i - k], 16), 0);
	}
	CU_ASSERT_NOT_EQUAL(memcmp(names[0], names[1], 16), 0);
	for (unsigned i = 0; i < 20; i++)
		tls_tickets_rotate(&t, 100);
	CU_ASSERT_EQUAL(t.n, TLS_TICKET_KEYS);
}

static const struct unit_case cases[] = {
	{ "the first certificate for a name is shown", the_first_certificate_for_a_name_is_shown },
	{ "what is wrong with a file is told by its name",
		what_is_wrong_with_a_file_is_told_by_its_name },
	{ "keys of tickets are 80 bytes each", keys_of_tickets_are_80_bytes_each },
	{ "a new key comes in front and the oldest goes",
		a_new_key_comes_in_front_and_the_oldest_goes },
};

void suite_tls(void);
void suite_tls(void)
{
	unit_suite("net/tls", cases, UNIT_COUNT(cases));
}
