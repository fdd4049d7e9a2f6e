/* report_values.h - into JSON what is there, and out of it what may be.
 */
#ifndef REPORT_REPORT_VALUES_H
#define REPORT_REPORT_VALUES_H

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* To three digits; NAN is left out. */
static inline void values_set_number(json_t *o, const char *key, double v)
{
	if (!isnan(v))
		json_object_set_new(o, key, json_real(round(v * 1000) / 1000));
}

/* One that may be of any size, as a load: six digits that count. */
static inline void values_set_measure(json_t *o, const char *key, double v)
{
	char text[32];

	if (isnan(v))
		return;
	snprintf(text, sizeof text, "%.6g", v);
	json_object_set_new(o, key, json_real(strtod(text, NULL)));
}

/* "" and NULL are left out. */
static inline void values_set_text(json_t *o, const char *key, const char *text)
{
	if (text && *text)
		json_object_set_new(o, key, json_string(text));
}

/* "" where there is none. */
static inline const char *values_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* 0 where there is none. */
static inline double values_number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

#endif
