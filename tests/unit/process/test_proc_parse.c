/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* The texts of /proc, the hostile ones too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "process/parse.h"

static void test_status(void **state)
{
	struct proc_status status;

	proc_parse_status(
		"Name:\tpython3\nTgid:\t4242\nFDSize:\t256\nThreads:\t3\nNSpid:\t4242\t17\t3\n"
		"NSpgid:\t9\n",
		&status);
	assert_int_equal(status.tgid, 4242);
	assert_int_equal(status.fd_size, 256);
	assert_int_equal(status.threads, 3);
	assert_int_equal(status.ns_pid, 3);

	/* A name cannot begin a line; a key is a whole word; the last line may be cut. */
	proc_parse_status("Name:\tFDSize:\\nNSpid:\t5\nXNSpid:\t6\nNSpid:\t7", &status);
	assert_int_equal(status.fd_size, 0);
	assert_int_equal(status.ns_pid, 7);
	proc_parse_status("", &status);
	assert_int_equal(status.ns_pid, 0);
	proc_parse_status("NSpid:\t\nPid:\t8\n", &status);
	assert_int_equal(status.ns_pid, 0);
	proc_parse_status("NSpid:", &status);
	assert_int_equal(status.ns_pid, 0);
}

#define STAT_REST                                                                               \
	" 25610 25610 2682 0 -1 4194304 100 0 0 0 0 0 0 0 20 0 1 0 236511 3133440 377 18446744" \
	"073709551615 94527687028736\n"

static void test_stat(void **state)
{
	struct proc_stat stat;

	assert_int_equal(proc_parse_stat("25659 (cat) R" STAT_REST, &stat), 0);
	assert_int_equal(stat.state, 'R');
	assert_int_equal(stat.parent, 25610);
	assert_int_equal(stat.start_ticks, 236511);

	assert_int_equal(proc_parse_stat("1 (a) R 1 2 (b) Z" STAT_REST, &stat), 0);
	assert_int_equal(stat.state, 'Z');
	assert_int_equal(stat.start_ticks, 236511);
	assert_int_equal(proc_parse_stat("1 (\n) \xff%s )) S" STAT_REST, &stat), 0);
	assert_int_equal(stat.state, 'S');

	assert_int_equal(proc_parse_stat("", &stat), -EINVAL);
	assert_int_equal(proc_parse_stat("1 (a)", &stat), -EINVAL);
	assert_int_equal(proc_parse_stat("1 (a) R 1 2 3", &stat), -EINVAL);
	assert_int_equal(proc_parse_stat("1 a R" STAT_REST, &stat), -EINVAL);
}

static int parse_mapping(const char *text, struct proc_mapping *ret)
{
	static char line[512];

	snprintf(line, sizeof(line), "%s", text);
	return proc_parse_mapping(line, ret);
}

static void test_data_mapping(void **state)
{
	static const struct {
		const char *line;
		int result;
	} cases[] = {
		{"1000-3000 rw-p 00000000 00:00 0 \n", 0},
		{"1000-3000 rwxp 00000000 00:00 0 [heap]\n", 0},
		{"1000-3000 rw-p 00000000 00:00 0 [anon:cpython:pymalloc]\n", 0},
		{"1000-3000 rw-p 00001000 fe:01 77 /usr/lib/a [b].so\n", 0},
		{"1000-3000 rw-p 00000000 00:00 0 [stack]\n", -ENOENT},
		{"1000-3000 rw-s 00000000 00:01 77 /dev/zero (deleted)\n", -ENOENT},
		{"1000-3000 r--p 00000000 fe:01 77 /usr/lib/a.so\n", -ENOENT},
		{"1000-3000 ---p 00000000 00:00 0 \n", -ENOENT},
		{"3000-1000 rw-p 00000000 00:00 0 \n", -EINVAL},
		{"1000-3000 rw-p\n", -EINVAL},
	};
	struct proc_mapping mapping;
	char line[128];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(line, sizeof(line), "%s", cases[i].line);
		assert_int_equal(proc_parse_data_mapping(line, &mapping), cases[i].result);
	}
	snprintf(line, sizeof(line), "%s", cases[0].line);
	proc_parse_data_mapping(line, &mapping);
	assert_null(mapping.path);
	snprintf(line, sizeof(line), "%s", cases[1].line);
	proc_parse_data_mapping(line, &mapping);
	assert_string_equal(mapping.path, PROC_HEAP);
}

