"""Training: models fitted on weeks of history, by a child process that exits. The parent imports no scikit-learn."""
