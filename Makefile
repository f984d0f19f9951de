# SPDX-License-Identifier: BSD-2-Clause
# A thin door to Meson: make demo, make check, make bench, make clean.
.PHONY: all demo check bench clean

RELEASE = build/release

all: $(RELEASE)/build.ninja
	ninja -C $(RELEASE)

$(RELEASE)/build.ninja:
	scripts/setup demo
	meson setup $(RELEASE) -Dbuildtype=release -Dasserts=false

demo:
	scripts/setup demo
	scripts/demo

check:
	scripts/setup check
	scripts/check.py

bench:
	scripts/setup bench
	scripts/bench.py

clean:
	rm -rf build out
