# Outpace. `make` alone says what there is.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GO_MIN   := 1.26
NODE_MIN := 20.19
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64

# Recorded calls and other large files that some measurements read, where they
# are at hand. No test of a package needs them.
SHARED ?= ../shared
export SHARED

# SQLite, transpiled from C: its memory is not Go's and the detector sees none of it.
UNWATCHED := modernc.org/sqlite/lib modernc.org/libc

# The race detector needs a C compiler; the product itself is built without.
HAVE_CC := $(shell command -v "$$(go env CC 2>/dev/null || echo gcc)" 2>/dev/null)
RACE    := $(if $(HAVE_CC),-race $(foreach p,$(UNWATCHED),-gcflags=$(p)=-race=false))
ARGS    ?=

# Packages that compute and start no goroutine (test/arch holds them to it): the
# race detector would find nothing and take five times as long.
PURE := /outpace/(pacing(/.*)?|media/(codec|detect|sdp|tone)|dialer/(call|operator))$$

# Packages whose tests mostly wait: for audio in real time, for the timers of protocols,
# for the answers of servers that are killed. They run beside those that compute.
WAITING := /(campaigns/redis|dialer/(app|doctor|webhook)|media/(plane|rtp|webrtc)|sip|sip/(registrar|trunk)|test/(carrier|e2e|fault|operators|phone))$$

# Tests that load the product, and those that count single packets or how long something
# waited for a processor: one at a time after all else, so that they measure the product
# and not each other.
ALONE := /test/(load|security)$$
QUIET := TestDemoFigures|TestWire|TestWireSipp|TestBaresipAsOperators|TestConsoleDay|TestChromium|TestSIPOverWebSocket

# What judges besides, run beside the tests. It is named here, as `make -n` runs lines that name make.
CHECKS := $(MAKE) --no-print-directory checks

# The web pages. Where Node.js is not there the binary has a plain page in their place.
CONSOLE         := dialer/console
CONSOLE_SOURCES := $(shell find $(CONSOLE)/src -type f) $(addprefix $(CONSOLE)/,package.json tsconfig.json vite.config.ts)
IN_CONSOLE      := cd $(CONSOLE) && npm run --silent

.PHONY: help build console rooms checks openapi axe demo test fuzz security interop load fault pacing lab days bench bench-detect train-detector wire lint dist clean go-version

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: go-version console ## one static binary, bin/outpace
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/outpace ./cmd/outpace

console: ## the web pages, where Node.js is installed and something changed
	@if ! .ci/setup node $(NODE_MIN); then [ -z "$(CI)" ]; \
	elif ! $(MAKE) --no-print-directory $(CONSOLE)/dist/index.html; then \
		[ -z "$(CI)" ] && echo "The console is not built; the binary has a plain page in its place." >&2; fi

$(CONSOLE)/node_modules/.package-lock.json: $(CONSOLE)/package-lock.json
	cd $(CONSOLE) && npm ci --no-audit --no-fund
	@touch $@

$(CONSOLE)/dist/index.html: $(CONSOLE_SOURCES) $(CONSOLE)/node_modules/.package-lock.json
	$(IN_CONSOLE) build

openapi: go-version $(CONSOLE)/node_modules/.package-lock.json ## write dialer/api/openapi.json anew, and the console's types from it
	go test -count=1 -run TestOpenAPIFile ./dialer/api -renew
	$(IN_CONSOLE) types

axe: go-version console ## every state of the pages under axe, in both themes, three languages and two widths; pictures in dialer/console/shots (index.html)
	@rm -rf dialer/console/shots
	OUTPACE_AXE=all OUTPACE_REQUIRE_TOOLS=1 go test -count=1 -timeout 60m -run TestConsole -v ./test/e2e

demo: build ## the whole product on loopback; ARGS="--duration 60s --no-browser" for a smoke test
	bin/outpace demo $(ARGS)

test: go-version ## format, vet and every test with the race detector; what fails is run once more, alone, and named; with CI=1 nothing may be left out
	@.ci/setup tools
	@files=$$(gofmt -l cmd dialer pacing sip media campaigns config test); \
	if [ -n "$$files" ]; then echo "gofmt wants to change:" $$files >&2; exit 1; fi
	@$(MAKE) --no-print-directory -j 2 console rooms
	@$(if $(RACE),true,echo "no C compiler: testing without the race detector" >&2)
	@OUTPACE_REQUIRE_TOOLS=$(if $(CI),1) CHECKS='$(CHECKS)' PRODUCT=./cmd/outpace \
	RACE='$(RACE)' PURE='$(PURE)' WAITING='$(WAITING)' ALONE='$(ALONE)' QUIET='$(QUIET)' .ci/tests

