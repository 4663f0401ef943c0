"""Everything that touches storage: sessions, reading, the gate, publishing, the manifest; and the sums and look-ups
over stored rows that `jobs.settlement` is given."""
