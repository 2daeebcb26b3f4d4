/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Kinds of descriptor that few programs have, each closed twice. Which of them a machine makes
 * is its own affair; those that it makes are told by the call that made them.
 * @expect {"kind": "double_close", "type": "other", "fd": "fanotify", "calls": {"opened":
 *   "fanotify_init"}, "if_told": "fanotify"}
 * @expect {"kind": "double_close", "type": "other", "fd": "userfault", "calls": {"opened":
 *   "userfaultfd"}, "if_told": "userfault"}
 * @expect {"kind": "double_close", "type": "other", "fd": "perf", "calls": {"opened":
 *   "perf_event_open"}, "if_told": "perf"}
 * @expect {"kind": "double_close", "type": "other", "fd": "map", "calls": {"opened": "bpf"},
 *   "if_told": "map"}
 * @expect {"kind": "double_close", "type": "other", "fd": "queue", "calls": {"opened":
 *   "mq_open"}, "if_told": "queue"}
 * @expect {"kind": "double_close", "type": "other", "fd": "tree", "calls": {"opened":
 *   "open_tree"}, "if_told": "tree"}
 * @expect {"kind": "double_close", "type": "other", "fd": "fs", "calls": {"opened": "fsopen"},
 *   "if_told": "fs"}
 * @expect {"kind": "double_close", "type": "other", "fd": "mount", "calls": {"opened":
 *   "fsmount"}, "if_told": "mount"}
 * @expect {"kind": "double_close", "type": "other", "fd": "pick", "calls": {"opened":
 *   "fspick"}, "if_told": "pick"}
 * @expect {"kind": "double_close", "type": "other", "fd": "ring", "calls": {"opened":
 *   "io_uring_setup"}, "if_told": "ring"}
 * @expect {"kind": "double_close", "type": "other", "fd": "rules", "calls": {"opened":
 *   "landlock_create_ruleset"}, "if_told": "rules"}
 * @expect {"kind": "double_close", "type": "memfd", "fd": "secret", "calls": {"opened":
 *   "memfd_secret"}, "if_told": "secret"}
 * @expect {"kind": "double_close", "type": "file", "fd": "handle", "calls": {"opened":
 *   "open_by_handle_at"}, "if_told": "handle"}
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "sim.h"

#define FSCONFIG_CREATE 6 /* FSCONFIG_CMD_CREATE */

static void kernel_objects(void)
{
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};
	struct perf_event_attr event = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(event),
		.config = PERF_COUNT_SW_DUMMY,
	};
	struct io_uring_params ring = {0};
	uint64_t rules = 1;

	close_twice_if_made("fanotify", syscall(SYS_fanotify_init, 0, O_RDONLY));
	close_twice_if_made("userfault", syscall(SYS_userfaultfd, 0));
	close_twice_if_made("perf", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
	close_twice_if_made("map", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map)));
	close_twice_if_made("queue",
			    syscall(SYS_mq_open, "fdtrace-sim", O_RDWR | O_CREAT, 0600, NULL));
	syscall(SYS_mq_unlink, "fdtrace-sim");
	close_twice_if_made("ring", syscall(SYS_io_uring_setup, 4, &ring));
	close_twice_if_made("rules",
			    syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0));
	close_twice_if_made("secret", syscall(SYS_memfd_secret, 0));
}

static void mounts(void)
{
	struct {
		struct file_handle head;
		char bytes[MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int fs, mount, root;

	close_twice_if_made("tree", syscall(SYS_open_tree, AT_FDCWD, "/", 0));
	close_twice_if_made("pick", syscall(SYS_fspick, AT_FDCWD, "/proc", 0));
	fs = syscall(SYS_fsopen, "tmpfs", 0);
	if (fs >= 0 && !syscall(SYS_fsconfig, fs, FSCONFIG_CREATE, NULL, NULL, 0))
		close_twice_if_made("mount", syscall(SYS_fsmount, fs, 0, 0));
	close_twice_if_made("fs", fs);
	root = open("/", O_RDONLY);
	if (!name_to_handle_at(AT_FDCWD, "/", &handle.head, &mount, 0))
		close_twice_if_made("handle", open_by_handle_at(root, &handle.head, O_RDONLY));
	close(root);
}

int main(void)
{
	wait_for_tracer();
	kernel_objects();
	mounts();
	return 0;
}
