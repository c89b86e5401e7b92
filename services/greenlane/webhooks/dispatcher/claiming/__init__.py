"""Which deliveries this dispatcher sends next."""
