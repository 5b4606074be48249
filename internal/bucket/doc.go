// Package bucket is what all that keeps objects in a store of the S3 protocol shares: where, with which key, what its errors mean, and small objects that are
// written under a condition.
package bucket
