package target

import (
	"strings"

	"github.com/millrace/millrace/sink/version"
)

// kinds are all there are, in the order of the help.
func kinds() []kind {
	return []kind{sqliteKind, postgresKind, elasticKind, csvKind, jsonlKind, parquetKind, csvDirKind, jsonlDirKind, s3Kind, kafkaKind, printKind}
}

// kind is one form of target. Functions that are nil are what most kinds do.
type kind struct {
	name string   // how its URLs begin, before the colon
	also []string // other beginnings
	form string   // of its URLs, for messages: sqlite:PATH?table=T
	help string   // what it is, for --help

	tables bool // a place is a table or index called READER_VERSION, and not a path
	shared bool // rows of several runs may meet in one path: another version than the first needs a path of its own
	exact  bool // the URL may end in ?exactly-once
	noPath bool // nothing stands behind the colon

	// parse takes apart what is behind the scheme's colon. table is what the URL says of it, "" if nothing. Errors must not quote a password.
	parse func(scheme, rest string) (path, table string, err error)
	// checkTable lets only plain names through; for kinds with tables.
	checkTable func(name string) error
	// beside is the path of another table's rows beside path.
	beside func(path, name string) string
	// below is the place of a name below the path, where a path is the root of many places; the name is READER/VERSION.
	below func(path, name string) string
	// fresh says why a new run must not begin at path.
	fresh func(path string) error
	// hidden is where rows are that a reader does not see before the job has ended.
	hidden func(path string) string
	// describe says what path is, for people.
	describe func(path string) string
	// catalog opens the catalog of versions of a result. Without it versions are kept in a file in the data directory.
	catalog func(t Target) (version.Catalog, error)
}

// Forms are the forms of all URLs, for messages.
func Forms() string {
	var forms []string
	for _, k := range kinds() {
		forms = append(forms, k.form)
	}
	last := len(forms) - 1
	return strings.Join(forms[:last], ", ") + " or " + forms[last]
}

// Help describes all kinds, one a line.
func Help() string {
	const width = 29 // the longest form and two spaces
	var b strings.Builder
	for _, k := range kinds() {
		b.WriteString("  " + k.form + strings.Repeat(" ", max(1, width-len(k.form))) + k.help + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
