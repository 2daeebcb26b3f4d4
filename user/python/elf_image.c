/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include "python/elf_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* All that is loaded of a file: a Python with everything linked into it is a tenth of that. */
#define LOAD_BYTES_MAX (512u << 20)

/* libLLVM has a fifth of that. */
#define POINTERS_MAX (4u << 20)

#define DYNAMIC_MAX 512

/* Bytes that are searched at once, without those of a needle that begins in them. */
#define WINDOW_BYTES (64u << 10)

/* Of an image_pointer: DT_RELR says that there is one, and the file holds it. */
#define IN_FILE UINT64_MAX

struct image_pointer {
	uint64_t address, value;
};

/* Where PT_DYNAMIC says that the relocations are. */
struct tables {
	uint64_t rela, rela_size, relr, relr_size;
};

static int read_elf_header(int fd, Elf64_Ehdr *header)
{
	int err = file_read_exactly(fd, header, sizeof(*header), 0);

	if (err)
		return err;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64) ||
	    (header->e_type != ET_EXEC && header->e_type != ET_DYN) ||
	    header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > IMAGE_SEGMENTS_MAX)
		return -EINVAL;
	return 0;
}

/* Keeps a segment that lies in the file, and in the address space, without overflow. */
static int take_segment(struct elf_image *image, const Elf64_Phdr *segment, uint64_t file_size)
{
	if (segment->p_type != PT_LOAD && segment->p_type != PT_DYNAMIC &&
	    segment->p_type != PT_GNU_EH_FRAME)
		return 0;
	if (segment->p_filesz > file_size || segment->p_offset > file_size - segment->p_filesz ||
	    segment->p_vaddr > UINT64_MAX - segment->p_filesz)
		return -EINVAL;
	if (segment->p_type == PT_DYNAMIC)
		image->dynamic = *segment;
	else if (segment->p_type == PT_GNU_EH_FRAME)
		image->unwind = *segment;
	else
		image->segments[image->segment_count++] = *segment;
	return 0;
}

static int check_load_size(const struct elf_image *image)
{
	uint64_t left = LOAD_BYTES_MAX;

	for (size_t i = 0; i < image->segment_count; i++) {
		if (image->segments[i].p_filesz > left)
			return -EFBIG;
		left -= image->segments[i].p_filesz;
	}
	return 0;
}

int image_open(int fd, struct elf_image *ret)
{
	Elf64_Phdr segments[IMAGE_SEGMENTS_MAX];
	Elf64_Ehdr header;
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	err = read_elf_header(fd, &header);
	if (!err)
		err = file_read_exactly(fd, segments, header.e_phnum * sizeof(segments[0]),
					header.e_phoff);
	if (err)
		return err;
	*ret = (struct elf_image){
		.fd = fd,
		.fixed = header.e_type == ET_EXEC,
		.machine = header.e_machine,
	};
	for (size_t i = 0; i < header.e_phnum && !err; i++)
		err = take_segment(ret, &segments[i], (uint64_t)st.st_size);
	return err ? err : check_load_size(ret);
}

void image_close(struct elf_image *image)
{
	free(image->pointers);
	image->pointers = NULL;
	image->pointer_count = 0;
}

/* The loaded segment with these flags whose content in the file begins at or before address. */
static const Elf64_Phdr *find_image_segment(const struct elf_image *image, uint64_t address,
					    uint32_t flags)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if ((segment->p_flags & flags) == flags && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment;
	}
	return NULL;
}

int image_read(const struct elf_image *image, uint64_t address, void *buf, size_t size)
{
	const Elf64_Phdr *segment = find_image_segment(image, address, 0);
	uint64_t at;

	if (!segment)
		return -EINVAL;
	at = address - segment->p_vaddr;
	if (size > segment->p_filesz - at)
		return -EINVAL;
	return file_read_exactly(image->fd, buf, size, segment->p_offset + at);
}

int image_code_offset(const struct elf_image *image, uint64_t address, uint64_t *ret,
		      uint64_t *ret_size)
{
	const Elf64_Phdr *segment = find_image_segment(image, address, PF_X);

	if (!segment)
		return -EINVAL;
	*ret = segment->p_offset + (address - segment->p_vaddr);
	*ret_size = segment->p_filesz - (address - segment->p_vaddr);
	return 0;
}

