/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Text from a traced process is hostile: these make it safe for a terminal and for JSON.
 *
 * Owns: escaping. Never: decides what is shown.
 */
#ifndef FDTRACE_BASE_TEXT_H
#define FDTRACE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy of size bytes for a terminal: control characters, DEL, C1 controls, bidirectional
 * controls, line and paragraph separators, what does not show at all, and invalid UTF-8 bytes
 * appear as \n, \t, \xNN, \uNNNN or \UNNNNNNNN; a backslash stays as it is. Never NULL bytes
 * inside. NULL without memory; the caller frees it.
 */
char *text_for_terminal(const char *bytes, size_t size);

/*
 * A space of a name that has gone through text_for_terminal (layout_name() puts it there): shown
 * as a space, but no place where a line may end, so that a name cannot begin a line of its own.
 */
#define TEXT_SOLID_SPACE '\x1f'

/* As text_for_terminal, but solid spaces stay as they are. */
char *text_for_layout(const char *bytes, size_t size);

/* Solid spaces of text become plain ones, in place. Returns text. */
char *text_soften(char *text);

/*
 * A copy of size bytes that is valid UTF-8 without NUL: each byte that is part of no valid
 * sequence (surrogates and overlong forms too) becomes the character U+00XX of its value, as
 * docs/json.md says. NUL becomes U+FFFD. NULL without memory; the caller frees it.
 */
char *text_for_json(const char *bytes, size_t size);

/*
 * Length of the valid UTF-8 sequence at p (at most size bytes), 0 if there is none; its
 * character in *ret_char.
 */
size_t text_utf8(const unsigned char *p, size_t size, unsigned int *ret_char);

/* The last component of a path: a part of it. */
const char *text_basename(const char *path);

#endif
