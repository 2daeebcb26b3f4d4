/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/runtime.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/elf_segment.h"
#include "base/file.h"
#include "base/mem.h"
#include "python/gilstate.h"
#include "python/layout.h"
#include "python/members.h"
#include "python/published.h"

#if defined(__x86_64__)
#define MACHINE	     EM_X86_64
#define MUTEX_GROWTH 0
#elif defined(__aarch64__)
#define MACHINE	     EM_AARCH64
#define MUTEX_GROWTH 16 /* two pthread_mutex_t of 48 bytes, which have 40 on x86-64 (glibc) */
#else
#error "no CPython layouts for this architecture"
#endif

/* The largest symbol or string table that is read; libclang's are a tenth of that. */
#define TABLE_BYTES_MAX (128u << 20)

/* PyTypeObject.tp_basicsize, Include/cpython/object.h; free-threaded builds have 16 bytes more. */
#define TYPE_BASICSIZE(layout) (32 + (layout)->ob_type - 8)

/* tp_basicsize of PyCodeObject in 2.7, Include/code.h. */
#define CODE_SIZE_27 128

struct elf_file {
	int fd;
	Elf *elf;
	bool fixed;
	size_t segments;
};

/* st_size 0: not defined here */
struct python_symbols {
	GElf_Sym runtime, code_type, version, string_type;
	GElf_Sym this_thread, interp_head, pypy; /* functions */
	GElf_Sym finalize, finalize_freed;
	size_t runtime_section;
};

/*
 * What can be refused before libelf allocates for it. A count of 0 with sections there, or
 * PN_XNUM, means more than 65,279: no program that runs Python has that many.
 */
static int check_elf_header(int fd, Elf64_Ehdr *header)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	err = file_read_exactly(fd, header, sizeof(*header), 0);
	if (err)
		return err;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != MACHINE ||
	    (header->e_type != ET_EXEC && header->e_type != ET_DYN) ||
	    (header->e_shoff && !header->e_shnum) || header->e_phnum == PN_XNUM)
		return -EINVAL;
	return 0;
}

/*
 * Read, not mapped: the process may truncate its file while we look at it, and that would be
 * a SIGBUS.
 */
static int file_open(int fd, struct elf_file *file)
{
	Elf64_Ehdr header;
	int err = check_elf_header(fd, &header);

	if (err)
		return err;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EINVAL;
	*file = (struct elf_file){
		.fd = fd,
		.elf = elf_begin(fd, ELF_C_READ, NULL),
		.fixed = header.e_type == ET_EXEC,
	};
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF ||
	    elf_getphdrnum(file->elf, &file->segments) < 0)
		return -EINVAL;
	return 0;
}

static void file_close(struct elf_file *file)
{
	elf_end(file->elf);
}

/* The initial content of memory at vaddr. */
static int read_initial(const struct elf_file *file, uint64_t vaddr, void *buf, size_t size)
{
	GElf_Phdr segment;
	uint64_t offset;

	if (!elf_segment_at(file->elf, vaddr, size, &segment) ||
	    !elf_segment_offset(&segment, vaddr, size, &offset))
		return -EINVAL;
	return file_read_exactly(file->fd, buf, size, offset);
}

/* The first executable segment in whole pages, as it is mapped. */
static int find_text(const struct elf_file *file, struct python_runtime *ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	GElf_Phdr segment;

	for (size_t i = 0; i < file->segments; i++) {
		if (!gelf_getphdr(file->elf, (int)i, &segment))
			return -EINVAL;
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) || !segment.p_filesz)
			continue;
		if ((segment.p_vaddr - segment.p_offset) % page)
			return -EINVAL;
		ret->text_vaddr = segment.p_vaddr - segment.p_vaddr % page;
		ret->text_offset = segment.p_offset - segment.p_offset % page;
		return 0;
	}
	return -EINVAL;
}

/* The content of a section of bounded size; NULL: there is none to be had. */
static Elf_Data *section_data(Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = NULL;

	if (header->sh_type != SHT_NOBITS && header->sh_size <= TABLE_BYTES_MAX)
		data = elf_getdata(section, NULL);
	return data && data->d_buf && data->d_size ? data : NULL;
}

