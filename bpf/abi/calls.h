/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The system calls that concern descriptors, one row each.
 *
 * Owns: all that either side knows of a call as such. The tables of both sides are expanded from
 * these rows; a row without a column, or with one in another's place, does not compile.
 * docs/howto-syscall.md. What a column cannot say is code: classify() and own_words() of
 * bpf/fd_calls.bpf.h for the kernel side, lifecycle.c and verdict.c for the user side.
 */
#ifndef FDTRACE_CALLS_H
#define FDTRACE_CALLS_H

/*
 * CALL(ID, number, call, SHAPE, fds, flags, arg, name, makes, owner, ia32): it makes, moves or
 * ends descriptors, and has an id of its own in records.
 * PART(ID, number, call, "text", SHAPE, flags, arg, name, makes): so does a part of a call, such
 * as one command; the call has a row of its own. Of any: of no call in particular.
 * USE(call, fds, owner, ia32): it does nothing of that, but fails with EBADF if one is closed.
 *
 *   ID     CALL_ID in the records, by number: ours, the same on every architecture, append-only
 *          (52 is the next)
 *   call   the system call's name, by which it is found: numbers differ by architecture
 *   SHAPE  enum call_shape
 *   fds    FD(a), FDS(a, b): the arguments that are descriptors, and the first must be open (or
 *          -1, as signalfd's); PAIR(a): it puts two where a points to; RANGE(a, b): from a to b,
 *          open or not
 *   flags  FLAGS(a): the argument with the flags
 *   arg    ARG(a): what else a record tells. SOCKET, SOCKETPAIR: the domain; PIDFD_OPEN: the pid;
 *          CLOSE_RANGE: RANGE_MADE_TOLD; IO_URING_SETUP: enum ring_flag; INSTALLED: S_IFMT and
 *          INSTALLED_BY_CALL; OTHER: fcntl's command
 *   name   NAME(a): the argument with a path or name
 *   makes  MAKES(TYPE, FLAG): what (enum fd_type; UNKNOWN: a copy), and by which flag exec closes
 *          it. CLOEXEC: O_CLOEXEC, by whatever name; BIT0, BIT3: flags of these calls' own; NEVER;
 *          ALWAYS: the kernel sets it itself (receive_fd(), do_mq_open(), bpf_map_new_fd() ...)
 *   owner  OWNER(KIND): a Python object that owns the number shows at its end: enum owner_call
 *   ia32   IA32(n), IA32(n, m): its numbers in arch/x86/entry/syscalls/syscall_32.tbl, if its
 *          descriptors are the same arguments there; not from 424 on, where all have one number
 *   _      none; OWN: it takes code, own_words()
 *
 * Arguments are counted from 0. An argument is no descriptor here if a number in it need not be
 * open for the call not to fail with EBADF: numbers in memory (poll, select, io_submit), in another
 * process (kcmp, the second of pidfd_getfd), and arguments that are a descriptor only for some
 * commands, where others fail with EBADF too (fsconfig's last). waitid's is one only with P_PIDFD,
 * but nothing else makes waitid fail with EBADF.
 *
 * Sorted by the name of the call, for bsearch().
 */
