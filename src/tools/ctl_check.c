/* ctl_check.c - "waymarkctl check": is a configuration right, and all that it names?
 *
 * The server's own code reads it all and serves nothing.
 */
#include "tools/ctl_files.h"
#include "tools/ctl_inner.h"
#include "tools/ctl_tls.h"

#include "daemon/conf_lint.h"
#include "daemon/parts_read.h"
#include "daemon/zone_pools.h"
#include "report/report.h"
#include "report/report_faults.h"
#include "zone/lint_between.h"

#include <stdio.h>
#include <string.h>

enum { RULES_MOST = 64 };

/* How many networks the GeoIP files tell of: nothing without any. */
static void say_geo(const struct atlas *a)
{
	const struct atlas_size s = atlas_size(a);

	if (a->cities.n_told)
		printf("geoip: city: %llu networks, %llu of them not of the public Internet\n",
			(unsigned long long)s.nets, (unsigned long long)s.local);
	if (a->asns.n_told)
		printf("geoip: asn: %llu networks, %llu of them not of the public Internet\n",
			(unsigned long long)s.asn_nets, (unsigned long long)s.asn_local);
}

static json_t *geo_json(const struct atlas *a)
{
	const struct atlas_size s = atlas_size(a);

	return json_pack("{s:I, s:I, s:I, s:I}", "city_networks", (json_int_t)s.nets,
		"city_networks_local", (json_int_t)s.local, "asn_networks",
		(json_int_t)s.asn_nets, "asn_networks_local", (json_int_t)s.asn_local);
}

/* `p` NULL: nothing can be served. */
static void say_json(
	const char *path, bool right, const struct parts *p, const struct faults *f)
{
	json_t *o = json_pack("{s:s, s:b}", "config", path, "right", right);
	struct text out = { 0 };

	if (p) {
		json_object_set_new(o, "zones", json_integer((json_int_t)p->zones->n));
		json_object_set_new(
			o, "zones_faulty", json_integer((json_int_t)p->zones->n_faulty));
		json_object_set_new(o, "pools", json_integer(p->steer->n_named));
		json_object_set_new(o, "edges", json_integer(p->steer->n_origins));
		json_object_set_new(o, "geoip", geo_json(p->atlas));
	}
	report_faults(f, o);
	report_json(o, &out);
	fputs(text_get(&out), stdout);
	text_fini(&out);
}

static void say_text(
	const char *path, bool right, const struct parts *p, const struct faults *f)
{
	fputs(text_get(&f->text), stderr);
	if (p)
		say_geo(p->atlas);
	if (right)
		printf("%s: right (%zu zones, %u pools, %u edges%s)\n", path, p->zones->n,
			p->steer->n_named, p->steer->n_origins,
			f->warnings ? "; see the warnings" : "");
	else if (!f->errors)
		printf("%s: %u warning%s\n", path, f->warnings, f->warnings == 1 ? "" : "s");
	else /* a file is read as far as its fiftieth */
		printf("%s: %u error%s%s\n", path, f->errors, f->errors == 1 ? "" : "s",
			faults_full(f) ? " or more: the first are told" : "");
}

struct checking {
	bool json, strict, rules;
	const char *allowed[RULES_MOST];
	size_t n_allowed;
};

static bool is_rule(const char *word)
{
	for (size_t i = 0; lint_rule(i); i++)
		if (strcmp(lint_rule(i), word) == 0)
			return true;
	return strcmp(word, "all") == 0;
}

static bool take_words(struct checking *o, char **words, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], "--json") == 0)
			o->json = true;
		else if (strcmp(words[i], "--strict") == 0)
			o->strict = true;
		else if (strcmp(words[i], "--rules") == 0)
			o->rules = true;
		else if (strcmp(words[i], "--allow") == 0 && i + 1 < n && o->n_allowed < RULES_MOST) {
			o->allowed[o->n_allowed++] = words[++i];
			if (!is_rule(words[i])) {
				fprintf(stderr, "waymarkctl: check: there is no rule \"%s\" (--rules lists them)\n",
					words[i]);
				return false;
			}
		} else {
			return false;
		}
	}
	return true;
}

static int say_rules(void)
{
	for (size_t i = 0; lint_rule(i); i++)
		printf("%-20s %s\n", lint_rule(i), lint_rule_about(i));
	return DONE;
}

/* What records of one zone lead to in another. */
static void look_between(const struct parts *p, struct faults *f)
{
	const struct compile_opts opts = zone_pools_compile_opts(parts_conf(p), parts_key());

	const unsigned more = lint_between(p->zones, &(struct master_pools){ opts.pool_edges, opts.ctx }, f);
	if (more)
		faults_warning(f, &(struct fault_at){ .path = parts_conf(p)->path }, "%u more records lead wrong in other zones, to the names that were told or to others",
			more);
}

int ctl_check(const struct ctl *c, char **words, int n)
{
	struct checking o = { .json = false };
	struct parts p;
	struct faults f;

	if (!take_words(&o, words, n))
		return ctl_help_one("check", stderr, WRONG_USE);
	if (o.rules)
		return say_rules();
	faults_init(&f);
	const bool read = parts_read(
		&p, &(struct parts_read_opts){ .path = c->conf_path, .key = parts_key(), .lacking = true }, &f);
	if (read)
		ctl_files_check(&p, &f);
	if (read)
		ctl_tls_check(&p, &f);
	if (read && !f.errors)
		look_between(&p, &f);
	if (read && !f.errors)
		lint(&(struct lint_opts){ &p, o.allowed, o.n_allowed }, &f);
	const bool right = read && f.errors == 0 && !(o.strict && f.warnings);
	(o.json ? say_json : say_text)(c->conf_path, right, read ? &p : NULL, &f);
	if (read)
		parts_drop(&p);
	faults_fini(&f);
	return right ? DONE : NOT_DONE;
}
