"""Work that the pages start as processes of their own: it reads its orders from arguments and reports through files."""
