#include "daemon/catalog_plan.h"

#include "base/memory.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF                                                                                    \
	"server: { listen: \"127.0.0.1:5300\" }\nstore: { file: s }\npeers: { p: { at: 192.0.2.1 } }\n" \
	"templates: { t: { primary: p }, g: { primary: p } }\n"                                  \
	"zones:\n  - { catalog: one, primary: p, template: t, groups: { gold: g } }\n"           \
	"  - { catalog: two, primary: p, groups: { gold: g } }\n"
#define HEAD "$TTL 0\n@ SOA invalid. invalid. 1 2 3 4 5\n@ NS invalid.\nversion TXT 2\n"

/* A zone that is there: its name, and as whose member, with which label and template. */
struct there {
	const char *name, *catalog, *label, *template; /* catalog NULL: the configuration's; "": an operator's */
};

static const uint8_t *wire(const char *text, uint8_t to[NAME_MOST])
{
	static const uint8_t root[1];

	if (name_parse(to, NULL, text, strlen(text), root) != NAME_OK)
		abort();
	return to;
}

static struct registry_added *added_of(const struct there *t)
{
	uint8_t catalog[NAME_MOST], label[64];

	if (!t->catalog)
		return NULL;
	snprintf((char *)label, sizeof label, "%c%s", (int)strlen(t->label), t->label);
	return registry_added_new(&(struct registry_added){ .template = t->template,
		.file = "",
		.catalog = *t->catalog ? wire(t->catalog, catalog) : NULL,
		.label = *t->catalog ? label : NULL });
}

static struct registry_zone *entry_of(const char *name, struct zone *z, struct registry_added *added)
{
	uint8_t apex[NAME_MOST];

	struct registry_zone *e = registry_zone_new(&(struct registry_zone){
		.origin = wire(name, apex), .added = added, .path = "", .load = { .zone = z },
		.source = REGISTRY_PRIMARY });
	registry_added_drop(added);
	return e;
}

static int compare(const void *a, const void *b)
{
	return registry_compare((*(struct registry_zone *const *)a)->origin,
		(*(struct registry_zone *const *)b)->origin);
}

/* `catalogs` are the texts of one and two, or NULL: it is not there yet. */
static struct registry *registry_of(const char *const catalogs[2], const struct there *there)
{
	static const char *const names[] = { "one.", "two." };
	struct registry_zone **list = memory_zeroed(16, sizeof(*list));
	uint8_t apex[NAME_MOST];
	struct faults f;
	size_t n = 0;

	for (unsigned i = 0; i < 2; i++) {
		char text[1024];
		faults_init(&f);
		snprintf(text, sizeof text, HEAD "%s", catalogs[i] ? catalogs[i] : "");
		struct zone *z = catalogs[i] ? zone_of(names[i], text, &f)
					     : zone_placeholder(zone_of_key, wire(names[i], apex));
		CU_ASSERT_PTR_NOT_NULL_FATAL(z);
		list[n++] = entry_of(names[i], z, NULL);
		faults_fini(&f);
	}
	for (; there->name; there++)
		list[n++] = entry_of(there->name,
			zone_placeholder(zone_of_key, wire(there->name, apex)), added_of(there));
	qsort(list, n, sizeof(*list), compare);
	return registry_new(zone_of_key, list, NULL, n);
}

/* "-a. +b.(one,t) =c.(two,g)": what goes, what comes, what is there and changes. */
static const char *plan_text(const struct catalog_plan *p)
{
	static char text[1024];
	char name[NAME_TEXT], catalog[NAME_TEXT];
	int n = 0;

	text[0] = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct catalog_step *s = &p->steps[i];
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%c%s", i ? " " : "",
			s->goes ? '-' : s->replaces ? '=' : '+', name_text(name, s->apex));
		if (!s->goes)
			n += snprintf(text + n, sizeof text - (size_t)n, "(%s,%s)",
				name_text(catalog, s->added->catalog), s->added->template);
	}
	return text;
}