static void test_mapping(void **state)
{
	struct proc_mapping mapping;

	assert_int_equal(parse_mapping("55e2b05a6000-55e2b05ba000 r-xp 00003000 fe:01 248030"
				       "                     /usr/bin/sed\n",
				       &mapping),
			 0);
	assert_true(mapping.start == 0x55e2b05a6000);
	assert_true(mapping.end == 0x55e2b05ba000);
	assert_true(mapping.offset == 0x3000);
	assert_int_equal(mapping.dev_major, 0xfe);
	assert_int_equal(mapping.dev_minor, 1);
	assert_int_equal(mapping.inode, 248030);
	assert_string_equal(mapping.path, "/usr/bin/sed");

	assert_int_equal(
		parse_mapping("1000-2000 r-xs 00000000 00:1f 7 /a b\\012c (deleted)\n", &mapping),
		0);
	assert_string_equal(mapping.path, "/a b\\012c (deleted)");
	assert_int_equal(mapping.dev_minor, 0x1f);
	assert_int_equal(parse_mapping("ffffffffff600000-ffffffffff601000 rwxp 00000000 00:00 1 /x",
				       &mapping),
			 0);
	assert_true(mapping.start == 0xffffffffff600000);
}

static void test_other_mappings(void **state)
{
	static const char *const other[] = {
		"1000-2000 r--p 00000000 fe:00 7 /usr/bin/sed\n",
		"1000-2000 rw-p 00000000 fe:00 7 /usr/bin/sed\n",
		"1000-2000 --xp 00000000 fe:00 7 /usr/bin/sed\n",
		"1000-2000 r-xp 00000000 00:00 0 \n",
		"1000-2000 r-xp 00000000 00:00 0\n",
		"1000-2000 r-xp 00000000 00:00 0                  [vdso]\n",
		"1000-2000 rwxp 00000000 00:00 0 /no/inode\n",
		"1000-2000 r-xp 00000000 00:0e 9 anon_inode:[perf_event]\n",
	};
	static const char *const bad[] = {
		"",
		"\n",
		"/usr/bin/sed",
		"1000-2000",
		"1000-2000 r-xp 00000000 fe:00\n",
		"2000-1000 r-xp 00000000 fe:00 7 /a\n",
		"1000 r-xp 00000000 fe:00 7 /a\n",
		"zzzz-2000 r-xp 00000000 fe:00 7 /a\n",
	};
	struct proc_mapping mapping;

	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		assert_int_equal(parse_mapping(other[i], &mapping), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_mapping(bad[i], &mapping), -EINVAL);
}

static int parse_mount(const char *text, struct proc_mount *ret)
{
	static char line[512];

	snprintf(line, sizeof(line), "%s", text);
	return proc_parse_mount(line, ret);
}

static void test_mount(void **state)
{
	struct proc_mount mount;

	assert_int_equal(parse_mount("36 35 98:1048575 /mnt1 /mnt2 rw,noatime master:1 - ext3 "
				     "/dev/root rw,errors=continue\n",
				     &mount),
			 0);
	assert_int_equal(mount.dev_major, 98);
	assert_int_equal(mount.dev_minor, 1048575);
	assert_string_equal(mount.root, "/mnt1");
	assert_string_equal(mount.point, "/mnt2");

	/* White space, a backslash, bytes beyond ASCII; what looks like an escape and is none. */
	assert_int_equal(
		parse_mount("1 0 0:31 / /a\\040b\\011\\012\\134040\\303\\244\\8\\04", &mount), 0);
	assert_string_equal(mount.root, "/");
	assert_string_equal(mount.point, "/a b\t\n\\040\303\244\\8\\04");
	assert_int_equal(parse_mount("1 0 0:31 /\\000 /\\ - x", &mount), 0);
	assert_string_equal(mount.root, "/\\000");
	assert_string_equal(mount.point, "/\\");
}

static void test_no_mount(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"1 0",
		"1 0 0:31",
		"1 0 0:31 /",
		"1 0 0:31 / \n",
		"1 0 0 / /",
		"1 0 0:31 net:[4026531840] /run/netns/a rw - nsfs nsfs rw\n",
		"1 0 0:31 / none rw - proc proc rw\n",
	};
	struct proc_mount mount;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_mount(bad[i], &mount), -EINVAL);
}

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

