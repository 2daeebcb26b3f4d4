/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "report/advice.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/syscalls.h"
#include "report/advice_rows.h"
#include "report/callers.h"
#include "report/format.h"
#include "report/text/wrap.h"

#define MODULE_COLUMNS 40
#define NAME_COLUMNS   60
#define MODULE_SIZE    256

/* "app.py:12", or the words given where no frame is known. */
static const char *spot(const struct stack *stack, const char *otherwise, char buf[PLACE_SIZE])
{
	char *in;

	if (!*format_place(stack, buf))
		return otherwise;
	/* Not the function: it has been named in the explanation. */
	in = strstr(buf, " in ");
	if (in && stack_user_frame(stack)->line > 0)
		*in = '\0';
	return buf;
}

static bool is_python(const struct finding_view *view)
{
	return stack_user_frame(view->bad) || stack_user_frame(view->closed);
}

static bool threads_differ(const struct finding *f)
{
	return format_other_thread(&f->bad, &f->closed) || (f->notes & NOTE_DIFFERENT_THREADS);
}

/* "libldap", without version and suffixes; "" where C code has no name of its own. */
static void c_module(const struct stack *stack, char buf[PLACE_SIZE])
{
	const struct native_frame *frame = stack ? stack_c_frame(stack) : NULL;
	char module[MODULE_SIZE];

	buf[0] = '\0';
	if (!frame || !frame->module)
		return;
	snprintf(module, sizeof(module), "%.*s", (int)strcspn(frame->module, "."), frame->module);
	layout_name(module, MODULE_COLUMNS, buf, PLACE_SIZE);
}

/* "query() at app.py:22", "app.py:22"; "": no Python is known there. */
static const char *caller(const struct stack *stack, char buf[PLACE_SIZE * 2])
{
	const struct stack_frame *frame = stack_user_frame(stack);
	char place[PLACE_SIZE], name[NAME_COLUMNS * 4 + 1];

	buf[0] = '\0';
	if (!frame)
		return buf;
	spot(stack, "", place);
	layout_name(frame->function, NAME_COLUMNS, name, sizeof(name));
	if (name[0] == '<' || frame->line <= 0)
		snprintf(buf, PLACE_SIZE * 2, "%s", place);
	else
		snprintf(buf, PLACE_SIZE * 2, "%s() at %s", name, place);
	return buf;
}

/* "libldap, from query() at app.py:22,", "C code called from query() at app.py:22". */
static void print_c_code(FILE *out, const struct stack *stack)
{
	char module[PLACE_SIZE], buf[PLACE_SIZE * 2];
	const char *from = caller(stack, buf);

	c_module(stack, module);
	if (*module && *from)
		fprintf(out, "%s, from %s,", module, from);
	else if (*module)
		fputs(module, out);
	else if (*from)
		fprintf(out, "C code called from %s", from);
	else
		fputs("C code", out);
}

/* Of which kind of object it is the advice: what is known of the owner, else of the descriptor. */
static enum owner_type holder_type(const struct finding *f)
{
	if (f->owner.type)
		return f->owner.type;
	return f->what.type == FD_SOCKET  ? OWNER_SOCKET
	       : f->what.type == FD_EPOLL ? OWNER_EPOLL
					  : OWNER_FILEIO;
}

/* What an object offers so that somebody else may close its number. */
static const char *instead(const struct finding *f)
{
	switch (holder_type(f)) {
	case OWNER_SOCKET:
		return "take the number out of the object with detach() first";
	case OWNER_EPOLL:
		return "make the close through the object alone";
	default:
		return "open it with closefd=False";
	}
}

/* How C code gets a number that it may close. */
static const char *give(const struct finding *f)
{
	switch (holder_type(f)) {
	case OWNER_SOCKET:
		return "give it what detach() takes out of the object, or a number of its own "
		       "(os.dup())";
	default:
		return "give it a number of its own (os.dup())";
	}
}

/* As far as the C frames tell. Where there is no Python all is C code: that says nothing. */
static enum site_origin native_origin(const struct stack *stack)
{
	const struct native_frame *frame = stack_c_frame(stack);
	enum site_origin origin = stack_origin(stack);