static bool name_is(const Elf_Data *names, size_t at, const char *want)
{
	size_t size = strlen(want) + 1;

	return at < names->d_size && size <= names->d_size - at &&
	       !memcmp((const char *)names->d_buf + at, want, size);
}

/* Keeps sym if it is one of ours, and defined here. */
static void take_symbol(const GElf_Sym *sym, const Elf_Data *names, struct python_symbols *symbols)
{
	const struct {
		const char *name;
		unsigned char type;
		GElf_Sym *into;
	} known[] = {
		{"_PyRuntime", STT_OBJECT, &symbols->runtime},
		{"PyCode_Type", STT_OBJECT, &symbols->code_type},
		{"Py_Version", STT_OBJECT, &symbols->version},
		{"PyString_Type", STT_OBJECT, &symbols->string_type},
		{"PyGILState_GetThisThreadState", STT_FUNC, &symbols->this_thread},
		{"PyInterpreterState_Head", STT_FUNC, &symbols->interp_head},
		{"pypy_main_startup", STT_FUNC, &symbols->pypy},
		{"PyObject_CallFinalizer", STT_FUNC, &symbols->finalize},
		{"PyObject_CallFinalizerFromDealloc", STT_FUNC, &symbols->finalize_freed},
	};

	if (sym->st_shndx == SHN_UNDEF || !sym->st_size)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (GELF_ST_TYPE(sym->st_info) == known[i].type &&
		    name_is(names, sym->st_name, known[i].name)) {
			*known[i].into = *sym;
			if (known[i].into == &symbols->runtime)
				symbols->runtime_section = sym->st_shndx;
			return;
		}
	}
}

/* Most files are no Python: that shows without a look at their symbols. */
static bool may_be_python(const Elf_Data *names)
{
	static const char cpython[] = "PyCode_Type", pypy[] = "pypy_main_startup";

	return memmem(names->d_buf, names->d_size, cpython, sizeof(cpython)) ||
	       memmem(names->d_buf, names->d_size, pypy, sizeof(pypy));
}

/* Fills symbols from one symbol table. */
static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			 struct python_symbols *symbols)
{
	Elf_Scn *name_section = elf_getscn(elf, header->sh_link);
	GElf_Shdr name_header;
	Elf_Data *names, *data;
	GElf_Sym sym;

	if (!name_section || !gelf_getshdr(name_section, &name_header) ||
	    name_header.sh_type != SHT_STRTAB)
		return;
	names = section_data(name_section, &name_header);
	if (!names || !may_be_python(names))
		return;
	data = section_data(section, header);
	for (size_t i = 0; data && i < data->d_size / sizeof(Elf64_Sym); i++) {
		if (gelf_getsym(data, (int)i, &sym))
			take_symbol(&sym, names, symbols);
	}
}

/* Looks into the symbol table of a type; there is one at most. True: it defines a Python. */
static bool find_symbols(Elf *elf, unsigned int type, struct python_symbols *symbols)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	*symbols = (struct python_symbols){0};
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != type)
			continue;
		read_symbols(elf, section, &header, symbols);
		return symbols->code_type.st_size > 0 || symbols->pypy.st_size > 0;
	}
	return false;
}

/* Since 3.10 the runtime has a section of its own (Python/pylifecycle.c). */
static bool in_own_section(Elf *elf, size_t index)
{
	Elf_Scn *section = elf_getscn(elf, index);
	GElf_Shdr header;
	size_t names;
	const char *name;

	if (!section || !gelf_getshdr(section, &header) || elf_getshdrstrndx(elf, &names) < 0)
		return false;
	name = elf_strptr(elf, names, header.sh_name);
	return name && !strcmp(name, ".PyRuntime");
}

/* _PyRuntimeState up to 3.7.3, whose gilstate lies so many bytes before that of 3.7.4. */
#define SIZE_370     (1432 + MUTEX_GROWTH)
#define GILSTATE_370 88

