"""Why a member owes what he owes."""
