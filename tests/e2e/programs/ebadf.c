/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Calls that fail with EBADF, by many system calls, in a thread and in a child as well. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char byte;
static struct iovec vector = {&byte, 1};

static void use(int fd)
{
	static long result;

	result += read(fd, &byte, 1);
	result += write(fd, &byte, 1);
	result += pread(fd, &byte, 1, 0);
	result += pwrite(fd, &byte, 1, 0);
	result += readv(fd, &vector, 1);
	result += writev(fd, &vector, 1);
	result += lseek(fd, 0, SEEK_SET);
	result += ioctl(fd, FIONREAD, &byte);
	result += fcntl(fd, F_GETFD);
	result += fcntl(fd, F_SETFD, FD_CLOEXEC);
	result += fcntl(fd, F_GETFL);
	result += fcntl(fd, F_DUPFD, 0);
	result += dup(fd);
	result += dup2(fd, 90);
	result += dup3(fd, 90, 0);
	result += fsync(fd);
	result += fdatasync(fd);
	result += ftruncate(fd, 0);
	result += fchmod(fd, 0600);
	result += fchown(fd, 0, 0);
	result += fchdir(fd);
	result += flock(fd, LOCK_UN);
	result += posix_fadvise(fd, 0, 0, 0);
}

static void use_more(int fd)
{
	static long result;
	struct statfs statfs;
	struct stat stat;
	struct epoll_event event = {0};
	struct sockaddr address;
	socklen_t size = sizeof(address);

	result += syscall(SYS_fstat, fd, &stat);
	result += fstatfs(fd, &statfs);
	result += listen(fd, 1);
	result += shutdown(fd, SHUT_RD);
	result += accept(fd, NULL, NULL);
	result += getsockname(fd, &address, &size);
	result += getsockopt(fd, SOL_SOCKET, SO_TYPE, &byte, &size);
	result += send(fd, &byte, 1, 0);
	result += recv(fd, &byte, 1, 0);
	result += epoll_ctl(fd, EPOLL_CTL_ADD, 0, &event);
	result += epoll_wait(fd, &event, 1, 0);
	result += sendfile(fd, 0, NULL, 1);
	result += mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED;
	result += openat(fd, "relative", O_RDONLY);
	result += unlinkat(fd, "relative", 0);
	result += close(fd);
}

static void *in_thread(void *unused)
{
	use(60);
	use_more(60);
	return unused;
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		use(50 + i);
		use_more(50 + i);
	}
	use(-1);
	close(-1);
	pthread_create(&thread, NULL, in_thread, NULL);
	pthread_join(thread, NULL);
	if (fork() == 0) {
		use(70);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
