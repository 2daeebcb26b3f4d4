/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A supervisor puts a descriptor into the table of the one that it watches, which closes it
 * twice: no call returned it.
 * @expect {"kind": "double_close", "fd": "fd", "installed": "getppid"}
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "sim.h"

static int listener;

static void *supervise(void *unused)
{
	struct seccomp_notif request = {0};
	struct seccomp_notif_addfd add = {.srcfd = 1};
	struct seccomp_notif_resp response = {0};

	(void)unused;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
		err(1, "receive");
	add.id = response.id = request.id;
	response.val = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response))
		err(1, "send");
	return NULL;
}

/* Asks the supervisor about getppid() only. */
static int install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		       &program);
}

int main(void)
{
	pthread_t thread;
	int fd;

	wait_for_tracer();
	listener = install();
	if (listener < 0)
		skip("no seccomp listener here");
	pthread_create(&thread, NULL, supervise, NULL);
	fd = say("fd", syscall(SYS_getppid));
	pthread_join(thread, NULL);
	close(fd);
	close(fd);
	return 0;
}
