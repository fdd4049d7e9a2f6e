#include "import/import_run.h"

#include "base/addr.h"
#include "geo/mmdb.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct import_kind kinds[] = {
	{ "bind", "named.conf", from_bind },
	{ "coredns", "Corefile", from_coredns },
	{ "gdnsd", "the folder of its configuration, such as /etc/gdnsd", from_gdnsd },
	{ "geodns", "zones: example.org.json ...", from_geodns },
	{ "knot", "knot.conf ...", from_knot },
	{ "powerdns", "pdns.conf, the YAML of the geoip backend, zone files with LUA records ...", from_powerdns },
	{ "route53", "JSON of \"aws route53 list-resource-record-sets\", list-health-checks, list-cidr-blocks ...", from_route53 },
};

const struct import_kind *import_kind(size_t i)
{
	return i < sizeof kinds / sizeof *kinds ? &kinds[i] : NULL;
}

/* --- GeoIP files -------------------------------------------------------------------------- */

/* Where packages and "make install" put the one that comes with us. */
static const char *own_city(void)
{
	static const char *const paths[] = { "/usr/share/waymark/city.mmdb", "/usr/local/share/waymark/city.mmdb" };

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	return NULL;
}

static void settle_city(struct plan *p, const char *given)
{
	struct out *geo = out_get(p->conf, "geoip"), *city = geo ? out_get(geo, "city") : NULL;
	const char *is = city ? out_text(out_get(city, "file")) : NULL;

	if (!city)
		return;
	if (given || access(is, R_OK) != 0) {
		const char *other = given ? given : own_city();
		if (!given)
			plan_note(p, NOTE_SEE, "geoip", 0, "%s cannot be read; %s%s", is, other ? "in its place stands " : "put a city database there, or name one with --city",
				other ? other : "");
		is = other ? other : is;
	}
	char *real = realpath(is, NULL);
	out_set(city, "file", real ? real : is);
	free(real);
}

/* Without its database nobody has a number, and the configuration would not be taken. */
static void settle_asn(struct plan *p)
{
	struct out *geo = out_get(p->conf, "geoip"), *asn = geo ? out_get(geo, "asn") : NULL;
	const char *is = asn ? out_text(out_get(asn, "file")) : NULL;

	if (!is || access(is, R_OK) == 0)
		return;
	plan_note(p, NOTE_SEE, "geoip", 0, "rules by AS number hold for nobody as long as there is no \"geoip: asn: file\"; %s cannot be read", is);
	out_drop(geo, "asn");
}

/* --- where edges are ---------------------------------------------------------------------- */

struct places_at {
	struct mmdb_cities cities;
	bool read;
};

static void find_place(struct plan *p, struct places_at *at, const char *edge_name)
{
	struct out *edges = out_get(p->conf, "edges"), *edge = edges ? out_get(edges, edge_name) : NULL, *a = edge ? out_get(edge, "a") : NULL;
	const char *address = NULL;
	struct addr addr;

	a = a || !edge ? a : out_get(edge, "aaaa");
	address = out_text(out_at(a, 0, NULL));
	if (!edge || out_get(edge, "at"))
		return;
	if (at->read && address && addr_parse(&addr, address)) {
		const struct netmap_hit hit = netmap_find(at->cities.map, &addr);
		const struct place *place = hit.value ? places_get(at->cities.places, hit.value) : NULL;
		if (place && !isnan(place->lat) && !isnan(place->lon)) {
			out_setf(edge, "at", "%.2f,%.2f", place->lat, place->lon);
			plan_note(p, NOTE_SEE, "edges", 0, "%s stands where the GeoIP database has its address %s", edge_name, address);
			return;
		}
	}
	out_set(edge, "at", "0,0");
	plan_note(p, NOTE_SEE, "edges", 0, "where %s is is not known: write its degrees in the place of \"0,0\"", edge_name);
}

