//go:build race

package main

// killEvents is smaller under the race detector, which takes ten times as long.
const killEvents = 50_000