	/* Without a name it may be that of an object's method (_socket is a module of its own). */
	if (origin == ORIGIN_UNKNOWN && stack_user_frame(stack) && frame && frame->symbol)
		return ORIGIN_OTHER;
	return origin;
}

static uint32_t closer_of(const struct fd_site *site, const struct stack *stack)
{
	enum site_origin origin = site->origin;

	if (!site_seen(site))
		return CLOSER_UNSEEN;
	if (site->inherited)
		return CLOSER_PARENT;
	if (call_shape(site->call) == SHAPE_CLOSE_RANGE)
		return CLOSER_RANGE;
	if (origin == ORIGIN_UNKNOWN && stack && site->call == CALL_CLOSE)
		origin = native_origin(stack);
	switch (origin) {
	case ORIGIN_METHOD:
		return CLOSER_METHOD;
	case ORIGIN_FINALIZER:
		return CLOSER_FINALIZER;
	case ORIGIN_OS_CLOSE:
		return CLOSER_OS_CLOSE;
	case ORIGIN_OTHER:
		return CLOSER_C;
	case ORIGIN_UNKNOWN:
		break;
	}
	return CLOSER_UNKNOWN;
}

/* What a row is looked up by, and what its sentence speaks of. */
struct advice {
	FILE *out;
	const struct finding_view *view;
	const struct finding *f;
	const struct fd_site *wrong; /* a call that is known to be wrong; NULL: neither is */
	const struct stack *wrong_stack;
	struct callers callers;
};

/* The object that was used had the number with another one, which closed it by right. */
static bool is_of_two(const struct finding *f)
{
	return f->kind == FINDING_MISDIRECTED_IO && f->culprit == CULPRIT_BAD;
}

static uint32_t facts_of(const struct advice *advice)
{
	const struct finding *f = advice->f;
	uint32_t facts = 0;

	facts |= f->proofs & PROOF_STOLEN ? FACT_STOLEN : 0;
	facts |= f->proofs & PROOF_OWNER || is_of_two(f) ? FACT_TWO_OWNERS : 0;
	facts |= advice->wrong ? FACT_BEHIND : 0;
	facts |= f->proofs & PROOF_METHOD ? FACT_METHOD : 0;
	facts |= f->proofs & PROOF_KEPT ? FACT_KEPT : 0;
	facts |= threads_differ(f) ? FACT_THREADS : 0;
	facts |= is_python(advice->view) ? FACT_PYTHON : 0;
	facts |= format_stream(f) ? FACT_STREAM : 0;
	facts |= advice->callers.one_line ? FACT_SAME : 0;
	facts |= advice->callers.part ? FACT_CALLERS : 0;
	facts |= f->proofs & PROOF_ONE_OBJECT && f->proofs & PROOF_RECEIVER ? FACT_ONE_OBJECT : 0;
	facts |= f->what.type == FD_SOCKET ? FACT_SOCKET : 0;
	return facts;
}

static bool row_fits(uint32_t mask, uint32_t closer)
{
	return !mask || (mask & closer);
}

static const char *sentence_for(const struct advice *advice)
{
	const struct finding_view *view = advice->view;
	uint32_t facts = facts_of(advice), first = closer_of(&advice->f->closed, view->closed),
		 second = closer_of(&advice->f->bad, view->bad),
		 wrong = advice->wrong ? closer_of(advice->wrong, advice->wrong_stack) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(advice_rows); i++) {
		const struct advice_row *row = &advice_rows[i];

		if (row->kinds & (1u << advice->f->kind) && (row->facts & facts) == row->facts &&
		    row_fits(row->first, first) && row_fits(row->second, second) &&
		    row_fits(row->wrong, wrong))
			return row->sentence;
	}
	return "Close fd {fd} in one place only.";
}

static void print_spot(const struct advice *advice, const struct stack *stack,
		       const char *otherwise)
{
	char place[PLACE_SIZE];

	fputs(spot(stack, otherwise, place), advice->out);
}

/*
 * An os.close() that code of the library makes, such as one that weakref.finalize() or an ExitStack
 * was given, does not stand in the line that the explanation names.
 */
