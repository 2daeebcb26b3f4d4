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

struct frees {
	struct probe *probe;
	struct foreign *foreign;
	int inotify;
	struct watched *all;
	size_t count;
	const char *lack;
};

int frees_new(struct probe *probe, struct foreign *foreign, struct frees **ret_frees)
{
	struct frees *frees = calloc(1, sizeof(*frees));

	if (!frees)
		return -ENOMEM;
	frees->probe = probe;
	frees->foreign = foreign;
	frees->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	*ret_frees = frees;
	return 0;
}

void frees_free(struct frees *frees)
{
	if (!frees)
		return;
	close_fd(frees->inotify);
	free(frees->all);
	free(frees);
}

int frees_fd(const struct frees *frees)
{
	return frees->inotify;
}

const char *frees_lack(const struct frees *frees)
{
	return frees->lack;
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
static int watch_file(struct frees *frees, int fd)
{
	char path[32];
	int watch;

	if (is_remote(fd))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	watch = inotify_add_watch(frees->inotify, path, IN_MODIFY | IN_CLOSE_WRITE);
	if (watch < 0)
		frees->lack = "inotify is refused, for which the sysctls "
			      "fs.inotify.max_user_instances and max_user_watches set "
			      "limits" SAYS_COST;
	return watch;
}

static void note_refusal(struct frees *frees, int err)
{
	if (err == -EACCES || err == -EPERM)
		frees->lack = "uprobes are refused: kernels ask for CAP_SYS_ADMIN, above all "
			      "where the sysctl kernel.perf_event_paranoid is 3, as by "
			      "Debian's default" SAYS_COST;
}

/* The probe first: what is not in the table is never taken out. */
static bool keep(struct frees *frees, pid_t pid, int watch)
{
	struct watched *grown = realloc(frees->all, (frees->count + 1) * sizeof(*grown));

	if (!grown)
		return false;
	frees->all = grown;
	frees->all[frees->count++] = (struct watched){pid, watch};
	return true;
}

static void take_out(struct frees *frees, size_t at)
{
	probe_unwatch_frees(frees->probe, frees->all[at].pid);
	frees->all[at] = frees->all[--frees->count];
}

/* Of a code object that has a version nothing else needs to be looked at: that is cheap. */
static bool is_worth_it(const struct known_file *file)
{
	return file->fd >= 0 && file->settled && file->runtime.layout.code_version == LAYOUT_NONE;
}

void frees_watch(struct frees *frees, pid_t pid, const struct known_file *file)
{
	uint64_t offset;
	int err, watch;

	if (!is_worth_it(file) ||
	    foreign_code_destructor(frees->foreign, file->fd, &file->runtime, &offset))
		return;
	watch = watch_file(frees, file->fd);
	if (watch < 0 || !keep(frees, pid, watch))
		return;
	/* What was written before the file was watched shows in its version. */
	if (!probe_file_is(frees->probe, file->fd, &file->version)) {
		frees->count--;
		return;
	}
	err = probe_watch_frees(frees->probe, pid, file->fd, offset);
	note_refusal(frees, err);
	if (err)
		frees->count--;
}

void frees_execed(struct frees *frees, pid_t pid)
{
	for (size_t i = frees->count; i-- > 0;)
		if (frees->all[i].pid == pid)
			take_out(frees, i);
}

/* watch -1: all of them, for events have been lost. */
static void written_to(struct frees *frees, int watch)
{
	for (size_t i = frees->count; i-- > 0;)
		if (watch < 0 || frees->all[i].watch == watch)
			take_out(frees, i);
}

void frees_look(struct frees *frees)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t size;

	while ((size = read(frees->inotify, events, sizeof(events))) > 0) {
		const struct inotify_event *event;

		for (const char *at = events; at < events + size;
		     at += sizeof(*event) + event->len) {
			event = (const void *)at;
			written_to(frees, event->wd);
		}
	}
}
