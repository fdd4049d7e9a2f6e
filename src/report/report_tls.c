#include "report/report_tls.h"

#include "base/moment.h"

#include <stdio.h>
#include <string.h>

enum { TENTH = 10 };

enum report_tls_age report_tls_age(const struct tls_about *a, int64_t now_s)
{
	if (now_s > a->until_s)
		return REPORT_TLS_ENDED;
	if (a->until_s - now_s < (a->until_s - a->from_s) / TENTH)
		return REPORT_TLS_SOON;
	return now_s < a->from_s ? REPORT_TLS_EARLY : REPORT_TLS_GOOD;
}

const char *report_tls_text(char to[static REPORT_TLS_TEXT], const struct tls_about *a)
{
	char until[MOMENT_TEXT], more[40] = "";

	if (a->names > 1)
		snprintf(more, sizeof more, " and %u more name%s", a->names - 1,
			a->names == 2 ? "" : "s");
	snprintf(to, REPORT_TLS_TEXT, "%s%s, until %s", *a->name ? a->name : "(no name)", more,
		moment_text(until, a->until_s));
	return to;
}

static const char *const ages[] = { [REPORT_TLS_EARLY] = "not valid yet",
	[REPORT_TLS_GOOD] = "good",
	[REPORT_TLS_SOON] = "ends soon",
	[REPORT_TLS_ENDED] = "has ended" };

json_t *report_tls_json(const struct report_tls *t, int64_t now_s)
{
	json_t *list = json_array();
	char until[MOMENT_TEXT];

	for (size_t i = 0; t->shown && i < tls_count(t->shown); i++) {
		const struct tls_about a = tls_about(t->shown, i);
		/* A name is the certificate's to say, and may be no UTF-8. */
		json_t *name = json_string(a.name);
		json_array_append_new(list,
			json_pack("{s:o, s:i, s:s, s:I, s:s}", "name",
				name ? name : json_string("?"), "names", (int)a.names, "until",
				moment_text(until, a.until_s), "ends_in_s",
				(json_int_t)(a.until_s - now_s), "state",
				ages[report_tls_age(&a, now_s)]));
	}
	return list;
}

void report_tls_lines(const struct report_tls *t, int64_t now_s, const char *indent, struct text *out)
{
	char text[REPORT_TLS_TEXT];

	for (size_t i = 0; t->shown && i < tls_count(t->shown); i++) {
		const struct tls_about a = tls_about(t->shown, i);
		const enum report_tls_age age = report_tls_age(&a, now_s);
		text_addf(out, "%scertificate %s%s%s\n", indent, report_tls_text(text, &a),
			age == REPORT_TLS_GOOD ? "" : ": ",
			age == REPORT_TLS_GOOD ? "" : ages[age]);
	}
}
