/* from_powerdns_geoip.c - PowerDNS' geoip backend: names that are made of where a client is.
 *
 * A service has formats such as %co.%cn.service.example. What a client's place makes of one is the
 * name whose records it gets, the first that there is. So the records that a format could lead to
 * become edges, and what stands in the place of %co and its like their conditions.
 */
#include "import/from_powerdns.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIELDS_MOST = 8, FORMATS_MOST = 32 };

/* ISO 3166-1: three letters, then two. */
static const char countries[] =
	"ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG AUSAU AUTAT AZEAZ BDIBI BELBE BENBJ BESBQ BFABF "
	"BGDBD BGRBG BHRBH BHSBS BIHBA BLMBL BLRBY BLZBZ BMUBM BOLBO BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH CHLCL CHNCN "
	"CIVCI CMRCM CODCD COGCG COKCK COLCO COMKM CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK DOMDO DZADZ ECUEC "
	"EGYEG ERIER ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM GABGA GBRGB GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW "
	"GNQGQ GRCGR GRDGD GRLGL GTMGT GUFGF GUMGU GUYGY HKGHK HMDHM HNDHN HRVHR HTIHT HUNHU IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS "
	"ISRIL ITAIT JAMJM JEYJE JORJO JPNJP KAZKZ KENKE KGZKG KHMKH KIRKI KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY LCALC LIELI LKALK LSOLS "
	"LTULT LUXLU LVALV MACMO MAFMF MARMA MCOMC MDAMD MDGMG MDVMV MEXMX MHLMH MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP MOZMZ MRTMR MSRMS "
	"MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA NCLNC NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE "
	"PHLPH PLWPW PNGPG POLPL PRIPR PRKKP PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA SDNSD SENSN SGPSG SGSGS SHNSH SJMSJ "
	"SLBSB SLESL SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ "
	"TKLTK TKMTM TLSTL TONTO TTOTT TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC VENVE VGBVG VIRVI VNMVN "
	"VUTVU WLFWF WSMWS XKXXK YEMYE ZAFZA ZMBZM ZWEZW";

const char *powerdns_country(struct plan *p, const char *code)
{
	const size_t len = strlen(code);

	if (len == 2 && isalpha((unsigned char)code[0]) && isalpha((unsigned char)code[1]))
		return plan_textf(p, "%c%c", toupper((unsigned char)code[0]), toupper((unsigned char)code[1]));
	for (const char *c = countries; len == 3; c += 6) {
		if (strncasecmp(c, code, 3) == 0)
			return plan_textf(p, "%.2s", c + 3);
		if (!c[5])
			break;
	}
	return NULL;
}

/* A domain that is read. */
struct domain {
	struct plan *p;
	const char *path;
	struct plan_zone *z;
	const struct node *records; /* names to lists */
	const char *ttl;
};

/* --- records ------------------------------------------------------------------------------ */

static const char *content_of(const struct node *value, const char **weight, const char **ttl)
{
	if (value->kind == NODE_SCALAR)
		return value->text;
	*weight = node_get_string(value, "weight") ? node_get_string(value, "weight") : *weight;
	*ttl = node_get_string(value, "ttl") ? node_get_string(value, "ttl") : *ttl;
	return node_get_string(value, "content");
}

static const char *data_of(struct domain *d, const char *type, const char *content)
{
	static const char *const named[] = { "ns", "cname", "ptr", "mx", "srv" };
	const char *blank = strrchr(content, ' ');

	if (strcasecmp(type, "txt") == 0 && *content != '"')
		return plan_quoted(d->p, content);
	/* Names are whole there, with the dot or without. */
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (strcasecmp(type, named[i]) == 0)
			return blank ? plan_textf(d->p, "%.*s %s", (int)(blank - content), content, plan_full_name(d->p, blank + 1, "."))
				     : plan_full_name(d->p, content, ".");
	return content;
}

/* "ns1.example hostmaster.example 1 2 3 4 5". */
static const char *soa_data(struct domain *d, const char *content)
{
	const size_t one = strcspn(content, " "), two = content[one] ? one + 1 + strcspn(content + one + 1, " ") : one;

	return plan_textf(d->p, "%s %s%s", plan_full_name(d->p, plan_textf(d->p, "%.*s", (int)one, content), "."),
		plan_full_name(d->p, plan_textf(d->p, "%.*s", (int)(two > one ? two - one - 1 : 0), content + one + (two > one)), "."), content + two);
}

static const struct node *records_of(const struct domain *d, const char *name)
{
	for (const struct node *n = d->records ? d->records->first : NULL; n; n = n->next) {
		const size_t len = strlen(n->key->text);
		const size_t bare = len && n->key->text[len - 1] == '.' ? len - 1 : len;
		if (strlen(name) == bare && strncasecmp(n->key->text, name, bare) == 0)
			return n;
	}
	return NULL;
}

