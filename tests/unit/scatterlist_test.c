/* SPDX-License-Identifier: BSD-2-Clause */
/* src/dma/scatterlist.c, sg_miter.c: lists are built, cut and copied; nothing is mapped. */
#include "tests/support/dma_fixture.h"

static void expect_rule(const char *rule, uint64_t found, uint64_t need)
{
	struct dma_error e;

	assert_ok(dma_last_error(NULL, &e));
	assert_string_equal(dma_rule_name(e.rule), rule);
	assert_string_equal(dma_op_name(e.op), "sg");
	assert_u64_equal(e.found, found);
	assert_u64_equal(e.need, need);
}

TEST(an_entry_is_32_bytes_and_keeps_64_bits_of_address)
{
	struct scatterlist sg;

	assert_int_equal(sizeof(sg), 32);
	sg_init_table(&sg, 1);
	sg_set_page(&sg, dma_page_of_phys(0xfedcba98000), 0x123, 0x10045);
	assert_u64_equal(sg_phys(&sg), 0xfedcba98000 + 0x10045);
	assert_int_equal(sg.length, 0x123);
	assert_int_equal(sg_offset(&sg), 0x45);
	assert_ptr_equal(sg_page(&sg), dma_page_of_phys(0xfedcba98000 + 0x10000));
	assert_true(sg_is_last(&sg));
}

TEST(tables_of_every_size_chain_and_free_what_they_took)
{
	static const unsigned int sizes[] = { 1,   2,	127, 128, 129, 130, 254,
					      255, 256, 257, 381, 382, 1000 };
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct scatterlist *sg;
		struct sg_table sgt;
		unsigned int n;

		assert_ok(sg_alloc_table(p, &sgt, sizes[i], GFP_KERNEL));
		assert_int_equal(sgt.orig_nents, sizes[i]);
		assert_int_equal(sg_nents(sgt.sgl), sizes[i]);
		for_each_sgtable_sg(&sgt, sg, n)
		{
			assert_false(sg_is_chain(sg));
			assert_int_equal(sg_is_last(sg), n == sizes[i] - 1);
			sg_set_phys(sg, (uint64_t)n << 12, 1);
		}
		assert_null(sg);
		assert_u64_equal(sg_last(sgt.sgl, sizes[i])->phys, (uint64_t)(sizes[i] - 1) << 12);
		assert_int_equal(h.nr_metas, sizes[i] <= 128 ? 1 : (sizes[i] - 2) / 127 + 1);
		sg_free_table(&sgt);
		assert_int_equal(h.nr_metas, 0);
		assert_null(sgt.sgl);
		sg_free_table(&sgt);
	}
	host_platform_fini(&h);
}

TEST(a_table_that_cannot_be_had_leaves_nothing)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct sg_table sgt = { .nents = 7 };
	uint64_t n;
	int err;

	assert_int_equal(sg_alloc_table(p, &sgt, 0, GFP_KERNEL), -EINVAL);
	expect_rule("nents", 0, 1);
	assert_int_equal(sg_alloc_table(p, &sgt, 0x80000000u, GFP_KERNEL), -EINVAL);
	expect_rule("nents", 0x80000000u, 0x7fffffff);
	for (n = 1;; n++) {
		host_platform_fail_nth(&h, n);
		err = sg_alloc_table(p, &sgt, 500, GFP_KERNEL);
		if (h.nr_injected == 0)
			break;
		assert_int_equal(err, -ENOMEM);
		expect_rule("no_meta", 0, 500 * 32);
		assert_int_equal(sgt.nents, 7);
		assert_int_equal(h.nr_metas, 0);
	}
	assert_ok(err);
	assert_int_equal(n, 5);
	sg_free_table(&sgt);
	host_platform_fini(&h);
}