# What the pages are no part of: it is compiled while npm builds them.
rooms: go-version
	CGO_ENABLED=0 go build ./campaigns/... ./media/... ./pacing/... ./sip/...

# What judges besides the tests: go vet, and the console's own. The pages were built.
checks:
	CGO_ENABLED=0 go vet ./...
	@if [ -d $(CONSOLE)/node_modules ]; then $(IN_CONSOLE) check && npm run --silent test; \
	elif [ -n "$(CI)" ]; then echo "The console is not built. In CI nothing may be left out." >&2; exit 1; \
	else echo "The console is not built: its tests are left out." >&2; fi

BRIDGED  ?= 1000
LASTS    ?= 5m
BROWSERS ?= 200
CALLS    ?= 100000

load: go-version ## BRIDGED calls (default 1000) for LASTS (5m) through the audio, recorded: none lost, memory flat; BROWSERS (200) operators at browsers; then CALLS calls (100000) one after the other against sipp: nothing left behind; twenty minutes
	OUTPACE_LOAD=1 OUTPACE_BRIDGED=$(BRIDGED) OUTPACE_LASTS=$(LASTS) OUTPACE_BROWSERS=$(BROWSERS) OUTPACE_LOAD_CALLS=$(CALLS) go test -count=1 -timeout 3h -v $(ARGS) ./test/load

interop: go-version ## whole calls with programs of others: Kamailio before the trunk and before the phones, rtpengine, sipp over UDP and TCP, baresip and Linphone over UDP, TCP and TLS; OUTPACE_SETUP=1 installs them (Debian, root)
	@.ci/setup interop
	OUTPACE_INTEROP=1 OUTPACE_REQUIRE_TOOLS=$(if $(CI),1,$(OUTPACE_REQUIRE_TOOLS)) go test -count=1 -timeout 15m -run 'TestInterop|TestSipp|TestBaresip' -v $(ARGS) ./test/e2e

KILLS ?= 50
STORE ?=
ROUNDS ?= 9
FAULTS ?= Kill9$(if $(STORE),$(if $(filter redis,$(STORE)),OnRedis,$$))|Planted|RedisDies|Nodes|ManyNodes|OldMaster|RestoreOf|RestoreWithout|TwoProducts|BitFlip|DiskFull|SlowDisk|ClockBack

fault: go-version ## kill -9 (KILLS times, default 50; STORE=sqlite or redis), planted faults, many nodes, partitions, old copies, damage, disks, the clock; an hour
	OUTPACE_KILLS=100 go test -count=1 -timeout 10m -run TestKill9 -v ./campaigns/sqlite
	OUTPACE_FAULTS=1 go test -count=1 -timeout 30m -run Conformance ./campaigns/journal
	OUTPACE_FAULTS=1 OUTPACE_ROUNDS=$(ROUNDS) go test -count=1 -timeout 30m -run TestMastersDie -v ./campaigns/redis
	OUTPACE_FAULTS=1 OUTPACE_KILLS=$(KILLS) go test -count=1 -timeout 150m -parallel 1 -run 'Test($(FAULTS))' -v $(ARGS) ./test/fault

SECURITY := TestS[0-9][0-9]|TestF12|TestAttacks|TestOffice|TestCarrierMustBe

security: go-version ## the tests of the security list that concern SIP, RTP and the API, in full size: floods of 20,000 messages a second beside 100 talks, the whole malformed grid, files of 2 GB; some minutes
	OUTPACE_SECURITY=1 go test -count=1 -p 1 -timeout 60m -run '$(SECURITY)' -v $(ARGS) ./sip/... ./media/rtp ./media/sdp ./config ./campaigns/leadfile ./dialer/api ./test/security

TIME ?= 10m
FUZZ ?= .

# An input that finds new code is made smaller for a second, not for the usual minute:
# FuzzClassify had 8,800 inputs after 2m54s of its three minutes, and 436,000 with this
# (go test -fuzz FuzzClassify -fuzztime 180s -parallel 1 ./sip/trunk).
fuzz: go-version ## every parser against made-up input, one after the other, TIME each (default 10m); FUZZ=NAME only those of that name
	@failed=0; for file in $$(grep -rl --include='*_test.go' '^func Fuzz' cmd dialer pacing sip media campaigns config test); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$file | grep -E '$(FUZZ)'); do \
			echo; echo "$$(dirname $$file) $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzzminimizetime 1s -fuzztime $(TIME) ./$$(dirname $$file) || failed=1; \
		done; done; exit $$failed

