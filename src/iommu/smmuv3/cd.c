/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Context descriptors (IHI0070 5.4) and address space ids: what a translated domain is to the SMMU.
 * Each has one CD in a page of its own and an ASID; blocked and identity domains have neither.
 * Under smmuv3.lock. Not here: which requester uses which CD (strtab.c).
 */
#include "iommu/smmuv3/smmuv3.h"

#include "arch/barrier.h"
#include "core/endian.h"

#define IAS_BITS_MIN 25u /* T0SZ <= 39, IHI0070 5.4 */
#define IAS_BITS_MAX 48u

/* IPS and IDR5.OAS share this encoding. */
static uint32_t ips_of(uint32_t oas_bits)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48 };
	uint32_t ips = 0;

	while (ips < ARRAY_LEN(bits) - 1 && bits[ips] < oas_bits)
		ips++;
	return ips;
}

static uint32_t tg0_of(uint32_t granule_lg2)
{
	return granule_lg2 == 12 ? CD_TG0_4K : granule_lg2 == 14 ? CD_TG0_16K : CD_TG0_64K;
}

/*
 * Lower half only (EPD1). Faults are recorded and the access is aborted (R, A, not S). No access
 * flag faults. ASET: nobody but our commands invalidates this ASID.
 */
void smmuv3_cd_fill(uint64_t cd[CD_WORDS], const struct dma_iommu_pt *pt, uint32_t asid,
		    bool noncoherent)
{
	uint32_t cache = noncoherent ? CACHE_NC : CACHE_WB;

	cd[0] = CD0_T0SZ(64 - pt->ias_bits) | CD0_TG0(tg0_of(pt->granule_lg2)) | CD0_IR0(cache) |
		CD0_OR0(cache) | CD0_SH0(noncoherent ? SH_OUTER : SH_INNER) | CD0_EPD1 | CD0_V |
		CD0_IPS(ips_of(pt->oas_bits)) | CD0_AFFD | CD0_AA64 | CD0_R | CD0_A | CD0_ASET |
		CD0_ASID(asid);
	cd[1] = pt->root & CD1_TTB0;
	cd[2] = 0;
	cd[3] = SMMUV3_MAIR;
	for (uint32_t i = 4; i < CD_WORDS; i++)
		cd[i] = 0;
}

int smmuv3_asids_init(struct smmuv3 *s, uint32_t nr)
{
	struct dma_platform *p = s->platform;

	s->asids.map = p->meta_alloc(p, nr / 8, sizeof(uint32_t));
	if (s->asids.map == NULL)
		return -ENOMEM;
	s->asids.nr = nr;
	s->asids.next = 1;
	s->asids.map[0] = 1;
	return 0;
}

void smmuv3_asids_fini(struct smmuv3 *s)
{
	if (s->asids.map != NULL)
		s->platform->meta_free(s->platform, s->asids.map, s->asids.nr / 8);
	s->asids.map = NULL;
}

/* The next free id after the last one given: an id rests as long as possible. */
static int asid_alloc(struct smmuv3_asids *a, uint32_t *asid)
{
	for (uint32_t i = 0; i < a->nr; i++) {
		uint32_t id = (a->next + i) % a->nr;
		uint32_t bit = UINT32_C(1) << (id % 32);

		if ((a->map[id / 32] & bit) != 0)
			continue;
		a->map[id / 32] |= bit;
		a->next = (id + 1) % a->nr;
		*asid = id;
		return 0;
	}
	return -ENOSPC;
}

static void asid_free(struct smmuv3_asids *a, uint32_t asid)
{
	a->map[asid / 32] &= ~(UINT32_C(1) << (asid % 32));
}

static bool is_translated(const struct dma_iommu_dom *dom)
{
	return dom->type == DMA_DOMAIN_DMA || dom->type == DMA_DOMAIN_UNMANAGED;
}