static void print_closing_spot(const struct advice *advice, const struct fd_site *site,
			       const struct stack *stack, const char *otherwise)
{
	const struct stack_frame *user = stack_user_frame(stack);
	char place[PLACE_SIZE];

	bool apart = user && user != &stack->frames[0] && closer_of(site, stack) == CLOSER_OS_CLOSE;

	if (apart)
		fprintf(advice->out, "%s (reached from ", format_frame(&stack->frames[0], place));
	print_spot(advice, stack, otherwise);
	if (apart)
		fputc(')', advice->out);
}

/* "app.py:8": the function has been named in the explanation, as in spot(). */
static void print_caller(const struct advice *advice, const char *place)
{
	const char *in = strstr(place, " in ");

	fprintf(advice->out, "%.*s", (int)(in ? (size_t)(in - place) : strlen(place)), place);
}

static void print_at(const struct advice *advice, const struct stack *stack)
{
	char place[PLACE_SIZE];

	if (*spot(stack, "", place))
		fprintf(advice->out, " at %s", place);
}

static void print_call(const struct advice *advice, const struct fd_site *site)
{
	char name[WORD_SIZE];

	fputs(format_site_call(site, name), advice->out);
}

static void print_owner(const struct advice *advice)
{
	struct fd_owner owner = advice->f->owner;
	char text[OWNER_SIZE];

	owner.type = holder_type(advice->f);
	fputs(format_owner(&owner, text), advice->out);
}

static void print_root(const struct advice *advice)
{
	if (advice->view->caused_by)
		fprintf(advice->out, "finding #%" PRIu64, advice->view->caused_by);
	else
		fputs("its reused_close", advice->out);
}

static bool is_key(const char *key, size_t size, const char *name)
{
	return strlen(name) == size && !memcmp(key, name, size);
}

static void print_place_key(const struct advice *advice, const char *key, size_t size)
{
	const struct finding_view *view = advice->view;

	if (is_key(key, size, "a"))
		print_closing_spot(advice, &advice->f->closed, view->closed, "the earlier place");
	else if (is_key(key, size, "b"))
		print_closing_spot(advice, &advice->f->bad, view->bad, "the later place");
	else if (is_key(key, size, "o"))
		print_spot(advice, view->opened, "the open");
	else if (is_key(key, size, "w"))
		print_closing_spot(advice, advice->wrong, advice->wrong_stack, "the wrong place");
	else if (is_key(key, size, "at_a"))
		print_at(advice, view->closed);
	else if (is_key(key, size, "at_b"))
		print_at(advice, view->bad);
	else if (is_key(key, size, "ca"))
		print_c_code(advice->out, view->closed);
	else if (is_key(key, size, "cb"))
		print_c_code(advice->out, view->bad);
	else if (is_key(key, size, "cw"))
		print_c_code(advice->out, advice->wrong_stack);
	else if (is_key(key, size, "pa"))
		print_caller(advice, advice->callers.closed);
	else if (is_key(key, size, "pb"))
		print_caller(advice, advice->callers.bad);
}

static void print_key(const struct advice *advice, const char *key, size_t size)
{
	if (is_key(key, size, "fd"))
		fprintf(advice->out, "%d", advice->f->fd);
	else if (is_key(key, size, "owner"))
		print_owner(advice);
	else if (is_key(key, size, "instead"))
		fputs(instead(advice->f), advice->out);
	else if (is_key(key, size, "give"))
		fputs(give(advice->f), advice->out);
	else if (is_key(key, size, "stream"))
		fputs(format_stream(advice->f), advice->out);
	else if (is_key(key, size, "root"))
		print_root(advice);
	else if (is_key(key, size, "call_a"))
		print_call(advice, &advice->f->closed);
	else
		print_place_key(advice, key, size);
}

static void print_sentence(const struct advice *advice, const char *sentence)
{
	while (*sentence) {
		size_t size = strcspn(sentence, "{");

		fwrite(sentence, 1, size, advice->out);
		sentence += size;
		if (!*sentence)
			return;
		size = strcspn(++sentence, "}");
		print_key(advice, sentence, size);
		sentence += size + 1;
	}
}

