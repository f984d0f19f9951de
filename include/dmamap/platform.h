/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the library runs on. A port implements one struct dma_platform; several may live in one
 * process. Everything here is a slow-path call except where a member says otherwise; the fast
 * path of map and unmap calls none of it on a cache-coherent device.
 *
 * Every function takes the platform first. Integers are bytes unless the name says otherwise.
 * A member documented as optional may be NULL.
 */
#ifndef DMAMAP_PLATFORM_H
#define DMAMAP_PLATFORM_H

#include <dmamap/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory types of a CPU mapping; the port translates them (MAIR, PAT, MPU ...). */
enum dma_memtype {
	DMA_MEM_WB,	  /* cacheable */
	DMA_MEM_WC,	  /* normal, not cached, writes may combine */
	DMA_MEM_UNCACHED, /* normal, not cached */
	DMA_MEM_DEVICE,	  /* MMIO */
};

/* What a physical address is (architecture.md, User memory). */
enum dma_phys_kind {
	DMA_PHYS_NONE,	  /* nothing there */
	DMA_PHYS_RAM,	  /* RAM this platform owns and can count */
	DMA_PHYS_UNOWNED, /* RAM that cannot be counted (a carve-out, VM_PFNMAP): still cacheable */
	DMA_PHYS_MMIO,	  /* device registers or device memory */
};

/**
 * struct dma_phys_run - one contiguous piece of memory
 * @phys: first byte
 * @len: bytes
 */
struct dma_phys_run {
	phys_addr_t phys;
	uint64_t len;
};

/**
 * struct dma_pin_run - one contiguous piece of pinned user memory
 * @phys: first byte; the first run of a pin starts inside its page where the user address does
 * @len: bytes
 * @kind: RAM, UNOWNED or MMIO
 * @token: what keeps UNOWNED memory alive; opaque, handed back at unpin
 */
struct dma_pin_run {
	phys_addr_t phys;
	uint64_t len;
	enum dma_phys_kind kind;
	uint64_t token;
};

#define DMA_PAGES_LINEAR (1u << 0) /* CPU reaches it at phys + linear_offset until freed, type WB */
#define DMA_PAGES_ZERO (1u << 1)   /* zeroed, also in the device's view */
#define DMA_PAGES_ATOMIC (1u << 2) /* must not sleep */

/**
 * struct dma_pages_req - a request for physically contiguous memory
 * @len: bytes, a multiple of the CPU page
 * @align: alignment of phys in bytes, a power of two, at least the CPU page
 * @last: highest byte address allowed, inclusive (a mask)
 * @node: memory node, or -1 for any
 * @flags: DMA_PAGES_*
 */
struct dma_pages_req {
	uint64_t len;
	uint64_t align;
	phys_addr_t last;
	int32_t node;
	uint32_t flags;
};

/* Where a failure may be injected; see dma_platform.inject. */
enum dma_inject_site {
	DMA_INJECT_META,   /* metadata allocation */
	DMA_INJECT_PAGES,  /* page allocation, table memory included */
	DMA_INJECT_CPUMAP, /* CPU or user mapping */
	DMA_INJECT_PIN,	   /* pinning user memory */
	DMA_INJECT_IOMMU,  /* any request to an IOMMU that is allowed to fail */
};

/* A lock word that lives in library structures; zero is unlocked. */
struct dma_lock {
	uint32_t word;
	uint32_t saved; /* interrupt state on bare metal */
};

enum dma_log_level { DMA_LOG_ERR, DMA_LOG_WARN, DMA_LOG_INFO, DMA_LOG_DEBUG };

