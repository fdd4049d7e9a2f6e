/* from_gdnsd_probe.c - gdnsd's service types: what they monitor becomes probes.
 */
#include "import/from_gdnsd.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct node *gdnsd_said(const struct gdnsd_inherit *in, const char *key)
{
	for (; in; in = in->outer) {
		const struct node *n = in->at && in->at->kind == NODE_MAP ? parse_get(in->at, key) : NULL;
		if (n)
			return n;
	}
	return NULL;
}

static void seconds(struct out *probe, const char *key, const struct node *type, const char *from, const char *otherwise)
{
	const char *text = node_get_string(type, from);

	out_setf(probe, key, "%ss", text ? text : otherwise);
}

/* As the shell reads it; the address is put in where it runs. */
static char *shell_word(struct plan *p, const char *s)
{
	struct text text = { 0 };

	text_add_char(&text, '\'');
	for (; *s; s++) {
		if (strncmp(s, "%%ITEM%%", 8) == 0 || strncmp(s, "%%IPADDR%%", 10) == 0) {
			text_add(&text, "'\"$WAYMARK_ADDRESS\"'");
			s += s[3] == 'P' ? 9 : 7;
		} else if (*s == '\'') {
			text_add(&text, "'\\''");
		} else {
			text_add_char(&text, *s);
		}
	}
	text_add_char(&text, '\'');
	char *word = plan_textf(p, "%s", text_get(&text));
	text_fini(&text);
	return word;
}

static void extmon(struct gdnsd *g, struct out *probe, const struct node *type)
{
	const struct node *cmd = parse_get(type, "cmd");
	struct text line = { 0 };

	out_set(probe, "kind", "exec");
	text_add(&line, "exec");
	if (node_string(cmd))
		text_addf(&line, " %s", shell_word(g->p, cmd->text));
	for (const struct node *w = cmd && cmd->kind == NODE_LIST ? cmd->first : NULL; w; w = w->next)
		if (node_string(w))
			text_addf(&line, " %s", shell_word(g->p, w->text));
	struct out *command = out_list(probe, "command");
	out_add(command, "/bin/sh");
	out_add(command, "-c");
	out_add(command, text_get(&line));
	text_fini(&line);
}

/* Whose lines have another form there: "192.0.2.1 => DOWN/60". */
static void extfile(struct gdnsd *g, struct out *probe, const struct node *type)
{
	const char *file = node_get_string(type, "file"), *down = node_get_string(type, "def_down");

	out_set(probe, "kind", "external");
	out_set(probe, "file", file ? file : type->key->text);
	out_set(probe, "expires", "never");
	out_set(probe, "initial", down && strcasecmp(down, "true") == 0 ? "down" : "up");
	plan_note(g->p, NOTE_DIFFERS, g->file, type->line,
		"service_types: %s by the plugin extfile: lines of the file are \"192.0.2.1 down\" here, without \"=>\" and a TTL; "
		"what writes it has to follow, and what is told holds at once",
		type->key->text);
}

/* Down for good: nobody is asked. */
static void always_down(struct out *probe)
{
	out_set(probe, "kind", "external");
	out_set(probe, "expires", "never");
	out_set(probe, "initial", "down");
}

/* Failures in a row are counted here. gdnsd forgets them after "ok_thresh" good answers, of which one is as here. */
static void tell_ok_thresh(struct gdnsd *g, const struct node *type)
{
	const char *text = node_get_string(type, "ok_thresh");

	if (!text || strtoul(text, NULL, 10) != 1)
		plan_note(g->p, NOTE_DIFFERS, g->file, type->line, "service_types: %s: any pass begins the count of failures anew, not %s in a row (ok_thresh)", type->key->text,
			text ? text : "10");
}

