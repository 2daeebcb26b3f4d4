/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/code_frees.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"

/* As fs/smb/client/cifsglob.h and fs/fuse/inode.c; not in every linux/magic.h. */
#define CIFS_MAGIC 0xff534d42
#define SMB2_MAGIC 0xfe534d42
#define FUSE_MAGIC 0x65735546
#define CEPH_MAGIC 0x00c36400

#define SAYS_COST "; code objects of Python are told apart by their content, which costs more"

/* A process that has a probe, and the watch of the file that this is in. */
struct watched {
	pid_t pid;
	int watch;
};

struct code_frees {
	struct ebpf *ebpf;
	struct elf_helper *elf_helper;
	int inotify;
	struct watched *all;
	size_t count;
	const char *lack;
};

int code_frees_new(struct ebpf *ebpf, struct elf_helper *elf_helper,
		   struct code_frees **ret_code_frees)
{
	struct code_frees *code_frees = calloc(1, sizeof(*code_frees));

	if (!code_frees)
		return -ENOMEM;
	code_frees->ebpf = ebpf;
	code_frees->elf_helper = elf_helper;
	code_frees->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	*ret_code_frees = code_frees;
	return 0;
}

void code_frees_free(struct code_frees *code_frees)
{
	if (!code_frees)
		return;
	close_fd(code_frees->inotify);
	free(code_frees->all);
	free(code_frees);
}

int code_frees_fd(const struct code_frees *code_frees)
{
	return code_frees->inotify;
}

const char *code_frees_lack(const struct code_frees *code_frees)
{
	return code_frees->lack;
}

/* Whether others may write to the file without this kernel knowing it. */
static bool is_remote(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return true;
	switch ((uint32_t)fs.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case CIFS_MAGIC:
	case SMB2_MAGIC:
	case FUSE_MAGIC:
	case CEPH_MAGIC:
	case AFS_SUPER_MAGIC:
	case V9FS_MAGIC:
	case CODA_SUPER_MAGIC:
		return true;
	}
	return false;
}

/* A descriptor of the watch; -1: there is none. */
static int watch_file(struct code_frees *code_frees, int fd)
{
	char path[32];
	int watch;

	if (is_remote(fd))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	watch = inotify_add_watch(code_frees->inotify, path, IN_MODIFY | IN_CLOSE_WRITE);
	if (watch < 0)
		code_frees->lack = "inotify is refused, for which the sysctls "
				   "fs.inotify.max_user_instances and max_user_watches set "
				   "limits" SAYS_COST;
	return watch;
}

static void note_refusal(struct code_frees *code_frees, int err)
{
	if (err == -EACCES || err == -EPERM)
		code_frees->lack = "uprobes are refused: kernels ask for CAP_SYS_ADMIN, above all "
				   "where the sysctl kernel.perf_event_paranoid is 3, as by "
				   "Debian's default" SAYS_COST;
}

/* The probe first: what is not in the table is never taken out. */
static bool keep_watch(struct code_frees *code_frees, pid_t pid, int watch)
{
	struct watched *grown = realloc(code_frees->all, (code_frees->count + 1) * sizeof(*grown));

	if (!grown)
		return false;
	code_frees->all = grown;
	code_frees->all[code_frees->count++] = (struct watched){pid, watch};
	return true;
}

static void take_out(struct code_frees *code_frees, size_t at)
{
	ebpf_unwatch_frees(code_frees->ebpf, code_frees->all[at].pid);
	code_frees->all[at] = code_frees->all[--code_frees->count];
}

/* Of a code object that has a version nothing else needs to be looked at: that is cheap. */
static bool is_worth_it(const struct known_file *file)
{
	return file->fd >= 0 && file->settled && file->runtime.layout.code_version == LAYOUT_NONE;
}

void code_frees_watch(struct code_frees *code_frees, pid_t pid, const struct known_file *file)
{
	uint64_t offset;
	int err, watch;

	if (!is_worth_it(file) ||
	    elf_helper_code_destructor(code_frees->elf_helper, file->fd, &file->runtime, &offset))
		return;
	watch = watch_file(code_frees, file->fd);
	if (watch < 0 || !keep_watch(code_frees, pid, watch))
		return;
	/* What was written before the file was watched shows in its version. */
	if (!ebpf_file_is(code_frees->ebpf, file->fd, &file->version)) {
		code_frees->count--;
		return;
	}
	err = ebpf_watch_frees(code_frees->ebpf, pid, file->fd, offset);
	note_refusal(code_frees, err);
	if (err)
		code_frees->count--;
}

void code_frees_execed(struct code_frees *code_frees, pid_t pid)
{
	for (size_t i = code_frees->count; i-- > 0;)
		if (code_frees->all[i].pid == pid)
			take_out(code_frees, i);
}

/* watch -1: all of them, for events have been lost. */
static void written_to(struct code_frees *code_frees, int watch)
{
	for (size_t i = code_frees->count; i-- > 0;)
		if (watch < 0 || code_frees->all[i].watch == watch)
			take_out(code_frees, i);
}

void code_frees_look(struct code_frees *code_frees)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t size;

	while ((size = read(code_frees->inotify, events, sizeof(events))) > 0) {
		const struct inotify_event *event;

		for (const char *at = events; at < events + size;
		     at += sizeof(*event) + event->len) {
			event = (const void *)at;
			written_to(code_frees, event->wd);
		}
	}
}
