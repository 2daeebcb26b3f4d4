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
#define FILE_CACHE_MAX 4096

#define SECOND_NS 1000000000ull
#define TICKS_NS  20000000ull

struct file_cache {
	struct ebpf *ebpf;
	struct elf_helper *elf_helper;
	bool owners;
	struct known_file *known;  /* by version */
	struct known_file *latest; /* of these, the last of each file */
	size_t looked;		   /* as many have been looked into */
	uint64_t changes;
};

int file_cache_new(struct ebpf *ebpf, struct elf_helper *elf_helper, bool owners,
		   struct file_cache **ret_file_cache)
{
	struct file_cache *file_cache = calloc(1, sizeof(*file_cache));

	if (!file_cache)
		return -ENOMEM;
	file_cache->ebpf = ebpf;
	file_cache->elf_helper = elf_helper;
	file_cache->owners = owners;
	*ret_file_cache = file_cache;
	return 0;
}

static struct known_file *find_version(const struct file_cache *file_cache,
				       const struct file_version *version)
{
	struct known_file *file;

	HASH_FIND(hh, file_cache->known, version, sizeof(*version), file);
	return file;
}

struct known_file *file_cache_latest(struct file_cache *file_cache, const struct file_key *key)
{
	struct known_file *file;

	HASH_FIND(by_key, file_cache->latest, key, sizeof(*key), file);
	return file;
}

/* What was found in it. */
static void forget_content(struct file_cache *file_cache, struct known_file *file)
{
	file_cache->looked -= file->looked;
	file->looked = file->settled = file->walked = file->strange = file->validated = false;
	file->fd = close_fd(file->fd);
}

static void forget_file(struct file_cache *file_cache, struct known_file *file)
{
	forget_content(file_cache, file);
	if (file_cache_latest(file_cache, &file->version.file) == file)
		HASH_DELETE(by_key, file_cache->latest, file);
	HASH_DEL(file_cache->known, file);
	free(file);
}

static void forget_all_files(struct file_cache *file_cache)
{
	struct known_file *file, *next;

	HASH_ITER (hh, file_cache->known, file, next)
		forget_file(file_cache, file);
}

/* Whoever looks into files may hold one of those that have been looked into. */
static void forget_others(struct file_cache *file_cache)
{
	struct known_file *file, *next;

	HASH_ITER (hh, file_cache->known, file, next)
		if (!file->looked)
			forget_file(file_cache, file);
}

void file_cache_free(struct file_cache *file_cache)
{
	if (!file_cache)
		return;
	forget_all_files(file_cache);
	free(file_cache);
}

struct known_file *file_cache_find(struct file_cache *file_cache,
				   const struct file_version *version)
{
	struct known_file *file = find_version(file_cache, version);

	return file && file->looked ? file : NULL;
}

/* NULL without memory. */
static struct known_file *add_version(struct file_cache *file_cache,
				      const struct file_version *version)
{
	struct known_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->version = *version;
	file->fd = -1;
	file->native = FILE_NO_NUMBER;
	HASH_ADD(hh, file_cache->known, version, sizeof(file->version), file);
	if (!file->hh.tbl) {
		free(file);
		return NULL;
	}
	return file;
}

/* Without memory the file has no latest version. */
static void make_latest(struct file_cache *file_cache, struct known_file *file)
{
	struct known_file *latest = file_cache_latest(file_cache, &file->version.file);

	if (latest == file)
		return;
	if (latest)
		HASH_DELETE(by_key, file_cache->latest, latest);
	HASH_ADD(by_key, file_cache->latest, version.file, sizeof(file->version.file), file);
}

static struct known_file *meet_version(struct file_cache *file_cache,
				       const struct file_version *version)
{
	struct known_file *file = find_version(file_cache, version);

	if (!file && HASH_COUNT(file_cache->known) - file_cache->looked >= FILE_CACHE_MAX)
		forget_others(file_cache);
	if (!file)
		file = add_version(file_cache, version);
	if (file)
		make_latest(file_cache, file);
	return file;
}

struct known_file *file_cache_meet(struct file_cache *file_cache, int fd)
{
	struct file_version version;

	return ebpf_identify_file(file_cache->ebpf, fd, &version)
		       ? NULL
		       : meet_version(file_cache, &version);
}

