/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A file system of our own whose flush fails. close() returns its error and frees the number all
 * the same: to close again after EIO or EINTR is a double close. EBADF from a flush is no bad
 * descriptor: the number was open; and a double close is what follows.
 * @expect {"kind": "double_close", "type": "file", "path": "/mnt/5", "fd": "eio"}
 * @expect {"kind": "double_close", "type": "file", "path": "/mnt/4", "fd": "eintr"}
 * @expect {"kind": "double_close", "type": "file", "path": "/mnt/9", "fd": "ebadf", "flushed":
 * true}
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sim.h"

#define FIRST_FILE 100 /* node of the file "0": its number is what flush returns */

union reply {
	struct fuse_init_out init;
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;
	struct fuse_open_out open;
};

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
	};
}

/* The size of the reply, or -errno. */
static int answer(const struct fuse_in_header *in, const char *data, union reply *r)
{
	switch (in->opcode) {
	case FUSE_INIT:
		r->init.major = FUSE_KERNEL_VERSION;
		r->init.minor = 31;
		r->init.max_write = 4096;
		return sizeof(r->init);
	case FUSE_LOOKUP:
		r->entry.nodeid = FIRST_FILE + atoi(data);
		r->entry.attr = attributes(r->entry.nodeid);
		return sizeof(r->entry);
	case FUSE_GETATTR:
		r->attr.attr = attributes(in->nodeid);
		return sizeof(r->attr);
	case FUSE_OPEN:
		return sizeof(r->open);
	case FUSE_FLUSH:
		return FIRST_FILE - (int)in->nodeid;
	case FUSE_RELEASE:
		return 0;
	default:
		return -ENOSYS;
	}
}

static void serve(int device)
{
	static char buffer[1 << 17];
	struct fuse_in_header *in = (void *)buffer;

	while (read(device, buffer, sizeof(buffer)) > 0) {
		struct {
			struct fuse_out_header head;
			union reply body;
		} out = {0};
		int size;

		if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET)
			continue;
		size = answer(in, buffer + sizeof(*in), &out.body);
		out.head.unique = in->unique;
		out.head.error = size < 0 ? size : 0;
		out.head.len = sizeof(out.head) + (size > 0 ? size : 0);
		if (write(device, &out, out.head.len) < 0 && errno != ENOENT)
			_exit(1);
	}
}

static pid_t mount_it(void)
{
	int device = open("/dev/fuse", O_RDWR);
	char options[80];
	pid_t server;

	if (device < 0 || unshare(CLONE_NEWNS))
		skip("no /dev/fuse or no mount namespace here");
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (mount("fdtrace", "/mnt", "fuse", 0, options))
		skip("FUSE cannot be mounted here");
	server = fork();
	if (server == 0)
		serve(device);
	close(device);
	return server;
}

static int close_it(const char *path, int error)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || close(fd) == 0 || errno != error)
		err(1, "%s", path);
	return fd;
}

int main(void)
{
	pid_t server;
	int ebadf;

	wait_for_tracer();
	server = mount_it();
	close(say("eio", close_it("/mnt/5", EIO)));
	close(say("eintr", close_it("/mnt/4", EINTR)));
	ebadf = say("ebadf", close_it("/mnt/9", EBADF));
	sleep(1); /* which of two closes came first is not in doubt */
	close(ebadf);
	close(open("/dev/null", O_RDONLY));
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}
