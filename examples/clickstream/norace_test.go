//go:build !race

package main

// killEvents is the size of the log in TestKill.
const killEvents = 200_000
