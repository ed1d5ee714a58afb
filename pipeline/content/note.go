package content

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"upi/pipeline/atomicfile"
)

// A note is what was found out about a file, as it lies beside the hashes. [Hasher.Forget] drops it with the file.
type note struct {
	Path  string          `json:"path"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// Noted decodes what was noted under a key into the value that into points to, and says whether there is such a note.
func (h *Hasher) Noted(key string, into any) bool {
	if h.dir == "" {
		return false
	}
	var n note
	text, err := os.ReadFile(h.notePath(key))
	return err == nil && json.Unmarshal(text, &n) == nil && n.Key == key && json.Unmarshal(n.Value, into) == nil
}

// Note keeps a value under a key, which is to say all that the value depends on, for as long as the file or directory at path is there.
// Where that fails, the value is merely found out again.
func (h *Hasher) Note(path, key string, value any) {
	if h.dir == "" {
		return
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return
	}
	text, err := json.Marshal(note{Path: path, Key: key, Value: encoded})
	if err == nil && os.MkdirAll(h.dir, 0o777) == nil {
		_ = atomicfile.WriteFile(h.notePath(key), text)
	}
}

func (h *Hasher) notePath(key string) string {
	name := sha256.Sum256([]byte("note " + key))
	return filepath.Join(h.dir, hex.EncodeToString(name[:16])+".json")
}
