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
FUZZTIME ?= 10s

.PHONY: help build test short format vet tidy cross staticcheck lint race torture cover fuzz nested fetch unit vulnerabilities ci

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
	GOWORK=off go mod tidy -diff
	go mod verify

cross: ## vet for the other systems
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...

staticcheck: ## staticcheck
	go run $(STATICCHECK) ./...

lint: ## golangci-lint with .golangci.yml
	go run $(GOLANGCI_LINT) run ./...

race: ## all tests with the race detector
	go test -race -timeout 15m ./...

torture: ## kills, power cuts, crash states and mutants, all of them
	TORTURE=long go test -timeout 30m ./torture

cover: ## fail when the tests of graph/cond cover less than 95 % of it
	@line=$$(go test -cover ./graph/cond)
	echo "$$line"
	percent=$$(sed -nE 's/.*coverage: ([0-9]+)\..*/\1/p' <<<"$$line")
	[ "$${percent:-0}" -ge 95 ]

fuzz: ## each fuzz target for $(FUZZTIME)
	@git grep -E '^func Fuzz[A-Za-z]+' -- '*_test.go' | sed -E 's/^([^:]+):func (Fuzz[A-Za-z]+).*/\1 \2/' |
	while read -r file target; do
		pkg=./$$(dirname "$$file")
		echo "--- $$pkg $$target"
		go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) "$$pkg"
	done

nested: ## the modules below this one
	@root=$$PWD
	for mod in $$(git ls-files '*/go.mod'); do
		dir=$$(dirname "$$mod")
		echo "--- $$dir"
		(cd "$$dir"; go vet ./...; go test -race ./...)
		# It requires a version of the root module that may not be published yet:
		# for this check alone, the one beside it takes its place.
		copy=$$(mktemp -d)
		cp "$$dir/go.mod" "$$dir/go.sum" "$$copy"
		GOWORK=off go mod edit -replace github.com/graphrun/graphrun="$$root" "$$copy/go.mod"
		(cd "$$dir"; GOWORK=off go mod tidy -diff -modfile="$$copy/go.mod")
		rm -r "$$copy"
	done

fetch: ## fetch the modules of HEAD as a stranger does
	.ci/fetch

unit: ## let systemd check the service file
	@if command -v systemd-analyze >/dev/null; then .ci/unit; else echo 'SKIPPED: there is no systemd-analyze'; fi

vulnerabilities: ## govulncheck, on $(VULNDB) or over the network
	@.ci/vulnerabilities $(GOVULNCHECK) $(VULNDB)

ci: ## everything
	.ci/run
