package pebble

// Pebble's table writer does not take an empty key. So a key of n zero bytes, the empty one among them, is stored with n+1; all others are stored as
// they are. No key lies between the two, so the order stays, and no two keys meet.

var zeros [64]byte

// storedKey returns the key that stands for key in Pebble, which may be key itself or shared memory; it must not be changed.
func storedKey(key []byte) []byte {
	if !allZero(key) {
		return key
	}
	if len(key) < len(zeros) {
		return zeros[:len(key)+1]
	}
	return make([]byte, len(key)+1)
}

// userKey is the reverse of storedKey.
func userKey(stored []byte) []byte {
	if allZero(stored) {
		return stored[:len(stored)-1]
	}
	return stored
}

func allZero(key []byte) bool {
	for _, b := range key {
		if b != 0 {
			return false
		}
	}
	return true
}
