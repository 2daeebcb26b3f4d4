/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "native/fetcher.h"

#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sudo.h"
#include "native/helper.h"
#include "native/object.h"
#include "security/confine.h"
#include "security/packet.h"

#define PROGRAM "fdtrace-debuginfod"
#define LIBRARY "libdebuginfod.so.1"
#define URLS	"DEBUGINFOD_URLS"
#define CACHE	"DEBUGINFOD_CACHE_PATH"
#define MAXTIME "DEBUGINFOD_MAXTIME"

#define READY_MS      5000
/* Somewhat longer than the library's own limit. */
#define WAIT_MS	      (FETCHER_WAIT_MS + 5000)
/* How long it has to end; a download that is under way notices within a second. */
#define END_MS	      2000
#define FILE_SIZE_MAX (UINT64_C(4) << 30)
#define ENVIRONMENT   64

struct request {
	uint32_t bytes;
	uint8_t build_id[BUILD_ID_MAX];
};

/* With a descriptor, if there is such a file. The first one says whether it is ready. */
struct reply {
	int32_t err;
};

struct fetcher {
	pid_t pid;
	int fd;
	uint64_t asked_ns; /* CLOCK_BOOTTIME; 0: nothing has been asked */
};

/* What the library looks at (debuginfod-client-config(7), curl(1)), and who the user is. */
static bool is_passed_on(const char *variable)
{
	static const char *const names[] = {
		"DEBUGINFOD_",	"HOME=",      "XDG_CACHE_HOME=", "SUDO_UID=",	   "SUDO_GID=",
		"http_proxy=",	"all_proxy=", "https_proxy=",	 "no_proxy=",	   "ALL_PROXY=",
		"HTTPS_PROXY=", "NO_PROXY=",  "SSL_CERT_DIR=",	 "SSL_CERT_FILE=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(variable, names[i], strlen(names[i])))
			return strncmp(variable, URLS "=", sizeof(URLS)) != 0;
	return false;
}

/* In the new process: nothing of ours goes with it but what it is to ask, and how. */
static void become_fetcher(int fd, const void *urls)
{
	char name[] = PROGRAM, *argv[] = {name, NULL}, *envp[ENVIRONMENT + 1];
	size_t count = 0;

	if (confine_descriptors(fd) || asprintf(&envp[count++], URLS "=%s", (const char *)urls) < 0)
		_exit(1);
	for (char **variable = environ; variable && *variable && count < ENVIRONMENT; variable++)
		if (is_passed_on(*variable))
			envp[count++] = *variable;
	envp[count] = NULL;
	execve(helper_exe, argv, envp);
	_exit(1);
}

static int receive_reply_fd(struct fetcher *fetcher, int wait_ms, int *ret_fd)
{
	struct pollfd wait = {.fd = fetcher->fd, .events = POLLIN};
	int ready = poll(&wait, 1, wait_ms);
	struct reply reply;
	ssize_t size;

	*ret_fd = -1;
	if (ready <= 0)
		return ready && errno != EINTR ? -errno : -EAGAIN;
	size = packet_receive(fetcher->fd, &reply, sizeof(reply), ret_fd);
	if (size == sizeof(reply))
		return reply.err > 0 ? -EBADMSG : reply.err;
	return size ? -EBADMSG : -EPIPE;
}

int fetcher_new(const char *urls, struct fetcher **ret_fetcher)
{
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
	int err, none;

	if (!fetcher)
		return -ENOMEM;
	err = confined_start(become_fetcher, urls, &fetcher->pid, &fetcher->fd);
	if (err) {
		free(fetcher);
		return err;
	}
	err = receive_reply_fd(fetcher, READY_MS, &none);
	close_fd(none);
	if (err) {
		fetcher_free(fetcher);
		return err == -EAGAIN ? -ETIME : err;
	}
	*ret_fetcher = fetcher;
	return 0;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	close(fetcher->fd);
	confined_end(fetcher->pid, END_MS);
	free(fetcher);
}

int fetcher_ask(struct fetcher *fetcher, const uint8_t *build_id, size_t bytes)
{
	struct request request = {.bytes = bytes};

	if (bytes > sizeof(request.build_id))
		return -EINVAL;
	memcpy(request.build_id, build_id, bytes);
	fetcher->asked_ns = clock_boot_ns();
	return packet_send(fetcher->fd, &request, sizeof(request), -1, MSG_DONTWAIT);
}

int fetcher_answer(struct fetcher *fetcher, int wait_ms, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int err = receive_reply_fd(fetcher, wait_ms, &fd);
	uint64_t asked_ns = fetcher->asked_ns;

	*ret_fd = -1;
	if (err == -EAGAIN)
		return asked_ns && (clock_boot_ns() - asked_ns) / 1000000 > WAIT_MS ? -ETIME : err;
	fetcher->asked_ns = 0;
	if ((err == -ENOENT || err == -EFBIG) && asked_ns)
		return 0;
	if (err || fd < 0 || !asked_ns)
		return err ? err : -EBADMSG;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -EBADMSG;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int fetcher_fd(const struct fetcher *fetcher)
{
	return fetcher->fd;
}

/* The other side */

bool fetcher_is_wanted(const char *program)
{
	return program && !strcmp(program, PROGRAM);
}

/* elfutils/debuginfod.h: what we use of it, so that the library need not be there to build. */
struct library {
	void *(*begin)(void);
	void (*end)(void *client);
	int (*find)(void *client, const unsigned char *build_id, int bytes, char **ret_path);
	void (*set_progress)(void *client, int (*progress)(void *client, long done, long all));
};

static int load_library(struct library *library)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW);

	if (!handle)
		return -ELIBACC;
	*(void **)&library->begin = dlsym(handle, "debuginfod_begin");
	*(void **)&library->end = dlsym(handle, "debuginfod_end");
	*(void **)&library->find = dlsym(handle, "debuginfod_find_debuginfo");
	*(void **)&library->set_progress = dlsym(handle, "debuginfod_set_progressfn");
	return library->begin && library->end && library->find && library->set_progress ? 0
											: -ELIBACC;
}

