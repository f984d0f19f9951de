/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmamap as a peer of the whole-path workloads, through the public API and the product: argument
 * checks, ops table, IOVA, page table, invalidation, IOVA back. The driver below has no hardware:
 * its invalidation is a counted no-op, as for every peer. Strict; the device snoops.
 */
#include <stdio.h>
#include <stdlib.h>

#include <dmamap/device.h>
#include <dmamap/dma-mapping.h>
#include <dmamap/iommu-driver.h>
#include <dmamap/iommu.h>
#include <dmamap/scatterlist.h>

#include "bench/workloads/wl_common.h"
#include "tests/support/host_platform.h"

#define RAM_BYTES ((uint64_t)320 << 20) /* the workloads map 256 MiB from its start */

static struct host_platform host;

struct peer_dma {
	struct dma_iommu *iommu;
	struct dma_device *dev;
	/* Counted per thread, so that the count is not what is measured. */
	struct {
		_Alignas(128) uint64_t nr_invalidations;
	} thread[2];
};

struct peer_sg {
	struct scatterlist *sgl;
	uint32_t nents;
};

static __thread unsigned cpu;

void wl_set_cpu(int c)
{
	cpu = (unsigned)c;
}

static int null_probe(struct dma_iommu_hw *hw)
{
	hw->priv = (void *)(uintptr_t)hw->desc.mmio_base;
	hw->caps = (struct dma_iommu_caps){
		.granules = 0x1000,
		.ias_bits = 48,
		.oas_bits = 48,
		.nr_domain_ids = 16,
		.nr_requesters = 16,
		.coherent_walk = true,
		.range_inval = true,
	};
	return 0;
}

static void null_remove(struct dma_iommu_hw *hw)
{
	(void)hw;
}

static int null_domain_init(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	(void)hw;
	(void)dom;
	return 0;
}

static void null_domain_fini(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	(void)hw;
	(void)dom;
}

static int null_attach(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom, uint32_t requester)
{
	(void)hw;
	(void)dom;
	(void)requester;
	return 0;
}

static int null_tlb_sync(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom,
			 const struct gather *gather)
{
	struct peer_dma *c = hw->priv;

	(void)dom;
	(void)gather;
	c->thread[cpu].nr_invalidations++;
	return 0;
}

static int null_tlb_sync_all(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	return null_tlb_sync(hw, dom, NULL);
}

static const struct dma_iommu_driver null_driver = {
	.size = sizeof(struct dma_iommu_driver),
	.name = "null",
	.probe = null_probe,
	.remove = null_remove,
	.domain_init = null_domain_init,
	.domain_fini = null_domain_fini,
	.attach = null_attach,
	.tlb_sync = null_tlb_sync,
	.tlb_sync_all = null_tlb_sync_all,
};

static void must(int err, const char *what)
{
	if (err == 0)
		return;
	fprintf(stderr, "%s: %d\n", what, err);
	exit(1);
}

static void *peer_new(void)
{
	static const struct dma_iommu_driver *const drivers[] = { &null_driver, NULL };
	struct peer_dma *c = aligned_alloc(128, sizeof(*c));
	struct dma_iommu_desc idesc = { .mmio_base = (uintptr_t)c };
	struct dma_device_desc desc = { .name = "bench", .coherent = true };

	memset(c, 0, sizeof(*c));
	must(dma_iommu_open(&host.p, drivers, &idesc, &c->iommu), "dma_iommu_open");
	desc.iommu = c->iommu;
	must(dma_device_create(&host.p, &desc, &c->dev), "dma_device_create");
	must(dma_set_mask_and_coherent(c->dev, DMA_BIT_MASK(48)), "dma_set_mask");
	dma_set_max_seg_size(c->dev, UINT32_MAX);
	return c;
}

static void peer_del(void *v)
{
	struct peer_dma *c = v;

	wl_value("dmamap", "dma.invalidations", "count",
		 (double)(c->thread[0].nr_invalidations + c->thread[1].nr_invalidations));
	dma_device_destroy(c->dev);
	must(dma_iommu_close(c->iommu), "dma_iommu_close");
	free(c);
}

static void *peer_prep(const uint64_t *pas, uint32_t nents)
{
	struct peer_sg *sg = malloc(sizeof(*sg));

	sg->sgl = aligned_alloc(64, (nents * sizeof(*sg->sgl) + 63) & ~(size_t)63);
	sg->nents = nents;
	memset(sg->sgl, 0, nents * sizeof(*sg->sgl));
	for (uint32_t i = 0; i < nents; i++) {
		sg->sgl[i].phys = pas[i];
		sg->sgl[i].length = 4096;
	}
	sg->sgl[nents - 1].flags = SG_END;
	return sg;
}

static inline uint64_t peer_map_sg(struct peer_dma *c, struct peer_sg *sg)
{
	if (dma_map_sg_attrs(c->dev, sg->sgl, (int)sg->nents, DMA_BIDIRECTIONAL, 0) == 0)
		return DMA_MAPPING_ERROR;
	return sg->sgl->dma_address;
}

#define DM(x) dmamap_##x
#define DM_PEER "dmamap"
#define DM_NEW() peer_new()
#define DM_DEL(c) peer_del(c)
#define DM_MAP1(c, pa, len)                                                                        \
	dma_map_phys(((struct peer_dma *)(c))->dev, pa, len, DMA_BIDIRECTIONAL, 0)
#define DM_UNMAP1(c, dma, len)                                                                     \
	dma_unmap_phys(((struct peer_dma *)(c))->dev, dma, len, DMA_BIDIRECTIONAL, 0)
#define DM_SG_PREP(pas, n) peer_prep(pas, n)
#define DM_MAPSG(c, sg, n) peer_map_sg(c, sg)
#define DM_UNMAPSG(c, sg, n)                                                                       \
	dma_unmap_sg_attrs(((struct peer_dma *)(c))->dev, ((struct peer_sg *)(sg))->sgl, (int)(n), \
			   DMA_BIDIRECTIONAL, 0)
#define DM_XLATE(c, dma)                                                                           \
	dma_domain_iova_to_phys(dma_device_domain(((struct peer_dma *)(c))->dev), dma)
#define DM_PA0 0x100000000ull
#include "bench/workloads/wl_dma.h"

void peers_main(int quick)
{
	struct host_options opt = { .ram_bytes = RAM_BYTES };

	host_platform_init(&host, &opt);
	host.p.inject = NULL;
	dmamap_all(quick);
	host_platform_fini(&host);
}
