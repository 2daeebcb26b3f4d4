/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "source/source_record.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* Of the longest line that a source_reader gives. */
#define TEXT_MAX 4096

static int hand_on_line(struct source_recorder *recorder, const struct process *process,
			const char *file, int line, const char *text)
{
	size_t file_size = strlen(file), text_size = text ? strnlen(text, TEXT_MAX) : 0;
	_cleanup_free_ struct record_source *record =
		calloc(1, sizeof(*record) + file_size + text_size);

	if (!record)
		return -ENOMEM;
	record_own(&record->h, RECORD_SOURCE, sizeof(*record) + file_size + text_size, process->pid,
		   clock_boot_ns());
	record->line = line;
	record->file_size = file_size;
	record->text_size = text_size;
	memcpy(record->data, file, file_size);
	if (text_size)
		memcpy(record->data + file_size, text, text_size);
	return recorder->fn(recorder->arg, &record->h);
}

static char *recorder_line(struct source_reader *reader, const struct process *process,
			   const struct record_rights *rights, const char *file, int line)
{
	struct source_recorder *recorder = (struct source_recorder *)reader;
	char *text = recorder->from
			     ? recorder->from->line(recorder->from, process, rights, file, line)
			     : NULL;

	/* No path can be longer, and no line is numbered so: these are never read. */
	if (process && line > 0 && strlen(file) < PATH_MAX)
		hand_on_line(recorder, process, file, line, text);
	return text;
}

static void recorder_done(struct source_reader *reader)
{
	struct source_recorder *recorder = (struct source_recorder *)reader;

	if (recorder->from)
		recorder->from->done(recorder->from);
}

void source_recorder_init(struct source_recorder *recorder, struct source_reader *from,
			  record_fn fn, void *arg)
{
	*recorder = (struct source_recorder){
		.reader = {recorder_line, recorder_done},
		.from = from,
		.fn = fn,
		.arg = arg,
	};
}

struct line_key {
	uint32_t pid;
	uint32_t line;
	char file[PATH_MAX];
};

struct source_line {
	struct bounded_item item;
	char *text; /* NULL: not readable */
	char key[]; /* the beginning of a line_key */
};

/* The bytes of the key; 0: no such file. */
static size_t make_key(struct line_key *key, uint32_t pid, uint32_t line, const char *file,
		       size_t file_size)
{
	if (file_size >= sizeof(key->file))
		return 0;
	key->pid = pid;
	key->line = line;
	memcpy(key->file, file, file_size);
	return offsetof(struct line_key, file) + file_size;
}

static void source_line_free(struct bounded_item *item)
{
	struct source_line *line = (struct source_line *)item;

	free(line->text);
	free(line);
}

/* Takes text over on success. */
static int keep_line(struct source_player *player, const struct line_key *key, size_t size,
		     char *text)
{
	struct source_line *line = calloc(1, sizeof(*line) + size);

	if (!line)
		return -ENOMEM;
	memcpy(line->key, key, size);
	if (bounded_add(&player->lines, &line->item, line->key, size)) {
		free(line);
		return -ENOMEM;
	}
	line->text = text;
	return 0;
}

int source_player_record(struct source_player *player, const struct record_header *record)
{
	const struct record_source *r = (const void *)record;
	_cleanup_free_ char *text = NULL;
	struct line_key key;
	size_t size;
	int err;

	if (!record_valid(record) || record->type != RECORD_SOURCE)
		return -EINVAL;
	size = make_key(&key, r->h.tgid, r->line, r->data, r->file_size);
	if (!size)
		return -EINVAL;
	if (r->text_size) {
		text = mem_dup_text(r->data + r->file_size, r->text_size);
		if (!text)
			return -ENOMEM;
	}
	err = keep_line(player, &key, size, text);
	if (!err)
		(void)TAKE_PTR(text);
	return err;
}

/* What may be shown was decided when it was recorded. */
static char *player_line(struct source_reader *reader, const struct process *process,
			 const struct record_rights *rights, const char *file, int line)
{
	const struct source_player *player = (const struct source_player *)reader;
	const struct source_line *kept = NULL;
	struct line_key key;
	size_t size;

	if (!process || line <= 0)
		return NULL;
	size = make_key(&key, process->pid, line, file, strlen(file));
	kept = size ? (const struct source_line *)bounded_find(&player->lines, &key, size) : NULL;
	return kept && kept->text ? strdup(kept->text) : NULL;
}

static void player_done(struct source_reader *reader)
{
}

void source_player_init(struct source_player *player)
{
	*player = (struct source_player){
		.reader = {player_line, player_done},
		.lines = {.items_max = SOURCE_LINES_MAX, .item_free = source_line_free},
	};
}

void source_player_free(struct source_player *player)
{
	bounded_drop_all(&player->lines);
}
