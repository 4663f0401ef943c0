"""Everything that touches storage: sessions, reading, the gate, publishing, the manifest. No rule, no arithmetic on
money."""
