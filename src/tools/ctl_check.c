/* ctl_check.c - "waymarkctl check": is a configuration right, and all that it names?
 *
 * The server's own code reads it all and serves nothing.
 */
#include "tools/ctl_files.h"
#include "tools/ctl_inner.h"
#include "tools/ctl_tls.h"

#include "daemon/parts_read.h"
#include "report/report.h"
#include "report/report_faults.h"

#include <stdio.h>
#include <string.h>

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
		json_object_set_new(o, "edges", json_integer(p->steer->n_edges));
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
			p->steer->n_named, p->steer->n_edges,
			f->warnings ? "; see the warnings" : "");
	else
		printf("%s: %u error%s\n", path, f->errors, f->errors == 1 ? "" : "s");
}

int ctl_check(const struct ctl *c, char **words, int n)
{
	const bool json = n == 1 && strcmp(words[0], "--json") == 0;
	struct parts p;
	struct faults f;

	if (n && !json)
		return ctl_help_one("check", stderr, WRONG_USE);
	faults_init(&f);
	const bool read = parts_read(
		&p, &(struct parts_read_opts){ .path = c->conf_path, .key = parts_key() }, &f);
	if (read)
		ctl_files_check(&p, &f);
	if (read)
		ctl_tls_check(&p, &f);
	const bool right = read && f.errors == 0;
	(json ? say_json : say_text)(c->conf_path, right, read ? &p : NULL, &f);
	if (read)
		parts_drop(&p);
	faults_fini(&f);
	return right ? DONE : NOT_DONE;
}
