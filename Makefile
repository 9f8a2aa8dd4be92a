# Tools and versions. The Vault server's version is in tools/vault/go.mod.
GOLANGCI_LINT_VERSION := v2.15.0
SHFMT_VERSION         := v3.14.1
ACTIONLINT_VERSION    := v1.7.12

# The version that the plugin reports; Vault demands semver with a leading v.
ifeq ($(origin VERSION),undefined)
VERSION := $(or $(shell git describe --tags --match 'v*' 2>/dev/null),v0.1.0-dev)
endif
# It may be the name of a tag that anybody made, so it is judged as it was written, before
# make expands it and any shell sees it: one word of these letters that begins like v1.
digits  := 0 1 2 3 4 5 6 7 8 9
letters := a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
remains  = $(if $(2),$(call remains,$(subst $(firstword $(2)),,$(1)),$(wordlist 2,99,$(2))),$(1))
ifneq (x1x,x$(words $(value VERSION))x$(call remains,$(value VERSION),$(digits) $(letters) . - +))
$(error VERSION is no version that Vault takes: v1.2.3, or v1.2.3-rc1)
endif
ifeq (,$(filter $(addsuffix %,$(addprefix v,$(digits))),$(value VERSION)))
$(error VERSION is no version that Vault takes: v1.2.3, or v1.2.3-rc1)
endif

# How long each fuzz target runs.
FUZZTIME ?= 10m
# How much make bench measures: full, for 20 minutes, or quick, which only shows that it works.
BENCH ?= full
# What make release builds for, such as linux/amd64; all platforms if empty.
PLATFORMS ?=
# Where make image pushes to, such as registry.example.com/plugin:v0.1.0; nowhere if empty.
IMAGE ?=
# Which provider make live tries on the real upstream.
PROVIDER ?=
# The program of OpenBao that make servers runs the suites on, too; and which suite alone.
BAO_BIN ?=
SUITE   ?=
# More flags for go test, e.g. TESTFLAGS='-v -run TestStories/dev'.
TESTFLAGS ?=

# How many plugins and servers make torture kills, how many leaders it takes away and freezes,
# how often it cuts a network and lets the clock jump, and how often each kind of lost answer
# and of bad network comes.
KILLS   ?= 200
LEADERS ?= 30
FROZEN  ?= 30
CUTS    ?= 30
JUMPS   ?= 20
UNANSWERED ?= 3
WEATHER ?= 3
# For how long make soak lets a day pass.
SOAK ?= 1h

SHELL   := bash
PLUGIN  := build/vault-plugin-secrets-sei
CONSOLE := build/sei-console
SCRIPTS := .ci/run $(wildcard scripts/*.sh examples/*.sh examples/*/*.sh)

golangci_lint := "$$($(CURDIR)/scripts/tool.sh github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION))"
shfmt         := "$$(scripts/tool.sh mvdan.cc/sh/v3/cmd/shfmt@$(SHFMT_VERSION))" -i 2 -ci
actionlint    := "$$(scripts/tool.sh github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION))"
# What runs go test, and says what was not run. RECORDS is a folder for make check.
suite    := go run ./scripts/suite
recorded  = $(if $(RECORDS),-record '$(abspath $(RECORDS))')
# The tests on a real Vault. What takes longest begins first; two run side by side.
on_vault := ./acceptance/stories ./acceptance/ecosystem ./acceptance/torture ./acceptance/bench
# As the plugin and the server are built, so that Go compiles nothing twice.
static   := CGO_ENABLED=0
# The race detector needs a C compiler; go sets CGO_ENABLED=0 where there is none.
race = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

.DEFAULT_GOAL := help
.PHONY: help build release image signing try live demo dev test check unit contracts acceptance bench torture soak servers browser vault fuzz docs transcript lint fmt clean

help: ## Show this list.
	@echo 'make TARGET'
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1	\2/p' $(MAKEFILE_LIST) | expand -t 15

build: ## Build the plugin and the console into build/.
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-X vault-plugin-secrets-sei.version=$(VERSION)' -o $(PLUGIN) ./cmd/vault-plugin-secrets-sei
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o $(CONSOLE) ./cmd/sei-console

release: ## Build a release of VERSION into build/release: programs, SBOMs, archives, SHA256SUMS.
	@scripts/release.sh '$(VERSION)' build/release $(PLATFORMS)

image: ## Make the OCI image of build/release in build/image; IMAGE=name:tag also pushes it.
	@scripts/image.sh '$(VERSION)' build/release build/image $(PLATFORMS)

signing: ## Sign and verify a release and its image as docs/install.md says; builds cosign, once.
	@cosign=$$(scripts/cosign.sh) && COSIGN_BIN="$$cosign" GOWORK=off $(suite) -in tools/image -count=1 -run '^TestSigning' ./...

try: ## Tell the story in short, without a Vault: the built plugin, storage in memory, a fake.
	@CGO_ENABLED=0 $(MAKE) --no-print-directory -s build
	@CGO_ENABLED=0 go run -trimpath ./scripts/try $(PLUGIN)

live: ## Try the checks of PROVIDER on the real upstream, with credentials of the environment; see docs/live.md.
	@$(static) go run -trimpath ./scripts/live '$(PROVIDER)' '$(VERSION)'

demo: ## Tell the engine's story on a real Vault, in under a minute; ends by itself.
	@VERSION='$(VERSION)' scripts/demo.sh

