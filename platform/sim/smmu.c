/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMU model as part of the machine: a register window, the IOMMU of the bus, and an engine
 * that lets it work. Lock: the bus lock around every call into the model.
 */
#include "platform/sim/machine.h"
#include "sim/smmuv3.h"

static uint64_t smmu_read(void *ctx, uint64_t offset, uint32_t width)
{
	struct sim_machine *m = ctx;
	uint64_t value;

	sim_bus_lock(m->bus);
	value = sim_smmuv3_mmio_read(m->smmu, offset, width);
	sim_bus_unlock(m->bus);
	return value;
}

static void smmu_write(void *ctx, uint64_t offset, uint32_t width, uint64_t value)
{
	struct sim_machine *m = ctx;

	sim_bus_lock(m->bus);
	sim_smmuv3_mmio_write(m->smmu, offset, width, value);
	sim_bus_unlock(m->bus);
	sim_engine_kick(m->smmu_engine);
}

static const struct sim_mmio_ops smmu_mmio_ops = { .read = smmu_read, .write = smmu_write };

static int host_read(void *ctx, uint64_t phys, void *buf, size_t len)
{
	struct sim_machine *m = ctx;

	return sim_bus_phys(m->bus, phys, false, m->smmu_snoops, buf, len);
}

static int host_write(void *ctx, uint64_t phys, const void *buf, size_t len)
{
	struct sim_machine *m = ctx;
	union {
		const void *in;
		void *out;
	} from = { .in = buf }; /* sim_bus_phys() only reads it when it writes memory */

	return sim_bus_phys(m->bus, phys, true, m->smmu_snoops, from.out, len);
}

static void host_irq(void *ctx, enum sim_smmuv3_irq kind)
{
	struct sim_machine *m = ctx;

	sim_bus_irq_raise(m->bus, SIM_SMMU_IRQ + (uint32_t)kind);
}

static enum sim_step smmu_step(void *ctx)
{
	struct sim_machine *m = ctx;
	bool idle;

	sim_bus_lock(m->bus);
	sim_smmuv3_step(m->smmu);
	idle = sim_smmuv3_idle(m->smmu);
	sim_bus_unlock(m->bus);
	return idle ? SIM_STEP_IDLE : SIM_STEP_MORE;
}

static int smmu_translate(void *ctx, uint32_t sid, uint32_t ssid, uint64_t iova, bool write,
			  uint64_t len, uint64_t *phys, uint64_t *phys_len)
{
	struct sim_machine *m = ctx;
	struct sim_smmuv3_txn txn = {
		.sid = sid,
		.ssid = ssid == SIM_NO_SSID ? 0 : ssid,
		.ssid_valid = ssid != SIM_NO_SSID,
		.iova = iova,
		.write = write,
	};

	(void)len;
	if (sim_smmuv3_translate(m->smmu, &txn, phys, phys_len) == SIM_SMMUV3_ABORT)
		return -EFAULT;
	return 0;
}

int sim_machine_smmu_init(struct sim_machine *m, const struct sim_smmuv3_cfg *cfg)
{
	const struct sim_smmuv3_host host = {
		.ctx = m, .read = host_read, .write = host_write, .irq = host_irq
	};
	const struct sim_bus_iommu iommu = { .translate = smmu_translate, .ctx = m };
	int err;

	m->smmu_snoops = cfg->coherent;
	m->smmu = sim_smmuv3_new(cfg, &host);
	if (m->smmu == NULL)
		return -EINVAL;
	err = sim_engine_new(m->engines, "smmu", smmu_step, m, &m->smmu_engine);
	if (err != 0)
		return err;
	sim_bus_set_iommu(m->bus, &iommu);
	return sim_bus_add_mmio(m->bus, "smmu", SIM_SMMU_BASE, SIM_SMMU_LEN, &smmu_mmio_ops, m);
}

void sim_machine_smmu_fini(struct sim_machine *m)
{
	sim_engine_free(m->smmu_engine);
	sim_smmuv3_free(m->smmu);
}
