#include "report/network.h"

#include "report/report.h"
#include "report/report_geo.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const char *get(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void set_text(json_t *o, const char *key, const char *text, size_t len)
{
	if (len && text[0])
		json_object_set_new(o, key, json_stringn(text, len));
}

static void add_place(const struct atlas *atlas, uint32_t number, json_t *o)
{
	const struct places *places = atlas->cities.places;
	const struct place *place = places_get(places, number);
	const char *city = place_text(places, place->city),
		   *region = place_text(places, place->region);

	set_text(o, "city", city, strlen(city));
	set_text(o, "region", region, strlen(region));
	set_text(o, "country", place->country, 2);
	set_text(o, "continent", place->continent, 2);
	if (!isnan(place->lat)) {
		json_object_set_new(o, "lat", json_real(place->lat));
		json_object_set_new(o, "lon", json_real(place->lon));
	}
}

json_t *network_json(const struct world *w, const struct addr *who)
{
	const struct atlas *atlas = w->steer->atlas;
	const struct netmap_hit place = netmap_find(atlas->cities.map, who),
				asn = netmap_find(atlas->asns.map, who);
	const unsigned more = addr_is_v4(who) ? ADDR_V4_BITS : 0,
		       bits = netmap_scope(atlas->cities.map, NULL, who, place);
	const struct prefix p = addr_prefix(who, bits + more);
	const bool known = place.value && place.value <= places_count(atlas->cities.places);
	char text[ADDR_TEXT];
	json_t *o = json_pack("{s:s, s:s}", "prefix", prefix_text(text, &p), "source",
		known ? "geoip city" : "unknown");

	if (known)
		add_place(atlas, place.value, o);
	if (asn.value && asn.value < atlas->asns.n) {
		const struct mmdb_asn *as = &atlas->asns.asn[asn.value];
		json_object_set_new(o, "asn", json_integer(as->number));
		json_object_set_new(o, "as_name", json_string(atlas->asns.names + as->name));
	}
	return o;
}

/* City, country and continent, as far as they are known. */
static void add_names(const json_t *n, struct text *out)
{
	static const char *const names[] = { "city", "country", "continent" };
	const char *before = " ";

	text_addf(out, " by %s:", get(n, "source"));
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (*get(n, names[i])) {
			text_addf(out, "%s%s", before, get(n, names[i]));
			before = ", ";
		}
}

void network_as_text(const json_t *n, struct text *out)
{
	text_addf(out, "network    %s", get(n, "prefix"));
	if (strcmp(get(n, "source"), "unknown") == 0)
		text_add(out, ": GeoIP does not know where that is");
	else
		add_names(n, out);
	if (json_object_get(n, "lat"))
		text_addf(out, " (%.4f,%.4f)", json_real_value(json_object_get(n, "lat")),
			json_real_value(json_object_get(n, "lon")));
	if (json_object_get(n, "asn"))
		text_addf(out, ", AS%lld %s",
			(long long)json_integer_value(json_object_get(n, "asn")),
			get(n, "as_name"));
	text_add_char(out, '\n');
}

/* The net around an address whose clients have the same estimates, and the measured prefix that
 * it is in. */
static void add_group(
	const struct report_view *view, const struct world *w, const struct addr *who, json_t *o)
{
	struct netmap *map = client_map_netmap(w->steer->clients);
	const unsigned more = addr_is_v4(who) ? ADDR_V4_BITS : 0;
	const struct prefix p = addr_prefix(
		who, netmap_scope(map, NULL, who, netmap_find(map, who)) + more);
	const struct latency_row *row;
	char text[ADDR_TEXT];
	struct prefix local;

	json_object_set_new(o, "group", json_string(prefix_text(text, &p)));
	if (client_map_own_rows(view->live.table, who, &row, 1))
		json_object_set_new(o, "measured", json_string(prefix_text(text, &row->net)));
	if (!addr_is_global(who, &local))
		json_object_set_new(o, "local", json_string(prefix_text(text, &local)));
}

void network_report(
	const struct report_view *view, const struct addr *who, bool json, struct text *out)
{
	const struct world *w = view->world;
	const struct addr a = addr_plain(who, NULL);
	json_t *o = network_json(w, &a);

	add_group(view, w, &a, o);
	if (json) {
		json_object_set_new(o, "databases", report_geo(w->steer->atlas, time(NULL)));
		report_json(o, out);
		return;
	}
	network_as_text(o, out);
	if (*get(o, "region"))
		text_addf(out, "region     %s\n", get(o, "region"));
	if (*get(o, "local"))
		text_addf(
			out, "local      %s is not of the public Internet\n", get(o, "local"));
	text_addf(out, "group      %s: all in it have the same estimates\n", get(o, "group"));
	if (*get(o, "measured"))
		text_addf(out, "measured   as part of %s\n", get(o, "measured"));
	report_geo_text(w->steer->atlas, time(NULL), "geoip      ", out);
	json_decref(o);
}