SCENARIOS := config/examples/scenarios

pacing: build ## tables of the pacing: events, stress, small teams, choice of record; each line held to what is expected of it
	@failed=0; for table in events stress small choice; do echo; echo "$$table"; \
	bin/outpace simulate --table $(SCENARIOS)/$$table $(ARGS) || failed=1; done; exit $$failed

LAB ?= $(SHARED)/pacinglab

lab: build ## the simulator against the pacing lab, where that is at hand: utilisation side by side; ten minutes
	@if [ ! -f $(LAB)/go.mod ]; then echo "there is no pacing lab in $(LAB); LAB=FOLDER says where it is" >&2; exit 1; fi
	OUTPACE_LAB=$(abspath $(LAB)) OUTPACE_BIN=$(abspath bin/outpace) go test -count=1 -timeout 2h -run TestLab -v ./cmd/outpace $(ARGS)

DAYS ?= 10000
SEED ?= 0

days: build ## DAYS random days of a call centre (default 10000; hours), at most 1 in 1,000 over its limit
	bin/outpace simulate --days $(DAYS) --seed $(SEED) $(ARGS)

comma := ,
BENCH_LEADS ?= 10000,100000,1000000$(if $(BIG),$(comma)10000000)

bench: go-version ## benchmarks, with allocations; ratios of the stores at 10 k to 1 M leads (BIG=1: 10 M, and 1 M rows imported beside calls; hours)
	OUTPACE_BENCH_LEADS=$(BENCH_LEADS) OUTPACE_BENCH_IMPORT=$(if $(BIG),1000000,0) go test -run '^$$' -bench . -benchmem -timeout 5h -p 1 $(ARGS) ./...

RECORDED = @if [ ! -d $(SHARED)/audio/public ]; then echo "there are no recorded calls in $(SHARED)/audio; SHARED=FOLDER says where they are" >&2; exit 1; fi

train-detector: go-version ## learn the weights of the answer detector anew, with scores on speakers kept back; the same seed gives the same bytes; a minute
	$(RECORDED)
	go run ./media/detect/lab train -out media/detect/weights.bin $(ARGS)

bench-detect: go-version ## the answer detector beside the classic rule (default and tuned) on recorded calls, one table; a minute
	$(RECORDED)
	go run ./media/detect/lab bench $(ARGS)

CALL ?= 1
PART ?=

wire: go-version ## recordings through the product over RTP: verdicts beside those on the file (clean, loss, jitter, comfort noise, A-law, sipp), dead air, 100 messages on machines; CALL=n plays each nth recorded call, PART=verdicts, dead-air or voicemail only that; an hour
	OUTPACE_WIRE=$(CALL) OUTPACE_WIRE_PART=$(PART) SHARED=$(abspath $(SHARED)) go test -count=1 -timeout 3h -run 'TestWire' -v $(ARGS) ./test/e2e


lint: go-version ## golangci-lint where it is installed, else go vet
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; else \
		echo "golangci-lint is not installed; go vet only. To install it:"; \
		echo "  go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@latest"; \
		go vet ./...; fi

dist: go-version console ## binaries for Linux and macOS with their sha256 sums, in dist/
	rm -rf dist && mkdir -p dist
	@for platform in $(PLATFORMS); do \
		os=$${platform%/*} arch=$${platform#*/}; out=dist/outpace-$(VERSION)-$$os-$$arch; echo "$$out"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -ldflags '$(LDFLAGS)' -o "$$out" ./cmd/outpace; done
	cd dist && sha256sum outpace-* > SHA256SUMS

clean: ## remove what the other targets made
	rm -rf bin dist $(CONSOLE)/dist/assets $(CONSOLE)/dist/index.html

go-version:
	@have=$$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true); \
	if [ -z "$$have" ]; then echo "Go $(GO_MIN) or later is needed: https://go.dev/dl/" >&2; exit 1; fi; \
	if [ "$$(printf '%s\n' $(GO_MIN) "$$have" | sort -V | head -1)" != "$(GO_MIN)" ]; then \
		echo "Go $(GO_MIN) or later is needed, this is $$have: https://go.dev/dl/" >&2; exit 1; fi
