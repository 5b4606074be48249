package s3

import (
	"net/url"

	"github.com/millrace/millrace/internal/bucket"
)

// Location is a place in a bucket.
type Location = bucket.Location

// ParseLocation reads s3://BUCKET/PREFIX with the parameters endpoint, region and path-style. Parameters that are others' are given back.
func ParseLocation(text string) (l Location, rest url.Values, err error) {
	return bucket.ParseLocation(text)
}
