// Package version is the contract for versions of a result: the same tables computed several times, by other definitions or from another part of the log,
// side by side, of which readers see one.
//
// A result is a set of tables with names that readers use, such as sessions and session_metrics. Version v1 of it has its rows in places of its own,
// sessions_v1 and session_metrics_v1, written by a job with a group and state of its own. Under the readers' names stands something thin: a view, an alias,
// an entry in a file. A Catalog knows the versions of one result, which part of the log each has read, and which one readers see; Switch moves the readers to
// another in one step.
//
// What is here needs the standard library only. Catalogs are in the packages of the sinks (sink/postgres, sink/sqlite, sink/elastic), for files and objects in
// package files, and for what has no better place in package local. They pass the kit in versiontest; package compare tells two versions apart.
package version
