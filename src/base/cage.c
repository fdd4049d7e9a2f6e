#include "base/cage.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __has_feature /* clang's word for it */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CAGE_SANITIZED
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(CAGE_SANITIZED)
#define CAGE_ARCH 0 /* they look into the process, and open files to say what they have found */
#elif defined(__x86_64__)
#define CAGE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CAGE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__i386__)
#define CAGE_ARCH AUDIT_ARCH_I386
#elif defined(__arm__)
#define CAGE_ARCH AUDIT_ARCH_ARM
#else
#define CAGE_ARCH 0 /* no list of calls is known to be right */
#endif

enum { X32 = 0x40000000 }; /* the bit of x86-64's other calls, which nobody here makes */

/* Of no use to a nameserver, whatever it is asked. */
static const uint32_t never[] = { SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_mount, SYS_umount2, SYS_pivot_root,
	SYS_chroot, SYS_setns, SYS_unshare, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_kexec_load, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_userfaultfd, SYS_quotactl, SYS_acct, SYS_settimeofday, SYS_clock_settime,
	SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname, SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_syslog,
	SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_mknodat, SYS_vhangup, SYS_lookup_dcookie, SYS_perf_event_open,
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef SYS_open_tree
	SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount,
#endif
#ifdef SYS_mknod
	SYS_mknod,
#endif
#ifdef SYS_uselib
	SYS_uselib, SYS_ustat,
#endif
#ifdef SYS_iopl
	SYS_modify_ldt, SYS_iopl, SYS_ioperm,
#endif
#ifdef SYS_clock_settime64 /* times of 64 bits where words have 32 */
	SYS_clock_settime64, SYS_clock_adjtime64,
#endif
#ifdef SYS_stime
	SYS_stime,
#endif
#ifdef SYS_vm86
	SYS_umount, SYS_vm86, SYS_vm86old,
#endif
};

/* Programs are started by the launcher, and who we are is settled. */
static const uint32_t server[] = { SYS_execve, SYS_execveat, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid,
	SYS_setgroups, SYS_capset,
#ifdef SYS_fork
	SYS_fork, SYS_vfork,
#endif
#ifdef SYS_setuid32 /* those without it have numbers of 16 bits */
	SYS_setuid32, SYS_setgid32, SYS_setreuid32, SYS_setregid32, SYS_setresuid32, SYS_setresgid32, SYS_setgroups32,
#endif
};

/* Packets are received and sent; what is needed for that is open before the first one. */
static const uint32_t packets[] = { SYS_openat, SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_kill,
	SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_unlinkat, SYS_mkdirat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_truncate,
	SYS_ftruncate, SYS_prlimit64,
	SYS_bpf, SYS_memfd_create, SYS_inotify_init1, SYS_fanotify_init, SYS_chdir, SYS_getdents64, SYS_statfs, SYS_mq_open, SYS_shmget, SYS_semget,
	SYS_msgget, SYS_shmat,
#ifdef SYS_renameat /* newer kinds of machines have the other alone */
	SYS_renameat,
#endif
#ifdef SYS_openat2
	SYS_openat2,
#endif
#ifdef SYS_pidfd_send_signal
	SYS_pidfd_send_signal,
#endif
#ifdef SYS_open
	SYS_open, SYS_creat, SYS_unlink, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_link, SYS_symlink, SYS_chmod, SYS_chown, SYS_lchown,
	SYS_inotify_init, SYS_getdents,
#endif
#ifdef SYS_chown32
	SYS_chown32, SYS_lchown32, SYS_fchown32, SYS_truncate64, SYS_ftruncate64, SYS_statfs64,
#endif
#ifdef SYS_ipc /* all of System V's by one number */
	SYS_ipc,
#endif
};

/* i386 has all of sockets by one number, too, and the C library goes by it: which is asked for stands in the first argument. */
#ifdef SYS_socketcall
#define SOCKETCALL SYS_socketcall
static const uint32_t socket_packets[] = { 1 /* socket */, 2 /* bind */, 3 /* connect */, 4 /* listen */, 8 /* socketpair */ };
#else
#define SOCKETCALL UINT32_MAX /* no call has that number */
static const uint32_t socket_packets[] = { 0 };
#endif

enum { NEVER = sizeof never / sizeof *never, SERVER = sizeof server / sizeof *server, PACKETS = sizeof packets / sizeof *packets,
	SOCKET_PACKETS = sizeof socket_packets / sizeof *socket_packets, CODE_MOST = 15 + 2 * (NEVER + SERVER + PACKETS + SOCKET_PACKETS) };

/* Where the lower half of a call's first argument is, which has all of an int. */
#define FIRST_ARGUMENT (offsetof(struct seccomp_data, args) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

static void put(struct sock_filter *code, unsigned *n, uint16_t op, uint32_t k, uint8_t yes, uint8_t no)
{
	code[(*n)++] = (struct sock_filter){ op, yes, no, k };
}

static void deny(struct sock_filter *code, unsigned *n, const uint32_t *calls, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		put(code, n, BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		put(code, n, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	}
}

bool cage_close(enum cage which)
{
	struct sock_filter code[CODE_MOST];
	unsigned n = 0;

	if (!CAGE_ARCH)
		return false;
	/* Calls of another kind of machine have other numbers. */
	put(code, &n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	put(code, &n, BPF_JMP | BPF_JEQ | BPF_K, CAGE_ARCH, 1, 0);
	put(code, &n, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	put(code, &n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	put(code, &n, BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1);
	put(code, &n, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	deny(code, &n, never, NEVER);
	if (which >= CAGE_SERVER)
		deny(code, &n, server, SERVER);
	if (which >= CAGE_PACKETS) {
		deny(code, &n, packets, PACKETS);
		/* A thread of our own may be woken, and who aborts signals himself. */
		put(code, &n, BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 4);
		put(code, &n, BPF_LD | BPF_W | BPF_ABS, FIRST_ARGUMENT, 0, 0);
		put(code, &n, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 0, 1);
		put(code, &n, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
		put(code, &n, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
		/* Behind it the number is not at hand any more. Words of 64 bits have no such call. */
		put(code, &n, BPF_JMP | BPF_JEQ | BPF_K, SOCKETCALL, 1, 0);
		put(code, &n, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
		put(code, &n, BPF_LD | BPF_W | BPF_ABS, FIRST_ARGUMENT, 0, 0);
		deny(code, &n, socket_packets, SOCKET_PACKETS);
	}
	put(code, &n, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	const struct sock_fprog program = { .len = (uint16_t)n, .filter = code };
	/* SPEC_ALLOW: without it some kernels slow the thread down, against code that it does not run. */
	const unsigned flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW | (which == CAGE_SERVER ? SECCOMP_FILTER_FLAG_TSYNC : 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0;
}
