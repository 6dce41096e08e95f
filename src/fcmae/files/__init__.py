"""Files that are whole or absent, and a record of which of them are ours."""
