# Everything that can be checked, a target each; .ci/run runs them all.
#
#   make test        what has to be green before every commit
#   make ci          everything, as the CI does

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# A copy of the vulnerability database, for machines that cannot reach it.
VULNDB ?= ../shared/vulndb.tgz
FUZZTIME ?= 5s

.PHONY: help build test short format vet tidy cross staticcheck lint race torture explore cover fuzz servers editors extension neovim browser assets nested kills bench allocs fetch client unit image pictures vulnerabilities ci

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 18

build: ## build ./graphrun
	go build -trimpath -o graphrun ./cmd/graphrun

test: ## all tests, at most three minutes
	go test ./...

short: ## the quick tests
	go test -short ./...

format: ## fail on a file that is not formatted
	@files=$$(gofmt -l $$(git ls-files '*.go'))
	if [ -n "$$files" ]; then printf 'not formatted:\n%s\n' "$$files"; exit 1; fi

vet: ## go vet
	go vet ./...

tidy: ## fail on a go.mod that is not tidy
	go mod tidy -diff
	go mod verify

cross: ## vet for the other systems
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...

staticcheck: ## staticcheck
	go run $(STATICCHECK) ./...
	cd runtime/temporaldriver; go run $(STATICCHECK) ./...

lint: ## golangci-lint with .golangci.yml
	go run $(GOLANGCI_LINT) run ./...
	cd runtime/temporaldriver; go run $(GOLANGCI_LINT) run ./...

race: ## all tests with the race detector
	go test -race -timeout 15m ./...

torture: ## kills, power cuts, crash states and mutants, all of them
	TORTURE=long go test -timeout 30m ./torture

explore: ## all planted faults are found, and nothing in the graphs that come along
	EXPLORE=long go test -timeout 30m -parallel 2 ./graph/explore

cover: ## fail when the tests of graph/cond cover less than 95 % of it
	@line=$$(go test -cover ./graph/cond)
	echo "$$line"
	percent=$$(sed -nE 's/.*coverage: ([0-9]+)\..*/\1/p' <<<"$$line")
	[ "$${percent:-0}" -ge 95 ]

fuzz: ## each fuzz target for $(FUZZTIME)
	@out=$$(mktemp)
	trap 'rm -f "$$out"' EXIT
	git grep -E '^func Fuzz[A-Za-z]+' -- '*_test.go' | sed -E 's/^([^:]+):func (Fuzz[A-Za-z]+).*/\1 \2/' |
	while read -r file target; do
		pkg=./$$(dirname "$$file")
		echo "--- $$pkg $$target"
		# Where its time ends while an input is made smaller, Go 1.26 can call that a failure
		# (go.dev/issue/75804): a target that failed by this alone, without an input, runs again.
		run() { go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=100x "$$pkg" 2>&1 | tee "$$out"; }
		run || { grep -q '^    context deadline exceeded$$' "$$out" && ! grep -qE 'Failing input|panic' "$$out" && echo 'again: its time ended within an input' && run; } || exit 1
	done

servers: ## MCP servers that others wrote, and the conformance suite of MCP, where npm and the network are
	@if ! command -v npm >/dev/null; then echo 'skipped: there is no npm'; exit 0; fi
	dir=$$(mktemp -d)
	trap 'rm -rf "$$dir"' EXIT
	if ! npm install --silent --no-audit --no-fund --prefix "$$dir" @modelcontextprotocol/server-{everything,filesystem,memory}; then
		echo 'skipped: npm cannot fetch the servers'
		exit 0
	fi
	npm install --silent --no-audit --no-fund --prefix "$$dir" node@22 @modelcontextprotocol/conformance@0.1.16 ||
		echo 'skipped: npm cannot fetch the conformance suite and its Node 22'
	MCP_SERVERS="$$dir/node_modules/.bin" go test -run 'TestServer(Everything|Filesystem|Memory)|TestConformance|TestMCPConformance' ./nodes/mcp ./internal/cli

