# Every target is one Go command; on a machine without make, run what stands behind it.
.PHONY: all demo test unit integration lint vet bench fmt

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

## bench: all benchmarks, in a form that benchstat reads
bench:
	go test -run '^$$' -bench . -benchmem ./...

fmt:
	gofmt -w .
