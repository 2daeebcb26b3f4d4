/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/bpf_object.h"

#include <errno.h>
#include <stdlib.h>

#include "fdtrace.skel.h"
#include "fdtrace_plain.skel.h"

/*
 * The kernel side is compiled twice, once without the calls that keep a program on its CPU (PLAIN).
 * Maps, programs and variables are the same in both, so the skeleton of one serves for either.
 */
_Static_assert(sizeof(struct fdtrace_bpf) == sizeof(struct fdtrace_plain_bpf) &&
		       sizeof(struct fdtrace_bpf__rodata) ==
			       sizeof(struct fdtrace_plain_bpf__rodata) &&
		       sizeof(struct fdtrace_bpf__bss) == sizeof(struct fdtrace_plain_bpf__bss),
	       "two builds of one object");

struct fdtrace_bpf *object_open(bool hold_cpu)
{
	struct fdtrace_bpf *bpf = calloc(1, sizeof(*bpf));
	int err;

	if (!bpf)
		return NULL;
	err = fdtrace_bpf__create_skeleton(bpf);
	if (!err && !hold_cpu)
		bpf->skeleton->data = fdtrace_plain_bpf__elf_bytes(&bpf->skeleton->data_sz);
	if (!err)
		err = bpf_object__open_skeleton(bpf->skeleton, NULL);
	if (!err)
		return bpf;
	fdtrace_bpf__destroy(bpf);
	errno = -err;
	return NULL;
}