browser: ## the dashboard in a real browser, where there is a chromium
	@if ! command -v chromium >/dev/null; then echo 'SKIPPED: there is no chromium'; exit 0; fi
	if command -v npm >/dev/null && npm ci --silent --no-audit --no-fund --prefix web/assets; then export AXE="$$PWD/web/assets/node_modules/axe-core/axe.min.js"; fi
	GOWORK=off BROWSER=1 go -C web/browser test -count=1 ./...

assets: ## fail when web/static is not what its sources make, where npm and the network are
	@if ! command -v npm >/dev/null; then echo 'SKIPPED: there is no npm'; exit 0; fi
	dir=$$(mktemp -d)
	trap 'rm -rf "$$dir"' EXIT
	cp -r web/assets "$$dir/assets"
	rm -rf "$$dir/assets/node_modules"
	if ! npm ci --silent --no-audit --no-fund --prefix "$$dir/assets"; then
		echo 'SKIPPED: npm cannot fetch the packages'
		exit 0
	fi
	node "$$dir/assets/build.mjs" "$$dir/static"
	diff -r "$$dir/static" web/static

editors: ## the schema as yaml-language-server shows it, where npm and the network are
	@if ! command -v npm >/dev/null; then echo 'skipped: there is no npm'; exit 0; fi
	dir=$$(mktemp -d)
	trap 'rm -rf "$$dir"' EXIT
	if ! npm install --silent --no-audit --no-fund --prefix "$$dir" yaml-language-server@1.25.0; then
		echo 'skipped: npm cannot fetch yaml-language-server'
		exit 0
	fi
	YAML_LANGUAGE_SERVER="$$dir/node_modules/.bin/yaml-language-server" go test ./schema

extension: ## build and try the extension of VS Code, where npm and the network are
	@if ! command -v npm >/dev/null; then echo 'SKIPPED: there is no npm'; exit 0; fi
	if ! npm ci --silent --no-audit --no-fund --prefix editors/vscode; then echo 'SKIPPED: npm cannot fetch what the extension needs'; exit 0; fi
	bin=$$(mktemp -d)
	trap 'rm -rf "$$bin"' EXIT
	go build -trimpath -o "$$bin/graphrun" ./cmd/graphrun
	for step in check build test; do GRAPHRUN="$$bin/graphrun" npm run --silent --prefix editors/vscode $$step; done

neovim: ## the file for Neovim, in a Neovim without a screen
	@if ! command -v nvim >/dev/null; then echo 'SKIPPED: there is no nvim'; exit 0; fi
	bin=$$(mktemp -d)
	trap 'rm -rf "$$bin"' EXIT
	go build -trimpath -o "$$bin/graphrun" ./cmd/graphrun
	GRAPHRUN="$$bin/graphrun" timeout 120 nvim --headless --clean -S editors/neovim_test.lua

nested: ## the modules below this one
	@for mod in $$(git ls-files '*/go.mod'); do
		dir=$$(dirname "$$mod")
		echo "--- $$dir"
		# A server of Temporal is built into the tests of e2e: with the race detector it takes too long.
		race=-race; if [ "$$(basename "$$dir")" = e2e ]; then race=; fi
		(cd "$$dir"; go vet ./...; go test $$race -timeout 20m ./...; go mod tidy -diff)
	done

kills: ## workers and a Temporal server, killed again and again, some twenty minutes
	GOWORK=off E2E=long go -C runtime/temporaldriver/e2e test -count=1 -timeout 40m .

bench: ## measure the engine beside its peers and the bare limits, some minutes
	GOWORK=off go -C bench/peers run . $(BENCHFLAGS)

allocs: ## fail where micro-benchmarks allocate more than in the last release
	.ci/allocs

fetch: ## fetch the modules of HEAD as a stranger does
	.ci/fetch

client: ## make a client from /openapi.json by a public generator, and use it
	@.ci/client

unit: ## let systemd check the service file
	@if command -v systemd-analyze >/dev/null; then .ci/unit; else echo 'SKIPPED: there is no systemd-analyze'; fi

pictures: ## make the pictures of the README from real runs
	@.ci/pictures

image: ## try the steps of the Dockerfile without a daemon
	@.ci/image

vulnerabilities: ## govulncheck, on $(VULNDB) or over the network
	@.ci/vulnerabilities $(GOVULNCHECK) $(VULNDB)

ci: ## everything
	.ci/run
