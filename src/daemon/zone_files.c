#include "daemon/zone_files.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

static bool is_one_of(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i], word) == 0)
			return true;
	return false;
}

bool zone_files_match(const char *pattern, const char *file)
{
	return file[0] != '.' && (!pattern || fnmatch(pattern, file, FNM_PERIOD) == 0);
}

/* "bak", "OLD2", "bak-2026-11-29": what is left behind, and which of them. */
static bool is_left_behind(const char *label, size_t len)
{
	static const char *const endings[] = { "bak", "backup", "old", "orig", "rej", "save",
		"sav", "swp", "swo", "tmp", "temp", "new", "part", "lock", "jnl", "jbk", "diff",
		"patch", "rpmsave", "rpmnew", "rpmorig", "pacnew", "pacsave", "dpkg-old",
		"dpkg-new", "dpkg-dist", "dpkg-tmp", "dpkg-bak", "dpkg-backup", "dpkg-remove",
		"ucf-old", "ucf-new", "ucf-dist", "merge-left", "merge-right", "un~", "bk", "bkp",
		"copy", "disabled", "inactive", "off", "broken", "cfsaved" };

	while (len && (isdigit((unsigned char)label[len - 1]) || strchr("-_", label[len - 1])))
		len--;
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (strlen(endings[i]) == len && strncasecmp(endings[i], label, len) == 0)
			return true;
	return false;
}

/* A number or a date behind the last dot: the ending before it counts, "a.zone.1", "a.bak.2"; no name of a zone ends so. */
static bool is_numbered(const char *file, const char *dot)
{
	const char *before = dot;

	if (!isdigit((unsigned char)dot[1]) || dot[1 + strspn(dot + 1, "0123456789-_")])
		return false;
	while (before > file && before[-1] != '.')
		before--;
	const size_t len = (size_t)(dot - before);
	return before > file && ((len == 4 && memcmp(before, "zone", 4) == 0) || is_left_behind(before, len));
}

bool zone_files_leftover(const char *file)
{
	const char *dot = strrchr(file, '.');
	const size_t len = strlen(file);

	if (file[0] == '#' || file[len - 1] == '~' || file[len - 1] == '#')
		return true;
	if (strpbrk(file, " ,")) /* "a.zone (copy)", "a.zone - Copy", "a.zone,v" */
		return true;
	if (!dot)
		return strcmp(file, "4913") == 0; /* vim tries with it whether it may write there */
	return is_left_behind(dot + 1, strlen(dot + 1)) || is_numbered(file, dot);
}

/* Two letters are a country, but for "db", which none has. */
static bool is_top_level(const char *label)
{
	static const char *const names[] = { "com", "net", "org", "edu", "gov", "mil", "int",
		"arpa", "info", "biz", "name", "home", "lan", "local", "internal", "test",
		"example", "invalid" };

	return (strlen(label) == 2 && isalpha((unsigned char)label[0]) &&
		       isalpha((unsigned char)label[1]) && strcasecmp(label, "db") != 0) ||
		is_one_of(names, sizeof names / sizeof *names, label);
}

static bool is_literal(const char *s, size_t len)
{
	return strcspn(s, "?[\\") >= len;
}

/* How many bytes in front of "*" are none of the zone's name. */
static size_t front(const char *pattern)
{
	const char *star = strchr(pattern, '*');
	const size_t len = star ? (size_t)(star - pattern) : 0;

	return len && is_literal(pattern, len) && !isalnum((unsigned char)star[-1]) ? len : 0;
}

static size_t back(const char *pattern)
{
	const char *star = strrchr(pattern, '*');
	const char *dot = star ? strrchr(star, '.') : NULL;
	const size_t len = star ? strlen(star + 1) : 0;

	if (!len || !is_literal(star + 1, len) || isalnum((unsigned char)star[1]))
		return 0;
	return dot && is_top_level(dot + 1) ? 0 : len;
}

const char *zone_files_origin(const char *pattern, const char *file, size_t *len)
{
	const size_t all = strlen(file), skip = pattern ? front(pattern) : 0,
		     cut = pattern ? back(pattern) : 0;
	const char *from = file + skip;

	*len = skip + cut < all ? all - skip - cut : 0;
	if (*len > 5 && memcmp(from + *len - 5, ".zone", 5) == 0)
		*len -= 5;
	return from;
}
