/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "ebpf/preemption.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "base/mem.h"

#define MODES	     "/sys/kernel/debug/sched/preempt"
#define COMMAND_LINE "/proc/cmdline"
#define TEXT_SIZE    4096

/* Whether it is one of a text's words, which blanks and line ends part. */
static bool has_word(const char *text, const char *word)
{
	size_t size = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += size)
		if ((at == text || strchr(" \n", at[-1])) && strchr(" \n", at[size]))
			return true;
	return false;
}

bool preemption_is_usual(const char *version, const char *modes, const char *command_line)
{
	if (has_word(version, "PREEMPT") || has_word(version, "PREEMPT_RT") ||
	    has_word(version, "PREEMPT_LAZY"))
		return true;
	if (!has_word(version, "PREEMPT_DYNAMIC"))
		return false;
	if (modes)
		return strstr(modes, "(full)") || strstr(modes, "(lazy)");
	return command_line &&
	       (has_word(command_line, "preempt=full") || has_word(command_line, "preempt=lazy"));
}

/* The beginning of a file; NULL: it cannot be read. */
static const char *read_text(const char *path, char text[TEXT_SIZE])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_SIZE - 1);

	if (n < 0)
		return NULL;
	text[n] = '\0';
	return text;
}

/* A tracepoint says of itself that it may fault, and so be preempted, since 6.13. */
static bool tracepoints_may_fault(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "tracepoint_ext", BTF_KIND_STRUCT);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (unsigned int)id);

	for (unsigned int i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), "faultable"))
			return true;
	return false;
}

struct preemption preemption_find(const struct btf *btf)
{
	char modes[TEXT_SIZE], command_line[TEXT_SIZE];
	struct preemption found = {0};
	struct utsname name;

	if (uname(&name))
		return found;
	found.functions = preemption_is_usual(name.version, read_text(MODES, modes),
					      read_text(COMMAND_LINE, command_line));
	found.tracepoints = found.functions && tracepoints_may_fault(btf);
	return found;
}
