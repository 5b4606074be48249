// Package lint holds the project's policies as tests: who may import whom, where real time may be read, how long a file may be, what the documents say.
// A failure is a sentence that says what to do. What a general linter finds is left to golangci-lint, whose rules are in .golangci.yml.
package lint
