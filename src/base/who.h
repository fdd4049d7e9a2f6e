/* who.h - who has said something: a user of this machine, or a token of the API.
 *
 * Both have a number where others have a user's. The loop's thread.
 */
#ifndef BASE_WHO_H
#define BASE_WHO_H

enum { WHO_TEXT = 96 };
#define WHO_TOKEN 0x80000000u /* and the number of a token */
#define WHO_FLEET 0x7ffffffeu /* somebody at another server of the fleet */

/* "root", "uid 1234" of one without a name, "token ci", "token 3" of one that is gone. Returns `to`. */
const char *who_text(char to[static WHO_TEXT], unsigned uid);

/* Who knows the names of tokens; borrowed until it is another. NULL: nobody. */
void who_set_tokens(const char *(*name)(void *ctx, unsigned number), void *ctx);

#endif
