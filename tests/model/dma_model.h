/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model test of the DMA API: seeded random calls on the simulated machine, against a flat
 * oracle. The oracle knows three things and no algorithm of the library: which granule of which
 * device shows which memory with which right, what every byte of memory should hold, and which
 * rule each argument breaks. Everything a call returns, and everything a device does
 * afterwards, is compared with it.
 *
 * dma_model.c runs and counts; _oracle.c holds the oracle; _mem.c the buffers; the others make the
 * calls of one family each. One thread, no lock; everything follows from the seed.
 */
#ifndef TESTS_MODEL_DMA_MODEL_H
#define TESTS_MODEL_DMA_MODEL_H

#include <dmamap/dma-mapping.h>
#include <dmamap/iommu-driver.h>

#include "core/slot.h"
#include "platform/sim/sim_platform.h"
#include "sim/rng.h"
#include "sim/smmuv3.h"
#include "tests/support/check.h"

#define MODEL_MAX_DEVS 6u
#define MODEL_MAX_BUFS 40u
#define MODEL_MAX_MAPS 96u
#define MODEL_MAX_PIECES 24u
#define MODEL_MAX_MMAPS 4u
#define MODEL_MAX_STALE 64u
#define MODEL_PEER_BASE 0x0b000000ull /* registers of another device, for peer to peer */
#define MODEL_PEER_LEN 0x40000ull
/* A reserved region inside the smallest apertures. */
#define MODEL_RESV_START (20 * model.granule)
#define MODEL_RESV_LEN (4 * model.granule)
#define MODEL_SMALL_LAST DMA_BIT_MASK(28) /* apertures whose exhaustion is predicted */

#define MODEL_FNS(X)                                                                               \
	X(map_phys)                                                                                \
	X(unmap_phys)                                                                              \
	X(map_page)                                                                                \
	X(unmap_page)                                                                              \
	X(map_single)                                                                              \
	X(unmap_single)                                                                            \
	X(map_resource)                                                                            \
	X(unmap_resource)                                                                          \
	X(mapping_error)                                                                           \
	X(map_sg)                                                                                  \
	X(unmap_sg)                                                                                \
	X(map_sgtable)                                                                             \
	X(unmap_sgtable)                                                                           \
	X(map_user)                                                                                \
	X(unmap_user)                                                                              \
	X(sync_single_for_cpu)                                                                     \
	X(sync_single_for_device)                                                                  \
	X(sync_sg_for_cpu)                                                                         \
	X(sync_sg_for_device)                                                                      \
	X(sync_user_for_cpu)                                                                       \
	X(sync_user_for_device)                                                                    \
	X(alloc)                                                                                   \
	X(free)                                                                                    \
	X(mmap)                                                                                    \
	X(get_sgtable)                                                                             \
	X(set_mask)                                                                                \
	X(set_coherent_mask)                                                                       \
	X(set_mask_and_coherent)                                                                   \
	X(poll)                                                                                    \
	X(trim)                                                                                    \
	X(set_deferred)                                                                            \
	X(limits)

#define MODEL_FN_ENUM(name) FN_##name,
enum model_fn { MODEL_FNS(MODEL_FN_ENUM) NR_FNS };

enum model_table {
	TABLE_DIRECT,
	TABLE_DIRECT_NC,
	TABLE_IOMMU,
	TABLE_IOMMU_NC,
	TABLE_USER,
	NR_TABLES
};

/* Rules as a set: a call may break several, and reports one. */
#define R(rule) (1ull << DMA_RULE_##rule)
#define MODEL_MAYBE (1ull << 63) /* the call may break them, or succeed */

/**
 * struct model_dev - a device
 * @dev: it
 * @name: for messages
 * @table: ops table, the column of the count
 * @sid: requester id
 * @coherent: it snoops
 * @translated: behind the IOMMU
 * @ranges: it has windows
 * @deferred: unmaps are queued
 * @dom: its domain, @translated only
 * @own: unmanaged domain of the user's table
 * @mask: streaming mask
 * @cmask: mask of allocations
 * @max_seg: longest segment
 * @boundary: segment boundary
 * @next_iova: where the user's table looks for IOVA next
 * @nr_live: mappings and buffers
 * @keys: open addressing: granule number + 1, 0: free
 * @vals: phys of the granule | 1 if writable, by the same index
 * @owners: mapping that put it there
 * @nr_keys: used
 * @nr_pending: of those, what was unmapped and may be reachable until the flush
 * @small: bit per granule up to MODEL_SMALL_LAST: mapped or reserved
 * @tail_bits: the same for granules behind ranges that may have been rounded up
 * @tails: by how many ranges
 * @stale: numbers of granules that were unmapped lately, a ring
 * @nr_stale: ever put there
 */
