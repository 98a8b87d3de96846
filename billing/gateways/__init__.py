"""Payment providers: the sandbox moves test money. The only place that may import a provider's SDK."""