void file_cache_forget_natives(struct file_cache *file_cache)
{
	for (struct known_file *file = file_cache->known; file; file = file->hh.next)
		file->native = FILE_NO_NUMBER;
}

bool file_cache_is_settled(const struct file_version *version, uint64_t real_ns)
{
	uint64_t grain = version->changed_ns % SECOND_NS ? TICKS_NS : 2 * SECOND_NS;

	return version->changed_ns + grain <= real_ns;
}

/* fd: lent. */
static void keep_open(struct known_file *file, int fd)
{
	if (file->walked && file->fd < 0)
		file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* What is found in fd, lent. False: the file has been written to meanwhile. */
static bool look_into(struct file_cache *file_cache, struct known_file *file, int fd)
{
	int err;

	file->settled = file_cache_is_settled(&file->version, clock_real_ns());
	memset(&file->runtime, 0, sizeof(file->runtime));
	err = elf_helper_runtime_find(file_cache->elf_helper, fd, &file->runtime);
	file->walked = !err;
	file->strange = err == -ENOTSUP;
	if (file->walked && file_cache->owners)
		elf_helper_owner_functions(file_cache->elf_helper, fd, file->runtime.code);
	if (!ebpf_file_is(file_cache->ebpf, fd, &file->version))
		return false;
	keep_open(file, fd);
	return true;
}

void file_cache_send(struct file_cache *file_cache, const struct known_file *file)
{
	struct python_file answer = {
		.runtime = file->runtime.runtime,
		.code_type = file->runtime.code_type,
		.text_vaddr = file->runtime.text_vaddr,
		.text_offset = file->runtime.text_offset,
		.fixed = file->runtime.fixed,
	};
	const struct ebpf_layout layout = {
		.python = &file->runtime.layout,
		.owners = python_owners_of(&file->runtime.layout),
	};

	memcpy(answer.code, file->runtime.code, sizeof(answer.code));
	/* Of a strange one it goes on to ask, so that each process of it is named. */
	if (file->settled && !file->strange)
		ebpf_learn_file(file_cache->ebpf, &file->version, file->walked ? &layout : NULL,
				&answer);
}

struct known_file *file_cache_learn(struct file_cache *file_cache,
				    const struct file_version *version, int fd)
{
	struct known_file *file = file_cache_find(file_cache, version);

	if (file && file->settled) {
		keep_open(file, fd);
		return file;
	}
	if (!file && file_cache->looked >= FILE_CACHE_MAX)
		forget_all_files(file_cache);
	file = meet_version(file_cache, version);
	if (!file)
		return NULL;
	forget_content(file_cache, file);
	if (!look_into(file_cache, file, fd)) {
		forget_content(file_cache, file);
		return NULL;
	}
	file->looked = true;
	file_cache->looked++;
	file_cache->changes++;
	file_cache_send(file_cache, file);
	return file;
}

void file_cache_add(struct file_cache *file_cache, const struct learned_file *learned)
{
	struct known_file *file = file_cache->looked < FILE_CACHE_MAX
					  ? meet_version(file_cache, &learned->version)
					  : NULL;

	if (!file || file->looked)
		return;
	file->runtime = learned->runtime;
	file->walked = learned->walked;
	file->looked = file->settled = true;
	file_cache->looked++;
	file_cache_send(file_cache, file);
}

void file_cache_each(const struct file_cache *file_cache,
		     void (*fn)(void *arg, const struct learned_file *learned), void *arg)
{
	struct learned_file learned;

	for (const struct known_file *file = file_cache->known; file; file = file->hh.next) {
		if (!file->looked || !file->settled || file->strange)
			continue;
		memset(&learned, 0, sizeof(learned));
		learned.version = file->version;
		learned.walked = file->walked;
		if (file->walked)
			learned.runtime = file->runtime;
		fn(arg, &learned);
	}
}

uint64_t file_cache_changes(const struct file_cache *file_cache)
{
	return file_cache->changes;
}

struct known_file *file_cache_learn_path(struct file_cache *file_cache, const char *path)
{
	_cleanup_close_ int fd = file_open_regular(path);
	struct file_version version;

	if (fd < 0 || ebpf_identify_file(file_cache->ebpf, fd, &version))
		return NULL;
	return file_cache_learn(file_cache, &version, fd);
}
