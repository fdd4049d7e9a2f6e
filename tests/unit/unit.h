/* unit.h - a suite of unit tests is a table of claims.
 */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <CUnit/CUnit.h>

#include <stddef.h>

struct unit_case {
	const char *claim; /* a sentence that is true when the test passes */
	void (*run)(void);
};

/* Adds a suite; `name` is the file it tests ("geo/netmap"). Called by suite_<name>() of
 * tests/unit/<room>/test_<name>.c; main.c calls all of those. */
void unit_suite(const char *name, const struct unit_case *cases, size_t n);

/* The same; open() is called before its first test, close() after its last. Both return 0. */
void unit_suite_with(const char *name, const struct unit_case *cases, size_t n,
	int (*open)(void), int (*close)(void));

#define UNIT_COUNT(table) (sizeof(table) / sizeof *(table))

#endif