TEST(buffers_are_named_by_their_memory)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct scatterlist sg;
	char stack[4];

	assert_ok(sg_init_one(p, &sg, host_platform_ram(&h, RAM_BASE + 5), 100));
	assert_u64_equal(sg.phys, RAM_BASE + 5);
	assert_int_equal(sg.length, 100);
	assert_int_equal(sg_init_one(p, &sg, stack, 4), -EFAULT);
	assert_u64_equal(sg.phys, RAM_BASE + 5);
	assert_int_equal(sg_set_buf(p, &sg, host_platform_ram(&h, RAM_LAST), 2), -EFAULT);
	host_platform_fini(&h);
}

static struct page *page_at(uint64_t idx)
{
	return dma_page_of_phys(RAM_BASE + (idx << 12));
}

TEST(neighbouring_pages_become_one_entry)
{
	struct page *pages[] = { page_at(4), page_at(5), page_at(6), page_at(8), page_at(7) };
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct scatterlist *sg;
	struct sg_table sgt;

	assert_ok(sg_alloc_table_from_pages(p, &sgt, pages, 5, 0x123, 4 * 4096, GFP_KERNEL));
	assert_int_equal(sgt.orig_nents, 3);
	sg = sgt.sgl;
	assert_u64_equal(sg->phys, RAM_BASE + 0x4123);
	assert_int_equal(sg->length, 3 * 4096 - 0x123);
	sg = sg_next(sg);
	assert_u64_equal(sg->phys, RAM_BASE + 0x8000);
	assert_int_equal(sg->length, 4096);
	sg = sg_next(sg);
	assert_u64_equal(sg->phys, RAM_BASE + 0x7000);
	assert_int_equal(sg->length, 0x123);
	assert_true(sg_is_last(sg));
	sg_free_table(&sgt);
	host_platform_fini(&h);
}

TEST(segments_end_where_pages_end)
{
	struct page *pages[8];
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct sg_table sgt;

	for (uint64_t i = 0; i < 8; i++)
		pages[i] = page_at(i);
	assert_ok(sg_alloc_table_from_pages_segment(p, &sgt, pages, 8, 0x100, 8 * 4096 - 0x100,
						    3 * 4096 + 5, GFP_KERNEL));
	assert_int_equal(sgt.orig_nents, 3);
	assert_int_equal(sgt.sgl[0].length, 3 * 4096 - 0x100);
	assert_u64_equal(sgt.sgl[1].phys, RAM_BASE + 0x3000);
	assert_int_equal(sgt.sgl[1].length, 3 * 4096);
	assert_int_equal(sgt.sgl[2].length, 2 * 4096);
	sg_free_table(&sgt);
	assert_int_equal(sg_alloc_table_from_pages(p, &sgt, pages, 8, 4096, 1, GFP_KERNEL),
			 -EINVAL);
	expect_rule("offset", 4096, 4096);
	assert_int_equal(sg_alloc_table_from_pages(p, &sgt, pages, 8, 1, 8 * 4096, GFP_KERNEL),
			 -EINVAL);
	expect_rule("length", 8 * 4096, 8 * 4096 - 1);
	assert_int_equal(sg_alloc_table_from_pages(p, &sgt, pages, 8, 0, 0, GFP_KERNEL), -EINVAL);
	assert_int_equal(
		sg_alloc_table_from_pages_segment(p, &sgt, pages, 8, 0, 1, 4095, GFP_KERNEL),
		-EINVAL);
	host_platform_fini(&h);
}

/* Byte @i of a list, by walking. */
static phys_addr_t byte_at(struct scatterlist *sgl, uint64_t i)
{
	struct scatterlist *sg = sgl;

	for (; i >= sg->length; sg = sg_next(sg))
		i -= sg->length;
	return sg->phys + i;
}

