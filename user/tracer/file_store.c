/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "tracer/file_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/output_file.h"

#define FILES_MAX    1024
#define SAVE_NS	     5000000000ull
#define BOOT_ID_SIZE 36
#define MAGIC	     0x3173656c69666466ull /* "fdfiles1" */

struct header {
	struct file_store_origin origin;
	uint32_t count;
	uint32_t crc; /* of the files that follow */
};

/* Zero bytes in all of it that is no member, as it is written to a file. */
struct stored {
	struct header header;
	struct learned_file files[FILES_MAX];
};

static uint32_t crc_of(const struct stored *stored, size_t count)
{
	return crc32(0, (const void *)stored->files, count * sizeof(stored->files[0]));
}

static int read_boot_id(char ret[BOOT_ID_SIZE])
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return file_read_up_to(fd, ret, BOOT_ID_SIZE) == BOOT_ID_SIZE ? 0 : -EIO;
}

static int this_origin(struct file_store_origin *ret)
{
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	ret->magic = MAGIC;
	if (stat("/proc/self/exe", &st))
		return -errno;
	ret->device = st.st_dev;
	ret->inode = st.st_ino;
	ret->size = st.st_size;
	ret->changed_ns = st.st_ctim.tv_sec * 1000000000ull + st.st_ctim.tv_nsec;
	return read_boot_id(ret->boot_id);
}

/* True: it is ours, whole, and of this boot and build. */
static bool read_stored(const struct file_store *store, struct stored *ret)
{
	struct header *header = &ret->header;

	return !file_read_exactly(store->fd, header, sizeof(*header), 0) &&
	       !memcmp(&header->origin, &store->origin, sizeof(header->origin)) &&
	       header->count <= FILES_MAX &&
	       !file_read_exactly(store->fd, ret->files, header->count * sizeof(ret->files[0]),
				  sizeof(*header)) &&
	       header->crc == crc_of(ret, header->count);
}

static void load(struct file_store *store, struct file_cache *file_cache)
{
	struct stored *stored = calloc(1, sizeof(*stored));

	if (stored && read_stored(store, stored))
		for (uint32_t i = 0; i < stored->header.count; i++)
			file_cache_add(file_cache, &stored->files[i]);
	free(stored);
	store->changes = file_cache_changes(file_cache);
}

int file_store_open(struct file_store *store, const char *path, struct file_cache *file_cache)
{
	int err;

	*store = FILE_STORE_NONE;
	store->fd = output_file_append(path);
	if (store->fd < 0)
		return store->fd;
	err = this_origin(&store->origin);
	/* It is written from its beginning, not behind what there is. */
	if (!err && fcntl(store->fd, F_SETFL, O_NONBLOCK) < 0)
		err = -errno;
	if (err)
		file_store_close(store);
	else
		load(store, file_cache);
	return err;
}

struct collected {
	struct stored *stored;
	bool walked; /* those that are a Python; else the others */
};

static void collect(void *arg, const struct learned_file *file)
{
	struct collected *collected = arg;
	struct stored *stored = collected->stored;

	if (file->walked == collected->walked && stored->header.count < FILES_MAX)
		stored->files[stored->header.count++] = *file;
}

/* Pythons first: the others are looked into fast. */
static void gather(const struct file_cache *file_cache, struct stored *ret)
{
	for (int walked = 1; walked >= 0; walked--)
		file_cache_each(file_cache, collect, &(struct collected){ret, walked});
	ret->header.crc = crc_of(ret, ret->header.count);
}

/* What is left of it after an error has not the right checksum. */
static int write_stored(const struct file_store *store, const struct stored *stored)
{
	size_t size = sizeof(stored->header) + stored->header.count * sizeof(stored->files[0]);

	if (pwrite(store->fd, stored, size, 0) != (ssize_t)size)
		return -EIO;
	return ftruncate(store->fd, (off_t)size) ? -errno : 0;
}

void file_store_save(struct file_store *store, const struct file_cache *file_cache, uint64_t now_ns,
		     bool at_end)
{
	uint64_t changes = file_cache_changes(file_cache);
	struct stored *stored;

	if (store->fd < 0 || changes == store->changes ||
	    (!at_end && store->saved_ns && now_ns - store->saved_ns < SAVE_NS))
		return;
	store->changes = changes;
	store->saved_ns = now_ns;
	stored = calloc(1, sizeof(*stored));
	if (stored) {
		stored->header.origin = store->origin;
		gather(file_cache, stored);
		if (write_stored(store, stored))
			store->changes = 0;
	}
	free(stored);
}

void file_store_close(struct file_store *store)
{
	store->fd = close_fd(store->fd);
}
