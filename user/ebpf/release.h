/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Letting hooks go without waiting for it. The kernel takes up to a quarter of a second for one, in
 * the last close of its descriptor.
 *
 * Owns: the processes that make these last closes, and end with them. Were they killed, or we, the
 * kernel would make the same closes.
 * Never: lets a hook live longer than it takes the kernel to let it go.
 */
#ifndef FDTRACE_EBPF_RELEASE_H
#define FDTRACE_EBPF_RELEASE_H

#include <stddef.h>

/*
 * Others hold these descriptors, too, from now on, and nothing else of ours. The caller closes his
 * own, which does not take long any more, and then the descriptor that is returned: at this they
 * let go. Negative errno: nobody else holds them, and the caller's own closes will take their time.
 */
int release_share(const int *fds, size_t count);

#endif
