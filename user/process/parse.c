/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "process/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DELETED " (deleted)"
#define NAMED	"[anon:" /* prctl(PR_SET_VMA_ANON_NAME) */

/* The first character behind "key:" at the start of a line, or NULL. */
static const char *find_key(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text) {
		if (!strncmp(text, key, length) && text[length] == ':')
			return text + length + 1;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

/* The kernel escapes newlines in the name: a line is what it seems to be. */
void proc_parse_status(const char *text, struct proc_status *ret)
{
	const char *pids = find_key(text, "NSpid");
	const char *size = find_key(text, "FDSize");
	const char *tgid = find_key(text, "Tgid");
	const char *threads = find_key(text, "Threads");
	char *end = NULL;

	*ret = (struct proc_status){0};
	if (tgid)
		ret->tgid = strtoul(tgid, NULL, 10);
	if (size)
		ret->fd_size = strtoul(size, NULL, 10);
	if (threads)
		ret->threads = strtoul(threads, NULL, 10);
	/* Outermost first; the newline ends the list. */
	while (pids && strspn(pids, " \t") && isdigit((unsigned char)pids[strspn(pids, " \t")])) {
		ret->ns_pid = strtoul(pids, &end, 10);
		pids = end;
	}
}

/* The name stands in parentheses and may hold any byte, but nothing behind it is a ')'. */
int proc_parse_stat(const char *text, struct proc_stat *ret)
{
	const char *name_end = strrchr(text, ')');

	*ret = (struct proc_stat){0};
	/* Fields 3, 4 and 22: state, ppid, starttime. */
	if (!name_end || sscanf(name_end + 1,
				" %c %" SCNu32 " %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
				"%*d %*d %*d %*d %*d %*d %" SCNu64,
				&ret->state, &ret->parent, &ret->start_ticks) != 3)
		return -EINVAL;
	return 0;
}

static char *cut_suffix(char *text, const char *suffix)
{
	size_t length = strlen(text), cut = strlen(suffix);

	if (length < cut || strcmp(text + length - cut, suffix))
		return NULL;
	text[length - cut] = '\0';
	return text;
}

/* ret_mode: "rwxp" and a NUL. ret->path: what stands there, NULL: nothing. 0 or -EINVAL. */
static int parse_maps_line(char *line, struct proc_mapping *ret, char ret_mode[5])
{
	int path = 0;

	*ret = (struct proc_mapping){0};
	*ret_mode = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
		   &ret->start, &ret->end, ret_mode, &ret->offset, &ret->dev_major, &ret->dev_minor,
		   &ret->inode, &path) != 7 ||
	    ret->start >= ret->end)
		return -EINVAL;
	ret->path = line[path] ? line + path : NULL;
	return 0;
}

int proc_parse_mapping(char *line, struct proc_mapping *ret)
{
	char mode[5];

	if (parse_maps_line(line, ret, mode))
		return -EINVAL;
	if (mode[0] == 'r' && mode[2] == 'x' && ret->path && *ret->path == '/' && ret->inode)
		return 0;
	ret->path = NULL;
	return -ENOENT;
}

/* What is neither a file's nor the program's own: a stack, or the kernel's. */
static bool is_special(const char *path)
{
	return path && *path == '[' && strcmp(path, PROC_HEAP) &&
	       strncmp(path, NAMED, strlen(NAMED));
}

int proc_parse_data_mapping(char *line, struct proc_mapping *ret)
{
	char mode[5];

	if (parse_maps_line(line, ret, mode))
		return -EINVAL;
	return strncmp(mode, "rw", 2) || mode[3] != 'p' || (!ret->inode && is_special(ret->path))
		       ? -ENOENT
		       : 0;
}

/* Undoes seq_file's \ooo, which stands for white space, '\\' and '#'. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		unsigned int byte = 0;

		if (*text == '\\' && strspn(text + 1, "01234567") >= 3)
			sscanf(text + 1, "%3o", &byte);
		*out++ = byte ? (char)byte : *text;
		text += byte ? 4 : 1;
	}
	*out = '\0';
}

int proc_parse_mount(char *line, struct proc_mount *ret)
{
	int root = 0, root_end = 0, point = 0, point_end = 0;

	*ret = (struct proc_mount){0};
	if (sscanf(line, "%*u %*u %" SCNu32 ":%" SCNu32 " %n%*s%n %n%*s%n", &ret->dev_major,
		   &ret->dev_minor, &root, &root_end, &point, &point_end) != 2 ||
	    line[root] != '/' || line[point] != '/' || !point_end)
		return -EINVAL;
	line[root_end] = line[point_end] = '\0';
	unescape(line + root);
	unescape(line + point);
	ret->root = line + root;
	ret->point = line + point;
	return 0;
}

/* Is the text, size bytes, a container id? Engines write them in lower case. */
static bool is_container_id(const char *text, size_t size)
{
	return size == CONTAINER_ID_SIZE - 1 && strspn(text, "0123456789abcdef") >= size;
}

