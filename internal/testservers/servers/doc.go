// Package servers starts real servers on loopback ports for tests and benchmarks. A server belongs to who started it, and ends with its Stop.
package servers