/* One answer, or, where records have weights, a pool of them. */
static struct variant target_of(struct domain *d, const struct node *list, const char *hint)
{
	struct answer all = { .cname = NULL };
	struct plan *p = d->p;
	struct out *pool = NULL;
	const char *pool_name = NULL;
	size_t i = 0;

	for (const struct node *one = list->kind == NODE_LIST ? list->first : NULL; one; one = one->next)
		for (const struct node *v = one->kind == NODE_MAP ? one->first : NULL; v; v = v->next) {
			const char *type = v->key->text, *weight = NULL, *ttl = NULL, *content = content_of(v, &weight, &ttl);
			if (!content || strcasecmp(type, "soa") == 0 || strcasecmp(type, "ns") == 0)
				continue;
			if (strchr(content, '%') && strcasecmp(type, "cname") != 0)
				plan_note(p, NOTE_LOST, d->path, v->line, "%s: %s: data that is made of the client", type, content);
			if (!weight || strcmp(weight, "100") == 0) {
				plan_answer(p, &all, type, data_of(d, type, content));
				continue;
			}
			struct answer a = { .cname = NULL };
			plan_answer(p, &a, type, data_of(d, type, content));
			if (!pool) {
				pool = plan_pool(p, hint, &pool_name);
				out_list(pool, "edges");
				out_set(pool, "policy", "weighted");
			}
			const char *edge = plan_edge(p, plan_textf(p, "%s-%zu", hint, ++i), &a);
			if (edge) {
				struct out *member = out_add_map(out_get(pool, "edges"));
				out_set(member, "edge", edge);
				out_set(member, "weight", weight);
			}
		}
	if (pool && !plan_answer_is_empty(&all)) {
		const char *edge = plan_edge(p, plan_textf(p, "%s-all", hint), &all);
		struct out *member = out_add_map(out_get(pool, "edges"));
		out_set(member, "edge", edge);
		out_set(member, "weight", "100");
	}
	return pool ? (struct variant){ .edge = pool_name, .is_pool = true } : (struct variant){ .edge = plan_edge(p, hint, &all) };
}

static void plain_name(struct domain *d, const struct node *list)
{
	const char *owner = plan_full_name(d->p, plan_lower(d->p, list->key->text), ".");
	bool weighted = false;

	for (const struct node *one = list->kind == NODE_LIST ? list->first : NULL; one; one = one->next)
		for (const struct node *v = one->kind == NODE_MAP ? one->first : NULL; v; v = v->next)
			weighted = weighted || (v->kind == NODE_MAP && parse_get(v, "weight"));
	for (const struct node *one = list->kind == NODE_LIST ? list->first : NULL; one; one = one->next)
		for (const struct node *v = one->kind == NODE_MAP ? one->first : NULL; v; v = v->next) {
			const char *weight = NULL, *ttl = d->ttl, *content = content_of(v, &weight, &ttl);
			const bool soa = strcasecmp(v->key->text, "soa") == 0;
			if (!content || (weighted && !soa && strcasecmp(v->key->text, "ns") != 0))
				continue;
			if (strchr(content, '%'))
				plan_note(d->p, NOTE_LOST, d->path, v->line, "%s: %s: data that is made of the client", v->key->text, content);
			char *type = plan_textf(d->p, "%s", v->key->text);
			for (char *t = type; *t; t++)
				*t = (char)toupper((unsigned char)*t);
			plan_record(d->z, owner, (uint32_t)strtoul(ttl, NULL, 10), type,
				soa ? soa_data(d, content) : data_of(d, v->key->text, content));
		}
	if (!weighted)
		return;
	const struct variant v = target_of(d, list, list->key->text);
	if (v.edge)
		plan_record(d->z, owner, (uint32_t)strtoul(d->ttl, NULL, 10), "EDGE", v.edge);
}

/* --- services ----------------------------------------------------------------------------- */

static const char *key_of_field(const char *field)
{
	static const struct { const char *field, *key; } rows[] = { { "co", "country" }, { "cc", "country" }, { "cn", "continent" },
		{ "re", "region" }, { "ci", "city" }, { "as", "asn" } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strncmp(field, rows[i].field, 2) == 0)
			return rows[i].key;
	return NULL;
}

/* Does `name` come of the format? Then what the fields stand for. */
static bool matches(const char *format, const char *name, const char *keys[FIELDS_MOST], char values[FIELDS_MOST][64], size_t *n)
{
	*n = 0;
	while (*format) {
		if (format[0] == '%' && format[1] == '%') {
			if (*name != '%')
				return false;
			format += 2;
			name++;
			continue;
		}
		if (*format != '%') {
			if (tolower((unsigned char)*format) != tolower((unsigned char)*name))
				return false;
			format++;
			name++;
			continue;
		}
		const char *key = key_of_field(format + 1);
		size_t len = 0;
		while (name[len] && name[len] != '.' && name[len] != format[3])
			len++;
		if (!key || !len || len >= 64 || *n == FIELDS_MOST)
			return false;
		keys[*n] = key;
		memcpy(values[*n], name, len);
		values[(*n)++][len] = 0;
		format += 3;
		name += len;
	}
	return !*name || strcmp(name, ".") == 0;
}