/* The container that one component of a path names. */
static bool component_container(const char *text, size_t size, char ret_id[CONTAINER_ID_SIZE])
{
	static const char scope[] = ".scope", monitor[] = "-conmon-";
	const char *end = text + size;
	const char *id = end;

	if (memmem(text, size, monitor, strlen(monitor)))
		return false;
	if (size >= strlen(scope) && !memcmp(end - strlen(scope), scope, strlen(scope)))
		end -= strlen(scope);
	for (id = end; id > text && id[-1] != '-' && id[-1] != ':';)
		id--;
	if (!is_container_id(id, end - id))
		return false;
	memcpy(ret_id, id, CONTAINER_ID_SIZE - 1);
	ret_id[CONTAINER_ID_SIZE - 1] = '\0';
	return true;
}

bool proc_parse_container(const char *path, char ret_id[CONTAINER_ID_SIZE])
{
	const char *end = path + strlen(path);

	ret_id[0] = '\0';
	while (end > path) {
		const char *start = memrchr(path, '/', end - path);
		const char *component = start ? start + 1 : path;

		if (component_container(component, end - component, ret_id))
			return true;
		end = start ? start : path;
	}
	return false;
}

/* "hierarchy:controllers:path"; only the path may hold more colons. NULL: no such line. */
static char *cgroup_path(char *line)
{
	char *colon = strchr(line, ':');

	colon = colon ? strchr(colon + 1, ':') : NULL;
	if (!colon || colon[1] != '/')
		return NULL;
	cut_suffix(colon + 1, DELETED);
	return colon + 1;
}

char *proc_parse_cgroup(char *text, char ret_id[CONTAINER_ID_SIZE])
{
	char *first = NULL, *unified = NULL, *line = NULL, *rest = text;
	char id[CONTAINER_ID_SIZE];

	ret_id[0] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		bool is_unified = !strncmp(line, "0::", 3);
		char *path = cgroup_path(line);

		if (!path)
			continue;
		if (is_unified)
			unified = path;
		if (!first)
			first = path;
		/* With both versions mounted, an engine may name the container in one alone. */
		if (proc_parse_container(path, id) && (is_unified || !ret_id[0]))
			memcpy(ret_id, id, sizeof(id));
	}
	return unified ? unified : first;
}

static const struct {
	const char *text;
	enum fd_type type;
} kinds[] =
	{
		{"anon_inode:[eventpoll]", FD_EPOLL}, {"anon_inode:[eventfd]", FD_EVENTFD},
		{"anon_inode:[timerfd]", FD_TIMERFD}, {"anon_inode:[signalfd]", FD_SIGNALFD},
		{"anon_inode:inotify", FD_INOTIFY},   {"anon_inode:[inotify]", FD_INOTIFY},
		{"anon_inode:[pidfd]", FD_PIDFD},
},
  numbered[] = {
	  {"socket:[", FD_SOCKET}, {"pipe:[", FD_PIPE}, {"pidfd:[", FD_PIDFD}, /* since 6.9 */
};

static enum fd_type link_type(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(text, kinds[i].text))
			return kinds[i].type;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbered); i++) {
		if (!strncmp(text, numbered[i].text, strlen(numbered[i].text)))
			return numbered[i].type;
	}
	return text[0] == '/' ? FD_FILE : FD_OTHER;
}

void proc_parse_fd_link(char *text, struct fd_what *ret)
{
	static const char memfd[] = "/memfd:";

	*ret = (struct fd_what){.type = link_type(text)};
	if (!strncmp(text, memfd, strlen(memfd)) && cut_suffix(text, DELETED)) {
		ret->type = FD_MEMFD;
		ret->path = text + strlen(memfd);
	} else if (ret->type == FD_FILE || ret->type == FD_OTHER) {
		ret->path = text;
		ret->path_from_proc = true;
	}
}

int proc_parse_fdinfo(const char *text, bool *ret_cloexec)
{
	const char *flags = find_key(text, "flags");
	char *end = NULL;
	unsigned long value = 0;

	if (!flags)
		return -EINVAL;
	value = strtoul(flags, &end, 8);
	if (end == flags || *end != '\n')
		return -EINVAL;
	*ret_cloexec =
		value & 02000000; /* the kernel's O_CLOEXEC, on all architectures built for */
	return 0;
}
