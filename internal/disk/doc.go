// Package disk is what drivers of local files share: locks that end with the process, and files that are replaced in one step.
package disk
