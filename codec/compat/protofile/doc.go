// Package protofile compiles .proto files to the descriptors that package compat compares. It is apart from compat because it builds a compiler, which
// who compares descriptors at hand does not need.
package protofile
