#include "store/store.h"

#include "dns/rrtype.h"
#include "unit/store/stored.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/change.h"
#include "zone/image.h"

#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The library's calls come here: how often something was to be on the disk. */
static unsigned synced;

int fdatasync(int fd)
{
	synced++;
	return (int)syscall(SYS_fdatasync, fd);
}

#define SOA(serial) "example. 60 SOA ns.example. root.example. " serial " 7200 900 1209600 60\n"

static const uint8_t apex[] = "\7example";
static const struct store_timers timers = { 1700000000, 1209600 };

static const char zone[] =
	"$TTL 60\n@ SOA ns root 1 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n";
static const char step_2[] = "-" SOA("1") "+" SOA("2") "+www.example. 60 A 192.0.2.2\n";
static const char step_3[] = "-" SOA("2") "+" SOA("3") "-www.example. 60 A 192.0.2.2\n";

static const char step_4[] = "-" SOA("3") "+" SOA("4") "+www.example. 60 A 192.0.2.4\n";

static struct zone *zone_at(const char *serial)
{
	char text[160];
	struct faults f;

	faults_init(&f);
	snprintf(text, sizeof text,
		"$TTL 60\n@ SOA ns root %s 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n", serial);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static enum store_result add_to_file(const char *text, const char *file)
{
	struct change *c = change_of(text, &stored.why);
	const enum store_result got =
		store_add(stored.s, &(struct store_step){ .change = c, .file = file }, 1, &stored.why);

	change_free(c);
	return got;
}

static void a_file_is_a_base_until_the_zone_is_put(void)
{
	uint8_t due[NAME_MOST];
	struct store_picture p;

	stored_begin();
	CU_ASSERT_FALSE(store_is_due(stored.s));
	CU_ASSERT_EQUAL(add_to_file(step_2, "zone 1 2 3\n"), STORE_DONE);
	CU_ASSERT_EQUAL(add_to_file(step_3, NULL), STORE_DONE);
	stored_again();
	CU_ASSERT_TRUE_FATAL(store_get(stored.s, apex, STORE_ZONE, &p, &stored.why));
	CU_ASSERT_STRING_EQUAL(p.file, "zone 1 2 3\n");
	CU_ASSERT_EQUAL(p.serial, 3);
	CU_ASSERT_EQUAL(p.n, 2);
	CU_ASSERT_EQUAL(p.n_before, 0);
	store_picture_fini(&p);
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 1);
	CU_ASSERT_EQUAL(add_to_file(step_4, NULL), STORE_DONE);
	CU_ASSERT_TRUE(store_is_due(stored.s));
	CU_ASSERT_TRUE(store_take_due(stored.s, due));
	CU_ASSERT_TRUE(name_equal(due, apex));
	CU_ASSERT_FALSE(store_is_due(stored.s));
	/* The zone as it was at serial 3; what came since then goes on from there. */
	struct zone *z = zone_at("3");
	CU_ASSERT_EQUAL(store_rebase(stored.s, z, &stored.why), STORE_DONE);
	zone_drop(z);
	stored_held(4, 0, 0, 3, 3);
	stored_again();
	CU_ASSERT_TRUE_FATAL(store_get(stored.s, apex, STORE_ZONE, &p, &stored.why));
	CU_ASSERT_PTR_NULL(p.file);
	CU_ASSERT_EQUAL(p.n_before, 2);
	CU_ASSERT_EQUAL(change_to(p.changes[2]), 4);
	store_picture_fini(&p);
	stored_end();
}

static void a_base_of_no_version_that_is_stored_is_refused(void)
{
	stored_begin();
	struct zone *z = zone_at("7");
	CU_ASSERT_EQUAL(store_rebase(stored.s, z, &stored.why), STORE_APART);
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 0);
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	CU_ASSERT_EQUAL(store_rebase(stored.s, z, &stored.why), STORE_APART);
	zone_drop(z);
	stored_held(2, 1700000000, 1209600, 3, 1);
	z = zone_at("2");
	CU_ASSERT_EQUAL(store_rebase(stored.s, z, &stored.why), STORE_DONE);
	stored_held(2, 1700000000, 1209600, 3, 1);
	zone_drop(z);
	stored_end();
}

