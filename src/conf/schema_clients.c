/* schema_clients.c - clients: classes of clients by their nets, written here or in files.
 */
#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "conf/option.h"
#include "conf/schema.h"
#include "geo/netmap.h"

#include <stdio.h>
#include <string.h>

enum { CLASS_FILE_MOST = 1 << 30, CLASS_NETS_MOST = 16 << 20, CLASS_INLINE_MOST = 1 << 16 };

/* A class while it is read. */
struct reading {
	struct netmap_net *nets;
	size_t n, room;
	uint64_t hash; /* of the files */
	bool from_file;
};

static void add_net(struct reading *c, const struct prefix *net)
{
	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->nets = memory_grow(c->nets, c->room * sizeof *c->nets);
	}
	c->nets[c->n++] = (struct netmap_net){ *net, 1 };
}

/* --- files -------------------------------------------------------------------------------- */

/* A net a line; "#" and what is behind it is for people. False: told. */
static bool take_line(struct reading *c, const char *line, size_t len, struct fault *why)
{
	char text[ADDR_TEXT];
	struct prefix net;
	const char *hash = memchr(line, '#', len);

	len = hash ? (size_t)(hash - line) : len;
	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	while (len && strchr(" \t", *line)) {
		line++;
		len--;
	}
	if (!len)
		return true;
	if (len >= sizeof text)
		return fault(why, "not an address or prefix");
	memcpy(text, line, len);
	text[len] = 0;
	if (!prefix_parse(&net, text, why))
		return false;
	if (c->n == CLASS_NETS_MOST)
		return fault(why, "more than %d nets", CLASS_NETS_MOST);
	add_net(c, &net);
	return true;
}

static bool take_text(struct reading *c, const char *path, const struct file *f, struct fault *why)
{
	struct fault inner;
	unsigned line = 1;
	const char *at = f->text, *end = f->text + f->len;

	for (; at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		if (!take_line(c, at, (size_t)(stop - at), &inner))
			return fault(why, "%s:%u: %s", path, line, inner.text);
		at = stop + 1;
	}
	return true;
}

static bool read_file(struct reading *c, const char *path, struct fault *why)
{
	const struct hash_key key = { 11, 13 };
	struct file f;

	if (!file_read(&f, path, CLASS_FILE_MOST, why))
		return false;
	scope_hold(&f, file_let_go);
	const bool ok = take_text(c, path, &f, why);
	c->hash = hash_mix(c->hash ^ hash_bytes(key, (const uint8_t *)f.text, f.len), HASH_STEP);
	c->from_file = true;
	scope_forget(&f, file_let_go);
	file_free(&f);
	return ok;
}

static void take_files(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct fault why;

	if (!option_is_list(r, key, value, CLASS_INLINE_MOST))
		return;
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *path = NULL;
		option_path(r, key, i, &path);
		if (path && !read_file(to, path, &why)) {
			parse_error(r->src, i, "%s", why.text);
			r->conf->n_lacking++;
		}
	}
}

/* --- nets --------------------------------------------------------------------------------- */

static void take_nets(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct fault why;
	struct prefix net;

	if (!option_is_list(r, key, value, CLASS_INLINE_MOST))
		return;
	for (const struct node *i = option_first(value); i; i = option_next(value, i)) {
		const char *text = option_scalar(r, key, i);
		if (!text)
			continue;
		if (prefix_parse(&net, text, &why))
			add_net(to, &net);
		else
			parse_error(r->src, i, "%s", why.text);
	}
}

#define NETS "a net such as 192.0.2.0/24, or a list of them"

const struct key schema_class_keys[] = {
	{ "nets", take_nets, .say = NETS,
		.about = "The class's nets. They may stand in the place of the mapping.",
		.otherwise = "none" },
	{ "file", take_files, .say = "a path, or a list of them",
		.about = "Files with a net a line; \"#\" begins a remark. A reload reads them anew.",
		.otherwise = "none" },
	{ 0 },
};

/* --- all classes -------------------------------------------------------------------------- */

static void read_class(struct reader *r, const struct node *node, struct conf_class *to)
{
	static const struct key plain = { .name = "nets", .say = NETS };
	struct reading c = { .n = 0 };
	char shown[OPTION_SHOWN], where[OPTION_SHOWN + 8] = "class ";

	*to = (struct conf_class){ .name = arena_strdup(r->mem, node->key->text) };
	strcat(where, option_shown(shown, to->name));
	if (node->kind != NODE_BAD && keys_has_value(r, node)) {
		if (node->kind == NODE_MAP)
			keys_read(r, schema_class_keys, node, where, &c);
		else
			take_nets(r, &plain, node, &c);
	}
	to->map = netmap_from_nets(c.nets, c.n);
	to->n = c.n;
	to->hash = c.hash;
	to->from_file = c.from_file;
	memory_free(c.nets);
}

void schema_clients(struct reader *r, const struct key *key, const struct node *value, void *to)
{
	struct conf *c = to;

	if (!keys_is_map(r, value, key->name))
		return;
	c->classes = arena_zalloc(r->mem, value->n * sizeof *c->classes);
	const char **names = arena_alloc(r->scratch, value->n * sizeof *names);
	for (const struct node *i = value->first; i && !faults_full(r->src->faults); i = i->next) {
		names[c->n_classes] = i->key->text;
		read_class(r, i, &c->classes[c->n_classes++]);
	}
	r->classes = known_new(r->scratch, names, c->n_classes);
}
