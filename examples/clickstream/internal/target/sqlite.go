package target

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/millrace/millrace/sink/sqlite"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

var sqliteKind = kind{
	name: "sqlite", form: "sqlite:PATH?table=T", help: "a SQLite file, made if missing; readers use the view T, sessions by default",
	tables: true,
	parse: func(_, rest string) (path, name string, err error) {
		path, query, _ := strings.Cut(rest, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return "", "", err
		}
		for name := range values {
			if name != "table" {
				return "", "", fmt.Errorf("parameter %s is not known: only table is", name)
			}
		}
		return path, values.Get("table"), nil
	},
	checkTable: table.CheckName,
	catalog:    func(t Target) (version.Catalog, error) { return sqlite.Versions(t.Path, t.Result) },
}
