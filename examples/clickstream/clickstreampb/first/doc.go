// Package first is the code that the first version of the click event was compiled to: for tests of what old code does with new events, and new code with old
// ones.
package first

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate
