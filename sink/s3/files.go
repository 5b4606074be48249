package s3

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/millrace/millrace/internal/bucket"
)

// Files are the objects of a location, for readers. Names are below the location; what is deeper than one level is left out. Of the options only those about
// credentials matter. The context bounds all that is done with them.
func Files(ctx context.Context, l Location, options ...Option) (fs.FS, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	var s settings
	for _, o := range options {
		o(&s)
	}
	client, err := bucket.Connect(ctx, l, s.access)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, client.Close)
	return objectFS{ctx, client, l}, nil
}

// objectFS is a read-only file system of one directory. A file system's methods take no context, so it keeps that of Files.
type objectFS struct {
	ctx    context.Context
	client *bucket.Client
	place  Location
}

func (f objectFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	o, err := f.client.Client.GetObject(f.ctx, f.place.Bucket, f.place.Key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: bucket.Classify(err)}
	}
	info, err := o.Stat()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.Join(bucket.Classify(err), o.Close())}
	}
	return file{o, objectInfo{info}}, nil
}

// ReadDir implements fs.ReadDirFS.
func (f objectFS) ReadDir(name string) (entries []fs.DirEntry, err error) {
	if name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	prefix := f.place.Key("")
	for o := range f.client.Client.ListObjectsIter(f.ctx, f.place.Bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if o.Err != nil {
			return nil, bucket.Classify(o.Err)
		}
		if name := strings.TrimPrefix(o.Key, prefix); name != "" && !strings.Contains(name, "/") {
			entries = append(entries, fs.FileInfoToDirEntry(objectInfo{o}))
		}
	}
	return entries, nil
}

// file is an object that is read; it can be read at any place.
type file struct {
	*minio.Object
	info objectInfo
}

func (f file) Stat() (fs.FileInfo, error) { return f.info, nil }

type objectInfo struct{ object minio.ObjectInfo }

func (i objectInfo) Name() string       { return path.Base(i.object.Key) }
func (i objectInfo) Size() int64        { return i.object.Size }
func (i objectInfo) Mode() fs.FileMode  { return 0o444 }
func (i objectInfo) ModTime() time.Time { return i.object.LastModified }
func (i objectInfo) IsDir() bool        { return false }
func (i objectInfo) Sys() any           { return nil }
