/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every request of the DMA API fails in turn, on the simulated machine: bring-up, devices, domains,
 * maps of each kind, allocation with each attribute, mmap, get_sgtable, deferred and strict.
 */
#include "tests/fail/fail_rig.h"

static int errno_of(bool ok)
{
	struct dma_error e = { .err = -EIO };

	if (ok)
		return 0;
	(void)dma_last_error(NULL, &e);
	return e.err;
}

/* Bring-up. */

static int bring_up(struct fail_rig *r)
{
	int err = fail_rig_bring_up(r);

	if (err == 0) {
		r->addr = dma_map_phys(r->dev, r->phys, 4096, DMA_TO_DEVICE, 0);
		if (r->addr == DMA_MAPPING_ERROR) {
			fail_rig_take_down(r);
			return errno_of(false);
		}
		assert_true(fail_rig_reaches(r, r->addr));
	}
	return err;
}

static void bring_down(struct fail_rig *r)
{
	dma_unmap_phys(r->dev, r->addr, 4096, DMA_TO_DEVICE, 0);
	fail_rig_take_down(r);
}

TEST(bringing_the_smmu_up_fails_whole)
{
	static const struct scenario s = {
		.name = "bring-up", .go = bring_up, .undo = bring_down, .none = true, .silent = true
	};

	fail_sweep_all(&s);
}

static int device_create(struct fail_rig *r)
{
	static const struct dma_range windows[] = { { SIM_RAM_BASE, 0, 256u << 20 }, { 0, 0, 0 } };
	const struct dma_device_desc desc = { .name = "other",
					      .iommu = r->iommu,
					      .requester = RIG_SID + 1,
					      .ranges = windows,
					      .coherent = true,
					      .deferred = r->opts.deferred };

	return dma_device_create(r->p, &desc, &r->made);
}

static void device_destroy(struct fail_rig *r)
{
	dma_device_destroy(r->made);
}

TEST(creating_a_device_fails_whole)
{
	static const struct scenario s = {
		.name = "device", .go = device_create, .undo = device_destroy, .silent = true
	};

	fail_sweep_all(&s);
}

static int direct_create(struct fail_rig *r)
{
	static const struct dma_range windows[] = { { SIM_RAM_BASE, 0, 64u << 20 }, { 0, 0, 0 } };
	const struct dma_device_desc desc = { .name = "other", .ranges = windows };

	return dma_device_create(r->p, &desc, &r->made);
}

TEST(creating_a_device_without_an_iommu_fails_whole)
{
	static const struct scenario s = {
		.name = "direct device", .go = direct_create, .undo = device_destroy, .silent = true
	};

	fail_sweep_all(&s);
}

/* Domains. */

static int domain_alloc(struct fail_rig *r)
{
	return dma_domain_alloc(r->iommu, DMA_DOMAIN_UNMANAGED, &r->dom);
}

static void domain_free(struct fail_rig *r)
{
	assert_ok(dma_domain_free(r->dom));
}

TEST(making_a_domain_fails_whole)
{
	static const struct scenario s = {
		.name = "domain", .go = domain_alloc, .undo = domain_free, .silent = true
	};

	fail_sweep_all(&s);
}

static void make_domain(struct fail_rig *r)
{
	assert_ok(domain_alloc(r));
	assert_ok(device_create(r));
}

static void free_domain(struct fail_rig *r)
{
	dma_device_destroy(r->made);
	domain_free(r);
}

static int attach(struct fail_rig *r)
{
	struct dma_domain *old = dma_device_domain(r->made);
	int err = dma_domain_attach(r->dom, r->made);

	assert_ptr_equal(dma_device_domain(r->made), err == 0 ? r->dom : old);
	return err;
}

static void detach(struct fail_rig *r)
{
	assert_ok(dma_domain_detach(r->made));
}

TEST(attaching_fails_with_the_old_attachment)
{
	static const struct scenario s = { .name = "attach",
					   .prepare = make_domain,
					   .go = attach,
					   .undo = detach,
					   .finish = free_domain,
					   .silent = true };

	fail_sweep_all(&s);
}

