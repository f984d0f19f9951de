/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scatterlists behind an IOMMU against a brute-force reading of rules.md 2.4: the reference below
 * decides byte by byte what may be one segment, and shares nothing with dma/iommu_sg.h.
 */
#include "tests/support/iommu_fixture.h"

#define MAX_NENTS 40

struct list {
	struct scatterlist block[3][MAX_NENTS / 2 + 2];
	struct scatterlist before[MAX_NENTS];
	struct scatterlist *at[MAX_NENTS];
	uint32_t nents;
};

static uint64_t rnd(uint64_t *s)
{
	uint64_t z = (*s += 0x9E3779B97F4A7C15ull);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

/* @nents entries chained over three blocks. */
static void chain(struct list *l, uint32_t nents)
{
	uint32_t n = 0;

	memset(l->block, 0, sizeof(l->block));
	for (uint32_t b = 0; b < 3; b++) {
		uint32_t here = b == 2 ? nents - n : (nents - n + 2) / 3;

		for (uint32_t i = 0; i < here; i++)
			l->at[n++] = &l->block[b][i];
		if (b != 2 && n < nents) {
			l->block[b][here].phys = (uintptr_t)&l->block[b + 1][0];
			l->block[b][here].flags = SG_CHAIN;
		}
	}
	l->nents = nents;
	l->at[nents - 1]->flags = SG_END;
}

static void save(struct list *l)
{
	for (uint32_t i = 0; i < l->nents; i++)
		l->before[i] = *l->at[i];
}

static void check_memory_untouched(const struct list *l)
{
	for (uint32_t i = 0; i < l->nents; i++) {
		assert_u64_equal(l->at[i]->phys, l->before[i].phys);
		assert_u64_equal(l->at[i]->length, l->before[i].length);
		assert_u64_equal(l->at[i]->flags, l->before[i].flags);
	}
}

static uint64_t up(uint64_t v, uint64_t g)
{
	return (v + g - 1) / g * g;
}

/*
 * The reference: place every entry, in granules, skipping to the next boundary where an entry would
 * cross it; then walk the entries and ask of each whether it may join the segment before it. @base
 * comes from the map itself, since the rules do not say where the range lies.
 */
struct expect {
	uint64_t seg_addr[MAX_NENTS];
	uint64_t seg_len[MAX_NENTS];
	uint64_t entry_addr[MAX_NENTS];
	uint32_t nr;
	uint64_t end;
};

static void reference(const struct list *l, uint64_t base, uint64_t g, uint64_t boundary,
		      uint64_t max_len, bool pads, struct expect *x)
{
	uint64_t at = base;
	bool open = false;

	x->nr = 0;
	for (uint32_t i = 0; i < l->nents; i++) {
		uint64_t off = l->before[i].phys % g;
		uint64_t len = l->before[i].length;
		uint64_t first;

		if (pads && boundary != UINT64_MAX &&
		    at / (boundary + 1) != (at + up(off + len, g) - 1) / (boundary + 1) &&
		    at % (boundary + 1) != 0)
			at = up(at, boundary + 1);
		first = at + off;
		x->entry_addr[i] = first;
		if (open && off == 0 && (boundary == UINT64_MAX || at % (boundary + 1) != 0) &&
		    x->seg_len[x->nr - 1] + len <= max_len) {
			x->seg_len[x->nr - 1] += len;
		} else {
			x->seg_addr[x->nr] = first;
			x->seg_len[x->nr++] = len;
		}
		open = (off + len) % g == 0;
		at += up(off + len, g);
	}
	x->end = at;
}

static void check_against_reference(struct iommu_fixture *f, struct list *l, int count,
				    uint64_t boundary, uint32_t max_len)
{
	static struct expect x;
	uint64_t g = f->granule;
	uint64_t base = l->at[0]->dma_address & ~(g - 1);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < l->nents; i++)
		sum += up(l->before[i].phys % g + l->before[i].length, g);
	reference(l, base, g, boundary, max_len, sum - 1 > boundary, &x);
	assert_int_equal(count, (int)x.nr);
	for (uint32_t i = 0; i < x.nr; i++) {
		assert_u64_equal(l->at[i]->dma_address, x.seg_addr[i]);
		assert_u64_equal(l->at[i]->dma_length, x.seg_len[i]);
		if (boundary != UINT64_MAX)
			assert_u64_equal(x.seg_addr[i] / (boundary + 1),
					 (x.seg_addr[i] + x.seg_len[i] - 1) / (boundary + 1));
	}
	if (x.nr < l->nents)
		assert_int_equal(l->at[x.nr]->dma_length, 0);
	for (uint32_t i = 0; i < l->nents; i++)
		iommu_fixture_reaches(f, x.entry_addr[i], l->before[i].phys, l->before[i].length,
				      DMA_BIDIRECTIONAL);
}

