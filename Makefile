# The only entry: make up, test, check, bench, coverage.
SHELL := /bin/bash
export PATH := $(PATH):/opt/swift/usr/bin
CONTEXT ?=
JOBS ?= $(shell nproc)

.PHONY: up test check build format bench soak fuzz coverage conformance docs

up: build ## Build release, then serve: the sample shop, or CONTEXT=name for that cluster of your kubeconfig
	.build/release/bulwark serve --state ./var $(if $(CONTEXT),--context '$(CONTEXT)',--files examples/shop)

build: ## .build/release/bulwark
	scripts/install-dependencies
	scripts/replan
	swift build -c release --jobs $(JOBS) --product bulwark

test: ## Every test, with a real API server and a real browser
	scripts/install-dependencies --tests
	scripts/test

check: ## Format, layers, documents
	scripts/check

format: ## Rewrite the sources in the house format
	swift format --in-place --recursive --configuration .swift-format Package.swift Sources Tests Plugins

bench: build ## Every benchmark beside its peer
	for name in inspect-files inspect-podlist inspect-live admission image-admission rego cel gatekeeper image; do scripts/bench $$name || exit 1; done

conformance: build ## The fixtures of other tools
	scripts/conformance inspection $${BULWARK_DATA:-../shared/data}/policy
	scripts/conformance psa $${BULWARK_DATA:-../shared/data}/policy/psa-fixtures
	scripts/conformance rego $${BULWARK_DATA:-../shared/data}/policy/opa-rego-v1
	scripts/conformance rego $${BULWARK_DATA:-../shared/data}/policy/opa-rego-v0
	scripts/conformance gatekeeper $${BULWARK_DATA:-../shared/data}/policy/gatekeeper-library
	scripts/conformance versions $${BULWARK_DATA:-../shared/data}/images/versions
	scripts/conformance packages $${BULWARK_DATA:-../shared/data}/images/fixtures
	scripts/conformance cel $${BULWARK_DATA:-../shared/data}/policy/cel-spec
	scripts/conformance kyverno-cel $${BULWARK_DATA:-../shared/data}/policy/kyverno-cel

docs: ## Rewrite the references that are made from the code
	swift run --jobs $(JOBS) bulwark checks list --output markdown > docs/inspection/catalogue.md

soak: ## Tests that take long
	BULWARK_SOAK=1 scripts/test --filter Soak

fuzz: ## The policy languages under libFuzzer, each for as long as BULWARK_FUZZ_SECONDS says (600)
	scripts/fuzz $${BULWARK_FUZZ_SECONDS:-600}

coverage: ## Lines that the tests reach, worst files first
	scripts/test --enable-code-coverage
	scripts/coverage