#define CALL_ROWS(CALL, PART, USE)                                                                 \
	CALL(ACCEPT, 8, accept, MAKE, FD(0), _, _, _, MAKES(SOCKET, NEVER), _, _)                  \
	CALL(ACCEPT4, 9, accept4, MAKE, FD(0), FLAGS(3), _, _, MAKES(SOCKET, CLOEXEC), OWNER(USE), \
	     IA32(364))                                                                            \
	USE(bind, FD(0), OWNER(USE), IA32(361))                                                    \
	USE(bpf, _, _, IA32(357))                                                                  \
	PART(BPF, 38, bpf, "bpf", MAKE, _, _, _, MAKES(OTHER, ALWAYS))                             \
	USE(cachestat, FD(0), _, _)                                                                \
	CALL(CLOSE, 1, close, CLOSE, FD(0), _, _, _, _, _, IA32(6))                                \
	CALL(CLOSE_RANGE, 2, close_range, CLOSE_RANGE, RANGE(0, 1), FLAGS(2), OWN, _, _, _, _)     \
	USE(connect, FD(0), OWNER(USE), IA32(362))                                                 \
	USE(copy_file_range, FDS(0, 2), _, IA32(377))                                              \
	CALL(CREAT, 6, creat, OPEN, _, OWN, _, NAME(0), MAKES(FILE, NEVER), _, IA32(8))            \
	CALL(DUP, 13, dup, DUP, FD(0), _, _, _, MAKES(UNKNOWN, NEVER), _, IA32(41))                \
	CALL(DUP2, 14, dup2, DUP_ONTO, FDS(0, 1), _, _, _, MAKES(UNKNOWN, NEVER), _, IA32(63))     \
	CALL(DUP3, 15, dup3, DUP_ONTO, FDS(0, 1), FLAGS(2), _, _, MAKES(UNKNOWN, CLOEXEC), _,      \
	     IA32(330))                                                                            \
	CALL(EPOLL_CREATE, 19, epoll_create, MAKE, _, _, _, _, MAKES(EPOLL, NEVER), _, IA32(254))  \
	CALL(EPOLL_CREATE1, 20, epoll_create1, MAKE, _, FLAGS(0), _, _, MAKES(EPOLL, CLOEXEC),     \
	     OWNER(EPOLL), IA32(329))                                                              \
	USE(epoll_ctl, FDS(0, 2), _, IA32(255))                                                    \
	USE(epoll_pwait, FD(0), _, IA32(319))                                                      \
	USE(epoll_pwait2, FD(0), _, _)                                                             \
	USE(epoll_wait, FD(0), _, IA32(256))                                                       \
	CALL(EVENTFD, 21, eventfd, MAKE, _, _, _, _, MAKES(EVENTFD, NEVER), _, IA32(323))          \
	CALL(EVENTFD2, 22, eventfd2, MAKE, _, FLAGS(1), _, _, MAKES(EVENTFD, CLOEXEC), _,          \
	     IA32(328))                                                                            \
	USE(execveat, FD(0), _, IA32(358))                                                         \
	USE(faccessat, FD(0), _, IA32(307))                                                        \
	USE(faccessat2, FD(0), _, _)                                                               \
	USE(fadvise64, FD(0), _, IA32(250, 272))                                                   \
	USE(fallocate, FD(0), _, IA32(324))                                                        \
	CALL(FANOTIFY_INIT, 41, fanotify_init, MAKE, _, FLAGS(0), _, _, MAKES(OTHER, BIT0), _,     \
	     IA32(338))                                                                            \
	USE(fanotify_mark, FDS(0, 3), _, _)                                                        \
	USE(fchdir, FD(0), _, IA32(133))                                                           \
	USE(fchmod, FD(0), _, IA32(94))                                                            \
	USE(fchmodat, FD(0), _, IA32(306))                                                         \
	USE(fchmodat2, FD(0), _, _)                                                                \
	USE(fchown, FD(0), _, IA32(95))                                                            \
	USE(fchownat, FD(0), _, IA32(298))                                                         \
	USE(fcntl, FD(0), OWNER(USE), IA32(55, 221))                                               \
	PART(FCNTL_DUPFD, 16, fcntl, "fcntl(F_DUPFD)", DUP, _, _, _, MAKES(UNKNOWN, NEVER))        \
	PART(FCNTL_DUPFD_CLOEXEC, 17, fcntl, "fcntl(F_DUPFD_CLOEXEC)", DUP, _, _, _,               \
	     MAKES(UNKNOWN, ALWAYS))                                                               \
	PART(FCNTL_SETFD, 18, fcntl, "fcntl(F_SETFD)", SET_FD, FLAGS(2), _, _, _)                  \
	USE(fdatasync, FD(0), _, IA32(148))                                                        \
	USE(fgetxattr, FD(0), _, IA32(231))                                                        \
	USE(file_getattr, FD(0), _, _)                                                             \
	USE(file_setattr, FD(0), _, _)                                                             \
	USE(finit_module, FD(0), _, IA32(350))                                                     \
	USE(flistxattr, FD(0), _, IA32(234))                                                       \
	USE(flock, FD(0), _, IA32(143))                                                            \
	USE(fremovexattr, FD(0), _, IA32(237))                                                     \
	USE(fsconfig, FD(0), _, _)                                                                 \
	USE(fsetxattr, FD(0), _, IA32(228))                                                        \
	CALL(FSMOUNT, 44, fsmount, MAKE, FD(0), FLAGS(1), _, _, MAKES(OTHER, BIT0), _, _)          \
	CALL(FSOPEN, 43, fsopen, MAKE, _, FLAGS(1), _, _, MAKES(OTHER, BIT0), _, _)                \
	CALL(FSPICK, 45, fspick, MAKE, FD(0), FLAGS(2), _, NAME(1), MAKES(OTHER, BIT0), _, _)      \
	USE(fstat, FD(0), OWNER(FSTAT), IA32(108, 197))                                            \
	USE(fstatfs, FD(0), _, IA32(100, 269))                                                     \
	USE(fsync, FD(0), _, IA32(118))                                                            \
	USE(ftruncate, FD(0), _, IA32(93, 194))                                                    \
	USE(futimesat, FD(0), _, IA32(299))                                                        \
	USE(getdents, FD(0), _, IA32(141))                                                         \
	USE(getdents64, FD(0), _, IA32(220))                                                       \
	USE(getpeername, FD(0), OWNER(USE), IA32(368))                                             \
	USE(getsockname, FD(0), OWNER(SOCKNAME), IA32(367))                                        \
	USE(getsockopt, FD(0), OWNER(USE), IA32(365))                                              \
	USE(getxattrat, FD(0), _, _)                                                               \
	USE(inotify_add_watch, FD(0), _, IA32(292))                                                \
	CALL(INOTIFY_INIT, 26, inotify_init, MAKE, _, _, _, _, MAKES(INOTIFY, NEVER), _,           \
	     IA32(291))                                                                            \
	CALL(INOTIFY_INIT1, 27, inotify_init1, MAKE, _, FLAGS(0), _, _, MAKES(INOTIFY, CLOEXEC),   \
	     _, IA32(332))                                                                         \
	USE(inotify_rm_watch, FD(0), _, IA32(293))                                                 \
	USE(io_uring_enter, FD(0), _, _)                                                           \
	USE(io_uring_register, FD(0), _, _)                                                        \
	CALL(IO_URING_SETUP, 40, io_uring_setup, MAKE, _, _, OWN, _, MAKES(OTHER, ALWAYS), _, _)   \
	USE(ioctl, FD(0), OWNER(USE), IA32(54))                                                    \
	PART(IOCTL_CLOEXEC, 32, ioctl, "ioctl(FIOCLEX)", SET_FD, OWN, _, _, _)                     \
	USE(kexec_file_load, FDS(0, 1), _, _)                                                      \
	USE(landlock_add_rule, FD(0), _, _)                                                        \
	CALL(LANDLOCK_CREATE_RULESET, 42, landlock_create_ruleset, MAKE, _, _, _, _,               \
	     MAKES(OTHER, ALWAYS), _, _)                                                           \
	USE(landlock_restrict_self, FD(0), _, _)                                                   \
	USE(linkat, FDS(0, 2), _, IA32(303))                                                       \
	USE(listen, FD(0), OWNER(USE), IA32(363))                                                  \
	USE(listxattrat, FD(0), _, _)                                                              \
	USE(lseek, FD(0), _, IA32(19, 140))                                                        \
	CALL(MEMFD_CREATE, 28, memfd_create, MAKE, _, FLAGS(1), _, NAME(0), MAKES(MEMFD, BIT0), _, \
	     IA32(356))                                                                            \
	CALL(MEMFD_SECRET, 35, memfd_secret, MAKE, _, FLAGS(0), _, _, MAKES(MEMFD, CLOEXEC), _, _) \
	USE(mkdirat, FD(0), _, IA32(296))                                                          \
	USE(mknodat, FD(0), _, IA32(297))                                                          \
	USE(mmap, FD(4), _, IA32(192))                                                             \
	USE(mount_setattr, FD(0), _, _)                                                            \
	USE(move_mount, FDS(0, 2), _, _)                                                           \
	USE(mq_getsetattr, FD(0), _, IA32(282))                                                    \
	USE(mq_notify, FD(0), _, IA32(281))                                                        \
	CALL(MQ_OPEN, 36, mq_open, OPEN, _, FLAGS(1), _, NAME(0), MAKES(OTHER, ALWAYS), _,         \
	     IA32(277))                                                                            \
	USE(mq_timedreceive, FD(0), _, IA32(280, 419))                                             \
	USE(mq_timedsend, FD(0), _, IA32(279, 418))                                                \
	USE(name_to_handle_at, FD(0), _, IA32(341))                                                \
	USE(newfstatat, FD(0), OWNER(FSTATAT), IA32(300))                                          \
	CALL(OPEN, 3, open, OPEN, _, FLAGS(1), _, NAME(0), MAKES(FILE, CLOEXEC), _, IA32(5))       \
	CALL(OPEN_BY_HANDLE_AT, 34, open_by_handle_at, MAKE, FD(0), FLAGS(2), _, _,                \
	     MAKES(FILE, CLOEXEC), _, IA32(342))                                                   \
	CALL(OPEN_TREE, 46, open_tree, MAKE, FD(0), FLAGS(2), _, NAME(1), MAKES(OTHER, CLOEXEC),   \
	     _, _)                                                                                 \
	CALL(OPEN_TREE_ATTR, 47, open_tree_attr, MAKE, FD(0), FLAGS(2), _, NAME(1),                \
	     MAKES(OTHER, CLOEXEC), _, _)                                                          \
	CALL(OPENAT, 4, openat, OPEN, FD(0), FLAGS(2), _, NAME(1), MAKES(FILE, CLOEXEC), _,        \
	     IA32(295))                                                                            \
	CALL(OPENAT2, 5, openat2, OPEN, FD(0), OWN, _, NAME(1), MAKES(FILE, CLOEXEC), _, _)        \
	CALL(PERF_EVENT_OPEN, 37, perf_event_open, MAKE, FD(3), FLAGS(4), _, _,                    \
	     MAKES(OTHER, BIT3), _, IA32(336))                                                     \
	CALL(PIDFD_GETFD, 33, pidfd_getfd, MAKE, FD(0), _, _, _, MAKES(OTHER, ALWAYS), _, _)       \
	CALL(PIDFD_OPEN, 29, pidfd_open, MAKE, _, FLAGS(1), ARG(0), _, MAKES(PIDFD, ALWAYS), _, _) \
	USE(pidfd_send_signal, FD(0), _, _)                                                        \
	CALL(PIPE, 11, pipe, PAIR, PAIR(0), _, _, _, MAKES(PIPE, NEVER), _, IA32(42))              \
	CALL(PIPE2, 12, pipe2, PAIR, PAIR(0), FLAGS(1), _, _, MAKES(PIPE, CLOEXEC), _, IA32(331))  \
	USE(pread64, FD(0), _, IA32(180))                                                          \
	USE(preadv, FD(0), _, IA32(333))                                                           \
	USE(preadv2, FD(0), _, IA32(378))                                                          \
	USE(process_madvise, FD(0), _, _)                                                          \
	USE(process_mrelease, FD(0), _, _)                                                         \
	USE(pwrite64, FD(0), _, IA32(181))                                                         \
	USE(pwritev, FD(0), _, IA32(334))                                                          \
	USE(pwritev2, FD(0), _, IA32(379))                                                         \
	USE(quotactl_fd, FD(0), _, _)                                                              \
	USE(read, FD(0), OWNER(IO), IA32(3))                                                       \
	USE(readahead, FD(0), _, IA32(225))                                                        \
	USE(readlinkat, FD(0), _, IA32(305))                                                       \
	USE(readv, FD(0), _, IA32(145))                                                            \
	USE(recvfrom, FD(0), OWNER(MESSAGE), IA32(371))                                            \
	USE(recvmmsg, FD(0), _, IA32(337, 417))                                                    \
	USE(recvmsg, FD(0), OWNER(MESSAGE), IA32(372))                                             \
	USE(removexattrat, FD(0), _, _)                                                            \
	USE(renameat, FDS(0, 2), _, IA32(302))                                                     \
	USE(renameat2, FDS(0, 2), _, IA32(353))                                                    \
	USE(sendfile, FDS(0, 1), _, IA32(187, 239))                                                \
	USE(sendmmsg, FD(0), _, IA32(345))                                                         \
	USE(sendmsg, FD(0), OWNER(MESSAGE), IA32(370))                                             \
	USE(sendto, FD(0), OWNER(MESSAGE), IA32(369))                                              \
	USE(setns, FD(0), _, IA32(346))                                                            \
	USE(setsockopt, FD(0), OWNER(USE), IA32(366))                                              \
	USE(setxattrat, FD(0), _, _)                                                               \
	USE(shutdown, FD(0), OWNER(USE), IA32(373))                                                \
	CALL(SIGNALFD, 24, signalfd, MAKE, FD(0), _, _, _, MAKES(SIGNALFD, NEVER), _, IA32(321))   \
	CALL(SIGNALFD4, 25, signalfd4, MAKE, FD(0), FLAGS(3), _, _, MAKES(SIGNALFD, CLOEXEC), _,   \
	     IA32(327))                                                                            \
	CALL(SOCKET, 7, socket, MAKE, _, FLAGS(1), ARG(0), _, MAKES(SOCKET, CLOEXEC),              \
	     OWNER(SOCKET), IA32(359))                                                             \
	CALL(SOCKETPAIR, 10, socketpair, PAIR, PAIR(3), FLAGS(1), ARG(0), _,                       \
	     MAKES(SOCKET, CLOEXEC), _, IA32(360))                                                 \
	USE(splice, FDS(0, 2), _, IA32(313))                                                       \
	USE(statx, FD(0), _, IA32(383))                                                            \
	USE(symlinkat, FD(1), _, IA32(304))                                                        \
	USE(sync_file_range, FD(0), _, IA32(314))                                                  \
	USE(syncfs, FD(0), _, IA32(344))                                                           \
	USE(tee, FDS(0, 1), _, IA32(315))                                                          \
	CALL(TIMERFD_CREATE, 23, timerfd_create, MAKE, _, FLAGS(1), _, _, MAKES(TIMERFD, CLOEXEC), \
	     _, IA32(322))                                                                         \
	USE(timerfd_gettime, FD(0), _, IA32(326, 410))                                             \
	USE(timerfd_settime, FD(0), _, IA32(325, 411))                                             \
	USE(unlinkat, FD(0), _, IA32(301))                                                         \
	CALL(UNSHARE, 30, unshare, UNSHARE, _, FLAGS(0), _, _, _, _, IA32(310))                    \
	CALL(USERFAULTFD, 39, userfaultfd, MAKE, _, FLAGS(0), _, _, MAKES(OTHER, CLOEXEC), _,      \
	     IA32(374))                                                                            \
	USE(utimensat, FD(0), _, IA32(320, 412))                                                   \
	USE(vmsplice, FD(0), _, IA32(316))                                                         \
	USE(waitid, FD(1), _, IA32(284))                                                           \
	USE(write, FD(0), OWNER(IO), IA32(4))                                                      \
	USE(writev, FD(0), _, IA32(146))                                                           \
	PART(OTHER, 31, any, "?", OTHER, _, OWN, _, _)                                             \
	PART(INSTALLED, 48, any, "?", MAKE, FLAGS(0), ARG(1), _, MAKES(UNKNOWN, CLOEXEC))          \
	PART(REMOVED, 49, any, "?", CLOSE, _, _, _, _)                                             \
	PART(ADDRESSED, 50, any, "?", ADDRESS, _, _, _, _)                                         \
	PART(TRANSFERRED, 51, any, "?", TRANSFER, _, _, _, _)

