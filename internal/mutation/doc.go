// Package mutation is the proof that the tests notice when one of the engine's safeguards is missing. Each mutant takes one away, by another text in one place of one
// file, which the compiler gets in its stead; nothing in the engine knows of it. A named test has to fail then, and to pass otherwise.
package mutation
