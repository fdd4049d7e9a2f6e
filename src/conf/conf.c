#include "conf/conf.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/scope.h"
#include "geo/netmap.h"
#include "conf/include.h"
#include "conf/schema.h"

#include <string.h>

enum { FILE_MOST = 64 << 20 };

/* What their files say, in whatever order classes are written. */
static void add_classes(struct conf *c)
{
	const struct hash_key key = { 33, 34 };
	uint64_t sum = 0;

	for (size_t i = 0; i < c->n_classes; i++)
		sum += hash_pair(hash_bytes(key, (const uint8_t *)c->classes[i].name, strlen(c->classes[i].name)), c->classes[i].hash);
	if (c->n_classes)
		conf_sums_add(&c->sums, "clients", sum);
}

/* With `lacking`, files of nets that cannot be read are no reason to go no further. */
static bool read_text(
	struct conf *c, const char *path, const char *text, size_t len, bool lacking, struct faults *f)
{
	const unsigned before = f->errors;
	bool whole;
	struct arena scratch;

	*c = (struct conf){ 0 };
	arena_init(&c->mem);
	arena_init(&scratch);
	c->path = arena_strdup(&c->mem, path);
	c->text = arena_memdup(&c->mem, text, len);
	c->text_end = c->text + len;

	struct parse_file *first = arena_alloc(&c->mem, sizeof *first);
	*first = (struct parse_file){ c->path, c->text, c->text_end };
	c->sources = (struct parse_files){ first, 1 };
	const bool found = include_find(&c->sources, &c->mem, f);

	const struct parse_source src = { c->path, c->text, c->text_end, f, 0, &c->sources };
	const struct node *top = include_tree(&c->sources, &scratch, &whole, f);
	if (top && found && whole) { /* else what is missed may be in what cannot be read */
		schema_read(c, top, &src, &scratch);
		conf_sums_make(&c->sums, top, &c->mem);
		add_classes(c);
	}
	arena_fini(&scratch);
	if (c->n_pools)
		c->pool_numbers = numbers_new(
			&c->mem, &c->pools->name, sizeof *c->pools, c->n_pools);
	if (f->errors == before + (lacking && found && whole ? c->n_lacking : 0))
		return true;
	conf_fini(c);
	return false;
}

bool conf_read_text(
	struct conf *c, const char *path, const char *text, size_t len, struct faults *f)
{
	return read_text(c, path, text, len, false, f);
}

bool conf_read(struct conf *c, const char *path, struct faults *f)
{
	struct fault why;
	struct file file;

	*c = (struct conf){ 0 };
	if (!file_read(&file, path, FILE_MOST, &why))
		return faults_take(f, &why);
	scope_hold(&file, file_let_go);
	const bool ok = conf_read_text(c, path, file.text, file.len, f);
	scope_forget(&file, file_let_go);
	file_free(&file);
	return ok;
}

static void throw_away(struct part *p)
{
	struct conf *c = (struct conf *)p; /* its first member */

	conf_fini(c);
	memory_free(c);
}

static struct conf *share(const struct conf *read)
{
	struct conf *c = memory_zeroed(1, sizeof *c);

	*c = *read;
	c->part = part_new(throw_away);
	return c;
}

static uint32_t digest_of(const struct conf *c)
{
	const struct hash_key key = { 1, 2 };
	uint64_t h = c->sources.n;

	for (size_t i = 0; i < c->sources.n; i++) {
		const struct parse_file *f = &c->sources.of[i];
		h = hash_pair(h, hash_bytes(key, (const uint8_t *)f->text, (size_t)(f->text_end - f->text)));
	}
	return (uint32_t)h;
}

static struct conf *open_text(const char *path, const char *text, size_t len, bool lacking, struct faults *f)
{
	struct conf read;

	if (!read_text(&read, path, text, len, lacking, f))
		return NULL;
	read.digest = digest_of(&read);
	return share(&read);
}

struct conf *conf_open_text(const char *path, const char *text, size_t len, struct faults *f)
{
	return open_text(path, text, len, false, f);
}

struct conf *conf_open_lacking(const char *path, struct faults *f)
{
	struct fault why;
	struct file file;

	if (!file_read(&file, path, FILE_MOST, &why)) {
		faults_take(f, &why);
		return NULL;
	}
	scope_hold(&file, file_let_go);
	struct conf *c = open_text(path, file.text, file.len, true, f);
	scope_forget(&file, file_let_go);
	file_free(&file);
	return c;
}

static bool same_file(const struct parse_file *a, const struct parse_file *b)
{
	const size_t len = (size_t)(a->text_end - a->text);

	return strcmp(a->path, b->path) == 0 && (size_t)(b->text_end - b->text) == len &&
		memcmp(a->text, b->text, len) == 0;
}

/* Of what is read anew: is it all as it was? */
static bool same_files(const struct conf *a, const struct conf *b)
{
	bool same = a->sources.n == b->sources.n;

	for (size_t i = 0; same && i < a->sources.n; i++)
		same = same_file(&a->sources.of[i], &b->sources.of[i]);
	return same;
}

static bool reads_files(const struct conf *c)
{
	for (size_t i = 0; i < c->n_classes; i++)
		if (c->classes[i].from_file)
			return true;
	return false;
}

/* Of equal texts: have their classes of clients come from equal files, too? */
static bool same_classes(const struct conf *a, const struct conf *b)
{
	bool same = a->n_classes == b->n_classes;

	for (size_t i = 0; same && i < a->n_classes; i++)
		same = a->classes[i].hash == b->classes[i].hash;
	return same;
}

static struct conf *hold(const struct conf *c)
{
	struct conf *own = (struct conf *)(uintptr_t)c;

	part_hold(&own->part);
	return own;
}

