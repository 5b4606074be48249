package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/internal/parts"
)

// smallBytes bounds the small objects beside the parts.
const smallBytes = 1 << 20

// store is a prefix of a bucket.
type store struct {
	client      *minio.Core
	place       Location
	contentType string
	pieceBytes  int64
}

// Close has nothing to give back: the client's idle connections end by themselves.
func (s *store) Close() error { return nil }

func (s *store) Get(ctx context.Context, name string) (data []byte, tag string, err error) {
	r, info, _, err := s.client.GetObject(ctx, s.place.Bucket, s.place.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, "", classify(err)
	}
	defer r.Close()
	data, err = io.ReadAll(io.LimitReader(r, smallBytes))
	return data, info.ETag, classify(err)
}

func (s *store) Put(ctx context.Context, name string, data []byte, tag string) error {
	options := minio.PutObjectOptions{ContentType: "application/json"}
	if tag == "" {
		options.SetMatchETagExcept("*")
	} else {
		options.SetMatchETag(tag)
	}
	err := s.put(ctx, name, data, options)
	if code(err) != notImplemented {
		return classify(err)
	}
	// The server has no conditions; the mark is looked at again before anything depends on it.
	there, err := s.client.StatObject(ctx, s.place.Bucket, s.place.key(name), minio.StatObjectOptions{})
	if err := classify(err); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if there.ETag != tag {
		return fmt.Errorf("%s/%s: %w", s.place, name, fs.ErrExist)
	}
	return classify(s.put(ctx, name, data, minio.PutObjectOptions{ContentType: options.ContentType}))
}

func (s *store) put(ctx context.Context, name string, data []byte, options minio.PutObjectOptions) error {
	_, err := s.client.Client.PutObject(ctx, s.place.Bucket, s.place.key(name), bytes.NewReader(data), int64(len(data)), options)
	return err
}

func (s *store) List(ctx context.Context, prefix, after string, limit int) (names []string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	options := minio.ListObjectsOptions{Prefix: s.place.key(prefix), Recursive: true, MaxKeys: 1000}
	if after != "" {
		options.StartAfter = s.place.key(after)
	}
	for o := range s.client.Client.ListObjectsIter(ctx, s.place.Bucket, options) {
		if o.Err != nil {
			return nil, classify(o.Err)
		}
		name := strings.TrimPrefix(o.Key, s.place.key(""))
		if name == "" || name <= after { // a console's mark for the folder itself; a server that begins at the beginning
			continue
		}
		if names = append(names, name); len(names) >= limit {
			break
		}
	}
	slices.Sort(names)
	return names, nil
}

// Discard aborts the subtask's uploads that are not in keep.
func (s *store) Discard(ctx context.Context, subtask int, keep []parts.Prepared) error {
	prefix := s.place.key(parts.Prefix(subtask) + "-")
	var keyMarker, uploadMarker string
	for {
		page, err := s.client.ListMultipartUploads(ctx, s.place.Bucket, prefix, keyMarker, uploadMarker, "", 1000)
		if code(err) == noSuchUpload {
			return nil // so some servers say that there is none
		}
		if err != nil {
			return classify(err)
		}
		for _, u := range page.Uploads {
			name, mine := strings.CutPrefix(u.Key, s.place.key(""))
			if n, ok := parts.ParseName(name); !mine || !ok || n.Subtask != subtask {
				continue
			}
			if slices.ContainsFunc(keep, func(p parts.Prepared) bool { return p.Upload == u.UploadID }) {
				continue
			}
			if err := s.abort(ctx, name, u.UploadID); err != nil {
				return err
			}
		}
		if !page.IsTruncated || page.NextKeyMarker == keyMarker && page.NextUploadIDMarker == uploadMarker {
			return nil
		}
		keyMarker, uploadMarker = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

func (s *store) abort(ctx context.Context, name, upload string) error {
	err := s.client.AbortMultipartUpload(ctx, s.place.Bucket, s.place.key(name), upload)
	if code(err) == noSuchUpload {
		return nil
	}
	return classify(err)
}

// Show completes a prepared upload, unless that was done before.
func (s *store) Show(ctx context.Context, p parts.Prepared, _ string) error {
	shown, err := s.shown(ctx, p)
	if err != nil || shown {
		return err
	}
	pieces := make([]minio.CompletePart, len(p.ETags))
	for i, tag := range p.ETags {
		pieces[i] = minio.CompletePart{PartNumber: i + 1, ETag: tag}
	}
	var options minio.PutObjectOptions
	options.SetMatchETagExcept("*")
	_, err = s.client.CompleteMultipartUpload(ctx, s.place.Bucket, s.place.key(p.Name), p.Upload, pieces, options)
	if code(err) == notImplemented {
		_, err = s.client.CompleteMultipartUpload(ctx, s.place.Bucket, s.place.key(p.Name), p.Upload, pieces, minio.PutObjectOptions{})
	}
	if err == nil {
		return nil
	}
	err = classify(err)
	if code(err) != noSuchUpload && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// An answer that was lost may have been a success, which the server is now done with.
	if shown, again := s.shown(ctx, p); again != nil || shown {
		return again
	}
	return fmt.Errorf("%w: neither the object %s/%s nor its upload is there: a rule of the bucket has aborted the upload, or the object was taken away before the next checkpoint; "+
		"put the object back, or start a new version: %w", ErrDamaged, s.place, p.Name, err)
}

// shown says whether the object is there and is the one that was prepared.
func (s *store) shown(ctx context.Context, p parts.Prepared) (bool, error) {
	info, err := s.client.StatObject(ctx, s.place.Bucket, s.place.key(p.Name), minio.StatObjectOptions{})
	if err := classify(err); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	token := info.Metadata.Get("X-Amz-Meta-" + tokenMetadata)
	if info.Size != p.Length || token != p.Token && (token != "" || info.ETag != etagOf(p.ETags)) {
		return false, fmt.Errorf("%w: the object %s/%s is not the one that this job prepared (it has %d bytes, not %d, or was written by another)", ErrExists, s.place, p.Name, info.Size, p.Length)
	}
	return true, nil
}
