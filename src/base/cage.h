/* cage.h - what a thread may ask of the kernel: what its work does not need is denied.
 *
 * A filter of system calls (seccomp(2)), as a short program of classic BPF, for the thread that asks for it and all that it makes (CAGE_SERVER: for
 * those that are there, too). It cannot be taken off. What is denied fails with EPERM, as it would for want of a right: nothing is killed by a call that was
 * forgotten here. Needs no_new_privs (daemon/privs), and is nothing where the kernel, or this machine's kind, has no such filters.
 */
#ifndef BASE_CAGE_H
#define BASE_CAGE_H

#include <stdbool.h>

enum cage {
	CAGE_COMMAND, /* what the operator has us run: looks into no other process, loads no code into the kernel, mounts nothing, leaves no namespace */
	CAGE_SERVER,  /* all threads of the server: besides starts no program, becomes nobody else */
	CAGE_PACKETS  /* who answers packets: besides opens no file, makes no socket, connects nowhere, signals nobody else */
};

/* False when there is no such filter here. */
bool cage_close(enum cage which);

#endif
