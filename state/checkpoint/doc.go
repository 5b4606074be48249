// Package checkpoint keeps images of a job's state in another place - a directory, a mounted disk, an object store - and makes state directories of them again.
//
// An image is the files of a state store as they were at one checkpoint. A place holds files by the hash of their content, so that an image brings only
// what changed since the one before, and a manifest for each image, written last: an image without its manifest is none.
//
//	place/archive.json                     whose the place is: the job, and the one writer that may add to it
//	place/checkpoints/000000000007.json    manifest of checkpoint 7: positions, files with length and SHA-256
//	place/files/<lineage>/<sha256>         a file of one or more checkpoints
//
// # Writers
//
// A Keeper takes images of a running job. A lineage is the state directory that it takes them of: a random name, kept in the directory and not in images, so no two
// directories share files. A Keeper that begins makes the place its own, and one that finds another's name there stops adding and removing for good (ErrTaken),
// while its job goes on. So of two processes that run one job by mistake, in two directories, the younger keeps its checkpoints whole and the older stops.
//
// # Removal
//
// The newest checkpoints stay, as many as Keep says; the manifest of an older one goes first, then files that no manifest names. A file of another lineage that
// no manifest names goes a day after it was written, as its writer may be about to write the manifest. A crash anywhere leaves files too many, never too few; the next
// removal finds them. While any manifest cannot be read nothing is removed.
//
// # Restore
//
// Restore makes a state directory from a checkpoint, verifying each file's length and checksum, then opening the state and comparing it with the manifest. The
// job goes on from its positions: records after them are read again, and rows are written again, which upserts make the same as before.
package checkpoint
