#include "daemon/key_ring_inner.h"
#include "base/file.h"
#include "daemon/key_files.h"
#include "jobs/jobs.h"
#include "store/store.h"
#include "unit/unit.h"
#include "zone/signing_key_text.h"

#include <dirent.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const uint8_t apex[] = "\7example", other[] = "\5other";

static char dir[32], db[64], keys[64];
static struct store *store;
static struct key_ring *ring;
static struct fault why;

static void open_ring(void)
{
	store = store_open(db, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	ring = key_ring_open(store, keys, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ring);
}

static void close_ring(void)
{
	key_ring_close(ring);
	store_close(store);
}

static void again(void)
{
	close_ring();
	open_ring();
}

static void begin(void)
{
	strcpy(dir, "/tmp/unit_ring.XXXXXX");
	if (!mkdtemp(dir))
		abort();
	snprintf(db, sizeof db, "%s/db", dir);
	snprintf(keys, sizeof keys, "%s/keys", dir);
	open_ring();
}

static void remove_all(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	char name[512];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		if (unlink(name) != 0)
			remove_all(name);
	}
	closedir(d);
	rmdir(path);
}

static void end(void)
{
	close_ring();
	remove_all(dir);
}

static struct key_policy quick(void)
{
	struct key_policy p = key_policy_auto();

	p.algorithm = SIGNING_ED25519;
	p.sign.dnskey_ttl_s = 1;
	p.propagation_s = 0;
	return p;
}

static uint16_t only_tag(const struct keyset *s)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->n, 1);
	CU_ASSERT(signing_key_can_sign(s->keys[0].key));
	return signing_key_tag(s->keys[0].key);
}

static size_t count_files(const char *end_with)
{
	DIR *d = opendir(keys);
	const struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d)))
		n += strlen(e->d_name) > strlen(end_with) &&
			strcmp(e->d_name + strlen(e->d_name) - strlen(end_with), end_with) == 0;
	closedir(d);
	return n;
}

