"""The life of a run: context, lock, signals, clock, transaction, audit rows, artifact, events."""
