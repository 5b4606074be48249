package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/internal/bucket"
)

const (
	leastPiece = 8 << 20
	mostPieces = 10_000 // by the protocol
	// abortTimeout bounds the farewell to an upload that failed.
	abortTimeout = 10 * time.Second
)

// piece is what one request holds. Both sums are checked by the server; with the second the request is signed as a whole, which all servers understand.
type piece struct {
	data              []byte
	md5Base64, sha256 string
}

func newPiece(data []byte) piece {
	sum, signed := md5.Sum(data), sha256.Sum256(data)
	return piece{data, base64.StdEncoding.EncodeToString(sum[:]), hex.EncodeToString(signed[:])}
}

var objectOptions = minio.PutObjectOptions{ContentType: "application/octet-stream", DisableContentSha256: true}

// upload sends a file at once, or in pieces, of which it holds one at a time.
func (s *storage) upload(ctx context.Context, client *bucket.Client, name string, f io.Reader, size int64) error {
	buf := make([]byte, min(size, max(leastPiece, size/mostPieces+1)))
	n, err := io.ReadFull(f, buf)
	if err != nil && size > 0 {
		return err
	}
	p, key := newPiece(buf[:n]), s.place.Key(name)
	if int64(n) == size {
		_, err = client.PutObject(ctx, s.place.Bucket, key, bytes.NewReader(p.data), size, p.md5Base64, p.sha256, objectOptions)
		return bucket.Classify(err)
	}
	upload, err := client.NewMultipartUpload(ctx, s.place.Bucket, key, objectOptions)
	if err != nil {
		return bucket.Classify(err)
	}
	if err := s.pieces(ctx, client, key, upload, p, f, size); err != nil {
		farewell, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		return errors.Join(bucket.Classify(err), bucket.Classify(client.AbortMultipartUpload(farewell, s.place.Bucket, key, upload)))
	}
	return nil
}

// pieces sends the first piece and what follows of f, and makes an object of them.
func (s *storage) pieces(ctx context.Context, client *bucket.Client, key, upload string, p piece, f io.Reader, size int64) error {
	var sent []minio.CompletePart
	for left := size; ; {
		number := len(sent) + 1
		done, err := client.PutObjectPart(ctx, s.place.Bucket, key, upload, number, bytes.NewReader(p.data), int64(len(p.data)),
			minio.PutObjectPartOptions{Md5Base64: p.md5Base64, Sha256Hex: p.sha256, DisableContentSha256: true})
		if err != nil {
			return err
		}
		sent = append(sent, minio.CompletePart{PartNumber: number, ETag: done.ETag})
		if left -= int64(len(p.data)); left == 0 {
			break
		}
		next := p.data[:min(int64(cap(p.data)), left)]
		if _, err := io.ReadFull(f, next); err != nil {
			return err
		}
		p = newPiece(next)
	}
	_, err := client.CompleteMultipartUpload(ctx, s.place.Bucket, key, upload, sent, minio.PutObjectOptions{})
	return err
}
