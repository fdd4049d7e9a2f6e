/* ctl_run.h - waymarkctl, as a function.
 */
#ifndef TOOLS_CTL_RUN_H
#define TOOLS_CTL_RUN_H

/* All of it, once in a process: getopt(3) is used, and what is allocated stays until the end. The exit status. */
int ctl_run(int argc, char **argv);

#endif