/* Of pools in it, too. */
static void place_members(struct plan *p, struct places_at *at, struct out *pool, unsigned deep)
{
	struct out *member;

	for (size_t i = 0; deep < 8 && (member = out_at(out_get(pool, "edges"), i, NULL)); i++) {
		const char *inner = out_text(member) ? NULL : out_text(out_get(member, "pool"));
		const char *edge = out_text(member) ? out_text(member) : out_text(out_get(member, "edge"));
		struct out *other = inner ? out_get(out_get(p->conf, "pools"), inner) : NULL;
		if (other)
			place_members(p, at, other, deep + 1);
		if (edge)
			find_place(p, at, edge);
	}
}

/* Edges of nearest pools stand somewhere. */
static void find_places(struct plan *p)
{
	struct out *pools = out_get(p->conf, "pools"), *geo = out_get(p->conf, "geoip"), *city = geo ? out_get(geo, "city") : NULL, *pool;
	const char *path = city ? out_text(out_get(city, "file")) : NULL;
	struct places_at at = { .read = false };
	struct fault why;
	bool any = false;

	for (size_t i = 0; !any && (pool = out_at(pools, i, NULL)); i++)
		any = out_text(out_get(pool, "policy")) && strcmp(out_text(out_get(pool, "policy")), "nearest") == 0;
	if (!any)
		return;
	at.read = path && mmdb_read_cities(&at.cities, &path, 1, &why);
	for (size_t i = 0; (pool = out_at(pools, i, NULL)); i++) {
		const char *policy = out_text(out_get(pool, "policy"));
		if (policy && strcmp(policy, "nearest") == 0)
			place_members(p, &at, pool, 0);
	}
	if (at.read)
		mmdb_cities_free(&at.cities);
}

/* --- files that stay where they are ------------------------------------------------------- */

/* The configuration is in a folder of its own, and what it names is found from there: a path that goes from here gets its whole length.
 * `any`: also of a file that is not here. */
static void set_outside(struct plan *p, struct out *map, const char *key, bool any)
{
	char here[PATH_MAX];
	const char *path = map && out_get(map, key) ? out_text(out_get(map, key)) : NULL;

	if (path && *path != '/' && (any || access(path, R_OK) == 0) && getcwd(here, sizeof here))
		out_set(map, key, plan_textf(p, "%s/%s", here, path + (strncmp(path, "./", 2) == 0 ? 2 : 0)));
}

static void set_certificates_outside(struct plan *p, struct out *tls)
{
	static const char *const keys[] = { "cert", "key", "ca" };

	for (size_t i = 0; tls && i < sizeof keys / sizeof *keys; i++)
		set_outside(p, tls, keys[i], true);
}

static void find_files(struct plan *p)
{
	struct out *geo = out_get(p->conf, "geoip"), *server = out_get(p->conf, "server"), *peers = out_get(p->conf, "peers"), *zones = out_get(p->conf, "zones"), *one;

	set_outside(p, geo ? out_get(geo, "city") : NULL, "file", false);
	set_outside(p, geo ? out_get(geo, "asn") : NULL, "file", false);
	for (size_t i = 0; server && out_get(server, "tls") && (one = out_at(out_get(server, "tls"), i, NULL)); i++)
		set_certificates_outside(p, one);
	for (size_t i = 0; peers && (one = out_at(peers, i, NULL)); i++)
		set_certificates_outside(p, out_get(one, "tls"));
	for (size_t i = 0; zones && (one = out_at(zones, i, NULL)); i++)
		set_outside(p, one, "dir", true);
}

bool import_run(struct plan *p, const struct import_opts *opts, struct fault *why)
{
	const char *head = plan_textf(p, "# Made by \"waymarkctl import %s\" of %s%s. See REPORT for what could not be said.\n", opts->kind->name, opts->files[0],
		opts->n > 1 ? " and others" : "");

	if (!opts->kind->read(p, opts->files, opts->n, why))
		return false;
	settle_city(p, opts->city);
	settle_asn(p);
	find_places(p);
	find_files(p);
	out_drop_empty(p->conf);
	return plan_write(p, opts->folder, head, why);
}
