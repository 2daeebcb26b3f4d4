/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "security/elf_helper.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "python/destructor.h"
#include "security/helper_process.h"

#define TIMEOUT_MS  3000
/* A libpython's symbols and relocations are a fiftieth of that. */
#define MEMORY_MAX  (512u << 20)
#define ERRNO_LEAST (-4095) /* the kernel's MAX_ERRNO */

enum question_kind { RUNTIME, DESTRUCTOR, OWNER_FUNCTIONS };

struct question {
	enum question_kind kind;
	struct python_runtime runtime; /* of DESTRUCTOR */
};

union answer {
	struct python_runtime runtime;
	uint64_t offset;
	struct code_range code[OWNER_CODES];
};

_Static_assert(sizeof(struct question) <= SANDBOX_BYTES_MAX, "a question fits its packet");
_Static_assert(sizeof(union answer) <= SANDBOX_BYTES_MAX, "an answer fits its packet");

struct elf_helper {
	struct sandbox *sandbox;
	unsigned int failures;
};

/* In the helper. */
static int look(int fd, const void *asked, void *answer)
{
	struct question question;
	union answer found = {0};
	int result = -EINVAL;

	memcpy(&question, asked, sizeof(question));
	switch (question.kind) {
	case RUNTIME:
		result = python_runtime_find(fd, &found.runtime);
		break;
	case DESTRUCTOR:
		result = python_code_destructor(fd, &question.runtime, &found.offset);
		break;
	case OWNER_FUNCTIONS:
		result = python_owner_functions_find(fd, found.code);
		break;
	}
	memcpy(answer, &found, sizeof(found));
	return result;
}

int elf_helper_new(struct elf_helper **ret_elf_helper)
{
	const struct sandbox_options options = {
		.work = look,
		.question_size = sizeof(struct question),
		.answer_size = sizeof(union answer),
		.timeout_ms = TIMEOUT_MS,
		.memory = MEMORY_MAX,
	};
	struct elf_helper *elf_helper = calloc(1, sizeof(*elf_helper));
	int err;

	if (!elf_helper)
		return -ENOMEM;
	err = sandbox_new(&options, &elf_helper->sandbox);
	if (err) {
		free(elf_helper);
		return err;
	}
	*ret_elf_helper = elf_helper;
	return 0;
}

void elf_helper_free(struct elf_helper *elf_helper)
{
	if (!elf_helper)
		return;
	sandbox_free(elf_helper->sandbox);
	free(elf_helper);
}

unsigned int elf_helper_failures(const struct elf_helper *elf_helper)
{
	return elf_helper->failures;
}

/* 0 or negative errno: what was found, or why nothing was. */
static int ask_sandbox(struct elf_helper *elf_helper, int fd, const struct question *question,
		       union answer *answer)
{
	int result = 0, err;

	memset(answer, 0, sizeof(*answer));
	err = sandbox_ask(elf_helper->sandbox, fd, question, answer, &result);
	if (err && err != -EINTR)
		elf_helper->failures++;
	if (err)
		return err;
	return result > 0 || result < ERRNO_LEAST ? -EBADMSG : result;
}

/* A version is shown to people. */
static bool sane_runtime(const struct python_runtime *runtime)
{
	size_t size = strnlen(runtime->version_text, sizeof(runtime->version_text));

	if (size == sizeof(runtime->version_text))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)runtime->version_text[i]) &&
		    !strchr(". +", runtime->version_text[i]))
			return false;
	}
	return true;
}

int elf_helper_runtime_find(struct elf_helper *elf_helper, int fd, struct python_runtime *ret)
{
	const struct question question = {.kind = RUNTIME};
	union answer answer;
	int err = ask_sandbox(elf_helper, fd, &question, &answer);

	if (err && err != -ENOTSUP)
		return err;
	if (!sane_runtime(&answer.runtime) ||
	    (!err &&
	     (!answer.runtime.version || answer.runtime.layout.version != answer.runtime.version)))
		return -EBADMSG;
	*ret = answer.runtime;
	return err;
}

int elf_helper_code_destructor(struct elf_helper *elf_helper, int fd,
			       const struct python_runtime *runtime, uint64_t *ret_offset)
{
	const struct question question = {.kind = DESTRUCTOR, .runtime = *runtime};
	union answer answer;
	int err = ask_sandbox(elf_helper, fd, &question, &answer);

	if (!err)
		*ret_offset = answer.offset;
	return err;
}

int elf_helper_owner_functions(struct elf_helper *elf_helper, int fd,
			       struct code_range ret[OWNER_CODES])
{
	const struct question question = {.kind = OWNER_FUNCTIONS};
	union answer answer;
	int err = ask_sandbox(elf_helper, fd, &question, &answer);

	if (err)
		return err;
	for (size_t i = 0; i < OWNER_CODES; i++)
		/* Symbols tell of these. */
		if (i != CODE_FINALIZE && i != CODE_FINALIZE_FREED)
			ret[i] = answer.code[i];
	return 0;
}
