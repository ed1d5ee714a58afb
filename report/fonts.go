package report

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// liberation is the typeface that figures are lettered in; it comes with the program, and has the Latin, Greek, Cyrillic and Hebrew scripts.
const liberation = "Liberation"

// fontFolders are where systems keep their fonts.
var fontFolders = []string{"/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts", "/System/Library/Fonts"}

// largestFont bounds a file that is read to look for letters, in bytes: those of Chinese, Japanese and Korean have about 20 MB.
const largestFont = 64 << 20

// fonts looks for typefaces that have letters which liberation lacks. It is safe for concurrent use.
type fonts struct {
	mu      sync.Mutex
	folders []string
	listed  bool
	files   []string
	// loaded are the system's fonts that a text was lettered in, by their typefaces, which are the names of their files.
	loaded map[font.Typeface]*opentype.Font
	// found is the typeface of a text, empty where no font has all of its letters.
	found map[string]font.Typeface
}

// lettering is that of the process.
var lettering = &fonts{folders: fontFolders}

// fontOf is the font in which a text is lettered: the first that has all of its letters. Where none does, the letters that are missing
// show as boxes; legible tells.
func fontOf(text string, size vg.Length) font.Font {
	typeface, ok := lettering.typeface(text)
	if !ok || typeface == liberation {
		return font.Font{Typeface: liberation, Variant: "Sans", Size: size}
	}
	return font.Font{Typeface: typeface, Size: size}
}

// legible says whether a figure can show a text: it is written from left to right in letters that stand beside each other, and some font
// has them all.
func legible(text string) bool {
	_, ok := lettering.typeface(text)
	return ok
}

// joined are scripts whose letters change with their neighbours or are stacked, which figures cannot do, or which run from right to left.
var joined = []*unicode.RangeTable{unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Mongolian, unicode.Devanagari,
	unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam,
	unicode.Sinhala, unicode.Thai, unicode.Lao, unicode.Tibetan, unicode.Myanmar, unicode.Khmer, unicode.Mn, unicode.Me, unicode.Cf}

func (f *fonts) typeface(text string) (font.Typeface, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if typeface, known := f.found[text]; known {
		return typeface, typeface != ""
	}
	if f.found == nil {
		f.found, f.loaded = map[string]font.Typeface{}, map[font.Typeface]*opentype.Font{}
	}
	typeface := f.look(text)
	f.found[text] = typeface
	return typeface, typeface != ""
}

func (f *fonts) look(text string) font.Typeface {
	for _, r := range text {
		if unicode.In(r, joined...) {
			return ""
		}
	}
	sans := font.Font{Typeface: liberation, Variant: "Sans"}
	if own := font.DefaultCache.Lookup(sans, 1).Face; own != nil && has(own, text) {
		return liberation
	}
	for name, known := range f.loaded {
		if has(known, text) {
			return name
		}
	}
	f.list()
	for _, path := range f.files {
		name := font.Typeface(path)
		if _, known := f.loaded[name]; known {
			continue
		}
		if parsed := readFont(path); parsed != nil && has(parsed, text) {
			f.loaded[name] = parsed
			font.DefaultCache.Add(font.Collection{{Font: font.Font{Typeface: name}, Face: parsed}})
			return name
		}
	}
	return ""
}

// list finds the system's font files once, the plain ones of a family first.
func (f *fonts) list() {
	if f.listed {
		return
	}
	f.listed = true
	home, _ := os.UserHomeDir()
	for _, folder := range f.folders {
		if rest, ok := strings.CutPrefix(folder, "~"); ok {
			folder = home + rest
		}
		filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.Contains([]string{".ttf", ".otf", ".ttc", ".otc"}, strings.ToLower(filepath.Ext(path))) {
				return nil // a folder that cannot be read has no font for us
			}
			if info, err := d.Info(); err == nil && info.Size() <= largestFont {
				f.files = append(f.files, path)
			}
			return nil
		})
	}
	fancy := func(path string) int {
		name := strings.ToLower(filepath.Base(path))
		rank := 0
		for _, word := range []string{"bold", "italic", "oblique", "light", "serif", "mono", "condensed", "thin", "black"} {
			if strings.Contains(name, word) {
				rank++
			}
		}
		return rank
	}
	slices.SortStableFunc(f.files, func(a, b string) int {
		if order := fancy(a) - fancy(b); order != 0 {
			return order
		}
		return strings.Compare(a, b)
	})
}

// readFont returns nil for what cannot be read as a font.
func readFont(path string) *opentype.Font {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	all, err := sfnt.ParseCollection(content)
	if err != nil || all.NumFonts() == 0 {
		return nil
	}
	first, err := all.Font(0)
	if err != nil {
		return nil
	}
	return first
}

// has says whether a font has an outline for every letter of a text. Fonts of coloured pictures, as of emoji, have none.
func has(f *opentype.Font, text string) bool {
	var b sfnt.Buffer
	for _, r := range text {
		i, err := f.GlyphIndex(&b, r)
		if err != nil || i == 0 {
			return false
		}
		if outline, err := f.LoadGlyph(&b, i, fixed.I(16), nil); err != nil || len(outline) == 0 && !unicode.IsSpace(r) {
			return false
		}
	}
	return true
}
