package bucket

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/millrace/millrace/internal/parts"
)

// Location is a place in a bucket.
type Location struct {
	Bucket    string
	Prefix    string // slash-separated, without slashes around it; empty for the whole bucket
	Endpoint  string // URL of the server, http:// or https://; empty for Amazon's
	Region    string // empty: asked of the server
	PathStyle bool   // the bucket stands in the path and not in the host's name; also without it where the endpoint is an address
}

const locationForm = "s3://BUCKET/PREFIX?endpoint=URL&region=NAME&path-style=true"

// ParseLocation reads s3://BUCKET/PREFIX with the parameters endpoint, region and path-style. Parameters that are others' are given back.
func ParseLocation(text string) (l Location, rest url.Values, err error) {
	u, err := url.Parse(text)
	if err != nil { // which may quote a password
		return l, nil, errors.New("the location is not a URL: use " + locationForm)
	}
	if u.User != nil {
		return l, nil, fmt.Errorf("the location of bucket %s holds credentials: give them by the environment or a credentials file, not in the URL", u.Hostname())
	}
	if u.Scheme != "s3" || u.Opaque != "" || u.Fragment != "" {
		return l, nil, fmt.Errorf("the location of bucket %q: use %s", u.Host, locationForm)
	}
	rest, err = url.ParseQuery(u.RawQuery)
	if err != nil {
		return l, nil, fmt.Errorf("the location s3://%s%s: %w", u.Host, u.Path, err)
	}
	l = Location{Bucket: u.Host, Prefix: strings.TrimSuffix(strings.TrimPrefix(u.Path, "/"), "/"), Endpoint: rest.Get("endpoint"), Region: rest.Get("region")}
	if text := rest.Get("path-style"); text != "" {
		if l.PathStyle, err = strconv.ParseBool(text); err != nil {
			return l, nil, fmt.Errorf("the location %s: path-style=%s: use true or false", l, text)
		}
	}
	for _, own := range []string{"endpoint", "region", "path-style"} {
		rest.Del(own)
	}
	return l, rest, l.Validate()
}

// String is the location without its server: s3://bucket/prefix.
func (l Location) String() string { return "s3://" + strings.TrimSuffix(l.Bucket+"/"+l.Prefix, "/") }

// Below is the location at a slash-separated path below this one. Validate says whether it stays there.
func (l Location) Below(path string) Location {
	if l.Prefix != "" {
		path = l.Prefix + "/" + path
	}
	l.Prefix = path
	return l
}

// Validate says what is wrong with the location: a name that the protocol does not have, or a prefix that is not a plain path.
func (l Location) Validate() error {
	if err := s3utils.CheckValidBucketNameStrict(l.Bucket); err != nil {
		return fmt.Errorf("bucket %q: %w", l.Bucket, err)
	}
	if err := parts.CheckPath("the prefix in bucket "+l.Bucket, l.Prefix); err != nil {
		return err
	}
	if l.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(l.Endpoint)
	if err != nil || u.User != nil {
		return fmt.Errorf("the endpoint of %s is not a plain URL: use http://HOST:PORT or https://HOST", l)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return fmt.Errorf("the endpoint %s of %s: use http://HOST:PORT or https://HOST", l.Endpoint, l)
	}
	return nil
}

// Key is the name of an object of the location.
func (l Location) Key(name string) string {
	if l.Prefix == "" {
		return name
	}
	return l.Prefix + "/" + name
}
