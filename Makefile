# Every recipe is a line a person could type. `make demo` and `make test` are the two to start with.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZ    ?= 20s
BENCH   ?= .
CGO     := $(shell $(GO) env CGO_ENABLED)

.PHONY: build demo run test check cross planted clients fault race deps simulate torture fuzz lint cover bench clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/gapless ./cmd/gapless

# Three nodes, a simulated fleet, a killed leader, and a comparison frame by frame. BREAK=drop|invent|tail makes it fail on purpose.
demo: build
	./bin/gapless demo

# The same cluster, left up until Ctrl-C, with its addresses and a curl line for each door.
run: build
	./bin/gapless demo --stay

# Everything CI runs, half an hour at most on two cores, and nothing from a cache: some tests build and start the program. Fuzz seeds are part of go test.
# What is skipped is said, with the reason, and counted in bin/skips.txt.
test: lint check cross planted clients fault race

lint:
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

check:
	$(GO) run ./tests/skips -list bin/skips.txt -- -count=1 -timeout 15m ./...

# The bytes of segments, columns, floors and frames must not depend on the processor: the golden tests on two others, and without assembly. They
# run where this machine can run them; arm64 needs qemu's user emulation, and its absence is a skip like any other.
GOLDEN := ./frame ./segment ./segment/column ./raftfsm/floor ./proof ./proof/leaves ./proof/content ./proof/census ./proof/verify ./tests/schedule
cross:
ifeq ($(shell $(GO) env GOOS GOARCH),linux amd64)
	CGO_ENABLED=0 GOARCH=386 $(GO) test -run Golden $(GOLDEN)
	$(GO) test -tags noasm -run Golden $(GOLDEN)
	if command -v qemu-aarch64-static; then CGO_ENABLED=0 GOARCH=arm64 $(GO) test -exec qemu-aarch64-static -run Golden $(GOLDEN); \
	else echo "SKIP cross/arm64: no qemu-aarch64-static; make deps installs it" | tee -a bin/skips.txt; fi
else
	@echo "SKIP cross: golden tests of other processors run on linux/amd64" | tee -a bin/skips.txt
endif

# The race detector needs a C compiler. Without one this is a skip, said aloud and counted like any other.
race:
ifeq ($(CGO),1)
	$(GO) test -race -short -timeout 15m ./...
else
	@echo "SKIP race: no C compiler; make deps installs one" | tee -a bin/skips.txt
endif

# Real processes on disks that lie, in networks that are cut, with clocks that are wrong: some scenarios, one after the other, alone on the machine. Root,
# /dev/fuse and iproute2; without them this is a skip, said aloud and counted like any other. Each leaves a report below bin/fault.
fault:
	$(GO) run ./tests/skips -list bin/skips-fault.txt -- -count=1 -timeout 20m ./tests/fault -args -scenarios some -shrink=false
	cat bin/skips-fault.txt >> bin/skips.txt

# Every scenario of real processes (25 min), and then schedules that nobody has seen, for DURATION, from SEED on (default: from the commit). One that
# breaks a promise is shrunk, and saved beside its report below bin/fault.
DURATION ?= 1h
torture:
	$(GO) test -v -count=1 -timeout 0 ./tests/fault -args -scenarios all -torture $(DURATION) -seed $(SEED)

# What tests want besides: modules, and programs of the system where there is apt-get, for the race detector, golden bytes of arm64, examples (that of
# docs/proof-example.md, too) and networks of real processes. What is missing afterwards is a skip. Go tools come from go.mod.
PROGRAMS := gcc libc6-dev qemu-user-static curl iproute2 jq openssl xxd
deps:
	for d in . tests/clients tests/clients/telegraf; do (cd $$d && $(GO) mod download) || exit 1; done
	command -v gcc && command -v qemu-aarch64-static && command -v curl && command -v ip && command -v jq && command -v openssl && command -v xxd || \
	  ! command -v apt-get || \
	  if [ "$$(id -u)" = 0 ]; then apt-get update && apt-get install -y --no-install-recommends $(PROGRAMS); \
	  else echo "make deps: not root, so nothing is installed: sudo apt-get install $(PROGRAMS)"; fi

# Schedules of faults that nobody has seen, RUNS of them, from SEED on (default: from the commit). One that fails is shrunk and saved below bin/sim.
RUNS ?= 500
SEED ?= 0
simulate:
	$(GO) test ./tests/sim -run TestSwarm -count=1 -timeout 0 -v -args -runs $(RUNS) -seed $(SEED)

# Each fuzz target in turn, FUZZ long.
fuzz:
	for p in $$($(GO) list ./...); do \
	  list=$$($(GO) test -list '^Fuzz' $$p) || exit 1; \
	  for f in $$(echo "$$list" | grep '^Fuzz'); do $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZ) $$p || exit 1; done; \
	done

# Break promises on purpose, one after the other: the suite must notice each of them. See tests/planted.
planted:
	$(GO) run ./tests/planted -skips bin/skips.txt

# Writers that are not ours, against a real node: InfluxDB's client libraries, and Telegraf. Modules of their own; where they cannot be fetched that is a skip.
clients:
	for d in tests/clients tests/clients/telegraf; do \
	  if (cd $$d && $(GO) list -deps -test ./... >/dev/null); then (cd $$d && $(GO) vet ./... && $(GO) test -count=1 ./...) || exit 1; \
	  else echo "SKIP clients/$$d: its modules cannot be fetched" | tee -a bin/skips.txt; fi; \
	done

cover:
	$(GO) test -short -coverprofile cover.out ./... && $(GO) tool cover -html cover.out -o cover.html

bench:
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

clean:
	rm -rf bin demo cover.out cover.html
