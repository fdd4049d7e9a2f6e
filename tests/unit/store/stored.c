#include "unit/store/stored.h"

#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/change.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stored stored;

void stored_begin(void)
{
	strcpy(stored.dir, "/tmp/unit_store.XXXXXX");
	if (!mkdtemp(stored.dir))
		abort();
	snprintf(stored.path, sizeof stored.path, "%s/store", stored.dir);
	stored.s = store_open(stored.path, &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
}

void stored_end(void)
{
	static const char *const behind[] = { "", "-wal", "-shm", ".copy" };

	store_close(stored.s);
	for (size_t i = 0; i < UNIT_COUNT(behind); i++) {
		char name[80];
		snprintf(name, sizeof name, "%s%s", stored.path, behind[i]);
		unlink(name);
	}
	CU_ASSERT_EQUAL(rmdir(stored.dir), 0);
}

void stored_again(void)
{
	store_close(stored.s);
	stored.s = store_open(stored.path, &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
}

void stored_sql(const char *text)
{
	sqlite3 *db;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(stored.path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

bool stored_put(const char *text, const struct store_timers *timers)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	const bool ok = z && store_put(stored.s, z, timers, &stored.why);
	zone_drop(z);
	faults_fini(&f);
	return ok;
}

enum store_result stored_add(const char *text, const struct store_timers *timers)
{
	struct change *c = change_of(text, &stored.why);
	struct store_step step = { .change = c, .has_timers = timers != NULL };

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (timers)
		step.timers = *timers;
	const enum store_result got = store_add(stored.s, &step, 1, &stored.why);
	change_free(c);
	return got;
}

void stored_held(uint32_t serial, int64_t checked_s, uint32_t expire_s, size_t records, size_t n)
{
	static const uint8_t apex[] = "\7example";
	struct store_picture p;
	struct store_record rr;
	size_t at = 0, count = 0;

	CU_ASSERT_TRUE_FATAL(store_get(stored.s, apex, STORE_ZONE, &p, &stored.why));
	CU_ASSERT_EQUAL(p.serial, serial);
	CU_ASSERT_EQUAL(p.timers.checked_s, checked_s);
	CU_ASSERT_EQUAL(p.timers.expire_s, expire_s);
	CU_ASSERT_EQUAL(p.n, n);
	while (store_next_record(&p, &at, &rr))
		count++;
	CU_ASSERT_EQUAL(at, p.len);
	CU_ASSERT_EQUAL(count, records);
	store_picture_fini(&p);
}
