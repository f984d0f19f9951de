/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mistakes planted in a test copy of the library: each is noticed by a scenario that the unspoilt
 * copy passes. What notices is what a user of the library would see: an access that should have
 * been refused, data of somebody else, a fault that should not be, a wrong fault record.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pgtable/gather.h"
#include "sim/rng.h"
#include "tests/support/video_rig.h"
#include "tests/tool/planted.h"

enum { SID = 9, PAGE = 4096, MANY = 40, ROUNDS = 3000, DEVICES = 300, LATE_BY = 4 };

/**
 * struct subject - a machine and one more device on it
 * @rig: the machine
 * @p: its platform
 * @dev: the device; NULL while it is not known to the library
 * @deferred: how it is to be created
 * @noncoherent: nothing snoops
 */
struct subject {
	struct video_rig *rig;
	struct dma_platform *p;
	struct dma_device *dev;
	bool deferred;
	bool noncoherent;
};

/* A scenario: NULL, or what is wrong. */
typedef const char *(*scenario_fn)(struct subject *s);

static phys_addr_t take_page(struct subject *s, uint8_t fill)
{
	const struct dma_pages_req req = {
		.len = PAGE, .align = PAGE, .last = UINT64_MAX, .node = -1
	};
	uint8_t bytes[PAGE];
	phys_addr_t phys = 0;

	assert_ok(s->p->pages_alloc(s->p, &req, &phys));
	memset(bytes, fill, sizeof(bytes));
	assert_ok(sim_machine_poke(s->rig->machine, phys, bytes, sizeof(bytes)));
	return phys;
}

static void give_page(struct subject *s, phys_addr_t phys)
{
	s->p->pages_free(s->p, phys, PAGE);
}

static uint8_t byte_at(struct subject *s, phys_addr_t phys)
{
	uint8_t byte;

	assert_ok(sim_machine_peek(s->rig->machine, phys, &byte, 1));
	return byte;
}

/* One byte by the device. */
static bool dev_read(struct subject *s, dma_addr_t addr, uint8_t *byte)
{
	return sim_bus_dma(sim_machine_bus(s->rig->machine), SID, addr, false, byte, 1, NULL) == 0;
}

static bool dev_write(struct subject *s, dma_addr_t addr, uint8_t byte)
{
	return sim_bus_dma(sim_machine_bus(s->rig->machine), SID, addr, true, &byte, 1, NULL) == 0;
}

static bool reads(struct subject *s, dma_addr_t addr, uint8_t want)
{
	uint8_t byte;

	return dev_read(s, addr, &byte) && byte == want;
}

static bool create(struct subject *s)
{
	const struct dma_device_desc desc = { .name = "subject",
					      .coherent = !s->noncoherent,
					      .iommu = s->rig->iommu,
					      .requester = SID,
					      .deferred = s->deferred };

	if (dma_device_create(s->p, &desc, &s->dev) != 0)
		return false;
	dma_set_max_seg_size(s->dev, UINT32_MAX);
	return true;
}

static void destroy(struct subject *s)
{
	dma_device_destroy(s->dev);
	s->dev = NULL;
}

static dma_addr_t map(struct subject *s, phys_addr_t phys)
{
	return dma_map_phys(s->dev, phys, PAGE, DMA_BIDIRECTIONAL, DMA_ATTR_SKIP_CPU_SYNC);
}

static void unmap(struct subject *s, dma_addr_t addr)
{
	dma_unmap_phys(s->dev, addr, PAGE, DMA_BIDIRECTIONAL, DMA_ATTR_SKIP_CPU_SYNC);
}

/* A page is mapped, used, unmapped. */
static const char *unmapped_page(struct subject *s)
{
	phys_addr_t phys = take_page(s, 0x11);
	const char *wrong = NULL;
	dma_addr_t addr;
	uint8_t byte;

	addr = create(s) ? map(s, phys) : DMA_MAPPING_ERROR;
	if (addr == DMA_MAPPING_ERROR || !reads(s, addr, 0x11))
		wrong = "the device cannot use its mapping";
	if (addr != DMA_MAPPING_ERROR)
		unmap(s, addr);
	if (wrong == NULL && dev_read(s, addr, &byte))
		wrong = "the device still reads an unmapped page";
	give_page(s, phys);
	return wrong;
}

