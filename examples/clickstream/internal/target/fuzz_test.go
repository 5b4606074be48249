package target

import (
	"strings"
	"testing"
)

// Whatever is given for a sink, it is one or an error that says what, and a password in it is never shown.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"sqlite:x.db?table=s2", "postgres://u:PASSWORD@h/d?table=web.t", "host=h password=PASSWORD dbname=d", "csv:out/{version}/a.csv", "parquet:out/", "kafka:clicks-{version}?exactly-once",
		"elastic:http://u:PASSWORD@h:9200?table=t", "s3://bucket/a/b?endpoint=http://127.0.0.1:1&path-style=true", "print:", ":", "postgres:?%zz", "",
	} {
		f.Add(s, "v2")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		const secret = "PASSWORD"
		got, err := Parse(text, "sessions", version)
		shown := got.String()
		if err != nil {
			shown = err.Error()
			if !strings.Contains(shown, " ") {
				t.Errorf("%q says nothing", shown)
			}
		} else if got.Place() == "" && got.Kind != "print" {
			t.Errorf("%+v has no place", got)
		}
		// Where a URL has it as such: between its user and an @.
		if at := strings.Index(text, ":"+secret+"@"); at > 0 && strings.Count(text, "@") == 1 && strings.Contains(text[:at], "://") && !strings.ContainsAny(text[strings.Index(text, "://")+3:at], ":/ \t\n\v\f\r\u0085\u00a0") &&
			strings.Contains(shown, secret) && strings.Count(text, secret) == 1 && !strings.Contains(version, secret) {
			t.Errorf("%q shows the password of %q", shown, text)
		}
	})
}
