/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "probe/uprobes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/mem.h"
#include "fdtrace.skel.h"

/* uapi/linux/bpf.h, which older systems lack: enum bpf_attach_type, union bpf_attr, flags */
#define UPROBE_MULTI	    48
#define UPROBE_SESSION	    57
#define UPROBE_MULTI_RETURN 1

struct link_create_multi {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, multi_flags;
	uint32_t pid, unused;
};

static int create_link(const struct link_create_multi *attr)
{
	int link = syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));

	return link < 0 ? -errno : link;
}

/*
 * Whether the attach type is known that came after the last mistake in uprobe_multi had been
 * mended: then a link of it to a directory fails for that. Older kernels do not look at the type
 * before.
 */
static bool has_multi(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K}, /* r0 = 0 */
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = UPROBE_SESSION);
	const uint64_t offset = 0;
	struct link_create_multi attr = {
		.attach_type = UPROBE_SESSION,
		.path = (uintptr_t) "/",
		.offsets = (uintptr_t)&offset,
		.count = 1,
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "multi", "GPL", nothing,
					       ARRAY_SIZE(nothing), &options);

	attr.prog_fd = fd;
	return fd >= 0 && create_link(&attr) == -EBADF;
}

static bool is_multi(const struct bpf_program *program)
{
	return bpf_program__expected_attach_type(program) == UPROBE_MULTI;
}

bool uprobes_choose(struct fdtrace_bpf *bpf, bool owners)
{
	owners = owners && libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie,
						   NULL) == 1;
	bpf_program__set_autoload(bpf->progs.on_owner_entry, owners);
	bpf_program__set_autoload(bpf->progs.on_owner_return, owners);
	if (owners && has_multi()) {
		bpf_program__set_expected_attach_type(bpf->progs.on_owner_entry, UPROBE_MULTI);
		bpf_program__set_expected_attach_type(bpf->progs.on_owner_return, UPROBE_MULTI);
	}
	return owners;
}

static void path_of(int fd, char path[32])
{
	snprintf(path, 32, "/proc/self/fd/%d", fd);
}

static int add(struct uprobes *uprobes, const struct bpf_program *program, pid_t pid, int fd,
	       uint64_t offset, const struct bpf_uprobe_opts *options)
{
	struct bpf_link **grown, *link;
	char path[32];

	grown = realloc(uprobes->links, (uprobes->link_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	uprobes->links = grown;
	path_of(fd, path);
	link = bpf_program__attach_uprobe_opts(program, pid, path, offset, options);
	if (!link)
		return -errno;
	uprobes->links[uprobes->link_count++] = link;
	return 0;
}

int uprobes_add(struct uprobes *uprobes, const struct bpf_program *program, pid_t pid, int fd,
		uint64_t offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options);

	return add(uprobes, program, pid, fd, offset, &options);
}

/* What an object has taken shows at the return; that of INIT is known at the entry alone. */
static bool is_at(enum owner_point point, bool at_return)
{
	if (point == OWNER_NEW || point == OWNER_FROMFD)
		return at_return;
	return !at_return || point == OWNER_INIT;
}

static uint64_t cookie_of(const struct owner_probe *point, pid_t pid)
{
	return OWNER_COOKIE(point->type, point->point) | (pid < 0 ? OWNER_EVERYWHERE : 0);
}

static const struct bpf_program *owner_program(const struct fdtrace_bpf *bpf, bool at_return)
{
	return at_return ? bpf->progs.on_owner_return : bpf->progs.on_owner_entry;
}

/* The points of one kind by one link. */
static int add_multi(struct uprobes *uprobes, const struct fdtrace_bpf *bpf, pid_t pid, int fd,
		     const struct owner_probe *points, size_t count, bool at_return)
{
	uint64_t offsets[OWNER_PROBES_MAX], cookies[OWNER_PROBES_MAX];
	struct link_create_multi attr = {
		.prog_fd = bpf_program__fd(owner_program(bpf, at_return)),
		.attach_type = UPROBE_MULTI,
		.multi_flags = at_return ? UPROBE_MULTI_RETURN : 0,
		.pid = pid < 0 ? 0 : pid,
	};
	char path[32];
	int *grown, link;

	for (size_t i = 0; i < count; i++)
		if (is_at(points[i].point, at_return) && attr.count < OWNER_PROBES_MAX) {
			offsets[attr.count] = points[i].offset;
			cookies[attr.count++] = cookie_of(&points[i], pid);
		}
	if (!attr.count)
		return 0;
	grown = realloc(uprobes->multis, (uprobes->multi_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	uprobes->multis = grown;
	path_of(fd, path);
	attr.path = (uintptr_t)path;
	attr.offsets = (uintptr_t)offsets;
	attr.cookies = (uintptr_t)cookies;
	link = create_link(&attr);
	if (link < 0)
		return link;
	uprobes->multis[uprobes->multi_count++] = link;
	return 0;
}

static int add_singly(struct uprobes *uprobes, const struct fdtrace_bpf *bpf, pid_t pid, int fd,
		      const struct owner_probe *points, size_t count, bool at_return)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = at_return,
			    .bpf_cookie = cookie_of(&points[i], pid), );

		if (is_at(points[i].point, at_return))
			err = add(uprobes, owner_program(bpf, at_return), pid, fd, points[i].offset,
				  &options);
	}
	return err;
}

static void destroy(struct uprobes *uprobes, size_t links, size_t multis)
{
	while (uprobes->link_count > links)
		bpf_link__destroy(uprobes->links[--uprobes->link_count]);
	while (uprobes->multi_count > multis)
		close(uprobes->multis[--uprobes->multi_count]);
}

int uprobes_add_owners(struct uprobes *uprobes, const struct fdtrace_bpf *bpf, pid_t pid, int fd,
		       const struct owner_probe *points, size_t count)
{
	size_t links = uprobes->link_count, multis = uprobes->multi_count;
	int err = 0;

	/* Returns first: what is taken must be known before it is given up. */
	for (int at_return = 1; at_return >= 0 && !err; at_return--)
		err = is_multi(bpf->progs.on_owner_entry)
			      ? add_multi(uprobes, bpf, pid, fd, points, count, at_return)
			      : add_singly(uprobes, bpf, pid, fd, points, count, at_return);
	if (err)
		destroy(uprobes, links, multis);
	return err;
}

/*
 * The kernel takes about a tenth of a second to let one go. A child holds them all, and nothing
 * that anybody waits for, until we have gone; then it goes, too, which lets go of them. Were we
 * killed, the kernel would do the same.
 */
static void hold_until_we_end(void)
{
	int ends[2], null;
	char none;

	if (pipe2(ends, O_CLOEXEC))
		return;
	if (fork()) {
		close(ends[0]);
		return; /* the other end is open until we exit */
	}
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close(ends[1]);
	while (read(ends[0], &none, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

void uprobes_release(struct uprobes *uprobes)
{
	if (uprobes->link_count || uprobes->multi_count)
		hold_until_we_end();
	destroy(uprobes, 0, 0);
	free(uprobes->links);
	free(uprobes->multis);
	*uprobes = (struct uprobes){0};
}