/* As Docker, Podman, containerd, CRI-O, kubelet and systemd make them. */
static const struct {
	const char *path;
	const char *id;
} containers[] = {
	{"/docker/" ID, ID},
	{"/system.slice/docker-" ID ".scope", ID},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", ID},
	{"/machine.slice/libpod-" ID ".scope", ID},
	{"/machine.slice/libpod-" ID ".scope/container", ID},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container",
	 ID},
	{"/libpod_parent/libpod-" ID, ID},
	{"/machine.slice/libpod-payload-" ID, ID},
	{"/kubepods/burstable/pod6c7b8c5c-0a4e-4a7b-8f4c-2a4b1c1d1e1f/" ID, ID},
	{"/kubepods/besteffort/pod6c7b8c5c0a4e4a7b/" ID, ID},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod6c7b8c5c_0a4e_4a7b_8f4c_"
	 "2a4b1c1d1e1f.slice/cri-containerd-" ID ".scope",
	 ID},
	{"/kubepods.slice/kubepods-pod6c7b_0a4e.slice/crio-" ID ".scope", ID},
	{"/kubepods.slice/kubepods-pod6c7b_0a4e.slice/docker-" ID ".scope", ID},
	{"/kubepods.slice/kubepods-pod6c7b_0a4e.slice/crio-" ID ".scope/container", ID},
	{"/system.slice/containerd.service/kubepods-burstable-pod6c7b.slice:cri-containerd:" ID,
	 ID},
	{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice/cri-containerd-" ID
	 ".scope",
	 ID},
	{"/ecs/3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c/" ID, ID},
	{"/docker/" ID "/system.slice/nginx.service", ID},
	{"/docker/" OTHER "/docker/" ID, ID},
	{"/docker/" OTHER "/kubepods/burstable/pod1/" ID, ID},
	{"/system.slice/docker-" OTHER ".scope/docker/" ID "/init", ID},
	{"/../../docker/" ID, ID},
	{ID, ID},
	/* In none. */
	{"", NULL},
	{"/", NULL},
	{"/init.scope", NULL},
	{"/system.slice/ssh.service", NULL},
	{"/user.slice/user-1000.slice/session-3.scope", NULL},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-4242.scope",
	 NULL},
	{"/kubepods.slice/kubepods-pod6c7b_0a4e.slice/crio-conmon-" ID ".scope", NULL},
	{"/machine.slice/libpod-conmon-" ID ".scope", NULL},
	{"/system.slice/containerd.service", NULL},
	{"/machine.slice/systemd-nspawn@debian.service/payload", NULL},
	{"/lxc.payload.web/system.slice", NULL},
	{"/docker/0123456789abcdef", NULL},
	{"/docker/" ID "0", NULL},
	{"/docker/0" ID ".scope", NULL},
	{"/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", NULL},
	{"/docker/0123456789abcdeg0123456789abcdef0123456789abcdef0123456789abcdef", NULL},
	{"/.scope", NULL},
	{"//-//", NULL},
};

static void test_containers(void **state)
{
	char id[CONTAINER_ID_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
		bool found = proc_parse_container(containers[i].path, id);

		if (found != !!containers[i].id || strcmp(id, found ? containers[i].id : ""))
			fail_msg("%s: '%s'", containers[i].path, id);
	}
}

static void assert_cgroup(const char *text, const char *path, const char *id)
{
	char copy[1024], found[CONTAINER_ID_SIZE];
	char *got = NULL;

	snprintf(copy, sizeof(copy), "%s", text);
	got = proc_parse_cgroup(copy, found);
	if (path)
		assert_string_equal(got, path);
	else
		assert_null(got);
	assert_string_equal(found, id);
}

static void test_cgroup(void **state)
{
	assert_cgroup("0::/system.slice/docker-" ID ".scope\n", "/system.slice/docker-" ID ".scope",
		      ID);
	assert_cgroup("0::/docker/" ID " (deleted)\n", "/docker/" ID, ID);
	assert_cgroup("0::/a:b::c\n", "/a:b::c", "");
	/* Version 1 alone, and both: the unified path, but the container wherever it is said. */
	assert_cgroup("12:pids:/docker/" ID "\n1:name=systemd:/docker/" ID "\n", "/docker/" ID, ID);
	assert_cgroup("9:name=systemd:/docker/" ID "\n8:pids:/\n0::/system.slice/x.service\n",
		      "/system.slice/x.service", ID);
	assert_cgroup("8:pids:/docker/" OTHER "\n0::/docker/" ID "\n", "/docker/" ID, ID);
	assert_cgroup("9:cpu,cpuacct:/first\n8:pids:/second\n", "/first", "");
	assert_cgroup("", NULL, "");
	assert_cgroup("\n:\n0:\n0::\n0::x\nnonsense\n", NULL, "");
	assert_cgroup("0::/no newline", "/no newline", "");
}

