/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "python/owner_layout.h"

/* Beyond this many they are looked into again. */
#define FILES_MAX 4096

#define SECOND_NS 1000000000ull
#define TICKS_NS  20000000ull

struct files {
	struct probe *probe;
	struct foreign *foreign;
	bool owners;
	struct known_file *known;
};

int files_new(struct probe *probe, struct foreign *foreign, bool owners, struct files **ret_files)
{
	struct files *files = calloc(1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	files->probe = probe;
	files->foreign = foreign;
	files->owners = owners;
	*ret_files = files;
	return 0;
}

static void forget(struct files *files, struct known_file *file)
{
	HASH_DEL(files->known, file);
	close_fd(file->fd);
	free(file);
}

static void forget_all(struct files *files)
{
	struct known_file *file, *next;

	HASH_ITER (hh, files->known, file, next)
		forget(files, file);
}

void files_free(struct files *files)
{
	if (!files)
		return;
	forget_all(files);
	free(files);
}

struct known_file *files_find(struct files *files, const struct file_version *version)
{
	struct known_file *file;

	HASH_FIND(hh, files->known, version, sizeof(*version), file);
	return file;
}

bool files_is_settled(const struct file_version *version, uint64_t real_ns)
{
	uint64_t grain = version->changed_ns % SECOND_NS ? TICKS_NS : 2 * SECOND_NS;

	return version->changed_ns + grain <= real_ns;
}

/* What is found in fd, lent. NULL: it has been written to meanwhile. */
static struct known_file *look_into(struct files *files, const struct file_version *version, int fd)
{
	struct known_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return NULL;
	file->version = *version;
	file->settled = files_is_settled(version, clock_real_ns());
	err = foreign_runtime_find(files->foreign, fd, &file->runtime);
	file->walked = !err;
	file->strange = err == -ENOTSUP;
	if (file->walked && files->owners)
		foreign_owner_functions(files->foreign, fd, file->runtime.code);
	if (probe_file_is(files->probe, fd, version)) {
		file->fd = file->walked ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
		return file;
	}
	free(file);
	return NULL;
}

void files_tell(struct files *files, const struct known_file *file)
{
	struct python_file answer = {
		.runtime = file->runtime.runtime,
		.code_type = file->runtime.code_type,
		.text_vaddr = file->runtime.text_vaddr,
		.text_offset = file->runtime.text_offset,
		.fixed = file->runtime.fixed,
	};
	const struct probe_layout layout = {
		.python = &file->runtime.layout,
		.owners = python_owners_of(&file->runtime.layout),
	};

	memcpy(answer.code, file->runtime.code, sizeof(answer.code));
	/* Of a strange one it goes on to ask, so that each process of it is named. */
	if (file->settled && !file->strange)
		probe_learn_file(files->probe, &file->version, file->walked ? &layout : NULL,
				 &answer);
}

struct known_file *files_learn(struct files *files, const struct file_version *version, int fd)
{
	struct known_file *file = files_find(files, version);

	if (file && file->settled)
		return file;
	if (file)
		forget(files, file);
	if (HASH_COUNT(files->known) >= FILES_MAX)
		forget_all(files);
	file = look_into(files, version, fd);
	if (!file)
		return NULL;
	files_tell(files, file);
	HASH_ADD(hh, files->known, version, sizeof(file->version), file);
	return file;
}

struct known_file *files_learn_path(struct files *files, const char *path)
{
	_cleanup_close_ int fd = file_open_regular(path);
	struct file_version version;

	if (fd < 0 || probe_identify_file(files->probe, fd, &version))
		return NULL;
	return files_learn(files, &version, fd);
}
