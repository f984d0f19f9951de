/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault records: decoding, order, overflow, nonsense from the hardware (IHI0070 7.2 to 7.5). */
#include "iommu/smmuv3/smmuv3.h"

#include "tests/support/check.h"
#include "tests/support/smmuv3_fake.h"

static struct smmuv3_fake f;

static void start(void)
{
	fake_init(&f);
	fake_probe(&f);
	fake_forget(&f);
}

static void stop(void)
{
	dma_smmuv3_driver.remove(&f.hw);
	fake_fini(&f);
}

static void put_translation_fault(uint32_t sid, uint64_t iova, bool read)
{
	const uint64_t record[4] = { (uint64_t)sid << 32 | 0x10, (uint64_t)read << 35, iova, 0 };

	assert_true(fake_event(&f, record));
}

static uint64_t lost(void)
{
	struct dma_iommu_counts counts;

	dma_smmuv3_driver.counts(&f.hw, &counts);
	return counts.faults_lost;
}

TEST(an_empty_queue_has_no_fault)
{
	struct dma_fault fault;

	start();
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 0);
	assert_u64_equal(f.nr_writes, 0);
	stop();
}

TEST(faults_come_in_order_with_requester_address_and_direction)
{
	struct dma_fault fault;

	start();
	put_translation_fault(0x10, 0xfffffffff123, true);
	put_translation_fault(0xffff, 0x8, false);
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 1);
	assert_null(fault.dev);
	assert_u64_equal(fault.requester, 0x10);
	assert_u64_equal(fault.iova, 0xfffffffff123);
	assert_false(fault.write);
	assert_int_equal(fault.reason, DMA_FAULT_TRANSLATION);
	assert_u64_equal(fault.raw, 0x1000000010);
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 1);
	assert_u64_equal(fault.requester, 0xffff);
	assert_true(fault.write);
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 0);
	assert_u64_equal(f.evtq_cons, 2);
	for (uint32_t i = 0; i < f.nr_writes; i++)
		assert_u64_equal(f.writes[i].reg, 0x100ac); /* page 1, never page 0 */
	stop();
}

TEST(every_event_number_has_a_reason)
{
	static const struct {
		uint8_t type;
		bool addr;
		enum dma_fault_reason reason;
	} expect[] = {
		{ 0x01, true, DMA_FAULT_OTHER },      { 0x02, false, DMA_FAULT_CONFIG },
		{ 0x03, false, DMA_FAULT_EXTERNAL },  { 0x04, false, DMA_FAULT_CONFIG },
		{ 0x06, false, DMA_FAULT_CONFIG },    { 0x08, false, DMA_FAULT_CONFIG },
		{ 0x09, false, DMA_FAULT_EXTERNAL },  { 0x0a, false, DMA_FAULT_CONFIG },
		{ 0x0b, true, DMA_FAULT_EXTERNAL },   { 0x10, true, DMA_FAULT_TRANSLATION },
		{ 0x11, true, DMA_FAULT_ADDR_SIZE },  { 0x12, true, DMA_FAULT_ACCESS },
		{ 0x13, true, DMA_FAULT_PERMISSION }, { 0x20, true, DMA_FAULT_OTHER },
		{ 0x21, false, DMA_FAULT_CONFIG },    { 0x00, false, DMA_FAULT_OTHER },
		{ 0x7f, false, DMA_FAULT_OTHER },     { 0xff, false, DMA_FAULT_OTHER },
	};

	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++) {
		uint8_t record[32] = { 0 };
		struct dma_fault fault;

		record[0] = expect[i].type;
		record[4] = 0x34;
		record[5] = 0x12;
		record[16] = 0x78;
		record[21] = 0x9a;
		smmuv3_evtq_decode(record, &fault);
		assert_int_equal(fault.reason, expect[i].reason);
		assert_u64_equal(fault.requester, 0x1234);
		assert_u64_equal(fault.iova, expect[i].addr ? 0x9a0000000078 : 0);
		assert_int_equal(fault.write, expect[i].addr);
	}
}

TEST(the_ring_wraps_around_many_times)
{
	struct dma_fault fault;

	start();
	for (uint64_t i = 0; i < 3000; i++) {
		put_translation_fault(1, i << 12, true);
		if (i % 3 == 2) {
			for (uint64_t k = i - 2; k <= i; k++) {
				assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 1);
				assert_u64_equal(fault.iova, k << 12);
			}
			assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 0);
		}
	}
	assert_u64_equal(lost(), 0);
	stop();
}

TEST(an_overflow_is_counted_once_and_acknowledged)
{
	const uint64_t record[4] = { 0x10, 0, 0x1000, 0 };
	struct dma_fault fault;
	uint32_t n;

	start();
	for (uint32_t round = 1; round <= 3; round++) {
		for (n = 0; fake_event(&f, record); n++) {
		}
		assert_int_equal(n, 512);
		assert_false(fake_event(&f, record));
		for (n = 0; dma_smmuv3_driver.next_fault(&f.hw, &fault) == 1; n++) {
		}
		assert_int_equal(n, 512);
		assert_u64_equal(lost(), round);
		assert_u64_equal((f.evtq_prod ^ f.evtq_cons) & 0x80000000u, 0);
		assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 0);
		assert_u64_equal(lost(), round);
	}
	stop();
}

TEST(an_aborted_record_is_counted_and_acknowledged)
{
	struct dma_fault fault;

	start();
	fake_raise(&f, 0x4);
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 0);
	assert_u64_equal(lost(), 1);
	assert_u64_equal(f.gerror, f.gerrorn);
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 0);
	assert_u64_equal(lost(), 1);
	stop();
}

TEST(other_global_errors_are_acknowledged_and_logged)
{
	struct dma_fault fault;

	start();
	fake_raise(&f, 0x1f0);
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 0);
	assert_u64_equal(f.gerror, f.gerrorn);
	assert_u64_equal(f.host.nr_logs, 1);
	stop();
}

TEST(a_prod_outside_the_ring_loses_records_and_nothing_else)
{
	struct dma_fault fault;

	start();
	put_translation_fault(1, 0x1000, true);
	f.evtq_prod = 900; /* 512 records, CONS is 0 */
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 0);
	assert_u64_equal(lost(), 1);
	put_translation_fault(2, 0x2000, true);
	assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 1);
	assert_u64_equal(fault.requester, 2);
	stop();
}

TEST(records_of_an_smmu_that_does_not_snoop_are_read_from_memory)
{
	struct dma_fault fault;

	fake_init(&f);
	f.hw.desc.noncoherent_walk = true;
	f.idr0 &= ~0x10u;
	fake_probe(&f);
	for (uint64_t i = 0; i < 1100; i++) {
		put_translation_fault(3, i << 12, true);
		assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 1);
		assert_u64_equal(fault.iova, i << 12);
	}
	stop();
}

TEST(an_event_queue_of_one_record_works)
{
	struct dma_fault fault;

	fake_init(&f);
	f.idr1 = 0x02600010;
	fake_probe(&f);
	for (uint64_t i = 0; i < 5; i++) {
		put_translation_fault(3, i << 12, true);
		assert_int_equal(dma_smmuv3_driver.next_fault(&f.hw, &fault), 1);
		assert_u64_equal(fault.iova, i << 12);
	}
	stop();
}
