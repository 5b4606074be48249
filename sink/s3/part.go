package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/internal/bucket"
	"github.com/millrace/millrace/internal/parts"
)

// Metadata of objects: the run that wrote it, and a random token that tells its upload from any other.
const (
	runMetadata   = "Millrace-Run"
	tokenMetadata = "Millrace-Upload"
)

// abortTimeout bounds the farewell to an upload that nobody needs.
const abortTimeout = 10 * time.Second

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// part is a multipart upload that grows. Its buffer holds what is not yet a piece.
type part struct {
	store    *store
	buf      []byte
	prepared parts.Prepared
	done     bool
}

func (s *store) Begin(ctx context.Context, name parts.Name, run string) (parts.Part, error) {
	p := &part{store: s, prepared: parts.Prepared{Name: name.String(), Token: rand.Text()}}
	var err error
	p.prepared.Upload, err = s.Client.NewMultipartUpload(ctx, s.Place.Bucket, s.Place.Key(p.prepared.Name), minio.PutObjectOptions{
		ContentType:  s.contentType,
		UserMetadata: map[string]string{runMetadata: run, tokenMetadata: p.prepared.Token},
	})
	if err != nil {
		return nil, bucket.Classify(err)
	}
	return p, nil
}

// Write uploads what it has before it takes more, so that an error leaves the data to the caller.
func (p *part) Write(ctx context.Context, data []byte) error {
	if err := p.drain(ctx); err != nil {
		return err
	}
	p.buf = append(p.buf, data...)
	p.prepared.Length += int64(len(data))
	p.prepared.Sum = crc32.Update(p.prepared.Sum, castagnoli, data)
	return nil
}

func (p *part) drain(ctx context.Context) error {
	for n := int(p.store.pieceBytes); len(p.buf) >= n; {
		if err := p.upload(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// upload makes the buffer's first n bytes the next piece.
func (p *part) upload(ctx context.Context, n int) error {
	number := len(p.prepared.ETags) + 1
	if number > mostPieces {
		return fmt.Errorf("%s: more than %d pieces: let objects be full sooner, or pieces be larger", p.prepared.Name, mostPieces)
	}
	// Both sums are checked by the server; with the second the request is signed as a whole, which all servers understand.
	sum, signed := md5.Sum(p.buf[:n]), sha256.Sum256(p.buf[:n])
	piece, err := p.store.Client.PutObjectPart(ctx, p.store.Place.Bucket, p.store.Place.Key(p.prepared.Name), p.prepared.Upload, number,
		bytes.NewReader(p.buf[:n]), int64(n), minio.PutObjectPartOptions{Md5Base64: base64.StdEncoding.EncodeToString(sum[:]), Sha256Hex: hex.EncodeToString(signed[:]), DisableContentSha256: true})
	if err != nil {
		return bucket.Classify(err)
	}
	p.prepared.ETags = append(p.prepared.ETags, piece.ETag)
	p.buf = slices.Delete(p.buf, 0, n)
	return nil
}

func (p *part) Prepare(ctx context.Context) (parts.Prepared, error) {
	if err := p.drain(ctx); err != nil {
		return p.prepared, err
	}
	if len(p.buf) > 0 || len(p.prepared.ETags) == 0 {
		if err := p.upload(ctx, len(p.buf)); err != nil {
			return p.prepared, err
		}
	}
	p.done = true
	return p.prepared, nil
}

// Close aborts an upload that was not prepared. Where that fails, the next start of the task finds it.
func (p *part) Close() error {
	p.buf = nil
	if p.done {
		return nil
	}
	p.done = true
	ctx, cancel := context.WithTimeout(context.Background(), abortTimeout)
	defer cancel()
	return p.store.abort(ctx, p.prepared.Name, p.prepared.Upload)
}

// etagOf is the tag that servers give to an object of several pieces.
func etagOf(pieces []string) string {
	h := md5.New()
	for _, tag := range pieces {
		sum, err := hex.DecodeString(tag)
		if err != nil {
			return ""
		}
		h.Write(sum)
	}
	return fmt.Sprintf("%x-%d", h.Sum(nil), len(pieces))
}