static void make_attached(struct fail_rig *r)
{
	make_domain(r);
	assert_ok(dma_domain_attach(r->dom, r->made));
	r->second = r->made; /* its domain is trimmed, too */
}

static void free_attached(struct fail_rig *r)
{
	r->second = NULL;
	free_domain(r);
}

static int domain_map(struct fail_rig *r)
{
	return dma_domain_map(r->dom, 0x1000000, r->phys, 8 * r->granule, DMA_PROT_READ);
}

/* Unconfirmed, the entries are gone; the next one is confirmed. */
static void domain_unmap(struct fail_rig *r)
{
	int err = dma_domain_unmap(r->dom, 0x1000000, 8 * r->granule);

	assert_true(err == 0 || err == -ETIMEDOUT || err == -EIO);
	assert_true(dma_domain_iova_to_phys(r->dom, 0x1000000) == DMA_MAPPING_ERROR);
}

TEST(mapping_in_an_unmanaged_domain_fails_whole)
{
	static const struct scenario s = { .name = "domain_map",
					   .prepare = make_attached,
					   .go = domain_map,
					   .undo = domain_unmap,
					   .finish = free_attached };

	fail_sweep_all(&s);
}

/* Streaming maps. */

static int map_page(struct fail_rig *r)
{
	r->addr =
		dma_map_phys(r->dev, r->phys + r->granule, (size_t)r->granule, DMA_FROM_DEVICE, 0);
	return errno_of(r->addr != DMA_MAPPING_ERROR);
}

static void unmap_page(struct fail_rig *r)
{
	dma_unmap_phys(r->dev, r->addr, (size_t)r->granule, DMA_FROM_DEVICE, 0);
}

TEST(mapping_a_page_fails_whole)
{
	static const struct scenario s = { .name = "page", .go = map_page, .undo = unmap_page };

	fail_sweep_all(&s);
}

static int map_single(struct fail_rig *r)
{
	r->addr = dma_map_single_attrs(r->dev, r->mem, RIG_KMEM - 64, DMA_TO_DEVICE,
				       DMA_ATTR_PRIVILEGED);
	return errno_of(r->addr != DMA_MAPPING_ERROR);
}

static void unmap_single(struct fail_rig *r)
{
	dma_unmap_single_attrs(r->dev, r->addr, RIG_KMEM - 64, DMA_TO_DEVICE, DMA_ATTR_PRIVILEGED);
}

TEST(mapping_many_granules_fails_whole)
{
	static const struct scenario s = { .name = "single",
					   .go = map_single,
					   .undo = unmap_single };

	fail_sweep_all(&s);
}

/* Memory of nobody: blocks and tables under one another. */
static int map_large(struct fail_rig *r)
{
	r->addr = dma_map_phys(r->dev, SIM_RAM_BASE + 4096, 9u << 20, DMA_TO_DEVICE, 0);
	return errno_of(r->addr != DMA_MAPPING_ERROR);
}

static void unmap_large(struct fail_rig *r)
{
	dma_unmap_phys(r->dev, r->addr, 9u << 20, DMA_TO_DEVICE, 0);
}

TEST(mapping_blocks_fails_whole)
{
	static const struct scenario s = { .name = "large", .go = map_large, .undo = unmap_large };

	fail_sweep_all(&s);
}

static int map_registers(struct fail_rig *r)
{
	r->addr = dma_map_resource(r->dev, SIM_SMMU_BASE, 4096, DMA_TO_DEVICE, 0);
	return errno_of(r->addr != DMA_MAPPING_ERROR);
}

static void unmap_registers(struct fail_rig *r)
{
	dma_unmap_resource(r->dev, r->addr, 4096, DMA_TO_DEVICE, 0);
}

TEST(mapping_registers_fails_whole)
{
	static const struct scenario s = { .name = "resource",
					   .go = map_registers,
					   .undo = unmap_registers };

	fail_sweep_all(&s);
}

static void fill_list(struct fail_rig *r)
{
	sg_init_table(r->list, 24);
	for (uint32_t i = 0; i < 24; i++) {
		uint64_t at = (i * 5 % 13) * (RIG_KMEM / 16) & ~(r->granule - 1);
		uint32_t len = (uint32_t)(r->granule * (i % 2 + (r->granule < 65536)));

		sg_set_phys(&r->list[i], r->phys + at, len == 0 ? (uint32_t)r->granule : len);
	}
	r->sgt = (struct sg_table){ .sgl = r->list, .nents = 24, .orig_nents = 24 };
}