/* Where numbers stand: the low nibble is 1 + the index of the first, the high one of the second. */
#define FDS_CELL__	     0
#define FDS_CELL_FD(a)	     (1 + (a))
#define FDS_CELL_FDS(a, b)   (FDS_CELL_FD(a) | FDS_CELL_FD(b) << 4)
#define FDS_CELL_PAIR(a)     (FDS_CELL_FD(a) | FDS_PAIR)
#define FDS_CELL_RANGE(a, b) (FDS_CELL_FDS(a, b) | FDS_RANGE)
#define FDS_PAIR	     0x08
#define FDS_RANGE	     0x80

/* 1 + the index of an argument. */
#define FLAGS_CELL__	    0
#define FLAGS_CELL_FLAGS(a) (1 + (a))
#define FLAGS_CELL_OWN	    CELL_OWN
#define ARG_CELL__	    0
#define ARG_CELL_ARG(a)	    (1 + (a))
#define ARG_CELL_OWN	    CELL_OWN
#define NAME_CELL__	    0
#define NAME_CELL_NAME(a)   (1 + (a))
#define CELL_OWN	    7

/* An enum fd_type, and the flag: user/fd/fd_kind.c alone has both. */
#define MAKES_CELL__			FD_UNKNOWN, CLOEXEC_NEVER
#define MAKES_CELL_MAKES(type, cloexec) FD_##type, CLOEXEC_##cloexec

