#include "store/store_inner.h"
#include "store/store_written.h"

#include "base/polite.h"
#include "dns/rrtype.h"
#include "unit/store/stored.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"
#include "zone/change.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOA(serial) "example. 60 SOA ns.example. root.example. " serial " 7200 900 1209600 60\n"

static const uint8_t apex[] = "\7example", other[] = "\5other";
static const struct store_timers timers = { 1700000000, 1209600 };

static off_t log_len(void)
{
	char name[80];
	struct stat is;

	snprintf(name, sizeof name, "%s-wal", stored.path);
	return stat(name, &is) == 0 ? is.st_size : -1;
}

static const char zone[] =
	"$TTL 60\n@ SOA ns root 1 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n";
static const char step_2[] = "-" SOA("1") "+" SOA("2") "+www.example. 60 A 192.0.2.2\n";
static const char step_3[] = "-" SOA("2") "+" SOA("3") "-www.example. 60 A 192.0.2.2\n";

static void zones_are_what_was_put_after_another_start(void)
{
	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	stored_held(1, 1700000000, 1209600, 3, 0);
	stored_again();
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 1);
	/* In its place, not beside it. */
	CU_ASSERT_TRUE(stored_put("$TTL 60\n@ SOA ns root 9 7200 900 1209600 60\n@ NS ns.other.\n",
		&(struct store_timers){ 1700000009, 9 }));
	stored_held(9, 1700000009, 9, 2, 0);
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 1);
	stored_end();
}

static void steps_follow_the_zone_in_their_order(void)
{
	struct store_picture p;

	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	stored_held(2, 1700000000, 1209600, 3, 1);
	CU_ASSERT_EQUAL(stored_add(step_3, &(struct store_timers){ 1700000060, 77 }), STORE_DONE);
	stored_again();
	stored_held(3, 1700000060, 77, 3, 2);
	CU_ASSERT_TRUE_FATAL(store_get(stored.s, apex, STORE_ZONE, &p, &stored.why));
	CU_ASSERT_EQUAL(change_to(p.changes[0]), 2);
	CU_ASSERT_EQUAL(change_to(p.changes[1]), 3);
	store_picture_fini(&p);
	/* They go when the zone is put whole. */
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	stored_held(1, 1700000000, 1209600, 3, 0);
	stored_end();
}

static void the_last_steps_are_told_newest_first(void)
{
	struct store_dated last[3];
	size_t n = 9;

	stored_begin();
	CU_ASSERT_TRUE(store_last_steps(stored.s, apex, last, 3, &n, &stored.why)); /* nothing is stored of it */
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	CU_ASSERT_EQUAL(stored_add(step_3, NULL), STORE_DONE);
	CU_ASSERT_TRUE(store_last_steps(stored.s, apex, last, 3, &n, &stored.why));
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_EQUAL(change_to(last[0].change), 3);
	CU_ASSERT_EQUAL(change_from(last[1].change), 1);
	CU_ASSERT_TRUE(last[1].at_s > 1700000000 && last[0].at_s >= last[1].at_s);
	change_free(last[0].change);
	change_free(last[1].change);
	CU_ASSERT_TRUE(store_last_steps(stored.s, apex, last, 1, &n, &stored.why));
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_EQUAL(change_to(last[0].change), 3);
	change_free(last[0].change);
	stored_sql("UPDATE change SET bytes = x'00' WHERE serial = 2");
	CU_ASSERT_FALSE(store_last_steps(stored.s, apex, last, 3, &n, &stored.why));
	CU_ASSERT_EQUAL(n, 0);
	stored_end();
}

static void a_step_from_elsewhere_is_refused_and_so_are_those_with_it(void)
{
	struct change *c[2];

	stored_begin();
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_APART);
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, "zone example. is not stored with serial 1"));
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(stored_add(step_3, NULL), STORE_APART);
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, "with serial 2"));
	c[0] = change_of(step_2, &stored.why);
	c[1] = change_of(step_2, &stored.why);
	const struct store_step both[] = { { .change = c[0] }, { .change = c[1] } };
	CU_ASSERT_EQUAL(store_add(stored.s, both, 2, &stored.why), STORE_APART);
	stored_held(1, 1700000000, 1209600, 3, 0);
	change_free(c[0]);
	change_free(c[1]);
	stored_end();
}

