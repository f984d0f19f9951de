/* SPDX-License-Identifier: BSD-2-Clause */
/* src/dma/explain.c: the sentence of every rule, word for word, and how it is cut. */
#include <dmamap/dma-mapping.h>

#include "tests/support/check.h"

static const struct {
	struct dma_error err;
	const char *sentence;
} rows[] = {
	{ { .rule = DMA_RULE_NONE }, "none of 0 at 0x0: rule none: nothing is wrong" },
	{ { .op = DMA_OP_ALLOC, .rule = DMA_RULE_LENGTH, .need = 1 },
	  "alloc of 0 at 0x0: rule length (value 0, need 1): the length is out of range; pass the "
	  "size of the buffer" },
	{ { .op = DMA_OP_MAP_PHYS,
	    .rule = DMA_RULE_OVERFLOW,
	    .addr = UINT64_MAX - 15,
	    .len = 32,
	    .found = 32,
	    .need = 16 },
	  "map_phys of 32 at 0xfffffffffffffff0: rule overflow (value 0x20, need 0x10): address + "
	  "length wraps; the length must be below what is needed" },
	{ { .op = DMA_OP_MAP_PAGE, .rule = DMA_RULE_DIRECTION, .len = 9, .found = 3, .need = 2 },
	  "map_page of 9 at 0x0: rule direction (value 3, need 2): not a direction that maps; use "
	  "DMA_TO_DEVICE, DMA_FROM_DEVICE or DMA_BIDIRECTIONAL" },
	{ { .op = DMA_OP_UNMAP_SG, .rule = DMA_RULE_NENTS, .len = 2, .found = 2, .need = 7 },
	  "unmap_sg of 2 at 0x0: rule nents (value 2, need 7): wrong number of entries; pass the "
	  "one that was mapped, not the one that map returned" },
	{ { .op = DMA_OP_MAP_PHYS,
	    .rule = DMA_RULE_NOT_RAM,
	    .addr = 0x1000,
	    .len = 64,
	    .found = 0x1000,
	    .need = 0x1ffff },
	  "map_phys of 64 at 0x1000: rule not_ram (value 0x1000, need 0x1ffff): not RAM of this "
	  "platform; map registers with dma_map_resource()" },
	{ { .op = DMA_OP_MAP_RESOURCE, .rule = DMA_RULE_IS_RAM, .len = 64, .found = 0x8000 },
	  "map_resource of 64 at 0x0: rule is_ram (value 0x8000): this is RAM; map it without "
	  "DMA_ATTR_MMIO" },
	{ { .op = DMA_OP_MAP_SINGLE, .rule = DMA_RULE_NOT_LINEAR, .addr = 0xabc, .len = 5 },
	  "map_single of 5 at 0xabc: rule not_linear: the memory is not physically contiguous or "
	  "has no fixed address; map it by pages, not as single" },
	{ { .op = DMA_OP_MAP_PHYS,
	    .rule = DMA_RULE_MASK,
	    .addr = 0x100000000,
	    .len = 16,
	    .found = 0x10000000f,
	    .need = 0xffffffff },
	  "map_phys of 16 at 0x100000000: rule mask (value 0x10000000f, need 0xffffffff): beyond "
	  "what the device can address; set a wider mask, allocate with dma_alloc_attrs(), or use "
	  "an IOMMU" },
	{ { .op = DMA_OP_MAP_SG, .rule = DMA_RULE_NO_RANGE, .found = 0x30, .need = 0x10 },
	  "map_sg of 0 at 0x0: rule no_range (value 0x30, need 0x10): not inside one window of the "
	  "device; allocate with dma_alloc_attrs() or correct the ranges" },
	{ { .op = DMA_OP_IOMMU_MAP, .rule = DMA_RULE_APERTURE, .found = 0x30, .need = 0x10 },
	  "iommu_map of 0 at 0x0: rule aperture (value 0x30, need 0x10): outside the aperture of "
	  "the domain; choose an IOVA inside" },
	{ { .op = DMA_OP_MAP_USER, .rule = DMA_RULE_GRANULE, .found = 4096, .need = 65536 },
	  "map_user of 0 at 0x0: rule granule (value 4096, need 65536): not a multiple of the "
	  "IOMMU "
	  "granule; align the pieces of memory or use a smaller granule" },
	{ { .op = DMA_OP_IOMMU_MAP, .rule = DMA_RULE_RESERVED, .found = 0x30, .need = 0x40 },
	  "iommu_map of 0 at 0x0: rule reserved (value 0x30, need 0x40): inside a reserved region; "
	  "choose another IOVA" },
	{ { .op = DMA_OP_MAP_PHYS, .rule = DMA_RULE_CACHE_LINE, .found = 0x30, .need = 0x40 },
	  "map_phys of 0 at 0x0: rule cache_line (value 0x30, need 0x40): shares a cache line on a "
	  "device that does not snoop; align both ends of the buffer" },
	{ { .op = DMA_OP_MAP_SG, .rule = DMA_RULE_BOUNDARY, .found = 0x30, .need = 0x40 },
	  "map_sg of 0 at 0x0: rule boundary (value 0x30, need 0x40): the segment boundary cannot "
	  "be kept; use smaller entries or a wider boundary" },
	{ { .op = DMA_OP_MAP_SG, .rule = DMA_RULE_SEG_SIZE, .found = 100000, .need = 65536 },
	  "map_sg of 0 at 0x0: rule seg_size (value 100000, need 65536): longer than a segment of "
	  "the device; split the entry or raise dma_set_max_seg_size()" },
	{ { .op = DMA_OP_ALLOC, .rule = DMA_RULE_ATTR, .found = DMA_ATTR_CC_SHARED },
	  "alloc of 0 at 0x0: rule attr (value 0x2000): this contract cannot be kept here; leave "
	  "the attribute out, see dma_query_attrs()" },
	{ { .op = DMA_OP_MAP_SG, .rule = DMA_RULE_NO_IOVA, .found = 1, .need = 2 },
	  "map_sg of 0 at 0x0: rule no_iova (value 1, need 2): no IOVA left below the limit; unmap "
	  "something, or widen the mask" },
	{ { .op = DMA_OP_ALLOC, .rule = DMA_RULE_NO_MEMORY, .need = 8192 },
	  "alloc of 0 at 0x0: rule no_memory (value 0, need 8192): no pages left that suit; free "
	  "some, or ask for less" },
	{ { .op = DMA_OP_MAP_SG, .rule = DMA_RULE_NO_TABLE, .need = 4096 },
	  "map_sg of 0 at 0x0: rule no_table (value 0, need 4096): no memory for page tables; free "
	  "some and retry" },
	{ { .op = DMA_OP_DEVICE, .rule = DMA_RULE_NO_META, .need = 512 },
	  "device of 0 at 0x0: rule no_meta (value 0, need 512): no metadata memory; free some and "
	  "retry" },
	{ { .op = DMA_OP_MAP_PHYS, .rule = DMA_RULE_NO_SLOT, .found = 65, .need = 64 },
	  "map_phys of 0 at 0x0: rule no_slot (value 65, need 64): more contexts than slots; end "
	  "some, or raise nr_slots" },
	{ { .op = DMA_OP_MAP_USER, .rule = DMA_RULE_LOCKED_MEMORY, .found = 4096, .need = 8192 },
	  "map_user of 0 at 0x0: rule locked_memory (value 4096, need 8192): over the program's "
	  "limit of locked memory; unpin something or raise the limit" },
	{ { .op = DMA_OP_MAP_USER, .rule = DMA_RULE_NOT_PINNABLE, .found = 0x7000 },
	  "map_user of 0 at 0x0: rule not_pinnable (value 0x7000): memory that cannot be kept in "
	  "place; use ordinary memory, or a carve-out with a token" },
	{ { .op = DMA_OP_FREE, .rule = DMA_RULE_NOT_MAPPED, .addr = 0x7000, .found = 0x7000 },
	  "free of 0 at 0x7000: rule not_mapped (value 0x7000): nothing is mapped or allocated "
	  "there; pass what the call that made it returned" },
	{ { .op = DMA_OP_MMAP, .rule = DMA_RULE_OVERLAP, .found = 0x7000 },
	  "mmap of 0 at 0x0: rule overlap (value 0x7000): something is mapped there already; unmap "
	  "it first" },
	{ { .op = DMA_OP_MMAP, .rule = DMA_RULE_ALIGN, .found = 0x7001, .need = 0x1000 },
	  "mmap of 0 at 0x0: rule align (value 0x7001, need 0x1000): not aligned as needed; align "
	  "it" },
	{ { .op = DMA_OP_MMAP, .rule = DMA_RULE_OFFSET, .found = 6, .need = 5 },
	  "mmap of 0 at 0x0: rule offset (value 6, need 5): outside the buffer; stay below its "
	  "pages" },
	{ { .op = DMA_OP_DEVICE, .rule = DMA_RULE_STATE },
	  "device of 0 at 0x0: rule state: not in the state that the call needs; end what is live "
	  "on it first" },
	{ { .op = DMA_OP_UNMAP, .rule = DMA_RULE_HARDWARE, .found = 0x6e },
	  "unmap of 0 at 0x0: rule hardware (value 0x6e, need 0x0): the IOMMU answered with an "
	  "error or not at all; see the log, reset the device" },
	{ { .op = DMA_OP_MMAP, .rule = DMA_RULE_UNSUPPORTED },
	  "mmap of 0 at 0x0: rule unsupported: this device, domain or ops table cannot do it; put "
	  "the device behind an IOMMU or add the op" },
};

