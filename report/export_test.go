package report

// WriteTables is what Build does of the tables alone, without drawing figures.
func WriteTables(dir string) error {
	r, err := openRun(dir)
	if err != nil {
		return err
	}
	return r.writeTables()
}

// ShareWithin is a share of so many images with its interval, as sentences have it.
var ShareWithin = shareWithin
