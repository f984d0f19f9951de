/* SPDX-License-Identifier: BSD-2-Clause */
#include <dmamap/dma-mapping.h>

/* Lends a buffer to a device that reads it, and says in a sentence why that failed. */
int lend(struct dma_device *dev, void *data, size_t len, int (*transfer)(dma_addr_t, size_t),
	 char *why, size_t why_len)
{
	dma_addr_t addr = dma_map_single(dev, data, len, DMA_TO_DEVICE);
	struct dma_error error;
	int err;

	if (dma_mapping_error(dev, addr)) {
		err = dma_last_error(dev, &error);
		dma_explain(&error, why, why_len);
		return err != 0 ? err : error.err;
	}
	err = transfer(addr, len); /* the device owns the bytes ... */
	dma_unmap_single(dev, addr, len, DMA_TO_DEVICE);
	return err; /* ... until here */
}