struct model_dev {
	struct dma_device *dev;
	const char *name;
	enum model_table table;
	uint32_t sid;
	bool coherent;
	bool translated;
	bool ranges;
	bool deferred;
	struct dma_domain *dom;
	struct dma_domain *own;
	uint64_t mask;
	uint64_t cmask;
	uint32_t max_seg;
	uint64_t boundary;
	uint64_t next_iova;
	uint32_t nr_live;
	uint64_t *keys;
	uint64_t *vals;
	uint32_t *owners;
	uint32_t nr_keys;
	uint64_t *small;
	uint64_t *tail_bits;
	uint8_t *tails;
	uint32_t nr_pending;
	uint64_t stale[MODEL_MAX_STALE];
	uint32_t nr_stale;
};

enum model_buf_kind { BUF_NONE, BUF_KMEM, BUF_USER, BUF_PFN, BUF_MMIO, BUF_PEER_USER, BUF_ALLOC };

/**
 * struct model_buf - memory that can be mapped
 * @kind: whose it is
 * @len: bytes
 * @runs: its memory, in order
 * @nr_runs: their number
 * @cpu: CPU address of the first byte; NULL: none
 * @as: address space, of user memory
 * @uaddr: user address
 * @read_only: the program may not write it
 * @nr_maps: live mappings
 * @snooped: of devices that snoop (all or none of them)
 * @busy: mapping that lent part of it to the CPU; NULL: none
 * @coherent: both sides may touch it at any time
 * @unmapped_as: user addresses where it was mapped by dma_mmap_attrs(), 0: free
 * @mmap_off: which part
 * @mmap_len: how much
 */
struct model_buf {
	enum model_buf_kind kind;
	uint64_t len;
	struct dma_phys_run *runs;
	uint32_t nr_runs;
	uint8_t *cpu;
	struct dma_as *as;
	uint64_t uaddr;
	bool read_only;
	uint32_t nr_maps;
	bool snooped;
	struct model_map *busy;
	bool coherent;
	uint64_t mmap_uaddr[MODEL_MAX_MMAPS];
	uint64_t mmap_off[MODEL_MAX_MMAPS];
	uint64_t mmap_len[MODEL_MAX_MMAPS];
};

struct model_piece {
	struct model_buf *buf;
	uint64_t off;
	uint64_t len;
};

/**
 * struct model_map - one live mapping, or allocation
 * @d: device; NULL: free entry
 * @fn: the call that made it
 * @dir: direction
 * @attrs: attributes
 * @dma: first DMA address
 * @len: bytes
 * @span: bytes of IOVA from @dma to the end of the last segment
 * @pieces: memory, in order
 * @nr_pieces: their number
 * @sgt: list (map_sg, map_sgtable); entries ours
 * @count: DMA segments of the list
 * @user: user mapping
 * @raw: memory of nobody: contents are not known
 * @cookie: what dma_alloc_attrs() returned
 * @asked: bytes asked for
 * @cpu_off: part that the CPU owns
 * @cpu_len: its length, 0: none
 */
struct model_map {
	struct model_dev *d;
	enum model_fn fn;
	enum dma_data_direction dir;
	unsigned long attrs;
	dma_addr_t dma;
	uint64_t len;
	uint64_t span;
	struct model_piece pieces[MODEL_MAX_PIECES];
	uint32_t nr_pieces;
	struct sg_table sgt;
	uint32_t count;
	struct dma_user_map *user;
	bool raw;
	void *cookie;
	size_t asked;
	uint64_t cpu_off;
	uint64_t cpu_len;
};

struct model_opt {
	uint32_t granule_lg2;
	bool noncoherent;
};

/**
 * struct model - everything
 * @rng: of the test's choices
 * @seed: of this machine
 * @step: since it was opened
 * @mem: what each byte of RAM holds, when owner and rules agree; flat
 * @peer: the same for the registers of the other device; @peer_regs: what they do hold
 * @asked: calls by function and table; @good: of those, successful ones
 * @nr_errors: failure records of this context before the call
 */
