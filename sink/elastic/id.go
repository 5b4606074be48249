package elastic

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode"
	"unicode/utf8"

	"github.com/millrace/millrace/sink/table"
)

const (
	maxID    = 512 // bytes, by the servers
	idPrefix = 64  // how much of an id is left readable that is longer, in bytes

	separator = ','
	escape    = '~'
)

// appendID appends the id of the row's document: see the package's comment for its form.
func appendID[T any](dst []byte, keys []table.Column[T], row T) []byte {
	start := len(dst)
	for i := range keys {
		if i > 0 {
			dst = append(dst, separator)
		}
		if keys[i].Type() == table.TextType {
			dst = appendIDText(dst, keys[i].Text(row))
		} else {
			at := len(dst)
			if dst = keys[i].Append(dst, row); len(dst) == at { // no bytes
				dst = append(dst, escape)
			}
		}
	}
	if len(dst)-start <= maxID {
		return dst
	}
	sum := sha256.Sum256(dst[start:])
	cut := start + idPrefix
	for !utf8.RuneStart(dst[cut]) {
		cut--
	}
	// An escape character is never followed by another in an id that is whole.
	return hex.AppendEncode(append(dst[:cut], escape, escape), sum[:])
}

// appendIDText writes text such that it can be told from every other and from the separator.
func appendIDText(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, escape)
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if keepsInID(r, size) {
			dst = append(dst, text[i:i+size]...)
		} else {
			for _, b := range []byte(text[i : i+size]) {
				dst = append(dst, escape, hexDigits[b>>4], hexDigits[b&15])
			}
		}
		i += size
	}
	return dst
}

const hexDigits = "0123456789ABCDEF"

func keepsInID(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size == 1: // not UTF-8
		return false
	case r >= utf8.RuneSelf:
		return unicode.IsPrint(r)
	case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9':
		return true
	}
	switch r {
	case '-', '_', '.', ':', '@', '+', '=':
		return true
	}
	return false
}
