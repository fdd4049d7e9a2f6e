#include "unit/zone/desk.h"

#include "dns/name.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "zone/master.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t origin[] = "\7example\3com";

void desk_put_bytes(struct desk *d, const char *name, const char *text, size_t len)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", d->folder, name);
	FILE *f = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(text, 1, len, f), len);
	fclose(f);
}

void desk_put(struct desk *d, const char *name, const char *text)
{
	desk_put_bytes(d, name, text, strlen(text));
}

void desk_init(struct desk *d)
{
	*d = (struct desk){ .folder = "/tmp/waymark-unit-XXXXXX" };
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(d->folder));
	records_init(&d->r, origin);
	faults_init(&d->f);
}

void desk_fini(struct desk *d)
{
	char command[96];

	snprintf(command, sizeof command, "rm -rf '%s'", d->folder);
	CU_ASSERT_EQUAL(system(command), 0);
	records_fini(&d->r);
	faults_fini(&d->f);
	text_fini(&d->dump);
}

/* What came of it, a record a line: owner, TTL, type, data in hex. */
static void dump(struct desk *d)
{
	struct records_walk walk = records_all(&d->r);
	const struct record *rr = &walk.rr;

	while (records_walk_next(&walk)) {
		char name[NAME_TEXT], type[RRTYPE_TEXT];
		uint8_t full[NAME_MOST];
		text_addf(&d->dump, "%s %u %s ",
			name_text(name, records_full_name(&d->r, rr->owner, full)), rr->ttl_s,
			rrtype_text(type, rr->type));
		for (unsigned j = 0; j < rr->rdlen; j++)
			text_addf(&d->dump, "%02x", rr->rdata[j]);
		text_add_char(&d->dump, '\n');
	}
}

void desk_read(struct desk *d)
{
	char path[256];

	snprintf(path, sizeof path, "%s/zone", d->folder);
	d->ok = master_read(&d->r, path, d->pools, &d->f);
	dump(d);
}
