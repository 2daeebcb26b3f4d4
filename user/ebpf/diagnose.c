/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/diagnose.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "base/mem.h"
#include "security/capabilities.h"

#define BTF_PATH      "/sys/kernel/btf/vmlinux"
#define LOCKDOWN_PATH "/sys/kernel/security/lockdown"

#define CAPS_ENOUGH (CAPABILITY(CAP_PERFMON) | CAPABILITY(CAP_BPF))

void lockdown_mode(const char *file_text, char ret[32])
{
	const char *from = strchr(file_text, '['), *to = from ? strchr(from, ']') : NULL;
	size_t size = to ? (size_t)(to - from - 1) : 0;

	ret[0] = '\0';
	if (!size || size > 31 || !strncmp(from + 1, "none", size))
		return;
	memcpy(ret, from + 1, size);
	ret[size] = '\0';
}

static void current_lockdown(char ret[32])
{
	_cleanup_fclose_ FILE *f = fopen(LOCKDOWN_PATH, "re");
	char text[128] = "";

	ret[0] = '\0';
	if (f && fgets(text, sizeof(text), f))
		lockdown_mode(text, ret);
}

static uint64_t effective(void)
{
	struct capabilities have;

	capabilities_get(&have); /* all zero where that fails */
	return have.effective;
}

/* Which of the two is missing, NULL: neither. */
static const char *missing_capability(void)
{
	uint64_t caps = effective();

	if ((caps & CAPABILITY(CAP_SYS_ADMIN)) || (caps & CAPS_ENOUGH) == CAPS_ENOUGH)
		return NULL;
	if (!(caps & CAPS_ENOUGH))
		return "CAP_BPF and CAP_PERFMON are missing";
	return caps & CAPABILITY(CAP_BPF) ? "CAP_PERFMON is missing" : "CAP_BPF is missing";
}

/* Even one of its own thread, which counts nothing. */
static bool refuses_events(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
	};
	_cleanup_close_ int fd =
		(int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 && (errno == EACCES || errno == EPERM);
}

/*
 * Asked of the kernel's types, not by making such a map (libbpf's probe): that one also fails for a
 * lack of locked memory. Linux 5.8 on, kernel/bpf/ringbuf.c
 */
static bool has_ring_buffer(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = !btf || btf__find_by_name_kind(btf, "bpf_ringbuf", BTF_KIND_STRUCT) > 0;

	btf__free(btf);
	return has;
}

static bool memlock_limited(void)
{
	struct rlimit limit;

	return !getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur < (64u << 20);
}

__attribute__((format(printf, 3, 4))) static void say(struct ebpf_error *error, enum ebpf_lack lack,
						      const char *format, ...)
{
	va_list args;

	error->lack = lack;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

int diagnose(int err, const char *step, struct ebpf_error *error)
{
	const char *missing = missing_capability();
	char lockdown[32];

	current_lockdown(lockdown);
	if (err == -EXDEV)
		say(error, EBPF_LACK_OTHER,
		    "/proc shows another pid namespace than the one that fdtrace runs in: mount "
		    "proc there (unshare --mount-proc), or run fdtrace outside");
	else if (err == -ETIME)
		say(error, EBPF_LACK_KERNEL,
		    "this kernel takes too long to let hooks of this kind go, which all processes "
		    "would pay for: leave --hooks out, or choose one of those that fdtrace "
		    "--check-kernel names");
	else if (missing)
		say(error, EBPF_LACK_PRIVILEGE,
		    "not permitted to %s: %s: run it with sudo, or with the capabilities that "
		    "the manual names",
		    step, missing);
	else if (!strcmp(lockdown, "confidentiality")) /* no reading helpers: -EINVAL at load */
		say(error, EBPF_LACK_PRIVILEGE,
		    "kernel lockdown (confidentiality) forbids to %s: boot without "
		    "lockdown=confidentiality",
		    step);
	else if (access(BTF_PATH, R_OK))
		say(error, EBPF_LACK_KERNEL,
		    "this kernel has no BTF (" BTF_PATH "): fdtrace needs a kernel built with "
		    "CONFIG_DEBUG_INFO_BTF=y");
	else if (!has_ring_buffer())
		say(error, EBPF_LACK_KERNEL,
		    "this kernel has no BPF ring buffer: fdtrace needs Linux 5.8 or newer, and is "
		    "tested from 5.10 on");
	else if ((err == -EPERM || err == -ENOMEM) && memlock_limited())
		say(error, EBPF_LACK_KERNEL,
		    "could not %s: %s; the locked-memory limit may be too low: try "
		    "`ulimit -l unlimited`",
		    step, strerror(-err));
	else
		say(error, err == -EPERM ? EBPF_LACK_PRIVILEGE : EBPF_LACK_OTHER,
		    "could not %s: %s (-v shows the kernel's own words)", step, strerror(-err));
	return err;
}

int diagnose_events(int err, const char *step, struct ebpf_error *error)
{
	if (missing_capability() || effective() & CAPABILITY(CAP_SYS_ADMIN) || !refuses_events())
		return diagnose(err, step, error);
	say(error, EBPF_LACK_PRIVILEGE,
	    "not permitted to %s: CAP_SYS_ADMIN is missing, which the sysctl "
	    "kernel.perf_event_paranoid, 3 by Debian's default, asks for with hooks of this kind: "
	    "leave --hooks out, or run it with sudo",
	    step);
	return err;
}
