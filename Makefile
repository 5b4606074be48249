# Targets are short names for Go commands; on a machine without make, run what stands behind it.
.PHONY: all demo test unit integration lint vet bench bench-full gobench fmt

all: test

## demo: the click-stream example on an embedded broker
demo:
	go run ./examples/clickstream

## test: all that must hold: tidy, vet, lint, unit tests with the race detector, integration tests on real servers
test:
	go run ./internal/check

## unit: all packages, under the race detector where goroutines meet
unit:
	go run ./internal/check unit

## integration: installs and starts Apache Kafka and PostgreSQL, and runs the tests that need them
integration:
	CI=true go run ./internal/check integration

lint:
	go run ./internal/check vet lint
	go test ./internal/lint

vet:
	go run ./internal/check vet

## bench: the headline beside the peers, at most twenty minutes, and docs/benchmarks.md of it; needs Java 17 and Maven for the peers
bench:
	go run ./bench/suite run
	go run ./bench/suite report

## bench-full: all parts of it; run it again to go on where it was interrupted
bench-full:
	go run ./bench/suite run --all
	go run ./bench/suite report

## gobench: all Go benchmarks, in a form that benchstat reads
gobench:
	go test -run '^$$' -bench . -benchmem ./...

fmt:
	gofmt -w .
