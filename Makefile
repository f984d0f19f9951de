# SPDX-License-Identifier: BSD-2-Clause
# A thin door to Meson. Each target first makes sure that the packages it needs are there.
#
#	make demo	run the video pipeline on the photograph in tests/data
#	make check	everything that must hold; the last line is the sum
#	make bench	the workloads beside Linux's figures and the targets
#	make clean	remove what was built
.PHONY: demo check bench clean

RELEASE := build/release
PHOTO := tests/data/raccoon.jpg

demo:
	@scripts/setup demo
	@test -e $(RELEASE)/build.ninja || meson setup $(RELEASE) -Dbuildtype=release -Dasserts=false
	@ninja -C $(RELEASE) dmamap
	@$(RELEASE)/dmamap pipeline --input $(PHOTO) --frames 60 --out build/demo

check:
	@scripts/setup check
	@scripts/check.py

bench:
	@scripts/setup bench
	@scripts/bench.py

clean:
	rm -rf build