/* The entries are what they were; their DMA fields say that there is nothing. */
static void list_is_as_it_was(const struct fail_rig *r, const struct scatterlist *before)
{
	for (uint32_t i = 0; i < 24; i++) {
		struct scatterlist want = before[i];

		want.dma_address = DMA_MAPPING_ERROR;
		want.dma_length = 0;
		assert_memory_equal(&r->list[i], &want, sizeof(want));
	}
	assert_int_equal(r->sgt.nents, 24);
}

static int map_list(struct fail_rig *r)
{
	struct scatterlist before[24];
	unsigned int count;

	fill_list(r);
	memcpy(before, r->list, sizeof(before));
	count = dma_map_sg_attrs(r->dev, r->list, 24, DMA_TO_DEVICE, 0);
	if (count == 0)
		list_is_as_it_was(r, before);
	return errno_of(count != 0);
}

static void unmap_list(struct fail_rig *r)
{
	dma_unmap_sg(r->dev, r->list, 24, DMA_TO_DEVICE);
}

TEST(mapping_a_list_fails_whole)
{
	static const struct scenario s = { .name = "sg", .go = map_list, .undo = unmap_list };

	fail_sweep_all(&s);
}

static int map_table(struct fail_rig *r)
{
	struct scatterlist before[24];
	int err;

	fill_list(r);
	/* A large entry at odd places, padded to a boundary. */
	sg_set_phys(&r->list[5], SIM_RAM_BASE, 4u << 20);
	dma_set_seg_boundary(r->dev, (4u << 20) - 1);
	memcpy(before, r->list, sizeof(before));
	err = dma_map_sgtable(r->dev, &r->sgt, DMA_TO_DEVICE, 0);
	dma_set_seg_boundary(r->dev, UINT64_MAX);
	if (err != 0)
		list_is_as_it_was(r, before);
	return err;
}

static void unmap_table(struct fail_rig *r)
{
	dma_unmap_sgtable(r->dev, &r->sgt, DMA_TO_DEVICE, 0);
}

TEST(mapping_a_table_with_blocks_fails_whole)
{
	static const struct scenario s = { .name = "sgtable",
					   .go = map_table,
					   .undo = unmap_table };

	fail_sweep_all(&s);
}

static int map_user(struct fail_rig *r)
{
	return dma_map_user(r->dev, r->as, r->uaddr + 64, RIG_USER - 128, DMA_TO_DEVICE, 0,
			    &r->user);
}

static void unmap_user(struct fail_rig *r)
{
	dma_unmap_user(r->user);
}

TEST(mapping_user_memory_fails_whole)
{
	static const struct scenario s = { .name = "user", .go = map_user, .undo = unmap_user };

	fail_sweep_all(&s);
}

static int map_user_direct(struct fail_rig *r)
{
	return dma_map_user(r->direct, r->as, r->uaddr + 64, RIG_USER - 128, DMA_BIDIRECTIONAL, 0,
			    &r->user);
}

TEST(mapping_user_memory_without_an_iommu_fails_whole)
{
	static const struct scenario s = { .name = "user, direct",
					   .go = map_user_direct,
					   .undo = unmap_user };

	fail_sweep_all(&s);
}

static int map_doorbell(struct fail_rig *r)
{
	return dma_iommu_map_msi(r->made, 0x0a0f0040, &r->addr);
}

/* It stays as long as the domain. */
static int device_with_doorbell(struct fail_rig *r)
{
	int err = device_create(r);

	if (err != 0)
		return err;
	err = map_doorbell(r);
	if (err != 0)
		dma_device_destroy(r->made);
	return err;
}

TEST(mapping_a_doorbell_fails_whole)
{
	static const struct scenario s = { .name = "doorbell",
					   .go = device_with_doorbell,
					   .undo = device_destroy,
					   .silent = true };

	fail_sweep_all(&s);
}
