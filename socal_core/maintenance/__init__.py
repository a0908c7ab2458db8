"""Operation on a server: what is wrong with it, its log, backups."""
