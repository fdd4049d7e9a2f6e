#include "daemon/zone_begin.h"

#include "base/bytes.h"
#include "base/scope.h"
#include "dns/rrtype.h"
#include "xfr/update.h"

#include <string.h>
#include <time.h>

enum {
	TTL_S = 3600, /* of the SOA and NS that a zone begins with */
	REFRESH_S = 7200,
	RETRY_S = 900,
	EXPIRE_S = 1209600,
	NEGATIVE_S = 300
};

static size_t put_name(uint8_t *to, const uint8_t *name)
{
	const size_t len = name_len(name);

	memcpy(to, name, len);
	return len;
}

/* 0: the name would be too long. */
static size_t soa_rdata(uint8_t *to, const uint8_t *apex, const struct conf_rule *rule)
{
	static const uint8_t host[] = "\012hostmaster";
	const uint32_t numbers[] = { update_serial(0, rule->access.serial, time(NULL)),
		REFRESH_S, RETRY_S, EXPIRE_S, NEGATIVE_S };
	size_t len = put_name(to, rule->nameservers[0]);

	if (rule->contact) {
		len += put_name(to + len, rule->contact);
	} else {
		if (sizeof host - 1 + name_len(apex) > NAME_MOST)
			return 0;
		memcpy(to + len, host, sizeof host - 1);
		len += sizeof host - 1;
		len += put_name(to + len, apex);
	}
	for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++, len += 4)
		be32_put(to + len, numbers[i]);
	return len;
}

static bool add_record(
	struct records *r, uint32_t group, uint16_t type, const uint8_t *rdata, size_t len)
{
	return records_add(r, group,
		&(struct record){ .rdata = rdata,
			.ttl_s = TTL_S,
			.type = type,
			.rdlen = (uint16_t)len,
			.file = UINT16_MAX });
}

/* For a scope. */
static void let_go_records(void *r)
{
	records_fini(r);
}

struct zone *zone_begin(const uint8_t *apex, const struct conf_rule *rule,
	const struct compile_opts *opts, struct faults *f)
{
	uint8_t soa[2 * NAME_MOST + 20];
	struct zone *z = NULL;
	struct records r;

	const size_t len = soa_rdata(soa, apex, rule);
	if (!len) {
		faults_error(f, &(struct fault_at){ 0 },
			"the zone's name is too long for hostmaster in front of it: its template "
			"needs a \"contact\"");
		return NULL;
	}
	records_init(&r, apex);
	scope_hold(&r, let_go_records);
	const uint32_t group = records_owner(&r, apex, name_len(apex));
	bool ok = group && add_record(&r, group, RRTYPE_SOA, soa, len);
	for (size_t i = 0; ok && i < rule->n_nameservers; i++)
		ok = add_record(&r, group, RRTYPE_NS, rule->nameservers[i],
			name_len(rule->nameservers[i]));
	if (ok)
		z = zone_compile(&r, opts, f);
	scope_forget(&r, let_go_records);
	records_fini(&r);
	return z;
}