dev: ## Start a Vault with the engine and fake upstreams; stays up until Ctrl-C.
	@VERSION='$(VERSION)' scripts/dev.sh

test: ## Run what every commit passes, in about 3 minutes: unit tests, seeds of the fuzz targets, stories.
	@server=$$(scripts/vault.sh) && VAULT_BIN="$$server" SEI_ACCEPTANCE=required $(static) $(suite) -short -trimpath -p 3 $(TESTFLAGS) ./...

check: ## Run the whole gate, in about 20 minutes: all tests, the race detector, fuzzing, linters.
	@scripts/check.sh

unit: ## Run all unit tests with the race detector, in random order.
	@$(if $(race),,echo 'unit: no C compiler, so the tests run without the race detector')
	$(suite) $(recorded) $(race) -timeout=30m -shuffle=on $(TESTFLAGS) $(filter-out $(on_vault:.%=vault-plugin-secrets-sei%),$(shell go list ./...))
	$(suite) $(recorded) -in tools/image ./...
	@# What the race detector would make too long, or change.
	$(if $(race),$(static) $(suite) $(recorded) -trimpath -run 'TestStorageFaults$$|TestMemoryIsFlat|TestAllocationsOfAWarmRead|TestPlantedBugsAreFound' . ./backend/mounted)

contracts: ## Hold what checks send against the vendors' own API descriptions, which Prism serves; needs npm.
	@SEI_CONTRACTS=1 $(static) $(suite) $(recorded) -trimpath -timeout=20m $(TESTFLAGS) ./scripts/contracts

acceptance: ## Run all of acceptance/ on a real Vault; fails without one.
	server=$$(scripts/vault.sh) && VAULT_BIN="$$server" SEI_ACCEPTANCE=required $(static) $(suite) $(recorded) -trimpath -p 2 -timeout=25m $(TESTFLAGS) $(on_vault)

torture: ## Kill, freeze and cut off plugins, servers and leaders under load (KILLS=200, …); about 50 minutes.
	server=$$(scripts/vault.sh) && VAULT_BIN="$$server" SEI_ACCEPTANCE=required SEI_TORTURE=$(KILLS) SEI_TORTURE_LEADERS=$(LEADERS) SEI_TORTURE_FROZEN=$(FROZEN) SEI_TORTURE_CUTS=$(CUTS) SEI_TORTURE_JUMPS=$(JUMPS) SEI_TORTURE_UNANSWERED=$(UNANSWERED) SEI_TORTURE_WEATHER=$(WEATHER) go test -count=1 -timeout=90m -v -run '^TestTorture' $(TESTFLAGS) ./acceptance/torture

soak: ## Let 2,000 integrations live a day within SOAK (1h), and compare memory, files and storage.
	server=$$(scripts/vault.sh) && VAULT_BIN="$$server" SEI_ACCEPTANCE=required SEI_SOAK=$(SOAK) go test -count=1 -timeout=5h -v -run '^TestSoak$$' $(TESTFLAGS) ./acceptance/torture

servers: ## Run every suite on the oldest and the newest Vault, and on OpenBao (BAO_BIN), into docs/compatibility.md.
	oldest=$$(scripts/vault.sh --oldest) && newest=$$(scripts/vault.sh --newest) && go run ./scripts/servers $(if $(SUITE),-suite '$(SUITE)') "$$oldest" "$$newest" '$(BAO_BIN)'

bench: ## Measure speed beside Vault's own engines into docs/performance.md; BENCH=quick writes nothing.
	server=$$(scripts/vault.sh) && VAULT_BIN="$$server" SEI_ACCEPTANCE=required SEI_BENCH=$(BENCH) go test -count=1 -v -timeout=30m -run '^TestBench$$' ./acceptance/bench

browser: ## Test the driver of the browser in tools/browser; make acceptance uses it.
	chromium=$$(scripts/chromium.sh) && CHROMIUM_BIN="$$chromium" SEI_ACCEPTANCE=required $(suite) $(recorded) -in tools/browser -count=1 ./...

vault: ## Find a Vault server, or build one (about 6 minutes, once); prints its path.
	@scripts/vault.sh

fuzz: ## Run every fuzz target for FUZZTIME (10m).
	@scripts/fuzz.sh $(FUZZTIME)

transcript: ## Write docs/demo.md: what the demo prints.
	@VERSION='$(VERSION)' scripts/transcript.sh

docs: ## Write docs/providers.md from the specs, and the picture in docs/architecture.md.
	UPDATE_DOCS=1 go test -count=1 -run TestProviderDocs ./docs
	go run ./scripts/rooms docs/architecture.md

lint: ## Check code, scripts, formatting and go.mod; changes nothing.
	$(golangci_lint) config verify
	$(golangci_lint) run ./...
	$(static) go vet -trimpath ./...
	go mod tidy -diff
	@# Not that of tools/vault-1.19: it asks for modules that the build leaves out, one of which is gone.
	cd tools/vault && go mod tidy -diff
	cd tools/browser && $(golangci_lint) run ./... && go vet ./... && go mod tidy -diff
	cd tools/image && $(golangci_lint) run ./... && go vet ./... && go mod tidy -diff
	for script in $(SCRIPTS); do bash -n "$$script" || exit 1; done
	$(shfmt) -d $(SCRIPTS)
	$(actionlint) $(wildcard .github/workflows/*.yml)

fmt: ## Format code and scripts.
	$(golangci_lint) fmt
	$(shfmt) -w $(SCRIPTS)

clean: ## Remove build/.
	rm -rf build
