"""The types of the API's request and answer bodies; each type is used to read, check and document."""
