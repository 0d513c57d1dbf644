"""What rules say of themselves, one file a format: for people in a terminal, for other programs, for documents."""