/* "eu" is one, in any case; "lobby" is a label where none was meant. */
static bool is_continent(const char *value)
{
	static const char *const all[] = { "AF", "AN", "AS", "EU", "NA", "OC", "SA" };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcasecmp(value, all[i]) == 0)
			return true;
	return false;
}

/* The conditions of a match; NULL in `when`: it is of clients whom nobody knows. False: no client leads to it,
 * since what stands there is no country or no continent. */
static bool conditions(struct domain *d, const char *keys[], char values[][64], size_t n, struct out **when)
{
	const char *country = NULL;

	*when = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *value = values[i];
		if (strcasecmp(value, "unknown") == 0 || strcmp(value, "--") == 0)
			continue;
		if (strcmp(keys[i], "country") == 0) {
			country = value = powerdns_country(d->p, value);
			if (!value)
				return false;
		} else if (strcmp(keys[i], "continent") == 0) {
			if (!is_continent(value))
				return false;
			value = plan_textf(d->p, "%c%c", toupper((unsigned char)value[0]), toupper((unsigned char)value[1]));
		} else if (strcmp(keys[i], "region") == 0) {
			for (size_t k = 0; k < n && !country; k++)
				country = strcmp(keys[k], "country") == 0 ? powerdns_country(d->p, values[k]) : NULL;
			char *up = plan_textf(d->p, "%s%s%s", country ? country : "", country ? "-" : "", value);
			for (char *c = up; *c; c++)
				*c = (char)toupper((unsigned char)*c);
			value = up;
		}
		*when = plan_when(d->p, *when, keys[i], value);
	}
	return true;
}

/* A CNAME that is made for each client, where its fields are ours. */
static const char *made_name(struct domain *d, const char *format)
{
	struct text to = { 0 };
	bool ok = true;

	for (; *format && ok; format++) {
		if (*format != '%') {
			text_add_char(&to, *format);
			continue;
		}
		const char *key = key_of_field(format + 1);
		if (key && (strcmp(key, "country") == 0 || strcmp(key, "continent") == 0 || strcmp(key, "asn") == 0)) {
			text_addf(&to, "%%{%s}", key);
			format += 2;
		} else if (format[1] == '%') {
			text_add_char(&to, '%');
			format++;
		} else {
			ok = false;
		}
	}
	const char *name = ok ? plan_full_name(d->p, text_get(&to), ".") : NULL;
	text_fini(&to);
	return name;
}

/* Names above those that have records are there, too, and have none: who is led to one gets no answer. */
static void empty_names(struct domain *d, const char *format, struct out *net, struct variant *all, size_t *n, size_t room)
{
	const char *keys[FIELDS_MOST];
	char values[FIELDS_MOST][64];
	size_t n_values;
	struct words seen = { .n = 0 };

	for (const struct node *r = d->records ? d->records->first : NULL; r; r = r->next) {
		for (const char *above = strchr(r->key->text, '.'); above && *n < room; above = strchr(above + 1, '.')) {
			const char *name = above + 1;
			if (strlen(name) + 1 < strlen(d->z->name) || records_of(d, name) || plan_has_word(&seen, name) ||
				!matches(format, name, keys, values, &n_values) || !n_values)
				continue;
			plan_word(d->p, &seen, name);
			struct out *when;
			if (!conditions(d, keys, values, n_values, &when))
				continue;
			if (when && net)
				plan_when(d->p, when, "net", out_text(out_at(out_get(net, "net"), 0, NULL)));
			if (when)
				all[(*n)++] = (struct variant){ .when = when };
		}
	}
}

/* Formats in their order: each name that one could lead to. */
static void one_service(struct domain *d, const struct node *service, const struct node *formats, struct out *net,
	struct variant *all, size_t *n, size_t room, struct variant *fallback)
{
	const char *keys[FIELDS_MOST], *last = NULL;
	char values[FIELDS_MOST][64];
	size_t n_values, count = formats->kind == NODE_LIST ? formats->n : 1;
	bool found = false;