struct conf *conf_open(const char *path, const struct conf *before, struct faults *f)
{
	struct conf *c;
	struct fault why;
	struct file file;

	if (!file_read(&file, path, FILE_MOST, &why)) {
		faults_take(f, &why);
		return NULL;
	}
	scope_hold(&file, file_let_go);
	const struct parse_file main = { path, file.text, file.text + file.len };
	if (before && same_file(&before->sources.of[0], &main) &&
		!memmem(file.text, file.len, "include", 7) && !reads_files(before)) {
		c = hold(before);
	} else {
		c = conf_open_text(path, file.text, file.len, f);
		if (c && before && same_files(c, before) && same_classes(c, before)) {
			part_drop(&c->part);
			c = hold(before);
		}
	}
	scope_forget(&file, file_let_go);
	file_free(&file);
	return c;
}

int conf_template(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_templates; i++)
		if (strcmp(c->templates[i], name) == 0)
			return (int)(c->first_template + i);
	return -1;
}

int conf_pool(const struct conf *c, const char *name)
{
	return numbers_find(&c->pool_numbers, name);
}

struct fault_at conf_place(
	const struct conf *c, unsigned source, unsigned line, unsigned column)
{
	const struct parse_file *in = &c->sources.of[source < c->sources.n ? source : 0];

	return (struct fault_at){ in->path, in->text, in->text_end, line, column };
}

struct fault_at conf_path_at(const struct conf *c, const char *path)
{
	for (size_t i = 0; i < c->n_paths; i++) {
		const struct conf_path *p = &c->paths[i];
		if (p->path == path || strcmp(p->path, path) == 0)
			return conf_place(c, p->source, p->line, p->column);
	}
	return conf_place(c, 0, 0, 0);
}

bool conf_path_fault(const struct conf *c, const struct fault *why, struct faults *f)
{
	for (size_t i = 0; i < c->n_paths; i++) {
		const struct conf_path *p = &c->paths[i];
		const size_t len = strlen(p->path);
		const struct fault_at at = conf_place(c, p->source, p->line, p->column);
		if (strncmp(why->text, p->path, len) == 0 && why->text[len] == ':')
			return faults_error(f, &at, "%s", why->text);
	}
	return faults_take(f, why);
}

bool conf_places_at(struct conf_places *p, const char *section, const char *key, struct fault_at *to)
{
	struct faults unheard;

	if (!p->read) {
		faults_init(&unheard);
		p->top = include_tree(&p->conf->sources, &p->mem, NULL, &unheard);
		faults_fini(&unheard);
		p->read = true;
	}
	const struct node *in = p->top ? parse_get(p->top, section) : NULL;
	const struct node *value = in ? parse_get(in, key) : NULL;
	const struct node *at = value ? value->key : in ? in->key : NULL;
	*to = at ? conf_place(p->conf, at->file, at->line, at->column) : conf_place(p->conf, 0, 0, 0);
	return value != NULL;
}

void conf_places_fini(struct conf_places *p)
{
	arena_fini(&p->mem);
}

bool conf_at(const struct conf *c, const char *section, const char *key, struct fault_at *to)
{
	struct conf_places p = { .conf = c };
	const bool there = conf_places_at(&p, section, key, to);

	conf_places_fini(&p);
	return there;
}

/* The word behind "control: ... socket:" of a text that is no YAML at present: an operator who
 * has just broken the file still wants to reach the server. NULL when there is none. */
static char *glean_socket(struct arena *mem, const char *text)
{
	const char *control = strncmp(text, "control:", 8) == 0 ? text
								: strstr(text, "\ncontrol:");
	const char *p = control ? strstr(control, "socket:") : NULL;

	if (!p)
		return NULL;
	p += 7;
	p += strspn(p, " \"'");
	const size_t len = strcspn(p, " \"',}\r\n");
	char *word = arena_memdup(mem, p, len + 1);
	word[len] = 0;
	return len ? word : NULL;
}

const char *conf_find_socket(const char *path, struct arena *mem, struct fault *why)
{
	struct faults unheard;
	struct arena scratch = { 0 };
	struct file file;
	const char *found = NULL;

	if (!file_read(&file, path, FILE_MOST, why))
		return NULL;
	scope_hold(&file, file_let_go);
	faults_init(&unheard);
	scope_hold(&unheard.text, text_let_go);
	const struct parse_file first = { path, file.text, file.text + file.len };
	struct parse_files files = { &first, 1 };
	include_find(&files, &scratch, &unheard);
	const struct node *top = include_tree(&files, &scratch, NULL, &unheard);
	const struct node *control = top && top->kind == NODE_MAP ? parse_get(top, "control")
								  : NULL;
	const struct node *socket = control && control->kind == NODE_MAP
		? parse_get(control, "socket")
		: NULL;
	const char *word = socket && socket->kind == NODE_SCALAR ? socket->text
		: top                                            ? NULL
		      : glean_socket(&scratch, file.text);
	if (word)
		found = file_beside(mem, path, word);
	else
		fault(why,
			"%s names no control socket (add \"control: { socket: PATH }\", or use "
			"-s SOCKET)",
			path);
	arena_fini(&scratch);
	scope_forget(&unheard.text, text_let_go);
	faults_fini(&unheard);
	scope_forget(&file, file_let_go);
	file_free(&file);
	return found;
}

void conf_fini(struct conf *c)
{
	for (size_t i = 0; i < c->n_classes; i++)
		if (c->classes[i].map)
			netmap_drop(c->classes[i].map);
	arena_fini(&c->mem);
	*c = (struct conf){ 0 };
}

const struct probe_opts *conf_external(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_probes; i++)
		if (c->probes[i].kind == PROBE_EXTERNAL && strcmp(c->probes[i].name, name) == 0)
			return &c->probes[i];
	return NULL;
}
