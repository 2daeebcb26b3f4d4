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

#include "base/mem.h"
#include "python/layout.h"

#if defined(__x86_64__)
#define MACHINE	     EM_X86_64
#define MUTEX_GROWTH 0
#elif defined(__aarch64__)
#define MACHINE	     EM_AARCH64
#define MUTEX_GROWTH 16 /* glibc's pthread_mutex_t: two of 48 bytes, not 40 */
#else
#error "no CPython layouts for this architecture"
#endif

/* The largest symbol or string table that is read; libclang's are a tenth of that. */
#define TABLE_BYTES_MAX (128u << 20)

/* PyTypeObject.tp_basicsize, Include/cpython/object.h, in builds with the GIL. */
#define TYPE_BASICSIZE 32

struct elf_file {
	int fd;
	Elf *elf;
	bool fixed;
	size_t segments;
};

struct python_symbols {
	GElf_Sym runtime, code_type, version; /* st_size 0: not defined here */
	size_t runtime_section;
};

static int read_exactly(int fd, void *buf, size_t size, uint64_t offset)
{
	ssize_t n;

	if (offset > INT64_MAX - size)
		return -EINVAL;
	n = pread(fd, buf, size, (off_t)offset);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EINVAL;
}

/*
 * What can be refused before libelf allocates for it. A count of 0 with sections there, or
 * PN_XNUM, means more than 65,279: no program that runs Python has that many.
 */
static int check_header(int fd, Elf64_Ehdr *header)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	err = read_exactly(fd, header, sizeof(*header), 0);
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
	int err = check_header(fd, &header);

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

/* The loaded segment that holds size bytes at vaddr in memory; false: none. */
static bool find_segment(const struct elf_file *file, uint64_t vaddr, uint64_t size, GElf_Phdr *ret)
{
	for (size_t i = 0; i < file->segments; i++) {
		if (!gelf_getphdr(file->elf, (int)i, ret))
			return false;
		if (ret->p_type == PT_LOAD && vaddr >= ret->p_vaddr && size <= ret->p_memsz &&
		    vaddr - ret->p_vaddr <= ret->p_memsz - size)
			return true;
	}
	return false;
}

/* The initial content of memory at vaddr. */
static int read_initial(const struct elf_file *file, uint64_t vaddr, void *buf, size_t size)
{
	GElf_Phdr segment;
	uint64_t at;

	if (!find_segment(file, vaddr, size, &segment))
		return -EINVAL;
	at = vaddr - segment.p_vaddr;
	if (size > segment.p_filesz || at > segment.p_filesz - size ||
	    segment.p_offset > UINT64_MAX - at)
		return -EINVAL;
	return read_exactly(file->fd, buf, size, segment.p_offset + at);
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
	if (sym->st_shndx == SHN_UNDEF || GELF_ST_TYPE(sym->st_info) != STT_OBJECT)
		return;
	if (name_is(names, sym->st_name, "_PyRuntime")) {
		symbols->runtime = *sym;
		symbols->runtime_section = sym->st_shndx;
	} else if (name_is(names, sym->st_name, "PyCode_Type")) {
		symbols->code_type = *sym;
	} else if (name_is(names, sym->st_name, "Py_Version")) {
		symbols->version = *sym;
	}
}

/* Fills symbols from one symbol table. */
static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			 struct python_symbols *symbols)
{
	static const char sign[] = "PyCode_Type";
	Elf_Scn *name_section = elf_getscn(elf, header->sh_link);
	GElf_Shdr name_header;
	Elf_Data *names, *data;
	GElf_Sym sym;

	if (!name_section || !gelf_getshdr(name_section, &name_header) ||
	    name_header.sh_type != SHT_STRTAB)
		return;
	names = section_data(name_section, &name_header);
	/* Most files are no Python: that shows without a look at their symbols. */
	if (!names || !memmem(names->d_buf, names->d_size, sign, sizeof(sign)))
		return;
	data = section_data(section, header);
	for (size_t i = 0; data && i < data->d_size / sizeof(Elf64_Sym); i++) {
		if (gelf_getsym(data, (int)i, &sym))
			take_symbol(&sym, names, symbols);
	}
}

/* Looks into the symbol table of a type; there is one at most. True: PyCode_Type is defined. */
static bool find_symbols(Elf *elf, unsigned int type, struct python_symbols *symbols)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	*symbols = (struct python_symbols){0};
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != type)
			continue;
		read_symbols(elf, section, &header, symbols);
		return symbols->code_type.st_size > 0;
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
		/* 3.7.4 on; 1432 before, with other offsets */
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

/* _Py_DebugOffsets of 3.13 (Include/internal/pycore_runtime.h), in front of _PyRuntime. */
enum debug_offsets {
	DEBUG_COOKIE = 0,
	DEBUG_VERSION = 8,
	DEBUG_FREE_THREADED = 16,
	DEBUG_RUNTIME_INTERPRETERS = 40,
	DEBUG_THREAD_INTERP = 176,
	DEBUG_THREAD_FRAME = 184,
	DEBUG_THREAD_ID = 192,
	DEBUG_FRAME_PREVIOUS = 232,
	DEBUG_FRAME_EXECUTABLE = 240,
	DEBUG_FRAME_INSTR_PTR = 248,
	DEBUG_FRAME_OWNER = 264,
	DEBUG_CODE_FILENAME = 280,
	DEBUG_CODE_QUALNAME = 296,
	DEBUG_CODE_LINETABLE = 304,
	DEBUG_CODE_FIRSTLINENO = 312,
	DEBUG_CODE_ADAPTIVE = 344,
	DEBUG_BYTES_SIZE = 520,
	DEBUG_BYTES_DATA = 528,
	DEBUG_STR_STATE = 544,
	DEBUG_STR_LENGTH = 552,
	DEBUG_STR_ASCII = 560,
	DEBUG_SIZE = 584,
};