TEST(every_rule_has_its_sentence)
{
	bool seen[DMA_NR_RULES] = { false };
	char buf[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(dma_explain(&rows[i].err, buf, sizeof(buf)),
				 strlen(rows[i].sentence));
		assert_string_equal(buf, rows[i].sentence);
		seen[rows[i].err.rule] = true;
	}
	for (int i = 0; i < DMA_NR_RULES; i++)
		assert_true(seen[i]);
}

TEST(the_longest_sentence_fits_in_256_bytes)
{
	struct dma_error err = {
		.addr = UINT64_MAX, .len = UINT64_MAX, .found = UINT64_MAX, .need = UINT64_MAX
	};

	for (int op = 0; op < DMA_NR_OPS; op++) {
		for (int rule = 0; rule < DMA_NR_RULES; rule++) {
			err.op = (enum dma_op)op;
			err.rule = (enum dma_rule)rule;
			assert_true(dma_explain(&err, NULL, 0) < 256);
		}
	}
}

TEST(a_short_buffer_gets_the_start_and_the_whole_length)
{
	struct dma_error err = rows[1].err;
	char buf[256];
	size_t len = dma_explain(&err, buf, sizeof(buf));

	for (size_t room = 1; room <= len + 1; room++) {
		char part[256];

		memset(part, '#', sizeof(part));
		assert_int_equal(dma_explain(&err, part, room), len);
		assert_int_equal(strlen(part), room - 1);
		assert_memory_equal(part, buf, room - 1);
		assert_int_equal(part[room], '#');
	}
}

TEST(numbers_that_are_no_op_and_no_rule_are_named_unknown)
{
	struct dma_error err = { .op = (enum dma_op)1000, .rule = (enum dma_rule)1000 };
	char buf[256];

	assert_string_equal(dma_op_name((enum dma_op)DMA_NR_OPS), "unknown");
	assert_string_equal(dma_rule_name((enum dma_rule) - 1), "unknown");
	(void)dma_explain(&err, buf, sizeof(buf));
	assert_string_equal(buf, "unknown of 0 at 0x0: rule unknown: nothing is wrong");
}

TEST(names_are_words_and_differ)
{
	for (int a = 0; a < DMA_NR_RULES; a++) {
		for (int b = a + 1; b < DMA_NR_RULES; b++)
			assert_true(strcmp(dma_rule_name((enum dma_rule)a),
					   dma_rule_name((enum dma_rule)b)) != 0);
	}
	for (int a = 0; a < DMA_NR_OPS; a++) {
		for (int b = a + 1; b < DMA_NR_OPS; b++)
			assert_true(strcmp(dma_op_name((enum dma_op)a),
					   dma_op_name((enum dma_op)b)) != 0);
	}
}
