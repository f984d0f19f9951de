/* SPDX-License-Identifier: BSD-2-Clause */
/* The scripted SMMUv3; see smmuv3_fake.h. Numbers are written out again, from IHI0070 6.2 and 4. */
#include "tests/support/smmuv3_fake.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"

enum {
	IDR0 = 0x0,
	IDR1 = 0x4,
	IDR3 = 0xc,
	IDR5 = 0x14,
	AIDR = 0x1c,
	CR0 = 0x20,
	CR0ACK = 0x24,
	CR1 = 0x28,
	CR2 = 0x2c,
	GBPA = 0x44,
	IRQ_CTRL = 0x50,
	IRQ_CTRLACK = 0x54,
	GERROR = 0x60,
	GERRORN = 0x64,
	STRTAB_BASE = 0x80,
	STRTAB_BASE_CFG = 0x88,
	CMDQ_BASE = 0x90,
	CMDQ_PROD = 0x98,
	CMDQ_CONS = 0x9c,
	EVENTQ_BASE = 0xa0,
	EVENTQ_PROD = 0x100a8,
	EVENTQ_CONS = 0x100ac,
};

#define EN_SMMU 1u
#define EN_EVENTQ 4u
#define EN_CMDQ 8u
#define BASE_ADDR 0x000fffffffffffe0ull

static struct smmuv3_fake *fake_of(struct dma_platform *p)
{
	return (struct smmuv3_fake *)(void *)p;
}

static void breach(struct smmuv3_fake *f, const char *what)
{
	f->nr_bad++;
	f->bad = what;
}

static bool is_coherent(const struct smmuv3_fake *f)
{
	return (f->idr0 & 0x10) != 0;
}

/* Where the device sees @phys. */
static uint8_t *view(struct smmuv3_fake *f, phys_addr_t phys, size_t len)
{
	uint64_t off = phys - f->host.opt.ram_base;

	if (phys < f->host.opt.ram_base || off + len > f->host.opt.ram_bytes)
		fail_msg("the device accesses 0x%" PRIx64, (uint64_t)phys);
	return is_coherent(f) ? (uint8_t *)host_platform_ram(&f->host, phys) : f->device_view + off;
}

static uint64_t load_le(const uint8_t *at)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | at[i];
	return v;
}

