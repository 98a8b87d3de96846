"""The services that Bourse brings along, for whoever sets no `DATABASE_URL` or `REDIS_URL`."""