static void steps_go_by_size_and_age(void)
{
	struct zone *z = zone_at("3");

	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	CU_ASSERT_EQUAL(stored_add(step_3, NULL), STORE_DONE);
	store_set_limits(stored.s, &(struct store_limits){ 1, 1000 });
	/* Those that are needed stay, whatever the limits are. */
	CU_ASSERT_TRUE(store_trim(stored.s, &stored.why));
	stored_held(3, 1700000000, 1209600, 3, 2);
	CU_ASSERT_EQUAL(store_rebase(stored.s, z, &stored.why), STORE_DONE);
	stored_held(3, 1700000000, 1209600, 3, 0);
	CU_ASSERT_EQUAL(stored_add(step_4, NULL), STORE_DONE);
	zone_drop(z);
	z = zone_at("4");
	store_set_limits(stored.s, &(struct store_limits){ 1 << 20, 1000 });
	CU_ASSERT_EQUAL(store_rebase(stored.s, z, &stored.why), STORE_DONE);
	stored_held(4, 1700000000, 1209600, 3, 1);
	store_set_limits(stored.s, &(struct store_limits){ 1 << 20, -1000 });
	CU_ASSERT_TRUE(store_trim(stored.s, &stored.why));
	stored_held(4, 1700000000, 1209600, 3, 0);
	zone_drop(z);
	stored_end();
}

/* Of some pieces: over 3 MB. */
static struct zone *large(const char *serial)
{
	enum { NAMES = 12000 };
	char *text = malloc(NAMES * 320 + 200), *at = text;
	struct faults f;

	at += sprintf(at, "$TTL 60\n@ SOA ns root %s 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n",
		serial);
	for (int i = 0; i < NAMES; i++)
		at += sprintf(at, "t%d TXT %0250d\n", i, i);
	faults_init(&f);
	struct zone *z = zone_of("example.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	free(text);
	return z;
}

static void what_others_have_stored_meanwhile_is_put_over_by_nobody(void)
{
	struct store_mark at;

	stored_begin();
	struct zone *z = zone_at("9");
	CU_ASSERT_TRUE(store_mark(stored.s, apex, &at, &stored.why));
	CU_ASSERT_TRUE(at.none && !at.there);
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(store_put_upon(stored.s, z, &timers, &at, &stored.why), STORE_APART);
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_TRUE(store_mark(stored.s, apex, &at, &stored.why));
	CU_ASSERT_TRUE(!at.none && at.there);
	CU_ASSERT_EQUAL(at.serial, 1);
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	CU_ASSERT_EQUAL(store_put_upon(stored.s, z, &timers, &at, &stored.why), STORE_APART);
	stored_again();
	stored_held(2, 1700000000, 1209600, 3, 1);
	at.serial = 2;
	CU_ASSERT_EQUAL(store_put_upon(stored.s, z, &timers, &at, &stored.why), STORE_DONE);
	stored_held(9, 1700000000, 1209600, 3, 0);
	CU_ASSERT_TRUE(store_forget(stored.s, apex, &stored.why));
	at.serial = 9;
	CU_ASSERT_EQUAL(store_put_upon(stored.s, z, &timers, &at, &stored.why), STORE_APART);
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 0);
	at.none = true;
	CU_ASSERT_EQUAL(store_put_upon(stored.s, z, &timers, &at, &stored.why), STORE_DONE);
	zone_drop(z);
	stored_end();
}

static void large_zones_take_the_place_of_each_other(void)
{
	stored_begin();
	struct zone *z = large("1");
	CU_ASSERT_TRUE(store_put(stored.s, z, &timers, &stored.why));
	CU_ASSERT_TRUE(store_counts(stored.s).commits > 3);
	stored_held(1, 1700000000, 1209600, 12003, 0);
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	zone_drop(z);
	z = large("2");
	CU_ASSERT_EQUAL(store_rebase(stored.s, z, &stored.why), STORE_DONE);
	stored_held(2, 1700000000, 1209600, 12003, 1);
	stored_again();
	stored_held(2, 1700000000, 1209600, 12003, 1);
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_TRUE(store_put(stored.s, z, &timers, &stored.why));
	CU_ASSERT_TRUE(store_forget(stored.s, apex, &stored.why));
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 0);
	zone_drop(z);
	stored_end();
}

/* As it is told while it is made: node by node, many at once, and none. */
static void grow(struct store_growing *g, const struct zone *z)
{
	unsigned i = 0;

	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n), i++)
		if (i < 100 || i % 1000 == 0)
			store_grow_to(g, z, (uint32_t)((const uint8_t *)n - z->image));
	store_grow_to(g, z, z->image_end);
	store_grow_to(g, z, z->image_end);
}

static void a_zone_that_grows_is_stored_when_all_of_it_is_there(void)
{
	struct store_picture whole, p;

	stored_begin();
	struct zone *z = large("1");
	CU_ASSERT_TRUE(store_put(stored.s, z, &timers, &stored.why));
	CU_ASSERT_TRUE_FATAL(store_get(stored.s, apex, STORE_ZONE, &whole, &stored.why));
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	struct store_growing *g = store_grow(stored.s, STORE_ZONE, NULL, false);
	grow(g, z);
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_EQUAL(store_grown(g, &stored.why), STORE_DONE);
	stored_again();
	CU_ASSERT_TRUE_FATAL(store_get(stored.s, apex, STORE_ZONE, &p, &stored.why));
	CU_ASSERT_EQUAL_FATAL(p.len, whole.len);
	CU_ASSERT_EQUAL(memcmp(p.records, whole.records, p.len), 0);
	store_picture_fini(&p);
	store_picture_fini(&whole);
	zone_drop(z);
	stored_end();
}