struct model {
	struct model_opt opt;
	struct sim_rng rng;
	uint64_t seed;
	uint64_t step;
	struct sim_machine *machine;
	struct dma_platform *p;
	struct sim_bus *bus;
	struct dma_iommu *iommu;
	uint64_t page;
	uint64_t granule;
	uint64_t line;
	uint64_t ram_base;
	uint64_t ram_bytes;
	uint64_t max_block;
	bool no_token;
	struct dma_as *as;
	uint8_t *mem;
	uint8_t *peer;
	uint8_t *peer_regs;
	uint8_t *scratch;
	struct model_dev devs[MODEL_MAX_DEVS];
	uint32_t nr_devs;
	struct model_buf bufs[MODEL_MAX_BUFS];
	struct model_map maps[MODEL_MAX_MAPS];
	uint64_t asked[NR_FNS][NR_TABLES];
	uint64_t good[NR_FNS][NR_TABLES];
	uint64_t dma_bytes;
	uint64_t dma_faults;
	uint32_t nr_errors;
};

#define MODEL_SCRATCH_BYTES ((size_t)4 << 20)

extern struct model model;

/* dma_model.c */
void model_run(const struct model_opt *opts, uint32_t nr_opts, uint64_t nr_seeds, uint64_t nr_steps,
	       uint64_t min_calls);
_Noreturn void model_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define model_check(c, ...) ((c) ? (void)0 : model_fail(CHECK_HERE, __VA_ARGS__))
/* A line for the message of a failure; the last ones are kept. */
void model_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

uint64_t model_below(uint64_t limit);
bool model_chance(uint32_t percent);

/* Around each call. */
void model_asks(struct model_dev *d, enum model_fn fn);
/* It must have succeeded: nothing was recorded. */
void model_ok(struct model_dev *d, enum model_fn fn);
/* What it broke in the end, if that was open. */
uint64_t model_settle(uint64_t rules, bool failed);
/* It must have failed: one of @rules was recorded for this device, with @err if that is not 0. */
void model_refused(struct model_dev *d, enum model_fn fn, uint64_t rules, int err);
/* Fails, with the newest record explained. */
_Noreturn void model_surprise(const char *what, enum model_fn fn, uint64_t rules);
const char *model_fn_name(enum model_fn fn);

/* dma_model_machine.c */
void model_machine_open(void);
void model_machine_close(void);

/* dma_model_oracle.c */
void oracle_dev_init(struct model_dev *d);
void oracle_dev_fini(struct model_dev *d);
/* [@dma, @dma + @len) shows [@phys ...): nothing else may be there. */
void oracle_map(struct model_dev *d, uint32_t owner, dma_addr_t dma, phys_addr_t phys, uint64_t len,
		bool writable);
/* Everything of @owner between these addresses is gone. @deferred: only after a flush. */
void oracle_unmap(struct model_dev *d, uint32_t owner, dma_addr_t dma, uint64_t len, bool deferred);
/* What an allocation of [@dma, @dma + @len) may take beyond it is used, or free again. */
void oracle_round(struct model_dev *d, dma_addr_t dma, uint64_t len, bool used);
/* The flush happened: what was unmapped is out of reach. */
void oracle_flushed(struct model_dev *d);
/* What the device reaches there, and how many bytes on; false: it faults. */
bool oracle_access(struct model_dev *d, dma_addr_t dma, bool write, phys_addr_t *phys,
		   uint64_t *len);
bool oracle_is_mapped(struct model_dev *d, dma_addr_t dma);
/* It was unmapped, and its flush may not be done. */
bool oracle_is_pending(struct model_dev *d, dma_addr_t dma);
/*
 * Is there a hole for @nr granules below @last, aligned, off the boundary (0: none)? Rule no_iova
 * if not, and MODEL_MAYBE if that depends on what was rounded up.
 */
uint64_t oracle_iova_rules(const struct model_dev *d, uint64_t nr, uint64_t last, uint64_t align,
			   uint64_t boundary);
/* What the byte at @phys should hold; NULL: not memory. */
uint8_t *oracle_mem(phys_addr_t phys, uint64_t *len);

/* The device works. Predicted by the oracle, compared, and written into it. */
void model_dev_read(struct model_dev *d, dma_addr_t dma, uint64_t len, bool contents);
void model_dev_write(struct model_dev *d, dma_addr_t dma, uint64_t len);
/* One access of a byte, wherever; faults are expected where the oracle says so. */
void model_dev_probe(struct model_dev *d, dma_addr_t dma, bool write);
void model_probe_stale(struct model_dev *d);
void model_no_faults(void);

