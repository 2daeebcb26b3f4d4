/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "process/cgroup_names.h"

#define UID	    "1b3cd0a8-6e3e-4d7a-9b0c-0f3e5f1a2b3c"
#define UID_SYSTEMD "1b3cd0a8_6e3e_4d7a_9b0c_0f3e5f1a2b3c"
#define ID	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_unit(void **state)
{
	static const struct {
		const char *path, *unit;
	} rows[] = {
		{"/system.slice/ssh.service", "ssh.service"},
		{"/system.slice/web@1.service/", "web@1.service"},
		{"/system.slice/docker-" ID ".scope", "docker-" ID ".scope"},
		/* What a service delegates is the service's. */
		{"/system.slice/uwsgi.service/worker.scope", "uwsgi.service"},
		{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service",
		 "app-x.service"},
		{"/system.slice", ""},
		{"/", ""},
		{"", ""},
		{"/.service", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char unit[CGROUP_UNIT_SIZE];

		assert_int_equal(cgroup_unit(rows[i].path, unit), *rows[i].unit != '\0');
		assert_string_equal(unit, rows[i].unit);
	}
}

static void test_long_unit(void **state)
{
	char path[2 * CGROUP_UNIT_SIZE], unit[CGROUP_UNIT_SIZE];

	memset(path, 'a', sizeof(path));
	memcpy(path + sizeof(path) - sizeof(".service"), ".service", sizeof(".service"));
	assert_false(cgroup_unit(path, unit));
}

static void test_pod(void **state)
{
	static const struct {
		const char *path, *pod;
	} rows[] = {
		{"/kubepods/burstable/pod" UID "/" ID, UID},
		{"/kubepods/pod" UID, UID},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_SYSTEMD
		 ".slice/cri-containerd-" ID ".scope",
		 UID},
		{"/kubepods.slice/kubepods-pod" UID_SYSTEMD ".slice/crio-" ID ".scope", UID},
		{"/system.slice/containerd.service/kubepods-besteffort-pod" UID_SYSTEMD
		 ".slice:cri-containerd:" ID,
		 UID},
		{"/kubepods/burstable/pod0123456789abcdef0123456789abcdef/" ID,
		 "0123456789abcdef0123456789abcdef"},
		{"/kubepods/burstable/" ID, ""},
		{"/libpod_parent/libpod-" ID, ""},
		{"/podman", ""},
		{"/pod" UID "0", ""},
		{"/pod", ""},
		{"", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char pod[CGROUP_POD_SIZE];

		assert_int_equal(cgroup_pod(rows[i].path, pod), *rows[i].pod != '\0');
		assert_string_equal(pod, rows[i].pod);
	}
}

static void test_container_name(void **state)
{
	static const struct {
		const char *path, *name;
	} rows[] = {
		{"/lxc.payload.web/system.slice/nginx.service", "web"},
		{"/lxc.payload.web-1/../lxc.payload.x", "x"},
		{"/lxc/web/user.slice", "web"},
		{"/lxc/web/lxc/inside/init.scope", "inside"},
		{"/machine.slice/systemd-nspawn@debian\\x2d12.service/payload", "debian\\x2d12"},
		{"/lxc.monitor.web", ""},
		{"/lxc.payload.", ""},
		{"/lxc/", ""},
		{"/lxc", ""},
		{"/machine.slice/systemd-nspawn@.service/payload", ""},
		{"/machine.slice/machine-qemu.scope", ""},
		{"/docker/" ID, ""},
		{"/", ""},
		{"", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[CGROUP_UNIT_SIZE];

		assert_int_equal(cgroup_container_name(rows[i].path, name), *rows[i].name != '\0');
		assert_string_equal(name, rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container_name),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_long_unit),
		cmocka_unit_test(test_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
