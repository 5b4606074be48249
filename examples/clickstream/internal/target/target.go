// Package target understands --sink URLs: where the rows of a table go, and how the place of a version is called.
//
// A URL names a result and not a version of it. In a database ?table= is the name that readers use, a view; version v2 of sessions is the table sessions_v2. In the
// path of a file or topic {version} stands for the version's name; a path without it is taken as it is. A directory or prefix is a root: version v2 of sessions is in
// sessions/v2 below it.
//
// Each kind of target is a file of its own: its entry in kinds, and a case in Open.
package target

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/files"
	"github.com/millrace/millrace/sink/version/local"
)

// FirstVersion is the version of a result that nobody has named otherwise.
const FirstVersion = "v1"

// placeholder stands for the version's name in a path.
const placeholder = "{version}"

// Target is where the rows of one table of one version go. Path may hold a password; String does not.
type Target struct {
	Kind    string // sqlite, postgres, csv, ...: the name of an entry of kinds; "" is no target
	Path    string // file, connection string, topic or location, with the version's name in it where it has one
	Reader  string // the name of the table that readers use, with a schema where it was given one
	Version string
	Exact   bool // each row once, by transactions
	// Result names what the versions are versions of in its catalog: in a database its first table, elsewhere the URL.
	Result string
}

// Parse reads a --sink URL. The table is the one of the URL, and otherwise reader.
func Parse(text, reader, versionName string) (Target, error) {
	if err := version.CheckName(versionName); err != nil {
		return Target{}, err
	}
	scheme, rest, ok := strings.Cut(text, ":")
	k, known := kindOf(scheme)
	if dir, also := kindOf(scheme + "/"); also && strings.HasSuffix(rest, "/") {
		k = dir
	}
	if !ok || !known {
		return Target{}, fmt.Errorf("sink %s: use %s", Redact(text), Forms())
	}
	exact := false
	if k.exact {
		rest, exact = strings.CutSuffix(rest, exactlyOnce)
	}
	path, table, err := k.parse(scheme, rest)
	if err != nil {
		return Target{}, fmt.Errorf("sink %s: %w", Redact(text), err)
	}
	if path == "" && !k.noPath {
		return Target{}, fmt.Errorf("sink %s: it has no path: use %s", Redact(text), k.form)
	}
	t := Target{Kind: k.name, Path: path, Reader: reader, Version: versionName, Exact: exact, Result: strings.TrimSuffix(k.name, "/") + ":" + path}
	if strings.HasPrefix(path, k.name+":") { // a path that is a URL of its own
		t.Result = path
	}
	if table != "" {
		t.Reader = table
	}
	if k.tables {
		t.Result = t.Reader
	}
	if !k.tables {
		if k.shared && versionName != FirstVersion && !strings.Contains(path, placeholder) {
			return Target{}, fmt.Errorf("sink %s: all versions would be mixed there: put %s into the name, as %s:%s-%s", Redact(text), placeholder, k.name, path, placeholder)
		}
		t.Path = strings.ReplaceAll(path, placeholder, versionName)
		return t, nil
	}
	if strings.HasSuffix(t.Reader, "_"+versionName) {
		return Target{}, fmt.Errorf("sink %s: table= is the name that readers use, and --version %s adds _%s to it: say table=%s",
			Redact(text), versionName, versionName, strings.TrimSuffix(t.Reader, "_"+versionName))
	}
	if err := t.checkTable(); err != nil {
		return Target{}, fmt.Errorf("sink %s: %w", t, err)
	}
	return t, nil
}

// checkTable lets only plain names into databases.
func (t Target) checkTable() error {
	for _, name := range []string{t.Reader, t.Table()} {
		if err := t.kind().checkTable(name); err != nil {
			return fmt.Errorf("table %q: %w", name, err)
		}
	}
	return nil
}

// Table is the table that holds the version's rows, in a database; "" elsewhere.
func (t Target) Table() string {
	if !t.kind().tables {
		return ""
	}
	return t.Reader + "_" + t.Version
}

// Place is where the version's rows are, as a catalog of versions records it: a table, a file, a topic.
func (t Target) Place() string {
	if name := t.Table(); name != "" {
		return name
	}
	if below := t.kind().below; below != nil {
		return below(t.Path, t.name())
	}
	return t.Path
}

// name is what a place below a root is called.
func (t Target) name() string { return t.Reader + "/" + t.Version }

// Beside is where rows go that belong to those at t: another table of the same database, or a file or topic beside it. The name is the one of the table, such as
// metrics: sessions and metrics become session_metrics.
func (t Target) Beside(name string) (Target, error) {
	b, k := t, t.kind()
	b.Reader = strings.TrimSuffix(t.Reader, "s") + "_" + name
	if k.tables {
		return b, b.checkTable()
	}
	if k.beside != nil {
		b.Path = k.beside(t.Path, name)
	}
	return b, nil
}

// Catalog opens the catalog of the result's versions: in its database, or in the file versions.json of the data directory. It connects to nothing yet.
func (t Target) Catalog(dataDir string) (version.Catalog, error) {
	if open := t.kind().catalog; open != nil {
		return open(t)
	}
	path := filepath.Join(dataDir, "versions.json")
	if t.kind().below != nil {
		return files.Open(path, t.Result, t.files), nil
	}
	return local.Open(path, t.Result), nil
}

// Same reports whether two targets of one version are in one database, so that a switch can move both.
func (t Target) Same(o Target) bool { return t.Kind == o.Kind && t.Database() && t.Path == o.Path }

// Database reports whether the rows are in a table that can be asked.
func (t Target) Database() bool { return t.kind().tables }

// Fresh says why a run that has no state must not begin to write here; nil if it may.
func (t Target) Fresh() error {
	if fresh := t.kind().fresh; fresh != nil {
		return fresh(t.Path)
	}
	return nil
}

// Hidden is where rows are before the job has ended, for a target that shows them only then; "" for any other.
func (t Target) Hidden() string {
	if hidden := t.kind().hidden; hidden != nil {
		return hidden(t.Path)
	}
	return ""
}

// String names the target without a password.
func (t Target) String() string {
	path := Redact(t.Path)
	if t.kind().below != nil {
		path = t.Place()
	}
	if describe := t.kind().describe; describe != nil {
		path = describe(path)
	}
	if name := t.Table(); name != "" {
		return "table " + name + " of " + path
	}
	if t.Exact {
		path += ", exactly once"
	}
	return path
}

func (t Target) kind() kind {
	k, _ := kindOf(t.Kind)
	return k
}

func kindOf(scheme string) (kind, bool) {
	i := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == scheme || slices.Contains(k.also, scheme) })
	if i < 0 {
		return kind{}, false
	}
	return kinds()[i], true
}