static void timers_alone_and_zones_that_go(void)
{
	const struct store_checked of[] = { { other, { 5, 6 } }, { apex, { 1700000100, 50 } } };
	struct store_picture p;

	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	CU_ASSERT_TRUE(store_check(stored.s, of, 2, &stored.why));
	stored_held(2, 1700000100, 50, 3, 1);
	CU_ASSERT_FALSE(store_get(stored.s, other, STORE_ZONE, &p, &stored.why));
	CU_ASSERT_EQUAL(stored.why.text[0], 0);
	store_picture_fini(&p);
	CU_ASSERT_TRUE(store_forget(stored.s, other, &stored.why));
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 1);
	CU_ASSERT_TRUE(store_forget(stored.s, apex, &stored.why));
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 0);
	CU_ASSERT_FALSE(store_get(stored.s, apex, STORE_ZONE, &p, &stored.why));
	store_picture_fini(&p);
	stored_end();
}

static void a_copy_is_what_was_there(void)
{
	char copy[80];

	stored_begin();
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	CU_ASSERT_EQUAL(stored_add(step_2, NULL), STORE_DONE);
	snprintf(copy, sizeof copy, "%s.copy", stored.path);
	CU_ASSERT_TRUE(store_backup(stored.s, copy, &stored.why));
	CU_ASSERT_EQUAL(stored_add(step_3, NULL), STORE_DONE);
	store_close(stored.s);
	stored.s = store_open(copy, &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
	stored_held(2, 1700000000, 1209600, 3, 1);
	stored_end();
}

static void what_is_no_store_is_refused_and_left(void)
{
	char back[16] = "";

	stored_begin();
	store_close(stored.s);
	stored.s = NULL;
	FILE *f = fopen(stored.path, "w");
	fputs("www A 192.0.2.1", f);
	fclose(f);
	CU_ASSERT_PTR_NULL(store_open(stored.path, &stored.why));
	CU_ASSERT_PTR_NOT_NULL(strstr(stored.why.text, stored.path));
	f = fopen(stored.path, "r");
	CU_ASSERT_EQUAL(fread(back, 1, 15, f), 15);
	fclose(f);
	CU_ASSERT_STRING_EQUAL(back, "www A 192.0.2.1");
	stored_end();
}

/* --- zones beyond the configuration ------------------------------------------------------- */

struct heard {
	unsigned n;
	char said[256];
};

static void hear(void *ctx, const uint8_t *name, struct registry_added *added)
{
	struct heard *h = ctx;
	char text[NAME_TEXT];
	const size_t at = strlen(h->said);

	h->n++;
	snprintf(h->said + at, sizeof h->said - at, "%s %s %s %u %jd %s;", name_text(text, name),
		added->template, added->file, added->uid, (intmax_t)added->at_s,
		!added->catalog ? "-" : added->label ? "label" : "catalog");
	registry_added_drop(added);
}

static void zones_that_were_added_are_there_after_another_start(void)
{
	static const uint8_t catalog[] = "\3cat";
	struct registry_added *by_hand = registry_added_new(&(struct registry_added){
				      .template = "hosted", .file = "", .uid = 1000, .at_s = 7 }),
			      *member = registry_added_new(&(struct registry_added){ .template = "",
				      .file = "/f",
				      .catalog = catalog,
				      .label = (const uint8_t *)"\2ab",
				      .at_s = 8 });
	struct heard heard = { .n = 0 };
	struct faults f;
	uint32_t serial = 0;

	stored_begin();
	faults_init(&f);
	struct zone *z = zone_of("example.", SOA("7") "example. 60 NS ns.example.\n", &f);
	faults_fini(&f);
	const struct store_addition list[] = { { apex, by_hand, z, false },
		{ other, member, NULL, false } },
		went = { apex, NULL, NULL, false }, purged = { apex, NULL, NULL, true };
	CU_ASSERT_TRUE(store_add_zones(stored.s, list, 2, &stored.why));
	stored_again();
	CU_ASSERT_TRUE(store_added(stored.s, hear, &heard, &stored.why));
	CU_ASSERT_STRING_EQUAL(heard.said, "other.  /f 0 8 label;example. hosted  1000 7 -;");
	struct registry_added *one = store_added_find(stored.s, apex, &stored.why);
	CU_ASSERT_TRUE(registry_added_same(one, by_hand));
	registry_added_drop(one);
	CU_ASSERT_TRUE(store_has(stored.s, apex, &serial, &stored.why));
	CU_ASSERT_EQUAL(serial, 7);
	CU_ASSERT_FALSE(store_has(stored.s, other, &serial, &stored.why));
	CU_ASSERT_STRING_EQUAL(stored.why.text, "");
	/* One goes and leaves its data; then with them. */
	CU_ASSERT_TRUE(store_add_zones(stored.s, &went, 1, &stored.why));
	CU_ASSERT_PTR_NULL(store_added_find(stored.s, apex, &stored.why));
	CU_ASSERT_STRING_EQUAL(stored.why.text, "");
	CU_ASSERT_TRUE(store_has(stored.s, apex, &serial, &stored.why));
	CU_ASSERT_TRUE(store_add_zones(stored.s, &purged, 1, &stored.why));
	CU_ASSERT_FALSE(store_has(stored.s, apex, &serial, &stored.why));
	registry_added_drop(by_hand);
	registry_added_drop(member);
	zone_drop(z);
	stored_end();
}

static void what_was_written_to_a_file_is_remembered(void)
{
	const struct store_written w = { 7, { 1, 2, 3, -4, 5, false } };
	struct store_written is;

	stored_begin();
	CU_ASSERT_FALSE(store_get_written(stored.s, apex, &is, &stored.why));
	CU_ASSERT_STRING_EQUAL(stored.why.text, "");
	CU_ASSERT_TRUE(store_put_written(stored.s, apex, &(struct store_written){ .serial = 1 }, &stored.why));
	CU_ASSERT_TRUE(store_put_written(stored.s, apex, &w, &stored.why));
	stored_again();
	CU_ASSERT_TRUE(store_get_written(stored.s, apex, &is, &stored.why));
	CU_ASSERT_EQUAL(is.serial, 7);
	CU_ASSERT_TRUE(file_stamp_same(&is.stamp, &w.stamp));
	/* It goes with what is stored of the zone. */
	CU_ASSERT_TRUE(stored_put(SOA("7") "example. 60 NS ns.example.\n", &timers));
	CU_ASSERT_TRUE(store_forget(stored.s, apex, &stored.why));
	CU_ASSERT_FALSE(store_get_written(stored.s, apex, &is, &stored.why));
	stored_end();
}

/* The file, which nobody has open, becomes one of version 1. */
static void make_older(void)
{
	stored_sql("UPDATE part SET n = n & 0xffffffff; DROP INDEX unfinished;"
	    "ALTER TABLE zone DROP COLUMN base; ALTER TABLE zone DROP COLUMN base_n;"
	    "ALTER TABLE zone DROP COLUMN making; ALTER TABLE zone DROP COLUMN file;"
	    "ALTER TABLE change DROP COLUMN serial; ALTER TABLE change DROP COLUMN at_s;"
	    "DROP TABLE added; DROP TABLE plain; DROP TABLE keys; DROP TABLE written; "
	    "DROP TABLE forced; DROP TABLE history; DROP TABLE decision; DROP TABLE watch; DROP TABLE token; DROP TABLE audit; DROP TABLE flat; PRAGMA user_version = 1");
}

static void a_store_of_an_older_version_gets_what_it_lacks(void)
{
	struct heard heard = { .n = 0 };
	uint32_t serial;

	stored_begin();
	CU_ASSERT_TRUE(stored_put(SOA("7") "example. 60 NS ns.example.\n", &timers));
	store_close(stored.s);
	make_older();
	stored.s = store_open(stored.path, &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
	CU_ASSERT_TRUE(store_added(stored.s, hear, &heard, &stored.why));
	CU_ASSERT_EQUAL(heard.n, 0);
	CU_ASSERT_TRUE(store_has(stored.s, apex, &serial, &stored.why)); /* and keeps what it has */
	stored_end();
}

/* As the file has it for everybody. */
static int number_of(const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(stored.path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_step(st), SQLITE_ROW);
	const int n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void until_it_is_released_nothing_is_changed_in_the_file(void)
{
	uint32_t serial = 0;

	stored_begin();
	CU_ASSERT_TRUE(stored_put(SOA("7") "example. 60 NS ns.example.\n", &timers));
	store_close(stored.s);
	make_older();
	for (unsigned i = 0; i < 2; i++) {
		stored.s = store_open_unreleased(stored.path, &stored.why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
		CU_ASSERT_TRUE(stored_put(SOA("8") "example. 60 NS ns.example.\n", &timers));
		CU_ASSERT_TRUE(store_has(stored.s, apex, &serial, &stored.why));
		CU_ASSERT_EQUAL(serial, 8); /* for us it is */
		CU_ASSERT_EQUAL(number_of("PRAGMA user_version"), 1);
		CU_ASSERT_EQUAL(number_of("SELECT serial FROM zone"), 7);
		if (i == 0)
			store_close(stored.s); /* it fails */
	}
	CU_ASSERT_TRUE(store_release(stored.s, &stored.why));
	CU_ASSERT_TRUE(number_of("PRAGMA user_version") > 1);
	CU_ASSERT_EQUAL(number_of("SELECT serial FROM zone"), 8);
	CU_ASSERT_TRUE(stored_put(SOA("9") "example. 60 NS ns.example.\n", &timers)); /* on the disk by itself */
	CU_ASSERT_EQUAL(number_of("SELECT serial FROM zone"), 9);
	stored_end();
}

static void one_that_is_new_is_there_at_once(void)
{
	stored_begin();
	store_close(stored.s);
	unlink(stored.path);
	stored.s = store_open_unreleased(stored.path, &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stored.s);
	CU_ASSERT_TRUE(number_of("PRAGMA user_version") > 1);
	CU_ASSERT_TRUE(stored_put(SOA("8") "example. 60 NS ns.example.\n", &timers));
	CU_ASSERT_EQUAL(number_of("SELECT count(*) FROM zone"), 1);
	CU_ASSERT_TRUE(store_release(stored.s, &stored.why));
	stored_end();
}

static void what_is_wrong_in_the_list_of_zones_is_told(void)
{
	struct heard heard = { .n = 0 };

	stored_begin();
	stored_sql("INSERT INTO added VALUES (x'ffff', 't', '', '', '', 0, 0, 0)");
	CU_ASSERT_FALSE(store_added(stored.s, hear, &heard, &stored.why));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(stored.why.text, "the list of zones that were added cannot be read"));
	stored_sql("DELETE FROM added; INSERT INTO added VALUES (x'016100', 't', '', '', x'0561', 0, 0, 0)");
	CU_ASSERT_FALSE(store_added(stored.s, hear, &heard, &stored.why));
	CU_ASSERT_EQUAL(heard.n, 0);
	stored_end();
}

struct plain_heard {
	size_t n;
	struct store_plain rows[4];
};

static void hear_plain(void *ctx, const struct store_plain *row)
{
	struct plain_heard *h = ctx;

	h->rows[h->n] = *row;
	h->rows[h->n].apex = h->rows[h->n].apex_bytes;
	h->n++;
}

static void what_peers_were_given_is_there_after_another_start(void)
{
	struct plain_heard heard = { .n = 0 };
	struct store_plain row;

	stored_begin();
	CU_ASSERT_FALSE(store_get_plain(stored.s, apex, &row, &stored.why));
	CU_ASSERT_STRING_EQUAL(stored.why.text, "");
	CU_ASSERT_TRUE(store_put_plain(stored.s, &(struct store_plain){ .apex = other, .serial = 9 }, &stored.why));
	CU_ASSERT_TRUE(store_put_plain(stored.s, &(struct store_plain){ .apex = apex, .serial = 1 }, &stored.why));
	CU_ASSERT_TRUE(store_put_plain(
		stored.s, &(struct store_plain){ .apex = apex, .serial = UINT32_MAX, .digest = UINT64_MAX }, &stored.why));
	stored_again();
	CU_ASSERT_TRUE(store_get_plain(stored.s, apex, &row, &stored.why));
	CU_ASSERT_EQUAL(row.serial, UINT32_MAX);
	CU_ASSERT_EQUAL(row.digest, UINT64_MAX);
	stored_sql("INSERT INTO plain VALUES (x'ffff', 1, 1)"); /* no name */
	CU_ASSERT_TRUE(store_each_plain(stored.s, hear_plain, &heard, &stored.why));
	CU_ASSERT_EQUAL_FATAL(heard.n, 2);
	CU_ASSERT_TRUE(name_equal(heard.rows[0].apex, other) && name_equal(heard.rows[1].apex, apex));
	stored_end();
}

/* What we have signed of a zone, beside what it is made of. */
static void what_is_signed_stands_beside_the_zone(void)
{
	struct store_picture p;
	struct faults f;

	stored_begin();
	faults_init(&f);
	CU_ASSERT_TRUE(stored_put(zone, &timers));
	struct zone *z = zone_of(
		"example.", "$TTL 60\n@ SOA ns root 7 7200 900 1209600 60\n@ NS ns.other.\n", &f);
	CU_ASSERT_TRUE(store_put_signed(stored.s, z, &stored.why));
	stored_again();
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_EQUAL(store_counts(stored.s).zones, 1);
	struct change *c = change_of("-" SOA("7") "+" SOA("8") "+www.example. 60 A 192.0.2.2\n", &stored.why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	struct store_step step = { .change = c, .which = STORE_SIGNED };
	CU_ASSERT_EQUAL(store_add(stored.s, &step, 1, &stored.why), STORE_DONE);
	step.which = STORE_ZONE;
	CU_ASSERT_EQUAL(store_add(stored.s, &step, 1, &stored.why), STORE_APART);
	CU_ASSERT_TRUE_FATAL(store_get(stored.s, apex, STORE_SIGNED, &p, &stored.why));
	CU_ASSERT_EQUAL(p.serial, 8);
	CU_ASSERT_EQUAL(p.n, 1);
	store_picture_fini(&p);
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_TRUE(store_forget_signed(stored.s, apex, &stored.why));
	CU_ASSERT_FALSE(store_get(stored.s, apex, STORE_SIGNED, &p, &stored.why));
	stored_held(1, 1700000000, 1209600, 3, 0);
	CU_ASSERT_TRUE(store_settle(stored.s, &stored.why));
	CU_ASSERT_TRUE(store_put_soon(stored.s, z, STORE_SIGNED, &stored.why));
	/* Only what writes reaches the disk. */
	const off_t before = log_len();
	CU_ASSERT_TRUE(store_settle(stored.s, &stored.why));
	CU_ASSERT_TRUE(log_len() > before);
	const off_t settled = log_len();
	CU_ASSERT_TRUE(store_settle(stored.s, &stored.why));
	CU_ASSERT_EQUAL(log_len(), settled);
	stored_again();
	CU_ASSERT_TRUE_FATAL(store_get(stored.s, apex, STORE_SIGNED, &p, &stored.why));
	CU_ASSERT_EQUAL(p.serial, 7);
	store_picture_fini(&p);
	CU_ASSERT_TRUE(store_forget(stored.s, apex, &stored.why));
	CU_ASSERT_FALSE(store_get(stored.s, apex, STORE_SIGNED, &p, &stored.why));
	change_free(c);
	zone_drop(z);
	faults_fini(&f);
	stored_end();
}

static void *lock_politely(void *seen)
{
	int *nice = seen;

	polite_begin();
	polite_pause();
	nice[2] = getpriority(PRIO_PROCESS, (id_t)gettid()); /* as the limits have it */
	polite_resume();
	store_lock(stored.s);
	nice[0] = getpriority(PRIO_PROCESS, (id_t)gettid());
	store_unlock(stored.s);
	nice[1] = getpriority(PRIO_PROCESS, (id_t)gettid());
	return NULL;
}

/* Or an update waits for a job that waits for a processor. */
static void who_gives_way_does_not_while_he_has_the_store(void)
{
	const int own = getpriority(PRIO_PROCESS, (id_t)getpid()); /* whoever runs the tests may give way himself, and more */
	int nice[3] = { 0 };
	pthread_t id;

	stored_begin();
	CU_ASSERT_FATAL(pthread_create(&id, NULL, lock_politely, nice) == 0);
	pthread_join(id, NULL);
	CU_ASSERT_EQUAL(nice[0], nice[2]);
	CU_ASSERT_EQUAL(nice[1], own > 10 ? own : 10);
	stored_end();
}

static const struct unit_case cases[] = {
	{ "what peers were given is there after another start",
		what_peers_were_given_is_there_after_another_start },
	{ "zones are what was put, after another start",
		zones_are_what_was_put_after_another_start },
	{ "steps follow the zone in their order", steps_follow_the_zone_in_their_order },
	{ "the last steps are told, the newest first", the_last_steps_are_told_newest_first },
	{ "a step from elsewhere is refused, and so are those with it",
		a_step_from_elsewhere_is_refused_and_so_are_those_with_it },
	{ "timers alone, and zones that go", timers_alone_and_zones_that_go },
	{ "a copy is what was there", a_copy_is_what_was_there },
	{ "what is no store is refused, and left", what_is_no_store_is_refused_and_left },
	{ "zones that were added are there after another start",
		zones_that_were_added_are_there_after_another_start },
	{ "what was written to a file is remembered", what_was_written_to_a_file_is_remembered },
	{ "until it is released nothing is changed in the file", until_it_is_released_nothing_is_changed_in_the_file },
	{ "one that is new is there at once", one_that_is_new_is_there_at_once },
	{ "a store of an older version gets what it lacks",
		a_store_of_an_older_version_gets_what_it_lacks },
	{ "what is wrong in the list of zones is told",
		what_is_wrong_in_the_list_of_zones_is_told },
	{ "what is signed stands beside the zone", what_is_signed_stands_beside_the_zone },
	{ "who gives way does not while he has the store",
		who_gives_way_does_not_while_he_has_the_store },
};

void suite_store(void);
void suite_store(void)
{
	unit_suite("store/store", cases, UNIT_COUNT(cases));
}
