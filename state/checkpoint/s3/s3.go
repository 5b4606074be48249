// Package s3 keeps checkpoints in an object store that speaks the S3 protocol, below a prefix of a bucket.
//
// Files are uploaded in pieces, so memory is bounded by one piece. Small objects are written under conditions (If-Match, If-None-Match); of two writers at a server that ignores
// these, one may not see the other at once, but does before it adds or removes the next time. Uploads that a crash cut short are no objects: a rule of the bucket that aborts
// incomplete uploads after some days takes them away.
//
// Credentials come from an option, the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), the shared credentials file, or, without an endpoint of
// one's own, from the machine's role. They are never part of a location, a name or an error.
package s3

import (
	"context"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/internal/bucket"
	"github.com/millrace/millrace/state/checkpoint"
)

// Location is a place in a bucket.
type Location = bucket.Location

// ParseLocation reads s3://BUCKET/PREFIX with the parameters endpoint, region and path-style. Parameters that are others' are given back.
func ParseLocation(text string) (l Location, rest url.Values, err error) {
	return bucket.ParseLocation(text)
}

// Option sets one property of a place.
type Option func(*storage)

// Credentials are the key's id, its secret and, for temporary ones, the session's token.
func Credentials(id, secret, token string) Option {
	return func(s *storage) { s.access.ID, s.access.Secret, s.access.Token = id, secret, token }
}

// CredentialsFile is a shared credentials file, empty for the usual one, and the profile in it, empty for the default; the environment's key is then not used.
func CredentialsFile(path, profile string) Option {
	return func(s *storage) { s.access.File, s.access.Profile = path, profile }
}

// Storage is the place at a location. It connects when it is first used, and again after that failed.
func Storage(l Location, options ...Option) checkpoint.Storage {
	s := &storage{place: l}
	for _, o := range options {
		o(s)
	}
	return s
}

// manifestBytes bounds a manifest: some 200 bytes a file.
const manifestBytes = 64 << 20

type storage struct {
	place  Location
	access bucket.Access

	mu     sync.Mutex // guards what follows
	client *bucket.Client
}

func (s *storage) String() string { return s.place.String() }

// connect returns the client. Two that connect at a time both do.
func (s *storage) connect(ctx context.Context) (*bucket.Client, error) {
	s.mu.Lock()
	client := s.client
	s.mu.Unlock()
	if client != nil {
		return client, nil
	}
	if err := s.place.Validate(); err != nil {
		return nil, err
	}
	client, err := bucket.Connect(ctx, s.place, s.access)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client
	return client, nil
}

func (s *storage) small(client *bucket.Client) bucket.Small {
	return bucket.Small{Client: client, Place: s.place, Most: manifestBytes}
}

func (s *storage) Get(ctx context.Context, name string) (data []byte, tag string, err error) {
	client, err := s.connect(ctx)
	if err != nil {
		return nil, "", err
	}
	return s.small(client).Get(ctx, name)
}

func (s *storage) Put(ctx context.Context, name string, data []byte, tag string) error {
	client, err := s.connect(ctx)
	if err != nil {
		return err
	}
	return s.small(client).Put(ctx, name, data, tag)
}

func (s *storage) Upload(ctx context.Context, name, path string, size int64) error {
	client, err := s.connect(ctx)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	return s.upload(ctx, client, name, f, size)
}

func (s *storage) Download(ctx context.Context, name string) (io.ReadCloser, error) {
	client, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	r, _, _, err := client.GetObject(ctx, s.place.Bucket, s.place.Key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, bucket.Classify(err)
	}
	return r, nil
}

func (s *storage) List(ctx context.Context, prefix string, visit func(checkpoint.Entry)) error {
	client, err := s.connect(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	for o := range client.Client.ListObjectsIter(ctx, s.place.Bucket, minio.ListObjectsOptions{Prefix: s.place.Key(prefix), Recursive: true, MaxKeys: 1000}) {
		if o.Err != nil {
			return bucket.Classify(o.Err)
		}
		name := strings.TrimPrefix(o.Key, s.place.Key(""))
		if name != "" && !strings.HasSuffix(name, "/") { // a console's marks for folders
			visit(checkpoint.Entry{Name: name, Size: o.Size, Modified: o.LastModified})
		}
	}
	return context.Cause(ctx)
}

func (s *storage) Remove(ctx context.Context, name string) error {
	client, err := s.connect(ctx)
	if err != nil {
		return err
	}
	err = bucket.Classify(client.RemoveObject(ctx, s.place.Bucket, s.place.Key(name), minio.RemoveObjectOptions{}))
	if bucket.Missing(err) {
		return nil
	}
	return err
}
