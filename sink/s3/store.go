package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/internal/bucket"
	"github.com/millrace/millrace/internal/parts"
)

// store is a prefix of a bucket.
type store struct {
	bucket.Small
	contentType string
	pieceBytes  int64
}

// Close closes the client's connections.
func (s *store) Close() error {
	s.Client.Close()
	return nil
}

func (s *store) List(ctx context.Context, prefix, after string, limit int) (names []string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	options := minio.ListObjectsOptions{Prefix: s.Place.Key(prefix), Recursive: true, MaxKeys: 1000}
	if after != "" {
		options.StartAfter = s.Place.Key(after)
	}
	for o := range s.Client.Client.ListObjectsIter(ctx, s.Place.Bucket, options) {
		if o.Err != nil {
			return nil, bucket.Classify(o.Err)
		}
		name := strings.TrimPrefix(o.Key, s.Place.Key(""))
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
	prefix := s.Place.Key(parts.Prefix(subtask) + "-")
	var keyMarker, uploadMarker string
	for {
		page, err := s.Client.ListMultipartUploads(ctx, s.Place.Bucket, prefix, keyMarker, uploadMarker, "", 1000)
		if bucket.Code(err) == bucket.NoSuchUpload {
			return nil // so some servers say that there is none
		}
		if err != nil {
			return bucket.Classify(err)
		}
		for _, u := range page.Uploads {
			name, mine := strings.CutPrefix(u.Key, s.Place.Key(""))
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
	err := s.Client.AbortMultipartUpload(ctx, s.Place.Bucket, s.Place.Key(name), upload)
	if bucket.Code(err) == bucket.NoSuchUpload {
		return nil
	}
	return bucket.Classify(err)
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
	_, err = s.Client.CompleteMultipartUpload(ctx, s.Place.Bucket, s.Place.Key(p.Name), p.Upload, pieces, options)
	if bucket.Code(err) == bucket.NotImplemented {
		_, err = s.Client.CompleteMultipartUpload(ctx, s.Place.Bucket, s.Place.Key(p.Name), p.Upload, pieces, minio.PutObjectOptions{})
	}
	if err == nil {
		return nil
	}
	err = bucket.Classify(err)
	if bucket.Code(err) != bucket.NoSuchUpload && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// An answer that was lost may have been a success, which the server is now done with.
	if shown, again := s.shown(ctx, p); again != nil || shown {
		return again
	}
	return fmt.Errorf("%w: neither the object %s/%s nor its upload is there: a rule of the bucket has aborted the upload, or the object was taken away before the next checkpoint; "+
		"put the object back, or start a new version: %w", ErrDamaged, s.Place, p.Name, err)
}

// shown says whether the object is there and is the one that was prepared.
func (s *store) shown(ctx context.Context, p parts.Prepared) (bool, error) {
	info, err := s.Client.StatObject(ctx, s.Place.Bucket, s.Place.Key(p.Name), minio.StatObjectOptions{})
	if err := bucket.Classify(err); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	token := info.Metadata.Get("X-Amz-Meta-" + tokenMetadata)
	if info.Size != p.Length || token != p.Token && (token != "" || info.ETag != etagOf(p.ETags)) {
		return false, fmt.Errorf("%w: the object %s/%s is not the one that this job prepared (it has %d bytes, not %d, or was written by another)", ErrExists, s.Place, p.Name, info.Size, p.Length)
	}
	return true, nil
}
