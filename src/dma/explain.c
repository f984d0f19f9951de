/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A failure record as one sentence: the call, the rule, the value found, the value needed, and what
 * to change. A formatter of its own, because there is no libc below.
 *
 * Lock: none.
 */
#include <dmamap/fault.h>

#include "core/bits.h"

/**
 * struct text - a buffer that counts on when it is full, as snprintf() does
 * @buf: where to; may be NULL when @room is 0
 * @room: bytes of @buf
 * @len: characters so far
 */
struct text {
	char *buf;
	size_t room;
	size_t len;
};

static void put_char(struct text *t, char c)
{
	if (t->len + 1 < t->room)
		t->buf[t->len] = c;
	t->len++;
}

static void put(struct text *t, const char *s)
{
	while (*s != '\0')
		put_char(t, *s++);
}

static void put_number(struct text *t, uint64_t v, uint32_t base)
{
	char digits[20];
	uint32_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	if (base == 16)
		put(t, "0x");
	while (n > 0)
		put_char(t, digits[--n]);
}

/* How found and need are printed. */
enum values {
	VALUES_NONE,
	VALUES_DEC,
	VALUES_HEX,
	VALUES_FOUND, /* found only, an address or a bit */
};

static const struct {
	enum values values;
	const char *what;
} sentences[] = {
	[DMA_RULE_NONE] = { VALUES_NONE, "nothing is wrong" },
	[DMA_RULE_LENGTH] = { VALUES_DEC,
			      "the length is out of range; pass the size of the buffer" },
	[DMA_RULE_OVERFLOW] = { VALUES_HEX,
				"address + length wraps; the length must be below what is needed" },
	[DMA_RULE_DIRECTION] = { VALUES_DEC, "not a direction that maps; use DMA_TO_DEVICE, "
					     "DMA_FROM_DEVICE or DMA_BIDIRECTIONAL" },
	[DMA_RULE_NENTS] = { VALUES_DEC, "wrong number of entries; pass the one that was mapped, "
					 "not the one that map returned" },
	[DMA_RULE_NOT_RAM] = { VALUES_HEX,
			       "not RAM of this platform; map registers with dma_map_resource()" },
	[DMA_RULE_IS_RAM] = { VALUES_FOUND, "this is RAM; map it without DMA_ATTR_MMIO" },
	[DMA_RULE_NOT_LINEAR] = { VALUES_NONE,
				  "the memory is not physically contiguous or has no fixed "
				  "address; map it by pages, not as single" },
	[DMA_RULE_MASK] = { VALUES_HEX, "beyond what the device can address; set a wider "
					"mask, allocate with dma_alloc_attrs(), or use an IOMMU" },
	[DMA_RULE_NO_RANGE] = { VALUES_HEX, "not inside one window of the device; allocate with "
					    "dma_alloc_attrs() or correct the ranges" },
	[DMA_RULE_APERTURE] = { VALUES_HEX,
				"outside the aperture of the domain; choose an IOVA inside" },
	[DMA_RULE_GRANULE] = { VALUES_DEC, "not a multiple of the IOMMU granule; align the "
					   "pieces of memory or use a smaller granule" },
	[DMA_RULE_RESERVED] = { VALUES_HEX, "inside a reserved region; choose another IOVA" },
	[DMA_RULE_CACHE_LINE] = { VALUES_HEX, "shares a cache line on a device that does not "
					      "snoop; align both ends of the buffer" },
	[DMA_RULE_BOUNDARY] = { VALUES_HEX, "the segment boundary cannot be kept; use smaller "
					    "entries or a wider boundary" },
	[DMA_RULE_SEG_SIZE] = { VALUES_DEC, "longer than a segment of the device; split the entry "
					    "or raise dma_set_max_seg_size()" },
	[DMA_RULE_ATTR] = { VALUES_FOUND, "this contract cannot be kept here; leave the attribute "
					  "out, see dma_query_attrs()" },
	[DMA_RULE_NO_IOVA] = { VALUES_DEC, "no IOVA left below the limit; unmap something, or "
					   "widen the mask" },
	[DMA_RULE_NO_MEMORY] = { VALUES_DEC,
				 "no pages left that suit; free some, or ask for less" },
	[DMA_RULE_NO_TABLE] = { VALUES_DEC, "no memory for page tables; free some and retry" },
	[DMA_RULE_NO_META] = { VALUES_DEC, "no metadata memory; free some and retry" },
	[DMA_RULE_NO_SLOT] = { VALUES_DEC,
			       "more contexts than slots; end some, or raise nr_slots" },
	[DMA_RULE_LOCKED_MEMORY] = { VALUES_DEC, "over the program's limit of locked memory; unpin "
						 "something or raise the limit" },
	[DMA_RULE_NOT_PINNABLE] = { VALUES_FOUND, "memory that cannot be kept in place; use "
						  "ordinary memory, or a carve-out with a token" },
	[DMA_RULE_NOT_MAPPED] = { VALUES_FOUND, "nothing is mapped or allocated there; pass what "
						"the call that made it returned" },
	[DMA_RULE_OVERLAP] = { VALUES_FOUND, "something is mapped there already; unmap it first" },
	[DMA_RULE_ALIGN] = { VALUES_HEX, "not aligned as needed; align it" },
	[DMA_RULE_OFFSET] = { VALUES_DEC, "outside the buffer; stay below its pages" },
	[DMA_RULE_STATE] = { VALUES_NONE, "not in the state that the call needs; end what is "
					  "live on it first" },
	[DMA_RULE_HARDWARE] = { VALUES_HEX, "the IOMMU answered with an error or not at all; see "
					    "the log, reset the device" },
	[DMA_RULE_UNSUPPORTED] = { VALUES_NONE, "this device, domain or ops table cannot do it; "
						"put the device behind an IOMMU or add the op" },
};

_Static_assert(ARRAY_LEN(sentences) == DMA_NR_RULES, "a sentence for each rule");

static void put_values(struct text *t, enum values values, uint64_t found, uint64_t need)
{
	uint32_t base = values == VALUES_DEC ? 10 : 16;

	if (values == VALUES_NONE)
		return;
	put(t, " (value ");
	put_number(t, found, base);
	if (values != VALUES_FOUND) {
		put(t, ", need ");
		put_number(t, need, base);
	}
	put_char(t, ')');
}

size_t dma_explain(const struct dma_error *err, char *buf, size_t len)
{
	struct text t = { .buf = buf, .room = len };
	enum dma_rule rule = (unsigned int)err->rule < DMA_NR_RULES ? err->rule : DMA_RULE_NONE;

	put(&t, dma_op_name(err->op));
	put(&t, " of ");
	put_number(&t, err->len, 10);
	put(&t, " at ");
	put_number(&t, err->addr, 16);
	put(&t, ": rule ");
	put(&t, dma_rule_name(err->rule));
	put_values(&t, sentences[rule].values, err->found, err->need);
	put(&t, ": ");
	put(&t, sentences[rule].what);
	if (len != 0)
		buf[t.len < len ? t.len : len - 1] = '\0';
	return t.len;
}
