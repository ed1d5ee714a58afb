package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/results"
)

// dejavu has letters that Liberation lacks, such as the playing cards.
const dejavu = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

// TestTypefaces: the program's own typeface where it has all letters, one of the system's where that has, and none for letters that are
// joined or run from right to left, or that no font has.
func TestTypefaces(t *testing.T) {
	folder := t.TempDir()
	if content, err := os.ReadFile(dejavu); err == nil {
		if err := os.WriteFile(filepath.Join(folder, "DejaVuSans.ttf"), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "damaged.ttf"), []byte("not a font"), 0o666); err != nil {
		t.Fatal(err)
	}
	f := &fonts{folders: []string{folder, filepath.Join(folder, "none")}}
	for text, want := range map[string]string{
		"seven": liberation, "Grün ± σ Щука": liberation, "قط": "", "חתול": "", "ไก่": "", "\U000F0000": "", "🂡": "DejaVuSans.ttf",
	} {
		typeface, ok := f.typeface(text)
		if want == "DejaVuSans.ttf" {
			if _, err := os.Stat(dejavu); err != nil {
				continue
			}
		}
		if ok != (want != "") || !strings.HasSuffix(string(typeface), want) {
			t.Errorf("%s: typeface %q, want %q", text, typeface, want)
		}
	}
}

// TestUnletteredClasses: a class whose name cannot be drawn is drawn as its number, and the caption, which browsers have letters for, tells
// the name.
func TestUnletteredClasses(t *testing.T) {
	e := results.Example{Label: 3, LabelName: "قط", CleanPrediction: 3, CleanName: "قط", PerturbedPrediction: 5, PerturbedName: "dog"}
	if got := drawnClass(e.Label, e.LabelName); got != "3" {
		t.Errorf("drawn as %q, want 3", got)
	}
	if got := drawnClass(e.PerturbedPrediction, e.PerturbedName); got != "5 (dog)" {
		t.Errorf("drawn as %q, want 5 (dog)", got)
	}
	if got := unlettered(e); !strings.HasSuffix(got, "by their numbers: 3 (قط).") {
		t.Errorf("the caption says %q", got)
	}
}
