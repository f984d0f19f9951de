/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle: a flat map from granules of each device to memory, flat contents, and device accesses
 * that are compared with both.
 */
#include <stdlib.h>

#include "iova/iova.h"
#include "tests/model/dma_model.h"

#define NR_KEYS (1u << 16)
#define NR_SMALL ((MODEL_SMALL_LAST >> 12) + 1)
#define PENDING UINT32_MAX /* owner of what was unmapped and waits for a flush */

static uint64_t number(uint64_t addr)
{
	return addr >> model.opt.granule_lg2;
}

static void small_set(struct model_dev *d, uint64_t g, bool used)
{
	if (g > number(MODEL_SMALL_LAST))
		return;
	if (used)
		d->small[g / 64] |= 1ull << (g % 64);
	else
		d->small[g / 64] &= ~(1ull << (g % 64));
}

void oracle_dev_init(struct model_dev *d)
{
	d->keys = calloc(NR_KEYS, sizeof(*d->keys));
	d->vals = calloc(NR_KEYS, sizeof(*d->vals));
	d->owners = calloc(NR_KEYS, sizeof(*d->owners));
	d->small = calloc(NR_SMALL / 64, sizeof(*d->small));
	d->tail_bits = calloc(NR_SMALL / 64, sizeof(*d->tail_bits));
	d->tails = calloc(NR_SMALL, sizeof(*d->tails));
	assert_true(d->keys != NULL && d->vals != NULL && d->owners != NULL && d->small != NULL &&
		    d->tails != NULL && d->tail_bits != NULL);
	/* IOVA 0 and the reserved region are never handed out. */
	small_set(d, 0, true);
	for (uint64_t a = MODEL_RESV_START; a < MODEL_RESV_START + MODEL_RESV_LEN;
	     a += model.granule)
		small_set(d, number(a), true);
}

void oracle_dev_fini(struct model_dev *d)
{
	free(d->keys);
	free(d->vals);
	free(d->owners);
	free(d->small);
	free(d->tails);
	free(d->tail_bits);
}

static uint32_t slot_of(uint64_t key)
{
	return (uint32_t)(sim_mix(key) % NR_KEYS);
}

/* Where @key is, or the free place it would take. */
static uint32_t find(const struct model_dev *d, uint64_t key)
{
	uint32_t i = slot_of(key);

	while (d->keys[i] != 0 && d->keys[i] != key)
		i = (i + 1) % NR_KEYS;
	return i;
}

static void remove_at(struct model_dev *d, uint32_t hole)
{
	uint32_t i = hole;

	d->nr_keys--;
	for (;;) {
		i = (i + 1) % NR_KEYS;
		if (d->keys[i] == 0)
			break;
		/* Move it back if the hole lies between its own place and where it is. */
		if ((i - slot_of(d->keys[i])) % NR_KEYS >= (i - hole) % NR_KEYS) {
			d->keys[hole] = d->keys[i];
			d->vals[hole] = d->vals[i];
			d->owners[hole] = d->owners[i];
			hole = i;
		}
	}
	d->keys[hole] = 0;
}

static void add(struct model_dev *d, uint32_t owner, uint64_t g, phys_addr_t phys, bool writable)
{
	uint32_t i = find(d, g + 1);
	uint64_t val = phys | (writable ? 1 : 0);

	if (d->keys[i] != 0 && d->owners[i] != PENDING) {
		model_check(d->owners[i] == owner && d->vals[i] == val,
			    "%s: IOVA 0x%" PRIx64 " was handed out twice", d->name,
			    g << model.opt.granule_lg2);
		return;
	}
	model_check(d->nr_keys < NR_KEYS / 2, "the oracle is full");
	/* It was pending: that it is handed out says that the flush is done. */
	if (d->keys[i] != 0)
		d->nr_pending--;
	else
		d->nr_keys++;
	d->keys[i] = g + 1;
	d->vals[i] = val;
	d->owners[i] = owner;
	small_set(d, g, true);
}