static void a_new_zone_gets_a_key_that_stays(void)
{
	const struct key_policy p = quick();
	struct stat st;
	char name[SIGNING_FILE_NAME], path[400];

	begin();
	CU_ASSERT_PTR_NULL(key_ring_get(ring, apex, NULL, &why));
	CU_ASSERT_EQUAL(*why.text, 0);
	struct keyset *s = key_ring_get(ring, apex, &p, &why),
		      *same = key_ring_get(ring, apex, &p, &why);
	const uint16_t tag = only_tag(s);
	CU_ASSERT(keyset_same(s, same));
	snprintf(path, sizeof path, "%s/%s.private", keys,
		signing_text_file(name, s->keys[0].key, apex));
	CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL(stat(keys, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
	keyset_drop(s);
	keyset_drop(same);
	again();
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_EQUAL(only_tag(s), tag);
	keyset_drop(s);
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	end();
}

enum { MANY = 40 };

static void name_many(uint8_t names[MANY][16], struct key_ring_first list[MANY], const struct key_policy *p)
{
	for (unsigned i = 0; i < MANY; i++) {
		memcpy(names[i], "\3z__\4many", 10);
		names[i][2] = (uint8_t)('a' + i / 26);
		names[i][3] = (uint8_t)('a' + i % 26);
		list[i] = (struct key_ring_first){ names[i], p };
	}
}

static void many_new_zones_get_their_keys_at_once(void)
{
	const struct key_policy p = quick();
	uint8_t names[MANY][16];
	struct key_ring_first list[MANY];
	uint16_t tags[MANY];

	begin();
	name_many(names, list, &p);
	struct keyset *s = key_ring_get(ring, names[7], &p, &why);
	const uint16_t had = only_tag(s);
	keyset_drop(s);
	key_ring_get_many(ring, list, MANY, false);
	CU_ASSERT_EQUAL(count_files(".private"), MANY);
	CU_ASSERT_EQUAL(count_files(".key"), MANY);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	for (unsigned i = 0; i < MANY; i++) {
		s = key_ring_get(ring, names[i], &p, &why);
		tags[i] = only_tag(s);
		keyset_drop(s);
	}
	CU_ASSERT_EQUAL(tags[7], had);
	again();
	/* What was half done by who was killed a minute ago. */
	char left[400];
	snprintf(left, sizeof left, "%s/Kz.+015+00001.private.new", keys);
	close(open(left, O_WRONLY | O_CREAT, 0600));
	key_ring_get_many(ring, list, MANY, false);
	CU_ASSERT_EQUAL(count_files(".new"), 1);
	const struct timespec long_ago[2] = { { 1, 0 }, { 1, 0 } };
	utimensat(AT_FDCWD, left, long_ago, 0);
	key_ring_get_many(ring, list, MANY, false);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	for (unsigned i = 0; i < MANY; i++) {
		s = key_ring_get(ring, names[i], &p, &why);
		CU_ASSERT_EQUAL(only_tag(s), tags[i]);
		keyset_drop(s);
	}
	CU_ASSERT_EQUAL(count_files(".private"), MANY);
	CU_ASSERT_EQUAL(key_ring_counts(ring).zones, MANY);
	end();
}

/* Files of more than that cannot be: those of keys can, the store's cannot. */
static void store_has_room(bool has)
{
	static struct rlimit was;
	struct rlimit small;

	if (!has) {
		getrlimit(RLIMIT_FSIZE, &was);
		small = was;
		small.rlim_cur = 2000;
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		return;
	}
	setrlimit(RLIMIT_FSIZE, &was);
	signal(SIGXFSZ, SIG_DFL);
}

/* No room for the store, where the files of keys have some: or no folder for those. */
static void many_keys_that_cannot_be_written_leave_nothing(void)
{
	const struct key_policy p = quick();
	uint8_t names[MANY][16];
	struct key_ring_first list[MANY];

	begin();
	name_many(names, list, &p);
	store_has_room(false);
	key_ring_get_many(ring, list, MANY, false);
	CU_ASSERT_PTR_NULL(key_ring_get(ring, names[0], &p, &why));
	CU_ASSERT_NOT_EQUAL(*why.text, 0);
	store_has_room(true);
	CU_ASSERT_EQUAL(count_files(".private") + count_files(".key") + count_files(".new"), 0);
	/* Nobody is to be served by keys that are not there. */
	struct key_ring_view v;
	uint32_t next_s;
	CU_ASSERT_FALSE(key_ring_step(ring, names[1], NULL, &next_s, &why));
	CU_ASSERT(key_ring_look(ring, names[1], &v));
	CU_ASSERT(v.is_off && v.life.n == 0);
	key_ring_view_fini(&v);
	rmdir(keys);
	FILE *f = fopen(keys, "w");
	fclose(f);
	key_ring_get_many(ring, list, MANY, false);
	CU_ASSERT_PTR_NULL(key_ring_get(ring, names[0], &p, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, keys));
	unlink(keys);
	key_ring_get_many(ring, list, MANY, false);
	struct keyset *s = key_ring_get(ring, names[0], &p, &why);
	only_tag(s);
	keyset_drop(s);
	CU_ASSERT_EQUAL(count_files(".private"), MANY);
	end();
}

static void keys_that_cannot_be_read_are_not_replaced(void)
{
	const struct key_policy p = quick();
	char name[SIGNING_FILE_NAME], path[400], away[420];

	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	snprintf(path, sizeof path, "%s/%s.private", keys,
		signing_text_file(name, s->keys[0].key, apex));
	const uint16_t tag = only_tag(s);
	keyset_drop(s);
	snprintf(away, sizeof away, "%s.away", path);
	CU_ASSERT_EQUAL(rename(path, away), 0);
	again();
	CU_ASSERT_PTR_NULL(key_ring_get(ring, apex, &p, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "No such file"));
	CU_ASSERT_EQUAL(key_ring_counts(ring).faulty, 1);
	CU_ASSERT_EQUAL(count_files(".private"), 0);
	/* Another key at its place. */
	FILE *f = fopen(path, "w");
	fputs("Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\nPrivateKey: "
	      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		f);
	fclose(f);
	CU_ASSERT_PTR_NULL(key_ring_get(ring, apex, &p, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "another key than the zone has"));
	CU_ASSERT_EQUAL(rename(away, path), 0);
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_EQUAL(only_tag(s), tag);
	CU_ASSERT_EQUAL(key_ring_counts(ring).faulty, 0);
	keyset_drop(s);
	end();
}

/* The folder of another server, or of BIND. */
static void keys_in_the_folder_are_used(void)
{
	struct key_policy p = quick();

	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	const uint16_t tag = only_tag(s);
	keyset_drop(s);
	close_ring();
	CU_ASSERT_EQUAL(unlink(db), 0);
	open_ring();
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_EQUAL(only_tag(s), tag);
	CU_ASSERT(s->keys[0].cds); /* the parent may have it */
	keyset_drop(s);
	struct keyset *o = key_ring_get(ring, other, &p, &why);
	CU_ASSERT_NOT_EQUAL(only_tag(o), tag);
	keyset_drop(o);
	end();
}

static void served(const struct key_policy *p, uint32_t seconds)
{
	uint32_t next_s;

	key_ring_step(ring, apex, p, &next_s, &why);
	struct keyset *s = key_ring_get(ring, apex, p, &why);
	key_ring_served(ring, apex, s ? s->generation : 0, 1);
	keyset_drop(s);
	key_ring_step(ring, apex, p, &next_s, &why);
	for (uint32_t i = 0; i < seconds * 10; i++)
		usleep(100000);
	key_ring_step(ring, apex, p, &next_s, &why);
}

/* Of a zone whose records live a second. */
static void a_roll_goes_through_a_restart_and_removes_the_old_key(void)
{
	struct key_policy p = quick();
	struct key_ring_view v;
	uint8_t ds[2 + SIGNING_DS_MOST];

	begin();
	served(&p, 1);
	CU_ASSERT(key_ring_look(ring, apex, &v));
	CU_ASSERT_EQUAL(v.life.keys[0].ds.state, KEY_ASKED);
	const uint16_t first = signing_key_tag(v.life.keys[0].key);
	key_ring_view_fini(&v);
	CU_ASSERT_FALSE(
		key_ring_parent(ring, apex, &(struct key_ring_ds){ ds, 0 }, 1, 1, &why));
	CU_ASSERT(key_ring_ds_seen(ring, apex, true, &why));
	CU_ASSERT(key_ring_roll(ring, apex, KEY_CSK, false, &why));
	served(&p, 0);
	CU_ASSERT_FALSE(key_ring_roll(ring, apex, KEY_CSK, false, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "on its way out"));
	again();
	served(&p, 1); /* published long enough: it signs, and the DS is asked for when all is
			  signed */
	served(&p, 1);
	CU_ASSERT(key_ring_look(ring, apex, &v));
	CU_ASSERT_EQUAL_FATAL(v.life.n, 2);
	CU_ASSERT_EQUAL(v.life.keys[1].ds.state, KEY_ASKED);
	const uint16_t second = signing_key_tag(v.life.keys[1].key);
	const size_t len = signing_key_ds(v.life.keys[1].key, apex, 2, ds + 2);
	ds[0] = 0;
	ds[1] = (uint8_t)len;
	key_ring_view_fini(&v);
	/* The old one's DS was seen with a TTL that was not known: a day. */
	CU_ASSERT(
		key_ring_parent(ring, apex, &(struct key_ring_ds){ ds, len + 2 }, 1, 1, &why));
	CU_ASSERT(key_ring_look(ring, apex, &v));
	CU_ASSERT_EQUAL(v.life.keys[0].ds.state, KEY_UNRETENTIVE);
	CU_ASSERT_EQUAL(v.life.keys[1].ds.state, KEY_RUMOURED);
	CU_ASSERT_EQUAL(signing_key_tag(v.life.keys[0].key), first);
	CU_ASSERT_NOT_EQUAL(first, second);
	key_ring_view_fini(&v);
	CU_ASSERT_EQUAL(count_files(".private"), 2);
	end();
}

/* Killed between a step and what came of it; and then what is served is told before anything else. */
static void what_is_served_at_a_start_lets_keys_go_on(void)
{
	struct key_policy p = quick();
	struct key_ring_view v;
	uint32_t next_s;

	begin();
	key_ring_step(ring, apex, &p, &next_s, &why);
	again();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	key_ring_served(ring, apex, s->generation, 1);
	keyset_drop(s);
	key_ring_step(ring, apex, &p, &next_s, &why);
	key_ring_step(ring, apex, &p, &next_s, &why);
	CU_ASSERT(key_ring_look(ring, apex, &v));
	CU_ASSERT_EQUAL(v.life.keys[0].dnskey.state, KEY_RUMOURED);
	CU_ASSERT(v.life.keys[0].dnskey.served);
	key_ring_view_fini(&v);
	CU_ASSERT(next_s <= 3600);
	end();
}

static void a_step_of_which_nothing_is_due_tells_when_it_will_be(void)
{
	struct key_policy p = key_policy_auto();
	uint32_t first_s, next_s, hold_s;

	p.algorithm = SIGNING_ED25519;
	p.sign.dnskey_ttl_s = 3600;
	p.propagation_s = 7200;
	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	key_ring_served(ring, apex, s->generation, 300);
	keyset_drop(s);
	key_ring_step(ring, apex, &p, &first_s, &why);
	key_ring_step(ring, apex, &p, &first_s, &why);
	/* Caches have the keys after the TTL and the time that zones take to get everywhere. */
	CU_ASSERT(first_s > 3000 && first_s <= 3600 + 7200 + 1);
	CU_ASSERT_FALSE(key_ring_step(ring, apex, &p, &next_s, &why));
	CU_ASSERT(next_s <= first_s && next_s + 60 > first_s);
	CU_ASSERT_STRING_EQUAL(why.text, "");
	/* Another policy is looked at at once. */
	p.propagation_s = 0;
	key_ring_step(ring, apex, &p, &hold_s, &why);
	CU_ASSERT(hold_s < next_s);
	end();
}

static void a_fault_of_a_step_is_told_once(void)
{
	const struct key_policy p = quick();
	char name[SIGNING_FILE_NAME], path[400], away[420];
	uint32_t next_s;

	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	snprintf(path, sizeof path, "%s/%s.private", keys, signing_text_file(name, s->keys[0].key, apex));
	keyset_drop(s);
	snprintf(away, sizeof away, "%s.away", path);
	CU_ASSERT_EQUAL(rename(path, away), 0);
	again();
	CU_ASSERT_FALSE(key_ring_step(ring, apex, &p, &next_s, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "No such file"));
	CU_ASSERT_EQUAL(next_s, UINT32_MAX);
	CU_ASSERT_FALSE(key_ring_step(ring, apex, &p, &next_s, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "");
	CU_ASSERT_EQUAL(key_ring_counts(ring).faulty, 1);
	/* It is over, and told anew when it comes again. */
	CU_ASSERT_EQUAL(rename(away, path), 0);
	key_ring_step(ring, apex, &p, &next_s, &why);
	CU_ASSERT_EQUAL(key_ring_counts(ring).faulty, 0);
	CU_ASSERT(next_s != UINT32_MAX);
	end();
}

static void keys_of_other_signers_come_and_go(void)
{
	struct key_policy p = quick();
	struct signing_key *theirs = signing_key_new(SIGNING_ED25519, 0, SIGNING_ZSK, NULL);
	size_t len;
	const uint8_t *rdata = signing_key_dnskey(theirs, &len);
	struct signing_key *public = signing_key_foreign(rdata, len, NULL);
	uint32_t next_s;

	begin();
	CU_ASSERT_FALSE(key_ring_import(ring, other, public, 0, &why));
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	keyset_drop(s);
	CU_ASSERT(key_ring_import(ring, apex, public, 0, &why));
	CU_ASSERT_FALSE(key_ring_import(ring, apex, public, 0, &why));
	again();
	key_ring_step(ring, apex, &p, &next_s, &why);
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_EQUAL_FATAL(s->n, 2);
	CU_ASSERT(s->keys[1].published && !s->keys[1].signs_zone && !s->keys[1].cds);
	CU_ASSERT_FALSE(key_ring_remove(ring, apex, signing_key_tag(s->keys[0].key), &why));
	CU_ASSERT(key_ring_remove(ring, apex, signing_key_tag(public), &why));
	keyset_drop(s);
	key_ring_step(ring, apex, &p, &next_s, &why);
	s = key_ring_get(ring, apex, &p, &why);
	only_tag(s);
	keyset_drop(s);
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	signing_key_drop(public);
	signing_key_drop(theirs);
	end();
}

/* With none of these tags, nor that of the zone's own. */
static struct signing_key *new_zsk(uint16_t own, struct signing_key **others, size_t n)
{
	for (;;) {
		struct signing_key *k = signing_key_new(SIGNING_ED25519, 0, SIGNING_ZSK, NULL);
		size_t i = 0;
		while (i < n && signing_key_tag(others[i]) != signing_key_tag(k))
			i++;
		if (i == n && signing_key_tag(k) != own)
			return k;
		signing_key_drop(k);
	}
}

/* Files are named by tags. */
static void a_key_with_the_tag_of_another_does_not_take_its_file(void)
{
	enum { TAGS = 1 << 16 };
	struct signing_key **of = calloc(TAGS, sizeof *of), *k;
	const struct key_policy p = quick();
	uint32_t next_s;

	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	const uint16_t own = only_tag(s);
	keyset_drop(s);
	/* Two of some hundred have the same. */
	while (!of[signing_key_tag(k = new_zsk(own, NULL, 0))])
		of[signing_key_tag(k)] = k;
	struct signing_key *first = of[signing_key_tag(k)];
	CU_ASSERT(key_ring_import(ring, apex, first, 0, &why));
	CU_ASSERT_FALSE(key_ring_import(ring, apex, k, 0, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, ".key: another key has the same tag"));
	again();
	key_ring_step(ring, apex, &p, &next_s, &why);
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_PTR_NOT_NULL(s);
	keyset_drop(s);
	/* Nor does it take that file away; and a private half alone is known, too. */
	struct key_files *f = key_files_open(keys, &why);
	const size_t files = count_files(".private");
	char name[SIGNING_FILE_NAME], path[400];
	key_files_remove(f, apex, k);
	CU_ASSERT_EQUAL(count_files(".private"), files);
	CU_ASSERT_FALSE(key_files_has_other(f, apex, first, &why));
	snprintf(path, sizeof path, "%s/%s.key", keys, signing_text_file(name, first, apex));
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT(key_files_has_other(f, apex, k, &why));
	CU_ASSERT_FALSE(key_files_has_other(f, apex, first, &why));
	key_files_close(f);
	/* The same one again is not another. */
	CU_ASSERT_FALSE(key_ring_import(ring, apex, first, 0, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "it has this key already");
	signing_key_drop(k);
	for (size_t i = 0; i < TAGS; i++)
		signing_key_drop(of[i]);
	free(of);
	end();
}

/* Else it would be found there, and used, when the zone has no keys one day. */
static void a_key_that_is_not_taken_leaves_no_file(void)
{
	const struct key_policy p = quick();
	struct signing_key *list[KEY_LIFE_MOST];
	struct key_ring_view v;
	size_t len;

	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	const uint16_t own = only_tag(s);
	keyset_drop(s);
	struct signing_key *whole = new_zsk(own, NULL, 0);
	const uint8_t *rdata = signing_key_dnskey(whole, &len);
	struct signing_key *public = signing_key_foreign(rdata, len, NULL);
	CU_ASSERT(key_ring_import(ring, apex, public, 0, &why));
	CU_ASSERT_FALSE(key_ring_import(ring, apex, whole, 0, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "it has this key already");
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	/* What somebody has put there himself is his. */
	struct key_files *f = key_files_open(key_ring_dir(ring), &why);
	CU_ASSERT(key_files_write(f, apex, whole, 1, &why));
	CU_ASSERT_FALSE(key_ring_import(ring, apex, whole, 0, &why));
	CU_ASSERT_EQUAL(count_files(".private"), 2);
	key_files_remove(f, apex, whole);
	key_files_close(f);
	for (size_t i = 0; i < KEY_LIFE_MOST; i++) {
		list[i] = new_zsk(own, list, i);
		CU_ASSERT_EQUAL(key_ring_import(ring, apex, list[i], 0, &why), i + 2 < KEY_LIFE_MOST);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "keys already"));
	CU_ASSERT_EQUAL(count_files(".private"), KEY_LIFE_MOST - 1);
	CU_ASSERT_EQUAL(count_files(".key"), KEY_LIFE_MOST - 1);
	/* One that it has keeps its files. */
	CU_ASSERT_FALSE(key_ring_import(ring, apex, list[0], 0, &why));
	CU_ASSERT_EQUAL(count_files(".private"), KEY_LIFE_MOST - 1);
	again();
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_PTR_NOT_NULL(s);
	keyset_drop(s);
	CU_ASSERT(key_ring_look(ring, apex, &v) && v.life.n == KEY_LIFE_MOST);
	key_ring_view_fini(&v);
	for (size_t i = 0; i < KEY_LIFE_MOST; i++)
		signing_key_drop(list[i]);
	signing_key_drop(public);
	signing_key_drop(whole);
	end();
}

static void a_key_whose_state_is_not_kept_leaves_no_file(void)
{
	const struct key_policy p = quick();
	struct signing_key *k = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, &why);

	begin();
	store_has_room(false);
	CU_ASSERT_PTR_NULL(key_ring_get(ring, apex, &p, &why));
	CU_ASSERT_NOT_EQUAL(*why.text, 0);
	store_has_room(true);
	CU_ASSERT_EQUAL(count_files(".private") + count_files(".key"), 0);
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	const uint16_t first = only_tag(s);
	keyset_drop(s);
	store_has_room(false);
	CU_ASSERT_FALSE(key_ring_roll(ring, apex, KEY_CSK, false, &why));
	CU_ASSERT_FALSE(key_ring_roll(ring, apex, KEY_CSK, true, &why));
	CU_ASSERT_FALSE(key_ring_import(ring, apex, k, 0, &why));
	store_has_room(true);
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	CU_ASSERT_EQUAL(count_files(".key"), 1);
	again();
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_EQUAL(only_tag(s), first);
	keyset_drop(s);
	signing_key_drop(k);
	end();
}

/* As if it had been there for an hour. */
static void age(const char *path)
{
	const struct timespec then[2] = { { time(NULL) - 3600, 0 }, { time(NULL) - 3600, 0 } };

	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, then, 0), 0);
}

/* The process was killed before the state of a key was stored: nobody finds it in the folder, and it goes. */
static void a_key_without_a_state_is_never_used(void)
{
	const struct key_policy p = quick();
	struct signing_key *orphan = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, &why);
	static const char *const ends[] = { ".private.new", ".key.new" };
	char name[SIGNING_FILE_NAME], path[400];

	begin();
	struct key_files *f = key_files_open(keys, &why);
	CU_ASSERT(key_files_write_aside(f, apex, orphan, 1, &why));
	CU_ASSERT_EQUAL(count_files(".private") + count_files(".key"), 0);
	again();
	CU_ASSERT_EQUAL(count_files(".new"), 2); /* it may just be written */
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_NOT_EQUAL(only_tag(s), signing_key_tag(orphan));
	keyset_drop(s);
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s%s", keys, signing_text_file(name, orphan, apex), ends[i]);
		age(path);
	}
	again();
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	key_files_close(f);
	signing_key_drop(orphan);
	end();
}

