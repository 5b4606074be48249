package lint

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/millrace/millrace/"

// A rule bounds what a package may depend on, directly or not.
type rule struct {
	packages string   // space-separated, from the module's root
	only     []string // beyond the standard library, only these and what is below them; nil for no such bound
	never    []string // nor these
	because  string
}

// Kinds of modules that a user of another package must not get.
var (
	drivers  = []string{"github.com/jackc/", "github.com/lib/pq", "modernc.org/", "github.com/mattn/go-sqlite3", "github.com/ncruces/go-sqlite3"}
	sql      = join(drivers, []string{"database/sql"})
	storage  = []string{"github.com/aws/", "github.com/minio/minio-go", "gocloud.dev", "cloud.google.com"}
	search   = []string{"github.com/elastic/", "github.com/opensearch-project/", "github.com/olivere/elastic"}
	terminal = []string{"github.com/spf13/", "github.com/urfave/", "github.com/schollz/", "github.com/jedib0t/"}
	pages    = []string{"gonum.org/", "github.com/prometheus/client_golang/prometheus/promhttp", module + "stream/web", module + "stream/prom", module + "stream/progress/chart"}
	broker   = []string{"github.com/twmb/"}
	kafka    = []string{"github.com/IBM/sarama"}
	testkits = []string{"testing", "github.com/stretchr/testify", "go.uber.org/goleak", "pgregory.net/rapid", module + "internal/oracle", module + "internal/loggen", module + "internal/testservers/servers"}
)

var rules = []rule{
	{packages: "source source/limit sink state window watermark", only: []string{},
		because: "it is a contract that others implement: keep it on the standard library, and put what needs more into a package below it"},
	{packages: "sink/version", only: []string{}, never: []string{"database/sql"},
		because: "it is a contract that catalogs and the replay of every kind of sink share: keep it on the standard library"},
	{packages: "sink/version/local sink/version/compare", only: []string{module + "sink/version", module + "internal/disk"}, never: []string{"database/sql"},
		because: "it knows catalogs by their contract only: take a version.Catalog or version.Reader"},
	{packages: "internal/flow internal/clock internal/disk internal/ledger internal/metrics internal/keygroup internal/partitioner internal/checkpoint", only: []string{module + "internal/flow"},
		because: "it is a leaf of the engine: give it what it needs as a parameter"},
	{packages: "internal/runtime internal/keyed internal/windowing internal/exchange",
		only: []string{
			module + "internal/checkpoint", module + "internal/clock", module + "internal/exchange", module + "internal/flow", module + "internal/keyed", module + "internal/ledger", module + "internal/metrics", module + "internal/runtime", module + "internal/windowing",
			module + "source", module + "source/limit", module + "sink", module + "state", module + "watermark", module + "window",
		},
		never:   []string{module + "state/pebble", module + "state/memory", module + "source/kafka", module + "stream"},
		because: "the engine knows drivers by their contracts only: take a source.Source, sink.Sink or state.Store"},
	{packages: "stream stream/explain stream/progress stream/replay", never: join(sql, storage, search, terminal, broker, kafka, pages, testkits),
		because: "everyone who imports stream builds it: move the import to the connector that needs it"},
	{packages: "source/kafka source/kafka/cluster source/kafka/topic", never: join(sql, storage, search, terminal, broker, testkits, []string{module + "stream", module + "internal/runtime"}),
		because: "it is in the build of everyone who reads Kafka: move the import to a package of its own, as source/kafka/embedded is"},
	{packages: "source/file source/memory source/generator sink/kafka sink/file sink/format sink/memory sink/print sink/postgres sink/sqlite sink/elastic sink/table sink/parquet internal/parts state/memory state/pebble codec",
		never:   append([]string{module + "stream", module + "internal/runtime", module + "internal/windowing"}, join(storage, search, terminal, testkits)...),
		because: "a connector imports its contract and its driver, never the engine"},
	{packages: "state/savepoint", never: append([]string{module + "state/pebble", module + "state/memory", module + "stream", module + "source/kafka"}, join(sql, storage, search, terminal, broker, kafka, testkits)...),
		because: "it is of no backend: take a state.Store or a state.Backend"},
	{packages: "state/checkpoint", never: append([]string{module + "state/pebble", module + "state/memory", module + "stream", module + "source/kafka"}, join(sql, storage, search, terminal, broker, kafka, testkits)...),
		because: "stream imports it: a place that needs a client is a package of its own, as state/checkpoint/s3 is"},
	{packages: "state/inspect", never: append([]string{module + "stream", module + "source/kafka", "github.com/parquet-go/"}, join(sql, storage, search, terminal, broker, kafka, testkits)...),
		because: "it looks at what lies on a disk: a program gives it its codecs"},
	{packages: "state/inspect/parquet", never: append([]string{module + "stream", module + "source/kafka"}, join(sql, storage, search, terminal, broker, kafka, testkits)...),
		because: "it writes what state/inspect reads, as sink/parquet does"},
	{packages: "stream/web stream/prom stream/progress/chart", never: join(drivers, storage, search, terminal, broker, kafka, testkits),
		because: "it shows jobs of any kind: take a stream.Job or a progress.Recorder"},
	{packages: "bench/nexmark", never: join(sql, storage, search, terminal, broker, kafka, testkits),
		because: "it is data and queries for jobs of any kind: connect what feeds or reads them in the program that runs them"},
	{packages: "sink/kafka sink/file sink/format internal/parts sink/parquet sink/s3 sink/version/files sink/memory sink/print sink/table codec source/file source/memory source/generator", never: sql,
		because: "SQL drivers belong to the sink of their database"},
	{packages: "sink/file sink/format internal/parts sink/s3", never: []string{"github.com/parquet-go/", module + "sink/parquet"},
		because: "whoever writes other formats should not build Parquet: it is a format like others, made in sink/parquet"},
	{packages: "sink/s3", never: join(search, terminal, testkits, kafka, []string{module + "stream", module + "internal/runtime", module + "internal/windowing"}), because: "it is the sink of object stores, and knows the engine by its contract only"},
	{packages: "codec/compat codec/compat/protofile codec/registry codec/registry/embedded", never: append([]string{module + "stream", module + "internal/runtime", module + "source/kafka", module + "sink/kafka"}, join(sql, storage, search, terminal, kafka, testkits)...),
		because: "a codec is between any source and any sink: it imports the contracts, package codec, and what speaks to the registry"},
	{packages: "codec source/kafka sink/kafka stream", never: []string{"github.com/bufbuild/", module + "codec/registry", module + "codec/compat/protofile"},
		because: "who has no schema registry builds no compiler of schemas: compose a registry's codec in the program"},
	{packages: "sink/postgres", never: append([]string{"modernc.org/"}, kafka...), because: "it is one database's sink"},
	{packages: "sink/sqlite", never: append([]string{"github.com/jackc/"}, kafka...), because: "it is one database's sink"},
	{packages: "sink/elastic", never: join(sql, kafka), because: "it is one kind of server's sink, and needs net/http alone"},
}

