# SPDX-License-Identifier: Apache-2.0
# The only door.  `make help` tells what there is.
JOBS := $(shell nproc 2>/dev/null || echo 2)
NINJA := ninja -j$(JOBS)
NODE := .node/node_modules/.bin/node
FUZZ_SECONDS ?= 60
RUNS ?= 1000000

all: build/build.ninja ## build the release binary at build/plimsoll
	@$(NINJA) -C build plimsoll

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build/build.ninja:
	@command -v meson >/dev/null || scripts/deps build
	meson setup build -Dbuildtype=release >/dev/null

demo: ## install what it needs, build, and guard a real registry for a few minutes
	@scripts/deps demo
	@$(MAKE) --no-print-directory all
	@scripts/demo

test: ## install what the tests need and run all of them
	@scripts/deps test
	@scripts/test all

check: ## the fast ones: unit, replay, contract, lint
	@scripts/test check

asan: ## unit and replay tests under the address and undefined-behaviour sanitizers
	@scripts/test asan

tsan: ## what has threads, under the thread sanitizer
	@scripts/test tsan

e2e: all ## with a real registry and real clients
	@scripts/test e2e

chroot-test: ## the two commands of the README in an empty Debian 12 root
	@scripts/chroot-test

soak: ## what takes longer than a test may
	@scripts/test soak

fuzz: ## fuzz one target for FUZZ_SECONDS: make fuzz T=inventory/dpkg; or each until RUNS: make fuzz T=all RUNS=1000000
	@if [ "$(T)" = all ]; then scripts/fuzz --all "$(RUNS)"; else scripts/fuzz "$(T)" "$(FUZZ_SECONDS)"; fi

bench: all ## measure each budget against its reference, one line a row
	@scripts/bench

lint: ## order of folders, house rules, formatting
	@scripts/check-layers && scripts/lint && scripts/format --check

format: ## reformat the sources
	@scripts/format

tidy: build-clang/build.ninja ## clang-tidy over the sources
	@clang-tidy --quiet -p build-clang $$(find src -name '*.c')

build-clang/build.ninja:
	CC=clang meson setup build-clang -Dbuildtype=debug -Dwerror=true >/dev/null

docs: all ## write the generated pages of docs/ anew
	@scripts/docs

install: all ## DESTDIR= and PREFIX= are honoured
	install -D -m 755 build/plimsoll "$(DESTDIR)$(or $(PREFIX),/usr/local)/bin/plimsoll"
	install -D -m 644 packaging/plimsoll.yaml "$(DESTDIR)$(or $(PREFIX),/usr/local)/share/doc/plimsoll/plimsoll.yaml"
	install -d "$(DESTDIR)$(or $(PREFIX),/usr/local)/share/man/man1"
	build/plimsoll help --man "$(DESTDIR)$(or $(PREFIX),/usr/local)/share/man/man1"
	@for s in bash:bash-completion/completions/plimsoll zsh:zsh/site-functions/_plimsoll fish:fish/vendor_completions.d/plimsoll.fish; do \
	    install -D -m 644 /dev/null "$(DESTDIR)$(or $(PREFIX),/usr/local)/share/$${s#*:}"; \
	    build/plimsoll completion "$${s%%:*}" >"$(DESTDIR)$(or $(PREFIX),/usr/local)/share/$${s#*:}"; \
	done
	install -D -m 644 -t "$(DESTDIR)$(or $(PREFIX),/usr/local)/share/doc/plimsoll" packaging/plimsoll.service packaging/plimsoll-worker.service

clean: ## remove all that was built or run
	rm -rf build build-* demo-run

.PHONY: all help demo test check asan tsan e2e chroot-test soak fuzz bench lint format tidy docs install clean
