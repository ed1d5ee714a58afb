package report

// WriteTables is what Build does of the tables alone, without drawing figures.
func WriteTables(dir string) error {
	r, err := openRun(dir)
	if err != nil {
		return err
	}
	return r.writeTables()
}