/* Of a service type. False: it is up whatever happens. */
static bool make_probe(struct gdnsd *g, const struct node *type, struct out *probe)
{
	const char *plugin = node_get_string(type, "plugin"), *text;

	plugin = plugin ? plugin : "";
	if (strcmp(plugin, "http_status") == 0) {
		out_set(probe, "kind", "http");
		if ((text = node_get_string(type, "vhost")))
			out_set(probe, "host", text);
		if ((text = node_get_string(type, "url_path")))
			out_set(probe, "path", text);
		const struct node *codes = parse_get(type, "ok_codes");
		struct out *expect = out_list(probe, "expect");
		if (!codes)
			out_add(expect, "200");
		else if (node_string(codes))
			out_add(expect, codes->text);
		for (const struct node *c = codes && codes->kind == NODE_LIST ? codes->first : NULL; c; c = c->next)
			out_add(expect, node_string(c) ? c->text : "200");
	} else if (strcmp(plugin, "tcp_connect") == 0) {
		out_set(probe, "kind", "tcp");
	} else if (strcmp(plugin, "extmon") == 0) {
		extmon(g, probe, type);
	} else if (strcmp(plugin, "extfile") == 0) {
		extfile(g, probe, type);
		return true;
	} else if (strcmp(plugin, "static") == 0) {
		if (!(text = node_get_string(type, "state")) || strcasecmp(text, "down") != 0)
			return false;
		always_down(probe);
		return true;
	} else {
		plan_note(g->p, NOTE_LOST, g->file, type->line, "service_types: %s by the plugin %s: it counts as up; \"waymarkctl force\", or a probe of kind exec or external, can say otherwise",
			type->key ? type->key->text : "", *plugin ? plugin : "(none)");
		return false;
	}
	if ((text = node_get_string(type, "port")))
		out_set(probe, "port", text);
	const char *every = node_get_string(type, "interval");
	seconds(probe, "every", type, "interval", "10");
	if (node_get_string(type, "timeout"))
		seconds(probe, "timeout", type, "timeout", "5");
	else
		out_setf(probe, "timeout", "%dms", every && atoi(every) > 0 ? atoi(every) * 500 : 5000);
	/* up_thresh of 20 and so on: gdnsd's own. */
	out_set(probe, "rise", (text = node_get_string(type, "up_thresh")) ? text : "20");
	out_set(probe, "fall", (text = node_get_string(type, "down_thresh")) ? text : "10");
	tell_ok_thresh(g, type);
	return true;
}

/* One service type; NULL: up. */
static const char *probe_of(struct gdnsd *g, const char *name)
{
	const struct node *types = parse_get(g->top, "service_types"), *type = types ? parse_get(types, name) : NULL;
	struct out *probes = out_map(g->p->conf, "probes"), *is;

	if (strcmp(name, "up") == 0)
		return NULL;
	if (strcmp(name, "down") == 0) {
		if (!out_get(probes, name))
			always_down(out_map(probes, name));
		return name;
	}
	if (!type || type->kind != NODE_MAP) {
		plan_note(g->p, NOTE_LOST, g->file, types ? types->line : 0, "service_types: there is no %s", name);
		return NULL;
	}
	if ((is = out_get(probes, name)))
		return out_count(is) ? name : NULL;
	return make_probe(g, type, out_map(probes, name)) ? name : NULL;
}

const char *gdnsd_probe(struct gdnsd *g, const struct gdnsd_inherit *in)
{
	const struct node *types = gdnsd_said(in, "service_types");
	struct words names = { .n = 0 };

	if (node_string(types)) {
		const char *one = probe_of(g, types->text);
		if (one)
			plan_word(g->p, &names, one);
	}
	for (const struct node *t = types && types->kind == NODE_LIST ? types->first : NULL; t; t = t->next) {
		const char *one = node_string(t) ? probe_of(g, t->text) : NULL;
		if (one && !plan_has_word(&names, one))
			plan_word(g->p, &names, one);
	}
	if (names.n < 2)
		return names.n ? names.of[0] : NULL;
	struct text name = { 0 };
	for (size_t i = 0; i < names.n; i++)
		text_addf(&name, "%s%s", i ? "-and-" : "", names.of[i]);
	const char *all = plan_textf(g->p, "%s", text_get(&name));
	text_fini(&name);
	struct out *probe = out_map(out_map(g->p->conf, "probes"), all);
	for (size_t i = 0; i < names.n && out_count(out_get(probe, "all")) < names.n; i++)
		out_add(out_list(probe, "all"), names.of[i]);
	return all;
}
