/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "source/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "security/capabilities.h"
#include "security/confine.h"

#define FILE_MAX (4 << 20)
#define NO_ID	 ((uint32_t)-1)

#ifndef RESOLVE_CACHED /* Linux 5.12 */
#define RESOLVE_CACHED 0x20
#endif

#define TO_READ	  (CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_DAC_READ_SEARCH))
#define TO_BECOME (CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID))

_Static_assert(TO_READ == RIGHTS_CAPABILITIES, "these are what a record tells of");

/* What of TO_READ | TO_BECOME this process has. */
static uint64_t permitted;
/* /proc/self/fd. */
static int own_fds = -1;

/* Users have the same numbers here as for the kernel itself, which tells us theirs. */
static bool in_initial_users(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned int inside, outside, count;

	return file && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 && !inside &&
	       !outside && count == UINT32_MAX;
}

int source_confine(void)
{
	const struct confinement limits = {.memory = 64u << 20, .descriptors = 16};

	if (!in_initial_users())
		return -ENOTSUP;
	own_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (own_fds < 0)
		return -errno;
	return confine_reader(&limits, TO_READ | TO_BECOME, &permitted);
}

static int compare_groups(const void *a, const void *b)
{
	const uint32_t *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

/* Where they cannot be changed: whether they are the same already. */
static bool has_groups(const struct source_rights *rights)
{
	gid_t own[RECORD_GROUPS_MAX], theirs[RECORD_GROUPS_MAX];
	int count = getgroups(RECORD_GROUPS_MAX, own);

	if (count < 0 || (uint32_t)count != rights->group_count)
		return false;
	memcpy(theirs, rights->groups, count * sizeof(*theirs));
	qsort(own, count, sizeof(*own), compare_groups);
	qsort(theirs, count, sizeof(*theirs), compare_groups);
	return !memcmp(own, theirs, count * sizeof(*own));
}

/*
 * For opening files alone: to all others this process stays who it is, so that the one whose rights
 * these are can neither signal nor trace it. By system call, for the C library's functions are of
 * all threads.
 */
static int take_on(const struct source_rights *rights)
{
	uint64_t reads = rights->capabilities & TO_READ ? permitted & TO_READ : 0;

	if (rights->group_count > RECORD_GROUPS_MAX)
		return -EPERM;
	if (syscall(SYS_setgroups, rights->group_count, rights->groups) && !has_groups(rights))
		return -EPERM;
	setfsgid(rights->gid);
	setfsuid(rights->uid);
	if ((uint32_t)setfsgid(NO_ID) != rights->gid || (uint32_t)setfsuid(NO_ID) != rights->uid)
		return -EPERM;
	return capabilities_set((permitted & TO_BECOME) | reads, permitted);
}

/*
 * File systems whose server may be slow, gone or hostile, so that reading could block for ever; and
 * those that the kernel makes up, for whoever reads.
 */
static const uint32_t unread_fs[] = {
	0x65735546 /* fuse */,
	NFS_SUPER_MAGIC,
	CIFS_SUPER_MAGIC,
	SMB_SUPER_MAGIC,
	SMB2_SUPER_MAGIC,
	V9FS_MAGIC,
	AFS_SUPER_MAGIC,
	AUTOFS_SUPER_MAGIC,
	CEPH_SUPER_MAGIC,
	CODA_SUPER_MAGIC,
	OCFS2_SUPER_MAGIC,
	PROC_SUPER_MAGIC,
	SYSFS_MAGIC,
	DEBUGFS_MAGIC,
	TRACEFS_MAGIC,
	SECURITYFS_MAGIC,
	SELINUX_MAGIC,
	SMACK_MAGIC,
	CGROUP_SUPER_MAGIC,
	CGROUP2_SUPER_MAGIC,
	BPF_FS_MAGIC,
	BINFMTFS_MAGIC,
	PSTOREFS_MAGIC,
	EFIVARFS_MAGIC,
	NSFS_MAGIC,
	DEVPTS_SUPER_MAGIC,
	0x62656570 /* configfs */,
};

static bool may_be_read(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(unread_fs); i++)
		if ((uint32_t)fs.f_type == unread_fs[i])
			return false;
	return true;
}

static int resolve_in_root(int root_fd, const char *file, uint64_t flags)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | flags,
	};

	return syscall(SYS_openat2, root_fd, file, &how, sizeof(how));
}

/*
 * A look into the kernel's name cache cannot block, and the program has looked at its source
 * before. Else only the root's own file system is searched, if it is a local one.
 */
static int open_path(int root_fd, const char *file)
{
	int fd = resolve_in_root(root_fd, file, RESOLVE_CACHED);

	if (fd < 0 && (errno == EAGAIN || errno == EINVAL) && may_be_read(root_fd))
		fd = resolve_in_root(root_fd, file, RESOLVE_NO_XDEV);
	return fd;
}

/* Opening by name alone (O_PATH) has no effect on a FIFO or a device; only then is it read. */
static int open_regular(int root_fd, const char *file, size_t *ret_size)
{
	_cleanup_close_ int path_fd = open_path(root_fd, file);
	char name[16];
	struct stat st;
	int fd;

	if (path_fd < 0)
		return -ENOENT;
	if (!may_be_read(path_fd) || fstat(path_fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size > FILE_MAX)
		return -EINVAL;
	*ret_size = st.st_size;
	snprintf(name, sizeof(name), "%d", path_fd);
	fd = openat(own_fds, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int source_read(int root_fd, const struct source_rights *rights, const char *file,
		struct source_text *ret_text)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	ssize_t got;
	int err = take_on(rights);

	*ret_text = (struct source_text){0};
	if (err)
		return err;
	fd = open_regular(root_fd, file, &size);
	if (fd < 0)
		return fd;
	data = malloc(size + 1);
	if (!data)
		return -ENOMEM;
	got = file_read_up_to(fd, data, size);
	if (got < 0)
		return (int)got;
	ret_text->data = TAKE_PTR(data);
	ret_text->size = (size_t)got;
	return 0;
}

void source_text_free(struct source_text *text)
{
	free(text->data);
	*text = (struct source_text){0};
}

/* Python's universal newlines: \n, \r\n and \r each end a line. */
static const char *next_line(const char *p, const char *end)
{
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	if (p < end && *p++ == '\r' && p < end && *p == '\n')
		p++;
	return p;
}

static size_t cut_line(const char *p, const char *end, char ret[SOURCE_LINE_MAX])
{
	size_t size;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\f'))
		p++;
	for (size = 0; p + size < end && size < SOURCE_LINE_MAX; size++)
		if (p[size] == '\n' || p[size] == '\r')
			break;
	while (size && (p[size - 1] == ' ' || p[size - 1] == '\t'))
		size--;
	memcpy(ret, p, size);
	return size;
}

size_t source_cut(const struct source_text *text, uint32_t line, char ret[SOURCE_LINE_MAX])
{
	const char *p = text->data, *end = p + text->size;

	if (!p || !line)
		return 0;
	while (--line && p < end)
		p = next_line(p, end);
	return cut_line(p, end, ret);
}
