/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One close by an io_uring of our own, with the bare system calls.
 *
 * Owns: the ring, for as long as that takes.
 */
#ifndef FDTRACE_EBPF_URING_H
#define FDTRACE_EBPF_URING_H

/*
 * 0: it is closed. Negative errno: -ENOSYS, -EPERM: no io_uring can be had here; the descriptor is
 * as it was, unless the request itself failed.
 */
int uring_close(int fd);

#endif