/* What there is before Py_Version (3.11): the size of _PyRuntimeState, and its section. */
static int version_from_size(const struct elf_file *file, const struct python_symbols *symbols,
			     struct python_runtime *ret)
{
	static const struct {
		unsigned int version;
		uint64_t size;
		bool own_section;
		char text[8];
	} known[] = {
		{0x0307, SIZE_370, false, "3.7"},
		{0x0307, 1520 + MUTEX_GROWTH, false, "3.7"},
		{0x0308, 1464 + MUTEX_GROWTH, false, "3.8"},
		{0x0309, 656 + MUTEX_GROWTH, false, "3.9"},
		{0x030a, 672 + MUTEX_GROWTH, true, "3.10"},
	};
	bool own = in_own_section(file->elf, symbols->runtime_section);

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].size != symbols->runtime.st_size || known[i].own_section != own)
			continue;
		ret->version = known[i].version;
		snprintf(ret->version_text, sizeof(ret->version_text), "%s", known[i].text);
		return 0;
	}
	return -ENOTSUP;
}

/*
 * Py_Version (PY_VERSION_HEX, Include/patchlevel.h): major, minor, micro, then release level
 * and serial in four bits each. Anything but a final release has a layout that nobody checked.
 */
static int version_from_hex(uint64_t hex, struct python_runtime *ret)
{
	static const char levels[16][3] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc"};
	unsigned int minor = hex >> 16 & 0xff, micro = hex >> 8 & 0xff, level = hex >> 4 & 0xf;

	if (hex >> 24 != 3 || minor < 11)
		return -ENOTSUP;
	ret->version = 0x0300 | minor;
	if (level == 0xf) {
		snprintf(ret->version_text, sizeof(ret->version_text), "3.%u.%u", minor, micro);
		return 0;
	}
	snprintf(ret->version_text, sizeof(ret->version_text), "3.%u.%u%s%u", minor, micro,
		 levels[level], (unsigned int)(hex & 0xf));
	return -ENOTSUP;
}

/*
 * What the layouts say of this version and kind of build, in ret->layout: of a version beyond
 * them what the newest says. 0 or -ENOTSUP.
 */
static int choose_layout(struct python_runtime *ret, bool without_gil)
{
	unsigned int version = ret->version > PYTHON_NEWEST ? PYTHON_NEWEST : ret->version;
	const struct py_layout *layout = python_layout(version, without_gil);

	if (!layout)
		return -ENOTSUP;
	ret->layout = *layout;
	return 0;
}

/* From 3.13 on the runtime describes itself. */
static int layout_published(const struct elf_file *file, uint64_t hex, struct python_runtime *ret)
{
	uint8_t debug[PUBLISHED_SIZE];
	bool without_gil;
	int err;

	if (read_initial(file, ret->runtime, debug, sizeof(debug)) ||
	    !published_is_there(debug, sizeof(debug), hex, &without_gil))
		return -ENOTSUP;
	if (without_gil) {
		size_t size = strlen(ret->version_text);

		snprintf(ret->version_text + size, sizeof(ret->version_text) - size, "t");
	}
	err = choose_layout(ret, without_gil);
	return err ? err : published_apply(debug, sizeof(debug), ret->version, &ret->layout);
}

static bool read_function(const struct elf_file *file, const GElf_Sym *sym,
			  struct function_head *ret)
{
	ret->address = sym->st_value;
	return sym->st_size && !read_initial(file, sym->st_value, ret->code, sizeof(ret->code));
}

/* In 3.15 only the code knows where a thread keeps its state; without it, the lists do. */
static void find_thread_local(const struct elf_file *file, const struct python_symbols *symbols,
			      struct python_runtime *ret)
{
	struct function_head function;

	if (ret->version >= 0x030f && read_function(file, &symbols->this_thread, &function))
		gilstate_thread_local(&function, ret->runtime, &ret->layout);
}

/* The size of code objects in a file; 0: not in it. */
static uint64_t code_size(const struct elf_file *file, const struct py_layout *layout,
			  uint64_t code_type)
{
	uint64_t size;

	if (code_type > UINT64_MAX - TYPE_BASICSIZE(layout) ||
	    read_initial(file, code_type + TYPE_BASICSIZE(layout), &size, sizeof(size)))
		return 0;
	return size;
}

/* Whether code objects are as the layout says: a build of another shape has others. */
static int check_code_type(const struct elf_file *file, const struct python_runtime *runtime)
{
	unsigned int told;
	int err;

	if (code_size(file, &runtime->layout, runtime->code_type) != runtime->layout.code_size)
		return -ENOTSUP;
	err = python_members_check(file->fd, runtime->code_type, &runtime->layout, &told);
	/* What cannot be read does not speak against it: each code object is proved when seen. */
	return err == -ENOTSUP ? err : 0;
}