void oracle_map(struct model_dev *d, uint32_t owner, dma_addr_t dma, phys_addr_t phys, uint64_t len,
		bool writable)
{
	uint64_t mask = model.granule - 1;

	if (!d->translated)
		return;
	model_check(((dma ^ phys) & mask) == 0,
		    "0x%" PRIx64 " does not keep the offset of 0x%" PRIx64, dma, phys);
	model_check(dma + (len - 1) >= dma, "0x%" PRIx64 " wraps", dma);
	model_check(dma + (len - 1) < MODEL_RESV_START || dma >= MODEL_RESV_START + MODEL_RESV_LEN,
		    "0x%" PRIx64 " lies in the reserved region", dma);
	for (uint64_t g = number(dma); g <= number(dma + (len - 1)); g++)
		add(d, owner, g, (phys & ~mask) + ((g - number(dma)) << model.opt.granule_lg2),
		    writable);
}

void oracle_unmap(struct model_dev *d, uint32_t owner, dma_addr_t dma, uint64_t len, bool deferred)
{
	if (!d->translated)
		return;
	for (uint64_t g = number(dma); g <= number(dma + (len - 1)); g++) {
		uint32_t i = find(d, g + 1);

		if (d->keys[i] == 0 || d->owners[i] != owner)
			continue;
		if (deferred) {
			d->owners[i] = PENDING;
			d->nr_pending++;
		} else {
			remove_at(d, i);
		}
		small_set(d, g, false);
		if (g == number(dma) || g == number(dma + (len - 1)) || model_chance(20))
			d->stale[d->nr_stale++ % MODEL_MAX_STALE] = g;
	}
}

void oracle_flushed(struct model_dev *d)
{
	for (uint32_t i = 0; i < NR_KEYS && d->nr_pending != 0; i++) {
		while (d->keys[i] != 0 && d->owners[i] == PENDING) {
			remove_at(d, i);
			d->nr_pending--;
		}
	}
}

static bool is_mapped_at(const struct model_dev *d, uint32_t i)
{
	return d->keys[i] != 0 && d->owners[i] != PENDING;
}

bool oracle_is_mapped(struct model_dev *d, dma_addr_t dma)
{
	return d->translated && is_mapped_at(d, find(d, number(dma) + 1));
}

bool oracle_is_pending(struct model_dev *d, dma_addr_t dma)
{
	uint32_t i = find(d, number(dma) + 1);

	return d->translated && d->keys[i] != 0 && d->owners[i] == PENDING;
}

bool oracle_access(struct model_dev *d, dma_addr_t dma, bool write, phys_addr_t *phys,
		   uint64_t *len)
{
	uint64_t off = dma & (model.granule - 1);
	uint32_t i;

	if (!d->translated)
		return model_direct_phys(d, dma, phys, len);
	i = find(d, number(dma) + 1);
	if (!is_mapped_at(d, i) || (write && (d->vals[i] & 1) == 0))
		return false;
	*phys = (d->vals[i] & ~1ull) + off;
	*len = model.granule - off;
	return true;
}

/*
 * A size may be rounded up to a class of the IOVA cache (iova.h), or not, where space is short:
 * what lies behind a range may be taken with it.
 */
void oracle_round(struct model_dev *d, dma_addr_t dma, uint64_t len, bool used)
{
	uint64_t first = number(dma);
	uint64_t nr = number(dma + (len - 1)) - first + 1;
	uint64_t most = nr;

	if (nr <= IOVA_CACHE_MAX_NR && d->table != TABLE_USER)
		most = iova_class_nr(iova_class((uint32_t)nr));
	for (uint64_t g = first + nr; g < first + most && g <= number(MODEL_SMALL_LAST); g++) {
		d->tails[g] = (uint8_t)(d->tails[g] + (used ? 1 : -1));
		if (d->tails[g] != 0)
			d->tail_bits[g / 64] |= 1ull << (g % 64);
		else
			d->tail_bits[g / 64] &= ~(1ull << (g % 64));
	}
}

/* First used granule of [@g, @g + @nr), or @g + @nr. @tails: count what may be taken, too. */
static uint64_t first_used(const struct model_dev *d, uint64_t g, uint64_t nr, bool tails)
{
	uint64_t end = g + nr;

	while (g < end) {
		uint64_t word = d->small[g / 64] | (tails ? d->tail_bits[g / 64] : 0);

		word >>= g % 64;

		if (word != 0) {
			g += (uint64_t)__builtin_ctzll(word);
			return g < end ? g : end;
		}
		g = (g / 64 + 1) * 64;
	}
	return end;
}