/* Called about once a second: nobody listens any more. */
static int progress(void *client, long done, long all)
{
	struct pollfd socket = {.fd = CONFINED_SOCKET};

	return poll(&socket, 1, 0) > 0;
}

/* Who it is from now on: the user behind sudo, whoever calls us without, and nobody for root. */
static int change_user(void)
{
	uid_t uid = CONFINED_NOBODY;
	gid_t gid = CONFINED_NOBODY;
	const struct passwd *passwd;
	int err = sudo_user(&uid, &gid);

	if (err == -ENOENT || (!err && !uid)) { /* root may use sudo, too */
		uid = CONFINED_NOBODY;
		gid = CONFINED_NOBODY;
		err = 0;
	}
	if (!err && !geteuid()) {
		passwd = uid == CONFINED_NOBODY ? NULL : getpwuid(uid);
		unsetenv("XDG_CACHE_HOME");
		unsetenv("HOME");
		if (passwd)
			setenv("HOME", passwd->pw_dir, 1);
	}
	return err ? err : confine_user(uid, gid);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

/* Whose home is not known has a cache of its own while it runs. *ret: it; NULL: the user's. */
static int make_cache(char *ret_path, const char **ret)
{
	const char *given = getenv(CACHE);

	*ret = NULL;
	if ((given && *given) || getenv("HOME"))
		return 0;
	if (!mkdtemp(ret_path))
		return -errno;
	*ret = ret_path;
	return setenv(CACHE, ret_path, 1) ? -errno : 0;
}

/* How long a server that says nothing holds up reports, unless the user has said it. */
static int set_patience(void)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%d", FETCHER_WAIT_MS / 1000);
	return setenv(MAXTIME, seconds, 1) || setenv("DEBUGINFOD_TIMEOUT", "20", 0) ||
			       setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0)
		       ? -errno
		       : 0;
}

static int limit_fetcher(void)
{
	const struct rlimit size = {FILE_SIZE_MAX, FILE_SIZE_MAX}, core = {0, 0};

	signal(SIGXFSZ, SIG_IGN);
	umask(077);
	return setrlimit(RLIMIT_FSIZE, &size) || setrlimit(RLIMIT_CORE, &core) ? -errno
									       : set_patience();
}

static int reply(int err, int fd)
{
	struct reply message = {.err = err};

	return packet_send(CONFINED_SOCKET, &message, sizeof(message), fd, 0);
}

static void serve_fetches(const struct library *library, void *client)
{
	struct request request;
	int err = 0;

	while (!err) {
		int fd, unexpected;
		ssize_t size =
			packet_receive(CONFINED_SOCKET, &request, sizeof(request), &unexpected);

		close_fd(unexpected);
		if (size != sizeof(request) || request.bytes > sizeof(request.build_id))
			return;
		fd = library->find(client, request.build_id, (int)request.bytes, NULL);
		err = reply(fd < 0 ? fd : 0, fd);
		close_fd(fd);
	}
}

int fetcher_run(void)
{
	char path[] = "/tmp/fdtrace-debuginfod-XXXXXX";
	const char *own_cache = NULL;
	struct library library;
	void *client = NULL;
	int err = change_user();

	if (!err)
		err = limit_fetcher();
	if (!err)
		err = make_cache(path, &own_cache);
	if (!err)
		err = load_library(&library);
	if (!err) {
		client = library.begin();
		err = client ? 0 : -ENOMEM;
	}
	if (!reply(err, -1) && !err) {
		library.set_progress(client, progress);
		serve_fetches(&library, client);
	}
	if (client)
		library.end(client);
	if (own_cache)
		nftw(own_cache, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return err ? 1 : 0;
}