static int64_t number_of(const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(stored.path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_step(st), SQLITE_ROW);
	const int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void a_zone_that_grows_and_is_given_up_leaves_nothing(void)
{
	stored_begin();
	struct zone *z = large("9");
	struct store_growing *g = store_grow(stored.s, STORE_ZONE, NULL, false);
	store_grow_to(g, z, z->image_end);
	CU_ASSERT_TRUE(number_of("SELECT count(*) FROM part") > 3);
	store_grow_not(g);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM part"), 0);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM zone"), 0);
	/* What was there stays; and so does what another puts meanwhile. */
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(stored_put(zone, &timers));
		g = store_grow(stored.s, STORE_ZONE, NULL, false);
		store_grow_to(g, z, z->image_end);
		if (i) {
			CU_ASSERT_TRUE(stored_put(zone, &timers));
			CU_ASSERT_EQUAL(store_grown(g, &stored.why), STORE_APART);
		} else {
			store_grow_not(g);
		}
		stored_held(1, 1700000000, 1209600, 3, 0);
		CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM part"), 1);
	}
	/* Over nothing but that. */
	const struct store_mark at = { .there = true, .serial = 2 };
	g = store_grow(stored.s, STORE_ZONE, &at, false);
	store_grow_to(g, z, z->image_end);
	CU_ASSERT_EQUAL(store_grown(g, &stored.why), STORE_APART);
	stored_held(1, 1700000000, 1209600, 3, 0);
	store_grow_not(NULL);
	zone_drop(z);
	stored_end();
}

/* As signing does when it is stopped: the zone goes first. */
static void a_zone_that_is_gone_when_it_is_given_up_takes_nothing_with_it(void)
{
	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	struct zone *z = large("9");
	struct store_growing *g = store_grow(stored.s, STORE_ZONE, NULL, false);
	store_grow_to(g, z, z->image_end);
	CU_ASSERT_TRUE(number_of("SELECT count(*) FROM part") > 3);
	mallopt(M_PERTURB, 0x5a); /* what is freed is no zone's name any more */
	zone_drop(z);
	store_grow_not(g);
	mallopt(M_PERTURB, 0);
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM part"), 1);
	stored_end();
}

static void what_was_being_put_when_it_stopped_goes(void)
{
	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	store_close(stored.s);
	stored_sql("UPDATE zone SET making = 9;"
	    "INSERT INTO part SELECT zone, (9 << 32) + 1, bytes FROM part;"
	    /* one whose first base it was */
	    "INSERT INTO zone (id, apex, serial, checked_s, expire_s, base, making)"
	    " VALUES (7, x'056f7468657200', 1, 0, 0, -1, 8);"
	    "INSERT INTO part VALUES (7, (8 << 32) + 1, x'00');");
	stored.s = store_open(stored.path, &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM part"), 1);
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM zone"), 1);
	/* The number is not given again. */
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(number_of("SELECT max(n) >> 32 FROM part"), 10);
	stored_end();
}

static void a_store_of_version_1_is_brought_up_to_date(void)
{
	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	CU_ASSERT_EQUAL(stored_add(step_3, NULL), STORE_DONE);
	const int64_t now = number_of("PRAGMA user_version");
	store_close(stored.s);
	stored_sql("UPDATE part SET n = n & 0xffffffff; DROP INDEX unfinished;"
	    "ALTER TABLE zone DROP COLUMN base; ALTER TABLE zone DROP COLUMN base_n;"
	    "ALTER TABLE zone DROP COLUMN making; ALTER TABLE zone DROP COLUMN file;"
	    "ALTER TABLE change DROP COLUMN serial; ALTER TABLE change DROP COLUMN at_s;"
	    "DROP TABLE added; DROP TABLE plain; DROP TABLE keys; DROP TABLE written; "
	    "DROP TABLE forced; DROP TABLE history; DROP TABLE decision; DROP TABLE watch; DROP TABLE token; DROP TABLE audit; DROP TABLE flat; PRAGMA user_version = 1");
	stored.s = store_open(stored.path, &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
	CU_ASSERT_TRUE(now > 1);
	CU_ASSERT_EQUAL(number_of("PRAGMA user_version"), now);
	stored_held(3, 1700000000, 1209600, 3, 2);
	CU_ASSERT_EQUAL(stored_add(step_4, NULL), STORE_DONE);
	struct zone *z = zone_at("4");
	CU_ASSERT_EQUAL(store_rebase(stored.s, z, &stored.why), STORE_DONE);
	zone_drop(z);
	stored_again();
	stored_held(4, 1700000000, 1209600, 3, 3);
	/* One that is newer than we are stays as it is. */
	store_close(stored.s);
	stored_sql("PRAGMA user_version = 1000");
	stored.s = store_open(stored.path, &stored.why);
	CU_ASSERT_PTR_NULL(stored.s);
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, "of version 1000, written by a newer Waymark"));
	stored_end();
}