func join(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func TestImportPolicy(t *testing.T) {
	for _, r := range rules {
		for pkg := range strings.FieldsSeq(r.packages) {
			t.Run(pkg, func(t *testing.T) {
				for _, d := range dependencies(t, pkg) {
					if d.path == module+pkg {
						continue
					}
					if under(d.path, r.never) {
						t.Errorf("%s depends on %s and must not: %s (find the way with: go mod why %s)", pkg, d.path, r.because, d.path)
					} else if r.only != nil && !d.standard && !under(d.path, r.only) {
						t.Errorf("%s depends on %s; allowed are the standard library%s: %s", pkg, d.path, also(r.only), r.because)
					}
				}
			})
		}
	}
}

func also(only []string) string {
	if len(only) == 0 {
		return ""
	}
	return " and " + strings.ReplaceAll(strings.Join(only, ", "), module, "")
}

// under reports whether path is one of the prefixes: a package of this module by its exact path, anything else by how it begins.
func under(path string, prefixes []string) bool {
	for _, p := range prefixes {
		prefix := !strings.HasPrefix(p, module) && strings.Contains(p, ".")
		if path == p || prefix && strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

type dependency struct {
	path     string
	standard bool
}

// dependencies are all packages that building pkg builds, tests left out.
func dependencies(t *testing.T, pkg string) []dependency {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}", "./"+pkg)
	list.Dir = root
	var problems strings.Builder
	list.Stderr = &problems
	out, err := list.Output()
	require.NoError(t, err, "go list -deps ./%s: %s", pkg, problems.String())
	var deps []dependency
	for line := range strings.Lines(string(out)) {
		path, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
		deps = append(deps, dependency{path, standard == "true"})
	}
	require.NotEmpty(t, deps)
	return deps
}
