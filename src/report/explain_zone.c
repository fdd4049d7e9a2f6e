#include "report/explain_zone.h"

#include <string.h>

void explain_zone_add(const struct world *w, const uint8_t *name, const struct zone *home,
	unsigned scope, json_t *o)
{
	uint8_t lower[NAME_MOST];
	struct zone_name at;
	char text[NAME_TEXT], class[VIEW_CLASS_MOST + 1];

	name_lower(lower, name, name_len(name));
	zone_name_set(&at, w->key, lower);
	const struct zone *first = zone_set_find(w->zones, &at, at.labels, NULL);
	if (!first || !first->view_len)
		return;
	const bool fits = home && home->apex_labels == first->apex_labels;
	json_t *view = json_pack("{s:s, s:b}", "of", name_text(text, first->apex), "fits", fits);
	json_object_set_new(o, "zone", view);
	if (home)
		json_object_set_new(view, "zone", json_string(name_text(text, home->apex)));
	if (home && home->view_len)
		json_object_set_new(view, "view", json_string(view_class(class, zone_id(home))));
	if (scope)
		json_object_set_new(view, "scope", json_integer((json_int_t)scope));
}

static const char *get(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

bool explain_zone_text(const json_t *o, struct text *out)
{
	const json_t *zone = json_object_get(o, "zone");

	if (!zone)
		return false;
	if (*get(zone, "view"))
		text_addf(out, "zone       %s for %s", get(zone, "zone"), get(zone, "view"));
	else if (json_is_true(json_object_get(zone, "fits")))
		text_addf(out, "zone       %s: the client is in no class that has a view of its own", get(zone, "zone"));
	else
		text_addf(out, "zone       no view of %s has the client%s%s", get(zone, "of"),
			*get(zone, "zone") ? ": it is asked as below " : ", and there is no zone above", get(zone, "zone"));
	if (json_object_get(zone, "scope"))
		text_addf(out, ", by its subnet");
	text_add_char(out, '\n');
	return true;
}