static void store_le(uint8_t *at, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

uint64_t fake_load(struct smmuv3_fake *f, phys_addr_t phys)
{
	return load_le(view(f, phys, 8));
}

static void cache_clean(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	struct smmuv3_fake *f = fake_of(p);

	pthread_mutex_lock(&f->lock);
	memcpy(f->device_view + (phys - f->host.opt.ram_base), host_platform_ram(&f->host, phys),
	       (size_t)len);
	atomic_fetch_add(&f->host.nr_cleans, 1);
	pthread_mutex_unlock(&f->lock);
}

static void cache_inv(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	struct smmuv3_fake *f = fake_of(p);

	memcpy(host_platform_ram(&f->host, phys), f->device_view + (phys - f->host.opt.ram_base),
	       (size_t)len);
	atomic_fetch_add(&f->host.nr_invs, 1);
}

static int (*host_pages_alloc)(struct dma_platform *p, const struct dma_pages_req *req,
			       phys_addr_t *phys);

static int pages_alloc(struct dma_platform *p, const struct dma_pages_req *req, phys_addr_t *phys)
{
	struct smmuv3_fake *f = fake_of(p);
	int err = host_pages_alloc(p, req, phys);

	if (err == 0)
		memset(f->device_view + (*phys - f->host.opt.ram_base),
		       (req->flags & DMA_PAGES_ZERO) != 0 ? 0 : 0xa5, (size_t)req->len);
	return err;
}

/* A command that this SMMU has and understands, IHI0070 4.1 */
static bool is_legal(const struct smmuv3_fake *f, uint64_t word0, uint64_t word1)
{
	uint32_t op = word0 & 0xff;

	switch (op) {
	case 0x03: /* CFGI_STE */
	case 0x06: /* CFGI_CD_ALL */
		return (word0 >> 32) < (UINT64_C(1) << (f->idr1 & 0x3f));
	case 0x04:
	case 0x11:
	case 0x30:
		return true;
	case 0x12: /* TLBI_NH_VA: a range of one granule needs a level hint, 4.4.1.1 */
		return (word1 & 0xc00) == 0 || (word0 & 0x1f1f000) != 0 || (word1 & 0x300) != 0;
	case 0x20:
		return (f->idr0 & 0x200) != 0;
	case 0x46:
		return (word0 & 0x3000) == 0 || (word0 & 0x3000) == 0x2000;
	default:
		return false;
	}
}

static void command_error(struct smmuv3_fake *f, uint32_t reason)
{
	f->cmdq_cons = (f->cmdq_cons & 0xfffffu) | reason << 24;
	if (((f->gerror ^ f->gerrorn) & 1) == 0)
		f->gerror ^= 1;
}

static void execute(struct smmuv3_fake *f, uint64_t word0, uint64_t word1)
{
	if (f->on_cmd != NULL)
		f->on_cmd(f, word0, word1);
	f->cmds[f->nr_cmds++ % FAKE_MAX_LOG] = (struct fake_cmd){ word0, word1 };
}

/* Consume up to @max commands; stops at an error until it is acknowledged. */
static void consume(struct smmuv3_fake *f, uint32_t max)
{
	uint32_t lg2 = (uint32_t)(f->cmdq_base & 0x1f);
	uint32_t mask = (2u << lg2) - 1;

	while (max-- != 0 && !f->stuck && (f->cr0ack & EN_CMDQ) != 0 &&
	       ((f->gerror ^ f->gerrorn) & 1) == 0 && ((f->cmdq_prod ^ f->cmdq_cons) & mask) != 0) {
		uint32_t idx = f->cmdq_cons & (mask >> 1);
		phys_addr_t at = (f->cmdq_base & BASE_ADDR) + (uint64_t)idx * 16;
		uint64_t word0 = fake_load(f, at), word1 = fake_load(f, at + 8);

		if (f->abort != 0) {
			f->abort--;
			command_error(f, 2);
		} else if (f->ill != 0 || (word0 & 0xff) == f->ill_cmd ||
			   !is_legal(f, word0, word1)) {
			f->ill -= f->ill != 0;
			command_error(f, 1);
		} else {
			execute(f, word0, word1);
			f->cmdq_cons = (f->cmdq_cons & 0x7f000000) | ((f->cmdq_cons + 1) & mask);
		}
	}
}

static void write_prod(struct smmuv3_fake *f, uint32_t value)
{
	uint32_t mask = (2u << (f->cmdq_base & 0x1f)) - 1;

	if ((f->cr0 & EN_CMDQ) == 0) {
		if (value != 0)
			breach(f, "CMDQ_PROD moved while the queue is off");
		f->cmdq_prod = 0;
		return;
	}
	if (((value - f->cmdq_cons) & mask) > (mask >> 1) + 1)
		breach(f, "CMDQ_PROD runs over CONS");
	if (((value - f->cmdq_prod) & mask) > (mask >> 1) + 1)
		breach(f, "CMDQ_PROD goes backwards");
	f->cmdq_prod = value & mask;
	if (f->lazy == 0)
		consume(f, UINT32_MAX);
}

static void write_cr0(struct smmuv3_fake *f, uint32_t value)
{
	if ((value & EN_SMMU) != 0 && (f->cr0 & EN_SMMU) == 0 &&
	    (f->strtab_base == 0 || (f->cr0ack & EN_CMDQ) == 0 || f->nr_cmds == 0))
		breach(f, "SMMUEN before tables, queue and invalidation");
	f->cr0 = value;
	f->cr0ack = (f->cr0ack & f->no_ack) | (value & ~f->no_ack);
}

static void base_write(struct smmuv3_fake *f, uint64_t *base, uint64_t value, uint32_t enable)
{
	if ((f->cr0 & enable) != 0)
		breach(f, "base of a live queue or table written");
	*base = value;
}

static void write_register(struct smmuv3_fake *f, uint32_t reg, uint64_t value)
{
	uint32_t low = (uint32_t)value;

	switch (reg) {
	case CR0:
		write_cr0(f, low);
		break;
	case CR1:
		f->cr1 = low;
		break;
	case CR2:
		f->cr2 = low;
		break;
	case GBPA:
		if ((low & 0x80000000u) == 0)
			breach(f, "GBPA written without Update");
		if (f->has_gbpa)
			f->gbpa = low & 0x7fffffffu;
		break;
	case IRQ_CTRL:
		f->irq_ctrl = low;
		break;
	case GERRORN:
		if (((low ^ f->gerrorn) & ~(f->gerror ^ f->gerrorn)) != 0)
			breach(f, "GERRORN toggled for an inactive error");
		f->gerrorn = low;
		if (f->lazy == 0)
			consume(f, UINT32_MAX);
		break;
	case STRTAB_BASE:
		base_write(f, &f->strtab_base, value, EN_SMMU);
		break;
	case STRTAB_BASE_CFG:
		f->strtab_cfg = low;
		break;
	case CMDQ_BASE:
		base_write(f, &f->cmdq_base, value, EN_CMDQ);
		break;
	case CMDQ_PROD:
		write_prod(f, low);
		break;
	case CMDQ_CONS:
		f->cmdq_cons = low;
		break;
	case EVENTQ_BASE:
		base_write(f, &f->evtq_base, value, EN_EVENTQ);
		break;
	case EVENTQ_PROD:
		f->evtq_prod = low;
		break;
	case EVENTQ_CONS:
		f->evtq_cons = low;
		break;
	default:
		breach(f, "write to a register that does not exist or is read-only");
	}
}

static void mmio_write(struct dma_platform *p, uint64_t addr, uint32_t width, uint64_t value)
{
	struct smmuv3_fake *f = fake_of(p);
	uint32_t reg = (uint32_t)(addr - FAKE_MMIO);
	bool wide = reg == STRTAB_BASE || reg == CMDQ_BASE || reg == EVENTQ_BASE;

	pthread_mutex_lock(&f->lock);
	if (width != (wide ? 8u : 4u))
		breach(f, "register accessed with the wrong width");
	f->writes[f->nr_writes++ % FAKE_MAX_LOG] = (struct fake_write){ reg, value };
	write_register(f, reg, value);
	pthread_mutex_unlock(&f->lock);
}

static uint32_t read_register(struct smmuv3_fake *f, uint32_t reg)
{
	switch (reg) {
	case IDR0:
		return f->idr0;
	case IDR1:
		return f->idr1;
	case IDR3:
		return f->idr3;
	case IDR5:
		return f->idr5;
	case AIDR:
		return f->aidr;
	case CR0:
		return f->cr0;
	case CR0ACK:
		return f->cr0ack;
	case GBPA:
		return f->gbpa;
	case IRQ_CTRLACK:
		return f->irq_ctrl;
	case GERROR:
		return f->gerror;
	case GERRORN:
		return f->gerrorn;
	case CMDQ_CONS:
		return f->cmdq_cons;
	case EVENTQ_PROD:
		return f->evtq_prod;
	default:
		breach(f, "read of a register that does not exist");
		return 0;
	}
}

static uint64_t mmio_read(struct dma_platform *p, uint64_t addr, uint32_t width)
{
	struct smmuv3_fake *f = fake_of(p);
	uint32_t value;

	pthread_mutex_lock(&f->lock);
	if (width != 4)
		breach(f, "register accessed with the wrong width");
	value = read_register(f, (uint32_t)(addr - FAKE_MMIO));
	pthread_mutex_unlock(&f->lock);
	return value;
}

static uint64_t now_ns(struct dma_platform *p)
{
	return atomic_load(&fake_of(p)->now_ns);
}

static void relax(struct dma_platform *p)
{
	struct smmuv3_fake *f = fake_of(p);

	pthread_mutex_lock(&f->lock);
	consume(f, f->lazy);
	pthread_mutex_unlock(&f->lock);
	atomic_fetch_add(&f->now_ns, f->relax_ns);
	sched_yield();
}

void fake_init(struct smmuv3_fake *f)
{
	struct dma_platform *p;

	memset(f, 0, sizeof(*f));
	p = host_platform_init(&f->host, NULL);
	pthread_mutex_init(&f->lock, NULL);
	f->device_view = calloc(1, (size_t)f->host.opt.ram_bytes);
	assert_non_null(f->device_view);
	host_pages_alloc = p->pages_alloc;
	p->pages_alloc = pages_alloc;
	p->cache_clean = cache_clean;
	p->cache_inv = cache_inv;
	p->mmio_read = mmio_read;
	p->mmio_write = mmio_write;
	p->now_ns = now_ns;
	p->relax = relax;
	f->idr0 = 0x0d40101a;
	f->idr1 = 0x02730010;
	f->idr3 = 0x1404;
	f->idr5 = 0x74;
	f->aidr = 1;
	f->has_gbpa = true;
	f->ill_cmd = UINT32_MAX;
	f->relax_ns = 1000000;
	f->hw.platform = p;
	f->hw.desc.mmio_base = FAKE_MMIO;
}

void fake_fini(struct smmuv3_fake *f)
{
	if (f->nr_bad != 0)
		fail_msg("%u breaches, the last: %s", f->nr_bad, f->bad);
	free(f->device_view);
	pthread_mutex_destroy(&f->lock);
	host_platform_fini(&f->host);
}

void fake_probe(struct smmuv3_fake *f)
{
	assert_ok(dma_smmuv3_driver.probe(&f->hw));
}

void fake_forget(struct smmuv3_fake *f)
{
	f->nr_writes = 0;
	f->nr_cmds = 0;
}

bool fake_ste(struct smmuv3_fake *f, uint32_t sid, uint64_t ste[8])
{
	phys_addr_t base = f->strtab_base & 0x000fffffffffffc0ull;
	uint32_t split = f->strtab_cfg >> 6 & 0x1f;

	if (sid >> (f->strtab_cfg & 0x3f) != 0)
		return false;
	if ((f->strtab_cfg >> 16 & 3) == 1) {
		uint64_t l1 = fake_load(f, base + (uint64_t)(sid >> split) * 8);
		uint32_t span = l1 & 0x1f, idx = sid & ((1u << split) - 1);

		if (span == 0 || idx >> (span - 1) != 0)
			return false;
		base = l1 & 0x000fffffffffffc0ull;
		sid = idx;
	}
	for (uint32_t i = 0; i < 8; i++)
		ste[i] = fake_load(f, base + (uint64_t)sid * 64 + i * 8);
	return true;
}

bool fake_event(struct smmuv3_fake *f, const uint64_t record[4])
{
	uint32_t mask = (2u << (f->evtq_base & 0x1f)) - 1;
	phys_addr_t at = (f->evtq_base & BASE_ADDR) + (uint64_t)(f->evtq_prod & (mask >> 1)) * 32;

	assert_true((f->cr0 & EN_EVENTQ) != 0);
	if (((f->evtq_prod - f->evtq_cons) & mask) == (mask >> 1) + 1) {
		if (((f->evtq_prod ^ f->evtq_cons) & 0x80000000u) == 0)
			f->evtq_prod ^= 0x80000000u;
		return false;
	}
	for (uint32_t i = 0; i < 4; i++)
		store_le(view(f, at + i * 8, 8), record[i]);
	f->evtq_prod = (f->evtq_prod & 0x80000000u) | ((f->evtq_prod + 1) & mask);
	return true;
}

void fake_raise(struct smmuv3_fake *f, uint32_t gerror)
{
	f->gerror ^= gerror & ~(f->gerror ^ f->gerrorn);
}

struct dma_iommu_dom fake_domain(enum dma_pt_fmt fmt, phys_addr_t root)
{
	return (struct dma_iommu_dom){
		.type = DMA_DOMAIN_DMA,
		.pt = {
			.fmt = fmt,
			.granule_lg2 = fmt == DMA_PT_VMSAV8_4K	  ? 12
				       : fmt == DMA_PT_VMSAV8_16K ? 14
								  : 16,
			.ias_bits = 48,
			.oas_bits = 44,
			.root = root,
		},
	};
}