TEST(appending_grows_over_blocks_and_undoes_itself)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct sg_append_table t = { .prv = NULL };

	for (uint64_t i = 0; i < 400; i++) {
		uint32_t nents = t.sgt.orig_nents;
		uint64_t metas = h.nr_metas;

		/* First a run that needs blocks which are not there, then the same for real. */
		host_platform_fail_nth(&h, 2);
		assert_int_equal(sg_append_phys(p, &t, RAM_BASE + i * 0x2000 + 0x800000,
						(uint64_t)300 * 4096, 4096),
				 -ENOMEM);
		host_platform_fail_nth(&h, 0);
		assert_int_equal(t.sgt.orig_nents, nents);
		assert_int_equal(h.nr_metas, metas);
		assert_ok(sg_append_phys(p, &t, RAM_BASE + i * 0x2000, 0x1000, 0x1000));
		assert_int_equal(sg_nents(t.sgt.sgl), i + 1);
		assert_ptr_equal(t.prv, sg_last(t.sgt.sgl, (unsigned int)i + 1));
		assert_int_equal(h.nr_metas, i / 127 + 1);
	}
	for (uint64_t i = 0; i < 400; i++)
		assert_u64_equal(byte_at(t.sgt.sgl, i * 4096 + 7), RAM_BASE + i * 0x2000 + 7);
	assert_int_equal(sg_append_phys(p, &t, RAM_BASE, 0, 4096), -EINVAL);
	sg_free_append_table(&t);
	host_platform_fini(&h);
}

TEST(a_run_that_continues_the_last_entry_lengthens_it)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct sg_append_table t = { .prv = NULL };

	assert_ok(sg_append_phys(p, &t, RAM_BASE + 0x800, 0x800, 0x4000));
	assert_ok(sg_append_phys(p, &t, RAM_BASE + 0x1000, 0x2000, 0x4000));
	assert_int_equal(t.sgt.orig_nents, 1);
	assert_int_equal(t.sgt.sgl->length, 0x2800);
	/* Two pages more, one of which still fits. */
	assert_ok(sg_append_phys(p, &t, RAM_BASE + 0x3000, 0x2000, 0x4000));
	assert_int_equal(t.sgt.orig_nents, 2);
	assert_int_equal(t.sgt.sgl[0].length, 0x3800);
	assert_int_equal(t.sgt.sgl[1].length, 0x1000);
	sg_free_append_table(&t);
	host_platform_fini(&h);
}

TEST(an_undone_append_takes_back_what_it_lent_to_the_last_entry)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct sg_append_table t = { .prv = NULL };

	/* A full block, whose last entry could still grow by a page. */
	for (uint64_t i = 0; i < 127; i++)
		assert_ok(sg_append_phys(p, &t, RAM_BASE + i * 0x8000, 0x1000, 0x2000));
	assert_int_equal(h.nr_metas, 1);
	host_platform_fail_nth(&h, 1);
	assert_int_equal(sg_append_phys(p, &t, RAM_BASE + 126 * 0x8000 + 0x1000, 0x2000, 0x2000),
			 -ENOMEM);
	assert_int_equal(t.sgt.orig_nents, 127);
	assert_int_equal(t.prv->length, 0x1000);
	assert_int_equal(sg_nents(t.sgt.sgl), 127);
	sg_free_append_table(&t);
	host_platform_fini(&h);
}

TEST(counting_by_length)
{
	struct scatterlist sg[3];

	sg_init_table(sg, 3);
	for (int i = 0; i < 3; i++)
		sg_set_phys(&sg[i], RAM_BASE, 10);
	assert_int_equal(sg_nents_for_len(sg, 0), 0);
	assert_int_equal(sg_nents_for_len(sg, 1), 1);
	assert_int_equal(sg_nents_for_len(sg, 10), 1);
	assert_int_equal(sg_nents_for_len(sg, 11), 2);
	assert_int_equal(sg_nents_for_len(sg, 30), 3);
	assert_int_equal(sg_nents_for_len(sg, 31), -EINVAL);
	expect_rule("length", 31, 30);
}

