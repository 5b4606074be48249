package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/minio/minio-go/v7"
)

// Small keeps small objects at a location.
type Small struct {
	Client *Client
	Place  Location
	Most   int64 // bytes that Get reads at most
}

// Get reads a small object, and a tag of its content. A missing one is fs.ErrNotExist.
func (s Small) Get(ctx context.Context, name string) (data []byte, tag string, err error) {
	r, info, _, err := s.Client.GetObject(ctx, s.Place.Bucket, s.Place.Key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, "", Classify(err)
	}
	defer r.Close()
	data, err = io.ReadAll(io.LimitReader(r, s.Most))
	return data, info.ETag, Classify(err)
}

// Put makes a small object whole. With an empty tag it may not exist, else it must still have the content of the tag; otherwise the error is fs.ErrExist.
func (s Small) Put(ctx context.Context, name string, data []byte, tag string) error {
	options := minio.PutObjectOptions{ContentType: "application/json"}
	if tag == "" {
		options.SetMatchETagExcept("*")
	} else {
		options.SetMatchETag(tag)
	}
	err := s.put(ctx, name, data, options)
	if Code(err) == NoSuchKey { // so some servers say that what was to be replaced is not there
		return errors.Join(fs.ErrExist, err)
	}
	if Code(err) != NotImplemented {
		return Classify(err)
	}
	// The server has no conditions; the mark is looked at again before anything depends on it.
	there, err := s.Client.StatObject(ctx, s.Place.Bucket, s.Place.Key(name), minio.StatObjectOptions{})
	if err := Classify(err); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if there.ETag != tag {
		return fmt.Errorf("%s/%s: %w", s.Place, name, fs.ErrExist)
	}
	return Classify(s.put(ctx, name, data, minio.PutObjectOptions{ContentType: options.ContentType}))
}

func (s Small) put(ctx context.Context, name string, data []byte, options minio.PutObjectOptions) error {
	_, err := s.Client.Client.PutObject(ctx, s.Place.Bucket, s.Place.Key(name), bytes.NewReader(data), int64(len(data)), options)
	return err
}