/* What begins a function that must be single-stepped, and leaves rdi and the stack alone. */
static uint64_t stepped_bytes(const uint8_t *code, size_t size)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	const size_t movabs_size = 10;
	size_t at = 0;

	if (size > sizeof(endbr64) && !memcmp(code, endbr64, sizeof(endbr64)))
		at = sizeof(endbr64);
	/* movabs to any register but rsp (0xbc) and rdi (0xbf). */
	if (size > at + movabs_size && code[at] == 0x48 && code[at + 1] >= 0xb8 &&
	    code[at + 1] < 0xbf && code[at + 1] != 0xbc)
		at += movabs_size;
	return at;
}

uint64_t image_probe_offset(const struct elf_image *image, uint64_t function)
{
	uint64_t offset = 0, size;
	uint8_t code[16];

	if (image_code_offset(image, function, &offset, &size))
		return 0;
	size = size < sizeof(code) ? size : sizeof(code);
	if (image->machine != EM_X86_64 || image_read(image, function, code, size))
		return offset;
	return offset + stepped_bytes(code, size);
}

static int add_pointer(struct elf_image *image, uint64_t address, uint64_t value)
{
	size_t count = image->pointer_count;

	if (count == POINTERS_MAX)
		return -EFBIG;
	/* Full at each power of two. */
	if (!(count & (count - 1))) {
		size_t room = count ? 2 * count : 1;
		void *grown = reallocarray(image->pointers, room, sizeof(*image->pointers));

		if (!grown)
			return -ENOMEM;
		image->pointers = grown;
	}
	image->pointers[image->pointer_count++] = (struct image_pointer){address, value};
	return 0;
}

static int read_rela(struct elf_image *image, uint64_t address, uint64_t size)
{
	uint32_t relative = image->machine == EM_X86_64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE;
	Elf64_Rela entries[1024];
	int err = 0;

	for (uint64_t left = size / sizeof(*entries), n; left && !err; left -= n) {
		n = left < ARRAY_SIZE(entries) ? left : ARRAY_SIZE(entries);
		err = image_read(image, address, entries, n * sizeof(*entries));
		address += n * sizeof(*entries);
		for (size_t i = 0; i < n && !err; i++) {
			if (ELF64_R_TYPE(entries[i].r_info) == relative)
				err = add_pointer(image, entries[i].r_offset,
						  (uint64_t)entries[i].r_addend);
		}
	}
	return err;
}

/* A bitmap of DT_RELR: bit 1 stands for the word at address, bit 63 for the one 62 further. */
static int add_relative_bitmap(struct elf_image *image, uint64_t address, uint64_t bitmap)
{
	int err = 0;

	for (bitmap >>= 1; bitmap && !err; bitmap >>= 1, address += 8) {
		if (bitmap & 1)
			err = add_pointer(image, address, IN_FILE);
	}
	return err;
}

/* An even entry is the address of a pointer, odd ones tell of the 63 words after the last. */
static int read_relr(struct elf_image *image, uint64_t address, uint64_t size)
{
	uint64_t entries[1024], next = 0;
	int err = 0;

	for (uint64_t left = size / sizeof(*entries), n; left && !err; left -= n) {
		n = left < ARRAY_SIZE(entries) ? left : ARRAY_SIZE(entries);
		err = image_read(image, address, entries, n * sizeof(*entries));
		address += n * sizeof(*entries);
		for (size_t i = 0; i < n && !err; i++) {
			if (entries[i] & 1) {
				err = add_relative_bitmap(image, next, entries[i]);
				next += 63 * 8;
			} else {
				err = add_pointer(image, entries[i], IN_FILE);
				next = entries[i] + 8;
			}
		}
	}
	image->has_packed = size > 0;
	return err;
}

