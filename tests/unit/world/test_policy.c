#include "world/policy.h"

#include "unit/unit.h"

#include <string.h>

static const uint8_t one[] = "\3one", other[] = "\5other";
static const struct tsig_key key_one = { .name = one }, key_other = { .name = other };

static void all_that_an_entry_names_is_asked_for(void)
{
	struct policy_allow allow = { .key = NULL };
	const struct policy_access access = { &allow, 1 };
	static const struct {
		const char *say, *net;
		const uint8_t *key;
		const char *certificate;
		bool secret;
		/* Who asks. */
		const struct tsig_key *signs;
		const char *names;
		bool comes_secretly, may;
	} row[] = {
		{ "anybody", "::/0", NULL, NULL, false, NULL, NULL, false, true },
		{ "from there", "192.0.2.0/24", NULL, NULL, false, NULL, NULL, false, true },
		{ "from elsewhere", "192.0.3.0/24", NULL, NULL, false, NULL, NULL, false, false },
		{ "with the key", "::/0", one, NULL, false, &key_one, NULL, false, true },
		{ "with another", "::/0", one, NULL, false, &key_other, NULL, false, false },
		{ "with none", "::/0", one, NULL, false, NULL, NULL, false, false },
		{ "over TLS", "::/0", NULL, NULL, true, NULL, NULL, true, true },
		{ "over TCP", "::/0", NULL, NULL, true, NULL, NULL, false, false },
		{ "by the first name", "::/0", NULL, "a.example", false, NULL,
			"a.example\0b.example\0", true, true },
		{ "by the last name", "::/0", NULL, "b.example", false, NULL,
			"a.example\0b.example\0", true, true },
		{ "by a part of a name", "::/0", NULL, "a.exam", false, NULL, "a.example\0", true,
			false },
		{ "without a certificate", "::/0", NULL, "a.example", false, NULL, NULL, true, false },
		{ "with both", "::/0", one, "a.example", true, &key_one, "a.example\0", true, true },
		{ "with one of both", "::/0", one, "a.example", true, NULL, "a.example\0", true, false },
	};
	struct fault why;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct policy_asker who = { .key = row[i].signs,
			.names = row[i].names,
			.secret = row[i].comes_secretly };
		addr_parse(&who.source, "192.0.2.7");
		allow = (struct policy_allow){
			.key = row[i].key, .certificate = row[i].certificate, .secret = row[i].secret
		};
		CU_ASSERT_TRUE(prefix_parse(&allow.net, row[i].net, &why));
		CU_ASSERT_EQUAL(policy_allows(&access, &who), row[i].may);
		/* A view is of those whom one of its zone's lists knows by who they are, not by where they come from. */
		const bool known = row[i].may && (row[i].key || row[i].certificate);
		const struct policy_update update = { .who = access };
		CU_ASSERT_EQUAL(policy_knows(&(struct policy_zone){ .query = access }, &who), known);
		CU_ASSERT_EQUAL(policy_knows(&(struct policy_zone){ .transfer = access }, &who), known);
		CU_ASSERT_EQUAL(policy_knows(&(struct policy_zone){ .forward = access }, &who), known);
		CU_ASSERT_EQUAL(policy_knows(&(struct policy_zone){ .update = &update, .n_update = 1 }, &who), known);
		CU_ASSERT_FALSE(policy_knows(&(struct policy_zone){ .update = &update }, &who));
	}
	CU_ASSERT_FALSE(policy_allows(&(struct policy_access){ NULL, 0 },
		&(struct policy_asker){ .secret = true }));
}

static void proxies_are_those_of_the_listed_nets(void)
{
	struct prefix nets[2];
	struct policy p = { .proxies = nets, .n_proxies = 2 };
	struct addr a;
	struct fault why;

	CU_ASSERT_TRUE(prefix_parse(&nets[0], "192.0.2.8", &why));
	CU_ASSERT_TRUE(prefix_parse(&nets[1], "2001:db8::/32", &why));
	addr_parse(&a, "192.0.2.8");
	CU_ASSERT_TRUE(policy_is_proxy(&p, &a));
	addr_parse(&a, "2001:db8:1::1");
	CU_ASSERT_TRUE(policy_is_proxy(&p, &a));
	addr_parse(&a, "192.0.2.9");
	CU_ASSERT_FALSE(policy_is_proxy(&p, &a));
	p.n_proxies = 0;
	addr_parse(&a, "192.0.2.8");
	CU_ASSERT_FALSE(policy_is_proxy(&p, &a));
}

static const struct unit_case cases[] = {
	{ "all that an entry names is asked for", all_that_an_entry_names_is_asked_for },
	{ "proxies are those of the listed nets", proxies_are_those_of_the_listed_nets },
};

void suite_policy(void);
void suite_policy(void)
{
	unit_suite("world/policy", cases, UNIT_COUNT(cases));
}
