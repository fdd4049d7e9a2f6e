/* include.h - a configuration of several files.
 *
 * `include:` at the top of a file names others, whose sections are as if they stood in the
 * first: keys of one section may come from several files, no key from two, and lists are put
 * together. All files are read once and kept, so that what is told later of a configuration is
 * told of what was read. Every relative path starts at the folder of the first file.
 */
#ifndef CONF_INCLUDE_H
#define CONF_INCLUDE_H

#include "base/arena.h"
#include "conf/parse.h"

enum { INCLUDE_MOST = 1000 }; /* files */

/* Adds to `files`, which has the first, all that it includes, and what these include. Texts and
 * paths live in `keep`. False: told, and some of it is not there. */
bool include_find(struct parse_files *files, struct arena *keep, struct faults *f);

/* One tree of all of them, in `mem`, whose nodes know their file. NULL, and told, when the
 * first is no mapping of sections; what is wrong with others is told, and they are left out: then `*whole`, where it is not NULL, is false. */
struct node *include_tree(const struct parse_files *files, struct arena *mem, bool *whole, struct faults *f);

#endif
