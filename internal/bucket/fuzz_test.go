package bucket

import (
	"strings"
	"testing"
)

// A location that is read is written so that it is read again as the same; one with credentials is refused, and they are not shown.
func FuzzParseLocation(f *testing.F) {
	for _, s := range []string{
		"s3://bucket/a/b", "s3://bucket", "s3://u:SECRET@bucket/a", "s3://bucket/a?endpoint=http://127.0.0.1:9000&region=eu&path-style=true&else=1", "s3://bucket/../x", "s3:bucket", "s3://bucket/a%2fb", "s3://b\x00/", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, _, err := ParseLocation(text)
		if err != nil {
			if strings.HasPrefix(text, "s3://u:SECRET@") && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%q shows the secret of %q", err, text)
			}
			return
		}
		if err := l.Validate(); err != nil {
			t.Errorf("%q was taken and is not valid: %v", text, err)
		}
		if strings.Contains(l.Prefix, "%") || strings.ContainsAny(l.Prefix, "?#") {
			return // which a URL writes otherwise
		}
		again, _, err := ParseLocation(l.String())
		if err != nil || again.Bucket != l.Bucket || again.Prefix != l.Prefix {
			t.Errorf("%q is written as %q and read as %+v, %v", text, l, again, err)
		}
	})
}
