/* SPDX-License-Identifier: BSD-2-Clause */
/* A device and its surroundings for tests of the DMA API; see dma_fixture.h. */
#include "tests/support/dma_fixture.h"

#include "core/slot.h"

static struct dma_fixture *fixture_of(struct dma_platform *p)
{
	return (struct dma_fixture *)(void *)p;
}

static void record_cache(struct dma_platform *p, enum fixture_cache what, phys_addr_t phys,
			 uint64_t len)
{
	struct dma_fixture *f = fixture_of(p);

	if (f->nr_cache_ops == FIXTURE_CACHE_OPS)
		fail_msg("more cache operations than the fixture keeps");
	f->cache_ops[f->nr_cache_ops++] = (struct fixture_cache_op){ what, phys, len };
}

static void cache_clean(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	record_cache(p, FIXTURE_CLEAN, phys, len);
}

static void cache_inv(struct dma_platform *p, phys_addr_t phys, uint64_t len)
{
	record_cache(p, FIXTURE_INV, phys, len);
}

static enum dma_phys_kind (*host_phys_kind)(struct dma_platform *p, phys_addr_t phys,
					    uint64_t *len);
static void *(*host_cpu_map)(struct dma_platform *p, const struct dma_phys_run *runs,
			     uint32_t nr_runs, enum dma_memtype memtype);

static enum dma_phys_kind phys_kind(struct dma_platform *p, phys_addr_t phys, uint64_t *len)
{
	struct dma_fixture *f = fixture_of(p);
	enum dma_phys_kind kind = host_phys_kind(p, phys, len);

	if (kind != DMA_PHYS_RAM || f->unowned_bytes == 0)
		return kind;
	if (phys - f->unowned_phys < f->unowned_bytes) {
		*len = f->unowned_bytes - (phys - f->unowned_phys);
		return DMA_PHYS_UNOWNED;
	}
	if (phys<f->unowned_phys && * len> f->unowned_phys - phys)
		*len = f->unowned_phys - phys;
	return kind;
}

static void *cpu_map(struct dma_platform *p, const struct dma_phys_run *runs, uint32_t nr_runs,
		     enum dma_memtype memtype)
{
	fixture_of(p)->memtype = memtype;
	return host_cpu_map(p, runs, nr_runs, memtype);
}

static int as_map(struct dma_platform *p, struct dma_as *as, uint64_t uaddr,
		  const struct dma_phys_run *runs, uint32_t nr_runs, enum dma_memtype memtype)
{
	if (p->inject(p, DMA_INJECT_CPUMAP))
		return -ENOMEM;
	if (as->nr_mapped != 0 && as->mapped_at == uaddr)
		return -EEXIST;
	for (uint32_t i = 0; i < nr_runs; i++)
		as->nr_mapped += (uint32_t)(runs[i].len >> p->page_lg2);
	as->mapped_at = uaddr;
	as->mapped = runs[0];
	as->memtype = memtype;
	return 0;
}

static int pin_page(struct dma_as *as, uint64_t page_idx, bool write, struct dma_pin_run *run)
{
	if (page_idx >= as->nr_pages || (write && as->not_writable))
		return -EFAULT;
	if (as->pages[page_idx].kind == DMA_PHYS_UNOWNED && as->no_token)
		return -EOPNOTSUPP;
	if (as->limit != 0 && as->nr_pinned >= as->limit)
		return -ENOMEM;
	run->phys = as->pages[page_idx].phys;
	run->kind = as->pages[page_idx].kind;
	run->token = run->kind == DMA_PHYS_UNOWNED ? 77 + page_idx : 0;
	as->nr_pinned++;
	return 0;
}

