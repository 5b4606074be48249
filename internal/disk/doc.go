// Package disk is what drivers of local files share: locks that end with the process, files that are replaced in one step, and how much they take.
package disk
