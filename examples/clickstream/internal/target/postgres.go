package target

import (
	"errors"
	"net/url"
	"strings"

	"github.com/millrace/millrace/sink/postgres"
	"github.com/millrace/millrace/sink/table"
	"github.com/millrace/millrace/sink/version"
)

var postgresKind = kind{
	name: "postgres", also: []string{"postgresql"}, form: "postgres://...?table=T", help: "a PostgreSQL database; T may have a schema, as web.sessions; the password may come from PGPASSWORD",
	tables: true,
	parse: func(scheme, rest string) (path, name string, err error) {
		u, err := url.Parse(scheme + ":" + rest)
		if err != nil { // which quotes the password
			return "", "", errors.New("the connection string is not a URL; special characters in user and password are written as %XX")
		}
		q, err := url.ParseQuery(u.RawQuery)
		if err != nil {
			return "", "", err
		}
		name = q.Get("table")
		q.Del("table")
		u.RawQuery = q.Encode()
		return u.String(), name, nil
	},
	checkTable: func(name string) error {
		for _, part := range strings.SplitN(name, ".", 2) {
			if err := table.CheckName(part); err != nil {
				return err
			}
		}
		return nil
	},
	catalog: func(t Target) (version.Catalog, error) { return postgres.Versions(t.Path, t.Result) },
}
