package data

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
)

// numbered is how Hugging Face names the files of a set, such as train-00000-of-00002.parquet.
var numbered = regexp.MustCompile(`^(.*-)(\d{5})-of-(\d{5})(\..*)?$`)

// missing is the first file that the names of others promise, which the pattern asks for, and which is not there; "" if there is none.
// With a last path, files after that one do not matter.
func missing(pattern string, paths []string, last string) string {
	there, seen := map[string]bool{}, map[string]bool{}
	for _, path := range paths {
		there[path] = true
	}
	for _, path := range paths {
		parts := numbered.FindStringSubmatch(path)
		if parts == nil || seen[parts[1]+parts[3]+parts[4]] {
			continue
		}
		seen[parts[1]+parts[3]+parts[4]] = true
		count, err := strconv.Atoi(parts[3])
		if err != nil {
			continue // five digits always are a number
		}
		for i := range count {
			name := fmt.Sprintf("%s%05d-of-%s%s", parts[1], i, parts[3], parts[4])
			asked, err := filepath.Match(filepath.Base(pattern), filepath.Base(name))
			if err == nil && asked && !there[name] && (last == "" || name < last) {
				return name
			}
		}
	}
	return ""
}
