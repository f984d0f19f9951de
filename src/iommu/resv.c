/* SPDX-License-Identifier: BSD-2-Clause */
/* Reserved regions (resv.h): check, round to granules, sort, merge. Lock: the caller's. */
#include "iommu/resv.h"

#include "core/bits.h"

static int refuse(struct dma_error *why, enum dma_rule rule, uint64_t found, uint64_t need)
{
	why->err = -EINVAL;
	why->rule = rule;
	why->found = found;
	why->need = need;
	return -EINVAL;
}

/*
 * Keep-out regions grow to whole granules. Direct ones may not: the device would reach more than
 * the firmware said.
 */
static int round_out(const struct dma_resv_region *in, uint32_t granule_lg2,
		     struct dma_resv_region *out, struct dma_error *why)
{
	uint64_t mask = ((uint64_t)1 << granule_lg2) - 1;
	uint64_t last;

	why->addr = in->start;
	why->len = in->len;
	if (in->len == 0)
		return refuse(why, DMA_RULE_LENGTH, 0, 1);
	if (!bits_range_last(in->start, in->len, &last))
		return refuse(why, DMA_RULE_OVERFLOW, in->len, ~in->start);
	*out = *in;
	if (((in->start | in->len) & mask) == 0)
		return 0;
	if (resv_is_direct(in))
		return refuse(why, DMA_RULE_GRANULE, (uint64_t)1 << bits_ctz(in->start | in->len),
			      mask + 1);
	out->start = in->start & ~mask;
	out->len = (last | mask) - out->start + 1;
	/* All 64 bits: one granule less, so that the length can be said. */
	if (out->len == 0)
		out->len = ~mask;
	return 0;
}

static void insert_sorted(struct resv_list *list, const struct dma_resv_region *r)
{
	uint32_t i = list->nr++;

	for (; i > 0 && list->regions[i - 1].start > r->start; i--)
		list->regions[i] = list->regions[i - 1];
	list->regions[i] = *r;
}

/* In place; regions of one kind that touch or overlap become one. */
static int merge_sorted(struct resv_list *list, struct dma_error *why)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < list->nr; i++) {
		struct dma_resv_region *a = &list->regions[n];
		const struct dma_resv_region *b = &list->regions[i];
		bool same = a->type == b->type && a->prot == b->prot;

		if (b->start <= resv_last(a) && !same) {
			why->addr = b->start;
			why->len = b->len;
			return refuse(why, DMA_RULE_OVERLAP, b->start, resv_last(a) + 1);
		}
		if (same && (b->start <= resv_last(a) || b->start - 1 == resv_last(a)))
			a->len = bits_max(resv_last(a), resv_last(b)) - a->start + 1;
		else
			list->regions[++n] = *b;
	}
	if (list->nr != 0)
		list->nr = n + 1;
	return 0;
}

int resv_merge(struct dma_platform *p, const struct resv_list *base,
	       const struct dma_resv_region *add, uint32_t nr_add, uint32_t granule_lg2,
	       struct resv_list *out, struct dma_error *why)
{
	struct resv_list list = { .max = base->nr + nr_add };
	int err = 0;

	if (list.max == 0) {
		*out = list;
		return 0;
	}
	list.regions = p->meta_alloc(p, list.max * sizeof(*list.regions), _Alignof(uint64_t));
	if (list.regions == NULL) {
		why->err = -ENOMEM;
		why->rule = DMA_RULE_NO_META;
		why->need = list.max * sizeof(*list.regions);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < base->nr; i++)
		insert_sorted(&list, &base->regions[i]);
	for (uint32_t i = 0; i < nr_add && err == 0; i++) {
		struct dma_resv_region r;

		err = round_out(&add[i], granule_lg2, &r, why);
		if (err == 0)
			insert_sorted(&list, &r);
	}
	if (err == 0)
		err = merge_sorted(&list, why);
	if (err != 0) {
		resv_free(p, &list);
		return err;
	}
	*out = list;
	return 0;
}

void resv_free(struct dma_platform *p, struct resv_list *list)
{
	if (list->regions != NULL)
		p->meta_free(p, list->regions, list->max * sizeof(*list->regions));
	*list = (struct resv_list){ 0 };
}

const struct dma_resv_region *resv_find(const struct resv_list *list, uint64_t start, uint64_t last)
{
	for (uint32_t i = 0; i < list->nr; i++) {
		if (list->regions[i].start <= last && resv_last(&list->regions[i]) >= start)
			return &list->regions[i];
	}
	return NULL;
}
