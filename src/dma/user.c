/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory for devices (SEED-19): pin, describe by runs, map as a list. A user program's buffer
 * is scattered and starts anywhere in a page; behind an IOMMU it becomes one range of DMA
 * addresses.
 *
 * Lock: none; a mapping belongs to its caller.
 */
#include "core/slot.h"
#include "dma/dma.h"

#define BLOCK_BYTES 4096u
#define BLOCK_RUNS ((BLOCK_BYTES - 16) / sizeof(struct dma_pin_run))

/**
 * struct pin_block - pinned runs, as the platform told them: unpin wants them back like that
 * @next: the block after it
 * @nr_runs: runs in use
 */
struct pin_block {
	struct pin_block *next;
	uint32_t nr_runs;
	_Alignas(8) struct dma_pin_run runs[BLOCK_RUNS];
};

_Static_assert(sizeof(struct pin_block) <= BLOCK_BYTES, "a block fits in 4 KiB");

/**
 * struct dma_user_map - one mapping
 * @dev: device
 * @as: address space
 * @uaddr: first byte
 * @len: bytes
 * @dir: direction
 * @attrs: attributes
 * @pins: what is pinned, in order
 * @list: its memory; @list.sgt.nents DMA segments
 */
struct dma_user_map {
	struct dma_device *dev;
	struct dma_as *as;
	uint64_t uaddr;
	uint64_t len;
	enum dma_data_direction dir;
	unsigned long attrs;
	struct pin_block *pins;
	struct sg_append_table list;
};

static int user_fail(const struct dma_user_map *m, int err, enum dma_rule rule, uint64_t found,
		     uint64_t need)
{
	struct dma_error e = { .dev = m->dev,
			       .op = DMA_OP_MAP_USER,
			       .err = err,
			       .rule = rule,
			       .addr = m->uaddr,
			       .len = m->len,
			       .dir = m->dir,
			       .attrs = m->attrs,
			       .found = found,
			       .need = need };

	return dma_fail(&e);
}

/* -EFAULT, -ENOMEM and -EOPNOTSUPP are all that pin() may say. */
static int pin_failed(const struct dma_user_map *m, int err, uint64_t done)
{
	if (err == -EFAULT)
		return user_fail(m, err, DMA_RULE_NOT_MAPPED, m->uaddr + done, 0);
	if (err == -ENOMEM)
		return user_fail(m, err, DMA_RULE_LOCKED_MEMORY, done, m->len);
	return user_fail(m, -EOPNOTSUPP, DMA_RULE_NOT_PINNABLE, m->uaddr + done, 0);
}

/* Longest entry: a segment of the device, in whole pages, so that entries can follow each other. */
static uint32_t max_entry(const struct dma_device *dev)
{
	uint32_t page = (uint32_t)1 << dev->platform->page_lg2;
	uint32_t max = (uint32_t)bits_align_down(dev->max_seg_size, page);

	return max == 0 ? page : max;
}

/* Only MMIO takes DMA_ATTR_MMIO; RAM that cannot be counted is still RAM. */
static int add_run(struct dma_user_map *m, const struct dma_pin_run *run)
{
	bool mmio = (m->attrs & DMA_ATTR_MMIO) != 0;
	bool ram = run->kind == DMA_PHYS_RAM || run->kind == DMA_PHYS_UNOWNED;

	if (mmio && run->kind != DMA_PHYS_MMIO)
		return user_fail(m, -EINVAL, DMA_RULE_IS_RAM, run->phys, 0);
	if (!mmio && !ram)
		return user_fail(m, -EINVAL, DMA_RULE_NOT_RAM, run->phys,
				 m->dev->platform->ram_last(m->dev->platform));
	if (sg_append_phys(m->dev->platform, &m->list, run->phys, run->len, max_entry(m->dev)) != 0)
		return user_fail(m, -ENOMEM, DMA_RULE_NO_META, 0, BLOCK_BYTES);
	return 0;
}

/* One block of pins, described in the list. What is pinned hangs off @m whatever is returned. */
static int pin_some(struct dma_user_map *m, struct pin_block ***tail, uint64_t *done)
{
	struct dma_platform *p = m->dev->platform;
	struct pin_block *block = p->meta_alloc(p, BLOCK_BYTES, _Alignof(struct pin_block));
	uint64_t covered = 0;
	uint32_t nr_runs = 0;
	int err;

	if (block == NULL)
		return user_fail(m, -ENOMEM, DMA_RULE_NO_META, 0, BLOCK_BYTES);
	**tail = block;
	*tail = &block->next;
	err = p->pin(p, m->as, m->uaddr + *done, m->len - *done, dma_dir_writes(m->dir),
		     block->runs, BLOCK_RUNS, &nr_runs, &covered);
	if (err == 0 && covered == 0)
		err = -EFAULT;
	if (err != 0)
		return pin_failed(m, err, *done);
	block->nr_runs = nr_runs;
	for (uint32_t i = 0; i < nr_runs; i++) {
		err = add_run(m, &block->runs[i]);
		if (err != 0)
			return err;
	}
	*done += covered;
	return 0;
}