static uint64_t debug_value(const uint8_t *debug, unsigned int at)
{
	uint64_t value;

	memcpy(&value, debug + at, sizeof(value));
	return value;
}

/* Whether the offsets that the runtime publishes are those of our layout. */
static bool same_offsets(const uint8_t *debug, const struct py_layout *l)
{
	const struct {
		unsigned int at;
		uint32_t value;
	} fields[] = {
		{DEBUG_RUNTIME_INTERPRETERS, l->runtime_interp},
		{DEBUG_THREAD_INTERP, l->tstate_interp},
		{DEBUG_THREAD_FRAME, l->tstate_frame},
		{DEBUG_THREAD_ID, l->tstate_thread_id},
		{DEBUG_FRAME_PREVIOUS, l->frame_back},
		{DEBUG_FRAME_EXECUTABLE, l->frame_code},
		{DEBUG_FRAME_INSTR_PTR, l->frame_lasti},
		{DEBUG_FRAME_OWNER, l->frame_owner},
		{DEBUG_CODE_FILENAME, l->code_filename},
		{DEBUG_CODE_QUALNAME, l->code_name},
		{DEBUG_CODE_LINETABLE, l->code_table},
		{DEBUG_CODE_FIRSTLINENO, l->code_firstlineno},
		{DEBUG_CODE_ADAPTIVE, l->code_adaptive},
		{DEBUG_BYTES_SIZE, l->bytes_size},
		{DEBUG_BYTES_DATA, l->bytes_data},
		{DEBUG_STR_STATE, l->str_state},
		{DEBUG_STR_LENGTH, l->str_length},
		{DEBUG_STR_ASCII, l->str_ascii},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (debug_value(debug, fields[i].at) != fields[i].value)
			return false;
	}
	return true;
}

/* From 3.13 on the runtime describes itself. 0, or -ENOTSUP if it is not what we know. */
static int check_debug_offsets(const struct elf_file *file, uint64_t hex,
			       const struct py_layout *layout, struct python_runtime *ret)
{
	uint8_t debug[DEBUG_SIZE];

	if (layout->version < 0x030d)
		return 0;
	if (read_initial(file, ret->runtime, debug, sizeof(debug)) ||
	    memcmp(debug + DEBUG_COOKIE, "xdebugpy", 8) || debug_value(debug, DEBUG_VERSION) != hex)
		return -ENOTSUP;
	if (debug_value(debug, DEBUG_FREE_THREADED)) {
		size_t size = strlen(ret->version_text);

		snprintf(ret->version_text + size, sizeof(ret->version_text) - size, "t");
		return -ENOTSUP;
	}
	return same_offsets(debug, layout) ? 0 : -ENOTSUP;
}

/* Whether code objects are as large as the layout says: a build of another shape has others. */
static bool same_code_size(const struct elf_file *file, const struct py_layout *layout,
			   uint64_t code_type)
{
	uint64_t size;

	return code_type <= UINT64_MAX - TYPE_BASICSIZE &&
	       !read_initial(file, code_type + TYPE_BASICSIZE, &size, sizeof(size)) &&
	       size == layout->code_size;
}

/* Version, and whether the layout that we have for it is true of this build. */
static int identify(const struct elf_file *file, const struct python_symbols *symbols,
		    struct python_runtime *ret)
{
	const struct py_layout *layout;
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
	layout = python_layout(ret->version);
	if (!layout)
		return -ENOTSUP;
	err = check_debug_offsets(file, hex, layout, ret);
	if (err)
		return err;
	return same_code_size(file, layout, ret->code_type) ? 0 : -ENOTSUP;
}

int python_runtime_find(int fd, struct python_runtime *ret)
{
	struct elf_file file __attribute__((cleanup(file_close))) = {0};
	struct python_symbols symbols;
	GElf_Phdr segment;
	int err = file_open(fd, &file);

	if (err)
		return err;
	if (!find_symbols(file.elf, SHT_DYNSYM, &symbols) &&
	    !find_symbols(file.elf, SHT_SYMTAB, &symbols))
		return -ENOENT;
	/* GraalPy has the types and Py_Version, but no runtime of this kind. */
	if (!symbols.runtime.st_size && symbols.version.st_size)
		return -ENOENT;
	*ret = (struct python_runtime){
		.version_text = "3",
		.fixed = file.fixed,
		.runtime = symbols.runtime.st_value,
		.code_type = symbols.code_type.st_value,
	};
	if (!symbols.runtime.st_size) {
		snprintf(ret->version_text, sizeof(ret->version_text), "before 3.7");
		return -ENOTSUP;
	}
	if (!find_segment(&file, ret->runtime, symbols.runtime.st_size, &segment))
		return -EINVAL;
	err = find_text(&file, ret);
	return err ? err : identify(&file, &symbols, ret);
}
