/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marks in leaf entries: what was mapped at once? Two bits that the hardware ignores: PT_FIRST in
 * the first entry of a mapping, PT_MORE in all but the last. So an unmap with another address or
 * length is refused instead of taking a neighbour's translations. pt_writer_end() and
 * pt_mark_mapping() set them, pt_one_mapping() reads those of one table. Part of walk.h, which
 * includes it. Who keeps books of its own, or manages the IOVA, does without.
 * Locks: see pgtable.h, Concurrency.
 */
#ifndef DMAMAP_PGTABLE_MAPPING_H
#define DMAMAP_PGTABLE_MAPPING_H

/* As pt_prot(), for a writer whose entries shall be marked. */
static inline struct pt_prot pt_prot_mapping(uint32_t prot)
{
	struct pt_prot p = pt_prot(prot);

	for (uint32_t level = 0; level < PT_NR_LEVELS; level++) {
		p.word[level][0] |= PT_MORE;
		p.word[level][1] |= PT_MORE;
	}
	p.page |= PT_MORE;
	return p;
}

/* As pt_clear_leaf(), and false unless the entry is a mapping of its own. */
ALWAYS_INLINE bool pt_clear_mapping(const struct pgtable *pt, pt_word_t *leaf)
{
	pt_word_t v = pt_load(leaf);

	if (unlikely((v & (PT_FIRST | PT_MORE)) != PT_FIRST || v == 0 || pt_fmt_is_group(0, v)))
		return false;
	pt_store(leaf, 0);
	if (PT_NONCOHERENT(pt))
		pt_clean(pt, leaf, 1);
	dma_wmb();
	return true;
}

/* How many of @nr entries from the first one on are followed by more of the same mapping */
static inline uint32_t pt_count_more(const pt_word_t *e, uint32_t nr)
{
	uint32_t n = 0;

	if (likely((pt_fold_valid(e, nr) & PT_MORE) != 0))
		return nr;
	while ((pt_load_shared(e + n) & PT_MORE) != 0)
		n++;
	return n;
}

/**
 * pt_check_mapping() - is a range exactly what was mapped at once?
 * @pt: page table
 * @iova: first byte, a multiple of the granule, in the IOVA space
 * @len: bytes, a multiple of the granule, not 0, in the IOVA space
 *
 * Return:
 * * %0 - it is
 * * %-ENOENT - no mapping begins there
 * * %-EINVAL - the mapping is longer or shorter
 */
PT_SLOW int pt_check_mapping(const struct pgtable *pt, uint64_t iova, uint64_t len)
{
	uint64_t at = iova;

	for (;;) {
		uint32_t level;
		pt_word_t *table = pt_walk(pt, at, 0, &level);
		const pt_word_t *e = table + pt_index(at, level);
		uint32_t lg2 = pt_entry_lg2(level);
		uint64_t left = (iova + len - at) >> lg2;
		uint32_t nr = (uint32_t)bits_min(left, pt_nr_entries(level) - pt_index(at, level));
		uint32_t more;

		if (at == iova && ((iova & ((UINT64_C(1) << lg2) - 1)) != 0 ||
				   !pt_fmt_is_leaf(level, pt_load_shared(e)) ||
				   (pt_load_shared(e) & PT_FIRST) == 0))
			return -ENOENT;
		if (nr == 0)
			return -EINVAL;
		more = pt_count_more(e, nr);
		at += (uint64_t)bits_min(more + 1, nr) << lg2;
		if (more < nr)
			return at == iova + len ? 0 : -EINVAL;
		if (at == iova + len)
			return -EINVAL;
	}
}

/* Bytes from @iova, which is mapped, to the end of what was mapped at once. */
PT_SLOW uint64_t pt_mapping_bytes(const struct pgtable *pt, uint64_t iova)
{
	uint64_t at = iova;
	pt_word_t v;

	do {
		uint32_t level;
		pt_word_t *table = pt_walk(pt, at, 0, &level);

		v = pt_load_shared(table + pt_index(at, level));
		at = (at | ((UINT64_C(1) << pt_entry_lg2(level)) - 1)) + 1;
	} while ((v & PT_MORE) != 0);
	return at - iova;
}

#endif