static const struct {
	const char *text;
	enum fd_type type;
	const char *path;
	bool from_proc;
} links[] = {
	{"/etc/hostname", FD_FILE, "/etc/hostname", true},
	{"/tmp/x (deleted)", FD_FILE, "/tmp/x (deleted)", true},
	{"/dev/pts/0", FD_FILE, "/dev/pts/0", true},
	{"/tmp/socket:[1]", FD_FILE, "/tmp/socket:[1]", true},
	{"socket:[123]", FD_SOCKET, NULL, false},
	{"pipe:[123]", FD_PIPE, NULL, false},
	{"pidfd:[123]", FD_PIDFD, NULL, false},
	{"anon_inode:[pidfd]", FD_PIDFD, NULL, false},
	{"anon_inode:[eventpoll]", FD_EPOLL, NULL, false},
	{"anon_inode:[eventfd]", FD_EVENTFD, NULL, false},
	{"anon_inode:[timerfd]", FD_TIMERFD, NULL, false},
	{"anon_inode:[signalfd]", FD_SIGNALFD, NULL, false},
	{"anon_inode:inotify", FD_INOTIFY, NULL, false},
	{"anon_inode:[io_uring]", FD_OTHER, "anon_inode:[io_uring]", true},
	{"anon_inode:bpf-map", FD_OTHER, "anon_inode:bpf-map", true},
	{"net:[4026531840]", FD_OTHER, "net:[4026531840]", true},
	{"", FD_OTHER, "", true},
	{"/memfd:name (deleted)", FD_MEMFD, "name", false},
	{"/memfd: (deleted)", FD_MEMFD, "", false},
	{"/memfd:a (deleted) (deleted)", FD_MEMFD, "a (deleted)", false},
	{"/memfd:name", FD_FILE, "/memfd:name", true},
};

static void test_fd_links(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		char text[128];
		struct fd_what what;

		snprintf(text, sizeof(text), "%s", links[i].text);
		proc_parse_fd_link(text, &what);
		assert_int_equal(what.type, links[i].type);
		assert_int_equal(what.call, 0);
		assert_int_equal(what.path_from_proc, links[i].from_proc);
		if (links[i].path)
			assert_string_equal(what.path, links[i].path);
		else
			assert_null(what.path);
	}
}

static void test_fdinfo(void **state)
{
	bool cloexec = false;

	assert_int_equal(proc_parse_fdinfo("pos:\t0\nflags:\t02100002\nmnt_id:\t9\n", &cloexec), 0);
	assert_true(cloexec);
	assert_int_equal(proc_parse_fdinfo("pos:\t0\nflags:\t0100000\nmnt_id:\t24\n", &cloexec), 0);
	assert_false(cloexec);
	assert_int_equal(proc_parse_fdinfo("flags:\t02000000\n", &cloexec), 0);
	assert_true(cloexec);
	assert_int_equal(proc_parse_fdinfo("", &cloexec), -EINVAL);
	assert_int_equal(proc_parse_fdinfo("pos:\t0\n", &cloexec), -EINVAL);
	assert_int_equal(proc_parse_fdinfo("flags:\t\n", &cloexec), -EINVAL);
	assert_int_equal(proc_parse_fdinfo("flags:\t0200", &cloexec), -EINVAL); /* cut short */
	assert_int_equal(proc_parse_fdinfo("flags:\t9\n", &cloexec), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),	       cmocka_unit_test(test_stat),
		cmocka_unit_test(test_data_mapping),   cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_other_mappings), cmocka_unit_test(test_containers),
		cmocka_unit_test(test_cgroup),	       cmocka_unit_test(test_fd_links),
		cmocka_unit_test(test_fdinfo),	       cmocka_unit_test(test_mount),
		cmocka_unit_test(test_no_mount),
	};

	return cmocka_run_group_tests_name("proc_parse", tests, NULL, NULL);
}
