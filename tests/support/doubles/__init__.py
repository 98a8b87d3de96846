"""Stand-ins for others' servers, spoken to over loopback by the same clients that speak to the real ones."""