static bool has_hole(const struct model_dev *d, uint64_t nr, uint64_t last, uint64_t align,
		     uint64_t boundary, bool tails)
{
	uint64_t nr_all = number(last) + 1;
	uint64_t step = align <= model.granule ? 1 : number(align);
	uint64_t g = step;

	if (last > MODEL_SMALL_LAST)
		return true;
	if (((last + 1) & (model.granule - 1)) != 0)
		nr_all--;
	while (g + nr <= nr_all) {
		uint64_t first = g << model.opt.granule_lg2;
		uint64_t end = first + ((nr << model.opt.granule_lg2) - 1);
		uint64_t used;

		if (boundary != 0 && ((first ^ end) & ~boundary) != 0) {
			g = number((first | boundary) + 1);
			if ((((first | boundary) + 1) & (model.granule - 1)) != 0)
				g++;
		} else {
			used = first_used(d, g, nr, tails);
			if (used == g + nr)
				return true;
			g = used + 1;
		}
		g = (g + step - 1) / step * step;
	}
	return false;
}

uint64_t oracle_iova_rules(const struct model_dev *d, uint64_t nr, uint64_t last, uint64_t align,
			   uint64_t boundary)
{
	if (has_hole(d, nr, last, align, boundary, true))
		return 0;
	return R(NO_IOVA) | (has_hole(d, nr, last, align, boundary, false) ? MODEL_MAYBE : 0);
}

uint8_t *oracle_mem(phys_addr_t phys, uint64_t *len)
{
	if (phys - model.ram_base < model.ram_bytes) {
		*len = model.ram_bytes - (phys - model.ram_base);
		return model.mem + (phys - model.ram_base);
	}
	if (phys - MODEL_PEER_BASE < MODEL_PEER_LEN) {
		*len = MODEL_PEER_LEN - (phys - MODEL_PEER_BASE);
		return model.peer + (phys - MODEL_PEER_BASE);
	}
	return NULL;
}

/* What the device puts on the bus; without IOMMU the windows stand between it and memory. */
static int device_dma(struct model_dev *d, dma_addr_t dma, bool write, uint8_t *buf, uint64_t len)
{
	model.dma_bytes += len;
	if (d->translated)
		return sim_bus_dma(model.bus, d->sid, dma, write, buf, (size_t)len, NULL);
	while (len != 0) {
		phys_addr_t phys;
		uint64_t n;
		int err;

		if (!model_direct_phys(d, dma, &phys, &n))
			return -EFAULT;
		n = n < len ? n : len;
		err = sim_bus_dma(model.bus, d->sid, phys, write, buf, (size_t)n, NULL);
		if (err != 0)
			return err;
		dma += n;
		buf += n;
		len -= n;
	}
	return 0;
}

static void complain(struct model_dev *d, dma_addr_t dma, const char *what, int err)
{
	struct dma_fault f = { 0 };

	(void)dma_fault_poll(model.iommu, &f);
	model_fail(CHECK_HERE, "%s: %s of 0x%" PRIx64 " gives %d (fault at 0x%" PRIx64 ": %s)",
		   d->name, what, dma, err, f.iova, dma_fault_reason_name(f.reason));
}

static void compare(struct model_dev *d, dma_addr_t dma, const uint8_t *got, uint64_t len)
{
	while (len != 0) {
		phys_addr_t phys = 0;
		const uint8_t *want;
		uint64_t n = 0;
		uint64_t in_mem;

		model_check(oracle_access(d, dma, false, &phys, &n), "the oracle maps 0x%" PRIx64,
			    dma);
		want = oracle_mem(phys, &in_mem);
		model_check(want != NULL, "0x%" PRIx64 " is memory", phys);
		n = n < len ? n : len;
		n = n < in_mem ? n : in_mem;
		for (uint64_t i = 0; memcmp(got, want, (size_t)n) != 0; i++)
			model_check(got[i] == want[i],
				    "%s reads 0x%02x at 0x%" PRIx64 " (phys 0x%" PRIx64
				    "), 0x%02x should be there",
				    d->name, got[i], dma + i, phys + i, want[i]);
		dma += n;
		got += n;
		len -= n;
	}
}