/* dma_model_mem.c */
struct model_buf *model_buf_any(const struct model_dev *d, uint64_t kinds);
struct model_buf *model_buf_new(enum model_buf_kind kind);
void model_buf_free(struct model_buf *b);
void model_bufs_churn(void);
/* Memory of [off, off + *len): one run, *len is cut. */
phys_addr_t model_buf_phys(const struct model_buf *b, uint64_t off, uint64_t *len);
void model_cpu_write(struct model_buf *b, uint64_t off, uint64_t len);
void model_cpu_check(struct model_buf *b, uint64_t off, uint64_t len);
/* May a device of this kind get it (again)? */
bool model_buf_mappable(const struct model_buf *b, const struct model_dev *d);

/* Mappings in general. */
struct model_map *model_map_new(struct model_dev *d, enum model_fn fn);
/* A live one of the device that @fn made; NULL: none. FN NR_FNS: any but allocations. */
struct model_map *model_map_any(const struct model_dev *d, enum model_fn fn);
uint32_t model_map_id(const struct model_map *m);
/* Into the oracle: memory and DMA segments side by side. */
void model_map_commit(struct model_map *m);
/* Out of it; then the CPU looks at what the device wrote. */
void model_map_drop(struct model_map *m);
/* The device works on it: reads, writes, misdirected writes. */
void model_map_touch(struct model_map *m);
/* The @i-th DMA segment; false: no more. */
bool model_map_seg(const struct model_map *m, uint32_t i, dma_addr_t *dma, uint64_t *len);
/* CPU side of [off, off + len) of a mapping. */
void model_map_cpu(struct model_map *m, uint64_t off, uint64_t len, bool write);
/* The CPU may be given part of it; it may be unmapped. */
bool model_map_free_of_others(const struct model_map *m);

enum dma_data_direction model_dir(void);
/* Bytes of a mapping within @most. */
uint64_t model_size(uint64_t most);
unsigned long model_hints(void);

bool model_refuses_attrs(const struct model_dev *d, unsigned long attrs);
/* Rules that a range breaks. */
uint64_t model_range_rules(const struct model_dev *d, phys_addr_t phys, uint64_t size,
			   enum dma_data_direction dir, unsigned long attrs);
/* The same without the IOVA, for one entry of a list. */
uint64_t model_entry_rules(const struct model_dev *d, phys_addr_t phys, uint64_t size,
			   enum dma_data_direction dir, unsigned long attrs);
/* DMA address without IOMMU; false: in no window. */
bool model_direct_addr(const struct model_dev *d, phys_addr_t phys, uint64_t size,
		       dma_addr_t *addr);
/* Phys behind a DMA address of a device without IOMMU; false: nothing. */
bool model_direct_phys(const struct model_dev *d, dma_addr_t addr, phys_addr_t *phys,
		       uint64_t *len);

/* The families; each does one call of @fn, good or bad. */
void model_call_map(struct model_dev *d, enum model_fn fn);
void model_call_unmap(struct model_dev *d, enum model_fn fn);
void model_call_map_sg(struct model_dev *d, enum model_fn fn);
void model_call_unmap_sg(struct model_dev *d, enum model_fn fn);
void model_call_map_user(struct model_dev *d);
void model_call_unmap_user(struct model_dev *d);
void model_call_sync(struct model_dev *d, enum model_fn fn);
void model_call_alloc(struct model_dev *d);
void model_call_free(struct model_dev *d);
void model_call_mmap(struct model_dev *d);
void model_call_get_sgtable(struct model_dev *d);
void model_call_set_mask(struct model_dev *d, enum model_fn fn);
void model_call_limits(struct model_dev *d);
void model_call_house(struct model_dev *d, enum model_fn fn);

/* Unmap @m with the right call. */
void model_unmap(struct model_map *m);
void model_unmap_list(struct model_map *m);
void model_unmap_user(struct model_map *m);
void model_free(struct model_map *m);
/* The CPU gives back what it has of a mapping. */
void model_give_back(struct model_map *m);
/* The same by address; @skip: it takes all of it before the unmap. */
void model_sync_before_unmap(struct model_map *m, bool skip);
/* The duty of a map with SKIP_CPU_SYNC. */
void model_sync_after_map(struct model_map *m);
/* Everything of a device. */
void model_unmap_all(struct model_dev *d);
/*
 * Rules that a list breaks; and its DMA segments after a map that returned @count, against the
 * merge rule.
 */
uint64_t model_sg_rules(struct model_dev *d, struct scatterlist *sgl, uint32_t nents,
			enum dma_data_direction dir, unsigned long attrs);
void model_sg_check(struct model_dev *d, struct scatterlist *sgl, uint32_t nents, uint32_t count);

/* dma_model_table.c: the ops table that the user registers */
extern const struct dma_map_ops model_ops_coherent;
extern const struct dma_map_ops model_ops_noncoherent;

#endif
