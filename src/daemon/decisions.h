/* decisions.h - the log of decisions: a sample of the answers from pools, a JSON object a line.
 *
 * Workers put what is sampled into rings of their own (answer/choice_counts.h); a few times a
 * second the control thread writes it out. What finds a ring full is counted, not waited for.
 * The file is opened anew once it has another name, and gets the name FILE.1 when it is as
 * large as it may be.
 */
#ifndef DAEMON_DECISIONS_H
#define DAEMON_DECISIONS_H

struct ev_loop;
struct daemon;
struct decisions;

struct decisions *decisions_new(struct daemon *d, struct ev_loop *loop);
/* Fine for NULL. Writes what is left. */
void decisions_free(struct decisions *d);

#endif