static void zones_follow_their_catalogs(void)
{
	static const struct {
		const char *say, *catalogs[2];
		struct there there[4];
		const char *plan, *told;
	} row[] = {
		{ "members come, with the template of their group",
			{ "a.zones PTR a.\nb.zones PTR b.\ngroup.b.zones TXT gold\n" }, { { 0 } },
			"+a.(one.,t) +b.(one.,g)", "" },
		{ "they are there", { "a.zones PTR a.\n" }, { { "a.", "one.", "a", "t" } }, "", "" },
		{ "one goes", { "" }, { { "a.", "one.", "a", "t" } }, "-a.", "" },
		{ "another group", { "a.zones PTR a.\ngroup.a.zones TXT gold\n" },
			{ { "a.", "one.", "a", "t" } }, "=a.(one.,g)", "" },
		{ "another label", { "x.zones PTR a.\n" }, { { "a.", "one.", "a", "t" } },
			"-a. +a.(one.,t)", "" },
		{ "the catalog is not there", { NULL }, { { "a.", "one.", "a", "t" } }, "", "" },
		{ "it is broken", { "version TXT 3\na.zones PTR b.\n" }, { { "a.", "one.", "a", "t" } },
			"", "catalog one., serial 1, is broken" },
		{ "the catalog is not configured any more", { "" }, { { "a.", "three.", "a", "t" } },
			"-a.", "" },
		{ "the configuration has it", { "a.zones PTR a.\n" }, { { "a.", NULL, "", "" } }, "",
			"zone a. is named by the configuration" },
		{ "an operator has added it", { "a.zones PTR a.\n" }, { { "a.", "", "", "" } }, "",
			"zone a. was added by an operator" },
		{ "no group and no template", { "", "a.zones PTR a.\n" }, { { 0 } }, "",
			"zone a. is in no group" },
		{ "both list it: the first has it",
			{ "a.zones PTR a.\n", "a.zones PTR a.\ngroup.a.zones TXT gold\n" }, { { 0 } },
			"+a.(one.,t)", "catalog two.: zone a. is a member of one. already" },
		{ "another lists it, too, and it is not handed over",
			{ "a.zones PTR a.\n", "a.zones PTR a.\ngroup.a.zones TXT gold\n" },
			{ { "a.", "one.", "a", "t" } }, "",
			"zone a. is a member of one., which does not hand it over" },
		{ "it is handed over, with its data",
			{ "a.zones PTR a.\ncoo.a.zones PTR two.\n",
				"a.zones PTR a.\ngroup.a.zones TXT gold\n" },
			{ { "a.", "one.", "a", "t" } }, "=a.(two.,g)", "" },
		{ "... anew, with another label",
			{ "a.zones PTR a.\ncoo.a.zones PTR two.\n",
				"x.zones PTR a.\ngroup.x.zones TXT gold\n" },
			{ { "a.", "one.", "a", "t" } }, "-a. +a.(two.,g)", "" },
		{ "it is handed over to who does not list it",
			{ "a.zones PTR a.\ncoo.a.zones PTR two.\n", "" }, { { "a.", "one.", "a", "t" } },
			"", "" },
		{ "the old owner lists it on",
			{ "a.zones PTR a.\ncoo.a.zones PTR two.\n",
				"a.zones PTR a.\ngroup.a.zones TXT gold\n" },
			{ { "a.", "two.", "a", "g" } }, "", "" },
		{ "the owner lists it no more, and another does",
			{ "", "a.zones PTR a.\ngroup.a.zones TXT gold\n" }, { { "a.", "one.", "a", "t" } },
			"-a. +a.(two.,g)", "" },
		{ "a catalog that lists itself", { "a.zones PTR one.\n" }, { { 0 } }, "",
			"zone one. is named by the configuration" },
	};
	struct faults f;

	faults_init(&f);
	struct conf *c = conf_open_text("/tmp/t.yaml", CONF, strlen(CONF), &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *const catalogs[2] = { row[i].catalogs[0],
			row[i].catalogs[1] ? row[i].catalogs[1] : "" };
		struct registry *r = registry_of(catalogs, row[i].there);
		struct catalog_plan p;
		catalog_plan_make(&p, c, r, false);
		const char *plan = plan_text(&p), *told = text_get(&p.told);
		const bool ok = strcmp(plan, row[i].plan) == 0 &&
			(*row[i].told ? strstr(told, row[i].told) != NULL : !*told);
		if (!ok)
			printf("%s: %s\n%s", row[i].say, plan, told);
		CU_ASSERT_TRUE(ok);
		catalog_plan_fini(&p);
		registry_drop(r);
	}
	part_drop(&c->part);
	faults_fini(&f);
}

void suite_catalog_plan(void)
{
	static const struct unit_case cases[] = {
		{ "zones follow their catalogs", zones_follow_their_catalogs },
	};

	unit_suite("daemon/catalog_plan", cases, UNIT_COUNT(cases));
}
