# The handful of commands that development needs. Each is an ordinary Go command, so
# none of them needs make.

# All tests that run on a fresh machine.
test:
	go test ./...

# The same tests under the race detector; needs a C compiler.
race:
	go test -race ./...

# gofmt, vet and the linters of .golangci.yml.
lint:
	gofmt -l -s . && go vet ./... && golangci-lint run ./...

# Each parser of foreign bytes gets ten seconds of mutated input.
fuzz:
	go run ./scripts/fuzz -time 10s

# Real etcd opens GlassKV's data directory, and GlassKV real etcd's.
compat:
	go test -C scripts/peers ./compat

# The same etcdctl commands for GlassKV and for real etcd; prints which ones differ.
etcdctl:
	go test -C scripts/peers -count=1 -v ./diff

# etcd's Go client, grpcurl, curl and Node's client, against both servers.
clients:
	go test -C scripts/peers -count=1 ./clients

# The walk's page in Chromium, which must be installed.
browser:
	go test -count=1 -v ./scripts/browser -chromium

# After an upgrade: lists the chapters to read again.
chapters:
	go run ./scripts/chapters

# kill -9 under load, fifty times: nothing acknowledged may be lost.
crash:
	go test ./scripts/crash -cycles 50 -count 1 -timeout 30m

# Hostile clients, in full size.
hostile:
	go test ./scripts/hostile -full -count 1 -v -timeout 20m

# The recipes of docs/extending.md, each followed in a copy of the repository.
extend:
	go test -count=1 -v -timeout 20m ./scripts/extend -full

# All figures, about fifteen minutes on a quiet machine; rewrites docs/performance.md.
bench:
	go run ./scripts/bench -write docs/performance.md

# The ledger and orders of magnitude, in less than a minute; no times are asserted.
bench-short:
	go run ./scripts/bench -short

# Compares our edges with the true entry and exit of grpc-go's private functions.
overlay:
	go run ./scripts/overlay

# The guided tour.
demo:
	go run . demo

# Rewrites the documents that are generated from the code.
docs:
	go generate ./...

# Rewrites the timeline in both READMEs, from a new run.
readme:
	go run ./scripts/readme

# What CI runs.
ci:
	.ci/run

.PHONY: browser chapters test race hostile lint fuzz compat etcdctl clients crash extend bench bench-short overlay demo docs readme ci