/* The process was killed when the state was stored, and before its files had their places. */
static void a_key_with_a_state_is_put_in_its_place(void)
{
	const struct key_policy p = quick();
	static const char *const ends[] = { ".private", ".key" };
	char name[SIGNING_FILE_NAME], path[400], beside[420];

	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	const uint16_t tag = only_tag(s);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s%s", keys, signing_text_file(name, s->keys[0].key, apex), ends[i]);
		snprintf(beside, sizeof beside, "%s.new", path);
		CU_ASSERT_EQUAL(rename(path, beside), 0);
		age(beside);
	}
	keyset_drop(s);
	again();
	CU_ASSERT_EQUAL(count_files(".new"), 2);
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_EQUAL(only_tag(s), tag);
	keyset_drop(s);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	CU_ASSERT_EQUAL(count_files(".key"), 1);
	end();
}

static void open_unreleased(void)
{
	close_ring();
	store = store_open_unreleased(db, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	ring = key_ring_open(store, keys, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ring);
}

/* Many of them in portions; and who is told to end meanwhile leaves the rest to the next. */
static void many_keys_get_their_places_in_portions(void)
{
	enum { ALL = KEY_RING_PORTION + 20, LEFT = 20 };
	static struct key_ring_first list[ALL];
	static uint8_t names[ALL][8];
	const struct key_policy p = quick();
	char path[400] = "", file[SIGNING_FILE_NAME];

	for (unsigned i = 0; i < ALL; i++) {
		snprintf((char *)names[i], sizeof names[i], "\5k%04u", i);
		list[i] = (struct key_ring_first){ names[i], &p };
	}
	begin();
	keyset_drop(key_ring_get(ring, other, &p, &why));
	open_unreleased();
	key_ring_get_many(ring, list, ALL, false);
	CU_ASSERT_FALSE(key_ring_keep_made(ring));
	CU_ASSERT(store_release(store, &why));
	CU_ASSERT_EQUAL(count_files(".private.new"), ALL);
	CU_ASSERT_TRUE(key_ring_keep_made(ring));
	CU_ASSERT_EQUAL(count_files(".private"), 1 + KEY_RING_PORTION);
	CU_ASSERT_EQUAL(count_files(".key"), 1 + KEY_RING_PORTION);
	CU_ASSERT_EQUAL(count_files(".private.new"), LEFT);
	/* Something is in the place of one of them: the others are not hindered by it. */
	for (const uint8_t *name = names[0]; *path == 0; name += sizeof names[0]) {
		struct keyset *s = key_ring_get(ring, name, &p, &why);
		snprintf(path, sizeof path, "%s/%s.private", keys, signing_text_file(file, s->keys[0].key, name));
		keyset_drop(s);
		*path = file_is_prepared(path) ? *path : 0;
	}
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	CU_ASSERT_TRUE(key_ring_keep_made(ring));
	CU_ASSERT_FALSE(key_ring_keep_made(ring));
	CU_ASSERT_EQUAL(count_files(".key"), 1 + ALL);
	CU_ASSERT_EQUAL(count_files(".new"), 1);
	CU_ASSERT_EQUAL(rmdir(path), 0);
	again(); /* the next settles that one */
	for (unsigned i = 0; i < ALL; i++)
		keyset_drop(key_ring_get(ring, names[i], &p, &why));
	CU_ASSERT_EQUAL(count_files(".private"), 1 + ALL);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	end();
}

/* "/" of a name is no letter of its file's (RFC 2317); and what we do not name is not ours. */
static void a_key_of_a_name_with_odd_letters_is_put_in_its_place(void)
{
	static const uint8_t odd[] = "\0040/25\0012\0010\003192\7in-addr\4arpa";
	static const char *const rubbish[] = { "K0\\04725.2.+015+00001.private.new", "Kxx.private.new", "KA.+015+00001.private.new" };
	const struct key_policy p = quick();
	char path[400];

	begin();
	keyset_drop(key_ring_get(ring, other, &p, &why));
	open_unreleased();
	struct keyset *s = key_ring_get(ring, odd, &p, &why);
	const uint16_t tag = only_tag(s);
	keyset_drop(s);
	CU_ASSERT(store_release(store, &why));
	for (size_t i = 0; i < UNIT_COUNT(rubbish); i++) {
		snprintf(path, sizeof path, "%s/%s", keys, rubbish[i]);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	again(); /* it was killed there */
	key_ring_sweep(ring, true, NULL);
	CU_ASSERT_EQUAL(count_files(".private.new"), 1 + UNIT_COUNT(rubbish));
	CU_ASSERT_EQUAL(count_files(".key.new"), 1);
	s = key_ring_get(ring, odd, &p, &why);
	CU_ASSERT_EQUAL(only_tag(s), tag);
	keyset_drop(s);
	CU_ASSERT_EQUAL(count_files(".private.new"), UNIT_COUNT(rubbish));
	CU_ASSERT_EQUAL(count_files(".key.new"), 0);
	CU_ASSERT_EQUAL(count_files(".private"), 2);
	end();
}

static void a_zone_that_is_off_is_unsigned_at_once_where_no_ds_was_asked_for(void)
{
	struct key_policy p = quick();

	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	keyset_drop(s);
	CU_ASSERT_PTR_NULL(key_ring_get(ring, apex, NULL, &why));
	CU_ASSERT_EQUAL(*why.text, 0);
	end();
}

/* A look that began before a reload goes by the policies of before. */
static void a_zone_of_a_fleet_gets_keys_by_the_lease_alone(void)
{
	const struct key_policy p = quick();
	struct fleet_version version = { 3, 3 };
	uint32_t next_s;

	begin();
	key_ring_share(ring, apex, true);
	CU_ASSERT_FALSE(key_ring_leads(ring, apex));
	CU_ASSERT_TRUE(key_ring_leads(ring, other));
	CU_ASSERT_PTR_NULL(key_ring_get(ring, apex, &p, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "");
	CU_ASSERT_FALSE(key_ring_step(ring, apex, &p, &next_s, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "");
	CU_ASSERT_PTR_NULL(key_ring_get_shared(ring, apex, &version, &why));
	CU_ASSERT(version.serial == 0 && version.sum == 0);
	CU_ASSERT_FALSE(key_ring_roll(ring, apex, KEY_CSK, false, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "the fleet has no keys of it yet"));
	/* What it does not have it is not told by itself. */
	CU_ASSERT_TRUE(key_ring_sync(ring, apex, version, &why));
	CU_ASSERT_FALSE(key_ring_sync(ring, apex, (struct fleet_version){ 1, 2 }, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "this server is of no fleet");
	/* Alone again it is one like others. */
	key_ring_share(ring, apex, false);
	struct keyset *set = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_PTR_NOT_NULL(set);
	keyset_drop(set);
	end();
}

static void keys_of_a_zone_that_is_about_to_be_signed_stay(void)
{
	struct key_policy p = quick();
	uint32_t next_s;

	begin();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	const uint16_t tag = only_tag(s);
	keyset_drop(s);
	key_ring_step(ring, apex, NULL, &next_s, &why);
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_EQUAL(only_tag(s), tag);
	keyset_drop(s);
	/* And who only reads with another policy rolls nothing. */
	struct key_policy q = p;
	q.algorithm = SIGNING_ECDSAP256SHA256;
	s = key_ring_get(ring, apex, &q, &why);
	CU_ASSERT_EQUAL(only_tag(s), tag);
	keyset_drop(s);
	key_ring_step(ring, apex, &p, &next_s, &why);
	key_ring_step(ring, apex, NULL, &next_s, &why);
	key_ring_served(ring, apex, 0, 1);
	key_ring_step(ring, apex, NULL, &next_s, &why);
	struct key_ring_view v;
	CU_ASSERT(key_ring_look(ring, apex, &v));
	CU_ASSERT(v.is_off && v.life.n == 1 && v.life.keys[0].zone.state == KEY_UNRETENTIVE);
	key_ring_view_fini(&v);
	end();
}

/* A process that was to serve in the place of another. */
static void keys_made_before_the_store_is_ours_go_or_stay_with_their_states(void)
{
	const struct key_policy p = quick();

	begin();
	keyset_drop(key_ring_get(ring, other, &p, &why));
	open_unreleased();
	keyset_drop(key_ring_get(ring, apex, &p, &why));
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	CU_ASSERT_EQUAL(count_files(".private.new"), 1);
	CU_ASSERT_PTR_NOT_NULL(ring->made);
	key_ring_keep_made(ring); /* too early */
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	key_ring_take_back(ring); /* it fails */
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	CU_ASSERT_PTR_NULL(ring->made);
	open_unreleased();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	const uint16_t tag = only_tag(s);
	keyset_drop(s);
	CU_ASSERT(store_release(store, &why)); /* it serves */
	key_ring_keep_made(ring);
	CU_ASSERT_EQUAL(count_files(".private"), 2);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	CU_ASSERT_PTR_NULL(ring->made); /* one that has rolled is held by nobody */
	keyset_drop(key_ring_get(ring, (const uint8_t *)"\5third", &p, &why));
	CU_ASSERT_PTR_NULL(ring->made);
	key_ring_take_back(ring);
	CU_ASSERT_EQUAL(count_files(".private"), 3);
	again();
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_EQUAL(only_tag(s), tag);
	keyset_drop(s);
	end();
}

/* It is killed: nobody takes anything back. */
static void keys_of_who_was_killed_before_the_store_was_its_own_are_nobodys(void)
{
	const struct key_policy p = quick();
	struct key_ring_first list[MANY];
	uint8_t names[MANY][16];

	name_many(names, list, &p);
	begin();
	keyset_drop(key_ring_get(ring, other, &p, &why));
	open_unreleased();
	struct keyset *s = key_ring_get(ring, apex, &p, &why);
	const uint16_t lost = only_tag(s);
	keyset_drop(s);
	key_ring_get_many(ring, list, MANY, false);
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	CU_ASSERT_EQUAL(count_files(".private.new"), MANY + 1);
	again();
	s = key_ring_get(ring, apex, &p, &why);
	CU_ASSERT_NOT_EQUAL(only_tag(s), lost);
	keyset_drop(s);
	key_ring_sweep(ring, false, NULL); /* somebody may be at it yet */
	CU_ASSERT_EQUAL(count_files(".private.new"), MANY + 1);
	key_ring_sweep(ring, true, NULL);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	CU_ASSERT_EQUAL(count_files(".private"), 2);
	end();
}

static void keys_of_who_was_killed_once_the_store_was_its_own_are_had(void)
{
	const struct key_policy p = quick();
	struct key_ring_first list[MANY];
	uint8_t names[MANY][16];
	uint16_t tags[MANY];
	struct keyset *s;

	name_many(names, list, &p);
	begin();
	keyset_drop(key_ring_get(ring, other, &p, &why)); /* one that is not released has been there before */
	open_unreleased();
	key_ring_get_many(ring, list, MANY, false);
	for (unsigned i = 0; i < MANY; i++) {
		s = key_ring_get(ring, names[i], &p, &why);
		tags[i] = only_tag(s);
		keyset_drop(s);
	}
	CU_ASSERT(store_release(store, &why));
	CU_ASSERT_EQUAL(count_files(".private"), 1);
	again();
	key_ring_sweep(ring, true, NULL);
	for (unsigned i = 0; i < MANY; i++) {
		s = key_ring_get(ring, names[i], &p, &why);
		CU_ASSERT_EQUAL(only_tag(s), tags[i]);
		keyset_drop(s);
	}
	CU_ASSERT_EQUAL(count_files(".private"), MANY + 1);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	end();
}

static bool begun, swept;

static void sweep_late(void *ctx, struct job *job)
{
	(void)ctx;
	__atomic_store_n(&begun, true, __ATOMIC_RELEASE);
	while (!job_is_cancelled(job))
		usleep(1000);
	key_ring_sweep(ring, true, job);
}

static void have_swept(void *ctx, enum job_end end)
{
	(void)end;
	swept = true;
	ev_break(ctx, EVBREAK_ONE);
}

/* Nobody waited so long: keys are made again, and a file may be of one. */
static void who_is_cancelled_sweeps_nothing(void)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct jobs *jobs = jobs_new(loop);
	struct signing_key *k = signing_key_new(SIGNING_ED25519, 0, SIGNING_KSK, &why);

	begin();
	begun = swept = false;
	struct key_files *f = key_files_open(keys, &why);
	CU_ASSERT(key_files_write_aside(f, apex, k, 1, &why));
	struct job *job = jobs_start(jobs, &(struct job_opts){ .lane = jobs_lane(jobs, 1, JOBS_PROMPT), .name = "sweep", .ctx = loop, .work = sweep_late, .done = have_swept });
	CU_ASSERT_PTR_NOT_NULL_FATAL(job);
	while (!__atomic_load_n(&begun, __ATOMIC_ACQUIRE))
		usleep(1000);
	jobs_cancel(jobs, job);
	while (!swept)
		ev_run(loop, EVRUN_ONCE);
	CU_ASSERT_EQUAL(count_files(".new"), 2);
	key_ring_sweep(ring, true, NULL);
	CU_ASSERT_EQUAL(count_files(".new"), 0);
	CU_ASSERT(jobs_stop(jobs, 5));
	jobs_free(jobs);
	ev_loop_destroy(loop);
	key_files_close(f);
	signing_key_drop(k);
	end();
}

void suite_key_ring(void);
void suite_key_ring(void)
{
	static const struct unit_case cases[] = {
		{ "a new zone gets a key that stays", a_new_zone_gets_a_key_that_stays },
		{ "many new zones get their keys at once", many_new_zones_get_their_keys_at_once },
		{ "a key whose state is not kept leaves no file",
			a_key_whose_state_is_not_kept_leaves_no_file },
		{ "many keys that cannot be written leave nothing",
			many_keys_that_cannot_be_written_leave_nothing },
		{ "keys that cannot be read are not replaced",
			keys_that_cannot_be_read_are_not_replaced },
		{ "keys in the folder are used", keys_in_the_folder_are_used },
		{ "a roll goes through a restart and removes the old key",
			a_roll_goes_through_a_restart_and_removes_the_old_key },
		{ "a key without a state is never used", a_key_without_a_state_is_never_used },
		{ "a key with a state is put in its place", a_key_with_a_state_is_put_in_its_place },
		{ "a zone of a fleet gets keys by the lease alone", a_zone_of_a_fleet_gets_keys_by_the_lease_alone },
		{ "keys of a zone that is about to be signed stay",
			keys_of_a_zone_that_is_about_to_be_signed_stay },
		{ "what is served at a start lets keys go on",
			what_is_served_at_a_start_lets_keys_go_on },
		{ "a step of which nothing is due tells when it will be", a_step_of_which_nothing_is_due_tells_when_it_will_be },
		{ "a fault of a step is told once", a_fault_of_a_step_is_told_once },
		{ "keys of other signers come and go", keys_of_other_signers_come_and_go },
		{ "a key with the tag of another does not take its file",
			a_key_with_the_tag_of_another_does_not_take_its_file },
		{ "a key that is not taken leaves no file", a_key_that_is_not_taken_leaves_no_file },
		{ "a zone that is off is unsigned at once where no DS was asked for",
			a_zone_that_is_off_is_unsigned_at_once_where_no_ds_was_asked_for },
		{ "keys made before the store is ours go, or stay, with their states",
			keys_made_before_the_store_is_ours_go_or_stay_with_their_states },
		{ "keys of who was killed before the store was its own are nobody's",
			keys_of_who_was_killed_before_the_store_was_its_own_are_nobodys },
		{ "keys of who was killed once the store was its own are had",
			keys_of_who_was_killed_once_the_store_was_its_own_are_had },
		{ "many keys get their places in portions", many_keys_get_their_places_in_portions },
		{ "who is cancelled sweeps nothing", who_is_cancelled_sweeps_nothing },
		{ "a key of a name with odd letters is put in its place",
			a_key_of_a_name_with_odd_letters_is_put_in_its_place },
	};

	unit_suite("daemon/key_ring", cases, UNIT_COUNT(cases));
}