/*
 * Before 3.7 there is no _PyRuntime. In 3.6 the list of interpreters, which stands for it here,
 * and the key are variables of their own.
 */
static int identify_old(const struct elf_file *file, const struct python_symbols *symbols,
			struct python_runtime *ret)
{
	const struct py_layout *layout = python_layout(0x0306, false);
	uint64_t size = code_size(file, layout, ret->code_type), key;
	struct function_head function;

	snprintf(ret->version_text, sizeof(ret->version_text), "before 3.6");
	if (symbols->string_type.st_size)
		snprintf(ret->version_text, sizeof(ret->version_text),
			 size == CODE_SIZE_27 ? "2.7" : "2");
	if (symbols->string_type.st_size || size != layout->code_size)
		return -ENOTSUP;
	snprintf(ret->version_text, sizeof(ret->version_text), "3.6");
	ret->version = 0x0306;
	ret->layout = *layout;
	if (!read_function(file, &symbols->interp_head, &function) ||
	    !gilstate_interp_head(&function, &ret->runtime))
		return -ENOTSUP;
	if (read_function(file, &symbols->this_thread, &function) &&
	    gilstate_key(&function, &key) &&
	    (int64_t)(key - ret->runtime) == (int32_t)(key - ret->runtime)) {
		ret->layout.key = PY_KEY_INT;
		ret->layout.runtime_key = (int32_t)(key - ret->runtime);
	}
	return check_code_type(file, ret);
}

/* Version, and whether the layout that we have for it is true of this build. */
static int identify(const struct elf_file *file, const struct python_symbols *symbols,
		    struct python_runtime *ret)
{
	uint64_t hex = 0;
	int err;

	if (!symbols->version.st_size)
		err = version_from_size(file, symbols, ret);
	else if (read_initial(file, symbols->version.st_value, &hex, sizeof(hex)))
		err = -EINVAL;
	else
		err = version_from_hex(hex, ret);
	if (err)
		return err;
	if (ret->version < 0x030d)
		err = choose_layout(ret, false);
	else
		err = layout_published(file, hex, ret);
	if (err)
		return err;
	if (ret->version == 0x0307 && symbols->runtime.st_size == SIZE_370)
		ret->layout.runtime_key -= GILSTATE_370;
	find_thread_local(file, symbols, ret);
	return check_code_type(file, ret);
}

/* Finds the symbols of a Python, or has an answer already: it is none, or one of another kind. */
static int find_kind(struct elf_file *file, struct python_symbols *symbols,
		     struct python_runtime *ret)
{
	if (!find_symbols(file->elf, SHT_DYNSYM, symbols) &&
	    !find_symbols(file->elf, SHT_SYMTAB, symbols))
		return -ENOENT;
	/* GraalPy has the types and Py_Version, but no runtime of this kind. */
	if (!symbols->pypy.st_size && !symbols->runtime.st_size && symbols->version.st_size)
		return -ENOENT;
	*ret = (struct python_runtime){
		.version_text = "3",
		.fixed = file->fixed,
		.runtime = symbols->runtime.st_value,
		.code_type = symbols->code_type.st_value,
		.code[CODE_FINALIZE] = {symbols->finalize.st_value, symbols->finalize.st_size},
		.code[CODE_FINALIZE_FREED] = {symbols->finalize_freed.st_value,
					      symbols->finalize_freed.st_size},
	};
	if (!symbols->pypy.st_size)
		return 0;
	ret->pypy = true;
	ret->version_text[0] = '\0';
	return -ENOTSUP;
}

int python_runtime_find(int fd, struct python_runtime *ret)
{
	struct elf_file file __attribute__((cleanup(file_close))) = {0};
	struct python_symbols symbols;
	GElf_Phdr segment;
	int err = file_open(fd, &file);

	if (!err)
		err = find_kind(&file, &symbols, ret);
	if (err)
		return err;
	if (symbols.runtime.st_size &&
	    !elf_segment_at(file.elf, ret->runtime, symbols.runtime.st_size, &segment))
		return -EINVAL;
	err = find_text(&file, ret);
	if (err)
		return err;
	return symbols.runtime.st_size ? identify(&file, &symbols, ret)
				       : identify_old(&file, &symbols, ret);
}