static unsigned syncs_of(const char *text, bool soon)
{
	struct change *c = change_of(text, &stored.why);
	const unsigned before = synced;

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	const struct store_step step = { .change = c, .soon = soon };
	CU_ASSERT_EQUAL(store_add(stored.s, &step, 1, &stored.why), STORE_DONE);
	change_free(c);
	return synced - before;
}

static void what_others_have_waits_for_no_disk(void)
{
	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(syncs_of(step_2, true), 0);
	CU_ASSERT_EQUAL(syncs_of(step_3, false), 1);
	CU_ASSERT_EQUAL(syncs_of(step_4, true), 0);
	stored_again();
	stored_held(4, 1700000000, 1209600, 3, 3);
	stored_end();
}

/* Its serial; 0: it is not there. */
static uint32_t serial_read(void)
{
	struct store_picture p;
	const uint32_t serial =
		store_get(stored.s, apex, STORE_ZONE, &p, &stored.why) ? p.serial : 0;

	store_picture_fini(&p);
	return serial;
}

/* As another process. */
static void write_elsewhere(const char *serial)
{
	struct store *there = store_open(stored.path, &stored.why);
	struct zone *z = zone_at(serial);

	CU_ASSERT_PTR_NOT_NULL_FATAL(there);
	CU_ASSERT_TRUE(store_put(there, z, &timers, &stored.why));
	zone_drop(z);
	store_close(there);
}

static void many_are_read_in_one_transaction_that_ends_before_anything_is_written(void)
{
	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(serial_read(), 1);
	write_elsewhere("2");
	CU_ASSERT_EQUAL(serial_read(), 2);
	store_read_many(stored.s, true);
	store_read_many(stored.s, true); /* of another thread */
	CU_ASSERT_EQUAL(serial_read(), 2);
	write_elsewhere("3");
	CU_ASSERT_EQUAL(serial_read(), 2);
	/* Nothing is written upon what was read long ago; and it is read. */
	CU_ASSERT_EQUAL(stored_add(step_4, NULL), STORE_DONE);
	CU_ASSERT_EQUAL(serial_read(), 4);
	write_elsewhere("5");
	CU_ASSERT_EQUAL(serial_read(), 4);
	store_read_many(stored.s, false);
	CU_ASSERT_EQUAL(serial_read(), 5);
	write_elsewhere("6");
	CU_ASSERT_EQUAL(serial_read(), 5);
	store_read_many(stored.s, false);
	CU_ASSERT_EQUAL(serial_read(), 6);
	write_elsewhere("7");
	CU_ASSERT_EQUAL(serial_read(), 7);
	stored_end();
}

static const struct unit_case cases[] = {
	{ "many are read in one transaction, that ends before anything is written",
		many_are_read_in_one_transaction_that_ends_before_anything_is_written },
	{ "what others have waits for no disk, and what is confirmed does", what_others_have_waits_for_no_disk },
	{ "a file is a base until the zone is put", a_file_is_a_base_until_the_zone_is_put },
	{ "a base of no version that is stored is refused",
		a_base_of_no_version_that_is_stored_is_refused },
	{ "steps go by size and age", steps_go_by_size_and_age },
	{ "what others have stored meanwhile is put over by nobody",
		what_others_have_stored_meanwhile_is_put_over_by_nobody },
	{ "large zones take the place of each other", large_zones_take_the_place_of_each_other },
	{ "a zone that grows is stored when all of it is there",
		a_zone_that_grows_is_stored_when_all_of_it_is_there },
	{ "a zone that grows and is given up leaves nothing",
		a_zone_that_grows_and_is_given_up_leaves_nothing },
	{ "a zone that is gone when it is given up takes nothing with it",
		a_zone_that_is_gone_when_it_is_given_up_takes_nothing_with_it },
	{ "what was being put when it stopped goes", what_was_being_put_when_it_stopped_goes },
	{ "a store of version 1 is brought up to date",
		a_store_of_version_1_is_brought_up_to_date },
};

void suite_store_zones(void);
void suite_store_zones(void)
{
	unit_suite("store/store_zones", cases, UNIT_COUNT(cases));
}