/* Some lists are all whole pages, some start or end anywhere, some do so in the middle. */
static void fill(struct list *l, uint64_t *seed, uint32_t shape, uint64_t g)
{
	for (uint32_t i = 0; i < l->nents; i++) {
		bool edge = i == 0 || i == l->nents - 1;
		uint64_t off = (rnd(seed) % 4 == 0 && (shape == 2 || (shape == 1 && i == 0)))
				       ? rnd(seed) % g
				       : 0;
		uint64_t len = (1 + rnd(seed) % 3) * g - off;

		if (rnd(seed) % 4 == 0 && (shape == 2 || (shape == 1 && edge)))
			len -= rnd(seed) % (len / 2 + 1);
		if (shape == 1 && i == 0 && l->nents > 1)
			len = 2 * g - off;
		l->at[i]->phys = FIX_RAM + (rnd(seed) % 40) * g + off;
		l->at[i]->length = (uint32_t)len;
	}
}

static void random_lists(uint32_t granule_lg2, uint32_t page_lg2, uint64_t seed, bool deferred)
{
	static const uint64_t boundaries[] = { UINT64_MAX, 0xffffffff, 0xfffff, 0x7ffff };
	static struct iommu_fixture f;
	static struct list l;

	f = (struct iommu_fixture){ .granule_lg2 = granule_lg2,
				    .opt.page_lg2 = page_lg2,
				    .deferred = deferred };
	iommu_fixture_open(&f);
	for (uint32_t round = 0; round < 400; round++) {
		uint64_t boundary = boundaries[rnd(&seed) % 4];
		uint32_t max_len = 1u << (16 + rnd(&seed) % 6);
		int count;

		chain(&l, 1 + (uint32_t)(rnd(&seed) % (MAX_NENTS - 1)));
		fill(&l, &seed, (uint32_t)(rnd(&seed) % 3), f.granule);
		save(&l);
		dma_set_seg_boundary(f.dev, boundary);
		dma_set_max_seg_size(f.dev, max_len);
		count = (int)dma_map_sg_attrs(f.dev, l.at[0], (int)l.nents, DMA_BIDIRECTIONAL, 0);
		assert_true(count > 0);
		assert_false(deferred && iommu_fake_caches(&f.fake, 0, l.at[0]->dma_address, 1));
		check_memory_untouched(&l);
		check_against_reference(&f, &l, count, boundary, max_len);
		dma_unmap_sg_attrs(f.dev, l.at[0], (int)l.nents, DMA_BIDIRECTIONAL, 0);
		if (!deferred)
			iommu_fixture_blocked(&f, l.at[0]->dma_address & ~(f.granule - 1), 1);
		check_memory_untouched(&l);
	}
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

TEST(random_lists_become_the_segments_of_the_rules)
{
	random_lists(12, 12, 1, false);
	random_lists(12, 12, 2, true);
	random_lists(14, 14, 3, false);
	random_lists(16, 16, 4, true);
}

TEST(lists_of_large_blocks_use_large_entries)
{
	static struct iommu_fixture f;
	static struct list l;
	struct dma_domain *dom;
	int count;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .opt.ram_bytes = 64u << 20 };
	iommu_fixture_open(&f);
	dma_set_max_seg_size(f.dev, UINT32_MAX);
	chain(&l, 8);
	for (uint32_t i = 0; i < 8; i++) {
		l.at[i]->phys = FIX_RAM + ((uint64_t)(7 - i) << 22);
		l.at[i]->length = 4u << 20;
	}
	save(&l);
	count = (int)dma_map_sg_attrs(f.dev, l.at[0], 8, DMA_BIDIRECTIONAL, 0);
	assert_int_equal(count, 1);
	check_against_reference(&f, &l, count, UINT64_MAX, UINT32_MAX);
	assert_u64_equal(l.at[0]->dma_address & 0x3fffff, 0);
	dom = dma_device_domain(f.dev);
	/* 16 blocks of 2 MiB: no leaf table at all, two above */
	assert_true(dom->pt.pool.nr_linked <= 2);
	dma_unmap_sg_attrs(f.dev, l.at[0], 8, DMA_BIDIRECTIONAL, 0);
	iommu_fixture_blocked(&f, l.at[0]->dma_address, 32u << 20);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

TEST(a_list_longer_than_its_count_or_shorter_is_told_apart)
{
	static struct iommu_fixture f;
	static struct list l;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	chain(&l, 5);
	for (uint32_t i = 0; i < 5; i++) {
		l.at[i]->phys = FIX_RAM + i * 8192;
		l.at[i]->length = 4096;
	}
	assert_int_equal(dma_map_sg_attrs(f.dev, l.at[0], 6, DMA_TO_DEVICE, 0), 0);
	iommu_fixture_failed(&f, DMA_OP_MAP_SG, -EINVAL, DMA_RULE_NENTS, 6, 5);
	assert_u64_equal(l.at[0]->dma_address, DMA_MAPPING_ERROR);
	assert_int_equal(dma_map_sg_attrs(f.dev, l.at[0], 3, DMA_TO_DEVICE, 0), 1);
	dma_unmap_sg_attrs(f.dev, l.at[0], 3, DMA_TO_DEVICE, 0);
	assert_u64_equal(iommu_fixture_live(&f), 0);
	iommu_fixture_close(&f);
}

static void check_refused(struct iommu_fixture *f, struct list *l, enum dma_rule rule,
			  uint64_t found, uint64_t need)
{
	uint64_t live = iommu_fixture_live(f);

	save(l);
	assert_int_equal(dma_map_sg_attrs(f->dev, l->at[0], (int)l->nents, DMA_FROM_DEVICE, 0), 0);
	iommu_fixture_failed(f, DMA_OP_MAP_SG, -EINVAL, rule, found, need);
	check_memory_untouched(l);
	for (uint32_t i = 0; i < l->nents; i++)
		assert_u64_equal(l->at[i]->dma_address, DMA_MAPPING_ERROR);
	assert_u64_equal(iommu_fixture_live(f), live);
}

TEST(pages_smaller_than_the_granule_are_refused_unless_they_form_granules)
{
	static struct iommu_fixture f;
	static struct list l;

	f = (struct iommu_fixture){ .granule_lg2 = 16 };
	iommu_fixture_open(&f);
	chain(&l, 4);
	for (uint32_t i = 0; i < 4; i++) {
		l.at[i]->phys = FIX_RAM + i * 8192;
		l.at[i]->length = 4096;
	}
	check_refused(&f, &l, DMA_RULE_GRANULE, 4096, 65536);
	for (uint32_t i = 0; i < 4; i++) {
		l.at[i]->phys = FIX_RAM + (3 - i) * 65536;
		l.at[i]->length = 65536;
	}
	/* Both ends may lie inside a granule. */
	l.at[0]->phys += 4096;
	l.at[0]->length -= 4096;
	l.at[3]->length = 100;
	save(&l);
	assert_int_equal(dma_map_sg_attrs(f.dev, l.at[0], 4, DMA_FROM_DEVICE, 0), 4);
	dma_unmap_sg_attrs(f.dev, l.at[0], 4, DMA_FROM_DEVICE, 0);
	dma_set_max_seg_size(f.dev, 1u << 20);
	assert_int_equal(dma_map_sg_attrs(f.dev, l.at[0], 4, DMA_FROM_DEVICE, 0), 1);
	assert_int_equal(l.at[0]->dma_length, 3 * 65536 - 4096 + 100);
	dma_unmap_sg_attrs(f.dev, l.at[0], 4, DMA_FROM_DEVICE, 0);
	iommu_fixture_close(&f);
}

TEST(a_segment_that_must_cross_the_boundary_is_refused)
{
	static struct iommu_fixture f;
	static struct list l;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	dma_set_seg_boundary(f.dev, 0xffff);
	chain(&l, 2);
	l.at[0]->phys = FIX_RAM;
	l.at[0]->length = 4096;
	l.at[1]->phys = FIX_RAM + 0x10000;
	l.at[1]->length = 0x11000;
	check_refused(&f, &l, DMA_RULE_BOUNDARY, 0x11000, 0x10000);
	iommu_fixture_close(&f);
}

TEST(entries_of_nothing_and_outside_memory_are_refused)
{
	static struct iommu_fixture f;
	static struct list l;

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	chain(&l, 3);
	for (uint32_t i = 0; i < 3; i++) {
		l.at[i]->phys = FIX_RAM + i * 8192;
		l.at[i]->length = 4096;
	}
	l.at[1]->length = 0;
	check_refused(&f, &l, DMA_RULE_LENGTH, 0, 1);
	l.at[1]->length = 4096;
	l.at[2]->phys = FIX_RAM - 2048;
	check_refused(&f, &l, DMA_RULE_NOT_RAM, FIX_RAM - 2048, FIX_RAM + (16u << 20) - 1);
	iommu_fixture_close(&f);
}

TEST(lists_of_a_device_that_does_not_snoop_are_cleaned_entry_by_entry)
{
	static struct iommu_fixture f;
	static struct list l;

	f = (struct iommu_fixture){ .granule_lg2 = 12, .noncoherent = true, .opt.cache_line = 64 };
	iommu_fixture_open(&f);
	chain(&l, 5);
	for (uint32_t i = 0; i < 5; i++) {
		l.at[i]->phys = FIX_RAM + i * 8192;
		l.at[i]->length = 4096;
	}
	assert_int_equal(dma_map_sg_attrs(f.dev, l.at[0], 5, DMA_FROM_DEVICE, 0), 1);
	assert_int_equal(f.h.nr_cleans, 5);
	dma_unmap_sg_attrs(f.dev, l.at[0], 5, DMA_FROM_DEVICE, 0);
	assert_int_equal(f.h.nr_invs, 5);
	l.at[2]->length = 4090;
	check_refused(&f, &l, DMA_RULE_CACHE_LINE, FIX_RAM + 2 * 8192 + 4090, 64);
	assert_int_equal(f.h.nr_cleans, 5);
	iommu_fixture_close(&f);
}

/* One array of single granules: the short way knows no boundary inside a list. */
TEST(a_flat_list_longer_than_the_boundary_becomes_segments)
{
	static struct iommu_fixture f;
	static struct scatterlist sg[32];

	f = (struct iommu_fixture){ .granule_lg2 = 12 };
	iommu_fixture_open(&f);
	dma_set_max_seg_size(f.dev, 1u << 20);
	dma_set_seg_boundary(f.dev, 0xffff);
	for (uint32_t round = 0; round < 3; round++) {
		sg_init_table(sg, 32);
		for (uint32_t i = 0; i < 32; i++)
			sg_set_phys(&sg[i], FIX_RAM + (63 - 2 * i) * 4096u, 4096);
		assert_int_equal(dma_map_sg(f.dev, sg, 32, DMA_TO_DEVICE), 2);
		assert_int_equal(sg_dma_len(&sg[0]), 0x10000);
		assert_u64_equal(sg_dma_address(&sg[0]) & 0xffff, 0);
		assert_u64_equal(sg_dma_address(&sg[1]) & 0xffff, 0);
		for (uint32_t i = 0; i < 32; i++)
			iommu_fixture_reaches(&f, sg_dma_address(&sg[0]) + i * 4096u, sg[i].phys,
					      4096, DMA_TO_DEVICE);
		dma_unmap_sg(f.dev, sg, 32, DMA_TO_DEVICE);
	}
	iommu_fixture_close(&f);
}

/* A block makes its way over an empty table, and the invalidation for that is not confirmed. */
TEST(iova_whose_table_was_unlinked_in_vain_has_no_tag)
{
	static struct iommu_fixture f;
	static struct scatterlist sg[512];

	f = (struct iommu_fixture){ .granule_lg2 = 12, .mask_bits = 48 };
	iommu_fixture_open(&f);
	dma_set_max_seg_size(f.dev, 4u << 20);
	for (uint32_t nr = 512; nr >= 500; nr -= 12) {
		sg_init_table(sg, nr);
		for (uint32_t i = 0; i < nr; i++)
			sg_set_phys(&sg[i], FIX_RAM + (2 * i + 1) * 4096u, 4096);
		assert_int_equal(dma_map_sg(f.dev, sg, (int)nr, DMA_TO_DEVICE), 1);
		for (uint32_t i = 0; i < nr; i++)
			iommu_fixture_reaches(&f, sg_dma_address(sg) + i * 4096u, sg[i].phys, 4096,
					      DMA_TO_DEVICE);
		dma_unmap_sg(f.dev, sg, (int)nr, DMA_TO_DEVICE);
		f.fake.fail_sync = -ETIMEDOUT;
		assert_u64_equal(dma_map_phys(f.dev, FIX_RAM, 2u << 20, DMA_TO_DEVICE, 0),
				 DMA_MAPPING_ERROR);
		f.fake.fail_sync = 0;
	}
	iommu_fixture_close(&f);
}
