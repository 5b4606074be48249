// Package sealed is for JSON documents that hold their own checksum: a field with the SHA-256 of the document in which that field is 64 zeros.
package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Length is that of a checksum in hexadecimal digits.
const Length = 2 * sha256.Size

var unset = strings.Repeat("0", Length)

// Encode sets the document's checksum, which sum points to, and returns its bytes. The checksum's field comes before any text of the document's own.
func Encode(document any, sum *string) ([]byte, error) {
	*sum = unset
	b, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	*sum = Sum(b)
	return bytes.Replace(b, []byte(unset), []byte(*sum), 1), nil
}

// Matches reports whether b is what Encode returned with this checksum.
func Matches(b []byte, sum string) bool {
	return len(sum) == Length && Sum(bytes.Replace(b, []byte(sum), []byte(unset), 1)) == sum
}

// Sum is the SHA-256 of b in hexadecimal digits.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