/**
 * struct dma_platform - one port
 * @size: sizeof(struct dma_platform) of whoever filled it, so that it can grow
 * @name: short name, for messages
 * @page_lg2: log2 of the CPU page in bytes (12, 14, 16)
 * @cache_line: largest data cache line in bytes; 1 when all memory is coherent with all devices
 * @phys_is_name: phys only names memory (Linux): it is never compared with a DMA mask
 * @linear_offset: what to add to phys, modulo the pointer size, to reach DMA_PAGES_LINEAR memory
 *
 * @meta_alloc: zeroed metadata, aligned to @align (a power of two, at most 4096); NULL if none.
 *	May be smaller than a page. Does not sleep
 * @meta_free: gives it back; @bytes as at alloc
 * @pages_alloc: physically contiguous memory; -ENOMEM
 * @pages_free: gives back a block of @pages_alloc whole
 * @phys_kind: what lies at @phys, and in @len how many bytes from there are of that kind
 * @ram_last: highest RAM byte (for dma_get_required_mask)
 * @phys_to_virt: CPU address of always-mapped RAM, else NULL
 * @virt_to_phys: phys of ordinary kernel memory; -EFAULT for vmalloc-like or foreign addresses
 * @cpu_map: map @runs one after the other, page-aligned, at one contiguous CPU address; NULL if no
 *	space
 * @cpu_unmap: undo it; @len the sum of the runs
 * @as_map: map @runs into address space @as at page-aligned @uaddr; -EEXIST, -ENOMEM
 * @as_unmap: undo it
 * @pin: pin user memory for DMA, long term. Fills up to @max_runs, stores their number and the
 *	bytes they cover; -EFAULT not mapped or not writable, -ENOMEM locked-memory limit,
 *	-EOPNOTSUPP not pinnable. On error nothing stays pinned
 * @unpin: gives back runs of @pin; @dirty: the device may have written
 * @cache_clean: write dirty lines of the range to memory. Fast path on non-coherent devices
 * @cache_inv: drop lines of the range. Fast path on non-coherent devices
 * @cache_clean_inv: both
 * @mmio_read: read a register of @width bytes (1, 2, 4, 8); 8 is two 4 where the CPU needs it
 * @mmio_write: write it
 * @spin_lock: interrupt-safe spin lock
 * @spin_unlock: release it
 * @mutex_lock: sleeping lock
 * @mutex_unlock: release it
 * @sync_slots: return only when every other context passed a full barrier since the call
 *	(membarrier, inter-processor interrupt; nothing on one CPU)
 * @now_ns: monotonic time
 * @relax: called in polling loops; may advance simulated hardware; may yield
 * @log: one line without newline
 * @inject: optional; true makes the request at hand fail as if memory had run out. Asked by the
 *	platform's own allocators and by the library before every IOMMU request
 */
struct dma_platform {
	size_t size;
	const char *name;
	uint32_t page_lg2;
	uint32_t cache_line;
	bool phys_is_name;
	uint64_t linear_offset;

	void *(*meta_alloc)(struct dma_platform *p, size_t bytes, size_t align);
	void (*meta_free)(struct dma_platform *p, void *mem, size_t bytes);
	int (*pages_alloc)(struct dma_platform *p, const struct dma_pages_req *req,
			   phys_addr_t *phys);
	void (*pages_free)(struct dma_platform *p, phys_addr_t phys, uint64_t len);
	enum dma_phys_kind (*phys_kind)(struct dma_platform *p, phys_addr_t phys, uint64_t *len);
	phys_addr_t (*ram_last)(struct dma_platform *p);
	void *(*phys_to_virt)(struct dma_platform *p, phys_addr_t phys);
	int (*virt_to_phys)(struct dma_platform *p, const void *virt, phys_addr_t *phys);

	void *(*cpu_map)(struct dma_platform *p, const struct dma_phys_run *runs, uint32_t nr_runs,
			 enum dma_memtype memtype);
	void (*cpu_unmap)(struct dma_platform *p, void *virt, uint64_t len);
	int (*as_map)(struct dma_platform *p, struct dma_as *as, uint64_t uaddr,
		      const struct dma_phys_run *runs, uint32_t nr_runs, enum dma_memtype memtype);
	void (*as_unmap)(struct dma_platform *p, struct dma_as *as, uint64_t uaddr, uint64_t len);
	int (*pin)(struct dma_platform *p, struct dma_as *as, uint64_t uaddr, uint64_t len,
		   bool write, struct dma_pin_run *runs, uint32_t max_runs, uint32_t *nr_runs,
		   uint64_t *covered);
	void (*unpin)(struct dma_platform *p, struct dma_as *as, const struct dma_pin_run *runs,
		      uint32_t nr_runs, bool dirty);

	void (*cache_clean)(struct dma_platform *p, phys_addr_t phys, uint64_t len);
	void (*cache_inv)(struct dma_platform *p, phys_addr_t phys, uint64_t len);
	void (*cache_clean_inv)(struct dma_platform *p, phys_addr_t phys, uint64_t len);

	uint64_t (*mmio_read)(struct dma_platform *p, uint64_t addr, uint32_t width);
	void (*mmio_write)(struct dma_platform *p, uint64_t addr, uint32_t width, uint64_t value);

	void (*spin_lock)(struct dma_platform *p, struct dma_lock *lock);
	void (*spin_unlock)(struct dma_platform *p, struct dma_lock *lock);
	void (*mutex_lock)(struct dma_platform *p, struct dma_lock *lock);
	void (*mutex_unlock)(struct dma_platform *p, struct dma_lock *lock);
	void (*sync_slots)(struct dma_platform *p);

	uint64_t (*now_ns)(struct dma_platform *p);
	void (*relax)(struct dma_platform *p);
	void (*log)(struct dma_platform *p, enum dma_log_level level, const char *line);
	bool (*inject)(struct dma_platform *p, enum dma_inject_site site);
};

#ifdef __cplusplus
}
#endif
#endif
