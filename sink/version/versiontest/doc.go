// Package versiontest is the conformance kit for catalogs of versions: what the contract in package version promises, tried on a real destination.
//
// A catalog says in Features what it can do, and in Target how the kit fills a version's places and sees what a reader sees.
package versiontest