static int check_pt(const struct smmuv3 *s, const struct dma_iommu_pt *pt)
{
	uint32_t granule_lg2 = pt->fmt == DMA_PT_VMSAV8_4K    ? 12
			       : pt->fmt == DMA_PT_VMSAV8_16K ? 14
			       : pt->fmt == DMA_PT_VMSAV8_64K ? 16
							      : 0;

	if (granule_lg2 == 0)
		return smmuv3_refuse(s->platform, DMA_OP_DEVICE, -EINVAL, DMA_RULE_UNSUPPORTED, 0,
				     (uint64_t)pt->fmt, DMA_PT_VMSAV8_4K);
	if (pt->granule_lg2 != granule_lg2 || (s->hw->caps.granules & BIT64(granule_lg2)) == 0)
		return smmuv3_refuse(s->platform, DMA_OP_DEVICE, -EINVAL, DMA_RULE_GRANULE, 0,
				     BIT64(granule_lg2), s->hw->caps.granules);
	if (pt->ias_bits < IAS_BITS_MIN || pt->ias_bits > IAS_BITS_MAX)
		return smmuv3_refuse(s->platform, DMA_OP_DEVICE, -EINVAL, DMA_RULE_APERTURE, 0,
				     pt->ias_bits, IAS_BITS_MAX);
	if (pt->oas_bits > s->oas_bits || (pt->root & ~CD1_TTB0) != 0)
		return smmuv3_refuse(s->platform, DMA_OP_DEVICE, -EINVAL, DMA_RULE_MASK, pt->root,
				     pt->oas_bits, s->oas_bits);
	return 0;
}

/* The CD's memory hangs off the domain as one metadata block. */
static int cd_alloc(struct smmuv3 *s, struct smmuv3_mem **cd)
{
	struct dma_platform *p = s->platform;
	struct smmuv3_mem *mem = p->meta_alloc(p, sizeof(*mem), _Alignof(struct smmuv3_mem));

	if (mem == NULL)
		return -ENOMEM;
	if (smmuv3_mem_alloc(s, CD_BYTES, mem) != 0) {
		p->meta_free(p, mem, sizeof(*mem));
		return -ENOMEM;
	}
	*cd = mem;
	return 0;
}

static void cd_free(struct smmuv3 *s, struct smmuv3_mem *cd)
{
	smmuv3_mem_free(s, cd);
	s->platform->meta_free(s->platform, cd, sizeof(*cd));
}

/* No STE points to it yet, so its words may be written in any order. */
static void cd_write(struct smmuv3 *s, const struct smmuv3_mem *mem, const uint64_t cd[CD_WORDS])
{
	for (uint32_t i = 0; i < CD_WORDS; i++)
		endian_store_le64(mem->virt + (size_t)i * 8, cd[i]);
	smmuv3_mem_clean(s, mem, 0, CD_BYTES);
	dma_wmb();
}

phys_addr_t smmuv3_cd_phys(const struct dma_iommu_dom *dom)
{
	const struct smmuv3_mem *cd = dom->priv;

	return cd->phys;
}

int smmuv3_domain_init(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	struct smmuv3 *s = hw->priv;
	struct dma_platform *p = s->platform;
	uint64_t words[CD_WORDS];
	struct smmuv3_mem *cd;
	uint32_t asid;
	int err;

	dom->priv = NULL;
	dom->id = 0;
	if (!is_translated(dom))
		return 0;
	err = check_pt(s, &dom->pt);
	if (err != 0)
		return err;
	err = cd_alloc(s, &cd);
	if (err != 0)
		return smmuv3_refuse(p, DMA_OP_DEVICE, err, DMA_RULE_NO_TABLE, 0, 0, CD_BYTES);
	p->mutex_lock(p, &s->lock);
	err = asid_alloc(&s->asids, &asid);
	p->mutex_unlock(p, &s->lock);
	if (err != 0) {
		cd_free(s, cd);
		return smmuv3_refuse(p, DMA_OP_DEVICE, err, DMA_RULE_HARDWARE, 0, s->asids.nr,
				     s->asids.nr);
	}
	smmuv3_cd_fill(words, &dom->pt, asid, s->noncoherent);
	cd_write(s, cd, words);
	dom->id = asid;
	dom->priv = cd;
	return 0;
}

void smmuv3_domain_fini(struct dma_iommu_hw *hw, struct dma_iommu_dom *dom)
{
	struct smmuv3 *s = hw->priv;
	const struct smmuv3_cmd all = smmuv3_tlb_asid_cmd(dom->id);
	struct dma_platform *p = s->platform;
	int err;

	if (dom->priv == NULL)
		return;
	err = smmuv3_cmdq_run_slow(&s->cmdq, &all, 1);
	/* An ASID whose translations may still be cached is never given out again. */
	if (err != 0) {
		(void)smmuv3_cmdq_error(s, DMA_OP_DEVICE, err);
	} else {
		p->mutex_lock(p, &s->lock);
		asid_free(&s->asids, dom->id);
		p->mutex_unlock(p, &s->lock);
	}
	cd_free(s, dom->priv);
	dom->priv = NULL;
	dom->id = 0;
}
