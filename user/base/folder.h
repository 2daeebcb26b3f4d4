/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Files in a folder, by how their names begin and end.
 *
 * Owns: the walk, bounded, whoever has filled the folder. Never: takes a path for a pattern: what
 * is looked for is ours, the path may be anybody's.
 */
#ifndef FDTRACE_BASE_FOLDER_H
#define FDTRACE_BASE_FOLDER_H

/* So many entries of one folder are looked at, and so many are handed on. */
#define FOLDER_ENTRIES_MAX 16384
#define FOLDER_FOUND_MAX   256

/* path is lent, "folder/name". */
typedef void (*folder_fn)(void *arg, const char *path);

/* Calls fn for each entry of folder whose name begins and ends so ("" with anything). */
void folder_each(const char *folder, const char *begin, const char *end, folder_fn fn, void *arg);

#endif