void model_dev_read(struct model_dev *d, dma_addr_t dma, uint64_t len, bool contents)
{
	while (len != 0) {
		uint64_t n = len < MODEL_SCRATCH_BYTES ? len : MODEL_SCRATCH_BYTES;
		int err = device_dma(d, dma, false, model.scratch, n);

		if (err != 0)
			complain(d, dma, "read", err);
		if (contents)
			compare(d, dma, model.scratch, n);
		dma += n;
		len -= n;
	}
}

static void into_oracle(struct model_dev *d, dma_addr_t dma, const uint8_t *from, uint64_t len)
{
	while (len != 0) {
		phys_addr_t phys = 0;
		uint64_t n = 0;
		uint64_t in_mem;
		uint8_t *to;

		model_check(oracle_access(d, dma, true, &phys, &n), "the oracle allows 0x%" PRIx64,
			    dma);
		to = oracle_mem(phys, &in_mem);
		model_check(to != NULL, "0x%" PRIx64 " is memory", phys);
		n = n < len ? n : len;
		n = n < in_mem ? n : in_mem;
		memcpy(to, from, (size_t)n);
		dma += n;
		from += n;
		len -= n;
	}
}

void model_dev_write(struct model_dev *d, dma_addr_t dma, uint64_t len)
{
	uint64_t r = sim_rng_next(&model.rng);
	int err;

	model_check(len <= MODEL_SCRATCH_BYTES, "a write fits");
	for (uint64_t i = 0; i < len; i += 8) {
		r = sim_mix(r + i);
		memcpy(model.scratch + i, &r, len - i < 8 ? (size_t)(len - i) : 8);
	}
	model_note("%s writes 0x%" PRIx64 " + 0x%" PRIx64, d->name, dma, len);
	into_oracle(d, dma, model.scratch, len);
	err = device_dma(d, dma, true, model.scratch, len);
	if (err != 0)
		complain(d, dma, "write", err);
}

static void expect_fault(struct model_dev *d, dma_addr_t dma, bool write, bool mapped)
{
	struct dma_fault f = { 0 };

	model.dma_faults++;
	model_check(dma_fault_poll(model.iommu, &f) == 1,
		    "%s: no record of the fault at 0x%" PRIx64, d->name, dma);
	model_check(f.dev == d->dev && f.requester == d->sid && f.iova == dma && f.write == write,
		    "%s: the record says requester %" PRIu32 ", 0x%" PRIx64
		    ", write %d; not 0x%" PRIx64 ", write %d",
		    d->name, f.requester, f.iova, f.write, dma, write);
	model_check(f.reason == (mapped ? DMA_FAULT_PERMISSION : DMA_FAULT_TRANSLATION),
		    "%s: fault at 0x%" PRIx64 " is called %s", d->name, dma,
		    dma_fault_reason_name(f.reason));
}

void model_dev_probe(struct model_dev *d, dma_addr_t dma, bool write)
{
	phys_addr_t phys = 0;
	uint64_t len = 0;
	uint8_t byte = 0;
	bool reaches;
	int err;

	if (!d->translated || oracle_is_pending(d, dma))
		return;
	reaches = oracle_access(d, dma, write, &phys, &len);
	if (reaches && write)
		return;
	err = sim_bus_dma(model.bus, d->sid, dma, write, &byte, 1, NULL);
	if (reaches && err != 0)
		complain(d, dma, "probe", err);
	if (reaches)
		return;
	model_check(err == -EFAULT, "%s: %s of 0x%" PRIx64 " gives %d, it should fault", d->name,
		    write ? "write" : "read", dma, err);
	expect_fault(d, dma, write, oracle_is_mapped(d, dma));
}

/* Strict: at once; deferred: after the flush; always, when something else is not there now. */
void model_probe_stale(struct model_dev *d)
{
	for (uint32_t n = 0; n < 2 && d->translated; n++) {
		uint64_t g = d->stale[model_below(MODEL_MAX_STALE)];
		uint64_t dma = (g << model.opt.granule_lg2) + model_below(model.granule);

		if (g != 0)
			model_dev_probe(d, dma, model_chance(50));
	}
}

void model_no_faults(void)
{
	struct dma_fault f = { 0 };

	model_check(dma_fault_poll(model.iommu, &f) == 0,
		    "a fault nobody caused: requester %" PRIu32 ", 0x%" PRIx64 ", %s", f.requester,
		    f.iova, dma_fault_reason_name(f.reason));
}