#define OWNER_CELL__	       OWNER_CALL_NONE
#define OWNER_CELL_OWNER(kind) OWNER_CALL_##kind

#define IA32_CELL__	    0
#define IA32_CELL_IA32(...) __VA_ARGS__

/* Room for every id. */
#define CALL_IDS 64

/* The numbers that the kernel side asks for by name (the user side asserts them). */
#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#define NR_MMAP	      9
#define NR_IOCTL      16
#define NR_FCNTL      72
#define NR_NEWFSTATAT 262
#define NR_STATX      332
#define NR_BPF	      321
#define NR_SOCKET     41
#define NR_CONNECT    42
#define NR_ACCEPT     43
#define NR_BIND	      49
#define NR_LISTEN     50
#define NR_SOCKETPAIR 53
#define NR_ACCEPT4    288
#elif defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
#define NR_MMAP	      222
#define NR_IOCTL      29
#define NR_FCNTL      25
#define NR_NEWFSTATAT 79
#define NR_STATX      291
#define NR_BPF	      280
#define NR_SOCKET     198
#define NR_CONNECT    203
#define NR_ACCEPT     202
#define NR_BIND	      200
#define NR_LISTEN     201
#define NR_SOCKETPAIR 199
#define NR_ACCEPT4    242
#endif

#endif