/* The same with a list, whose pages lie anywhere. */
static const char *unmapped_list(struct subject *s)
{
	struct scatterlist list[MANY];
	const char *wrong = NULL;
	dma_addr_t addr = 0;
	uint8_t byte;

	sg_init_table(list, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		sg_set_phys(&list[i], take_page(s, (uint8_t)(0x40 + i)), PAGE);
	assert_true(create(s));
	assert_int_equal(dma_map_sg(s->dev, list, MANY, DMA_BIDIRECTIONAL), 1);
	addr = sg_dma_address(list);
	for (uint32_t i = 0; i < MANY; i++) {
		if (!reads(s, addr + i * PAGE, (uint8_t)(0x40 + i)))
			wrong = "the device cannot use its mapping";
	}
	dma_unmap_sg(s->dev, list, MANY, DMA_BIDIRECTIONAL);
	for (uint32_t i = 0; wrong == NULL && i < MANY; i++) {
		if (dev_read(s, addr + i * PAGE, &byte))
			wrong = "the device still reads an unmapped page of the list";
	}
	for (uint32_t i = 0; i < MANY; i++)
		give_page(s, list[i].phys);
	return wrong;
}

/* The IOVA of one page is used for another one. */
static const char *reused_iova(struct subject *s)
{
	phys_addr_t old = take_page(s, 1), new = take_page(s, 2);
	dma_addr_t first = 0, addr = 0;
	const char *wrong = NULL;
	bool again = false;

	if (!create(s))
		return "no device";
	for (uint32_t i = 0; wrong == NULL && i < ROUNDS; i++) {
		phys_addr_t phys = i % 2 == 0 ? old : new;

		addr = map(s, phys);
		again |= i != 0 && addr == first;
		first = i == 0 ? addr : first;
		if (!dev_write(s, addr, (uint8_t)i))
			wrong = "the device cannot use its mapping";
		else if (byte_at(s, phys) != (uint8_t)i)
			wrong = "a write went into a page that was given back";
		unmap(s, addr);
	}
	if (wrong == NULL && !again)
		wrong = "no IOVA was ever used again";
	give_page(s, old);
	give_page(s, new);
	return wrong;
}

/* All tables of an address space are given back, and their memory holds other things. */
static const char *reused_tables(struct subject *s)
{
	phys_addr_t page = take_page(s, 0x21), taken[64];
	const char *wrong = NULL;
	dma_addr_t addr;

	addr = create(s) ? map(s, page) : DMA_MAPPING_ERROR;
	if (addr == DMA_MAPPING_ERROR || !reads(s, addr, 0x21))
		wrong = "the device cannot use its mapping";
	else
		unmap(s, addr);
	dma_trim(s->dev);
	for (uint32_t i = 0; i < 64; i++)
		taken[i] = take_page(s, 0);
	for (uint32_t i = 0; wrong == NULL && i < 8; i++) {
		addr = map(s, page);
		if (!reads(s, addr, 0x21))
			wrong = "the device walks tables that were given back";
		unmap(s, addr);
	}
	for (uint32_t i = 0; i < 64; i++)
		give_page(s, taken[i]);
	give_page(s, page);
	return wrong;
}

/* The device tried before it was known, and is known then. */
static const char *attached_device(struct subject *s)
{
	phys_addr_t page = take_page(s, 0x31);
	const char *wrong = NULL;
	dma_addr_t addr;
	uint8_t byte;

	if (dev_read(s, 0x1000, &byte))
		wrong = "a device that nobody knows can read";
	addr = create(s) ? map(s, page) : DMA_MAPPING_ERROR;
	if (addr == DMA_MAPPING_ERROR)
		wrong = "the device cannot be attached";
	else if (wrong == NULL && !reads(s, addr, 0x31))
		wrong = "the device is still blocked";
	if (addr != DMA_MAPPING_ERROR)
		unmap(s, addr);
	give_page(s, page);
	return wrong;
}

/* The device is forgotten while a mapping lives. */
static const char *destroyed_device(struct subject *s)
{
	phys_addr_t page = take_page(s, 0x41);
	struct dma_device *dev;
	const char *wrong = NULL;
	dma_addr_t addr;
	uint8_t byte;

	addr = create(s) ? map(s, page) : DMA_MAPPING_ERROR;
	if (addr == DMA_MAPPING_ERROR || !reads(s, addr, 0x41))
		wrong = "the device cannot use its mapping";
	dev = s->dev;
	destroy(s);
	if (wrong == NULL && dev_read(s, addr, &byte))
		wrong = "a device that is gone still reads";
	(void)dma_device_quiesced(dev);
	give_page(s, page);
	return wrong;
}

/*
 * Devices come and go, each with tables, a context and an address space id of its own. Five
 * pages: whoever gets the id of one that is gone, of 252, gets another page.
 */
static const char *device_after_device(struct subject *s)
{
	const char *wrong = NULL;
	phys_addr_t pages[5];

	for (uint8_t i = 0; i < 5; i++)
		pages[i] = take_page(s, i);
	for (uint32_t i = 0; wrong == NULL && i < DEVICES; i++) {
		dma_addr_t addr;

		assert_true(create(s));
		addr = map(s, pages[i % 5]);
		if (!reads(s, addr, (uint8_t)(i % 5)))
			wrong = "the device uses what another one left behind";
		unmap(s, addr);
		destroy(s);
	}
	for (uint8_t i = 0; i < 5; i++)
		give_page(s, pages[i]);
	return wrong;
}

/* A refused access is reported as it was. */
static const char *reported_fault(struct subject *s)
{
	struct dma_fault fault;
	const char *wrong = NULL;

	if (!create(s))
		return "no device";
	for (uint64_t i = 0; wrong == NULL && i < 20; i++) {
		uint64_t iova = 0x7000000 + i * 0x11000;

		if (dev_write(s, iova, 1))
			wrong = "a write to nowhere succeeds";
		else if (dma_fault_poll(s->rig->iommu, &fault) != 1)
			wrong = "a refused access is not reported";
		else if (fault.requester != SID || fault.iova != iova || !fault.write ||
			 fault.reason != DMA_FAULT_TRANSLATION)
			wrong = "the fault record is wrong";
	}
	return wrong;
}

/* Ordinary cached memory goes to the device and comes back. */
static const char *cached_memory(struct subject *s)
{
	uint8_t *mem = sim_machine_kmalloc(s->rig->machine, PAGE, 64);
	const char *wrong = NULL;

	assert_non_null(mem);
	if (!create(s))
		wrong = "no device";
	for (uint32_t i = 1; wrong == NULL && i < 9; i++) {
		dma_addr_t addr;

		memset(mem, (int)i, PAGE);
		addr = dma_map_single(s->dev, mem, PAGE, DMA_TO_DEVICE);
		if (!reads(s, addr + 77, (uint8_t)i))
			wrong = "the device reads what was there before";
		dma_unmap_single(s->dev, addr, PAGE, DMA_TO_DEVICE);
		addr = dma_map_single(s->dev, mem, PAGE, DMA_FROM_DEVICE);
		/* A cache line may be fetched again at any time; a stray store makes it dirty. */
		mem[77] = 0xee;
		if (!dev_write(s, addr + 77, (uint8_t)(i + 0x60)))
			wrong = "the device cannot write";
		dma_unmap_single(s->dev, addr, PAGE, DMA_FROM_DEVICE);
		if (wrong == NULL && mem[77] != i + 0x60)
			wrong = "the CPU reads what was there before the device wrote";
	}
	sim_machine_kfree(s->rig->machine, mem);
	return wrong;
}

/* What the core calls: an invalidation is held back until a few more were asked for. */
static struct {
	struct gather gather[LATE_BY];
	struct dma_iommu_dom *dom[LATE_BY];
	uint32_t nr;
} late;

static int spoilt_tlb_sync(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom,
			   const struct gather *gather)
{
	uint32_t i = late.nr % LATE_BY;
	int err = 0;

	if (!planted_is(PLANTED_LATE))
		return dma_smmuv3_driver.tlb_sync(hw, dom, gather);
	if (late.nr++ >= LATE_BY)
		err = dma_smmuv3_driver.tlb_sync(hw, late.dom[i], &late.gather[i]);
	late.gather[i] = *gather;
	late.dom[i] = dom;
	return err;
}

static int spoilt_tlb_sync_all(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	return planted_is(PLANTED_NO_SYNC_ALL) ? 0 : dma_smmuv3_driver.tlb_sync_all(hw, dom);
}

static int spoilt_attach(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom, uint32_t requester)
{
	if (dom->type == DMA_DOMAIN_BLOCKED && planted_is(PLANTED_NO_BLOCK))
		return 0;
	return dma_smmuv3_driver.attach(hw, dom, requester);
}

static struct dma_iommu_driver spoilt_driver;

static const char *run(scenario_fn scenario, const struct video_rig_opts *opts, enum planted what)
{
	struct sim_requester req = { .sid = SID, .addr_bits = 32, .snoop = !opts->noncoherent,
				     .name = "subject" };
	struct video_rig_opts with_driver = *opts;
	struct subject s = { .deferred = opts->deferred, .noncoherent = opts->noncoherent };
	const char *wrong;

	spoilt_driver = dma_smmuv3_driver;
	spoilt_driver.tlb_sync = spoilt_tlb_sync;
	spoilt_driver.tlb_sync_all = spoilt_tlb_sync_all;
	spoilt_driver.attach = spoilt_attach;
	with_driver.driver = &spoilt_driver;
	with_driver.smmu = true;
	late.nr = 0;
	planted_now = PLANTED_NOTHING;
	s.rig = video_rig_open(&with_driver);
	s.p = s.rig->p;
	assert_ok(sim_bus_add_requester(sim_machine_bus(s.rig->machine), &req));
	planted_now = what;
	planted_hits = 0;
	wrong = scenario(&s);
	if (sim_smmuv3_findings(sim_machine_smmu(s.rig->machine)) != 0 && wrong == NULL)
		wrong = "the SMMU found something";
	planted_now = PLANTED_NOTHING;
	destroy(&s);
	if (what == PLANTED_NOTHING)
		video_rig_close(s.rig);
	else
		video_rig_abandon(s.rig);
	return wrong;
}

/* The unspoilt copy passes, the spoilt one does not. */
static void expect_noticed(enum planted what, scenario_fn scenario,
			   const struct video_rig_opts *opts)
{
	const char *wrong = run(scenario, opts, PLANTED_NOTHING);

	if (wrong != NULL)
		fail_msg("nothing planted, but %s", wrong);
	wrong = run(scenario, opts, what);
	if (planted_hits == 0)
		fail_msg("the mistake was never made");
	if (wrong == NULL)
		fail_msg("made %u times, not noticed", planted_hits);
	/* What noticed it, for the log. */
	printf("# %s\n", wrong);
}

#define NOTICED(sentence, what, scenario, ...)                                                     \
	TEST(sentence)                                                                             \
	{                                                                                          \
		expect_noticed(what, scenario,                                                     \
			       &(const struct video_rig_opts){ .seed = 6, __VA_ARGS__ });          \
	}

/* The SMMU driver: what is invalidated. */
NOTICED(no_invalidation_of_a_page_is_noticed, PLANTED_NO_TLBI, unmapped_page, 0)
NOTICED(no_invalidation_of_a_list_is_noticed, PLANTED_NO_TLBI, unmapped_list, 0)
NOTICED(no_invalidation_before_reuse_is_noticed, PLANTED_NO_TLBI, reused_iova, 0)
NOTICED(an_invalidation_of_the_first_granule_only_is_noticed, PLANTED_ONE_GRANULE, unmapped_list, 0)
NOTICED(the_first_of_many_invalidations_only_is_noticed, PLANTED_FIRST_ONLY, unmapped_list,
	.no_range = true)
NOTICED(an_invalidation_of_another_asid_is_noticed, PLANTED_OTHER_ASID, unmapped_page, 0)
NOTICED(leaves_invalidated_where_a_table_went_is_noticed, PLANTED_LEAVES_ONLY, reused_tables, 0)
NOTICED(an_asid_given_back_without_invalidation_is_noticed, PLANTED_NO_TLBI_ASID,
	device_after_device, .deferred = true, .few_asids = true)
NOTICED(a_deferred_flush_without_invalidation_is_noticed, PLANTED_NO_TLBI_ASID, reused_iova,
	.deferred = true)

/* The SMMU driver: in which order, and who waits. */
NOTICED(no_wait_for_a_page_is_noticed, PLANTED_NO_SYNC, unmapped_page, .lazy = true)
NOTICED(no_wait_for_a_list_is_noticed, PLANTED_NO_SYNC, unmapped_list, .lazy = true)
NOTICED(no_wait_for_a_configuration_is_noticed, PLANTED_NO_SYNC, attached_device, .lazy = true)
NOTICED(a_wait_before_the_invalidation_is_noticed, PLANTED_SYNC_FIRST, unmapped_page, .lazy = true)
NOTICED(a_wait_before_the_invalidation_of_a_list_is_noticed, PLANTED_SYNC_FIRST, unmapped_list,
	.lazy = true)
NOTICED(iova_given_back_before_the_invalidation_is_noticed, PLANTED_LATE, reused_iova, 0)
NOTICED(tables_given_back_before_the_invalidation_is_noticed, PLANTED_LATE, reused_tables, 0)

/* The SMMU driver: configuration. */
NOTICED(an_attach_without_invalidation_is_noticed, PLANTED_NO_CFGI_STE, attached_device,
	.lazy = true)
NOTICED(a_detach_without_invalidation_is_noticed, PLANTED_NO_CFGI_STE, destroyed_device, 0)
NOTICED(a_context_without_invalidation_is_noticed, PLANTED_NO_CFGI, device_after_device, 0)

/* The core's side. */
NOTICED(a_flush_that_does_nothing_is_noticed, PLANTED_NO_SYNC_ALL, reused_iova, .deferred = true)
NOTICED(a_device_that_is_not_blocked_when_it_goes_is_noticed, PLANTED_NO_BLOCK, destroyed_device, 0)

/* Where nothing snoops: each kind of memory that the SMMU or the device reads or writes. */
NOTICED(no_clean_of_stream_table_entries_is_noticed, PLANTED_NO_CLEAN_STE, attached_device,
	.noncoherent = true, .no_evict = true)
NOTICED(no_clean_of_context_descriptors_is_noticed, PLANTED_NO_CLEAN_CD, attached_device,
	.noncoherent = true, .no_evict = true)
NOTICED(no_clean_of_commands_is_noticed, PLANTED_NO_CLEAN_COMMAND, attached_device,
	.noncoherent = true, .no_evict = true)
NOTICED(no_invalidation_of_events_is_noticed, PLANTED_NO_INV_EVENT, reported_fault,
	.noncoherent = true, .no_evict = true)
NOTICED(no_clean_of_page_table_entries_is_noticed, PLANTED_NO_CLEAN_PTE, unmapped_page,
	.noncoherent = true, .no_evict = true)
NOTICED(no_clean_of_page_table_entries_of_a_list_is_noticed, PLANTED_NO_CLEAN_PTE, unmapped_list,
	.noncoherent_walk = true, .no_evict = true)
NOTICED(no_clean_of_data_is_noticed, PLANTED_NO_CLEAN_DATA, cached_memory, .noncoherent = true,
	.no_evict = true)
NOTICED(no_invalidation_of_data_is_noticed, PLANTED_NO_INV_DATA, cached_memory, .noncoherent = true,
	.no_evict = true)
NOTICED(data_written_back_instead_of_dropped_is_noticed, PLANTED_CLEAN_FOR_INV, cached_memory,
	.noncoherent = true, .no_evict = true)