TEST(a_chain_by_hand_is_walked_like_one_list)
{
	struct scatterlist a[3];
	struct scatterlist b[2];

	sg_init_table(a, 3);
	sg_init_table(b, 2);
	sg_chain(a, 3, b);
	assert_int_equal(sg_nents(a), 4);
	assert_ptr_equal(sg_next(&a[1]), &b[0]);
	assert_ptr_equal(sg_last(a, 4), &b[1]);
}

TEST(splitting_cuts_at_every_byte)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	struct scatterlist in[4];

	sg_init_table(in, 4);
	for (uint32_t i = 0; i < 4; i++)
		sg_set_phys(&in[i], RAM_BASE + i * 0x1000, 5 + i);
	for (size_t skip = 0; skip < 24; skip++) {
		for (size_t cut = 1; skip + cut < 26; cut++) {
			const size_t sizes[] = { cut, 26 - skip - cut };
			struct sg_table out[2];
			uint64_t at = skip;

			assert_ok(sg_split(p, in, skip, 2, sizes, out, GFP_KERNEL));
			for (int o = 0; o < 2; o++) {
				assert_int_equal(sg_nents_for_len(out[o].sgl, sizes[o]),
						 out[o].orig_nents);
				for (size_t i = 0; i < sizes[o]; i++)
					assert_u64_equal(byte_at(out[o].sgl, i), byte_at(in, at++));
				sg_free_table(&out[o]);
			}
		}
	}
	host_platform_fini(&h);
}

TEST(a_split_that_fails_leaves_no_piece)
{
	struct host_platform h;
	struct dma_platform *p = host_platform_init(&h, NULL);
	const size_t sizes[] = { 4, 4, 4 };
	struct scatterlist in[1];
	struct sg_table out[3];

	sg_init_table(in, 1);
	sg_set_phys(in, RAM_BASE, 12);
	for (uint64_t n = 1; n <= 3; n++) {
		host_platform_fail_nth(&h, n);
		assert_int_equal(sg_split(p, in, 0, 3, sizes, out, GFP_KERNEL), -ENOMEM);
		assert_int_equal(h.nr_metas, 0);
	}
	host_platform_fail_nth(&h, 0);
	assert_int_equal(sg_split(p, in, 1, 3, sizes, out, GFP_KERNEL), -EINVAL);
	expect_rule("length", 13, 12);
	assert_int_equal(sg_split(p, in, 0, 1, &(size_t){ 0 }, out, GFP_KERNEL), -EINVAL);
	assert_int_equal(sg_split(p, in, 0, 0, sizes, out, GFP_KERNEL), -EINVAL);
	host_platform_fini(&h);
}

TEST(pages_of_a_list_are_visited_once_each)
{
	struct sg_page_iter iter;
	struct scatterlist in[2];
	uint64_t seen[8];
	uint32_t n = 0;

	sg_init_table(in, 2);
	sg_set_phys(&in[0], RAM_BASE + 0xfff, 0x1002);
	sg_set_phys(&in[1], RAM_BASE + 0x8000, 0x1000);
	in[0].dma_address = 0x5800;
	in[0].dma_length = 0x1000;
	for_each_sg_page(in, &iter, 2) seen[n++] =
		dma_page_to_phys(sg_page_iter_page(&iter)) - RAM_BASE;
	assert_int_equal(n, 4);
	assert_u64_equal(seen[0], 0);
	assert_u64_equal(seen[1], 0x1000);
	assert_u64_equal(seen[2], 0x2000);
	assert_u64_equal(seen[3], 0x8000);
	n = 0;
	for_each_sg_dma_page(in, &iter, 1) seen[n++] = sg_page_iter_dma_address(&iter);
	assert_int_equal(n, 2);
	assert_u64_equal(seen[0], 0x5000);
	assert_u64_equal(seen[1], 0x6000);
}

static void *not_mapped(struct dma_platform *p, phys_addr_t phys)
{
	(void)p;
	(void)phys;
	return NULL;
}