static void advise_by_rows(FILE *out, const struct finding_view *view)
{
	const struct finding *f = view->finding;
	struct advice advice = {.out = out, .view = view, .f = f};

	callers_find(view, &advice.callers);
	if (f->kind == FINDING_OWNED_CLOSE) {
		advice.wrong = &f->bad;
		advice.wrong_stack = view->bad;
	} else if (f->culprit == CULPRIT_CLOSED && !(f->proofs & PROOF_STOLEN)) {
		advice.wrong = &f->closed;
		advice.wrong_stack = view->closed;
	}
	print_sentence(&advice, sentence_for(&advice));
}

static void advise_double_close_unseen(FILE *out, const struct finding_view *view)
{
	int fd = view->finding->fd;

	fprintf(out, "Look for another close of fd %d; ", fd);
	switch (view->finding->closed.missing) {
	case SITE_LOST:
		fputs("a larger --ring-size loses fewer records, so that it may be seen.", out);
		break;
	case SITE_HISTORY_CUT:
		fputs("a longer --history keeps it, so that it may be shown.", out);
		break;
	case SITE_OTHER_WAY:
		fputs("fdtrace --check-kernel tells what this kernel lets it see.", out);
		break;
	default:
		fputs("when the program is run by fdtrace from its start (fdtrace -- COMMAND), "
		      "it may be seen.",
		      out);
	}
}

static void advise_bad_fd(FILE *out, const struct finding_view *view)
{
	int fd = view->finding->fd;

	if (fd < 0)
		fputs("Test for a negative number before the call: -1 often stands for \"not "
		      "open\", and is what fileno() of a closed socket gives.",
		      out);
	else
		fprintf(out,
			"Find out where the number %d comes from: it may have been open in "
			"another process, or be no descriptor at all.",
			fd);
}

static void advise_close_sweep(FILE *out, const struct finding_view *view)
{
	const struct finding *f = view->finding;

	if (is_python(view))
		fprintf(out,
			"Nothing is broken; os.closerange(%d, %lld) closes them without the "
			"errors, in one system call from Python 3.10 on.",
			f->fd, f->last_fd + 1LL);
	else
		fprintf(out,
			"Nothing is broken; close_range(%d, %d, 0) closes them without the errors, "
			"in one system call.",
			f->fd, f->last_fd);
}

/* Those that the rows say all of. */
#define advise_double_close    advise_by_rows
#define advise_use_after_close advise_by_rows
#define advise_reused_close    advise_by_rows
#define advise_owned_close     advise_by_rows
#define advise_misdirected_io  advise_by_rows

static void (*const advisers[])(FILE *, const struct finding_view *) = {
#define X(ID, name, ...) [FINDING_##ID] = advise_##name,
	FINDING_KIND_ROWS(X)
#undef X
};

/* It is not known what the call meant: nobody is told to change anything but to look. */
static void advise_open(FILE *out, const struct finding_view *view)
{
	char place[PLACE_SIZE];

	if (view->finding->candidate_count > 1 || view->finding->kind == FINDING_OWNED_CLOSE)
		fprintf(out, "Find out for which of these descriptors the call at %s was meant",
			spot(view->bad, "the later place", place));
	else
		fprintf(out, "Find out whether the call at %s was meant for that descriptor",
			spot(view->bad, "the later place", place));
	fprintf(out,
		": whoever made it still has fd %d as its own although it is closed; with a longer "
		"--history or --native more may be known.",
		view->finding->fd);
}

/* What is suspected is not said more surely where it comes to what is to be done. */
static bool is_hedged(const struct finding *f)
{
	return f->attribution == ATTRIBUTION_LIKELY || f->certainty == CERTAINTY_SUSPECTED;
}

void advice_print(FILE *out, const struct finding_view *view)
{
	if (finding_is_open(view->finding)) {
		advise_open(out, view);
		return;
	}
	if (is_hedged(view->finding))
		fputs("Most likely: ", out);
	advisers[view->finding->kind](out, view);
}
