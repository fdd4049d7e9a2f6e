#include "daemon/tree.h"

#include "conf/include.h"

#include <sodium.h>
#include <string.h>

enum { LONG = 32, SHORT = 16 };

struct tree_key tree_key_new(void)
{
	struct tree_key key;

	randombytes_buf(&key, sizeof key);
	return key;
}

void tree_key_text(char to[static TREE_KEY_TEXT], const struct tree_key *key)
{
	sodium_bin2hex(to, TREE_KEY_TEXT, key->bytes, TREE_KEY);
}

bool tree_key_parse(struct tree_key *key, const char *text)
{
	size_t len;

	return sodium_hex2bin(key->bytes, TREE_KEY, text, strlen(text), NULL, &len, NULL) ==
		0 &&
		len == TREE_KEY;
}

/* By name, wherever it stands: a secret that is new to the schema is safe from its first day.
 */
bool tree_is_secret(const char *key)
{
	return strcmp(key, "secret") == 0 || strcmp(key, "staging") == 0 ||
		strcmp(key, "key") == 0 || strcmp(key, "password") == 0;
}

/* A "key" is 32 bytes in base64, the others are 16 in hexadecimal digits. */
static json_t *hashed(const char *name, const char *text, const struct tree_key *key)
{
	unsigned char hash[LONG];
	char to[sodium_base64_ENCODED_LEN(LONG, sodium_base64_VARIANT_ORIGINAL)];
	const bool is_key = strcmp(name, "key") == 0;

	crypto_generichash(hash, is_key ? LONG : SHORT, (const unsigned char *)text,
		strlen(text), key->bytes, TREE_KEY);
	if (is_key)
		sodium_bin2base64(to, sizeof to, hash, LONG, sodium_base64_VARIANT_ORIGINAL);
	else
		sodium_bin2hex(to, sizeof to, hash, SHORT);
	return json_string(to);
}

/* The password of a URL: scheme://user:password@host. It may have an @ in it (net/redis_at). */
static json_t *without_password(const char *text, const struct tree_key *key)
{
	const char *scheme = strstr(text, "://"), *at = scheme ? strrchr(scheme, '@') : NULL,
		   *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;

	if (!colon)
		return json_string(text);
	json_t *hash = hashed("secret", text, key);
	json_t *to = json_sprintf("%.*s%s%s", (int)(colon + 1 - text), text, json_string_value(hash), at);
	json_decref(hash);
	return to;
}

/* `secret` is the key of the secret that this is part of, or NULL. */
static json_t *of_node(const struct node *n, const struct tree_key *key, const char *secret)
{
	if (n->kind == NODE_SCALAR)
		return secret ? hashed(secret, n->text, key) : without_password(n->text, key);
	json_t *o = n->kind == NODE_MAP ? json_object() : json_array();
	for (const struct node *i = n->first; i; i = i->next) {
		const char *name = i->key ? i->key->text : NULL;
		const bool hides = name && i->kind != NODE_MAP && tree_is_secret(name);
		json_t *child = of_node(i, key, hides ? name : secret);
		if (name)
			json_object_set_new(o, name, child);
		else
			json_array_append_new(o, child);
	}
	return o;
}

json_t *tree_json(
	const struct parse_files *files, const struct tree_key *key, struct faults *f)
{
	struct arena scratch = { 0 };
	const struct node *top = include_tree(files, &scratch, NULL, f);
	json_t *tree = top && f->errors == 0 ? of_node(top, key, NULL) : NULL;

	arena_fini(&scratch);
	return tree;
}
