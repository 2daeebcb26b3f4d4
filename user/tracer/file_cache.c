/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* an element that could not be added has hh.tbl == NULL */
#include "tracer/file_cache.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "python/owner_layout.h"

/* As many that have been looked into; and as many others. Beyond they are met anew. */
#define FILES_MAX 4096

#define SECOND_NS 1000000000ull
#define TICKS_NS  20000000ull

struct files {
	struct probe *probe;
	struct foreign *foreign;
	bool owners;
	struct known_file *known;  /* by version */
	struct known_file *latest; /* of these, the last of each file */
	size_t looked;		   /* as many have been looked into */
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

static struct known_file *find_version(const struct files *files,
				       const struct file_version *version)
{
	struct known_file *file;

	HASH_FIND(hh, files->known, version, sizeof(*version), file);
	return file;
}

struct known_file *files_latest(struct files *files, const struct file_key *key)
{
	struct known_file *file;

	HASH_FIND(by_key, files->latest, key, sizeof(*key), file);
	return file;
}

/* What was found in it. */
static void forget_content(struct files *files, struct known_file *file)
{
	files->looked -= file->looked;
	file->looked = file->settled = file->walked = file->strange = file->proved = false;
	file->fd = close_fd(file->fd);
}

static void forget_file(struct files *files, struct known_file *file)
{
	forget_content(files, file);
	if (files_latest(files, &file->version.file) == file)
		HASH_DELETE(by_key, files->latest, file);
	HASH_DEL(files->known, file);
	free(file);
}

static void forget_all_files(struct files *files)
{
	struct known_file *file, *next;

	HASH_ITER (hh, files->known, file, next)
		forget_file(files, file);
}

/* Whoever looks into files may hold one of those that have been looked into. */
static void forget_others(struct files *files)
{
	struct known_file *file, *next;

	HASH_ITER (hh, files->known, file, next)
		if (!file->looked)
			forget_file(files, file);
}

void files_free(struct files *files)
{
	if (!files)
		return;
	forget_all_files(files);
	free(files);
}

struct known_file *files_find(struct files *files, const struct file_version *version)
{
	struct known_file *file = find_version(files, version);

	return file && file->looked ? file : NULL;
}

/* NULL without memory. */
static struct known_file *add_version(struct files *files, const struct file_version *version)
{
	struct known_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->version = *version;
	file->fd = -1;
	file->native = FILE_NO_NUMBER;
	HASH_ADD(hh, files->known, version, sizeof(file->version), file);
	if (!file->hh.tbl) {
		free(file);
		return NULL;
	}
	return file;
}

/* Without memory the file has no latest version. */
static void make_latest(struct files *files, struct known_file *file)
{
	struct known_file *latest = files_latest(files, &file->version.file);

	if (latest == file)
		return;
	if (latest)
		HASH_DELETE(by_key, files->latest, latest);
	HASH_ADD(by_key, files->latest, version.file, sizeof(file->version.file), file);
}

static struct known_file *meet_version(struct files *files, const struct file_version *version)
{
	struct known_file *file = find_version(files, version);

	if (!file && HASH_COUNT(files->known) - files->looked >= FILES_MAX)
		forget_others(files);
	if (!file)
		file = add_version(files, version);
	if (file)
		make_latest(files, file);
	return file;
}

struct known_file *files_meet(struct files *files, int fd)
{
	struct file_version version;

	return probe_identify_file(files->probe, fd, &version) ? NULL
							       : meet_version(files, &version);
}

void files_forget_natives(struct files *files)
{
	for (struct known_file *file = files->known; file; file = file->hh.next)
		file->native = FILE_NO_NUMBER;
}

bool files_is_settled(const struct file_version *version, uint64_t real_ns)
{
	uint64_t grain = version->changed_ns % SECOND_NS ? TICKS_NS : 2 * SECOND_NS;

	return version->changed_ns + grain <= real_ns;
}

/* What is found in fd, lent. False: the file has been written to meanwhile. */
static bool look_into(struct files *files, struct known_file *file, int fd)
{
	int err;

	file->settled = files_is_settled(&file->version, clock_real_ns());
	memset(&file->runtime, 0, sizeof(file->runtime));
	err = foreign_runtime_find(files->foreign, fd, &file->runtime);
	file->walked = !err;
	file->strange = err == -ENOTSUP;
	if (file->walked && files->owners)
		foreign_owner_functions(files->foreign, fd, file->runtime.code);
	if (!probe_file_is(files->probe, fd, &file->version))
		return false;
	file->fd = file->walked ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	return true;
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
	if (!file && files->looked >= FILES_MAX)
		forget_all_files(files);
	file = meet_version(files, version);
	if (!file)
		return NULL;
	forget_content(files, file);
	if (!look_into(files, file, fd)) {
		forget_content(files, file);
		return NULL;
	}
	file->looked = true;
	files->looked++;
	files_tell(files, file);
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
