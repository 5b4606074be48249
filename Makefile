# The project's commands are Go programs; these are short names for the two that take long.

.PHONY: bench bench-full

# The headline beside the peers, at most twenty minutes, and docs/benchmarks.md of it. Needs Java 17 and Maven for the peers.
bench:
	go run ./bench/suite run
	go run ./bench/suite report

# All parts; run it again to go on where it was interrupted.
bench-full:
	go run ./bench/suite run --all
	go run ./bench/suite report