static int find_tables(const struct elf_image *image, struct tables *ret)
{
	uint64_t count = image->dynamic.p_filesz / sizeof(Elf64_Dyn);
	Elf64_Dyn entries[DYNAMIC_MAX];
	int err;

	*ret = (struct tables){0};
	if (count > DYNAMIC_MAX)
		return -EINVAL;
	err = file_read_exactly(image->fd, entries, count * sizeof(*entries),
				image->dynamic.p_offset);
	for (size_t i = 0; i < count && !err && entries[i].d_tag != DT_NULL; i++) {
		switch (entries[i].d_tag) {
		case DT_RELA:
			ret->rela = entries[i].d_un.d_ptr;
			break;
		case DT_RELASZ:
			ret->rela_size = entries[i].d_un.d_val;
			break;
		case DT_RELR:
			ret->relr = entries[i].d_un.d_ptr;
			break;
		case DT_RELRSZ:
			ret->relr_size = entries[i].d_un.d_val;
			break;
		}
	}
	return err;
}

static int compare_pointers(const void *left, const void *right)
{
	const struct image_pointer *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

/* Linkers sort them already, but for those of another kind in between. */
static void sort_pointers(struct elf_image *image)
{
	for (size_t i = 1; i < image->pointer_count; i++) {
		if (image->pointers[i - 1].address <= image->pointers[i].address)
			continue;
		qsort(image->pointers, image->pointer_count, sizeof(*image->pointers),
		      compare_pointers);
		return;
	}
}

int image_load_pointers(struct elf_image *image)
{
	struct tables tables;
	int err;

	if (image->fixed || image->pointers)
		return 0;
	err = find_tables(image, &tables);
	if (!err)
		err = read_rela(image, tables.rela, tables.rela_size);
	if (!err)
		err = read_relr(image, tables.relr, tables.relr_size);
	if (!err)
		sort_pointers(image);
	return err;
}

int image_read_pointer(const struct elf_image *image, uint64_t address, uint64_t *ret)
{
	struct image_pointer key = {.address = address};
	const struct image_pointer *found = NULL;

	if (image->fixed)
		return image_read(image, address, ret, sizeof(*ret));
	if (image->pointer_count)
		found = bsearch(&key, image->pointers, image->pointer_count, sizeof(key),
				compare_pointers);
	if (found && found->value == IN_FILE)
		return image_read(image, address, ret, sizeof(*ret));
	*ret = found ? found->value : 0;
	return 0;
}

#define PAIRS (1u << 14)

/*
 * How far a search may skip that finds these two bytes at the end of where a needle would begin:
 * S. Wu, U. Manber, A Fast Algorithm for Multi-Pattern Searching (1994). Of each needle only the
 * first bytes are looked at, as many as the shortest has.
 */
struct skips {
	size_t least; /* the size of the shortest needle */
	uint8_t by_pair[PAIRS];
};

/* What is searched for: bytes, or pointers to targets. */
struct image_search {
	const struct elf_image *image;
	const struct image_needle *needles;
	const struct skips *skips; /* of needles */
	const uint64_t *targets;
	size_t count;
	image_found_fn found;
	void *arg;
};

/* The same of few other pairs, none of them ASCII; in a table that the fastest cache holds. */
static size_t pair_at(const uint8_t *bytes)
{
	return (bytes[0] ^ (size_t)bytes[1] << 7) % PAIRS;
}

static void find_skips(const struct image_needle *needles, size_t count, struct skips *ret)
{
	ret->least = IMAGE_NEEDLE_MAX;
	for (size_t i = 0; i < count; i++)
		ret->least = needles[i].size < ret->least ? needles[i].size : ret->least;
	memset(ret->by_pair, (int)ret->least - 1, sizeof(ret->by_pair));
	for (size_t i = 0; i < count; i++) {
		for (size_t at = 0; at + 2 <= ret->least; at++) {
			uint8_t *skip =
				&ret->by_pair[pair_at((const uint8_t *)needles[i].bytes + at)];
			size_t to_end = ret->least - 2 - at;

			*skip = to_end < *skip ? (uint8_t)to_end : *skip;
		}
	}
}

/* The needles that begin here. */
static int check_bytes(const struct image_search *search, uint64_t address, const uint8_t *bytes,
		       size_t size)
{
	int result = 0;

	for (size_t i = 0; i < search->count && !result; i++) {
		const struct image_needle *needle = &search->needles[i];

		if (needle->size <= size && !memcmp(bytes, needle->bytes, needle->size))
			result = search->found(search->arg, i, address);
	}
	return result;
}

static int search_bytes(const struct image_search *search, uint64_t address, const uint8_t *bytes,
			size_t size)
{
	const struct skips *skips = search->skips;
	size_t at = 0, skip;
	int result = 0;

	while (at + skips->least <= size && !result) {
		skip = skips->by_pair[pair_at(bytes + at + skips->least - 2)];
		if (!skip)
			result = check_bytes(search, address + at, bytes + at, size - at);
		at += skip ? skip : 1;
	}
	return result;
}

/* A word that has the value of a target; but is it a pointer? */
static int check_word(const struct image_search *search, uint64_t address, uint64_t word)
{
	uint64_t value;
	int result = 0;

	for (size_t i = 0; i < search->count && !result; i++) {
		if (search->targets[i] == word &&
		    !image_read_pointer(search->image, address, &value) && value == word)
			result = search->found(search->arg, i, address);
	}
	return result;
}

static int search_words(const struct image_search *search, uint64_t address, const uint8_t *bytes,
			size_t size)
{
	uint64_t least = UINT64_MAX, most = 0, word;
	int result = 0;

	for (size_t i = 0; i < search->count; i++) {
		least = search->targets[i] < least ? search->targets[i] : least;
		most = search->targets[i] > most ? search->targets[i] : most;
	}
	for (size_t at = -address % 8; at + 8 <= size && !result; at += 8) {
		memcpy(&word, bytes + at, sizeof(word));
		if (word - least <= most - least)
			result = check_word(search, address + at, word);
	}
	return result;
}

/* Runs the search over what the file holds of one segment, window by window. */
static int search_segment(const struct image_search *search, const Elf64_Phdr *segment)
{
	uint8_t window[WINDOW_BYTES + IMAGE_NEEDLE_MAX];
	int result = 0;

	for (uint64_t at = 0; at < segment->p_filesz && !result; at += WINDOW_BYTES) {
		uint64_t left = segment->p_filesz - at;
		size_t size = left < sizeof(window) ? left : sizeof(window);

		result = file_read_exactly(search->image->fd, window, size, segment->p_offset + at);
		if (result)
			break;
		result = search->needles
				 ? search_bytes(search, segment->p_vaddr + at, window, size)
				 : search_words(search, segment->p_vaddr + at, window, size);
	}
	return result;
}

/* Of the segments that hold code, or of the others. */
static int search_image(const struct image_search *search, bool code)
{
	int result = 0;

	for (size_t i = 0; i < search->image->segment_count && !result; i++) {
		const Elf64_Phdr *segment = &search->image->segments[i];

		if (code == !!(segment->p_flags & PF_X))
			result = search_segment(search, segment);
	}
	return result;
}

int image_find_bytes(const struct elf_image *image, bool code, const struct image_needle *needles,
		     size_t count, image_found_fn found, void *arg)
{
	struct skips skips;
	const struct image_search search = {.image = image,
					    .needles = needles,
					    .skips = &skips,
					    .count = count,
					    .found = found,
					    .arg = arg};

	for (size_t i = 0; i < count; i++) {
		if (needles[i].size < IMAGE_NEEDLE_MIN || needles[i].size > IMAGE_NEEDLE_MAX)
			return -EINVAL;
	}
	find_skips(needles, count, &skips);
	return search_image(&search, code);
}

int image_find_pointers(const struct elf_image *image, bool code, const uint64_t *targets,
			size_t count, image_found_fn found, void *arg)
{
	const struct image_search search = {
		.image = image, .targets = targets, .count = count, .found = found, .arg = arg};
	int result = 0;

	for (size_t i = 0; i < image->pointer_count && !result; i++) {
		for (size_t j = 0; j < count && !result; j++) {
			if (image->pointers[i].value == targets[j])
				result = found(arg, j, image->pointers[i].address);
		}
	}
	if (result || (!image->fixed && !image->has_packed))
		return result;
	result = search_image(&search, false);
	return result || !code ? result : search_image(&search, true);
}
