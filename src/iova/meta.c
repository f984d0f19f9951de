/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metadata of the allocator; see meta.h. Lock: its own, innermost, since slots refill in parallel.
 */
#include "iova/meta.h"

#include "core/mem.h"

static size_t align_of(enum iova_meta_kind kind)
{
	return kind == IOVA_META_MAG ? IOVA_MAG_BYTES : 64;
}

static void *take(struct iova_meta *m, enum iova_meta_kind kind, size_t bytes)
{
	void *mem = m->recycled[kind];
	size_t skip;

	if (mem != NULL) {
		memcpy(&m->recycled[kind], mem, sizeof(void *));
		memset(mem, 0, bytes);
		return mem;
	}
	/* What alignment skips is lost: under 1 KiB when a magazine follows another kind. */
	skip = (size_t)(0 - (uintptr_t)m->mem) & (align_of(kind) - 1);
	if (bytes > m->left || skip > m->left - bytes)
		return NULL;
	mem = m->mem + skip;
	m->mem += skip + bytes;
	m->left -= skip + bytes;
	memset(mem, 0, bytes);
	return mem;
}

void *iova_meta_alloc(struct iova_meta *m, enum iova_meta_kind kind, size_t bytes)
{
	struct dma_platform *p = m->platform;
	void *mem = NULL;

	bytes = (bytes + 63) & ~(size_t)63;
	if (!m->fixed)
		mem = p->meta_alloc(p, bytes, align_of(kind));
	p->spin_lock(p, &m->lock);
	if (m->fixed)
		mem = take(m, kind, bytes);
	if (mem != NULL)
		m->used_bytes += bytes;
	p->spin_unlock(p, &m->lock);
	return mem;
}

void iova_meta_free(struct iova_meta *m, enum iova_meta_kind kind, void *mem, size_t bytes)
{
	struct dma_platform *p = m->platform;

	bytes = (bytes + 63) & ~(size_t)63;
	p->spin_lock(p, &m->lock);
	m->used_bytes -= bytes;
	if (m->fixed) {
		memcpy(mem, &m->recycled[kind], sizeof(void *));
		m->recycled[kind] = mem;
	}
	p->spin_unlock(p, &m->lock);
	if (!m->fixed)
		p->meta_free(p, mem, bytes);
}

uint64_t iova_meta_used(struct iova_meta *m)
{
	uint64_t bytes;

	m->platform->spin_lock(m->platform, &m->lock);
	bytes = m->used_bytes;
	m->platform->spin_unlock(m->platform, &m->lock);
	return bytes;
}
