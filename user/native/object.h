/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One file that a process has mapped: what it says of its code.
 *
 * Owns: the file, its unwind information (.eh_frame, .debug_frame) and its names, each read when it
 * is first asked for; the separate file of names (by build id) too. The file is hostile: whoever
 * parses it does so confined (native/helper.h).
 * Never: asks a server (debuginfod) for anything: what one has is handed in; follows a path that
 * the file names.
 */
#ifndef FDTRACE_NATIVE_OBJECT_H
#define FDTRACE_NATIVE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

/* Longest build id, bytes; those of today have 20. */
#define BUILD_ID_MAX 64

struct object;

/*
 * fd: taken. name: the base name. debug_dir: where separate files of names lie, as
 * "<debug_dir>/.build-id/ab/cdef.debug"; NULL: none are looked for. NULL without memory.
 */
struct object *object_new(int fd, const char *name, const char *debug_dir);
void object_free(struct object *object);

const char *object_name(const struct object *object);

/* A mapping of it. */
struct object_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file */
	bool exec;	 /* only this is known: the code of the program begins at start */
};

/*
 * What to take from an address in the process to have it as the file counts; mapping's start and
 * end are filled in where they were not known. 0; -EINVAL: the file cannot be mapped so, or is not
 * one that can be unwound here; -ESTALE: it has been written to since.
 */
int object_bias(struct object *object, struct object_mapping *mapping, uint64_t *ret);

/* How to unwind the frame of an address (as the file counts). NULL: not said. The caller frees it.
 */
Dwarf_Frame *object_frame(struct object *object, uint64_t address);

/* The function that holds an address (as the file counts); NULL: not known. Lent. */
const char *object_symbol(struct object *object, uint64_t address);

/*
 * The size of its build id, by which a separate file of names may be found elsewhere: there is no
 * whole table of names yet. 0: there is one, or no build id.
 */
size_t object_lacks_names(struct object *object, uint8_t ret_id[BUILD_ID_MAX]);

/* Names out of a separate file (fd: lent), if it has this build id. Earlier names hold no more. */
void object_add_names(struct object *object, int fd);

#endif