/* Seven runs at most in one call, so that callers have to come back for the rest. */
static int pin(struct dma_platform *p, struct dma_as *as, uint64_t uaddr, uint64_t len, bool write,
	       struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs, uint64_t *covered)
{
	uint64_t page = (uint64_t)1 << p->page_lg2;
	uint64_t done = 0;
	uint32_t n = 0;

	if (p->inject(p, DMA_INJECT_PIN))
		return -ENOMEM;
	while (done < len && n < max_runs && n < 7) {
		uint64_t at = uaddr + done - as->start;
		uint64_t into = at & (page - 1);
		int err = pin_page(as, at >> p->page_lg2, write, &runs[n]);

		if (err != 0) {
			as->nr_pinned -= n;
			return err;
		}
		runs[n].phys += into;
		runs[n].len = page - into < len - done ? page - into : len - done;
		done += runs[n++].len;
	}
	*nr_runs = n;
	*covered = done;
	return 0;
}

static void unpin(struct dma_platform *p, struct dma_as *as, const struct dma_pin_run *runs,
		  uint32_t nr_runs, bool dirty)
{
	(void)p;
	for (uint32_t i = 0; i < nr_runs; i++) {
		if (runs[i].kind == DMA_PHYS_UNOWNED && runs[i].token < 77)
			fail_msg("unpin without the token of pin");
	}
	as->nr_pinned -= nr_runs;
	if (dirty)
		as->nr_dirty += nr_runs;
}

void dma_fixture_init(struct dma_fixture *f, const struct host_options *opt,
		      const struct dma_device_desc *desc)
{
	static const struct dma_device_desc coherent = { .name = "dev", .coherent = true };

	*f = (struct dma_fixture){ .nr_cache_ops = 0 };
	f->p = host_platform_init(&f->h, opt);
	host_phys_kind = f->p->phys_kind;
	host_cpu_map = f->p->cpu_map;
	f->p->phys_kind = phys_kind;
	f->p->cpu_map = cpu_map;
	f->p->as_map = as_map;
	f->p->pin = pin;
	f->p->unpin = unpin;
	f->p->cache_clean = cache_clean;
	f->p->cache_inv = cache_inv;
	assert_ok(dma_device_create(f->p, desc != NULL ? desc : &coherent, &f->dev));
	/* Failures of a device that had this address before are not this one's. */
	dma_fixture_forget(f);
}

void dma_fixture_fini(struct dma_fixture *f)
{
	dma_device_destroy(f->dev);
	host_platform_fini(&f->h);
}

void dma_fixture_expect(struct dma_fixture *f, enum dma_op op, int err, enum dma_rule rule,
			uint64_t found, uint64_t need)
{
	struct dma_error e;

	assert_ok(dma_last_error(f->dev, &e));
	assert_string_equal(dma_rule_name(e.rule), dma_rule_name(rule));
	assert_string_equal(dma_op_name(e.op), dma_op_name(op));
	assert_int_equal(e.err, err);
	assert_u64_equal(e.found, found);
	assert_u64_equal(e.need, need);
	dma_fixture_forget(f);
}

void dma_fixture_expect_none(struct dma_fixture *f)
{
	struct dma_error e;

	if (dma_last_error(f->dev, &e) == 0)
		assert_string_equal(dma_rule_name(e.rule), "none");
}

/* Records that say nothing push the others out. */
void dma_fixture_forget(struct dma_fixture *f)
{
	const struct dma_error nothing = { .dev = f->dev };

	for (int i = 0; i < DMA_NR_ERRORS; i++)
		dma_error_record(NULL, &nothing);
}

void dma_fixture_expect_cache(struct dma_fixture *f, uint32_t i, enum fixture_cache what,
			      phys_addr_t phys, uint64_t len)
{
	assert_true(i < f->nr_cache_ops);
	assert_int_equal(f->cache_ops[i].what, what);
	assert_u64_equal(f->cache_ops[i].phys, phys);
	assert_u64_equal(f->cache_ops[i].len, len);
}

void dma_fixture_as(struct dma_fixture *f, struct dma_as *as, uint32_t nr_pages)
{
	uint64_t page = (uint64_t)1 << f->p->page_lg2;

	*as = (struct dma_as){ .start = 0x10000000, .nr_pages = nr_pages };
	for (uint32_t i = 0; i < nr_pages; i++) {
		as->pages[i].phys = f->h.opt.ram_base + page * (2 * (i ^ 1));
		as->pages[i].kind = DMA_PHYS_RAM;
	}
}