	for (size_t i = 0; i < count && i < FORMATS_MOST; i++) {
		const char *format = formats->kind == NODE_LIST ? node_string(node_at(formats, i)) : formats->text;
		if (!format)
			continue;
		last = format;
		for (const struct node *r = d->records ? d->records->first : NULL; r && *n < room; r = r->next) {
			struct out *when;
			if (!matches(format, r->key->text, keys, values, &n_values) || !conditions(d, keys, values, n_values, &when))
				continue;
			struct variant v = target_of(d, r, r->key->text);
			v.when = when;
			if (!v.when && n_values)
				plan_note(d->p, NOTE_DIFFERS, d->path, r->line, "%s answers all clients that nothing else is for, not only unknown ones", r->key->text);
			if (net)
				v.when = plan_when(d->p, v.when, "net", out_text(out_at(out_get(net, "net"), 0, NULL)));
			if (v.when)
				all[(*n)++] = v;
			else if (!found)
				*fallback = v, found = true;
		}
		empty_names(d, format, net, all, n, room);
	}
	if (found || !last)
		return;
	/* A name that has no records here is answered as a CNAME. */
	const char *name = made_name(d, last);
	if (!name) {
		plan_note(d->p, NOTE_LOST, d->path, service->line, "%s: clients for whom there is no record get no CNAME", last);
		return;
	}
	struct answer a = { .cname = name };
	const char *edge = records_of(d, last) ? NULL : plan_edge(d->p, plan_textf(d->p, "%s-cname", service->key->text), &a);
	if (net && edge && *n < room)
		all[(*n)++] = (struct variant){ .when = net, .edge = edge };
	else if (edge)
		*fallback = (struct variant){ .edge = edge };
}

static unsigned bits_of(const char *net)
{
	const char *slash = strchr(net, '/');

	return slash ? (unsigned)atoi(slash + 1) + (strchr(net, ':') ? 0 : 96) : 128;
}

static void service(struct domain *d, const struct node *s)
{
	const char *owner = plan_full_name(d->p, plan_lower(d->p, s->key->text), ".");
	const size_t room = ((d->records ? d->records->n : 0) + 2) * 2 * FORMATS_MOST;
	struct variant *all = arena_zalloc(&d->p->mem, room * sizeof *all), fallback = { .edge = NULL };
	size_t n = 0;

	if (s->kind != NODE_MAP) {
		one_service(d, s, s, NULL, all, &n, room, &fallback);
	} else {
		/* The longest net first. */
		for (unsigned bits = 129; bits-- > 0;)
			for (const struct node *net = s->first; net; net = net->next)
				if (strcmp(net->key->text, "default") != 0 && bits_of(net->key->text) == bits)
					one_service(d, s, net, plan_when(d->p, NULL, "net", net->key->text), all, &n, room, &fallback);
		const struct node *other = parse_get(s, "default");
		if (other)
			one_service(d, s, other, NULL, all, &n, room, &fallback);
	}
	const char *pool = plan_rules(d->p, s->key->text, all, n, &fallback);
	if (pool)
		plan_record(d->z, owner, (uint32_t)strtoul(d->ttl, NULL, 10), "EDGE", pool);
	else
		plan_note(d->p, NOTE_LOST, d->path, s->line, "the service %s leads to no record", s->key->text);
}

static void one_domain(struct plan *p, const char *path, const struct node *n)
{
	const char *name = node_get_string(n, "domain");
	const struct node *services = n->kind == NODE_MAP ? parse_get(n, "services") : NULL;
	struct domain d = { .p = p, .path = path, .ttl = node_get_string(n, "ttl") ? node_get_string(n, "ttl") : "60" };

	if (!name) {
		plan_note(p, NOTE_LOST, path, n->line, "an entry without \"domain\"");
		return;
	}
	d.records = parse_get(n, "records");
	if (d.records && d.records->kind != NODE_MAP)
		d.records = NULL;
	d.z = plan_zone(p, name, NULL);
	for (const struct node *r = d.records ? d.records->first : NULL; r; r = r->next)
		plain_name(&d, r);
	for (const struct node *s = services && services->kind == NODE_MAP ? services->first : NULL; s; s = s->next)
		service(&d, s);
	for (const struct node *k = n->first; k; k = k->next)
		if (strcmp(k->key->text, "domain") && strcmp(k->key->text, "ttl") && strcmp(k->key->text, "records") && strcmp(k->key->text, "services"))
			plan_note(p, NOTE_LOST, path, k->line, "%s of %s", k->key->text, name);
}

void powerdns_geoip(struct plan *p, const char *path, const struct file *f)
{
	const struct node *top = plan_yaml(p, path, f), *domains = top && top->kind == NODE_MAP ? parse_get(top, "domains") : NULL;

	if (!domains)
		plan_note(p, NOTE_LOST, path, 0, "there are no \"domains\" in it");
	for (const struct node *d = domains && domains->kind == NODE_LIST ? domains->first : NULL; d; d = d->next)
		one_domain(p, path, d);
	for (const struct node *k = top && top->kind == NODE_MAP ? top->first : NULL; k; k = k->next)
		if (strcmp(k->key->text, "domains") != 0)
			plan_note(p, NOTE_LOST, path, k->line, "%s", k->key->text);
}