/* With memory that is always mapped, and with a mapping for each page. */
static void copy_everywhere(struct host_platform *h)
{
	struct dma_platform *p = &h->p;
	unsigned char pattern[9000];
	unsigned char back[9000];
	struct scatterlist in[3];

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i * 7 + 1);
	sg_init_table(in, 3);
	sg_set_phys(&in[0], RAM_BASE + 0x10ff0, 0x20);
	sg_set_phys(&in[1], RAM_BASE + 0x20000, 0x2000);
	sg_set_phys(&in[2], RAM_BASE + 0x40001, 100);
	assert_int_equal(sg_copy_from_buffer(p, in, 3, pattern, sizeof(pattern)), 0x2020 + 100);
	assert_int_equal(sg_copy_to_buffer(p, in, 3, back, sizeof(back)), 0x2020 + 100);
	assert_memory_equal(back, pattern, 0x2020 + 100);
	assert_int_equal(sg_pcopy_to_buffer(p, in, 3, back, 50, 0x1f), 50);
	assert_memory_equal(back, pattern + 0x1f, 50);
	assert_int_equal(sg_zero_buffer(p, in, 3, 0x1000, 0x10), 0x1000);
	memset(pattern + 0x10, 0, 0x1000);
	assert_int_equal(sg_copy_to_buffer(p, in, 3, back, sizeof(back)), 0x2020 + 100);
	assert_memory_equal(back, pattern, 0x2020 + 100);
	assert_int_equal(sg_pcopy_from_buffer(p, in, 3, pattern, 10, 0x2020 + 100), 0);
	assert_int_equal(sg_pcopy_from_buffer(p, in, 3, pattern, 10, 0x2020 + 101), 0);
	assert_int_equal(h->nr_cpu_maps, 0);
}

TEST(lists_are_copied_piece_by_piece)
{
	struct host_platform h;

	host_platform_init(&h, NULL);
	copy_everywhere(&h);
	host_platform_fini(&h);
}

/* The platform's cpu_map uses phys_to_virt itself, so hide it only from the list. */
static struct host_platform *hidden;
static void *(*real_phys_to_virt)(struct dma_platform *, phys_addr_t);

static void *map_one(struct dma_platform *p, const struct dma_phys_run *runs, uint32_t nr_runs,
		     enum dma_memtype memtype)
{
	assert_int_equal(nr_runs, 1);
	assert_int_equal(memtype, DMA_MEM_WB);
	assert_u64_equal(runs[0].phys & 4095, 0);
	assert_u64_equal(runs[0].len, 4096);
	if (p->inject(p, DMA_INJECT_CPUMAP))
		return NULL;
	hidden->nr_cpu_maps++;
	return real_phys_to_virt(p, runs[0].phys);
}

TEST(unmapped_pages_are_mapped_for_the_copy_only)
{
	struct host_platform h;
	struct scatterlist in[1];
	char buf[0x3000];

	host_platform_init(&h, NULL);
	hidden = &h;
	real_phys_to_virt = h.p.phys_to_virt;
	h.p.phys_to_virt = not_mapped;
	h.p.cpu_map = map_one;
	copy_everywhere(&h);
	sg_init_table(in, 1);
	sg_set_phys(in, RAM_BASE, sizeof(buf));
	host_platform_fail_nth(&h, 2);
	assert_int_equal(sg_copy_to_buffer(&h.p, in, 1, buf, sizeof(buf)), 4096);
	assert_int_equal(h.nr_cpu_maps, 0);
	host_platform_fini(&h);
}

TEST(contiguity_is_about_dma_addresses)
{
	struct scatterlist sg[3];

	sg_init_table(sg, 3);
	for (uint32_t i = 0; i < 3; i++) {
		sg[i].dma_address = 0x1000 + i * 0x1000;
		sg[i].dma_length = 0x1000;
	}
	assert_true(dma_sg_is_contiguous(sg, 3));
	sg[2].dma_address++;
	assert_false(dma_sg_is_contiguous(sg, 3));
	sg[2].dma_length = 0;
	assert_true(dma_sg_is_contiguous(sg, 3));
}
