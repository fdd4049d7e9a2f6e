/* books_new.h - room for what a worker keeps (answer/books.h).
 */
#ifndef NET_BOOKS_NEW_H
#define NET_BOOKS_NEW_H

#include "answer/books.h"

/* Pages come when they are touched. Never NULL. */
struct books *books_new(void);
void books_free(struct books *b);

#endif