static int pin_all(struct dma_user_map *m)
{
	struct pin_block **tail = &m->pins;
	uint64_t done = 0;
	int err = 0;

	while (err == 0 && done < m->len)
		err = pin_some(m, &tail, &done);
	return err;
}

static void release(struct dma_user_map *m, bool dirty)
{
	struct dma_platform *p = m->dev->platform;

	while (m->pins != NULL) {
		struct pin_block *block = m->pins;

		m->pins = block->next;
		if (block->nr_runs != 0)
			p->unpin(p, m->as, block->runs, block->nr_runs, dirty);
		p->meta_free(p, block, BLOCK_BYTES);
	}
	sg_free_append_table(&m->list);
	p->meta_free(p, m, sizeof(*m));
}

static int check_args(const struct dma_user_map *m)
{
	uint64_t last;

	if (m->len == 0)
		return user_fail(m, -EINVAL, DMA_RULE_LENGTH, 0, 1);
	if (!bits_range_last(m->uaddr, m->len, &last))
		return user_fail(m, -EINVAL, DMA_RULE_OVERFLOW, m->len, 0 - m->uaddr);
	return dma_check_map_args(m->dev, DMA_OP_MAP_USER, m->uaddr, m->len, m->dir, m->attrs);
}

/* The list is nothing that the caller knows: the failure names what it asked for. */
static void tell_user_range(const struct dma_user_map *m)
{
	struct dma_error e;

	if (dma_error_newest(m->dev, &e) && e.op == DMA_OP_MAP_USER) {
		e.addr = m->uaddr;
		e.len = m->len;
		dma_error_replace(&e);
	}
}

static int map_list(struct dma_user_map *m)
{
	int ret = dma_map_sg_front(m->dev, m->list.sgt.sgl, (int)m->list.sgt.orig_nents, m->dir,
				   m->attrs, DMA_ORIGIN_USER);

	if (ret > 0) {
		m->list.sgt.nents = (uint32_t)ret;
		return 0;
	}
	tell_user_range(m);
	return ret == -EINVAL || ret == -ENOMEM || ret == -EREMOTEIO ? ret : -EIO;
}

int dma_map_user(struct dma_device *dev, struct dma_as *as, uint64_t uaddr, uint64_t len,
		 enum dma_data_direction dir, unsigned long attrs, struct dma_user_map **map)
{
	const struct dma_user_map args = {
		.dev = dev, .as = as, .uaddr = uaddr, .len = len, .dir = dir, .attrs = attrs
	};
	struct dma_user_map *m;
	int err;

	err = check_args(&args);
	if (err != 0)
		return err;
	m = dev->platform->meta_alloc(dev->platform, sizeof(*m), _Alignof(struct dma_user_map));
	if (m == NULL)
		return user_fail(&args, -ENOMEM, DMA_RULE_NO_META, 0, sizeof(*m));
	*m = args;
	err = pin_all(m);
	if (err == 0)
		err = map_list(m);
	if (err != 0) {
		release(m, false);
		return err;
	}
	*map = m;
	return 0;
}

void dma_unmap_user(struct dma_user_map *map)
{
	if (map == NULL)
		return;
	dma_unmap_sg_front(map->dev, map->list.sgt.sgl, (int)map->list.sgt.orig_nents, map->dir,
			   map->attrs, DMA_ORIGIN_USER);
	release(map, dma_dir_writes(map->dir));
}

dma_addr_t dma_user_map_addr(const struct dma_user_map *map)
{
	return map->list.sgt.sgl->dma_address;
}

const struct sg_table *dma_user_map_sgtable(const struct dma_user_map *map)
{
	return &map->list.sgt;
}

void dma_sync_user_for_cpu(struct dma_user_map *map)
{
	dma_sync_sgtable_for_cpu(map->dev, &map->list.sgt, map->dir);
}

void dma_sync_user_for_device(struct dma_user_map *map)
{
	dma_sync_sgtable_for_device(map->dev, &map->list.sgt, map->dir);
}
