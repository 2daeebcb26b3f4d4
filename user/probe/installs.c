/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "probe/installs.h"

#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "base/mem.h"
#include "fdtrace.skel.h"

#define FUNCTION    "fd_install"
/* There where the kernel lets perf_event_open() make kprobes. */
#define KPROBE_TYPE "/sys/bus/event_source/devices/kprobe/type"

static const char *const costs[] = {
	[INSTALLS_FEXIT] = "about 10 ns more in each call that makes a descriptor (fd_install)",
	[INSTALLS_KPROBE] = "about 50 ns more in each call that makes a descriptor (fd_install)",
};

int installs_try_fexit(const struct btf *btf)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT);
	int id = btf__find_by_name_kind(btf, FUNCTION, BTF_KIND_FUNC), fd;

	if (id < 0)
		return id;
	opts.attach_btf_id = id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing, ARRAY_SIZE(nothing),
			   &opts);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static struct bpf_program *program_of(const struct fdtrace_bpf *bpf, enum installs how)
{
	return how == INSTALLS_FEXIT	? bpf->progs.on_fd_install
	       : how == INSTALLS_KPROBE ? bpf->progs.on_fd_install_entry
					: NULL;
}

enum installs installs_choose(struct fdtrace_bpf *bpf, enum installs alike, bool fexit)
{
	enum installs how = alike;

	if (how == INSTALLS_UNSEEN && fexit)
		how = INSTALLS_FEXIT;
	if (how == INSTALLS_UNSEEN && !access(KPROBE_TYPE, R_OK))
		how = INSTALLS_KPROBE;
	if (how == INSTALLS_FEXIT &&
	    bpf_program__set_attach_target(bpf->progs.on_fd_install, 0, FUNCTION))
		how = INSTALLS_UNSEEN;
	for (enum installs i = INSTALLS_FEXIT; i <= INSTALLS_KPROBE; i++) {
		bpf_program__set_autoload(program_of(bpf, i), i == how);
		bpf_program__set_autoattach(program_of(bpf, i), false);
	}
	return how;
}

struct bpf_link *installs_attach(const struct fdtrace_bpf *bpf, enum installs how)
{
	const struct bpf_program *program = program_of(bpf, how);

	return program ? bpf_program__attach(program) : NULL;
}

int installs_program(const struct fdtrace_bpf *bpf, enum installs how)
{
	const struct bpf_program *program = program_of(bpf, how);

	return program ? bpf_program__fd(program) : -1;
}

const char *installs_cost(enum installs how)
{
	return costs[how];
}
